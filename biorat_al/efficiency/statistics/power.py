"""Power of a comparison, and how many seeds it takes to show an effect of a given size."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr, stdtrit

from biorat_al.efficiency.statistics.estimates import LEVEL, Components
from biorat_al.efficiency.statistics.intervals import CrossedMean, chi_squared_quantile

WANTED_POWER = 0.8

_FEW = 8
"""Up to this number of seeds the interval is clearly wider than Student's with Satterthwaite's degrees of freedom."""

_NODES, _WEIGHTS = (part / 2 for part in np.polynomial.legendre.leggauss(200))
_SEED_NODES, _SEED_WEIGHTS = (part / 2 for part in np.polynomial.legendre.leggauss(12))
_DOCUMENT_NODES, _DOCUMENT_WEIGHTS = (part / 2 for part in np.polynomial.legendre.leggauss(3))


def power(components: Components, effect: float, seeds: int, *, level: float = LEVEL) -> float:
    """Return the power of the two-sided test with `seeds` seeds and the same number of test documents.

    With few seeds this is the power of the interval itself, averaged over the mean squares of seeds and documents that
    experiments would draw. With more seeds it is the power of Student's t with Satterthwaite's degrees of freedom,
    which is then the same. The components are treated as known although they were estimated, so the result is only a
    guide.

    :param effect: the effect on the scale of the components (for a ratio: its logarithm).
    :param seeds: number of seeds, at least 2.
    """
    variance = components.variance(seeds)
    if not variance:
        return 1.0 if effect else 1 - level
    documents = components.documents
    squares = (
        components.residual + documents * components.seed,
        components.residual + seeds * components.document,
        components.residual,
    )
    dfs = (seeds - 1, documents - 1, (seeds - 1) * (documents - 1))
    shift = abs(effect) / np.sqrt(variance)
    if seeds <= _FEW:
        by_seed, by_document = (
            square * chi_squared_quantile(nodes + 0.5, df) / df
            for square, df, nodes in zip(squares[:2], dfs[:2], (_SEED_NODES, _DOCUMENT_NODES), strict=True)
        )
        drawn = [
            [CrossedMean(0.0, seeds, documents, (one, other, squares[2])) for other in by_document] for one in by_seed
        ]
        halves = np.array([[mean.half_width(level) for mean in row] for row in drawn]) / np.sqrt(variance)
        return float(_SEED_WEIGHTS @ (ndtr(shift - halves) + ndtr(-shift - halves)) @ _DOCUMENT_WEIGHTS)
    spread = sum(square**2 / df for square, df in zip(squares, dfs, strict=True))
    df = (variance * seeds * documents) ** 2 / spread
    # the noncentral t, integrated over the distribution of the standard error; scipy's own overflows for some values
    error = np.sqrt(chi_squared_quantile(_NODES + 0.5, df) / df)
    bound = stdtrit(df, (1 + level) / 2)
    return float(_WEIGHTS @ (ndtr(shift - bound * error) + ndtr(-shift - bound * error)))


def seeds_needed(
    components: Components, effect: float, *, wanted: float = WANTED_POWER, level: float = LEVEL, limit: int = 1000
) -> int | None:
    """Return the smallest number of seeds (2 or more) with the power `wanted`; None if `limit` seeds do not have it.

    More seeds do not reduce the variance between test documents. If this variance alone hides the effect, no number of
    seeds shows it, and more test documents are needed.
    """
    if power(components, effect, limit, level=level) < wanted:
        return None
    low, high = 1, limit
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power(components, effect, middle, level=level) >= wanted else (middle, high)
    return high
