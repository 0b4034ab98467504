"""How many mentions the text holds that nobody has annotated, from random samples of it.

The idea, to annotate sentence by sentence until an estimate says that enough mentions are found, is that of Tsuruoka,
Tsujii and Ananiadou 2008, *Accelerating the annotation of sparse named entities by dynamic sentence selection* (BMC
Bioinformatics 9, Suppl 11:S8), who add up what their tagger expects in the unseen sentences. Here a random sample says
how far such expectations are off.

One sample
    Mentions in the text around a sample are estimated as *a* times its words plus *b* times what a model expected in
    it: a regression estimator (Särndal, Swensson and Wretman 1992, *Model assisted survey sampling*, sections 6.4 and
    6.5). *b* is fitted by least squares, *a* such that the sample itself is met. The model must not have learnt from
    the sample. Without a model *b* is 0, and it is the ratio estimator (section 5.6). What has been found since in the
    text around the sample is subtracted.

Several samples
    Each sample was drawn from what was left at the time. Given what came before, each estimate is unbiased, so their
    errors are uncorrelated, and they are weighted by their precision. That of a sample with the words *s* from a text
    of *p* words is proportional to *s* / (*p* (*p* - *s*)), divided by the dispersion of mentions in it. If all rounds
    draw at random, this is as precise as one sample of all of them together.

The interval
    The number of mentions varies more than a Poisson number with the same mean, by the sample's dispersion (McCullagh
    and Nelder 1989, *Generalized linear models*, section 6.2.3). The interval is that of a Poisson mean with Jeffreys'
    prior, which is a gamma distribution (Brown, Cai and DasGupta 2003, Statistica Sinica 13:19), for the number divided
    by the dispersion; with few texts it is widened like Student's t. So it never ends below 0, and has a width even
    where a sample has no mention. ``benchmarks/coverage_of_coverage.py`` measures how often it holds the truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.95

FEWEST = 10
"""Texts that a sample needs; with fewer, its dispersion is unknown."""

_BEFORE = 2.0
"""Mentions that the dispersion of all labels together counts for beside the observed one of a label."""

_HALF = 0.5
"""Shape of Jeffreys' prior for a Poisson mean."""


@dataclass(frozen=True)
class Sample:
    """Texts that were drawn at random and annotated, and the text around them that they were drawn from.

    :param words: words of each text, shape (texts,).
    :param mentions: mentions found in each, by label, shape (texts, labels).
    :param rest: words of the text around the sample.
    :param found: mentions found in the text around the sample, by label, shape (labels,).
    :param expected: what a model that had not learnt from the sample expected in each text, by label, shape (texts,
        labels); None: there was no model.
    :param rest_expected: what it expected in the text around the sample, by label, shape (labels,).
    """

    words: NDArray[np.float64]
    mentions: NDArray[np.float64]
    rest: float
    found: NDArray[np.float64]
    expected: NDArray[np.float64] | None = None
    rest_expected: NDArray[np.float64] | None = None

    @property
    def is_usable(self) -> bool:
        """Whether the sample says anything about the text around it."""
        return len(self.words) >= FEWEST and float(self.words.sum()) > 0


@dataclass(frozen=True)
class UnfoundMentions:
    """Mentions in the text that nobody has annotated, by label, and of all labels together in the last place.

    :param left: the estimate, shape (labels + 1,).
    :param low: lower end of the interval, likewise.
    :param high: upper end, likewise.
    :param weights: of the samples, in their order; they add up to 1.
    :param draws: of the number for all labels together, from its distribution, shape (draws,).
    """

    left: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    weights: tuple[float, ...]
    draws: NDArray[np.float64]


@dataclass(frozen=True)
class _Estimate:
    """What one sample says of the text around it.

    :param around: estimated mentions in the text around the sample, shape (labels + 1,).
    :param unit: variance of this number for each mention of it, likewise.
    :param precision: weight of the sample beside others.
    :param freedom: degrees of freedom.
    """

    around: NDArray[np.float64]
    unit: NDArray[np.float64]
    precision: float
    freedom: int


