from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
import torch

from biorat_al.learner.encoder.device import Device
from biorat_al.learner.encoder.encoder import Encoder
from biorat_al.learner.encoder.windows import SomeWindows
from biorat_al.learner.relations.batching import (
    FORBIDDEN,
    NONE,
    EncodedRelations,
    RelationBatch,
    class_logits,
    encode_relations,
    make_relation_batch,
    relation_order,
)
from biorat_al.learner.relations.network import RelationNetwork
from biorat_al.learner.training.embedding_tap import EmbeddingTap
from biorat_al.learner.training.job import TrainingJob
from biorat_al.learner.training.loop import Loop
from biorat_al.settings import AdversarialSettings, Arm, RelationType, TrainingSettings
from tests.learner.relations.factories import SETTINGS, TYPES, related_examples

WEIGHTS = np.array([1.0, 0.5, 2.0], dtype=np.float32)


@pytest.fixture
def encoded(encoder: Encoder) -> EncodedRelations:
    return encode_relations(related_examples(4), encoder.tokenizer, TYPES, SETTINGS)


@pytest.fixture
def relation_network(encoder: Encoder) -> RelationNetwork:
    network = RelationNetwork(encoder.network(), 3)
    network.initialise_head(torch.Generator().manual_seed(0))
    return network.eval()


@pytest.fixture
def relation_batch(encoded: EncodedRelations, encoder: Encoder, cpu: Device) -> RelationBatch:
    return make_relation_batch(encoded.rows[:6], WEIGHTS, encoder.tokenizer, cpu)


def test_candidates_carry_the_class_of_their_relation(encoded: EncodedRelations) -> None:
    expected = [
        {"treats": 1, "causes": 2}.get(
            next((r.label for r in example.relations if (r.head, r.tail) == (f"T{n}", f"T{n + 1}")), ""), NONE
        )
        for example in related_examples(4)
        for n in (1, 3, 5)
    ]
    assert encoded.targets.tolist() == expected
    assert encoded.relations == sum(len(example.relations) for example in related_examples(4))


def test_what_is_no_candidate_counts_as_a_relation_all_the_same(encoder: Encoder) -> None:
    only_causes = encode_relations(related_examples(4), encoder.tokenizer, TYPES[1:], SETTINGS)
    treated = sum(r.label == "treats" for example in related_examples(4) for r in example.relations)
    assert only_causes.counts == {"other_label": treated}
    assert only_causes.relations == sum(len(example.relations) for example in related_examples(4))


def test_the_places_of_the_markers_are_those_of_the_padded_rows(
    relation_batch: RelationBatch, encoded: EncodedRelations, encoder: Encoder
) -> None:
    before = len(encoder.tokenizer.before)
    for n, row in enumerate(encoded.rows[:6]):
        length = len(row.pair.ids)
        assert relation_batch.ids[n, before : before + length].tolist() == row.pair.ids.tolist()
        assert relation_batch.ids[n, relation_batch.heads[n]] == row.pair.ids[row.pair.head]
        assert relation_batch.ids[n, relation_batch.tails[n]] == row.pair.ids[row.pair.tail]
        inside = relation_batch.inside[n]
        assert inside[before : before + length].tolist() == row.pair.inside.tolist()
        assert int(inside.sum()) == row.pair.inside.sum() < length


def test_a_label_that_the_types_do_not_permit_has_no_probability(
    encoder: Encoder, relation_network: RelationNetwork, cpu: Device
) -> None:
    other = RelationType(name="other", head="Disease", tail="Chemical")
    rows = encode_relations(related_examples(2), encoder.tokenizer, [*TYPES[:1], other], SETTINGS).rows
    logits = class_logits(relation_network, rows, encoder.tokenizer, cpu)
    permitted = np.stack([row.permitted for row in rows])
    assert permitted[:, NONE].all()
    assert (permitted.sum(axis=1) == 2).all()
    assert (logits[~permitted] == FORBIDDEN).all()
    assert (np.abs(logits[permitted]) < 10).all()
    probability = torch.from_numpy(logits).softmax(dim=1).numpy()
    assert (probability[~permitted] == 0).all()


def test_the_loss_is_the_weighted_mean_over_the_pairs(
    relation_batch: RelationBatch, relation_network: RelationNetwork
) -> None:
    logits = relation_batch.scores(relation_network)
    assert logits.shape == (6, 1, 1, 3)
    log_p = logits[:, 0, 0].log_softmax(dim=-1)
    terms = [-WEIGHTS[y] * float(log_p[n, y].detach()) for n, y in enumerate(relation_batch.targets.tolist())]
    assert float(relation_batch.loss(logits).detach()) == pytest.approx(sum(terms) / 6, rel=1e-5)


