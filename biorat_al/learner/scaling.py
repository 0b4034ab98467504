"""Calibration of probabilities by Platt scaling (Platt 1999, "Probabilistic Outputs for Support Vector Machines").

The log-odds that a proposed mention is right are divided by a temperature (Guo et al. 2017, "On Calibration of Modern
Neural Networks"), and an offset is added. The temperature alone cannot calibrate mentions: it moves every probability
towards one half, but a third of the mentions that a model of few abstracts is almost sure of are wrong
(``benchmarks/calibration.py``). Both are fitted to mentions that were proposed in documents that the model was not
trained on.

The softmax of the tags is not scaled, for two reasons. A temperature that calibrates the tags leaves the mentions
overconfident, because the tags of one mention are right or wrong together. A temperature of the tags that calibrates
the mentions spreads so much probability over the many words outside that it no longer tells documents apart. Measured
with MiniLM on 100 training abstracts of NCBI disease, one seed, with temperatures alone: the rank correlation of a
document's confidence with its F1 was 0.60 with this method, and 0.52 and 0.38 with those two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

COLDEST, HOTTEST = 0.25, 8.0
_CERTAIN = 1e-6  # probabilities are kept this far from 0 and 1


class Scaling(NamedTuple):
    """How probabilities are calibrated; by default, not at all.

    :param temperature: divisor of the log-odds.
    :param offset: added to the divided log-odds.
    """

    temperature: float = 1.0
    offset: float = 0.0

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Scaling:
        """Read a scaling from a model's summary or file; a model of an older version has no offset."""
        return cls(float(values.get("temperature", 1.0)), float(values.get("offset", 0.0)))

    def apply(self, probabilities: ArrayLike) -> NDArray[np.float64]:
        """Return calibrated probabilities, shape as given."""
        from scipy.special import expit, logit

        return _kept(expit(logit(_kept(probabilities)) / self.temperature + self.offset))

    def undo(self, probabilities: ArrayLike) -> NDArray[np.float64]:
        """Return the probabilities that were calibrated."""
        from scipy.special import expit, logit

        return _kept(expit((logit(_kept(probabilities)) - self.offset) * self.temperature))


UNCALIBRATED = Scaling()

OF_ONE_MODEL, OF_A_COMMITTEE = Scaling(1.3, -1.2), Scaling(1.4, -0.9)
"""Scalings of models for which there are no answers yet; those fitted to a few answers are drawn towards them.

They are the means of those that fit 60 and 150 abstracts of NCBI disease best (``benchmarks/calibration.py``, small
encoder). With other corpora and encoders another one may be right, which a few dozen answered proposals show.
"""

SPREAD_OF_SLOPE, SPREAD_OF_OFFSET = 0.15, 0.3
"""Standard deviations of 1 / temperature and offset between projects, for :func:`fit_scaling`.

In ``benchmarks/calibration.py`` they differed by 0.11 and 0.42 (standard deviations over samples of abstracts, ways of
training and sizes, of which a part is chance).
"""


def fit_scaling(probabilities: ArrayLike, right: ArrayLike, expected: Scaling) -> Scaling:
    """Fit a scaling to what was right, drawn towards the `expected` one as far as there are few mentions.

    That is the most probable scaling if 1 / temperature and offset are normally distributed around the expected ones.

    :param probabilities: uncalibrated probabilities of mentions, shape (n,).
    :param right: whether each mention was right, shape (n,).
    :returns: a scaling with a temperature between 1/4 and 8; the expected one if there are no mentions.
    """
    from scipy.optimize import minimize
    from scipy.special import expit, logit

    p, hits = _kept(probabilities), np.asarray(right, dtype=bool)
    if not p.size:
        return expected
    log_odds, sign = logit(p), np.where(hits, 1.0, -1.0)
    centre = np.array([1 / expected.temperature, expected.offset])
    spread = np.array([SPREAD_OF_SLOPE, SPREAD_OF_OFFSET])

    def loss(values: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        away = (values - centre) / spread
        margin = sign * (values[0] * log_odds + values[1])
        pull = -sign * expit(-margin)
        gradient = np.array([(pull * log_odds).sum(), pull.sum()]) + away / spread
        return float(np.logaddexp(0, -margin).sum() + (away**2).sum() / 2), gradient

    bounds = [(1 / HOTTEST, 1 / COLDEST), (None, None)]
    slope, offset = minimize(loss, centre, jac=True, method="L-BFGS-B", bounds=bounds).x
    return Scaling(float(1 / slope), float(offset))


def _kept(probabilities: ArrayLike) -> NDArray[np.float64]:
    return np.clip(np.asarray(probabilities, dtype=np.float64), _CERTAIN, 1 - _CERTAIN)


def calibrated_number(expected: float, before: ArrayLike, after: ArrayLike) -> float:
    """Return the expected number of mentions (or relations) that goes with calibrated probabilities.

    `expected` counts the proposed mentions with their uncalibrated probabilities, and all others that could be there.
    The proposed ones count with their calibrated probabilities instead. A scaling does not cover the others by
    itself; they are what is there if a proposal is wrong (another border, another label) or missing, so their number
    grows or shrinks as the doubt about the proposals does.

    :param expected: expected number by uncalibrated probabilities.
    :param before: uncalibrated probabilities of the proposed ones, shape (n,).
    :param after: the same, calibrated.
    """
    p, q = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    others = max(expected - float(p.sum()), 0.0)
    if len(p):
        others *= max(float((1 - q).sum()), _CERTAIN) / max(float((1 - p).sum()), _CERTAIN)
    return float(q.sum()) + others


def fit_temperature(probabilities: ArrayLike, right: ArrayLike) -> float:
    """Return the temperature, between 1/4 and 8, that fits best without an offset.

    The targets are drawn a little towards the middle, as by Platt 1999 (section 2.2), so that a few mentions that are
    all right do not give certainty.

    :param probabilities: probabilities of mentions, shape (n,).
    :param right: whether each mention was right, shape (n,).
    :returns: the temperature; 1 if there are no mentions.
    """
    p, hits = np.asarray(probabilities, dtype=np.float64), np.asarray(right, dtype=bool)
    if not len(p):
        return 1.0
    target = np.where(hits, (hits.sum() + 1) / (hits.sum() + 2), 1 / ((~hits).sum() + 2))

    def loss(log_temperature: float) -> float:
        q = Scaling(float(np.exp(log_temperature))).apply(p)
        return float(-(target * np.log(q) + (1 - target) * np.log1p(-q)).sum())

    # convex in the inverse temperature, so there is one minimum on any monotone scale
    return float(np.exp(_minimum(loss, float(np.log(COLDEST)), float(np.log(HOTTEST)))))


def _minimum(function: Callable[[float], float], low: float, high: float, steps: int = 40) -> float:
    """Return the minimum of a function that has only one, by golden-section search (Kiefer 1953).

    ``scipy.optimize.minimize_scalar`` finds the same to about eight digits. But the temperature is part of a model's
    file, and thereby of its digest, so models that are trained as before would have other names.
    """
    ratio = (5**0.5 - 1) / 2
    left, right = high - ratio * (high - low), low + ratio * (high - low)
    at_left, at_right = function(left), function(right)
    for _ in range(steps):
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - ratio * (high - low)
            at_left = function(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + ratio * (high - low)
            at_right = function(right)
    return (low + high) / 2
