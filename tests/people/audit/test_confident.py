"""Which given labels are probably wrong, from probabilities out of sample."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biorat_al.people.audit.confident import NO_CLASS, class_thresholds, confident_classes, doubtful

GIVEN = np.array([0, 0, 0, 1])
PROBABILITIES = np.array([[0.9, 0.1, 0.0], [0.8, 0.2, 0.0], [0.1, 0.9, 0.0], [0.3, 0.7, 0.0]])


def test_the_threshold_of_a_class_is_the_mean_probability_where_it_is_given() -> None:
    assert class_thresholds(GIVEN, PROBABILITIES).tolist() == pytest.approx([0.6, 0.7, np.inf])


def test_an_example_is_of_the_most_probable_class_that_reaches_its_threshold() -> None:
    thresholds = np.array([0.2, 0.3, 0.9])
    table = np.array([[0.4, 0.35, 0.25], [0.15, 0.25, 0.6], [0.1, 0.45, 0.45]])
    assert confident_classes(table, thresholds).tolist() == [0, NO_CLASS, 1]


def test_only_a_confident_other_class_is_doubt_and_not_where_the_given_one_is_more_probable() -> None:
    thresholds = class_thresholds(GIVEN, PROBABILITIES)
    assert doubtful(GIVEN, PROBABILITIES, thresholds).tolist() == [NO_CLASS, NO_CLASS, 1, NO_CLASS]
    # the second class reaches its low threshold, but the given one is the most probable
    assert doubtful(np.array([0]), np.array([[0.55, 0.45]]), np.array([0.9, 0.4])).tolist() == [NO_CLASS]


@given(st.integers(1, 30), st.integers(2, 4), st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=60)
def test_the_order_of_examples_does_not_matter_and_sure_right_ones_are_no_doubt(
    number: int, classes: int, seed: int
) -> None:
    generator = np.random.default_rng(seed)
    given_, table = generator.integers(classes, size=number), generator.dirichlet(np.ones(classes), number)
    thresholds = class_thresholds(given_, table)
    found = doubtful(given_, table, thresholds)
    order = generator.permutation(number)
    assert np.allclose(class_thresholds(given_[order], table[order]), thresholds)
    assert (doubtful(given_[order], table[order], thresholds) == found[order]).all()
    right = np.eye(classes)[given_]
    assert (doubtful(given_, right, class_thresholds(given_, right)) == NO_CLASS).all()
