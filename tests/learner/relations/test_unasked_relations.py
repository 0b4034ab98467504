"""A relation that a document was not asked for is neither there nor not there: in the loss and in the scores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from biorat_al.corpus.model.document import Disputed, Relation
from biorat_al.corpus.model.unasked import Unasked
from biorat_al.learner.encoder.device import Device
from biorat_al.learner.encoder.encoder import Encoder
from biorat_al.learner.encoder.windows import SomeWindows
from biorat_al.learner.entities.scoring import Counts
from biorat_al.learner.relations.batching import (
    NONE,
    RelationBatch,
    asked_only,
    class_logits,
    encode_relations,
    make_relation_batch,
)
from biorat_al.learner.relations.candidates import label_candidates
from biorat_al.learner.relations.network import RelationNetwork
from biorat_al.learner.relations.scoring import score_relations
from biorat_al.learner.relations.training import train_relations
from biorat_al.learner.training.embedding_tap import EmbeddingTap
from biorat_al.learner.types import Example
from biorat_al.settings import AdversarialSettings, TrainingSettings
from tests.learner.jobs import trained
from tests.learner.relations.factories import CAUSES, SETTINGS, TREATS, TYPES, related_examples

NO_CAUSES = Unasked(relations=frozenset({"causes"}))
WEIGHTS = np.array([1.0, 0.5, 2.0], dtype=np.float32)


def before_causes(example: Example) -> Example:
    """Return the same document, annotated when the project had one relation label only."""
    relations = tuple(one for one in example.relations if one.label != "causes")
    return replace(example, relations=relations, unasked=NO_CAUSES)


def test_a_pair_without_a_relation_may_have_the_one_that_was_not_asked_for() -> None:
    for example in map(before_causes, related_examples(6)):
        found = label_candidates(example, TYPES, SETTINGS)
        assert [names for names, target in zip(found.unasked, found.targets, strict=True) if target is None] == [
            ("causes",) for target in found.targets if target is None
        ]
        assert not any(names for names, target in zip(found.unasked, found.targets, strict=True) if target)
        assert not any(found.masked)
        everything = label_candidates(replace(example, unasked=Unasked()), TYPES, SETTINGS)
        assert not any(everything.unasked)
        assert everything == replace(found, unasked=everything.unasked)


def test_a_pair_that_can_have_nothing_else_is_left_out_of_the_loss(encoder: Encoder) -> None:
    examples = related_examples(4)
    early = encode_relations([before_causes(one) for one in examples], encoder.tokenizer, [CAUSES], SETTINGS)
    assert (len(early.rows), early.unasked, early.masked) == (0, 12, 0)
    known = encode_relations(examples, encoder.tokenizer, [CAUSES], SETTINGS)
    assert (len(known.rows), known.unasked) == (12, 0)


@pytest.fixture
def batch(encoder: Encoder, cpu: Device) -> RelationBatch:
    """Return candidates of documents from before and after the label came."""
    examples = [before_causes(one) if number % 2 else one for number, one in enumerate(related_examples(6))]
    encoded = encode_relations(examples, encoder.tokenizer, TYPES, SETTINGS)
    return make_relation_batch(encoded.rows, WEIGHTS, encoder.tokenizer, cpu)


def test_the_loss_and_its_gradient_are_those_of_the_marginal_likelihood(batch: RelationBatch) -> None:
    assert batch.possible is not None
    open_ = batch.possible.sum(dim=1) > 1
    assert 0 < int(open_.sum()) < len(open_)
    start = torch.randn(len(batch.ids), 3, generator=torch.Generator().manual_seed(3))
    ours, by_hand = start.clone().requires_grad_(), start.clone().requires_grad_()
    total = torch.zeros(())
    for row, target in enumerate(batch.targets.tolist()):
        p = by_hand[row].softmax(dim=0)
        total = total - WEIGHTS[target].item() * (p[NONE] + p[2] if open_[row] else p[target]).log()
    loss, expected = batch.loss(ours[:, None, None]), total / len(batch.ids)
    torch.testing.assert_close(loss, expected)
    loss.backward()
    expected.backward()
    assert ours.grad is not None
    assert by_hand.grad is not None
    torch.testing.assert_close(ours.grad, by_hand.grad)
    # what was asked for is taught to be absent, and of the other two neither against the other
    assert (ours.grad[open_, 1] > 0).all()
    assert (ours.grad[open_][:, [NONE, 2]] < 0).all()


def test_the_loss_of_one_pair_by_hand(batch: RelationBatch) -> None:
    assert batch.possible is not None
    row = int(torch.nonzero(batch.possible.sum(dim=1) > 1)[0])
    chosen = np.arange(len(batch.ids)) == row
    one = batch.take(SomeWindows.of(batch.ids, batch.lengths, chosen))
    loss = one.loss(torch.tensor([[[[1.0, 0.0, 1.0]]]]))
    assert float(loss) == pytest.approx(0.1689, abs=1e-4)  # log(2e + 1) - log(2e)


def test_a_batch_in_which_everything_was_asked_for_has_the_same_loss_bit_for_bit(
    encoder: Encoder, cpu: Device, batch: RelationBatch
) -> None:
    rows = encode_relations(related_examples(6), encoder.tokenizer, TYPES, SETTINGS).rows
    plain = make_relation_batch(rows, WEIGHTS, encoder.tokenizer, cpu)
    assert plain.possible is None
    logits = torch.randn(len(plain.ids), 1, 1, 3, generator=torch.Generator().manual_seed(3))
    certain = plain._replace(possible=torch.eye(3, dtype=torch.bool)[plain.targets])
    torch.testing.assert_close(certain.loss(logits), plain.loss(logits))


def test_gradients_by_the_word_vectors_stay_finite(encoder: Encoder, batch: RelationBatch) -> None:
    network = RelationNetwork(encoder.network(), 3)
    network.initialise_head(torch.Generator().manual_seed(0))
    with EmbeddingTap(network.word_embedding) as tap:
        tap.listen = True
        batch.loss(batch.scores(network)).backward()
        gradient = tap.gradient()
    assert torch.isfinite(gradient).all()
    assert gradient.any()


def test_on_the_development_part_a_label_that_was_not_asked_for_is_not_proposed(encoder: Encoder, cpu: Device) -> None:
    rows = encode_relations(
        [before_causes(one) for one in related_examples(4)], encoder.tokenizer, TYPES, SETTINGS
    ).rows
    network = RelationNetwork(encoder.network(), 3)
    network.initialise_head(torch.Generator().manual_seed(0))
    with torch.no_grad():
        network.head.bias[2] = 50.0
    network.eval()
    found = class_logits(network, asked_only(rows), encoder.tokenizer, cpu).argmax(axis=1)
    open_ = np.array([row.possible is not None for row in rows])
    assert (class_logits(network, rows, encoder.tokenizer, cpu).argmax(axis=1) == 2).all()
    assert (found[open_] != 2).all()
    assert (found[~open_] == 2).all()


QUICK: dict[str, Any] = {
    "types": TYPES,
    "training": TrainingSettings(min_steps=4),
    "relations": SETTINGS.model_copy(update={"epochs": 1}),
    "adversarial": AdversarialSettings(probability=0.5),
    "seed": 13,
}


@pytest.fixture
def run(encoder: Encoder, tmp_path: Path, cpu: Device) -> Callable[..., Any]:
    def run(examples: list[Example], arm: str = "rat") -> Any:
        return trained(train_relations, examples, encoder=encoder, arm=arm, folder=tmp_path, device=cpu, **QUICK)  # type: ignore[arg-type]

    return run


@pytest.mark.slow
@pytest.mark.parametrize("arm", ["none", "rat"])
def test_where_everything_was_asked_for_the_weights_have_the_same_bits(run: Callable[..., Any], arm: str) -> None:
    examples = related_examples(24)
    plain = run(examples, arm)
    other = run([replace(one, unasked=Unasked(frozenset({"Gene"}), frozenset({"cures"}))) for one in examples], arm)
    assert (other["sha256"], other["training_data_sha256"]) == (plain["sha256"], plain["training_data_sha256"])
    some = run([before_causes(one) if number % 2 else one for number, one in enumerate(examples)], arm)
    assert some["sha256"] != plain["sha256"]
    assert some["training_data_sha256"] != plain["training_data_sha256"]
    assert "unasked_candidates" not in some


# scores


def counted(example: Example, *relations: Relation) -> dict[str, Counts]:
    return dict(score_relations({"d": example}, {"d": (example.entities, relations)}, TYPES, "mention").by_label)


def test_a_relation_that_was_not_asked_for_is_counted_on_neither_side() -> None:
    example = next(one for one in related_examples(9) if {r.label for r in one.relations} == {"treats", "causes"})
    causes = next(one for one in example.relations if one.label == "causes")
    early = before_causes(example)
    assert counted(early, *example.relations)["causes"] == Counts()
    assert counted(early, replace(causes, head=causes.tail, tail=causes.head))["causes"] == Counts()
    assert counted(early)["treats"] == Counts(0, 0, len(early.relations))
    assert counted(replace(early, relations=example.relations))["causes"] == Counts()
    assert counted(replace(early, unasked=Unasked()), causes)["causes"] == Counts(0, 1, 0)


def test_a_relation_with_an_end_that_was_not_asked_for_is_not_wrong() -> None:
    example = related_examples(1)[0]
    drug, pain = example.entities[:2]
    said = Relation("R", TREATS.name, drug.id, pain.id)
    without = replace(example, entities=(pain,), relations=(), unasked=Unasked(labels=frozenset({"Chemical"})))
    predicted = {"d": ((drug, pain), (said,))}
    assert score_relations({"d": without}, predicted, TYPES, "mention").overall == Counts()
    asked = replace(without, unasked=Unasked(), disputed=Disputed())
    assert score_relations({"d": asked}, predicted, TYPES, "mention").overall == Counts(0, 1, 0)
