"""How many labels one group needs for a target F1, over how many another needs.

The interval comes from turning a test round, in the manner of Fieller (1954, JRSS B 16:175), on the scale of the
logarithm. If the left curve L needs r times as many labels as the right curve R for the target F, then at any labels
(l, n) with l = r·n near the crossings

    (L(l) − F) / slope of L  =  (R(n) − F) / slope of R,

slopes per factor e of labels. The difference of the two sides is a mean over seeds and documents, and it is tested like
any other (:mod:`biorat_al.efficiency.statistics.intervals`); the interval holds each r that is not rejected. Slopes
serve as weights only: where the curves have the same shape they drop out. A curve that ends without having passed the
target beyond doubt may still pass it anywhere, so that the interval is open on that side; the same where one begins
above it.
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
    """Ratio of labels needed, left over right, and both amounts.

    The estimate's standard error, degrees and components are those of the ratio's logarithm.
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

    :ivar open_below: p-value of the hypothesis that the ratio may be as small as one likes: the right curve may
        pass the target beyond its end, or the left one before its beginning.
    :ivar open_above: the same, as large as one likes.
    """

    def __init__(self, left: MonotoneCurve, right: MonotoneCurve, target: float, needed: tuple[Amount, Amount]) -> None:
        self._curves = left, right
        self._target = target
        self._anchors = np.log([needed[0].value, needed[1].value])
        self._slopes = left.slope(needed[0].value), right.slope(needed[1].value)
        self.open_below = max(_below(right, -1, target), _above(left, 0, target))
        self.open_above = max(_below(left, -1, target), _above(right, 0, target))

    def error(self, log_ratio: float) -> CrossedMean:
        """By how much the ratio's logarithm is off, at the labels on its line that are nearest to the crossings."""
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
        """Of one ratio."""
        return self.error(log_ratio).p_value()

    def p_value_of_one(self) -> float:
        """Of the hypothesis that both need as many labels, in line with the interval's open sides."""
        side = self.open_above if self._anchors[0] < self._anchors[1] else self.open_below
        return max(self.p_value(0.0), side)


def _log_range(curve: MonotoneCurve) -> tuple[float, float]:
    # documents without a mention in them can make the first point one of 0 mentions
    return float(np.log(max(curve.grid[0], 1.0))), float(np.log(curve.grid[-1]))


def _below(curve: MonotoneCurve, place: int, target: float) -> float:
    """p-value of the hypothesis that the curve is at most `target` at an end of its grid; two-sided, as the others."""
    if curve.mean[place] <= target:
        return 1.0
    return crossed_mean(curve.table(float(curve.grid[place]))).p_value(target)


def _above(curve: MonotoneCurve, place: int, target: float) -> float:
    if curve.mean[place] >= target:
        return 1.0
    return crossed_mean(curve.table(float(curve.grid[place]))).p_value(target)


def _quotient(left: Amount, right: Amount) -> Amount | None:
    """The ratio, or the bound that two amounts put on it; None where they put none."""
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
