"""Fluctuation over the last rounds against cases worked by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from biorat_al.acquisition.base import Budget
from biorat_al.acquisition.fluctuation import Fluctuation, fluctuation
from biorat_al.acquisition.registry import find_strategy
from biorat_al.acquisition.selection import select
from tests.acquisition.factories import make

NAN = np.nan
NO_HISTORY = np.zeros((0, 0))

sequences = arrays.arrays(np.float64, (5, 3), elements=st.floats(0.01, 2.0))


def test_worked_by_hand() -> None:
    # means 0.2 and 0.5, squared distances 0, 0, 0 and 0.09, 0.09, 0: variances 0 and 0.06, whose mean is 0.03
    newest, history = np.array([0.2, 0.8]), np.array([[0.2, 0.2], [0.2, 0.5]])
    # the mean of the newest is 0.5
    assert fluctuation(newest, history) == pytest.approx([0.5 * 0.4 + 0.5 * 0, 0.5 * 1.6 + 0.5 * 2])


def test_rounds_before_the_last_three_do_not_count() -> None:
    newest, history = np.array([0.2, 0.8]), np.array([[0.2, 0.2, 9.0], [0.2, 0.5, 7.0]])
    assert fluctuation(newest, history).tolist() == fluctuation(newest, history[:, :2]).tolist()


def test_with_two_models_the_variance_is_over_both() -> None:
    # variances 0 and 0.01
    scores = fluctuation(np.array([0.3, 0.5]), np.array([[0.3], [0.3]]))
    assert scores == pytest.approx([0.5 * 0.75, 0.5 * 1.25 + 0.5 * 2])


def test_with_one_model_the_order_is_that_of_its_uncertainty_and_the_reason_says_so() -> None:
    pool = make(["gout", "asthma", "fever"], [0.1, 0.3, 0.2])
    picks = select(pool, Fluctuation(), Budget(documents=3), seed=0)
    assert [pick.document_id for pick in picks] == ["d0001", "d0002", "d0000"]
    assert [pick.score for pick in picks] == pytest.approx([1.5, 1.0, 0.5])
    by_mnlp = select(pool, find_strategy("mnlp"), Budget(documents=3), seed=0)
    assert [pick.document_id for pick in picks] == [pick.document_id for pick in by_mnlp]
    assert all(
        "by its uncertainty in this round alone, since no earlier round has measured it" in pick.reason
        for pick in picks
    )


def test_a_document_that_only_the_newest_model_has_seen_is_neither_favoured_nor_held_back() -> None:
    newest = np.array([0.2, 0.8, 0.5])
    history = np.array([[0.2, 0.2], [0.2, 0.5], [NAN, NAN]])
    # the mean of the newest is 0.5, and the mean of the two variances 0.03
    assert fluctuation(newest, history) == pytest.approx([0.2, 1.8, 1.0])


def test_the_reason_says_over_how_many_rounds() -> None:
    pool = make(["gout", "asthma", "fever"], [0.1, 0.1, 0.1])
    pool = replace(pool, history=np.array([[0.1, 0.2, 0.3], [0.2, NAN, NAN], [NAN, NAN, NAN]]))
    reasons = {pick.document_id: pick.reason for pick in select(pool, Fluctuation(), Budget(documents=3), seed=0)}
    assert ", over 3 rounds, rank" in reasons["d0000"]
    assert ", over 2 rounds, rank" in reasons["d0001"]
    assert ", by its uncertainty in this round alone" in reasons["d0002"]


def test_the_changing_one_comes_before_a_steady_one_of_the_same_uncertainty() -> None:
    pool = make(["gout", "asthma"], [0.4, 0.4])
    pool = replace(pool, history=np.array([[0.4, 0.4], [0.1, 0.4]]))
    picks = select(pool, Fluctuation(), Budget(documents=2), seed=0)
    assert [pick.document_id for pick in picks] == ["d0001", "d0000"]


def test_a_score_is_divided_by_the_seconds_that_the_document_takes() -> None:
    pool = make(["gout", "asthma"], [0.4, 0.2])
    timed = replace(pool, seconds=np.array([400.0, 50.0]))
    picks = select(timed, Fluctuation(), Budget(documents=2), seed=0)
    assert [pick.document_id for pick in picks] == ["d0001", "d0000"]
    assert [pick.score for pick in picks] == pytest.approx([3600 * (2 / 3) / 50, 3600 * (4 / 3) / 400])


@given(sequences, st.floats(0.01, 100))
def test_the_scale_of_the_uncertainty_does_not_matter(sequence: NDArray[np.float64], factor: float) -> None:
    scores = fluctuation(sequence[:, 0], sequence[:, 1:])
    assert (scores >= 0).all()
    assert fluctuation(factor * sequence[:, 0], factor * sequence[:, 1:]) == pytest.approx(scores, rel=1e-6, abs=1e-9)


@given(sequences)
def test_the_mean_of_the_scores_is_1(sequence: NDArray[np.float64]) -> None:
    assume(sequence.var(axis=1).max() > 1e-6)
    assert fluctuation(sequence[:, 0], sequence[:, 1:]).mean() == pytest.approx(1.0)


def test_where_no_document_changes_rounding_does_not_decide() -> None:
    # the mean of three times 0.1 is not 0.1 in floating point
    newest = np.array([0.1, 0.3, 0.7])
    scores = fluctuation(newest, np.column_stack([newest, newest]))
    assert scores == pytest.approx(0.5 * newest / newest.mean())


def test_no_candidates() -> None:
    assert fluctuation(np.zeros(0), NO_HISTORY).shape == (0,)
