"""Learning curves of groups of runs, and what is read off them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from biorat_al.efficiency.estimates import LEVEL, Estimate, Unit
from biorat_al.efficiency.runs import Run


class GroupKey(NamedTuple):
    """What the runs of a group share; they differ by seed."""

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
    :param mean: mean F1 over the runs, fractions.
    :param low: lower edge of the band; a band is pointwise: each value has its own interval.
    :param high: upper edge.
    :param seeds: number of runs. With one, the band is over test documents alone.
    """

    unit: Unit
    grid: tuple[float, ...]
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    seeds: int
    level: float = LEVEL


def groups(runs: Iterable[Run]) -> dict[GroupKey, list[Run]]:
    """Runs that differ by their seed only, each group ordered by seed; groups in the order of their first run."""
    raise NotImplementedError


def common_range(runs: Sequence[Run], unit: Unit) -> tuple[float, float]:
    """From the last of the runs' first points to the first of their last points, in `unit`.

    :raises UsageError: the runs have no range in common.
    """
    raise NotImplementedError


def learning_curve(
    runs: Sequence[Run], unit: Unit = "documents", *, grid: Sequence[float] | None = None, level: float = LEVEL
) -> Curve:
    """Mean F1 of a group with a pointwise band.

    :param grid: labels; None takes 50 equal steps over the runs' common range.
    """
    raise NotImplementedError


def area_under_curve(
    runs: Sequence[Run],
    unit: Unit = "documents",
    *,
    over: tuple[float, float] | None = None,
    level: float = LEVEL,
) -> Estimate:
    """Area under the learning curve divided by its range: the mean F1 over the range.

    :param over: range in `unit`; None takes the runs' common range. Groups that are compared need the same one.
    """
    raise NotImplementedError


def f1_at(runs: Sequence[Run], budget: float, unit: Unit = "documents", *, level: float = LEVEL) -> Estimate:
    """Mean F1 at a budget of labels."""
    raise NotImplementedError


def labels_needed(runs: Sequence[Run], target: float, unit: Unit = "documents", *, level: float = LEVEL) -> Estimate:
    """Labels at which the group's expected F1 reaches `target`."""
    raise NotImplementedError
