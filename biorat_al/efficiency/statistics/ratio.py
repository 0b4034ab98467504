"""The ratio of the labels that two groups need for a target F1.

The interval is the inversion of a test, in the manner of Fieller (1954, JRSS B 16:175), on the scale of the logarithm.
If the left curve L needs r times as many labels as the right curve R for the target F, then at any labels (l, n) with
l = r·n near the crossings

    (L(l) − F) / slope of L  =  (R(n) − F) / slope of R,

with slopes per factor e of labels. The difference of the two sides is a mean over seeds and documents, and is tested
like any other (:mod:`biorat_al.efficiency.statistics.intervals`); the interval contains every r that is not rejected.
The slopes are only weights: they cancel if the curves have the same shape. If a curve ends without having clearly
passed the target, it may pass it anywhere beyond, so the interval is open on that side; likewise if a curve begins
above the target.
"""

from __future__ import annotations

import numpy as np

from biorat_al.efficiency.statistics.curves import end_of_interval, reached
from biorat_al.efficiency.statistics.estimates import Amount, Censoring, Estimate
from biorat_al.efficiency.statistics.intervals import CrossedMean, crossed_mean
from biorat_al.efficiency.statistics.seed_tables import MonotoneCurve


def labels_ratio(
    left: MonotoneCurve, right: MonotoneCurve, target: float, level: float
) -> tuple[Estimate, tuple[Amount, Amount]]:
    """Return the ratio of labels needed, left over right, and the two amounts.

    The standard error, degrees and components of the estimate are those of the logarithm of the ratio.
    """
    needed = reached(left, target), reached(right, target)
    value = _quotient(*needed)
    seeds = len(left.table(left.grid[0]))
    if value is None:
        return Estimate(value=None, low=None, high=None, seeds=seeds, level=level), needed
    test = _Test(left, right, target, needed)
    (left_from, left_to), (right_from, right_to) = _log_range(left), _log_range(right)
    lowest, highest = left_from - right_to, left_to - right_from
    start, alpha = float(np.log(value.value)), 1 - level
    low = None if test.open_below >= alpha else end_of_interval(test.p_value, start, lowest, alpha)
    high = None if test.open_above >= alpha else end_of_interval(test.p_value, start, highest, alpha)
    error = test.error(start)
    estimate = Estimate(
        value=value,
        low=None if low is None else float(np.exp(low)),
        high=None if high is None else float(np.exp(high)),
        seeds=seeds,
        level=level,
        p_value=test.p_value_of_one(),
        standard_error=float(np.sqrt(error.variance)),
        degrees=error.degrees,
        components=error.components,
    )
    return estimate, needed


class _Test:
    """Tests of ratios, given by their logarithms.

    :ivar open_below: p-value of the hypothesis that the ratio has no lower bound: the right curve may pass the target
        beyond its end, or the left curve before its beginning.
    :ivar open_above: the same for an upper bound.
    """

    def __init__(self, left: MonotoneCurve, right: MonotoneCurve, target: float, needed: tuple[Amount, Amount]) -> None:
        self._curves = left, right
        self._target = target
        self._anchors = np.log([needed[0].value, needed[1].value])
        self._slopes = left.slope(needed[0].value), right.slope(needed[1].value)
        self.open_below = max(_below(right, -1, target), _above(left, 0, target))
        self.open_above = max(_below(left, -1, target), _above(right, 0, target))

    def error(self, log_ratio: float) -> CrossedMean:
        """Return the error of this log ratio, at the labels with this ratio that are nearest to the crossings."""
        left, right = self._curves
        middle = (log_ratio - (self._anchors[0] - self._anchors[1])) / 2
        # both curves are read within their own range
        (left_from, left_to), (right_from, right_to) = _log_range(left), _log_range(right)
        low, high = max(left_from, log_ratio + right_from), min(left_to, log_ratio + right_to)
        place = float(np.clip(self._anchors[0] + middle, low, high))
        tables = left.table(float(np.exp(place))), right.table(float(np.exp(place - log_ratio)))
        parts = [(table - self._target) / slope for table, slope in zip(tables, self._slopes, strict=True)]
        return crossed_mean(parts[0] - parts[1])

    def p_value(self, log_ratio: float) -> float:
        """Return the p-value of one ratio."""
        return self.error(log_ratio).p_value()

    def p_value_of_one(self) -> float:
        """Return the p-value of the hypothesis of a ratio of 1, consistent with the open sides of the interval."""
        side = self.open_above if self._anchors[0] < self._anchors[1] else self.open_below
        return max(self.p_value(0.0), side)


def _log_range(curve: MonotoneCurve) -> tuple[float, float]:
    # if the first documents hold no mention, the first point is at 0 mentions
    return float(np.log(max(curve.grid[0], 1.0))), float(np.log(curve.grid[-1]))


def _below(curve: MonotoneCurve, place: int, target: float) -> float:
    """Return the p-value of the hypothesis that the curve is at most `target` at an end of its grid; two-sided."""
    if curve.mean[place] <= target:
        return 1.0
    return crossed_mean(curve.table(float(curve.grid[place]))).p_value(target)


def _above(curve: MonotoneCurve, place: int, target: float) -> float:
    """Return the p-value of the hypothesis that the curve is at least `target` at an end of its grid; two-sided."""
    if curve.mean[place] >= target:
        return 1.0
    return crossed_mean(curve.table(float(curve.grid[place]))).p_value(target)


def _quotient(left: Amount, right: Amount) -> Amount | None:
    """Return the ratio of two amounts, or the bound that they give; None if they give none."""
    if not left.value or not right.value:
        return None
    ratio = left.value / right.value
    relation = _CENSORINGS.get((left.relation, right.relation))
    return None if relation is None else Amount(ratio, relation)


_CENSORINGS: dict[tuple[Censoring, Censoring], Censoring] = {
    ("exactly", "exactly"): "exactly",
    ("more than", "exactly"): "more than",
    ("more than", "at most"): "more than",
    ("exactly", "at most"): "at least",
    ("exactly", "more than"): "less than",
    ("at most", "more than"): "less than",
    ("at most", "exactly"): "at most",
}
