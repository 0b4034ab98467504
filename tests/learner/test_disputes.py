"""What annotators disagree on is neither there nor not there: in the tags, in the loss and in the scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from biorat_al.corpus.model.document import Disputed, Document, Entity, Span
from biorat_al.corpus.model.identity import mention_key
from biorat_al.learner.counts import Counts
from biorat_al.learner.disputes import Undecided
from biorat_al.learner.encoder.device import Device
from biorat_al.learner.encoder.encoder import Encoder
from biorat_al.learner.entities.batching import encode_part, make_batch
from biorat_al.learner.entities.encoding import IGNORED, B, I, O, encode_tags
from biorat_al.learner.entities.fitting import fitted_scaling
from biorat_al.learner.entities.network import TaggingNetwork, tagging_loss
from biorat_al.learner.entities.scoring import Bin, reliability, score
from biorat_al.learner.entities.tagger import Tagger
from biorat_al.learner.perturbed_documents import CONDITIONS, perturbed
from biorat_al.learner.scaling import OF_ONE_MODEL
from biorat_al.learner.types import Example
from biorat_al.settings import TrainingSettings
from tests.learner.training.factories import LABELS, attack_gradients, clean_gradient, make_fit

Examples = Callable[[int], list[Example]]


def mention(start: int, end: int, label: str = "Disease", score: float | None = None) -> Entity:
    return Entity(f"{label}{start}-{end}", label, (Span(start, end),), score=score)


def word_tags(encoder: Encoder, text: str, decided: Sequence[Entity], disputed: Sequence[Entity]) -> list[list[int]]:
    """Return the tags of the words, by label."""
    (pieces,) = encoder.tokenizer([text])
    tags, counts = encode_tags(pieces, decided, LABELS, disputed)
    assert not counts
    found: list[list[int]] = tags[pieces.heads].T.tolist()
    return found


# tags


def test_a_disputed_word_is_taught_neither_as_a_mention_nor_as_outside(encoder: Encoder) -> None:
    text = "low aspirin dose pain"
    chemical = word_tags(encoder, text, [mention(17, 21, "Disease")], [mention(4, 11, "Chemical")])
    # in the chain of its own label only: nobody says that it is a Disease
    assert chemical == [[O, IGNORED, O, O], [O, O, O, B]]


def test_all_words_of_two_versions_are_masked(encoder: Encoder) -> None:
    versions = [mention(0, 11, "Chemical"), mention(4, 16, "Chemical")]
    assert word_tags(encoder, "low aspirin dose pain", [], versions)[0] == [IGNORED, IGNORED, IGNORED, O]


def test_a_decided_mention_inside_a_disputed_one_is_still_learnt(encoder: Encoder) -> None:
    decided, longer = mention(4, 11, "Chemical"), mention(0, 16, "Chemical")
    assert word_tags(encoder, "low aspirin dose pain", [decided], [longer])[0] == [IGNORED, B, IGNORED, O]


def test_the_decided_neighbour_of_a_disputed_mention_keeps_its_border(encoder: Encoder) -> None:
    decided, before = mention(4, 16, "Chemical"), mention(0, 3, "Chemical")
    assert word_tags(encoder, "low aspirin dose pain", [decided], [before])[0] == [IGNORED, B, I, O]


def test_of_a_disputed_mention_in_pieces_and_of_one_inside_a_word_whole_words_are_masked(encoder: Encoder) -> None:
    pieces = Entity("T1", "Chemical", (Span(0, 3), Span(12, 16)))
    assert word_tags(encoder, "low aspirin dose pain", [], [pieces])[0] == [IGNORED, O, IGNORED, O]
    assert word_tags(encoder, "low aspirin dose pain", [], [mention(6, 9, "Chemical")])[0] == [O, IGNORED, O, O]


def test_a_disputed_mention_that_the_model_cannot_have_masks_nothing(encoder: Encoder) -> None:
    text = "low  aspirin dose"
    assert word_tags(encoder, text, [], [mention(0, 3, "Gene"), mention(3, 4, "Chemical")]) == [[O] * 3, [O] * 3]


def test_masks_follow_long_sentences_into_every_window(encoder: Encoder) -> None:
    text = "low " * 100
    place = Span(4 * 40, 4 * 60 - 1)
    example = Example(Document("1", text), (), disputed=Disputed((Entity("T1", "Chemical", (place,)),)))
    part = encode_part([example], encoder.tokenizer, LABELS)
    rows = part.rows(30)
    assert len(rows) > 3
    learnt = sum(int((row.tags[:, 0] != IGNORED).sum()) for row in rows)
    assert learnt == 100 - 20
    assert sum(int((row.tags[:, 1] != IGNORED).sum()) for row in rows) == 100


# loss


def with_disputes(examples: Sequence[Example]) -> list[Example]:
    """Return the same documents, where one of two annotators lacks every first mention."""
    return [replace(e, entities=e.entities[1:], disputed=Disputed(e.entities[:1])) for e in examples]


def test_no_gradient_comes_from_masked_words(
    encoder: Encoder, cpu: Device, network: TaggingNetwork, make_examples: Examples
) -> None:
    part = encode_part(with_disputes(make_examples(6)), encoder.tokenizer, LABELS)
    batch = make_batch(part.rows(62), encoder.tokenizer, cpu)
    masked = batch.words[..., None] & (batch.tags == IGNORED)
    assert masked.any()
    logits = network(batch.ids, batch.mask).detach().requires_grad_()
    tagging_loss(logits, batch.tags).backward()
    assert logits.grad is not None
    assert (logits.grad[masked] == 0).all()
    assert (logits.grad[batch.tags != IGNORED] != 0).all()


def test_a_window_with_nothing_but_disputes_has_no_loss_and_no_perturbation(encoder: Encoder, cpu: Device) -> None:
    disputed = Disputed(tuple(mention(0, 16, label) for label in LABELS))
    part = encode_part([Example(Document("1", "low aspirin dose"), (), disputed=disputed)], encoder.tokenizer, LABELS)
    batch = make_batch(part.rows(62), encoder.tokenizer, cpu)
    for attack in ("single-step", "pgd", "freelb"):
        fit = make_fit(encoder, "at", dropout=False, attack=attack)
        loss, gradient = clean_gradient(fit.network, batch)
        assert loss == 0
        assert not gradient.any()
        gradients = attack_gradients(fit, batch, [True])
        assert not any(one.any() for one in gradients.values())
        assert all(torch.isfinite(one).all() for one in gradients.values())


@pytest.mark.parametrize("attack", ["single-step", "pgd", "freelb"])
def test_no_perturbation_follows_what_is_disputed(encoder: Encoder, cpu: Device, attack: str) -> None:
    """Where all words are disputed as Chemical, what the network says of that label has no part in a step."""
    text = "low aspirin dose with pain"
    masked = Disputed((mention(0, len(text), "Chemical"),))
    part = encode_part([Example(Document("1", text), (mention(22, 26),), disputed=masked)], encoder.tokenizer, LABELS)
    batch = make_batch(part.rows(62), encoder.tokenizer, cpu)
    found = []
    for factor in (1.0, -20.0):
        fit = make_fit(encoder, "at", dropout=False, attack=attack)
        with torch.no_grad():
            fit.network.head.weight[:3] *= factor
        found.append(attack_gradients(fit, batch, [True]))
    one, other = found
    assert not one["head.weight"][:3].any()
    assert one["head.weight"][3:].any()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_to_virtual_adversarial_training_a_disputed_word_is_one_without_a_label(
    encoder: Encoder, cpu: Device, make_examples: Examples
) -> None:
    examples = make_examples(4)
    batches = [
        make_batch(encode_part(some, encoder.tokenizer, LABELS).rows(62), encoder.tokenizer, cpu)
        for some in (examples, with_disputes(examples))
    ]
    assert torch.equal(batches[0].words, batches[1].words)
    assert not torch.equal(batches[0].tags, batches[1].tags)


@pytest.mark.slow
@pytest.mark.parametrize("arm", ["none", "rat"])
def test_without_disputes_the_weights_have_the_same_bits(
    run: Callable[..., Any], make_examples: Examples, arm: str
) -> None:
    examples = make_examples(24)
    plain = run(examples, arm)
    empty = run([replace(e, disputed=Disputed()) for e in examples], arm)
    assert (empty.sha256, empty.summary["training_data_sha256"]) == (
        plain.sha256, plain.summary["training_data_sha256"],
    )  # fmt: skip
    # nor does a mask of a label that the model does not have change a bit
    other = Disputed((mention(0, 3, "Gene"),))
    assert run([replace(e, disputed=other) for e in examples], arm).sha256 == plain.sha256


def test_a_dispute_changes_the_model_and_the_fingerprint_of_its_data(
    run: Callable[..., Any], make_examples: Examples
) -> None:
    masked = with_disputes(make_examples(12))
    intersection = [replace(e, disputed=Disputed()) for e in masked]
    one, other = run(masked), run(intersection)
    assert one.sha256 != other.sha256
    assert one.summary["training_data_sha256"] != other.summary["training_data_sha256"]
    assert run(masked[::-1]).sha256 == one.sha256


@pytest.mark.slow
def test_disagreement_no_longer_teaches_that_there_is_no_mention(
    run: Callable[..., Any], make_examples: Examples, cpu: Device
) -> None:
    """One of two annotators overlooks two of three chemicals: the intersection loses recall, the mask does not."""
    examples = make_examples(60)
    masked, number = [], 0
    for example in examples:
        kept, lost = [], []
        for entity in example.entities:
            number += entity.label == "Chemical"
            (lost if entity.label == "Chemical" and number % 3 else kept).append(entity)
        masked.append(replace(example, entities=tuple(kept), disputed=Disputed(tuple(lost))))
    settings = TrainingSettings(epochs=30, min_steps=120, batch_size=8, learning_rate=5e-3, patience=30)
    gold = {e.document.id: e.entities for e in examples}

    def recall(training: list[Example]) -> float:
        model = run(training, "none", training=settings)
        predictions = Tagger.load(model.folder, cpu).predict([e.document for e in examples])
        return score(gold, {p.document_id: p.entities for p in predictions}, LABELS).by_label["Chemical"].recall

    assert recall(masked) > 0.95
    assert recall([replace(example, disputed=Disputed()) for example in masked]) < 0.7


# scores


def counted(
    decided: Sequence[Entity], predicted: Sequence[Entity], disputed: Sequence[Entity], labels: Sequence[str] = LABELS
) -> Counts:
    return score({"1": decided}, {"1": predicted}, labels, {"1": disputed}).overall


def test_a_disputed_mention_counts_neither_as_found_nor_as_missed_nor_as_wrong() -> None:
    versions = [mention(0, 4), mention(0, 9)]
    assert counted([], [], versions) == Counts()
    assert counted([], versions[:1], versions) == counted([], versions, versions) == Counts()
    assert counted([mention(20, 24)], versions[:1], versions) == Counts(0, 0, 1)


def test_a_third_version_in_a_disputed_place_is_not_counted_and_another_label_is_wrong() -> None:
    assert counted([], [mention(2, 6)], [mention(0, 4)]) == Counts()
    assert counted([], [mention(0, 4, "Chemical")], [mention(0, 4)]) == Counts(0, 1, 0)
    assert counted([], [mention(4, 8)], [mention(0, 4)]) == Counts(0, 1, 0)


def test_a_decided_mention_counts_whatever_is_disputed_around_it() -> None:
    decided, longer = mention(0, 4), mention(0, 9)
    assert counted([decided], [decided], [longer]) == Counts(1, 0, 0)
    # the longer version may be right, but the decided one was missed
    assert counted([decided], [longer], [longer]) == Counts(0, 0, 1)
    # what is wrong inside a decided mention is wrong
    assert counted([decided], [mention(0, 2)], [longer]) == Counts(0, 1, 1)
    assert counted([decided], [mention(0, 2)], [mention(0, 2)]) == Counts(0, 0, 1)


def test_disputed_predictions_are_in_no_reliability_bin_and_fit_no_scaling() -> None:
    decided, open_ = mention(20, 24), mention(0, 4)
    predicted = [replace(decided, score=0.95), replace(open_, score=0.95), mention(30, 33, score=0.95)]
    bins = reliability({"1": [decided]}, {"1": predicted}, LABELS, {"1": [open_]})
    assert bins[9] == Bin(2, pytest.approx(1.9), 1)
    text, said = Document("1", "x" * 40), [replace(one, score=0.7) for one in (decided, open_)]
    masked, plain = Example(text, (decided,), disputed=Disputed((open_,))), Example(text, (decided,))
    assert (
        fitted_scaling([said], [masked], OF_ONE_MODEL)
        == fitted_scaling([said[:1]], [plain], OF_ONE_MODEL)
        != fitted_scaling([said], [plain], OF_ONE_MODEL)
    )


spans = st.tuples(st.integers(0, 8), st.integers(1, 4)).map(lambda pair: (pair[0], pair[0] + pair[1]))
mentions = st.lists(st.builds(lambda span, label: mention(*span, label), spans, st.sampled_from(LABELS)), max_size=5)


@pytest.mark.slow
@given(mentions, mentions)
def test_masking_nothing_changes_no_score(decided: list[Entity], predicted: list[Entity]) -> None:
    plain = score({"1": decided}, {"1": predicted}, LABELS)
    assert score({"1": decided}, {"1": predicted}, LABELS, {}) == plain
    assert score({"1": decided}, {"1": predicted}, LABELS, {"1": [], "2": [mention(0, 4)]}) == plain


@pytest.mark.slow
@given(mentions, mentions, mentions)
def test_documents_without_a_dispute_keep_their_counts(
    decided: list[Entity], predicted: list[Entity], disputed: list[Entity]
) -> None:
    gold, said = {"1": decided, "2": decided}, {"1": predicted, "2": predicted}
    masked = score(gold, said, LABELS, {"1": disputed})
    assert masked.by_document["2"] == score(gold, said, LABELS).by_document["2"]


@pytest.mark.slow
@given(mentions, mentions, mentions)
def test_the_masked_f1_is_at_least_that_of_the_worst_settlement_and_no_more_than_of_the_best(
    decided: list[Entity], predicted: list[Entity], disputed: list[Entity]
) -> None:
    """Of each disputed mention it is settled by itself whether it is there, for or against the model."""
    known = {mention_key(entity) for entity in decided}
    disputed = [entity for entity in disputed if mention_key(entity) not in known]
    undecided = Undecided(decided, disputed)
    said = {mention_key(entity) for entity in predicted}
    versions = {mention_key(entity) for entity in disputed}
    # a prediction that is no version of anybody is wrong in every settlement between the versions
    assume(not any(key in undecided and key not in versions for key in said))
    masked = counted(decided, predicted, disputed)
    best = counted([*decided, *(one for one in disputed if mention_key(one) in said)], predicted, [])
    worst = counted([*decided, *(one for one in disputed if mention_key(one) not in said)], predicted, [])
    assert worst.f1 <= masked.f1 <= best.f1
    assert masked.tp <= best.tp
    assert masked.fp == best.fp <= worst.fp


# robustness


@pytest.mark.parametrize("condition", CONDITIONS)
def test_disputed_mentions_move_with_the_text_and_are_cut_by_no_change(make_examples: Examples, condition: str) -> None:
    examples = with_disputes(make_examples(20))
    changed = perturbed(examples, condition, 5)
    assert any(one.document.text != other.document.text for one, other in zip(examples, changed, strict=True))
    for before, after in zip(examples, changed, strict=True):
        assert [one.label for one in after.disputed.entities] == [one.label for one in before.disputed.entities]
        for one, other in zip(before.disputed.entities, after.disputed.entities, strict=True):
            old, new = one.surface(before.document.text), other.surface(after.document.text)
            assert new
            if condition == "swap":
                assert new == old
            if condition == "case":
                assert new.casefold() == old.casefold()


def test_a_mention_that_crosses_a_disputed_one_is_not_swapped() -> None:
    text = "aspirin dose"
    crossing = Example(Document("1", text), (mention(0, 7, "Chemical"),), disputed=Disputed((mention(4, 12),)))
    other = Example(Document("2", "heparin"), (mention(0, 7, "Chemical"),))
    assert perturbed([crossing, other], "swap", 1)[0].document.text == text
    free = perturbed([replace(crossing, disputed=Disputed()), other], "swap", 1)[0]
    assert free.document.text == "heparin dose"


def test_without_disputes_documents_are_changed_as_before(make_examples: Examples) -> None:
    examples = make_examples(10)
    for condition in CONDITIONS:
        again = perturbed([replace(e, disputed=Disputed()) for e in examples], condition, 5)
        assert again == perturbed(examples, condition, 5)
        assert np.all([not e.disputed for e in again])
