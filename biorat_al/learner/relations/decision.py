"""Decisions on candidates: probabilities from a relation network's scores, the threshold, proposed relations."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from biorat_al.learner.counts import Counts
from biorat_al.learner.relations.batching import NONE
from biorat_al.learner.scaling import fit_temperature

EVEN = 0.5
"""The threshold if there are too few relations to tune it on."""

ENOUGH_FOR_THRESHOLD = 20
"""Least number of gold relations in the development part on which the threshold is tuned."""


def log_probabilities(logits: NDArray[np.float64], prior: float) -> NDArray[np.float64]:
    """Return the log-probabilities of the classes, corrected for the sampling of negatives.

    If only one in `r` candidates without a relation was trained on, the network takes such candidates to be rarer than
    they are, by that factor. So their odds are multiplied by it (Saerens, Latinne & Decaestecker 2002, "Adjusting the
    Outputs of a Classifier to New a Priori Probabilities", equation 4).

    :param logits: logits, shape (candidates, classes).
    :param prior: log r; 0 if all candidates were trained on.
    :returns: log-probabilities, shape (candidates, classes).
    """
    shifted = logits.copy()
    shifted[:, NONE] += prior
    corrected: NDArray[np.float64] = log_softmax(shifted, axis=1)
    return corrected


def proposals(log_p: NDArray[np.float64], threshold: float) -> NDArray[np.int64]:
    """Return the class proposed for each candidate, shape (candidates,).

    It is the most probable label if the probability of any relation reaches the threshold, else no relation.

    :param log_p: log-probabilities, shape (candidates, classes).
    """
    if not len(log_p):
        return np.zeros(0, dtype=np.int64)
    label = 1 + log_p[:, 1:].argmax(axis=1)
    return np.where(some_relation(log_p) >= threshold, label, NONE)


def some_relation(log_p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the probability of any relation, shape (candidates,)."""
    probability: NDArray[np.float64] = -np.expm1(log_p[:, NONE])
    return probability


def tuned_threshold(log_p: NDArray[np.float64], targets: NDArray[np.int64], relations: int) -> float:
    """Return the threshold with the highest F1, half-way between two neighbouring probabilities.

    :param log_p: log-probabilities of development candidates, shape (candidates, classes).
    :param targets: their classes, shape (candidates,).
    :param relations: number of gold relations, with or without a candidate.
    :returns: the threshold; :data:`EVEN` for fewer than :data:`ENOUGH_FOR_THRESHOLD` relations.
    """
    if relations < ENOUGH_FOR_THRESHOLD or not len(targets):
        return EVEN
    any_relation = some_relation(log_p)
    order = np.argsort(-any_relation, kind="stable")
    hits = np.cumsum((proposals(log_p, 0.0) == targets)[order])
    f1 = 2 * hits / (np.arange(1, len(order) + 1) + relations)
    # no threshold can separate equal probabilities
    ordered = np.append(any_relation[order], 0.0)
    f1[ordered[:-1] == ordered[1:]] = -1.0
    best = int(f1.argmax())
    return float((ordered[best] + ordered[best + 1]) / 2)


def temperature(log_p: NDArray[np.float64], proposed: NDArray[np.int64], targets: NDArray[np.int64]) -> float:
    """Fit the temperature to the probabilities of the proposed relations and to what was right.

    :param log_p: log-probabilities, shape (candidates, classes).
    :param proposed: proposed classes, shape (candidates,).
    :param targets: true classes, shape (candidates,).
    """
    chosen = np.flatnonzero(proposed != NONE)
    return fit_temperature(np.exp(log_p[chosen, proposed[chosen]]), (proposed == targets)[chosen])


def counts(proposed: NDArray[np.int64], targets: NDArray[np.int64], relations: int) -> Counts:
    """Count true and false positives, and the missed ones of all gold `relations`, with or without a candidate."""
    tp = int(((proposed == targets) & (proposed != NONE)).sum())
    return Counts(tp, int((proposed != NONE).sum()) - tp, relations - tp)
