"""The result of a comparison in words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from biorat_al.efficiency.statistics.comparison import Comparison, Effect
from biorat_al.efficiency.statistics.estimates import UNIT_NAMES, Estimate
from biorat_al.efficiency.statistics.power import WANTED_POWER, seeds_needed
from biorat_al.errors import UsageError
from biorat_al.wording import plural

USUAL_EFFECT = 0.9
"""Ratio of labels for which the seeds needed are computed if the observed ratio is 1: a saving of a tenth."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A comparison in words.

    :param outcome: ``saves``: the whole interval of the ratio of labels is below 1; ``costs``: it is above 1;
        ``cannot be told``: neither.
    :param sentence: the result in plain words, with figures.
    :param seeds_needed: number of seeds that would show `effect` with 80 % power. None if the outcome is already clear,
        if no number of seeds would do, or if it cannot be computed (one seed, an interval without a bound); `sentence`
        says which.
    :param effect: the ratio for which `seeds_needed` was computed; None if it was not computed.
    """

    outcome: Literal["saves", "costs", "cannot be told"]
    sentence: str
    seeds_needed: int | None
    effect: float | None


def verdict(comparison: Comparison, target: Effect | None = None, *, effect: float | None = None) -> Verdict:
    """Say in words what the ratio of labels needed shows.

    One seed is never enough for a verdict, because its interval does not cover other seeds.

    :param target: one of the comparison's `targets`; None takes the last.
    :param effect: ratio of labels that would be worth showing, for example 0.8; None takes the observed ratio, or 0.9
        if that is 1.
    :raises UsageError: the comparison has no target, or `effect` is not a positive ratio other than 1.
    """
    if effect is not None and (effect <= 0 or effect == 1):
        raise UsageError(f"the effect to look for is a ratio of labels above 0 and other than 1, not {effect:g}")
    if target is None:
        if not comparison.targets:
            raise UsageError("a verdict needs a target F1; name one when you compare")
        target = comparison.targets[-1]
    estimate = target.estimate
    if comparison.seeds[1:] and estimate.high is not None and estimate.high < 1:
        return Verdict("saves", _told(comparison, target, "fewer"), None, None)
    if comparison.seeds[1:] and estimate.low is not None and estimate.low > 1:
        return Verdict("costs", _told(comparison, target, "more"), None, None)
    wanted = effect if effect is not None else _observed(estimate)
    needed = None
    if wanted is not None and estimate.components is not None and not _is_unbounded(estimate, wanted):
        needed = seeds_needed(estimate.components, math.log(wanted), level=comparison.level)
    begin = (
        f"No difference between {comparison.left} and {comparison.right} in the {UNIT_NAMES[comparison.unit]} needed "
        f"for {_f1(target)} could be shown with {plural(len(comparison.seeds), 'seed')}"
    )
    sentence = f"{begin}: {_figures(comparison, target)}; {_more(comparison, target, wanted, needed)}."
    return Verdict("cannot be told", sentence, needed, wanted)


def _told(comparison: Comparison, target: Effect, direction: Literal["fewer", "more"]) -> str:
    return (
        f"{comparison.left} needs {_share(target.estimate, direction)}{direction} {UNIT_NAMES[comparison.unit]} than "
        f"{comparison.right} for {_f1(target)}: {_figures(comparison, target)}, "
        f"{plural(len(comparison.seeds), 'seed')} and {plural(comparison.documents, 'test document')}."
    )


def _share(estimate: Estimate, direction: Literal["fewer", "more"]) -> str:
    """Return the share of labels saved or paid, ``17 %``; if the curves give only a bound, from the interval's end."""
    value = estimate.value
    assert value is not None
    if value.is_exact:
        share = 100 * abs(1 - value.value)
        return f"{share:.0f} % " if share >= 0.5 else "less than 1 % "
    end = estimate.high if direction == "fewer" else estimate.low
    assert end is not None
    # the bound from the curves has an error like any other figure; only the end of the interval is safe
    share = math.floor(100 * abs(1 - end))
    return f"at least {share} % " if share else ""


