"""Temperature scaling on the development part (Guo et al. 2017, "On Calibration of Modern Neural Networks")."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from biorat_al.learner.decoding import log_softmax

COLDEST, HOTTEST = 0.25, 8.0


def negative_log_likelihood(
    logits: Sequence[NDArray[np.float32]], tags: Sequence[NDArray[np.int64]], temperature: float = 1.0
) -> float:
    """Mean over words and types of −log p(gold tag), in nats; 0 where there is no word.

    :param logits: one array of shape (words, types, 3) per document.
    :param tags: one array of shape (words, types) per document; negative ones are left out.
    """
    scores, gold = _flat(logits, tags)
    return _loss(scores, gold, temperature)


def fit_temperature(logits: Sequence[NDArray[np.float32]], tags: Sequence[NDArray[np.int64]]) -> float:
    """The temperature at which the gold tags are most likely, between 1/4 and 8; 1 where there is no word."""
    scores, gold = _flat(logits, tags)
    if not len(gold):
        return 1.0
    # in the inverse temperature the loss is convex; so it has one minimum on any monotone scale
    return float(np.exp(_minimum(lambda x: _loss(scores, gold, float(np.exp(x))), np.log(COLDEST), np.log(HOTTEST))))


def _flat(
    logits: Sequence[NDArray[np.float32]], tags: Sequence[NDArray[np.int64]]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    scores = [document.reshape(-1, 3) for document in logits]
    gold = [document.reshape(-1) for document in tags]
    if not scores:
        return np.zeros((0, 3)), np.zeros(0, dtype=np.int64)
    every_score, every_tag = np.concatenate(scores).astype(np.float64), np.concatenate(gold)
    return every_score[every_tag >= 0], every_tag[every_tag >= 0]


def _loss(scores: NDArray[np.float64], gold: NDArray[np.int64], temperature: float) -> float:
    if not len(gold):
        return 0.0
    return float(-log_softmax(scores / temperature)[np.arange(len(gold)), gold].mean())


def _minimum(function: Callable[[float], float], low: float, high: float, steps: int = 40) -> float:
    """Golden-section search for the minimum of a function that has one (Kiefer 1953)."""
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
