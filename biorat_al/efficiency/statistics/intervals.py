"""Intervals for a mean over seeds and test documents: two crossed samples, of which the seeds are few.

The quantity (F1, an area, a difference) is a table with one row per seed and one column per test document. The mean of
a row is the seed's exact figure; the deviation of a cell from it is the document's influence on that figure. The table
is a two-way crossed random-effects layout with one observation per cell,

    y[s, d] = mean + seed[s] + document[d] + residual[s, d],

so that Var(mean) = (MS_seed + MS_document − MS_residual) / (S·D) in expectation. The interval is the generalised
confidence interval for the mean (Weerahandi 1993, JASA 88:899; Hannig, Iyer & Patterson 2006, JASA 101:254): each sum
of squares is divided by its own chi-squared variable and the normal probability is averaged over the three of them.
Satterthwaite's t takes its degrees of freedom from a variance that was estimated from, say, three seeds, and its
coverage then falls below its level. This interval needs no such degrees of freedom; if documents have no variance, it
is Student's t with S − 1 degrees. ``benchmarks/interval_coverage.py`` measures the coverage of both, and of the
percentile bootstrap over seeds. On tables drawn from the layout (``--tables``; 2,000 for each composition of the
variance, so a standard error of half a point) the 95 % interval contains the mean in 94.0 to 96.8 % of cases with five
seeds, in 94.8 to 98.2 % with three, and in 94.2 to 99.1 % with two: it is too wide rather than too narrow if seeds are
few and most of the variance is between documents.

scipy is imported where it is used: `status` imports this module and does not need it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from biorat_al.efficiency.statistics.estimates import Amount, Components, Estimate
from biorat_al.errors import UsageError

Array = NDArray[np.float64]

_NODES = (40, 8, 6)
"""Gauss-Legendre nodes for seeds, documents and residual; seeds have few degrees of freedom: a wide distribution."""

_CROWDING = 3
"""Power that crowds the nodes towards small chi-squared values, which determine the far ends of the interval."""


@dataclass(frozen=True)
class CrossedMean:
    """The mean of a table of seeds by documents, with the mean squares from which its error is computed.

    :param mean: mean of all cells.
    :param seeds: number of rows.
    :param documents: number of columns.
    :param squares: mean squares of seeds, documents and residual; 0 with too few rows or columns.
    """

    mean: float
    seeds: int
    documents: int
    squares: tuple[float, float, float]

    @property
    def components(self) -> Components | None:
        """Components of variance, negative estimates set to 0; None with fewer than two seeds or documents."""
        if self.seeds < 2 or self.documents < 2:
            return None
        seed, document, residual = self.squares
        return Components(
            seed=max((seed - residual) / self.documents, 0.0),
            document=max((document - residual) / self.seeds, 0.0),
            residual=residual,
            seeds=self.seeds,
            documents=self.documents,
        )

    @property
    def variance(self) -> float:
        """Variance of the mean; never below what the seeds alone or the documents alone give."""
        seed, document, residual = self.squares
        return max(seed + document - residual, seed, document, 0.0) / (self.seeds * self.documents)

    @property
    def degrees(self) -> float:
        """Satterthwaite's degrees of freedom of the variance."""
        rows, columns = self.seeds - 1, self.documents - 1
        if not rows or not columns or not self.variance:
            return float(max(rows or columns, 1))
        parts = zip(self.squares, (rows, columns, rows * columns), strict=True)
        return (self.variance * self.seeds * self.documents) ** 2 / sum(square**2 / df for square, df in parts)

    def half_width(self, level: float) -> float:
        """Return half the width of the confidence interval at `level`."""
        if not self.variance:
            return 0.0
        scale = float(np.sqrt(self.variance))
        simple = self._simple_degrees()
        if simple is not None:
            from scipy.special import stdtrit

            return float(stdtrit(simple, (1 + level) / 2)) * scale
        # it takes half a second to import, and not every command needs it
        from scipy.optimize import brentq

        upper = scale
        while self._inside(upper) < level:
            upper *= 2
        return float(brentq(lambda half: self._inside(half) - level, 0.0, upper, xtol=1e-6 * scale))

    def p_value(self, null: float = 0.0) -> float:
        """Return the two-sided p-value of the hypothesis that the expectation is `null`."""
        distance = abs(self.mean - null)
        if not self.variance:
            return 0.0 if distance else 1.0
        simple = self._simple_degrees()
        if simple is not None:
            from scipy.special import stdtr

            return float(2 * stdtr(simple, -distance / np.sqrt(self.variance)))
        return float(np.clip(1 - self._inside(distance), 0, 1))

    def estimate(self, level: float, null: float | None = 0.0) -> Estimate:
        """Return the mean with its interval; `null=None` leaves out the p-value."""
        half = self.half_width(level)
        return Estimate(
            value=Amount(self.mean),
            low=self.mean - half,
            high=self.mean + half,
            seeds=self.seeds,
            level=level,
            p_value=None if null is None else self.p_value(null),
            standard_error=float(np.sqrt(self.variance)),
            degrees=self.degrees,
            components=self.components,
        )

    def _simple_degrees(self) -> int | None:
        """Return the degrees of Student's t if only one of the two samples has variance, else None."""
        if self.seeds < 2:
            return self.documents - 1
        negligible = 1e-12 * self.squares[0]
        return self.seeds - 1 if self.squares[1] <= negligible and self.squares[2] <= negligible else None

    def _inside(self, half: float) -> float:
        """Return the generalised probability that the error of the mean is at most `half`."""
        from scipy.special import ndtr

        weights, inverse = _nodes(self.seeds, self.documents)
        seed, document, residual = (square * part for square, part in zip(self.squares, inverse, strict=True))
        variances = np.maximum(seed[:, None, None] + document[:, None] - residual, 1e-300)
        inside = 2 * ndtr(half / np.sqrt(variances / (self.seeds * self.documents))) - 1
        return float(np.einsum("ijk,i,j,k->", inside, *weights))


