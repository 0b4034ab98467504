"""What the next hour of annotation is expected to bring, from the curve so far and the price."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from biorat_al.acquisition.price.pace import Pace
from biorat_al.efficiency.runs.model import Point
from biorat_al.efficiency.statistics.estimates import LEVEL, Amount, Estimate
from biorat_al.efficiency.statistics.forecast import laws_of, matched_draws, quantiles
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
    documents = HOUR / np.maximum(matched_draws(pace, len(laws.level), seed), 1e-9)
    if left is not None:
        documents = np.minimum(documents, left)
    gain = laws.gap * (1 - (1 + documents / laws.last) ** -laws.exponent)
    low, high = quantiles(gain, level)
    return Estimate(Amount(float(np.median(gain))), low, high, seeds=1, level=level)


def next_hour_sentence(points: Sequence[Point], pace: Pace | None, left: int | None = None) -> str:
    """Say what the next hour brings: ``The next hour of annotation brings about +0.8 points of F1 (0.2 to 1.5, …).``

    :param left: as for :func:`next_hour`; where the documents that are left take less than an hour, the text says so.
    :return: an empty text if that is not known yet, or if no document is left.
    """
    gain = next_hour(points, pace, left) if pace is not None and left != 0 else None
    if gain is None or gain.value is None or pace is None:
        return ""
    begin = "The next hour of annotation brings"
    if left is not None and left * float(np.median(pace.draws)) < HOUR:
        begin = f"The {plural(left, 'document')} left {verb(left, 'take')} less than an hour and {verb(left, 'bring')}"
    low, high = (f"{100 * (end or 0.0):.1f}" for end in (gain.low, gain.high))
    level = f"{100 * gain.level:.4g} % interval{_with_other_prices(points, pace, left)}"
    return f"{begin} about +{100 * gain.value.value:.1f} points of F1 ({low} to {high}, {level})."


def _with_other_prices(points: Sequence[Point], pace: Pace, left: int | None) -> str:
    """Return what the hour brings with one price halved or doubled, in words; empty if that is not known."""
    if not pace.factors:
        return ""
    # the more seconds a document takes, the less an hour brings
    found = [next_hour(points, pace.times(factor), left) for factor in reversed(pace.extremes)]
    least, most = (100 * one.value.value if one and one.value and one.value.value else 0.0 for one in found)
    return f"; {least:.1f} to {most:.1f} with one price halved or doubled"
