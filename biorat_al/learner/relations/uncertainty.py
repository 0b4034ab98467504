"""The uncertainty of a document's relations, and of its entities and relations together.

The labelling of a document consists of its tags and of the decision on each candidate, which are all taken to be
independent. So the most probable labelling combines the best of both parts, and the second best differs from it in the
tags or in one candidate, whichever costs least. The measures are those of :mod:`biorat_al.learner.entities.tagger`, for
that labelling: ``least_confidence`` and ``margin`` of the whole; ``entropy`` and ``mnlp`` are averaged over the words
and over the candidates, each by itself, and the two means are added. A document has far more words and candidates of
which the model is sure than others: in one mean over both, many sure candidates would hide what the model does not know
of the words, and the words what it does not know of the candidates. ``entity_entropy`` is a sum in which sure negatives
count for nothing, so the candidates' part, each weighted by the probability that there is a relation, is added to it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from biorat_al.learner.types import Uncertainty

_TIE = 1e-12  # as for the tags: smaller log-odds between the best and the second best count as a tie


class Decisions(NamedTuple):
    """The decisions on all candidates of a document, summed up.

    :param log_best: log P of the best decision, summed over the candidates; never positive.
    :param log_ratio: the largest log (P of the second best / P of the best) of a candidate; -inf without candidates.
    :param entropy: entropy of the decision, summed over the candidates, in nats.
    :param positive_entropy: the same sum, each entropy times the probability that there is a relation.
    :param candidates: number of candidates.
    """

    log_best: float
    log_ratio: float
    entropy: float
    positive_entropy: float
    candidates: int


def summarise_decisions(log_probabilities: NDArray[np.float64]) -> Decisions:
    """Sum up the model's decisions on a document's candidates.

    :param log_probabilities: shape (candidates, 1 + labels): no relation, and each label; -inf for labels that are not
        permitted.
    """
    if not len(log_probabilities):
        return Decisions(0.0, -math.inf, 0.0, 0.0, 0)
    ordered = np.sort(log_probabilities, axis=1)
    best, second = ordered[:, -1], ordered[:, -2]
    probabilities = np.exp(log_probabilities)
    # p log p is 0 where p is 0
    products = probabilities * np.where(probabilities > 0, log_probabilities, 0.0)
    return Decisions(
        log_best=min(float(best.sum()), 0.0),
        log_ratio=float((second - best).max()),
        entropy=max(-float(products.sum()), 0.0),
        positive_entropy=max(-float((products.sum(axis=1) * probabilities[:, 1:].sum(axis=1)).sum()), 0.0),
        candidates=len(log_probabilities),
    )


def combined(entities: Uncertainty, relations: Decisions) -> Uncertainty:
    """Combine the uncertainty of a document's entities and relations; without candidates, it is that of the entities.

    If P₁ is the probability of the best labelling, and r the largest ratio second best/best of either part, the margin
    is −log (P₁ − r P₁).

    :param entities: uncertainty of the tags alone.
    """
    if not relations.candidates:
        return entities
    surprise = entities.least_confidence - relations.log_best
    # log (1 - r) of the tags is what their margin adds to −log P₁
    of_tags = min(entities.least_confidence - entities.margin, 0.0)
    of_relations = math.log(-math.expm1(min(relations.log_ratio, -_TIE)))
    return Uncertainty(
        least_confidence=surprise,
        margin=surprise - min(of_tags, of_relations),
        entropy=entities.entropy + relations.entropy / relations.candidates,
        mnlp=entities.mnlp - relations.log_best / relations.candidates,
        entity_entropy=entities.entity_entropy + relations.positive_entropy,
        tokens=entities.tokens,
    )
