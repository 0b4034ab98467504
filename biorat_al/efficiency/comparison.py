"""Two groups of runs compared in pairs of one seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from biorat_al.efficiency.estimates import LEVEL, Amount, Estimate, Unit
from biorat_al.efficiency.runs import Run


@dataclass(frozen=True, slots=True)
class Effect:
    """One figure of a comparison.

    :param kind: ``area``: difference of the normalised areas under the curves; ``f1``: difference in F1 at a budget;
        ``ratio``: labels needed for a target F1, left over right.
    :param at: the budget (in the comparison's unit) or the target F1; None for the area.
    :param estimate: left minus right, or left over right.
    :param needed: labels needed by left and by right, where it is a ratio.
    """

    kind: Literal["area", "f1", "ratio"]
    at: float | None
    estimate: Estimate
    needed: tuple[Amount, Amount] | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Left against right, over the seeds that both have.

    :param left: its name (``rat``).
    :param right: name of what it is compared with (``none``).
    :param seeds: the seeds that are pairs, ascending; runs whose seed the other side lacks are left out.
    :param documents: number of test documents.
    :param range: labels from and to which both have been measured, in `unit`.
    :param comparisons: how many comparisons it is adjusted for; 1: not adjusted.
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

    :param names: of the two; None takes the arms, or the strategies where the arms are the same.
    :raises UsageError: no seed is on both sides, a seed is there twice, the test documents differ, or the curves
        have no range in common.
    """
    raise NotImplementedError


def reachable_target(*sides: Sequence[Run], unit: Unit = "documents", step: float = 0.05) -> float | None:
    """A target F1 for which the sides can be compared: the largest multiple of `step` that all their mean curves
    cross clearly; None if there is none."""
    raise NotImplementedError
