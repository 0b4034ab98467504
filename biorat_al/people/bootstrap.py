"""Confidence intervals by bootstrap over documents, for figures that are computed from sums over documents.

Documents are resampled with replacement (Efron & Tibshirani 1993, "An Introduction to the Bootstrap", section 13.3).
The sums of each sample give the figure again, and its percentiles are the ends of the interval. With few documents they
are too close to each other; so they are taken further out, as far as Student's t is wider than the normal distribution
(the expanded percentile interval: Hesterberg 2015, "What teachers should know about the bootstrap", The American
Statistician 69:371). ``benchmarks/interval_coverage.py --agreement`` measures the coverage. The samples are the same in
every call, so that the same answers give the same interval.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

LEVEL = 0.95
"""Confidence level of the intervals."""

DRAWS = 2000
"""Bootstrap samples for an interval."""

Interval = tuple[float, float]


@lru_cache(maxsize=4)
def draws(number: int) -> Array:
    """Return how often each of a number of documents is drawn in each sample, shape (`DRAWS`, documents)."""
    drawn: Array = np.random.default_rng(0).multinomial(number, np.full(number, 1 / number), DRAWS).astype(np.float64)
    return drawn


def interval(sums: Array, figure: Callable[[Array], Array], *, documents: int | None = None) -> Interval | None:
    """Return the interval of a figure; None with fewer than two documents, which show no spread.

    :param sums: what the figure is computed from, by document: shape (documents, …).
    :param figure: computes it from the sums over documents of many samples, shape (samples, …): one number for each,
        NaN where it is undefined. Such samples are left out.
    :param documents: number of documents that the interval is as wide as; None takes all. For a difference of two
        groups, the smaller group decides.
    """
    if len(sums) < 2:
        return None
    drawn = draws(len(sums)) @ sums.reshape(len(sums), -1)
    samples = figure(drawn.reshape(DRAWS, *sums.shape[1:]))
    defined = samples[~np.isnan(samples)]
    if not len(defined):
        return None
    outside = tail(documents or len(sums))
    low, high = np.quantile(defined, (outside, 1 - outside))
    return float(low), float(high)


def tail(documents: int) -> float:
    """Return the share of the samples below the interval of a number of documents, and above it.

    :param documents: at least 2.
    """
    # takes long to import, and `status` needs it only where several people annotated
    from scipy.special import ndtr, stdtrit

    width = stdtrit(documents - 1, (1 + LEVEL) / 2) * np.sqrt(documents / (documents - 1))
    return float(ndtr(-width))


def ratio(parts: Array, *, empty: float) -> Array:
    """Return the quotients of the last axis of an array, shape (…, 2).

    :param empty: quotient where there is nothing to divide by.
    """
    quotients: Array = np.full(parts.shape[:-1], empty)
    np.divide(parts[..., 0], parts[..., 1], out=quotients, where=parts[..., 1] > 0)
    return quotients
