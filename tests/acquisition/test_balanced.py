from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from biorat_al.acquisition.balanced import balanced_clusters

points = arrays(np.float64, st.tuples(st.integers(1, 14), st.integers(1, 3)), elements=st.floats(-50, 50, width=32))


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(points, st.integers(1, 6), st.integers(0, 99))
def test_clusters_are_equally_large(pool: NDArray[np.float64], clusters: int, seed: int) -> None:
    labels = balanced_clusters(pool, clusters, np.random.default_rng(seed))
    sizes = np.bincount(labels, minlength=min(clusters, len(pool)))
    assert len(sizes) == min(clusters, len(pool))
    assert sizes.sum() == len(pool)
    assert sizes.max() - sizes.min() <= 1


def test_close_points_are_together() -> None:
    pool = np.array([[0.0], [10.0], [1.0], [11.0], [30.0], [31.0]])
    labels = balanced_clusters(pool, 3, np.random.default_rng(0))
    together = {(one, other) for one, other in combinations(range(6), 2) if labels[one] == labels[other]}
    assert together == {(0, 2), (1, 3), (4, 5)}


def test_the_same_seed_gives_the_same_clusters() -> None:
    pool = np.random.default_rng(3).normal(size=(40, 5))
    first, second = (balanced_clusters(pool, 7, np.random.default_rng(9)) for _ in range(2))
    assert first.tolist() == second.tolist()


def test_equal_points_are_no_trouble() -> None:
    labels = balanced_clusters(np.zeros((9, 2)), 3, np.random.default_rng(0))
    assert np.bincount(labels).tolist() == [3, 3, 3]


def test_no_more_points_than_clusters() -> None:
    assert balanced_clusters(np.array([[5.0], [5.0]]), 3, np.random.default_rng(0)).tolist() == [0, 1]
