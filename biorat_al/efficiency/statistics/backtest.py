"""Back-test of forecasts: how often they hold on curves whose further course is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from biorat_al.efficiency.runs.model import Point
from biorat_al.efficiency.statistics.estimates import LEVEL
from biorat_al.efficiency.statistics.forecast import forecast_f1
from biorat_al.errors import UsageError


@dataclass(frozen=True, slots=True)
class BacktestCell:
    """Forecasts from prefixes of one length, at one distance.

    :param prefix: number of points that the forecast was based on.
    :param horizon: class of distance: the largest given horizon that does not exceed the documents at the forecast
        point over the documents at the last point of the prefix.
    :param inside: number of forecasts whose interval contained the F1 that was measured later.
    :param forecasts: number of forecasts; those from one curve are not independent.
    :param width: mean width of the intervals, in F1.
    """

    prefix: int
    horizon: float
    inside: int
    forecasts: int
    width: float

    @property
    def coverage(self) -> float:
        """Share of the forecasts whose interval contained the F1 measured later."""
        return self.inside / self.forecasts


def backtest(
    curves: Sequence[Sequence[Point]],
    *,
    horizons: Sequence[float] = (1.0, 1.5, 2.0, 3.0),
    level: float = LEVEL,
    seed: int = 0,
) -> list[BacktestCell]:
    """Forecast each later point of each curve from each prefix, and count how often the interval was right.

    :param curves: the points of each run, in order.
    :param horizons: lower ends of the classes of distance; points nearer than the smallest are not counted.
    :param seed: seed of the draws from the laws.
    :returns: results ordered by prefix, then horizon; combinations without forecasts are left out.
    :raises UsageError: `horizons` is empty.
    """
    if not horizons:
        raise UsageError("a back-test needs at least one horizon")
    found: dict[tuple[int, float], list[tuple[bool, float]]] = {}
    for points in curves:
        for prefix in range(1, len(points)):
            for later in points[prefix:]:
                distance = later.documents / points[prefix - 1].documents
                horizon = max((value for value in horizons if value <= distance), default=None)
                if horizon is None or distance <= 1:
                    continue
                estimate = forecast_f1(points[:prefix], later.documents, level=level, seed=seed)
                if estimate is None or estimate.low is None or estimate.high is None:
                    continue
                held = (estimate.low <= later.f1 <= estimate.high, estimate.high - estimate.low)
                found.setdefault((prefix, horizon), []).append(held)
    return [
        BacktestCell(
            prefix=prefix,
            horizon=horizon,
            inside=sum(inside for inside, _ in rows),
            forecasts=len(rows),
            width=sum(width for _, width in rows) / len(rows),
        )
        for (prefix, horizon), rows in sorted(found.items())
    ]
