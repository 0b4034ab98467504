"""Learning curves of groups of runs, with areas, F1 at a budget and labels needed for a target.

Between two points a curve is a straight line in the unit in which labels are counted (documents, tokens, mentions). All
intervals are those of :mod:`biorat_al.efficiency.statistics.intervals`: for the expectation over seeds and test
documents like these, or over test documents alone if a group has one run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from biorat_al.efficiency.runs.model import Run
from biorat_al.efficiency.statistics.estimates import LEVEL, Amount, Estimate, Unit, counted
from biorat_al.efficiency.statistics.intervals import crossed_mean
from biorat_al.efficiency.statistics.seed_tables import (
    Group,
    MonotoneCurve,
    RunCurve,
    run_curve,
    shared_range,
    test_documents,
)
from biorat_al.errors import UsageError

GRID = 50
"""Number of values at which a curve is drawn."""

_STEPS = 40
"""Number of steps in the coarse search for the end of an interval; a root finder then refines it."""


class GroupKey(NamedTuple):
    """What the runs of a group have in common; they differ in their seed.

    `selected_by` is the arm whose model chose the documents; None if each run chose its own.
    """

    corpus: str
    encoder: str
    kind: str
    strategy: str
    arm: str
    selected_by: str | None


@dataclass(frozen=True, slots=True)
class Curve:
    """Mean F1 of a group of runs on a grid, with a pointwise band.

    :param grid: labels, in `unit`, ascending.
    :param mean: mean F1 over the runs, as fractions.
    :param low: lower edge of the band. The band is pointwise: each value has its own interval.
    :param high: upper edge of the band.
    :param seeds: number of runs. With one run, the band is over test documents alone.
    """

    unit: Unit
    grid: tuple[float, ...]
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    seeds: int
    level: float = LEVEL


def groups(runs: Iterable[Run]) -> dict[GroupKey, list[Run]]:
    """Group runs that differ only in their seed; sort each group by seed, and keep the order of first runs.

    :param runs: all runs. A passive run is grouped by the arm of the run that chose its documents, which is only known
        if that run is among them.
    """
    everything = list(runs)
    arms = {run.id: run.arm for run in everything}
    found: dict[GroupKey, list[Run]] = {}
    for run in everything:
        # another run chose for each seed, but its arm is the same
        chooser = run.selected_by and arms.get(run.selected_by, run.selected_by)
        key = GroupKey(run.corpus, run.encoder, run.kind, run.strategy, run.arm, chooser)
        found.setdefault(key, []).append(run)
    return {key: sorted(members, key=lambda run: run.seed) for key, members in found.items()}


def common_range(runs: Sequence[Run], unit: Unit = "documents") -> tuple[float, float]:
    """Return the range that all runs cover, in `unit`: from the latest first point to the earliest last point.

    :raises UsageError: the runs have no range in common.
    """
    return shared_range(read(runs, unit))


def learning_curve(
    runs: Sequence[Run], unit: Unit = "documents", *, grid: Sequence[float] | None = None, level: float = LEVEL
) -> Curve:
    """Return the mean F1 of a group with a pointwise band.

    :param grid: labels at which the curve is computed; None takes 50 equal steps over the runs' common range.
    :raises UsageError: the runs have no common range, or a value of `grid` is outside it.
    """
    group = Group.of(read(runs, unit))
    low, high = float(group.grid[0]), float(group.grid[-1])
    places = np.linspace(low, high, GRID if high > low else 1) if grid is None else np.asarray(grid, dtype=float)
    means = [crossed_mean(group.table(inside(place, (low, high), unit))) for place in places]
    halves = [mean.half_width(level) for mean in means]
    return Curve(
        unit=unit,
        grid=tuple(places.tolist()),
        mean=tuple(mean.mean for mean in means),
        low=tuple(max(mean.mean - half, 0.0) for mean, half in zip(means, halves, strict=True)),
        high=tuple(min(mean.mean + half, 1.0) for mean, half in zip(means, halves, strict=True)),
        seeds=len(runs),
        level=level,
    )


def area_under_curve(
    runs: Sequence[Run],
    unit: Unit = "documents",
    *,
    over: tuple[float, float] | None = None,
    level: float = LEVEL,
) -> Estimate:
    """Return the area under the learning curve divided by its range, that is, the mean F1 over the range.

    :param over: range in `unit`; None takes the runs' common range. Groups that are compared need the same range.
    :raises UsageError: the range is empty, or goes beyond the runs' common range.
    """
    members = read(runs, unit)
    low, high = over if over is not None else shared_range(members)
    for end in (low, high):
        inside(end, shared_range(members), unit)
    if low >= high:
        raise UsageError(f"an area needs a range of labels, and this one ends where it begins, at {low:,.0f} {unit}")
    return crossed_mean(Group.of(members).area(low, high)).estimate(level, null=None)


def f1_at(runs: Sequence[Run], budget: float, unit: Unit = "documents", *, level: float = LEVEL) -> Estimate:
    """Return the mean F1 at a budget of labels.

    :raises UsageError: the budget is outside the runs' common range.
    """
    group = Group.of(read(runs, unit))
    inside(budget, (float(group.grid[0]), float(group.grid[-1])), unit)
    return crossed_mean(group.table(budget)).estimate(level, null=None)


def labels_needed(runs: Sequence[Run], target: float, unit: Unit = "documents", *, level: float = LEVEL) -> Estimate:
    """Return the labels at which the group's expected F1 reaches `target`.

    This is where the mean curve, made monotone (see
    :class:`~biorat_al.efficiency.statistics.seed_tables.MonotoneCurve`), crosses the target. It is not the mean of the
    runs' own crossings, since some runs may never cross. The interval contains the labels at which an expected F1 of
    `target` cannot be rejected; it is open on a side where it reaches the end of the curve.
    """
    curve = MonotoneCurve(Group.of(read(runs, unit)))
    place = reached(curve, target)

    def p_value(labels: float) -> float:
        return crossed_mean(curve.table(labels)).p_value(target)

    low, high = float(curve.grid[0]), float(curve.grid[-1])
    return Estimate(
        value=place,
        # a curve that begins above the target, or ends below it, gives no bound on that side
        low=None if curve.mean[0] >= target else end_of_interval(p_value, place.value, low, 1 - level),
        high=None if curve.mean[-1] <= target else end_of_interval(p_value, place.value, high, 1 - level),
        seeds=len(runs),
        level=level,
    )


def reached(curve: MonotoneCurve, target: float) -> Amount:
    """Return the labels at which `curve` reaches `target`, or the bound that the curve gives."""
    place = curve.crossing(target)
    if place is None:
        return Amount(float(curve.grid[-1]), "more than")
    return Amount(place, "at most" if curve.mean[0] > target else "exactly")


def end_of_interval(p_value: Callable[[float], float], start: float, limit: float, alpha: float) -> float | None:
    """Return the value that is not rejected, from `start` on, nearest to `limit`; None if `limit` is not rejected.

    :param p_value: the p-value as a function of the value.
    """
    from scipy.optimize import brentq

    if p_value(limit) >= alpha:
        return None
    for rejected, kept in pairwise(np.linspace(limit, start, _STEPS).tolist()):
        if p_value(kept) >= alpha:
            return float(brentq(lambda place: p_value(place) - alpha, rejected, kept, xtol=1e-5 * abs(start - limit)))
    return start


def inside(labels: float, limits: tuple[float, float], unit: Unit) -> float:
    """Return `labels` after checking that they are within `limits`.

    :raises UsageError: they are outside.
    """
    low, high = limits
    if not low <= labels <= high:
        raise UsageError(
            f"{counted(labels, unit)}: the runs have been measured from {counted(low, unit)} to {counted(high, unit)}"
        )
    return labels


def read(runs: Sequence[Run], unit: Unit) -> list[RunCurve]:
    """Return the curves of runs that were measured on the same test documents.

    :raises UsageError: there are no points, the test documents differ, or two runs have the same seed.
    """
    if len({run.seed for run in runs}) < len(runs):
        raise UsageError("a group of runs has the same seed twice; take runs apart by arm and strategy first")
    documents = test_documents(runs)
    return [run_curve(run, unit, documents) for run in runs]
