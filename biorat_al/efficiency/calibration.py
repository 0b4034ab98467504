"""How far a model's confidences can be taken at their word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from biorat_al.efficiency.estimates import LEVEL
from biorat_al.efficiency.runs import Bin, Run


@dataclass(frozen=True, slots=True)
class Calibration:
    """Expected calibration error with the reliability diagram behind it.

    :param error: a fraction.
    :param low: lower end of the interval.
    :param high: upper end.
    :param bins: all runs' bins added up, for the diagram.
    :param mentions: proposed mentions in them.
    :param runs: runs that had bins.
    """

    error: float
    low: float
    high: float
    bins: tuple[Bin, ...]
    mentions: int
    runs: int
    level: float = LEVEL


def calibration_error(
    runs: Sequence[Run], *, point: int = -1, level: float = LEVEL, samples: int = 2000, seed: int = 0
) -> Calibration | None:
    """Expected calibration error of a group's models; None where none of them has measured confidences.

    :param point: index of the point in each run; -1: the last.
    """
    raise NotImplementedError
