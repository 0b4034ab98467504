"""Confidence intervals of a share of places, where places of one document resemble each other.

The score interval (Wilson 1927, "Probable inference, the law of succession, and statistical inference", JASA 22:209) of
as many independent places as tell as much: the number of places divided by the design effect, which is the variance of
the share, estimated from the sums over documents, over that of independent places. Student's t takes the place of the
normal distribution, with the documents' degrees of freedom (Dean and Pagano 2015, "Evaluating confidence interval
methods for binomial proportions in clustered surveys", Journal of Survey Statistics and Methodology 3:484). A bootstrap
has no spread where somebody was upheld everywhere, and too little where there are few documents with a few exceptions.
``benchmarks/interval_coverage.py --upheld`` measures both.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from biorat_al.people.bootstrap import LEVEL, Interval


def share_interval(parts: Sequence[tuple[float, float]]) -> Interval | None:
    """Return the interval of a share; None with fewer than two documents that have places, which show no spread.

    :param parts: for each document, the places that count and all of its places.
    """
    counts = np.array([one for one in parts if one[1] > 0], dtype=np.float64).reshape(-1, 2)
    documents = len(counts)
    if documents < 2:
        return None
    # takes long to import
    from scipy.special import stdtrit

    counted, places = counts.sum(0)
    share = counted / places
    residuals = counts[:, 0] - share * counts[:, 1]
    variance = documents / (documents - 1) * (residuals**2).sum() / places**2
    # where all documents have the same share, each tells as much as one place at least; products of whole numbers are
    # exact, and a share is not
    alike = (counts[:, 0] * places == counted * counts[:, 1]).all()
    number = documents if alike else places / max(1.0, variance * places / (share * (1 - share)))
    squared = stdtrit(documents - 1, (1 + LEVEL) / 2) ** 2
    middle = share + squared / (2 * number)
    half = np.sqrt(squared * (share * (1 - share) / number + squared / (4 * number**2)))
    low, high = (middle - half) / (1 + squared / number), (middle + half) / (1 + squared / number)
    return max(0.0, float(low)), min(1.0, float(high))
