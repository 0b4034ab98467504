"""A query strategy that looks back at how unsure the models of the last rounds were of a document."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from biorat_al.acquisition.base import Candidates, QueryStrategy

ROUNDS = 3
"""Number of rounds over which uncertainty may fluctuate, the newest among them; with it each prediction is kept."""

WEIGHT = 0.5
"""Weight of the newest uncertainty; the rest of 1 is the weight of the fluctuation."""


_ROUNDING = 1e-9
"""Changes of this share or less are rounding: where no document changes, its errors must not decide."""


class Fluctuation(QueryStrategy):
    """Choose documents of which the model is unsure, and about which the models of the last rounds changed their minds.

    Let φ be the uncertainty of ``mnlp`` (per word), and V the variance of φ over the models of the last three rounds
    that trained one. The score is ½ φ/φ̄ + ½ V/V̄, where φ̄ and V̄ are the means over the candidates: 1 for a document
    that is average in both. A document that only the newest model has seen has no variance, and its score is φ/φ̄; so in
    the first round with a model the order is that of ``mnlp``, and the reason says so. With two models, V is over both.
    What earlier models measured is kept with the predictions, so it costs no pass of the network.

    Yao, Dou, Nie and Wen 2022, *Looking back on the past: active learning with historical evaluation results* (IEEE
    TKDE 34), fluctuation of the historical sequence (FHS): ½ φ + ½ V over three rounds. The division by the means is
    added here: φ per word is far below 1, and its variance smaller by orders of magnitude, so that without it V would
    hardly count. Among the strategies that Kohl, Krämer, Fohry and Kraft 2024, *Comparative performance analysis of
    active learning strategies for the entity recognition task* (KDIR), compared in 115 experiments, it was one of two
    that gained most.
    """

    name = "fluctuation"
    prefers = "mnlp"
    needs_history = True
    subsampled = False

    def scores(self, candidates: Candidates, generator: np.random.Generator) -> NDArray[np.float64]:
        return measured_fluctuation(self, candidates)

    def reason(self, score: float) -> str:
        return f"unsure, or sure in one round and unsure in another (fluctuation {score:.3f}, 1 is average)"

    def remark(self, candidates: Candidates, position: int) -> str:
        return rounds_in_words(candidates, position)


def measured_fluctuation(strategy: QueryStrategy, candidates: Candidates) -> NDArray[np.float64]:
    """Return the :func:`fluctuation` of the uncertainty of ``mnlp``, shape (n,).

    :param strategy: who asks, for the errors of :meth:`~biorat_al.acquisition.base.QueryStrategy.from_model`.
    """
    return fluctuation(strategy.from_model(candidates, "mnlp"), candidates.history)


def fluctuation(newest: NDArray[np.float64], history: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the score that :class:`Fluctuation` defines, shape (n,).

    :param newest: uncertainty by the newest model, shape (n,).
    :param history: uncertainty by earlier models, shape (n, k), the newest first; NaN where a model did not see the
        document. Shape (0, 0): there are no earlier ones.
    """
    sequence = newest[:, None] if not history.size else np.column_stack([newest, history[:, : ROUNDS - 1]])
    known = ~np.isnan(sequence)
    rounds = known.sum(axis=1)
    mean = np.where(known, sequence, 0.0).sum(axis=1) / np.maximum(rounds, 1)
    variance = np.where(known, np.square(sequence - mean[:, None]), 0.0).sum(axis=1) / np.maximum(rounds, 1)
    variance[variance <= np.square(_ROUNDING * mean)] = 0.0
    several = rounds > 1
    level = _relative(newest, newest)
    return np.where(several, WEIGHT * level + (1 - WEIGHT) * _relative(variance, variance[several]), level)


def rounds_in_words(candidates: Candidates, position: int) -> str:
    """Say how many rounds the fluctuation of a document is measured over."""
    earlier = candidates.history[position, : ROUNDS - 1] if candidates.history.size else np.empty(0)
    rounds = 1 + int((~np.isnan(earlier)).sum())
    if rounds == 1:
        return "by its uncertainty in this round alone, since no earlier round has measured it"
    return f"over {rounds} rounds"


def _relative(values: NDArray[np.float64], of: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return values divided by the mean of others; as they are, if that is not above 0."""
    mean = float(of.mean()) if len(of) else 0.0
    return values / mean if mean > 0 else values
