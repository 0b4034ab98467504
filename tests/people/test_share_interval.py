"""Intervals of a share of places, by document."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t

from biorat_al.people.share_interval import share_interval

documents = st.lists(
    st.integers(0, 9).flatmap(lambda places: st.tuples(st.integers(0, places), st.just(places))), max_size=30
)


def test_one_place_per_document_gives_wilsons_interval_with_students_t() -> None:
    found = share_interval([(1, 1)] * 30 + [(0, 1)] * 10)
    assert found is not None
    # its ends are the shares from which 0.75 is as far as t says
    for end in found:
        # the sample variance divides by 39, which is the design effect here
        number = 40 / (40 / 39)
        assert abs(0.75 - end) / np.sqrt(end * (1 - end) / number) == pytest.approx(t.isf(0.025, 39))


def test_places_of_one_document_that_are_judged_alike_tell_as_much_as_one() -> None:
    alone = share_interval([(1, 1)] * 12 + [(0, 1)] * 8)
    assert share_interval([(7, 7)] * 12 + [(0, 7)] * 8) == pytest.approx(alone)
    spread = share_interval([(4, 7)] * 8 + [(5, 7)] * 12)
    assert spread is not None
    assert alone is not None
    assert spread[1] - spread[0] < (alone[1] - alone[0]) / 2


def test_who_was_always_upheld_has_an_interval_of_the_number_of_documents() -> None:
    few, many = share_interval([(3, 3)] * 4), share_interval([(3, 3)] * 40)
    assert few == (pytest.approx(4 / (4 + t.isf(0.025, 3) ** 2)), 1.0)
    assert many == (pytest.approx(40 / (40 + t.isf(0.025, 39) ** 2)), 1.0)
    assert share_interval([(0, 3)] * 4) == (0.0, pytest.approx(1 - few[0]))


@given(st.integers(2, 60), st.data())
def test_documents_with_the_same_share_count_once_each_whatever_is_rounded(places: int, data: st.DataObject) -> None:
    upheld = data.draw(st.integers(0, places))
    times = data.draw(st.lists(st.integers(1, 9), min_size=2, max_size=9))
    found = share_interval([(upheld * number, places * number) for number in times])
    assert found == pytest.approx(share_interval([(upheld, places)] * len(times)))


@given(documents)
def test_the_share_is_inside_and_the_other_share_has_the_mirrored_interval(parts: list[tuple[int, int]]) -> None:
    found = share_interval(parts)
    used = [one for one in parts if one[1]]
    assert (found is None) == (len(used) < 2)
    if found is not None:
        low, high = found
        share = sum(one for one, _ in used) / sum(places for _, places in used)
        assert 0 <= low <= share + 1e-9
        assert share - 1e-9 <= high <= 1
        assert share_interval([(places - one, places) for one, places in parts]) == pytest.approx((1 - high, 1 - low))


def test_the_interval_holds_the_truth_in_about_95_of_100_trials() -> None:
    # more trials and other cases are in benchmarks/interval_coverage.py; here three standard errors are allowed
    generator = np.random.default_rng(5)
    held = 0
    for _ in range(300):
        places = 1 + generator.poisson(2, 20)
        upheld = generator.binomial(places, generator.beta(3.2, 0.8, 20))
        low, high = share_interval(list(zip(upheld, places, strict=True))) or (1.0, 0.0)
        held += low <= 0.8 <= high
    assert 0.91 <= held / 300 <= 0.99
