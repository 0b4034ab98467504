from __future__ import annotations

import json

import pytest

from biorat_al.corpus.model.document import Entity, Span
from biorat_al.learner.counts import Counts
from biorat_al.learner.entities.scoring import Bin, reliability, score


def mention(start: int, end: int, label: str = "Disease", id: str = "T1") -> Entity:
    return Entity(id, label, (Span(start, end),))


def test_only_the_exact_label_and_span_counts() -> None:
    gold = {"1": [mention(0, 4), mention(9, 12), mention(20, 25, "Chemical")]}
    predicted = {"1": [mention(0, 4, id="X"), mention(9, 13), mention(20, 25), mention(20, 25, "Chemical")]}
    scores = score(gold, predicted, ["Disease", "Chemical"])
    assert scores.by_label == {"Disease": Counts(1, 2, 1), "Chemical": Counts(1, 0, 0)}
    assert scores.overall == Counts(2, 2, 1)
    assert scores.overall.precision == pytest.approx(2 / 4)
    assert scores.overall.recall == pytest.approx(2 / 3)
    assert scores.overall.f1 == pytest.approx(4 / 7)


def test_documents_are_met_by_id_not_by_place() -> None:
    gold = {"1": [mention(0, 4)], "2": [mention(5, 9)]}
    predicted = {"2": [mention(5, 9)], "1": [mention(0, 4)]}
    assert score(gold, predicted, ["Disease"]).overall == Counts(2, 0, 0)
    swapped = {"1": [mention(5, 9)], "2": [mention(0, 4)]}
    assert score(gold, swapped, ["Disease"]).overall == Counts(0, 2, 2)


def test_a_document_without_prediction_is_missed_and_one_without_gold_is_not_scored() -> None:
    scores = score({"1": [mention(0, 4)]}, {"9": [mention(0, 4)]}, ["Disease"])
    assert scores.overall == Counts(0, 0, 1)
    assert scores.by_document == {"1": Counts(0, 0, 1)}


def test_a_discontinuous_gold_mention_counts_as_missed_and_its_order_does_not_matter() -> None:
    parts = Entity("T1", "Disease", (Span(0, 4), Span(9, 12)))
    turned = Entity("T2", "Disease", (Span(9, 12), Span(0, 4)))
    assert score({"1": [parts]}, {"1": [mention(0, 12)]}, ["Disease"]).overall == Counts(0, 1, 1)
    assert score({"1": [parts]}, {"1": [turned]}, ["Disease"]).overall == Counts(1, 0, 0)


def test_the_same_mention_twice_counts_once() -> None:
    gold = {"1": [mention(0, 4), mention(0, 4, id="T2")]}
    assert score(gold, {"1": [mention(0, 4)]}, ["Disease"]).overall == Counts(1, 0, 0)


def test_labels_that_were_not_asked_for_do_not_count() -> None:
    gold = {"1": [mention(0, 4), mention(5, 8, "Gene")]}
    predicted = {"1": [mention(0, 4), mention(9, 10, "Gene")]}
    assert score(gold, predicted, ["Disease"]).overall == Counts(1, 0, 0)


@pytest.mark.parametrize(
    ("counts", "precision", "recall", "f1"),
    [
        (Counts(), 1.0, 1.0, 1.0),
        (Counts(fp=2), 0.0, 0.0, 0.0),
        (Counts(fn=2), 0.0, 0.0, 0.0),
        (Counts(3, 1, 2), 0.75, 0.6, 2 / 3),
    ],
)
def test_scores_are_defined_where_nothing_is_to_be_divided(
    counts: Counts, precision: float, recall: float, f1: float
) -> None:
    assert (counts.precision, counts.recall, counts.f1) == pytest.approx((precision, recall, f1))


def test_scores_are_json() -> None:
    scores = score({"1": [mention(0, 4)]}, {"1": [mention(0, 4)]}, ["Disease"])
    values = json.loads(json.dumps(scores.as_dict()))
    assert values["overall"] == {"tp": 1, "fp": 0, "fn": 0, "precision": 1.0, "recall": 1.0, "f1": 1.0}
    assert values["by_label"]["Disease"]["tp"] == 1


def sure(start: int, score: float | None, label: str = "Disease") -> Entity:
    return Entity("T1", label, (Span(start, start + 1),), score=score)


def test_mentions_are_sorted_by_confidence_into_equal_bins() -> None:
    gold = {"1": [mention(0, 1), mention(2, 3)], "2": [mention(4, 5)], "3": []}
    predicted = {
        "1": [sure(0, 0.95), sure(2, 0.31), sure(8, 0.39)],
        "2": [sure(4, 1.0), sure(5, 0.0), sure(6, 0.1)],
        "9": [sure(0, 0.5)],
    }
    bins = reliability(gold, predicted, ["Disease"])
    assert len(bins) == 10
    assert bins[0] == Bin(1, 0.0, 0)
    assert bins[1] == Bin(1, 0.1, 0), "a border belongs to the upper bin"
    assert (bins[3].count, bins[3].right) == (2, 1)
    assert bins[3].confidence == pytest.approx(0.7)
    assert (bins[9].count, bins[9].right) == (2, 2), "and 1 to the last"
    assert bins[9].confidence == pytest.approx(1.95)
    assert sum(bin.count for bin in bins) == 6, "a document without gold is not scored"


def test_only_mentions_that_count_have_a_place_in_the_bins() -> None:
    gold = {"1": [mention(0, 1)]}
    predicted = {"1": [sure(0, 0.25), sure(0, 0.85), sure(3, None), sure(5, 0.5, "Gene")]}
    bins = reliability(gold, predicted, ["Disease"])
    assert [(number, bin) for number, bin in enumerate(bins) if bin.count] == [(8, Bin(1, 0.85, 1))]
    assert reliability({}, {}, ["Disease"]) == [Bin()] * 10
