"""What an interval says, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import ndtr
from scipy.stats import chi2, t

from biorat_al.efficiency.comparison import Comparison, Effect
from biorat_al.efficiency.estimates import LEVEL, Components, Estimate
from biorat_al.errors import UsageError

WANTED_POWER = 0.8

_NODES, _WEIGHTS = (part / 2 for part in np.polynomial.legendre.leggauss(200))
_SHARES = _NODES + 0.5


@dataclass(frozen=True, slots=True)
class Verdict:
    """A comparison in words.

    :param outcome: ``saves``: the whole interval of the ratio of labels lies below 1; ``costs``: above 1;
        ``cannot be told``: neither.
    :param sentence: plain, with figures.
    :param seeds_needed: seeds that would tell `effect` with 80 % power; None where the outcome is told already, where
        no number of seeds would, and where it cannot be said (one seed, an interval without a bound); `sentence` says
        which.
    :param effect: the ratio that `seeds_needed` is for; None where there is none.
    """

    outcome: Literal["saves", "costs", "cannot be told"]
    sentence: str
    seeds_needed: int | None
    effect: float | None


def verdict(comparison: Comparison, target: Effect | None = None, *, effect: float | None = None) -> Verdict:
    """Put the ratio of labels needed in words.

    One seed is never enough for a verdict: its interval says nothing of other seeds.

    :param target: one of the comparison's `targets`; None takes the last.
    :param effect: ratio of labels that one would want to see, for example 0.9; None takes the observed one.
    :raises UsageError: the comparison has no target, or `effect` is not a ratio other than 1.
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
        needed = seeds_needed(estimate.components, float(np.log(wanted)), level=comparison.level)
    begin = (
        f"Whether {comparison.left} saves {comparison.unit} against {comparison.right} for {_f1(target)} cannot be "
        f"told with {_plural(len(comparison.seeds), 'seed')}"
    )
    sentence = f"{begin}: {_figures(comparison, target)}; {_more(comparison, estimate, wanted, needed)}."
    return Verdict("cannot be told", sentence, needed, wanted)


def power(components: Components, effect: float, seeds: int, *, level: float = LEVEL) -> float:
    """Power of the two-sided test with `seeds` seeds and the same number of test documents.

    That of Student's t with Satterthwaite's degrees of freedom; the components are taken as known, though they were
    estimated, so that it is a guide and no promise.

    :param effect: on the components' scale (for a ratio: its logarithm).
    :param seeds: at least 2.
    """
    variance = components.variance(seeds)
    if not variance:
        return 1.0 if effect else 1 - level
    documents = components.documents
    squares = (
        components.residual + documents * components.seed,
        components.residual + seeds * components.document,
        components.residual,
    )
    dfs = (seeds - 1, documents - 1, (seeds - 1) * (documents - 1))
    spread = sum(square**2 / df for square, df in zip(squares, dfs, strict=True))
    df = (variance * seeds * documents) ** 2 / spread
    # the noncentral t, summed over the standard error's own distribution: holds out where scipy's runs over
    error = np.sqrt(chi2.ppf(_SHARES, df) / df)
    bound, shift = t.ppf((1 + level) / 2, df), abs(effect) / np.sqrt(variance)
    return float(_WEIGHTS @ (ndtr(shift - bound * error) + ndtr(-shift - bound * error)))


def seeds_needed(
    components: Components, effect: float, *, wanted: float = WANTED_POWER, level: float = LEVEL, limit: int = 1000
) -> int | None:
    """Fewest seeds (from 2) with that power; None where no number up to `limit` has it.

    The test documents' part of the variance does not shrink with seeds: where it alone hides the effect, no number of
    seeds tells it, and more test documents are what is wanted.
    """
    if power(components, effect, limit, level=level) < wanted:
        return None
    low, high = 1, limit
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power(components, effect, middle, level=level) >= wanted else (middle, high)
    return high


def _told(comparison: Comparison, target: Effect, direction: Literal["fewer", "more"]) -> str:
    value = target.estimate.value
    assert value is not None
    share = 100 * abs(1 - value.value)
    # a bound on the ratio is a bound on the share that is saved or paid
    least = "" if value.is_exact else "at least "
    return (
        f"{comparison.left} needs {least}{share:.0f} % {direction} {comparison.unit} than {comparison.right} for "
        f"{_f1(target)}: {_figures(comparison, target)}, {_plural(len(comparison.seeds), 'seed')} and "
        f"{_plural(comparison.documents, 'test document')}."
    )


def _figures(comparison: Comparison, target: Effect) -> str:
    estimate = target.estimate
    level = f"{100 * estimate.level:.4g} %"
    if estimate.value is None:
        return "neither curve passes it within the labels that there are"
    notes = ""
    if len(comparison.seeds) == 1:
        notes += " over test documents alone"
    if comparison.comparisons > 1:
        notes += f" (adjusted for {comparison.comparisons} comparisons)"
    return f"the ratio is {estimate.value.text(2)}, {level} interval {interval_text(estimate)}{notes}"


def interval_text(estimate: Estimate, digits: int = 2) -> str:
    """``0.80 to 1.13``, ``above 0.80``, ``below 1.13``, ``without bounds``."""
    low, high = estimate.low, estimate.high
    if low is None and high is None:
        return "without bounds"
    if low is None:
        return f"below {high:.{digits}f}"
    if high is None:
        return f"above {low:.{digits}f}"
    return f"{low:.{digits}f} to {high:.{digits}f}"


def _more(comparison: Comparison, estimate: Estimate, wanted: float | None, needed: int | None) -> str:
    """What would tell."""
    if len(comparison.seeds) == 1:
        return "one seed says nothing of others, so simulate more"
    if estimate.components is None:
        return "simulate with more labels or choose a lower target"
    if estimate.value is not None and _is_unbounded(estimate, wanted or estimate.value.value):
        return (
            "a curve begins or ends too close to this F1 for a bound on the ratio, so choose another target or "
            "simulate with more labels or seeds"
        )
    if wanted is None:
        return "that is no effect to count seeds for, so name one"
    size = f"a saving of {100 * (1 - wanted):.0f} %" if wanted < 1 else f"an extra cost of {100 * (wanted - 1):.0f} %"
    if needed is None:
        return (
            f"no number of seeds would tell {size} with {100 * WANTED_POWER:.0f} % power on "
            f"{_plural(comparison.documents, 'test document')}, which takes more test documents"
        )
    return f"about {_plural(needed, 'seed')} would tell {size} with {100 * WANTED_POWER:.0f} % power"


def _observed(estimate: Estimate) -> float | None:
    """The observed ratio, where it is one and rounds to something else than no effect."""
    value = estimate.value
    return value.value if value is not None and value.is_exact and abs(value.value - 1) >= 0.005 else None


def _is_unbounded(estimate: Estimate, ratio: float) -> bool:
    """Whether the interval is open on the side that would tell such a ratio from 1."""
    return (estimate.high if ratio < 1 else estimate.low) is None


def _f1(target: Effect) -> str:
    return f"an F1 of {100 * (target.at or 0):.1f}"


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun if count == 1 else noun + 's'}"
