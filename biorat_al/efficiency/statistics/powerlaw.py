"""Inverse power laws that are consistent with a learning curve.

f(n) = a − b·n^(−c) (Figueroa et al. 2012, BMC Medical Informatics and Decision Making 12:8), written as

    f(n) = level + gap · (1 − (n / last)^(−c)),    0 ≤ level,  0 ≤ gap,  level + gap ≤ 1,

with `level` the law's F1 at the last point and `gap` the distance from there to the asymptote a = level + gap. While
the curve still rises, a single fit says little about the asymptote. So no single law is fitted: each (gap, c) on a grid
is weighted by its likelihood, with the level integrated out and the noise summed over a grid of its values. A priori,
gap is uniform from 0 to 1, and c is uniform between 0.05 and 2 on the logarithmic scale.

As in Figueroa et al., later points count for more (weight j/m for point j of m), because the law need not hold for the
first ones. The residuals of four points alone do not determine the noise. The test documents therefore contribute an
estimate (the jackknife's standard error of the step from each point to the next, divided by √2), which counts as four
more residuals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from biorat_al.efficiency.runs.model import Point
from biorat_al.efficiency.statistics.intervals import Array
from biorat_al.efficiency.statistics.seed_tables import pseudo_values

MINIMUM_POINTS = 4
"""Fewest points to which laws are fitted: a law has three parameters."""

# finer towards 0, where the gap of a curve that levels off is; each step is weighted by its width
_ROOTS: Array = ((np.arange(200) + 0.5) / 200).astype(np.float64)
_GAPS: Array = _ROOTS**2
_EXPONENTS: Array = np.geomspace(0.05, 2.0, 40).astype(np.float64)
_NOISES: Array = np.geomspace(0.3, 5.0, 15).astype(np.float64)
_PRIOR_RESIDUALS = 4
_DRAWS = 4000
_STARTED = 0.01


@dataclass(frozen=True)
class Laws:
    """Draw from the laws that are consistent with the points, all with the same weight.

    :param last: labelled documents at the last point.
    :param level: F1 at the last point, shape (draws,).
    :param gap: distance from the level to the asymptote, shape (draws,).
    :param exponent: the exponent c, shape (draws,).
    :param noise: standard deviation of one point about the law, shape (draws,).
    """

    last: float
    level: Array
    gap: Array
    exponent: Array
    noise: Array

    def at(self, documents: float) -> Array:
        """Return F1 with `documents` labelled documents, shape (draws,)."""
        return np.asarray(self.level + self.gap * (1 - (documents / self.last) ** -self.exponent))

    def documents_for(self, target: float) -> Array:
        """Return the labelled documents at which each law reaches `target`, infinite if never; shape (draws,)."""
        left = 1 - (target - self.level) / self.gap
        with np.errstate(divide="ignore", over="ignore"):
            factor = np.where(left > 0, np.maximum(left, 1e-300) ** (-1 / self.exponent), np.inf)
        return np.asarray(np.where(self.level >= target, 0.0, self.last * factor))


def usable(points: Sequence[Point]) -> list[Point]:
    """Return the points to which a law can be fitted, ordered by documents.

    Points before the curve leaves 0 are left out: a model that predicts nothing yet does not show how fast it learns.
    If several points have the same number of documents, the last one counts.
    """
    by_documents = {point.documents: point for point in points}
    ordered = [by_documents[number] for number in sorted(by_documents) if number > 0]
    started = next((place for place, point in enumerate(ordered) if point.f1 >= _STARTED), len(ordered))
    return ordered[started:]


def fit(points: Sequence[Point], seed: int) -> Laws | None:
    """Draw from the laws that are consistent with the points; return None with fewer than four usable points.

    :param seed: seed of the draws.
    """
    rows = usable(points)
    if len(rows) < MINIMUM_POINTS:
        return None
    documents = np.array([point.documents for point in rows], dtype=float)
    f1 = np.array([point.f1 for point in rows])
    weights = np.arange(1, len(rows) + 1) / len(rows)
    # the contribution of gap and exponent at each point: shape (gaps, exponents, points)
    powers = (documents / documents[-1]) ** -_EXPONENTS[:, None]
    rest = f1 - _GAPS[:, None, None] * (1 - powers)
    level = rest @ weights / weights.sum()
    squares = (rest - level[..., None]) ** 2 @ weights
    of_documents = _noise_of_documents(rows)
    noise: Array = _NOISES * of_documents
    # n − 1 residuals, as the level is integrated out; the prior residuals have the variance of the documents
    freedom = len(rows) - 1 + _PRIOR_RESIDUALS
    exponent = (squares[..., None] + _PRIOR_RESIDUALS * of_documents**2) / (2 * noise**2)
    chances = -exponent - freedom * np.log(noise)
    chances = np.exp(chances - chances.max()) * _ROOTS[:, None, None]
    return _draw(chances, level, noise, float(np.sqrt(weights.sum())), documents[-1], seed)


def _draw(chances: Array, level: Array, noise: Array, weight: float, last: float, seed: int) -> Laws:
    """Draw laws from the weighted grid."""
    generator = np.random.default_rng(seed)
    # systematic sampling, which reproduces the weights of the grid almost without noise
    places = (np.arange(_DRAWS) + generator.random()) / _DRAWS
    cells = np.searchsorted(np.cumsum(chances.ravel()) / chances.sum(), places)
    gap, exponent, spread = np.unravel_index(np.minimum(cells, chances.size - 1), chances.shape)
    levels = generator.normal(level[gap, exponent], noise[spread] / weight)
    # F1 is between 0 and 1, and so is the asymptote
    admitted = (levels >= 0) & (levels + _GAPS[gap] <= 1)
    if not admitted.any():
        # every law that fits ends at 1, which the curve has reached
        levels = np.clip(levels, 0, 1)
        return Laws(last, levels, np.maximum(1 - levels, 1e-9), _EXPONENTS[exponent], noise[spread])
    kept = np.flatnonzero(admitted)
    return Laws(last, levels[kept], _GAPS[gap[kept]], _EXPONENTS[exponent[kept]], noise[spread[kept]])


def _noise_of_documents(points: Sequence[Point]) -> float:
    """Estimate the standard deviation of a point about its law from the test documents."""
    documents = sorted(points[0].counts)
    values = np.array([pseudo_values([point.counts[name] for name in documents]) for point in points])
    steps = np.diff(values, axis=0)
    variance = steps.var(axis=1, ddof=1).mean() / len(documents) / 2 if len(documents) > 1 else 0.0
    return float(np.sqrt(max(variance, 1e-6)))
