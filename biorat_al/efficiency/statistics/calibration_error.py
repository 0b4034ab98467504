"""Expected calibration error: how well a model's confidences agree with how often it is right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from biorat_al.efficiency.runs.model import ConfidenceBin, Run
from biorat_al.efficiency.statistics.estimates import LEVEL
from biorat_al.errors import UsageError


@dataclass(frozen=True, slots=True)
class Calibration:
    """Expected calibration error, with the bins for its reliability diagram.

    :param error: expected calibration error, a fraction.
    :param low: lower end of the interval.
    :param high: upper end of the interval.
    :param bins: the sum of all runs' bins.
    :param mentions: number of proposed mentions in the bins.
    :param runs: number of runs that had bins.
    """

    error: float
    low: float
    high: float
    bins: tuple[ConfidenceBin, ...]
    mentions: int
    runs: int
    level: float = LEVEL


def calibration_error(
    runs: Sequence[Run], *, point: int = -1, level: float = LEVEL, samples: int = 2000, seed: int = 0
) -> Calibration | None:
    """Return the expected calibration error of a group's models; None if they proposed no mention with a confidence.

    The error is Σ over bins of (mentions in the bin / mentions) · |share that is right − mean confidence| (Guo et al.
    2017, equation 3), over the mentions of all runs together.

    The interval is a basic (reversed percentile) bootstrap: mentions are drawn again over the bins (multinomial), and
    whether each is right is drawn again (binomial), with the mean confidence of each bin unchanged. The error is a sum
    of absolute values, so noise makes it larger, and larger again in each drawn sample. The basic interval subtracts
    this bias, where a percentile interval would add it. Close to 0 this does not work. The lower end is therefore 0 if
    a model without calibration error (drawn with each bin's confidence as its share that is right) would show an error
    this large in more than 2.5 % of samples. Mentions are assumed to be independent, as bins do not record the document
    or seed of a mention, so the interval is too narrow if errors come in clusters. With independent mentions it
    contained the true value in 83 to 99 % of drawn sets of 200 to 2000 mentions: it is only a rough interval.

    :param point: index of the point in each run; -1: the last.
    :raises UsageError: the runs differ in their number of bins.
    """
    rows = [run.points[point].reliability for run in runs if run.points and run.points[point].reliability]
    if not rows:
        return None
    if len({len(row) for row in rows}) > 1:
        raise UsageError("these runs have different numbers of confidence bins; measure them with the same version")
    bins = tuple(
        ConfidenceBin(
            count=sum(part.count for part in column),
            confidence=sum(part.confidence for part in column),
            right=sum(part.right for part in column),
        )
        for column in zip(*rows, strict=True)
    )
    counts = np.array([part.count for part in bins])
    total = int(counts.sum())
    if not total:
        return None
    filled = np.maximum(counts, 1)
    confidence = np.array([part.confidence for part in bins]) / filled
    right = np.array([part.right for part in bins])
    error = float(_error(counts, right, confidence))
    generator = np.random.default_rng(seed)
    drawn = generator.multinomial(total, counts / total, samples)
    errors = _error(drawn, generator.binomial(drawn, right / filled), confidence)
    lower, upper = np.quantile(errors, ((1 - level) / 2, (1 + level) / 2))
    perfect = _error(drawn, generator.binomial(drawn, np.clip(confidence, 0, 1)), confidence)
    may_be_perfect = error <= np.quantile(perfect, (1 + level) / 2)
    return Calibration(
        error=error,
        low=0.0 if may_be_perfect else float(np.clip(2 * error - upper, 0, 1)),
        high=float(np.clip(2 * error - lower, 0, 1)),
        bins=bins,
        mentions=total,
        runs=len(rows),
        level=level,
    )


def _error(counts: ArrayLike, right: ArrayLike, confidence: ArrayLike) -> NDArray[np.float64]:
    """Compute the expected calibration error along the last axis."""
    number = np.asarray(counts, dtype=float)
    return np.asarray(np.abs(np.asarray(right) - number * confidence).sum(axis=-1) / number.sum(axis=-1))
