"""Runs whose curves are known to the last digit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from biorat_al.efficiency.runs.model import ConfidenceBin, Point, Run
from biorat_al.store.evaluations import Triple

PARTS = 10_000


def exact(f1: float) -> Triple:
    """Return counts with that F1, to four digits."""
    right = round(PARTS * f1)
    return right, PARTS - right, PARTS - right


def point(
    documents: int,
    f1: float | Sequence[float],
    *,
    number: int = 0,
    test_documents: int = 4,
    reliability: tuple[ConfidenceBin, ...] = (),
    robustness: Mapping[str, Mapping[str, Triple]] | None = None,
    cost: Mapping[str, float] | None = None,
) -> Point:
    """Return a point with one F1 for all test documents, or one for each; 250 tokens and 10 mentions a document."""
    values = [f1] * test_documents if isinstance(f1, float) else list(f1)
    return Point(
        round=number,
        documents=documents,
        tokens=250 * documents,
        mentions=10 * documents,
        counts={f"t{place}": exact(value) for place, value in enumerate(values)},
        by_label={},
        cost=cost or {},
        reliability=reliability,
        robustness=robustness or {},
    )


def run(
    curve: Mapping[int, float | Sequence[float]],
    *,
    seed: int = 1,
    arm: str = "none",
    strategy: str = "mnlp",
    kind: str = "simulated",
    selected_by: str | None = None,
) -> Run:
    """Return a run with the given F1 by number of documents."""
    points = tuple(point(labels, f1, number=number) for number, (labels, f1) in enumerate(curve.items()))
    return of_points(points, seed=seed, arm=arm, strategy=strategy, kind=kind, selected_by=selected_by)


def of_points(
    points: Sequence[Point],
    *,
    seed: int = 1,
    arm: str = "none",
    strategy: str = "mnlp",
    kind: str = "simulated",
    selected_by: str | None = None,
) -> Run:
    """Return a run of the given points."""
    return Run.model_validate(
        {
            "id": f"{kind}-{strategy}-{arm}-{seed}",
            "kind": kind,
            "corpus": "made up",
            "encoder": "none",
            "arm": arm,
            "strategy": strategy,
            "seed": seed,
            "selected_by": selected_by,
            "points": tuple(points),
        }
    )
