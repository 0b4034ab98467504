"""Forecasts of how many more labels a target F1 takes, from the curve so far.

Each law that is consistent with the points (:mod:`biorat_al.efficiency.statistics.powerlaw`) gives a number of labels
for the target; the interval contains the middle 95 % of these numbers. It is valid for this project's curve on its own
test documents, if the curve continues as an inverse power law. :mod:`biorat_al.efficiency.statistics.backtest` counts
how often it is right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from biorat_al.acquisition.price.pace import Pace
from biorat_al.efficiency.runs.model import Point
from biorat_al.efficiency.statistics.estimates import LEVEL, Amount, Estimate
from biorat_al.efficiency.statistics.intervals import Array
from biorat_al.efficiency.statistics.powerlaw import Laws, fit, usable
from biorat_al.errors import UsageError
from biorat_al.wording import inflected, plural

HORIZON = 100
"""A target that takes more than this many times the documents so far counts as not reached."""

_LEAST_SPREAD = 1.5
"""The last point needs at least this many times the documents of the first, or the bend of the curve is unknown."""


Outcome = Literal["reached", "expected", "levels off", "cannot be told"]


@dataclass(frozen=True, slots=True)
class Reach:
    """The further labels that the target takes, counted from the last point.

    :param value: median; None if the target is more likely never reached than reached.
    :param low: lower end of the interval; None if the target is never reached even there.
    :param high: upper end of the interval; None if the target may never be reached.
    """

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Forecast:
    """Forecast of how many more labels a target F1 takes.

    :param outcome: ``reached``: the smoothed curve has already reached the target; ``expected``: it will, after
        `documents` more documents; ``levels off``: it is more likely to stay below the target; ``cannot be told``: the
        points are too few or too close together.
    :param target: F1, a fraction.
    :param documents: further documents; None if the outcome is ``cannot be told``.
    :param tokens: further word pieces, at the tokens per document so far; None if these are 0 or unknown.
    :param mentions: further mentions, likewise.
    :param hours: hours of annotation; None if no pace was given.
    :param plateau: interval of the F1 expected with a hundred times the documents so far, where the curve levels off;
        None if it cannot be told.
    :param points: number of points that the forecast is based on; the first ones may have been left out.
    :param note: a sentence on what the hours rest on; empty if there is nothing to add.
    :param newest: F1 of the last point, a fraction; None if nothing was measured.
    :param hours_varied: the least and the most hours (medians) with one price halved or doubled; None if that is not
        known, or there are no such hours.
    """

    outcome: Outcome
    target: float
    documents: Reach | None
    tokens: Reach | None
    mentions: Reach | None
    hours: Reach | None
    plateau: tuple[float, float] | None
    points: int
    level: float = LEVEL
    note: str = ""
    newest: float | None = None
    hours_varied: tuple[float, float] | None = None

    @property
    def is_above(self) -> bool:
        """Whether the last measurement is at the target or above, where nothing more can be told."""
        return self.outcome == "cannot be told" and self.newest is not None and self.newest >= self.target

    def sentence(self, left: int | None = None) -> str:
        """Return the forecast in a sentence or two.

        :param left: documents of the pool that are still to be annotated; None if unknown. If the forecast needs more
            than these, the text says so.
        """
        said = self._words()
        if left is None or self.documents is None or (self.documents.value or 0) <= left:
            return said
        pool = f"has {plural(left, 'document')} left" if left else "is used up"
        return f"{said} The pool {pool}."

    def _words(self) -> str:
        target = f"an F1 of {100 * self.target:.1f}"
        if self.is_above and self.newest is not None:
            return (
                f"The last measurement, an F1 of {100 * self.newest:.1f}, has reached {target}; with "
                f"{plural(self.points, 'usable point')} it cannot be told whether that was chance."
            )
        if self.outcome == "cannot be told" or self.documents is None or self.plateau is None:
            points = plural(self.points, "usable point")
            return f"When {target} is reached is not known yet: the curve has {points}, too few or too close together."
        if self.outcome == "reached":
            begin = f"The curve has reached {target}"
            if self.documents.high is None:
                return f"{begin}, but so narrowly that this may be chance."
            if self.documents.high >= 1:
                return f"{begin}, but it may still take up to {amount(self.documents.high, 'more document')}."
            return f"{begin}."
        if self.outcome == "levels off":
            low, high = (f"{100 * value:.1f}" for value in self.plateau)
            begin = f"{target[0].upper()}{target[1:]} is not reached at this rate: the curve levels off at {low}–{high}"
            if self.documents.low is None:
                return f"{begin}."
            return f"{begin}; it would take at least {amount(self.documents.low, 'more document')}."
        parts = [] if self.hours is None else [_reach(self.hours, "hour of annotation")]
        if self.mentions is not None and parts:
            parts.append(_reach(self.mentions, "more mention"))
        parts.append(_reach(self.documents, "more document"))
        basis = f"({100 * self.level:.4g} % interval; {plural(self.points, 'point')})"
        note = f" {self.note}" if self.note and self.hours is not None else ""
        if self.hours_varied is not None:
            least, most = map(_number, self.hours_varied)
            note = f" With one price halved or doubled, {least} to {most} hours.{note}"
        takes = ", ".join(parts[:-1]) + (" or " if parts[1:] else "") + parts[-1]
        return f"{target[0].upper()}{target[1:]} takes about {takes} {basis}.{note}"


def forecast(
    points: Sequence[Point],
    target: float,
    pace: Pace | None = None,
    *,
    level: float = LEVEL,
    seed: int = 0,
) -> Forecast:
    """Forecast how many more labels `target` takes.

    Tokens, mentions and hours are derived from the documents, at the tokens and mentions per document so far and at the
    pace. The interval of the hours includes the uncertainty of the pace.

    :param points: points of one run.
    :param target: F1, a fraction between 0 and 1.
    :param pace: seconds of annotation for one more document; None gives no hours.
    :param seed: seed of the draws from the laws.
    :raises UsageError: the target is not between 0 and 1.
    """
    if not 0 < target < 1:
        raise UsageError(f"the target F1 is a fraction between 0 and 1, not {target:g}")
    rows = usable(points)
    laws = laws_of(points, seed)
    if laws is None:
        newest = points[-1].f1 if points else None
        return Forecast("cannot be told", target, None, None, None, None, None, len(rows), level, newest=newest)
    plateau = quantiles(laws.at(laws.last * HORIZON), level)
    needed = laws.documents_for(target)
    more = np.where(needed > HORIZON * laws.last, np.inf, np.maximum(needed - laws.last, 0))
    last = rows[-1]
    documents = _reached(more, level)
    hours = None if pace is None else _at_rate(more, matched_draws(pace, len(more), seed) / 3600, level)
    outcomes: dict[float | None, Outcome] = {None: "levels off", 0.0: "reached"}
    return Forecast(
        outcome=outcomes.get(documents.value, "expected"),
        target=target,
        documents=documents,
        tokens=_at_rate(more, last.tokens / last.documents, level),
        mentions=_at_rate(more, last.mentions / last.documents, level),
        hours=hours,
        plateau=plateau,
        points=len(rows),
        level=level,
        note=pace.note if pace is not None else "",
        hours_varied=_varied(hours, pace),
    )


def _varied(hours: Reach | None, pace: Pace | None) -> tuple[float, float] | None:
    if hours is None or not hours.value or pace is None or not pace.factors:
        return None
    least, most = pace.extremes
    return least * hours.value, most * hours.value


def forecast_f1(points: Sequence[Point], documents: float, *, level: float = LEVEL, seed: int = 0) -> Estimate | None:
    """Forecast the F1 measured on these test documents with `documents` labelled documents; None with too few points.

    The interval is a prediction interval: it includes the noise of that one measurement.

    :param documents: number of documents, at least as many as at the last point.
    :raises UsageError: the last point has more documents.
    """
    laws = laws_of(points, seed)
    if laws is None:
        return None
    if documents < laws.last:
        raise UsageError(f"{documents:,.0f} documents need no forecast: there are {laws.last:,.0f} already")
    expected = laws.at(documents)
    measured = expected + np.random.default_rng([seed, 1]).normal(0, laws.noise)
    low, high = quantiles(np.clip(measured, 0, 1), level)
    return Estimate(Amount(float(np.median(expected))), low, high, seeds=1, level=level)


def laws_of(points: Sequence[Point], seed: int) -> Laws | None:
    """Draw from the laws that are consistent with the points; return None if the points are too few or too close."""
    rows = usable(points)
    if not rows or rows[-1].documents < _LEAST_SPREAD * rows[0].documents:
        return None
    return fit(points, seed)


def matched_draws(pace: Pace, number: int, seed: int) -> Array:
    """Return draws of the pace in a random order, to be paired with as many draws of something else."""
    return np.random.default_rng([seed, 2]).choice(pace.draws, number)


def quantiles(values: Array, level: float) -> tuple[float, float]:
    """Return the ends of the interval that holds the middle of some draws."""
    # a method without interpolation, since values can be infinite
    low, high = np.quantile(values, ((1 - level) / 2, (1 + level) / 2), method="inverted_cdf")
    return float(low), float(high)


def _reached(more: Array, level: float) -> Reach:
    """Return the median and the interval of a number of further labels, given as draws."""
    low, high = quantiles(more, level)
    middle = float(np.quantile(more, 0.5, method="inverted_cdf"))
    return Reach(*(value if np.isfinite(value) else None for value in (middle, low, high)))


def _at_rate(more: Array, rate: float | Array, level: float) -> Reach | None:
    """Convert further documents at a rate per document; return None if the rate is 0."""
    if not np.any(rate):
        return None
    # infinite stays infinite, even at a rate of 0
    return _reached(np.multiply(more, rate, where=np.isfinite(more), out=more.copy()), level)


def _reach(reach: Reach, noun: str) -> str:
    """Return the labels with their interval in words: ``120 more documents (80 to 300)``, ``(at least 80)``."""
    low = 0.0 if reach.low is None else reach.low
    span = f"at least {_number(low)}" if reach.high is None else f"{_number(low)} to {_number(reach.high)}"
    return f"{amount(reach.value or 0.0, noun)} ({span})"


def amount(value: float, noun: str = "") -> str:
    """Return ``1 hour``, ``2.5 hours``, ``1,200 hours``; without a noun, the number alone."""
    number = _number(value)
    return f"{number} {inflected(1 if number == '1' else 2, noun)}" if noun else number


def _number(value: float) -> str:
    return f"{value:,.1f}" if 0 < value < 10 and value != round(value) else f"{value:,.0f}"
