"""Comparison of two groups of runs, in pairs with the same seed.

Runs with the same seed share the first batch, the order of the data and the initial weights, and all runs share the
test documents. Left minus right is computed within each pair and document, so whatever a pair has in common cancels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count, takewhile
from typing import Literal

from biorat_al.efficiency.runs.model import Run
from biorat_al.efficiency.statistics.curves import inside, labels_needed, read
from biorat_al.efficiency.statistics.estimates import LEVEL, Amount, Estimate, Unit
from biorat_al.efficiency.statistics.intervals import Array, crossed_mean
from biorat_al.efficiency.statistics.ratio import labels_ratio
from biorat_al.efficiency.statistics.seed_tables import Group, MonotoneCurve, shared_range
from biorat_al.errors import UsageError


@dataclass(frozen=True, slots=True)
class Effect:
    """One figure of a comparison.

    :param kind: ``area``: difference of the normalised areas under the curves; ``f1``: difference in F1 at a budget;
        ``ratio``: labels needed for a target F1, left over right.
    :param at: the budget (in the comparison's unit) or the target F1; None for the area.
    :param estimate: left minus right, or left over right.
    :param needed: labels needed by left and by right; None unless this is a ratio.
    """

    kind: Literal["area", "f1", "ratio"]
    at: float | None
    estimate: Estimate
    needed: tuple[Amount, Amount] | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Left compared with right, over the seeds that both have.

    :param left: name of the left group (``rat``).
    :param right: name of the right group (``none``).
    :param seeds: the seeds of the pairs, ascending; runs whose seed the other side lacks are left out.
    :param documents: number of test documents.
    :param range: first and last number of labels at which both sides were measured, in `unit`.
    :param comparisons: number of comparisons for which this one is adjusted; 1: not adjusted.
    :param runs: the runs of the pairs, left and right.
    """

    left: str
    right: str
    unit: Unit
    seeds: tuple[int, ...]
    documents: int
    range: tuple[float, float]
    area: Effect
    budgets: tuple[Effect, ...]
    targets: tuple[Effect, ...]
    level: float = LEVEL
    comparisons: int = 1
    runs: tuple[tuple[Run, ...], tuple[Run, ...]] = field(default=((), ()), repr=False)

    @property
    def effects(self) -> tuple[Effect, ...]:
        """All figures: the area, the budgets, the targets."""
        return (self.area, *self.budgets, *self.targets)


def compare(
    left: Sequence[Run],
    right: Sequence[Run],
    unit: Unit = "documents",
    *,
    budgets: Sequence[float] = (),
    targets: Sequence[float] = (),
    names: tuple[str, str] | None = None,
    level: float = LEVEL,
) -> Comparison:
    """Compare two groups of runs.

    :param budgets: labels, in `unit`, at which F1 is compared; within the range that both sides cover.
    :param targets: values of F1 for which the labels needed are compared.
    :param names: names of the two groups; None takes the arms, or the strategies if the arms are the same.
    :raises UsageError: no seed is on both sides, a side has a seed twice, the test documents differ, the curves have no
        range in common, or a budget is outside it.
    """
    seeds = tuple(sorted({run.seed for run in left} & {run.seed for run in right}))
    if not seeds:
        raise UsageError("no seed is on both sides of this comparison; simulate both with the same seeds")
    pairs = _of_seeds(left, seeds), _of_seeds(right, seeds)
    sides = [read(side, unit) for side in pairs]
    # within a side they are the same for all runs, so one run of each side is enough
    if set(pairs[0][0].points[0].counts) != set(pairs[1][0].points[0].counts):
        raise UsageError("the two sides of this comparison were measured on different test documents")
    limits = shared_range([*sides[0], *sides[1]])
    if limits[0] == limits[1]:
        raise UsageError(f"the two sides have one point in common, at {limits[0]:,.0f} {unit}; a curve needs two")
    groups = Group.of(sides[0]), Group.of(sides[1])
    curves = MonotoneCurve(groups[0]), MonotoneCurve(groups[1])

    def difference(kind: Literal["area", "f1"], at: float | None, tables: Sequence[Array]) -> Effect:
        return Effect(kind, at, crossed_mean(tables[0] - tables[1]).estimate(level))

    ratios = [(target, labels_ratio(curves[0], curves[1], target, level)) for target in targets]
    return Comparison(
        *(names or _names(pairs[0][0], pairs[1][0])),
        unit=unit,
        seeds=seeds,
        documents=groups[0].table(limits[0]).shape[1],
        range=limits,
        area=difference("area", None, [group.area(*limits) for group in groups]),
        budgets=tuple(
            difference("f1", budget, [group.table(inside(budget, limits, unit)) for group in groups])
            for budget in budgets
        ),
        targets=tuple(Effect("ratio", target, estimate, needed) for target, (estimate, needed) in ratios),
        level=level,
        runs=pairs,
    )


def reachable_target(*sides: Sequence[Run], unit: Unit = "documents", step: float = 0.05) -> float | None:
    """Return a target F1 for which the sides can be compared; None if no F1 will do.

    This is the largest multiple of `step` for which every side's interval of the labels needed has both ends: its curve
    begins below the target and ends above it by more than chance. All sides are treated alike, so none is favoured; a
    target that was named beforehand is still better.
    """
    best = None
    for target in takewhile(lambda value: value < 1, (round(number * step, 6) for number in count(1))):
        needed = [labels_needed(side, target, unit) for side in sides]
        if all(found.low is not None and found.high is not None for found in needed):
            best = target
    return best


def _of_seeds(runs: Sequence[Run], seeds: Sequence[int]) -> tuple[Run, ...]:
    """Return the runs with these seeds, in the order of the seeds."""
    if len({run.seed for run in runs}) < len(runs):
        raise UsageError("a side of the comparison has the same seed twice; take runs apart by arm and strategy first")
    return tuple(sorted((run for run in runs if run.seed in seeds), key=lambda run: run.seed))


def _names(left: Run, right: Run) -> tuple[str, str]:
    return (left.strategy, right.strategy) if left.arm == right.arm else (left.arm, right.arm)
