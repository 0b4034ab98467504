from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from biorat_al.learner.relations.batching import FORBIDDEN
from biorat_al.learner.relations.decision import (
    ENOUGH_FOR_THRESHOLD,
    EVEN,
    counts,
    log_probabilities,
    proposals,
    some_relation,
    temperature,
    tuned_threshold,
)

logits_of = hnp.arrays(np.float64, st.tuples(st.integers(1, 40), st.just(3)), elements=st.floats(-5, 5, width=16))


def test_without_a_share_left_out_probabilities_are_the_softmax() -> None:
    found = np.exp(log_probabilities(np.log([[0.2, 0.5, 0.3]]), 0.0))
    np.testing.assert_allclose(found, [[0.2, 0.5, 0.3]])


def test_what_was_left_out_of_training_is_put_right() -> None:
    # one in four was trained on: odds of 1 to 1 there are 4 to 1 in truth
    found = np.exp(log_probabilities(np.log([[0.5, 0.25, 0.25]]), np.log(4)))
    np.testing.assert_allclose(found, [[0.8, 0.1, 0.1]])


def test_a_forbidden_label_is_never_proposed() -> None:
    log_p = log_probabilities(np.array([[-3.0, FORBIDDEN, 0.5], [3.0, FORBIDDEN, FORBIDDEN]]), 0.0)
    assert proposals(log_p, 0.5).tolist() == [2, 0]
    assert some_relation(log_p)[1] == 0


@given(logits_of, st.floats(0.05, 0.95))
def test_a_relation_is_proposed_where_any_is_probable_enough(logits: NDArray[np.float64], threshold: float) -> None:
    log_p = log_probabilities(logits, 0.3)
    for row, proposed in zip(np.exp(log_p), proposals(log_p, threshold), strict=True):
        if proposed:
            assert row[1:].sum() >= threshold - 1e-9
            assert row[proposed] == row[1:].max()
        else:
            assert row[1:].sum() < threshold + 1e-9


@pytest.mark.slow
@given(logits_of, st.data())
def test_no_other_threshold_has_a_higher_f1(logits: NDArray[np.float64], data: st.DataObject) -> None:
    targets = np.array(data.draw(st.lists(st.integers(0, 2), min_size=len(logits), max_size=len(logits))))
    relations = int((targets > 0).sum()) + ENOUGH_FOR_THRESHOLD
    log_p = log_probabilities(logits, 0.0)
    threshold = tuned_threshold(log_p, targets, relations)
    best = counts(proposals(log_p, threshold), targets, relations).f1
    some = np.sort(some_relation(log_p))
    for other in [*((some[1:] + some[:-1]) / 2), some[0] / 2]:
        assert best >= counts(proposals(log_p, other), targets, relations).f1 - 1e-12


def test_too_few_relations_tune_nothing() -> None:
    log_p = log_probabilities(np.array([[0.0, 1.0, 2.0]] * 5), 0.0)
    assert tuned_threshold(log_p, np.full(5, 2), ENOUGH_FOR_THRESHOLD - 1) == EVEN
    assert tuned_threshold(log_p, np.full(5, 2), ENOUGH_FOR_THRESHOLD) < EVEN
    assert tuned_threshold(np.zeros((0, 3)), np.zeros(0, dtype=np.int64), 50) == EVEN


def test_relations_that_are_no_candidate_are_missed() -> None:
    found = counts(np.array([1, 2, 0, 1]), np.array([1, 1, 2, 0]), relations=5)
    assert (found.tp, found.fp, found.fn) == (1, 2, 4)


def test_overconfidence_is_taken_back() -> None:
    log_p = np.log(np.array([[0.02, 0.97, 0.01]] * 100))
    targets = np.array([1] * 60 + [0] * 40)
    assert temperature(log_p, proposals(log_p, 0.5), targets) > 2
    assert temperature(log_p, np.zeros(100, dtype=np.int64), targets) == pytest.approx(1.0)
