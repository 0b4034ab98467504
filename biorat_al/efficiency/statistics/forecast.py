"""How many more labels a target F1 will take, from the curve so far.

The laws that the points admit (:mod:`biorat_al.efficiency.statistics.powerlaw`) are asked one by one when they come to
the target; an interval holds the middle 95 % of the answers. It is one for this project's own curve, measured on its
own test documents, if the curve goes on as an inverse power law; :mod:`biorat_al.efficiency.statistics.backtest` counts
how often it holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from biorat_al.efficiency.runs.model import Point
from biorat_al.efficiency.statistics.estimates import LEVEL, Amount, Estimate
from biorat_al.efficiency.statistics.intervals import Array
from biorat_al.efficiency.statistics.powerlaw import Laws, fit, usable
from biorat_al.errors import UsageError
from biorat_al.wording import plural

HORIZON = 100
"""A target that takes more than so many times the documents so far is not reached at this rate."""

_LEAST_SPREAD = 1.5
"""The last point needs so many times the documents of the first, or nothing can be said of how the curve bends."""


Outcome = Literal["reached", "expected", "levels off", "cannot be told"]


@dataclass(frozen=True, slots=True)
class Reach:
    """More labels to the target, counted from the last point.

    :param value: most likely amount (median); None: the target is more likely never reached than reached.
    :param low: lower end of the interval; None: even the lower end says that it is never reached.
    :param high: upper end; None: open, it may never be reached.
    """

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Forecast:
    """How many more labels to a target F1.

    :param outcome: ``reached``: the curve, its noise evened out, is there already; ``expected``: it comes there, after
        `documents` more; ``levels off``: it is more likely to stay below the target; ``cannot be told``: too few
        points, or too close together.
    :param target: F1, a fraction.
    :param documents: more documents; None where the outcome is ``cannot be told``.
    :param tokens: more word pieces, at the tokens per document so far; None where these are 0 or not known.
    :param mentions: more mentions, likewise.
    :param hours: annotator hours; None without the seconds of two documents at least.
    :param plateau: interval of the F1 that a hundred times the documents so far would come to, which is where the
        curve levels off; None where it cannot be told.
    :param points: number of points it is based on; the first ones may be left out.
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

    def sentence(self, left: int | None = None) -> str:
        """The forecast in a plain sentence or two.

        :param left: documents of the pool that are still to be annotated; None: not known. If the most likely number is
            above it, the sentence says so.
        """
        said = self._words()
        if left is None or self.documents is None or (self.documents.value or 0) <= left:
            return said
        pool = f"has {plural(left, 'document')} left" if left else "is used up"
        return f"{said} The pool {pool}."

    def _words(self) -> str:
        target = f"an F1 of {100 * self.target:.1f}"
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
        parts = [f"{target[0].upper()}{target[1:]} takes about {_reach(self.documents, 'more document')}"]
        if self.hours is not None:
            parts.append(f"or {_reach(self.hours, 'hour')} of annotation")
        return f"{', '.join(parts)} ({100 * self.level:.4g} % interval; {plural(self.points, 'point')})."


def forecast(
    points: Sequence[Point],
    target: float,
    seconds_per_document: Sequence[float] = (),
    *,
    level: float = LEVEL,
    seed: int = 0,
) -> Forecast:
    """Forecast the labels that `target` takes.

    Tokens, mentions and hours go with the documents: at the tokens and mentions per document that there have been, and
    at the mean of the seconds, whose own uncertainty is in the interval: Student's t, on the logarithm of the mean.

    :param points: of one run.
    :param target: F1, a fraction between 0 and 1.
    :param seconds_per_document: what annotators took for documents so far, one number for each. There are no hours from
        fewer than two, which cannot say how much they differ.
    :param seed: of the draws from the laws.
    :raises UsageError: the target is not between 0 and 1, or a number of seconds is negative.
    """
    if not 0 < target < 1:
        raise UsageError(f"the target F1 is a fraction between 0 and 1, not {target:g}")
    if any(seconds < 0 for seconds in seconds_per_document):
        raise UsageError("the seconds per document hold a negative number")
    rows = usable(points)
    laws = _laws(points, seed)
    if laws is None:
        return Forecast("cannot be told", target, None, None, None, None, None, len(rows), level)
    plateau = _quantiles(laws.at(laws.last * HORIZON), level)
    needed = laws.documents_for(target)
    more = np.where(needed > HORIZON * laws.last, np.inf, np.maximum(needed - laws.last, 0))
    last = rows[-1]
    documents = _reached(more, level)
    outcomes: dict[float | None, Outcome] = {None: "levels off", 0.0: "reached"}
    return Forecast(
        outcome=outcomes.get(documents.value, "expected"),
        target=target,
        documents=documents,
        tokens=_at_rate(more, last.tokens / last.documents, level),
        mentions=_at_rate(more, last.mentions / last.documents, level),
        hours=_hours(more, seconds_per_document, level, seed),
        plateau=plateau,
        points=len(rows),
        level=level,
    )


