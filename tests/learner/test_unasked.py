"""A label that a document was not asked for is neither there nor not there: in the tags, in the loss, in the scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from biorat_al.corpus.model.document import Disputed, Document, Entity, Span
from biorat_al.corpus.model.unasked import Unasked
from biorat_al.learner.encoder.device import Device
from biorat_al.learner.encoder.encoder import Encoder
from biorat_al.learner.entities.batching import encode_part, make_batch
from biorat_al.learner.entities.encoding import IGNORED, B, O, encode_tags
from biorat_al.learner.entities.fitting import fitted_scaling
from biorat_al.learner.entities.network import TaggingNetwork, tagging_loss
from biorat_al.learner.entities.scoring import BINS, Bin, Counts, reliability, score
from biorat_al.learner.entities.tagger import Tagger
from biorat_al.learner.perturbed_documents import CONDITIONS, perturbed
from biorat_al.learner.scaling import OF_ONE_MODEL
from biorat_al.learner.types import Example
from biorat_al.settings import TrainingSettings
from tests.learner.training.factories import LABELS, attack_gradients, make_fit

Examples = Callable[[int], list[Example]]

NO_CHEMICAL = Unasked(labels=frozenset({"Chemical"}))


def mention(start: int, end: int, label: str = "Disease", score: float | None = None) -> Entity:
    return Entity(f"{label}{start}-{end}", label, (Span(start, end),), score=score)


def before_chemicals(example: Example) -> Example:
    """Return the same document, annotated when the project had no chemicals."""
    entities = tuple(entity for entity in example.entities if entity.label != "Chemical")
    return replace(example, entities=entities, unasked=NO_CHEMICAL)


# tags


def test_words_are_taught_as_outside_of_no_label_that_was_not_asked_for(encoder: Encoder) -> None:
    (pieces,) = encoder.tokenizer(["low aspirin dose pain"])
    tags, counts = encode_tags(pieces, [mention(17, 21)], LABELS, unasked=["Chemical", "Gene"])
    assert not counts
    assert tags[pieces.heads].T.tolist() == [[IGNORED] * 4, [O, O, O, B]]


def test_a_mention_that_somebody_marked_all_the_same_is_learnt(encoder: Encoder) -> None:
    (pieces,) = encoder.tokenizer(["low aspirin dose pain"])
    tags, _ = encode_tags(pieces, [mention(4, 11, "Chemical")], LABELS, unasked=["Chemical"])
    assert tags[pieces.heads].T.tolist() == [[IGNORED, B, IGNORED, IGNORED], [O] * 4]


# loss


def marginal(logits: torch.Tensor, tags: list[list[int]], unasked: int) -> torch.Tensor:
    """The marginal likelihood by its definition: where O is given for `unasked`, any of its three tags may be."""
    total = torch.zeros((), dtype=logits.dtype)
    for word, of_word in enumerate(tags):
        for label, tag in enumerate(of_word):
            p = logits[word, label].softmax(dim=0)
            total = total - (p.sum() if label == unasked and tag == O else p[tag]).log()
    return total / len(tags)


def test_the_loss_and_its_gradient_are_those_of_the_marginal_likelihood(encoder: Encoder) -> None:
    (pieces,) = encoder.tokenizer(["low aspirin dose pain"])
    given, pain = mention(4, 11, "Chemical"), mention(17, 21)
    tags = torch.from_numpy(encode_tags(pieces, [given, pain], LABELS, unasked=["Chemical"])[0][pieces.heads])
    whole = encode_tags(pieces, [given, pain], LABELS)[0][pieces.heads].tolist()
    start = torch.randn(4, 2, 3, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    ours, by_hand = start.clone().requires_grad_(), start.clone().requires_grad_()
    loss, expected = tagging_loss(ours[None], tags[None]), marginal(by_hand, whole, unasked=0)
    torch.testing.assert_close(loss, expected)
    loss.backward()
    expected.backward()
    assert ours.grad is not None
    torch.testing.assert_close(ours.grad, by_hand.grad)
    # the words that may be chemicals are pushed nowhere in that label's chain, and everywhere in the other's
    assert not ours.grad[[0, 2, 3], 0].any()
    assert ours.grad[1, 0].any()
    assert (ours.grad[:, 1] != 0).all()


def test_the_loss_of_one_word_by_hand() -> None:
    logits = torch.tensor([[[[5.0, 1.0, -2.0], [0.0, 0.0, 0.0]]]], requires_grad=True)
    loss = tagging_loss(logits, torch.tensor([[[IGNORED, O]]]))
    assert float(loss.detach()) == pytest.approx(1.0986123)  # log 3
    loss.backward()
    assert logits.grad is not None
    assert logits.grad[0, 0, 0].tolist() == [0, 0, 0]
    assert logits.grad[0, 0, 1].tolist() == pytest.approx([1 / 3 - 1, 1 / 3, 1 / 3])


@pytest.mark.parametrize("attack", ["single-step", "pgd", "freelb"])
def test_no_perturbation_follows_what_was_not_asked_for(encoder: Encoder, cpu: Device, attack: str) -> None:
    """What the network says of the label has no part in an adversarial step."""
    example = Example(Document("1", "low aspirin dose with pain"), (mention(22, 26),), unasked=NO_CHEMICAL)
    batch = make_batch(encode_part([example], encoder.tokenizer, LABELS).rows(62), encoder.tokenizer, cpu)
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


def test_no_gradient_comes_from_documents_that_were_not_asked(
    encoder: Encoder, cpu: Device, network: TaggingNetwork, make_examples: Examples
) -> None:
    part = encode_part([before_chemicals(one) for one in make_examples(6)], encoder.tokenizer, LABELS)
    batch = make_batch(part.rows(62), encoder.tokenizer, cpu)
    logits = network(batch.ids, batch.mask).detach().requires_grad_()
    tagging_loss(logits, batch.tags).backward()
    assert logits.grad is not None
    assert not logits.grad[..., LABELS.index("Chemical"), :].any()
    assert (logits.grad[..., LABELS.index("Disease"), :][batch.words] != 0).all()


@pytest.mark.slow
@pytest.mark.parametrize("arm", ["none", "rat", "at", "matched"])
def test_where_everything_was_asked_for_the_weights_have_the_same_bits(
    run: Callable[..., Any], make_examples: Examples, arm: str
) -> None:
    examples = make_examples(24)
    plain = run(examples, arm)
    # a label that the model does not have
    other = run([replace(one, unasked=Unasked(frozenset({"Gene"}), frozenset({"treats"}))) for one in examples], arm)
    assert (other.sha256, other.summary["training_data_sha256"]) == (
        plain.sha256, plain.summary["training_data_sha256"],
    )  # fmt: skip
    some = run([before_chemicals(one) if number % 2 else one for number, one in enumerate(examples)], arm)
    assert some.sha256 != plain.sha256
    assert some.summary["training_data_sha256"] != plain.summary["training_data_sha256"]


def test_the_fingerprint_tells_what_was_not_asked_for_from_what_is_not_there(
    run: Callable[..., Any], make_examples: Examples
) -> None:
    unknown = [before_chemicals(one) for one in make_examples(8)]
    absent = [replace(one, unasked=Unasked()) for one in unknown]
    disputed = [replace(one, disputed=Disputed((mention(0, 3, "Chemical"),)), unasked=Unasked()) for one in unknown]
    found = {run(some, "none").summary["training_data_sha256"] for some in (unknown, absent, disputed)}
    assert len(found) == 3


@pytest.mark.slow
def test_documents_from_before_a_label_no_longer_teach_that_they_hold_none(
    run: Callable[..., Any], make_examples: Examples, cpu: Device
) -> None:
    examples = make_examples(60)
    learnt = [one if number % 4 == 0 else before_chemicals(one) for number, one in enumerate(examples)]
    settings = TrainingSettings(epochs=30, min_steps=120, batch_size=8, learning_rate=5e-3, patience=30)
    gold = {one.document.id: one.entities for one in examples}

    def recall(training: list[Example]) -> float:
        model = run(training, "none", training=settings)
        predictions = Tagger.load(model.folder, cpu).predict([one.document for one in examples])
        return score(gold, {p.document_id: p.entities for p in predictions}, LABELS).by_label["Chemical"].recall

    assert recall(learnt) > 0.9
    assert recall([replace(one, unasked=Unasked()) for one in learnt]) < 0.7


# scores


def counted(decided: Sequence[Entity], predicted: Sequence[Entity], unasked: Sequence[str]) -> Counts:
    return score({"1": decided}, {"1": predicted}, LABELS, unasked={"1": unasked}).overall


def test_a_label_that_was_not_asked_for_is_counted_on_neither_side() -> None:
    aspirin, pain = mention(4, 11, "Chemical"), mention(17, 21)
    assert counted([pain], [pain, aspirin], ["Chemical"]) == Counts(1, 0, 0)
    assert counted([pain], [aspirin], ["Chemical"]) == Counts(0, 0, 1)
    assert counted([], [pain, aspirin], ["Chemical"]) == Counts(0, 1, 0)
    # nor one that somebody marked all the same: right ones alone would flatter
    assert counted([aspirin], [aspirin], ["Chemical"]) == counted([aspirin], [], ["Chemical"]) == Counts()
    assert counted([pain], [pain, aspirin], []) == Counts(1, 1, 0)


def test_predictions_of_it_are_in_no_reliability_bin_and_fit_no_scaling() -> None:
    pain, aspirin = mention(17, 21, score=0.95), mention(4, 11, "Chemical", score=0.95)
    bins = reliability({"1": [pain]}, {"1": [pain, aspirin]}, LABELS, unasked={"1": {"Chemical"}})
    assert bins == [Bin()] * (BINS - 1) + [Bin(1, 0.95, 1)]
    text, said = Document("1", "x" * 40), [replace(one, score=0.7) for one in (pain, aspirin)]
    unknown, known = Example(text, (pain,), unasked=NO_CHEMICAL), Example(text, (pain,))
    assert (
        fitted_scaling([said], [unknown], OF_ONE_MODEL)
        == fitted_scaling([said[:1]], [known], OF_ONE_MODEL)
        != fitted_scaling([said], [known], OF_ONE_MODEL)
    )


spans = st.tuples(st.integers(0, 8), st.integers(1, 4)).map(lambda pair: (pair[0], pair[0] + pair[1]))
mentions = st.lists(st.builds(lambda span, label: mention(*span, label), spans, st.sampled_from(LABELS)), max_size=5)


@pytest.mark.slow
@given(mentions, mentions, mentions)
def test_the_scores_are_those_of_the_labels_that_were_asked_for(
    decided: list[Entity], predicted: list[Entity], disputed: list[Entity]
) -> None:
    gold, said, masked = {"1": decided, "2": decided}, {"1": predicted, "2": predicted}, {"1": disputed}
    plain = score(gold, said, LABELS, masked)
    assert score(gold, said, LABELS, masked, {}) == score(gold, said, LABELS, masked, {"1": {"Gene"}}) == plain
    found = score(gold, said, LABELS, masked, {"1": {"Chemical"}})
    assert found.by_document["2"] == plain.by_document["2"]
    assert found.by_document["1"] == score(gold, said, ["Disease"], masked).by_document["1"]
    assert found.by_label["Disease"] == plain.by_label["Disease"]


@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_document_in_other_words_was_not_asked_either(make_examples: Examples, condition: str) -> None:
    changed = perturbed([before_chemicals(one) for one in make_examples(4)], condition, 5)
    assert [one.unasked for one in changed] == [NO_CHEMICAL] * 4