def test_a_part_of_a_batch_is_the_batch_of_these_pairs(
    relation_batch: RelationBatch, relation_network: RelationNetwork, encoded: EncodedRelations, encoder: Encoder,
    cpu: Device,
) -> None:  # fmt: skip
    chosen = np.array([False, True, False, True, True, False])
    part = relation_batch.take(SomeWindows.of(relation_batch.ids, relation_batch.lengths, chosen))
    direct = make_relation_batch([encoded.rows[n] for n in (1, 3, 4)], WEIGHTS, encoder.tokenizer, cpu)
    assert torch.equal(part.ids, direct.ids)
    for name in ("inside", "words", "heads", "tails", "permitted", "targets"):
        assert torch.equal(getattr(part, name), getattr(direct, name)), name
    torch.testing.assert_close(part.scores(relation_network), direct.scores(relation_network))


def test_an_epoch_has_all_relations_and_so_many_others_drawn_anew() -> None:
    related = np.arange(40) % 4 == 0
    lengths = list(range(40))
    order = relation_order(lengths, related, 15, 5, seed=3)
    epochs = [[n for batch in islice(order, 5) for n in batch] for _ in range(3)]
    for epoch in epochs:
        assert len(set(epoch)) == 25
        assert set(np.flatnonzero(related)) <= set(epoch)
    assert len({frozenset(epoch) for epoch in epochs}) == 3
    assert [n for batch in islice(relation_order(lengths, related, 15, 5, seed=3), 5) for n in batch] == epochs[0]


def _steps(encoder: Encoder, arm: Arm, batch: RelationBatch, **adversarial: object) -> Loop:
    network = RelationNetwork(encoder.network(), 3)
    network.initialise_head(torch.Generator().manual_seed(0))
    settings = AdversarialSettings.model_validate({"epsilon": 0.5} | adversarial)
    loop = Loop(
        network,
        TrainingJob(
            encoder=encoder,
            arm=arm,
            training=TrainingSettings(batch_size=6),
            adversarial=settings,
            seed=7,
            device=Device("cpu", bf16=False),
        ),
    )
    network.train()
    with EmbeddingTap(network.word_embedding) as tap:
        for _ in range(3):
            loop.step(batch, tap)
    return loop


def _same(one: Loop, other: Loop) -> bool:
    pairs = zip(one.network.state_dict().values(), other.network.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.slow
@pytest.mark.parametrize("attack", ["single-step", "pgd", "freelb", "vat"])
@pytest.mark.parametrize("draw", ["batch", "example"])
def test_the_arms_are_those_of_the_entities(
    encoder: Encoder, relation_batch: RelationBatch, attack: str, draw: str
) -> None:
    plain = _steps(encoder, "none", relation_batch)
    assert _same(_steps(encoder, "rat", relation_batch, probability=0.0, attack=attack, draw=draw), plain)
    full = _steps(encoder, "at", relation_batch, attack=attack)
    assert _same(_steps(encoder, "rat", relation_batch, probability=1.0, attack=attack, draw=draw), full)
    assert not _same(plain, full)
    assert full.outcome.adversarial_steps == 3
    some = _steps(encoder, "rat", relation_batch, probability=0.5, attack=attack, draw="example")
    assert plain.outcome.cost.passes < some.outcome.cost.passes < full.outcome.cost.passes


def test_markers_are_never_perturbed(encoder: Encoder, relation_batch: RelationBatch) -> None:
    network = RelationNetwork(encoder.network(), 3).eval()
    seen = []
    loop = Loop(
        network,
        TrainingJob(
            encoder=encoder,
            arm="at",
            training=TrainingSettings(),
            adversarial=AdversarialSettings(),
            seed=7,
            device=Device("cpu", bf16=False),
        ),
    )
    with EmbeddingTap(network.word_embedding) as tap:
        network.base.embeddings.word_embeddings.register_forward_hook(lambda *_: seen.append(tap.shift))
        loop.step(relation_batch, tap)
    shift = next(one for one in seen if one is not None)
    assert (shift[~relation_batch.inside] == 0).all()
    assert (shift[relation_batch.inside].abs().sum(dim=-1) > 0).any()