def _figures(comparison: Comparison, target: Effect) -> str:
    """Return the ratio with its interval in words, or why it is missing."""
    estimate = target.estimate
    level = f"{100 * estimate.level:.4g} %"
    if estimate.value is None:
        return _no_ratio(comparison, target)[0]
    notes = ""
    if len(comparison.seeds) == 1:
        notes += " over test documents alone"
    if comparison.comparisons > 1:
        notes += f" (adjusted for {comparison.comparisons} comparisons)"
    digits = _digits(estimate)
    value = estimate.value.text(digits)
    return f"the ratio is {value}, {level} interval {interval_text(estimate, digits)}{notes}"


def _no_ratio(comparison: Comparison, target: Effect) -> tuple[str, str]:
    """Return why the data do not even give a bound on the ratio, and what to do about it."""
    assert target.needed is not None
    relations = {amount.relation for amount in target.needed}
    if relations == {"more than"}:
        why = "neither curve passes it within the simulated labels"
        return why, "simulate with more labels or choose a lower target"
    if relations == {"at most"}:
        return "both curves begin above it", "choose a higher target"
    return f"a curve begins above it, with no {UNIT_NAMES[comparison.unit]} at all", "choose a higher target"


def _digits(estimate: Estimate) -> int:
    """Return how many digits to show, at least two, so that no end of the interval rounds to 1."""
    ends = [end for end in (estimate.low, estimate.high) if end is not None and end != 1]
    return next((digits for digits in (2, 3, 4) if all(round(end, digits) != 1 for end in ends)), 5)


def interval_text(estimate: Estimate, digits: int = 2) -> str:
    """Return an interval in words: ``0.80 to 1.13``, ``above 0.80``, ``below 1.13``, ``without bounds``."""
    low, high = estimate.low, estimate.high
    if low is None and high is None:
        return "without bounds"
    if low is None:
        return f"below {high:.{digits}f}"
    if high is None:
        return f"above {low:.{digits}f}"
    return f"{low:.{digits}f} to {high:.{digits}f}"


def _more(comparison: Comparison, target: Effect, wanted: float | None, needed: int | None) -> str:
    """Return what it would take to show a difference."""
    estimate = target.estimate
    if len(comparison.seeds) == 1:
        return "a single seed does not show how others would come out, so simulate more"
    if estimate.value is None:
        return _no_ratio(comparison, target)[1]
    if wanted is None or _is_unbounded(estimate, wanted):
        return (
            "a curve begins or ends too close to this F1 for a bound on the ratio, so choose another target or "
            "simulate with more labels or seeds"
        )
    size = f"a saving of {100 * (1 - wanted):.0f} %" if wanted < 1 else f"an extra cost of {100 * (wanted - 1):.0f} %"
    with_power = f"would show {size} with {100 * WANTED_POWER:.0f} % power"
    if needed is None:
        return (
            f"no number of seeds {with_power} on {plural(comparison.documents, 'test document')}, which takes more "
            "test documents"
        )
    # an effect that the caller named may be larger than the one these seeds can show
    return f"{'as few as' if needed <= len(comparison.seeds) else 'about'} {plural(needed, 'seed')} {with_power}"


def _observed(estimate: Estimate) -> float | None:
    """Return the observed ratio, or the usual one if it rounds to no effect; None if only a bound is known."""
    value = estimate.value
    if value is None or not value.is_exact:
        return None
    return value.value if abs(value.value - 1) >= 0.005 else USUAL_EFFECT


def _is_unbounded(estimate: Estimate, ratio: float) -> bool:
    """Return whether the interval is open on the side that would separate such a ratio from 1."""
    return (estimate.high if ratio < 1 else estimate.low) is None


def _f1(target: Effect) -> str:
    return f"an F1 of {100 * (target.at or 0):.1f}"
