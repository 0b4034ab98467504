"""Query strategies that choose a set: each document for what it adds to the documents chosen before it.

The scores follow the order in which documents are taken, and fall along it. A strategy takes as many documents as the
budget can pay for (:attr:`~biorat_al.acquisition.base.Candidates.batch`); all others get lower scores.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from biorat_al.acquisition.base import Candidates, QueryStrategy

NOT_DRAWN = -1.0
"""Score of a document that is not in the set."""

_BLOCK = 500  # labelled documents with which the candidates are compared at once

Points = NDArray[np.float64]


class CoreSet(QueryStrategy):
    """Choose the documents farthest from all labelled ones: greedy k-centres on the model's own representation.

    The labelled documents, and those still with the annotators, are the first centres; each document that is taken
    becomes another one. The score is the Euclidean distance to the nearest centre when the document is taken (for a
    document that is not taken: at the end). So it falls along the batch, and 0 means that to the model the document is
    a copy. The representation is the encoder's last layer, averaged over the words. The radius of the greedy cover is
    at most twice the best one (Gonzalez 1985). It costs one forward pass, over the candidates and the labelled
    documents.

    Sener and Savarese 2018, *Active learning for convolutional neural networks: a core-set approach* (ICLR), algorithm
    1; without the mixed-integer refinement, which changes little and takes long.
    """

    name = "core-set"
    needs = frozenset({"embedding"})
    needs_labelled = True
    per_hour = "set"

    def scores(self, candidates: Candidates, generator: np.random.Generator) -> NDArray[np.float64]:
        points = self.from_model(candidates, "embedding")
        if not len(points):
            return np.zeros(0)
        # with nothing labelled, the first is the document farthest from the mean
        centres = candidates.labelled if len(candidates.labelled) else points.mean(axis=0, keepdims=True)
        return farthest_first(points, np.asarray(centres, dtype=np.float64), candidates.batch, generator)

    def reason(self, score: float) -> str:
        return f"to the model unlike all that is labelled or picked (distance {score:.3f})"


class Badge(QueryStrategy):
    """Choose documents that would change the model much, each differently (diverse gradient embeddings).

    A document's gradient embedding is the gradient of its loss with respect to the head's weights, at the tags that the
    model itself predicts. As in training, the loss of a document is the mean over its words, so its gradient is the
    mean of the words' gradients, (p − y) ⊗ h for each entity type; it is small where the model is sure. k-means++ draws
    the set: first the longest gradient, then each document with a probability in proportion to the squared distance to
    the nearest document already drawn. The score is the share of those squared distances, summed over the candidates,
    that remains once the document is drawn: 1 for the first, falling towards 0; −1 for those not drawn. It costs one
    forward pass.

    Ash, Zhang, Krishnamurthy, Langford and Agarwal 2020, *Deep batch active learning by diverse, uncertain gradient
    lower bounds* (ICLR), algorithm 1. As in the authors' program, the first document is the one with the longest
    gradient, not a uniform draw. k-means++: Arthur and Vassilvitskii 2007 (SODA).
    """

    name = "badge"
    needs = frozenset({"gradient"})
    per_hour = "set"

    def scores(self, candidates: Candidates, generator: np.random.Generator) -> NDArray[np.float64]:
        return plus_plus(self.from_model(candidates, "gradient"), candidates.batch, generator)

    def reason(self, score: float) -> str:
        if score < 0:
            return "not drawn by its gradient"
        return f"would change the model much, and unlike earlier picks (leaves {score:.1%} of the gradients' spread)"


def farthest_first(points: Points, centres: Points, number: int, generator: np.random.Generator) -> Points:
    """Return the distance of each point to the nearest centre when it is taken, shape (n,).

    :param points: shape (n, d).
    :param centres: shape (m, d), at least one.
    :param number: how many points to take; the other points get their distance after that.
    :param generator: decides ties.
    """
    from scipy.spatial.distance import cdist

    drawn = generator.permutation(len(points))
    points = points[drawn]
    nearest = np.full(len(points), np.inf)
    for start in range(0, len(centres), _BLOCK):
        np.minimum(nearest, cdist(points, centres[start : start + _BLOCK]).min(axis=1), out=nearest)
    taken: dict[int, float] = {}
    for _ in range(number):
        farthest = int(nearest.argmax())
        taken[farthest] = float(nearest[farthest])
        np.minimum(nearest, cdist(points, points[farthest : farthest + 1])[:, 0], out=nearest)
        nearest[list(taken)] = -np.inf
    nearest[list(taken)] = list(taken.values())
    scores = np.empty(len(points))
    scores[drawn] = nearest
    return scores


def plus_plus(points: Points, number: int, generator: np.random.Generator) -> Points:
    """Draw `number` points by k-means++; return the share of the potential that each of them leaves, shape (n,).

    The potential is the sum, over all points, of the squared distance to the nearest drawn point. The share is 1 after
    the first point, which is the one farthest from the origin. When it reaches 0, no more points are drawn. Points that
    are not drawn get :data:`NOT_DRAWN`.

    :param points: shape (n, d).
    """
    from scipy.spatial.distance import cdist

    scores = np.full(len(points), NOT_DRAWN)
    if not len(points):
        return scores
    order = generator.permutation(len(points))
    position = int(order[np.square(points[order]).sum(axis=1).argmax()])
    nearest = cdist(points, points[position : position + 1], "sqeuclidean")[:, 0]
    whole, scores[position] = nearest.sum(), 1.0
    share = 1.0
    for _ in range(1, number):
        if not nearest.any():
            break
        position = int(generator.choice(len(points), p=nearest / nearest.sum()))
        np.minimum(nearest, cdist(points, points[position : position + 1], "sqeuclidean")[:, 0], out=nearest)
        # rounding must not give a later point a higher score than an earlier one
        share = scores[position] = min(nearest.sum() / whole, share)
    return scores
