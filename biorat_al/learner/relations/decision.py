"""From a relation network's scores to what is said: probabilities, and when a relation is proposed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from biorat_al.learner.counts import Counts
from biorat_al.learner.relations.batching import NONE
from biorat_al.learner.temperature import fit_temperature

EVEN = 0.5
"""The threshold where there is too little to tune it on."""

ENOUGH_FOR_THRESHOLD = 20
"""Gold relations in the development part from which on the threshold is tuned on it."""


def log_probabilities(logits: NDArray[np.float64], prior: float) -> NDArray[np.float64]:
    """Probabilities of the classes.

    Where only one in `r` candidates without a relation was trained on, the network takes such candidates for rarer than
    they are by that factor; their odds are multiplied by it again (Saerens, Latinne & Decaestecker 2002, "Adjusting the
    Outputs of a Classifier to New a Priori Probabilities", equation 4).

    :param logits: shape (candidates, classes).
    :param prior: log r, 0 where all were trained on.
    :returns: logarithms, shape (candidates, classes).
    """
    shifted = logits.copy()
    shifted[:, NONE] += prior
    found: NDArray[np.float64] = log_softmax(shifted, axis=1)
    return found


def proposals(log_p: NDArray[np.float64], threshold: float) -> NDArray[np.int64]:
    """The class that is proposed for each candidate: the most probable label where it is probable enough that there is
    any relation, else none; shape (candidates,)."""
    if not len(log_p):
        return np.zeros(0, dtype=np.int64)
    label = 1 + log_p[:, 1:].argmax(axis=1)
    return np.where(some_relation(log_p) >= threshold, label, NONE)


def some_relation(log_p: NDArray[np.float64]) -> NDArray[np.float64]:
    """The probability of any relation, shape (candidates,)."""
    some: NDArray[np.float64] = -np.expm1(log_p[:, NONE])
    return some


def tuned_threshold(log_p: NDArray[np.float64], targets: NDArray[np.int64], relations: int) -> float:
    """The threshold with the highest F1, half way between two neighbouring probabilities.

    :param log_p: of development candidates, shape (candidates, classes).
    :param targets: their classes, shape (candidates,).
    :param relations: gold relations, those included that are no candidate.
    :returns: :data:`EVEN` where there are fewer than :data:`ENOUGH_FOR_THRESHOLD`.
    """
    if relations < ENOUGH_FOR_THRESHOLD or not len(targets):
        return EVEN
    some = some_relation(log_p)
    order = np.argsort(-some, kind="stable")
    hits = np.cumsum((proposals(log_p, 0.0) == targets)[order])
    f1 = 2 * hits / (np.arange(1, len(order) + 1) + relations)
    # a border between equal probabilities cannot be drawn
    ordered = np.append(some[order], 0.0)
    f1[ordered[:-1] == ordered[1:]] = -1.0
    best = int(f1.argmax())
    return float((ordered[best] + ordered[best + 1]) / 2)


def temperature(log_p: NDArray[np.float64], proposed: NDArray[np.int64], targets: NDArray[np.int64]) -> float:
    """The temperature that fits the probabilities of the proposed relations to what was right."""
    chosen = np.flatnonzero(proposed != NONE)
    return fit_temperature(np.exp(log_p[chosen, proposed[chosen]]), (proposed == targets)[chosen])


def counts(proposed: NDArray[np.int64], targets: NDArray[np.int64], relations: int) -> Counts:
    """True and false positives, and what was missed of so many gold `relations`."""
    tp = int(((proposed == targets) & (proposed != NONE)).sum())
    return Counts(tp, int((proposed != NONE).sum()) - tp, relations - tp)
