"""Intervals by bootstrap over documents."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from scipy.stats import binom, norm, t

from biorat_al.people.bootstrap import Array, draws, interval, ratio, tail

f1 = partial(ratio, empty=1.0)
defined = partial(ratio, empty=np.nan)


def test_the_interval_of_a_share_is_binomial() -> None:
    sums = np.array([[1.0, 1.0]] * 30 + [[0.0, 1.0]] * 10)
    ends = binom.ppf((tail(40), 1 - tail(40)), 40, 0.75) / 40
    assert interval(sums, f1) == pytest.approx(ends, abs=1.01 / 40)
    assert interval(sums, f1) == interval(sums, f1)


@pytest.mark.parametrize("documents", [2, 10, 40, 1000])
def test_the_interval_of_a_mean_of_normal_values_is_students(documents: int) -> None:
    # the standard error of a bootstrap divides by n, not by n - 1
    error = np.sqrt((documents - 1) / documents)
    assert norm.isf(tail(documents)) * error == pytest.approx(t.isf(0.025, documents - 1), rel=1e-6)
    assert tail(documents) < 0.025


def test_a_document_counts_as_a_whole() -> None:
    assert interval(np.array([[100.0, 100.0], [0.0, 100.0]]), f1) == (0.0, 1.0)


def test_samples_without_anything_to_divide_by_are_left_out_unless_they_have_a_value() -> None:
    sums = np.array([[1.0, 2.0], [0.0, 0.0]])
    assert interval(sums, defined) == (0.5, 0.5)
    assert interval(sums, f1) == (0.5, 1.0)
    assert interval(sums * 0, defined) is None


def test_one_document_shows_no_spread() -> None:
    assert interval(np.array([[1.0, 2.0]]), f1) is None


def test_tables_of_any_shape_can_be_summed() -> None:
    tables = np.array([[[1.0, 0.0], [0.0, 3.0]], [[2.0, 0.0], [0.0, 2.0]], [[3.0, 0.0], [0.0, 1.0]]])
    seen: list[tuple[int, ...]] = []

    def share(cells: Array) -> Array:
        seen.append(cells.shape)
        return cells[:, 0, 0] / cells.sum((-2, -1))

    assert interval(tables, share) == pytest.approx((0.25, 0.75), abs=0.1)
    assert seen == [(2000, 2, 2)]
    assert (draws(3).sum(1) == 3).all()
