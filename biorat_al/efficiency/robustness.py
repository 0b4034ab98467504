"""What typing errors, changed case and swapped entities cost in F1."""

from __future__ import annotations

from collections.abc import Sequence

from biorat_al.efficiency.estimates import LEVEL, Estimate
from biorat_al.efficiency.runs import Run


def robustness_deltas(runs: Sequence[Run], *, point: int = -1, level: float = LEVEL) -> dict[str, Estimate]:
    """By condition: mean over the runs of F1 under the condition minus F1 on the same documents as they are.

    :param point: index of the point in each run; -1: the last.
    """
    raise NotImplementedError