def crossed_mean(table: Array) -> CrossedMean:
    """Compute the mean and the mean squares of a table of seeds by test documents.

    :param table: shape (seeds, documents).
    :raises UsageError: there is no seed, or there are fewer than two documents, so that no variance can be computed.
    """
    seeds, documents = table.shape
    if seeds < 1 or documents < 2:
        raise UsageError(
            f"an interval needs at least one seed and two test documents; there are {seeds} and {documents}"
        )
    by_seed, by_document = table.mean(axis=1), table.mean(axis=0)
    mean = float(table.mean())
    rest = table - by_seed[:, None] - by_document + mean
    # with one seed a document's deviation is all variance of documents; there is no residual to subtract
    rows = max(seeds - 1, 1)
    return CrossedMean(
        mean=mean,
        seeds=seeds,
        documents=documents,
        squares=(
            float(documents * np.sum((by_seed - mean) ** 2) / rows) if seeds > 1 else 0.0,
            float(seeds * np.sum((by_document - mean) ** 2) / (documents - 1)),
            float(np.sum(rest**2) / (rows * (documents - 1))) if seeds > 1 else 0.0,
        ),
    )


def chi_squared_quantile(share: Array, df: float) -> Array:
    """Return quantiles of the chi-squared distribution, as `scipy.stats` does, which takes long to import."""
    from scipy.special import gammaincinv

    return np.asarray(2 * gammaincinv(df / 2, share))


@lru_cache(maxsize=32)
def _nodes(seeds: int, documents: int) -> tuple[list[Array], list[Array]]:
    """Return weights, and df / chi-squared at the nodes, for the mean squares of seeds, documents and residual."""
    weights, inverse = [], []
    for df, count in zip((seeds - 1, documents - 1, (seeds - 1) * (documents - 1)), _NODES, strict=True):
        nodes, weight = np.polynomial.legendre.leggauss(count)
        share = (nodes + 1) / 2
        weights.append(weight / 2 * _CROWDING * share ** (_CROWDING - 1))
        inverse.append(df / chi_squared_quantile(share**_CROWDING, df))
    return weights, inverse
