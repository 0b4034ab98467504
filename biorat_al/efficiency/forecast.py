"""How many more labels a target F1 will take, from the curve so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from biorat_al.efficiency.estimates import LEVEL, Estimate
from biorat_al.efficiency.runs import Point


@dataclass(frozen=True, slots=True)
class Reach:
    """More labels to the target, counted from the last point.

    :param value: most likely amount (median); None: the target is more likely never reached than reached.
    :param low: lower end of the interval; None: even the lower end says that it is never reached.
    :param high: upper end; None: open, it may never be reached.
    """

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Forecast:
    """How many more labels to a target F1.

    :param outcome: ``reached``: the curve is there already; ``expected``: it comes there, after `documents` more;
        ``levels off``: it stays below the target at this rate; ``cannot be told``: too few points, or no rise in them.
    :param target: F1, a fraction.
    :param documents: more documents; None where the outcome is ``reached`` or ``cannot be told``.
    :param tokens: more word pieces, at the tokens per document so far.
    :param mentions: more mentions, likewise.
    :param hours: annotator hours; None without seconds per document.
    :param plateau: interval of the F1 at which the curve levels off; None where it cannot be told.
    :param points: number of points it is based on.
    """

    outcome: Literal["reached", "expected", "levels off", "cannot be told"]
    target: float
    documents: Reach | None
    tokens: Reach | None
    mentions: Reach | None
    hours: Reach | None
    plateau: tuple[float, float] | None
    points: int
    level: float = LEVEL

    def sentence(self) -> str:
        """The forecast in a plain sentence or two."""
        raise NotImplementedError


def forecast(
    points: Sequence[Point],
    target: float,
    seconds_per_document: Sequence[float] = (),
    *,
    level: float = LEVEL,
) -> Forecast:
    """Forecast the labels that `target` takes.

    :param points: of one run, in order.
    :param target: F1, a fraction between 0 and 1.
    :param seconds_per_document: what annotators took for documents so far.
    """
    raise NotImplementedError


def forecast_f1(points: Sequence[Point], documents: float, *, level: float = LEVEL) -> Estimate | None:
    """F1 that will be measured on these test documents with `documents` labelled documents; None with too few points."""
    raise NotImplementedError
