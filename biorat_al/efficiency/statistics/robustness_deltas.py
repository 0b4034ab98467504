"""Change in F1 under typing errors, changed case and swapped entities."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from biorat_al.efficiency.runs.model import Point, Run
from biorat_al.efficiency.statistics.estimates import LEVEL, Estimate
from biorat_al.efficiency.statistics.intervals import crossed_mean
from biorat_al.efficiency.statistics.seed_tables import pseudo_values
from biorat_al.errors import UsageError


def robustness_deltas(runs: Sequence[Run], *, point: int = -1, level: float = LEVEL) -> dict[str, Estimate]:
    """Return for each condition F1 under the condition minus F1 on the unchanged documents, as a mean over the runs.

    Each document is compared with itself under the condition, so its difficulty cancels. The interval is that of
    :mod:`biorat_al.efficiency.statistics.intervals`, over seeds and test documents, or over test documents alone with
    one run.

    :param runs: runs of one group; runs without the condition are left out.
    :param point: index of the point in each run; -1: the last.
    :raises UsageError: a condition was measured on documents on which F1 was not measured, or on different documents in
        different runs.
    """
    points = [run.points[point] for run in runs if run.points]
    conditions = dict.fromkeys(condition for found in points for condition in found.robustness)
    return {
        condition: _delta([found for found in points if condition in found.robustness], condition, level)
        for condition in conditions
    }


def _delta(points: Sequence[Point], condition: str, level: float) -> Estimate:
    documents = sorted(points[0].robustness[condition])
    rows = []
    for point in points:
        changed = point.robustness[condition]
        if sorted(changed) != documents or not set(documents) <= set(point.counts):
            raise UsageError(f"the condition {condition} was measured on other documents than F1 or another run")
        rows.append(
            pseudo_values([changed[name] for name in documents])
            - pseudo_values([point.counts[name] for name in documents])
        )
    return crossed_mean(np.array(rows)).estimate(level)