def mentions_left(
    samples: Sequence[Sample], *, level: float = LEVEL, draws: int = 1000, seed: int = 0
) -> UnfoundMentions:
    """Estimate how many mentions nobody has found yet, with an interval.

    :param samples: at least one, each of them usable (see :attr:`Sample.is_usable`).
    :param draws: how many numbers to draw for all labels together.
    """
    from scipy.stats import gamma, norm, t

    estimates = [_estimate(one) for one in samples]
    # a sample of everything leaves nothing to estimate
    whole = [number for number, one in enumerate(samples) if one.rest <= 0]
    precision = np.array([one.precision for one in estimates]) if not whole else np.eye(len(samples))[whole[-1]]
    weights = precision / precision.sum()
    around = sum(weight * one.around for weight, one in zip(weights, estimates, strict=True))
    found = sum(weight * _with_all(one.found) for weight, one in zip(weights, samples, strict=True))
    words = sum(weight * one.rest for weight, one in zip(weights, samples, strict=True))
    if words <= 0:
        nothing = np.zeros(len(around))
        return UnfoundMentions(nothing, nothing, nothing, tuple(weights.tolist()), np.zeros(draws))
    unit = sum(
        weight**2 * one.unit * sample.rest for weight, one, sample in zip(weights, estimates, samples, strict=True)
    )
    freedom = sum(one.freedom for one, weight in zip(estimates, weights, strict=True) if weight > 0)
    tail = (1 - level) / 2
    unit = unit / words * (t.ppf(tail, freedom) / norm.ppf(tail)) ** 2
    shape = around / unit + _HALF
    low, high = (np.maximum(unit * gamma.ppf(part, shape) - found, 0.0) for part in (tail, 1 - tail))
    left = np.maximum(around - found, 0.0)
    drawn = np.random.default_rng([seed, 18]).gamma(shape[-1], unit[-1], size=draws)
    return UnfoundMentions(
        left,
        np.floor(np.minimum(low, left)),
        np.ceil(np.maximum(high, left)),
        tuple(weights.tolist()),
        np.maximum(drawn - found[-1], 0.0),
    )


def share_found(found: float, left: float) -> float | None:
    """Return which share of all mentions has been found; None if there are none."""
    return found / (found + left) if found + left > 0 else None


def _estimate(sample: Sample) -> _Estimate:
    """Estimate the mentions in the text around a sample."""
    mentions, words = _with_all(sample.mentions), sample.words
    read = float(words.sum())
    rate = mentions.sum(axis=0) / read
    residuals = mentions - words[:, None] * rate
    leverage = words / read
    around = sample.rest * rate
    fitted = 1
    if sample.expected is not None and sample.rest_expected is not None:
        expected = _with_all(sample.expected)
        per_word = expected.sum(axis=0) / read
        beyond = expected - words[:, None] * per_word
        spread = float((beyond[:, -1] ** 2).sum())
        if spread > 0:
            # one factor for all labels, so that they add up; a model that is no use gets none
            factor = max(0.0, float((residuals[:, -1] * beyond[:, -1]).sum()) / spread)
            residuals = residuals - factor * beyond
            leverage = leverage + beyond[:, -1] ** 2 / spread
            around = around + factor * (_with_all(sample.rest_expected) - sample.rest * per_word)
            fitted = 2
    # a text that decides the fit has a residual that is too small: the jackknife's, as HC3 approximates it
    residuals = residuals / np.maximum(1 - leverage, 0.1)[:, None]
    squares, counted = (residuals**2).sum(axis=0), mentions.sum(axis=0)
    of_all = (squares[-1] + _BEFORE) / (counted[-1] + _BEFORE)
    # of a label that the sample hardly has, nobody knows that its number varies less than a Poisson number
    dispersion = (squares + _BEFORE * max(of_all, 1.0)) / (counted + _BEFORE)
    dispersion[-1] = of_all
    unit = dispersion * (read + sample.rest) / read
    precision = 1 / (unit[-1] * sample.rest) if sample.rest > 0 else 1.0
    return _Estimate(np.maximum(around, 0.0), unit, precision, max(len(words) - fitted, 1))


def _with_all(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return counts by label with their sum in a last column."""
    return np.concatenate([counts, counts.sum(axis=-1, keepdims=True)], axis=-1)
