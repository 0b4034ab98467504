"""The borrowed start against the base encoder: the interval, and what each start is measured on."""

from __future__ import annotations

import random

import numpy as np
import pytest

from biorat_al.learner.counts import Counts
from biorat_al.rounds.borrowing.comparison import StartComparison, _halves, compared


def counts(generator: np.random.Generator, documents: int, recall: float) -> dict[str, Counts]:
    """Draw counts of documents with a few mentions each, of which a share is found."""
    found = {}
    for number in range(documents):
        mentions = 1 + generator.poisson(5)
        right = int(generator.binomial(mentions, recall))
        found[str(number)] = Counts(right, int(generator.poisson((1 - recall) * mentions)), int(mentions - right))
    return found


def test_the_difference_and_its_ends_are_those_of_the_counts() -> None:
    same = {"a": Counts(3, 1, 1), "b": Counts(1, 0, 2)}
    found = compared(same, same, 1)
    assert found == StartComparison(2, 8 / 12, 8 / 12, 0.0, 0.0)
    assert not found.base_is_better
    nothing = {"a": Counts(0, 2, 4), "b": Counts(0, 0, 3)}
    assert compared(nothing, same, 1).base_is_better
    assert not compared(same, nothing, 1).base_is_better


@pytest.mark.slow
def test_the_interval_covers_the_true_difference_nine_times_in_ten() -> None:
    generator = np.random.default_rng(5)
    truth = compared(counts(generator, 20_000, 0.60), counts(generator, 20_000, 0.65), 1)
    true = truth.borrowed - truth.base
    trials = 300
    hits = 0
    for seed in range(trials):
        found = compared(counts(generator, 40, 0.60), counts(generator, 40, 0.65), seed)
        hits += found.low <= true <= found.high
    # percentile intervals from 40 documents are a little short; two standard errors on either side are 0.035
    assert 0.84 <= hits / trials <= 0.94


@pytest.mark.slow
def test_equal_starts_are_given_up_in_one_of_twenty_comparisons_at_most() -> None:
    generator = np.random.default_rng(6)
    given_up = sum(
        compared(counts(generator, 20, 0.6), counts(generator, 20, 0.6), seed).base_is_better for seed in range(300)
    )
    assert given_up / 300 <= 0.09


def test_no_document_is_in_both_halves_and_their_order_does_not_matter() -> None:
    from biorat_al.corpus.model.document import Document
    from biorat_al.learner.types import Example

    examples = [Example(Document(str(number), "Gout."), ()) for number in range(21)]
    # two annotators' answers of one document stay together
    examples.append(Example(Document("3", "Gout."), ()))
    first, second = _halves(examples, 7)
    assert len({one.document.id for one in first}) == 10
    assert len({one.document.id for one in second}) == 11
    assert {one.document.id for one in first}.isdisjoint(one.document.id for one in second)
    shuffled = random.Random(1).sample(examples, len(examples))
    assert [one.document.id for one in _halves(shuffled, 7)[0]] == [one.document.id for one in first]
    assert _halves(examples, 8)[0] != first


@pytest.mark.parametrize("documents", [1, 5])
def test_documents_without_any_mention_count_as_perfect(documents: int) -> None:
    empty = {str(number): Counts() for number in range(documents)}
    assert compared(empty, empty, 1) == StartComparison(documents, 1.0, 1.0, 0.0, 0.0)
