"""Runs as tables of seeds by test documents: F1 along a curve, and the influence of each document on it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from biorat_al.efficiency.runs.model import Run
from biorat_al.efficiency.statistics.estimates import Unit
from biorat_al.efficiency.statistics.intervals import Array
from biorat_al.errors import UsageError
from biorat_al.store.evaluations import Triple


def pseudo_values(counts: Sequence[Triple]) -> Array:
    """Return F1 of the summed counts plus each document's influence on it; the mean of the values is that F1.

    The influence is that of the jackknife, (D − 1)·(F1 − F1 without the document), centred (Efron & Stein 1981). F1 is
    a ratio of sums, so a document with more mentions counts for more.

    :returns: shape (documents,).
    """
    numbers = np.asarray(counts, dtype=float).reshape(-1, 3)
    found, total = 2 * numbers[:, 0], numbers @ (2.0, 1.0, 1.0)
    f1 = _ratio(found.sum(), total.sum())
    influence = (len(numbers) - 1) * (f1 - _ratio(found.sum() - found, total.sum() - total))
    return np.asarray(f1 + influence - influence.mean())


def _ratio(found: Array, total: Array) -> Array:
    # with no annotated and no predicted mention F1 is 1, as in learner.counts.Counts
    return np.where(total > 0, found / np.where(total > 0, total, 1), 1.0)


def test_documents(runs: Iterable[Run]) -> tuple[str, ...]:
    """Return the sorted ids of the test documents on which all points of all runs were measured.

    :raises UsageError: there is no point, or two points were measured on different documents.
    """
    first: frozenset[str] | None = None
    for run in runs:
        for point in run.points:
            found = frozenset(point.counts)
            if first is not None and found != first:
                raise UsageError(
                    f"run {run.id}, round {point.round}: it was measured on other test documents than the rest "
                    f"({len(found)} against {len(first)}); compare runs with the same test documents"
                )
            first = found
    if not first:
        raise UsageError("there are no points with test documents in these runs; run a simulation first")
    return tuple(sorted(first))


@dataclass(frozen=True)
class RunCurve:
    """The learning curve of one run.

    :param labels: number of labels at each point, ascending, without repetition.
    :param values: pseudo-values of F1, shape (points, documents).
    """

    labels: Array
    values: Array

    def at(self, grid: Array) -> Array:
        """Return pseudo-values at `grid`, linear between points; shape (grid, documents).

        Outside the range of the points, the value of the nearest point is returned; callers stay inside the range.
        """
        places = np.interp(grid, self.labels, np.arange(len(self.labels)))
        lower = np.minimum(places.astype(int), max(len(self.labels) - 2, 0))
        upper = np.minimum(lower + 1, len(self.labels) - 1)
        share = (places - lower)[:, None]
        # not a + s(b − a): this form gives the value of a point exactly, to the last bit
        return np.asarray((1 - share) * self.values[lower] + share * self.values[upper])

    def area(self, low: float, high: float) -> Array:
        """Return the mean of the curve from `low` to `high` by document; trapezoids are exact for straight pieces."""
        inner = self.labels[(self.labels > low) & (self.labels < high)]
        grid = np.concatenate(([low], inner, [high]))
        values = self.at(grid)
        return np.asarray(np.diff(grid) @ (values[1:] + values[:-1]) / (2 * (high - low)))


def run_curve(run: Run, unit: Unit, documents: Sequence[str]) -> RunCurve:
    """Return the curve of a run; points with the same number of labels are replaced by their mean.

    :raises UsageError: the unit is hours, and the work of a point is unknown, has no price, or is zero.
    """
    if unit == "hours" and any(point.hours is None for point in run.points):
        raise UsageError(
            f"the hours of run {run.id} are unknown: the version of the program that made it did not count what "
            "annotators did"
        )
    if unit == "hours" and not all(point.hours for point in run.points):
        raise UsageError(
            f"the curve of run {run.id} begins at 0 hours: its documents came with annotations, which took nobody here "
            "any time"
        )
    values = np.array([pseudo_values([point.counts[name] for name in documents]) for point in run.points])
    labels, place = np.unique([getattr(point, unit) for point in run.points], return_inverse=True)
    together = np.zeros((len(labels), values.shape[1]))
    np.add.at(together, place, values)
    return RunCurve(labels.astype(float), together / np.bincount(place)[:, None])


@dataclass(frozen=True)
class Group:
    """The curves of runs that differ only in their seed, over the range that they share.

    :param members: one curve per seed.
    :param grid: the ends of the shared range, and the labels of all points between them.
    """

    members: tuple[RunCurve, ...]
    grid: Array

    @classmethod
    def of(cls, members: Sequence[RunCurve]) -> Group:
        """Group the curves of several seeds.

        :raises UsageError: there are no curves, or they have no range in common.
        """
        low, high = shared_range(members)
        knots = np.unique(np.concatenate([member.labels for member in members]))
        inner = knots[(knots > low) & (knots < high)]
        return cls(tuple(members), np.unique(np.concatenate(([low], inner, [high]))))

    def table(self, labels: float) -> Array:
        """Return pseudo-values at `labels`, shape (seeds, documents)."""
        return np.array([member.at(np.array([labels]))[0] for member in self.members])

    def area(self, low: float, high: float) -> Array:
        """Return pseudo-values of the normalised area, shape (seeds, documents)."""
        return np.array([member.area(low, high) for member in self.members])


class MonotoneCurve:
    """The mean curve of a group, made monotone by isotonic regression (pool adjacent violators).

    More labels do not reduce the expected F1, so a dip is noise. The first crossing of the raw curve would follow that
    noise: it comes earlier the more a curve fluctuates, and so favours the arm that fluctuates more. Isotonic
    regression averages a dip with the bump before it. Such a mean over pooled points is linear in the measurements, so
    the same pooling applies to every seed and document.
    """

    def __init__(self, group: Group) -> None:
        self.grid = group.grid
        from scipy.optimize import isotonic_regression

        values = np.array([member.at(group.grid) for member in group.members])
        blocks = isotonic_regression(values.mean(axis=(0, 2))).blocks
        sizes = np.diff(blocks)
        pooled = np.add.reduceat(values, blocks[:-1], axis=1) / sizes[:, None]
        self._values = np.repeat(pooled, sizes, axis=1)
        self.mean: Array = self._values.mean(axis=(0, 2))

    def table(self, labels: float) -> Array:
        """Return pseudo-values at `labels`, shape (seeds, documents)."""
        place = float(np.interp(labels, self.grid, np.arange(len(self.grid))))
        lower = min(int(place), max(len(self.grid) - 2, 0))
        upper = min(lower + 1, len(self.grid) - 1)
        share = place - lower
        return np.asarray((1 - share) * self._values[:, lower] + share * self._values[:, upper])

    def crossing(self, target: float) -> float | None:
        """Return the labels at which the curve first reaches `target`; None if it ends below."""
        reached = np.flatnonzero(self.mean >= target)
        if not len(reached):
            return None
        first = int(reached[0])
        if first == 0:
            return float(self.grid[0])
        before, after = self.mean[first - 1], self.mean[first]
        share = (target - before) / (after - before)
        return float((1 - share) * self.grid[first - 1] + share * self.grid[first])

    def slope(self, labels: float) -> float:
        """Return the rise of F1 per factor e of labels around `labels`: a secant from 15 % below to 15 % above.

        The secant is narrow because the curve bends at each point. A wider one was measured to cost the interval of the
        ratio 1 to 3 points of coverage with many documents.
        """
        low = max(labels / _REACH, self.grid[0])
        high = min(labels * _REACH, self.grid[-1])
        rise = np.interp(high, self.grid, self.mean) - np.interp(low, self.grid, self.mean)
        return float(max(rise / np.log(high / low), _FLAT))


_REACH = 1.15

_FLAT = 0.005
"""Smallest slope (F1 per factor e) that is used, so that a flat piece does not get an unlimited weight."""


def shared_range(members: Sequence[RunCurve]) -> tuple[float, float]:
    """Return the range that all curves cover: from the latest first point to the earliest last point.

    :raises UsageError: there are no curves, or they have no range in common.
    """
    if not members:
        raise UsageError("there are no runs to read a curve from")
    low = float(max(member.labels[0] for member in members))
    high = float(min(member.labels[-1] for member in members))
    if low > high:
        raise UsageError(
            f"the curves have no range in common: one begins at {low:,.0f} and another ends at {high:,.0f}"
        )
    return low, high
