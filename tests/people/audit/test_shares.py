"""The share of places that are marked, and the probability of an error."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biorat_al.people.audit.shares import EVEN, NO_PLACES, Count, SharePrior, fit, posterior

SHARES = st.floats(0, 1)
COUNTS = st.integers(0, 50).flatmap(lambda places: st.builds(Count, st.integers(0, places), st.just(places)))


def test_the_share_of_the_beta_binomial() -> None:
    prior = SharePrior(0.5, 1.5)
    assert prior.share(NO_PLACES) == 0.25
    assert prior.share(Count(7, 8)) == pytest.approx(7.5 / 10)


def test_places_in_the_same_document_count_for_more() -> None:
    far, near = Count(20, 20), Count(0, 2)
    # two near places weigh as much as all far ones
    assert EVEN.share_near(far, near) == pytest.approx(EVEN.share(far) / 2)
    assert EVEN.share_near(far, NO_PLACES) == pytest.approx(EVEN.share(far))


def test_an_error_by_bayes_rule() -> None:
    # of 1000 places, 900 are mentions of which 18 are missed, and 100 are none
    assert posterior(0.9, 0.02) == pytest.approx(18 / (18 + 100))


@given(SHARES, SHARES, st.floats(0.001, 0.5))
def test_an_error_is_more_probable_where_more_places_are_otherwise(one: float, other: float, rate: float) -> None:
    low, high = sorted((one, other))
    assert 0 <= posterior(low, rate) <= posterior(high, rate) <= 1


@given(st.lists(COUNTS))
def test_a_fit_always_gives_a_distribution(counts: list[Count]) -> None:
    prior = fit(counts)
    assert prior.a > 0
    assert prior.b > 0


@pytest.mark.parametrize("true", [SharePrior(0.2, 0.1), SharePrior(2.0, 1.0)])
def test_the_fit_finds_the_distribution_that_made_the_counts(true: SharePrior) -> None:
    random = np.random.default_rng(7)
    counts = [Count(int(random.binomial(12, p)), 12) for p in random.beta(*true, 40_000)]
    assert fit(counts) == pytest.approx(true, rel=0.15)
    assert fit(counts, truncated=False) == pytest.approx(true, rel=0.1)


def test_strings_of_one_place_say_nothing() -> None:
    assert fit([Count(1, 1)] * 10) == EVEN
