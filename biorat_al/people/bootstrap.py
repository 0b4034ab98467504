"""Confidence intervals by bootstrap over documents, for figures that are computed from sums over documents.

Documents are resampled with replacement (Efron & Tibshirani 1993, "An Introduction to the Bootstrap", section 13.3).
The sums of each sample give the figure again, and its percentiles are the ends of the interval. The samples are the
same in every call, so that the same answers give the same interval. With few documents it is too narrow.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

LEVEL = 0.95
"""Confidence level of the intervals."""

DRAWS = 2000
"""Bootstrap samples for an interval."""

Interval = tuple[float, float]


def draws(number: int) -> Array:
    """Return how often each of a number of documents is drawn in each sample, shape (`DRAWS`, documents)."""
    return np.random.default_rng(0).multinomial(number, np.full(number, 1 / number), DRAWS).astype(np.float64)


def interval_of(samples: Array, documents: int) -> Interval | None:
    """Return the interval from the figures of the samples; None with fewer than two documents, which show no spread.

    :param samples: NaN where a sample does not define the figure; such samples are left out.
    """
    defined = samples[~np.isnan(samples)]
    if documents < 2 or not len(defined):
        return None
    low, high = np.quantile(defined, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return float(low), float(high)


def ratio(parts: Array, *, empty: float) -> Array:
    """Return the quotients of the last axis of an array, shape (…, 2).

    :param empty: quotient where there is nothing to divide by.
    """
    return np.divide(parts[..., 0], parts[..., 1], out=np.full(parts.shape[:-1], empty), where=parts[..., 1] > 0)