def forecast_f1(points: Sequence[Point], documents: float, *, level: float = LEVEL, seed: int = 0) -> Estimate | None:
    """F1 that will be measured on these test documents with `documents` labelled documents; None with too few points.

    The noise of that one measurement is in the interval: it is a prediction interval, made to hold the point to come.

    :param documents: not fewer than there are.
    :raises UsageError: there are more already.
    """
    laws = _laws(points, seed)
    if laws is None:
        return None
    if documents < laws.last:
        raise UsageError(f"a forecast for {documents:,.0f} documents is none: there are {laws.last:,.0f} already")
    expected = laws.at(documents)
    measured = expected + np.random.default_rng([seed, 1]).normal(0, laws.noise)
    low, high = _quantiles(np.clip(measured, 0, 1), level)
    return Estimate(Amount(float(np.median(expected))), low, high, seeds=1, level=level)


def _laws(points: Sequence[Point], seed: int) -> Laws | None:
    rows = usable(points)
    if not rows or rows[-1].documents < _LEAST_SPREAD * rows[0].documents:
        return None
    return fit(points, seed)


def _quantiles(values: Array, level: float) -> tuple[float, float]:
    # of infinite values, none is interpolated
    low, high = np.quantile(values, ((1 - level) / 2, (1 + level) / 2), method="inverted_cdf")
    return float(low), float(high)


def _reached(more: Array, level: float) -> Reach:
    low, high = _quantiles(more, level)
    middle = float(np.quantile(more, 0.5, method="inverted_cdf"))
    return Reach(*(value if np.isfinite(value) else None for value in (middle, low, high)))


def _at_rate(more: Array, rate: float | Array, level: float) -> Reach | None:
    """What goes with so many more documents; None where nothing has gone with them so far."""
    if not np.any(rate):
        return None
    # no rate makes an end of what has none, not even one of 0
    return _reached(np.multiply(more, rate, where=np.isfinite(more), out=more.copy()), level)


def _hours(more: Array, seconds: Sequence[float], level: float, seed: int) -> Reach | None:
    """Hours at the mean of the seconds.

    Times are skewed: on the logarithm of their mean, t holds its level better than on the mean, which it would let fall
    below 0, and far better than a bootstrap of a few times, which knows no longer ones than it has seen.
    """
    number = len(seconds)
    if number < 2 or not any(seconds):
        return None
    mean = float(np.mean(seconds))
    error = float(np.std(seconds, ddof=1)) / mean / np.sqrt(number)
    drawn = np.random.default_rng([seed, 2]).standard_t(number - 1, len(more))
    # far beyond any level that is asked for, so that two times do not make a number too large to hold
    return _at_rate(more, mean * np.exp(np.clip(error * drawn, -50, 50)) / 3600, level)


def _reach(reach: Reach, noun: str) -> str:
    """``120 more documents (80 to 300)``, ``(at least 80)``."""
    low = 0.0 if reach.low is None else reach.low
    span = f"at least {_number(low)}" if reach.high is None else f"{_number(low)} to {_number(reach.high)}"
    return f"{amount(reach.value or 0.0, noun)} ({span})"


def amount(value: float, noun: str = "") -> str:
    """Return ``1 hour``, ``2.5 hours``, ``1,200 hours``; the number alone where there is no noun."""
    number = _number(value)
    return f"{number} {noun if number == '1' else noun + 's'}" if noun else number


def _number(value: float) -> str:
    return f"{value:,.1f}" if 0 < value < 10 and value != round(value) else f"{value:,.0f}"
