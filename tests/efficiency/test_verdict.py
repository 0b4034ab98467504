"""Verdicts in words, and how many seeds would tell."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.interval_coverage import WORLDS, draw
from biorat_al.efficiency.adjustment import adjusted
from biorat_al.efficiency.comparison import compare
from biorat_al.efficiency.estimates import Components
from biorat_al.efficiency.intervals import CrossedMean
from biorat_al.efficiency.verdict import power, seeds_needed, verdict
from biorat_al.errors import UsageError
from tests.efficiency.made import run

SHIFTS = (-0.03, -0.01, 0.0, 0.02, 0.04)


def _side(scale: float, arm: str, spread: float = 0.1, seeds: int = 5):
    return [
        run({s: 0.1 + s / scale + spread * shift for s in (10, 20, 40, 60)}, seed=seed, arm=arm)
        for seed, shift in enumerate(SHIFTS[:seeds])
    ]


def test_it_saves():
    found = verdict(compare(_side(100, "rat"), _side(120, "none", -0.1), targets=[0.4]))
    assert found.outcome == "saves"
    assert found.sentence.startswith(
        "rat needs 17 % fewer documents than none for an F1 of 40.0: the ratio is 0.83, 95 %"
    )
    assert found.sentence.endswith("5 seeds and 4 test documents.")
    assert (found.seeds_needed, found.effect) == (None, None)


def test_it_costs():
    found = verdict(compare(_side(120, "rat"), _side(100, "none", -0.1), targets=[0.4]))
    assert found.outcome == "costs"
    assert "rat needs 20 % more documents than none" in found.sentence


def test_a_bound_on_the_ratio_is_a_bound_on_the_share():
    found = verdict(compare(_side(100, "rat"), _side(300, "none", -0.1), targets=[0.4]))
    assert found.outcome == "saves"
    assert "at least 50 % fewer documents" in found.sentence
    assert "less than 0.50" in found.sentence


def test_it_cannot_be_told_and_more_seeds_would_tell():
    comparison = compare(_side(100, "rat", 1.0), _side(103, "none", -1.0), targets=[0.4])
    found = verdict(comparison, effect=0.8)
    assert found.outcome == "cannot be told"
    assert found.seeds_needed is not None
    assert found.seeds_needed > 5
    assert found.effect == 0.8
    assert found.sentence.startswith(
        "Whether rat saves documents against none for an F1 of 40.0 cannot be told with 5 seeds: the ratio is 0."
    )
    assert found.sentence.endswith(f"about {found.seeds_needed} seeds would tell a saving of 20 % with 80 % power.")
    assert verdict(comparison, effect=1.5).sentence.endswith("would tell an extra cost of 50 % with 80 % power.")
    # the observed effect is smaller
    assert verdict(comparison).effect == pytest.approx(comparison.targets[0].estimate.value.value)
    assert verdict(comparison).seeds_needed > found.seeds_needed


def test_one_seed_is_never_enough():
    found = verdict(compare(_side(100, "rat", seeds=1), _side(120, "none", seeds=1), targets=[0.4]))
    assert found.outcome == "cannot be told"
    assert "cannot be told with 1 seed:" in found.sentence
    assert "over test documents alone" in found.sentence
    assert found.seeds_needed is None


def test_no_number_of_seeds_tells_what_the_documents_hide():
    left, right = draw(WORLDS["documents above all"], 5, 20, np.random.default_rng(1))
    found = verdict(compare(left, right, targets=[0.65]), effect=0.97)
    assert found.seeds_needed is None
    assert "no number of seeds would tell a saving of 3 %" in found.sentence
    assert "20 test documents, which takes more test documents" in found.sentence


def test_neither_curve_gets_there():
    found = verdict(compare(_side(100, "rat"), _side(120, "none"), targets=[0.9]))
    assert found.outcome == "cannot be told"
    assert "neither curve passes it" in found.sentence
    assert found.seeds_needed is None


def test_an_adjusted_verdict_says_so():
    comparisons = [compare(_side(100, "rat"), _side(scale, "none", -0.1), targets=[0.4]) for scale in (110, 120)]
    assert "97.5 % interval" in verdict(adjusted(comparisons)[0]).sentence
    assert "(adjusted for 2 comparisons)" in verdict(adjusted(comparisons)[0]).sentence


@pytest.mark.parametrize("effect", [0.0, 1.0, -0.5])
def test_what_is_no_effect_is_refused(effect):
    comparison = compare(_side(100, "rat"), _side(120, "none"), targets=[0.4])
    with pytest.raises(UsageError, match="ratio of labels above 0"):
        verdict(comparison, effect=effect)


def test_a_verdict_needs_a_target():
    with pytest.raises(UsageError, match="needs a target"):
        verdict(compare(_side(100, "rat"), _side(120, "none")))


def test_power_of_the_textbook():
    # one-sample t-test, effect of 1 standard deviation, 80 % power at 5 %: 10 observations (Cohen 1988)
    components = Components(seed=1.0, document=0.0, residual=0.0, seeds=5, documents=50)
    assert seeds_needed(components, 1.0) == 10
    assert power(components, 1.0, 10) == pytest.approx(0.803, abs=0.001)
    assert power(components, 0.0, 10) == pytest.approx(0.05, abs=1e-6)


def test_the_documents_part_does_not_shrink():
    components = Components(seed=0.01, document=0.5, residual=0.1, seeds=5, documents=50)
    assert seeds_needed(components, 0.1) is None
    assert seeds_needed(components, 0.4) is not None


def test_power_is_what_repeated_experiments_show():
    components = Components(seed=0.02, document=0.3, residual=0.5, seeds=5, documents=60)
    seeds = seeds_needed(components, 0.3)
    assert seeds is not None
    generator, dfs = np.random.default_rng(1), (seeds - 1, 59, (seeds - 1) * 59)
    expected = (0.5 + 60 * 0.02, 0.5 + seeds * 0.3, 0.5)
    squares = [mean * generator.chisquare(df, 1000) / df for mean, df in zip(expected, dfs, strict=True)]
    means = generator.normal(0.3, np.sqrt(components.variance(seeds)), 1000)
    told = [
        CrossedMean(mean, seeds, 60, tuple(row)).p_value() < 0.05
        for mean, row in zip(means, np.transpose(squares), strict=True)
    ]
    assert power(components, 0.3, seeds) == pytest.approx(np.mean(told), abs=0.07)
