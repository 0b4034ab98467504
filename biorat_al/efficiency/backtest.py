"""Forecasts from the beginnings of curves whose ends are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from biorat_al.efficiency.estimates import LEVEL
from biorat_al.efficiency.runs import Point


@dataclass(frozen=True, slots=True)
class BacktestCell:
    """Forecasts from prefixes of one length, at one distance.

    :param prefix: number of points that were seen.
    :param horizon: documents at the point that was forecast, over documents at the last point seen, in steps: the
        largest of the horizons asked for that is not larger.
    :param inside: forecasts whose interval held the F1 that was measured later.
    :param forecasts: how many were made.
    :param width: mean width of the intervals, in F1.
    """

    prefix: int
    horizon: float
    inside: int
    forecasts: int
    width: float

    @property
    def coverage(self) -> float:
        """Share of the forecasts that held."""
        return self.inside / self.forecasts


def backtest(
    curves: Sequence[Sequence[Point]], *, horizons: Sequence[float] = (1.0, 1.5, 2.0, 3.0), level: float = LEVEL
) -> list[BacktestCell]:
    """Forecast each later point of each curve from each prefix, and count how often the interval held."""
    raise NotImplementedError
