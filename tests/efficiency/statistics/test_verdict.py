"""Verdicts in words, and how many seeds would tell."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.interval_coverage import WORLDS, draw
from biorat_al.efficiency.statistics.adjustment import adjusted
from biorat_al.efficiency.statistics.comparison import Comparison, Effect, compare
from biorat_al.efficiency.statistics.estimates import Amount, Components, Estimate
from biorat_al.efficiency.statistics.intervals import CrossedMean
from biorat_al.efficiency.statistics.power import power, seeds_needed
from biorat_al.efficiency.statistics.verdict import verdict
from biorat_al.errors import UsageError
from tests.efficiency.factories import run

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


def _with(estimate: Estimate, *, seeds: int = 5, needed: tuple[Amount, Amount] | None = None) -> Comparison:
    """Return a comparison whose ratio of labels is the given one."""
    made = compare(_side(100, "rat", seeds=seeds), _side(120, "none", seeds=seeds), targets=[0.4])
    return replace(made, targets=(Effect("ratio", 0.4, estimate, needed),))


def test_at_least_is_said_of_what_the_interval_leaves_and_not_of_what_the_curves_happened_to_bound():
    found = verdict(_with(Estimate(Amount(0.9, "less than"), None, 0.954, seeds=5)))
    assert found.sentence.startswith("rat needs at least 4 % fewer documents than none for an F1 of 40.0: the ratio is")
    found = verdict(_with(Estimate(Amount(1.4, "more than"), 1.25, None, seeds=5)))
    assert found.sentence.startswith("rat needs at least 25 % more documents than none")
    found = verdict(_with(Estimate(Amount(0.95, "less than"), None, 0.997, seeds=5)))
    assert found.sentence.startswith("rat needs fewer documents than none")


def test_no_end_that_decides_is_rounded_to_1():
    found = verdict(_with(Estimate(Amount(0.996), 0.9912, 0.9993, seeds=5)))
    assert found.outcome == "saves"
    assert found.sentence.startswith("rat needs less than 1 % fewer documents than none")
    assert "the ratio is 0.996, 95 % interval 0.991 to 0.999," in found.sentence
    found = verdict(_with(Estimate(Amount(1.1), 1.003, 1.2, seeds=5)))
    assert found.outcome == "costs"
    assert "95 % interval 1.003 to 1.200" in found.sentence


def test_it_cannot_be_told_and_more_seeds_would_tell():
    comparison = compare(_side(100, "rat", 1.0), _side(103, "none", -1.0), targets=[0.4])
    found = verdict(comparison, effect=0.8)
    assert found.outcome == "cannot be told"
    assert found.seeds_needed is not None
    assert found.seeds_needed > 5
    assert found.effect == 0.8
    assert found.sentence.startswith(
        "No difference between rat and none in the documents needed for an F1 of 40.0 could be shown with 5 seeds: the "
        "ratio is 0."
    )
    assert found.sentence.endswith(f"about {found.seeds_needed} seeds would show a saving of 20 % with 80 % power.")
    assert verdict(comparison, effect=1.5).sentence.endswith("would show an extra cost of 50 % with 80 % power.")
    # the observed effect is smaller
    assert verdict(comparison).effect == pytest.approx(comparison.targets[0].estimate.value.value)
    assert verdict(comparison).seeds_needed > found.seeds_needed


def test_one_seed_is_never_enough():
    found = verdict(compare(_side(100, "rat", seeds=1), _side(120, "none", seeds=1), targets=[0.4]))
    assert found.outcome == "cannot be told"
    assert "could be shown with 1 seed:" in found.sentence
    assert "over test documents alone" in found.sentence
    assert found.seeds_needed is None


def test_one_seed_is_never_enough_for_a_cost_either():
    found = verdict(compare(_side(120, "rat", seeds=1), _side(100, "none", seeds=1), targets=[0.4]))
    assert found.outcome == "cannot be told"


def test_no_number_of_seeds_tells_what_the_documents_hide():
    left, right = draw(WORLDS["documents above all"], 5, 20, np.random.default_rng(1))
    found = verdict(compare(left, right, targets=[0.65]), effect=0.97)
    assert found.seeds_needed is None
    assert "no number of seeds would show a saving of 3 %" in found.sentence
    assert "20 test documents, which takes more test documents" in found.sentence


def test_neither_curve_gets_there():
    found = verdict(compare(_side(100, "rat"), _side(120, "none"), targets=[0.9]))
    assert found.outcome == "cannot be told"
    assert "neither curve passes it" in found.sentence
    assert found.seeds_needed is None


@pytest.mark.parametrize(
    ("begins", "said"),
    [
        ((0.5, 0.6), "both curves begin above it; choose a higher target."),
        ((0.3, 0.6), "a curve begins above it, with no mentions at all; choose a higher target."),
    ],
)
def test_where_curves_begin_above_the_target_nobody_is_sent_for_more_labels(begins, said):
    def side(arm, begin):
        runs = [run({10: begin + shift, 60: 0.9}, seed=seed, arm=arm) for seed, shift in enumerate(SHIFTS)]
        first = [one.points[0].model_copy(update={"mentions": 0}) for one in runs]
        return [one.model_copy(update={"points": (p, *one.points[1:])}) for one, p in zip(runs, first, strict=True)]

    found = verdict(compare(side("rat", begins[0]), side("none", begins[1]), "mentions", targets=[0.4]))
    assert found.outcome == "cannot be told"
    assert found.sentence.endswith(f"could be shown with 5 seeds: {said}")


@pytest.mark.parametrize(
    ("estimate", "unbounded"),
    [
        # only the end on the side of the effect has to be there
        (Estimate(Amount(0.9), None, 1.2, seeds=5), False),
        (Estimate(Amount(0.9), 0.7, None, seeds=5), True),
        (Estimate(Amount(1.1), 0.8, None, seeds=5), False),
        (Estimate(Amount(1.1), None, 1.3, seeds=5), True),
        (Estimate(Amount(0.9, "less than"), None, 1.2, seeds=5), True),
    ],
)
def test_seeds_are_not_counted_for_an_interval_that_is_open_towards_1(estimate, unbounded):
    components = Components(seed=0.01, document=0.0, residual=0.0, seeds=5, documents=4)
    found = verdict(_with(replace(estimate, components=components)))
    assert (found.seeds_needed is None) == unbounded
    assert ("for a bound on the ratio, so choose another target" in found.sentence) == unbounded


def test_where_nothing_is_observed_seeds_are_counted_for_a_saving_of_a_tenth():
    components = Components(seed=0.01, document=0.0, residual=0.0, seeds=5, documents=4)
    found = verdict(_with(Estimate(Amount(1.002), 0.9, 1.1, seeds=5, components=components)))
    assert found.effect == 0.9
    assert found.seeds_needed == seeds_needed(components, np.log(0.9))
    assert "would show a saving of 10 % with 80 % power" in found.sentence


def test_an_effect_that_so_many_seeds_can_tell_is_not_put_off():
    components = Components(seed=0.0001, document=0.0, residual=0.0, seeds=5, documents=4)
    found = verdict(_with(Estimate(Amount(0.99), 0.97, 1.01, seeds=5, components=components)), effect=0.8)
    assert found.seeds_needed is not None
    assert found.seeds_needed <= 5
    assert found.sentence.endswith(f"as few as {found.seeds_needed} seeds would show a saving of 20 % with 80 % power.")


def test_seeds_are_counted_at_the_adjusted_level():
    components = Components(seed=0.01, document=0.0, residual=0.0, seeds=5, documents=4)
    comparison = _with(Estimate(Amount(0.9), 0.8, 1.05, seeds=5, components=components))
    found = verdict(replace(comparison, level=0.99))
    assert found.seeds_needed == seeds_needed(components, np.log(0.9), level=0.99)
    assert found.seeds_needed > verdict(comparison).seeds_needed


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


@pytest.mark.slow
@pytest.mark.parametrize(("effect", "seeds"), [(1.2, 2), (0.7, 3), (0.4, 5), (0.3, 12)])
def test_power_is_what_repeated_experiments_show(effect, seeds):
    """Four standard errors of 1000 draws are 6 %; Student's t with few seeds would be 10 to 40 % off."""
    components = Components(seed=0.02, document=0.3, residual=0.5, seeds=5, documents=60)
    generator, dfs = np.random.default_rng(1), (seeds - 1, 59, (seeds - 1) * 59)
    expected = (0.5 + 60 * 0.02, 0.5 + seeds * 0.3, 0.5)
    squares = [mean * generator.chisquare(df, 1000) / df for mean, df in zip(expected, dfs, strict=True)]
    means = generator.normal(effect, np.sqrt(components.variance(seeds)), 1000)
    told = [
        CrossedMean(mean, seeds, 60, tuple(row)).p_value() < 0.05
        for mean, row in zip(means, np.transpose(squares), strict=True)
    ]
    assert power(components, effect, seeds) == pytest.approx(np.mean(told), abs=0.06)
