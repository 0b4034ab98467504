"""What the next hour of annotation is expected to bring, from the curve so far and the price."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from biorat_al.acquisition.price.pace import Pace
from biorat_al.efficiency.runs.model import Point
from biorat_al.efficiency.statistics.estimates import LEVEL, Amount, Estimate
from biorat_al.efficiency.statistics.forecast import laws_of, matched_draws, quantiles
from biorat_al.efficiency.statistics.powerlaw import Laws
from biorat_al.wording import plural, verb

HOUR = 3600.0


def next_hour(
    points: Sequence[Point], pace: Pace, left: float | None = None, *, level: float = LEVEL, seed: int = 0
) -> Estimate | None:
    """Return the F1 that the next hour of annotation is expected to add, a fraction; None if the curve is too short.

    The interval is for the expected F1 on these test documents, if the curve continues as an inverse power law; it
    covers the uncertainty of law and price, but not the noise of the one model that will be measured.

    :param left: documents of the pool that are still to be annotated; an hour cannot bring more. None if unknown.
    """
    laws = laws_of(points, seed)
    if laws is None:
        return None
    gains = _gains(laws, pace, left, seed)
    low, high = quantiles(gains, level)
    return Estimate(Amount(float(np.median(gains))), low, high, seeds=1, level=level)


def next_hour_sentence(points: Sequence[Point], pace: Pace | None, left: int | None = None) -> str:
    """Say what the next hour brings: ``The next hour of annotation brings about +0.8 points of F1 (0.2 to 1.5, …).``

    :param left: as for :func:`next_hour`; where the documents that are left take less than an hour, the text says so.
    :return: an empty text if that is not known yet, or if no document is left.
    """
    laws = laws_of(points, 0) if pace is not None and left != 0 else None
    if laws is None or pace is None:
        return ""
    begin = "The next hour of annotation brings"
    if left is not None and left * float(np.median(pace.draws)) < HOUR:
        begin = f"The {plural(left, 'document')} left {verb(left, 'take')} less than an hour and {verb(left, 'bring')}"
    gains = _gains(laws, pace, left)
    low, high = (f"{100 * end:.1f}" for end in quantiles(gains, LEVEL))
    interval = f"{low} to {high}, {100 * LEVEL:.4g} % interval"
    if pace.factors:
        # the more seconds a document takes, the less an hour brings
        least, most = (np.median(_gains(laws, pace.times(factor), left)) for factor in reversed(pace.extremes))
        interval += f"; {100 * least:.1f} to {100 * most:.1f} with one price halved or doubled"
    return f"{begin} about +{100 * np.median(gains):.1f} points of F1 ({interval})."


def _gains(laws: Laws, pace: Pace, left: float | None, seed: int = 0) -> NDArray[np.float64]:
    """Return what an hour adds to the F1 by each draw of the laws and of the pace, shape (draws,)."""
    documents = HOUR / np.maximum(matched_draws(pace, len(laws.level), seed), 1e-9)
    if left is not None:
        documents = np.minimum(documents, left)
    gains: NDArray[np.float64] = laws.gap * (1 - (1 + documents / laws.last) ** -laws.exponent)
    return gains
