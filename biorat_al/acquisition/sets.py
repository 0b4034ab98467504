"""Query strategies that choose a set: each document for what it adds to those chosen before it.

The order in which the documents are taken becomes their scores, which fall along the way. A strategy takes as many as
the budget can pay for (:attr:`~biorat_al.acquisition.base.Candidates.batch`); the others come behind them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from biorat_al.acquisition.base import Candidates, QueryStrategy

NOT_DRAWN = -1.0
"""Score of a document that is not of the set."""

_BLOCK = 500  # labelled documents with which the candidates are compared at once

Points = NDArray[np.float64]


class CoreSet(QueryStrategy):
    """Asks for the documents farthest from all that are labelled: greedy k-centres on the model's own representation.

    The labelled documents, and those still with the annotators, are the first centres; each document taken becomes one
    more. The score is the Euclidean distance to the nearest centre at the moment of being taken (for those not taken:
    at the end), so it falls along the batch, and 0 means that the model sees a copy. The representation is the mean
    over the words of the encoder's last layer. The greedy order covers with at most twice the best radius (Gonzalez
    1985). It costs one forward pass, over the candidates and the labelled documents.

    Sener and Savarese 2018, *Active learning for convolutional neural networks: a core-set approach* (ICLR), algorithm
    1; without the mixed-integer refinement, which changes little and takes long.
    """

    name = "core-set"
    needs = frozenset({"embedding"})
    needs_labelled = True

    def scores(self, candidates: Candidates, generator: np.random.Generator) -> NDArray[np.float64]:
        points = self.from_model(candidates, "embedding")
        if not len(points):
            return np.zeros(0)
        # with nothing labelled, the first is the one that is farthest from the middle
        centres = candidates.labelled if len(candidates.labelled) else points.mean(axis=0, keepdims=True)
        return farthest_first(points, np.asarray(centres, dtype=np.float64), candidates.batch, generator)

    def reason(self, score: float) -> str:
        return f"to the model unlike all that is labelled or picked (distance {score:.3f})"


class Badge(QueryStrategy):
    """Batch active learning by diverse gradient embeddings: documents that would teach much, each something else.

    A document's gradient embedding is the gradient of its loss by the head's weights, at the tags that the model itself
    predicts. The loss of a document is, as in training, the mean over its words, so its gradient is the mean of the
    words' gradients, for each entity type (p − y) ⊗ h: small where the model is sure. A set is drawn by k-means++:
    first the longest gradient, then each document with a probability in proportion to the squared distance to the
    nearest one drawn before. The score says which share of those squared distances, summed over the candidates, is left
    once the document is drawn: 1 for the first, falling towards 0; −1 for those not drawn. It costs one forward pass.

    Ash, Zhang, Krishnamurthy, Langford and Agarwal 2020, *Deep batch active learning by diverse, uncertain gradient
    lower bounds* (ICLR), algorithm 1; that the first is the longest, and not drawn evenly, is as in the authors'
    program. k-means++: Arthur and Vassilvitskii 2007 (SODA).
    """

    name = "badge"
    needs = frozenset({"gradient"})

    def scores(self, candidates: Candidates, generator: np.random.Generator) -> NDArray[np.float64]:
        return plus_plus(self.from_model(candidates, "gradient"), candidates.batch, generator)

    def reason(self, score: float) -> str:
        if score < 0:
            return "not drawn by its gradient"
        return f"would change the model much, and unlike earlier picks (leaves {score:.1%} of the gradients' spread)"


class ClusterMargin(QueryStrategy):
    """Asks for small margins from as many clusters as possible.

    Of the candidates with the smallest margins (:class:`~biorat_al.acquisition.uncertainty.Margin`), ten for each
    document that is wanted, clusters are made by average linkage on the encoder's mean last layer. They are gone
    through in turn, from the smallest to the largest, one document at random from each, again and again. The score is
    1 / (turn + place in the turn as a fraction): from 1 down to 1/2 in the first turn over the clusters, to 1/3 in the
    second; −1 for the documents whose margin is too large. It costs one forward pass, and memory in proportion to the
    square of the number that is clustered (at most :data:`CLUSTERED`, or the batch if that is larger).

    Citovsky, DeSalvo, Gentile, Karydas, Rajagopalan, Rostamizadeh and Kumar 2021, *Batch active learning at scale*
    (NeurIPS), algorithms 1 and 2. There, the whole pool is clustered once, up to a distance; here the encoder, and with
    it every distance, is another in each round, so only what the margin has chosen is clustered, into as many clusters
    as documents are wanted.
    """

    name = "cluster-margin"
    needs = frozenset({"embedding"})

    def scores(self, candidates: Candidates, generator: np.random.Generator) -> NDArray[np.float64]:
        margins, points = self.from_model(candidates, "margin"), self.from_model(candidates, "embedding")
        wanted = candidates.batch
        scores = np.full(len(candidates), NOT_DRAWN)
        closest = np.lexsort((generator.permutation(len(margins)), -margins))
        closest = closest[: max(min(PER_PICK * wanted, CLUSTERED), wanted)]
        if len(closest):
            scores[closest] = turns(linkage(points[closest], wanted), generator)
        return scores

    def reason(self, score: float) -> str:
        if score < 0:
            return "its margin is not among the smallest"
        turn = int(1 / score + 1e-9) if score else 0
        return f"torn between two answers, and of a cluster of its own (turn {turn} over the clusters)"


PER_PICK = 10
"""Documents with small margins, for each one wanted, among which ``cluster-margin`` spreads its batch."""

CLUSTERED = 4_000
"""Documents that are clustered at most, unless more are wanted: their distances take 64 MB."""


def farthest_first(points: Points, centres: Points, number: int, generator: np.random.Generator) -> Points:
    """Return the distance of each point to the nearest centre when it is taken, shape (n,).

    :param points: shape (n, d).
    :param centres: shape (m, d), at least one.
    :param number: points to take; the others have their distance after that. Ties are the generator's.
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
    """Draw `number` points by k-means++ and return what share of the potential each of them leaves, shape (n,).

    The potential is the sum, over all points, of the squared distance to the nearest point drawn; it is 1 after the
    first, the one farthest from the origin. :data:`NOT_DRAWN` for the others; once it is 0, nothing more is drawn.

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
        # rounding must not put a later one above an earlier one
        share = scores[position] = min(nearest.sum() / whole, share)
    return scores


def linkage(points: Points, clusters: int) -> NDArray[np.int64]:
    """Return the cluster of each point by average linkage, shape (n,), numbered from 0.

    :param points: shape (n, d), at least one.
    :param clusters: how many to make; each point is one of its own where there are no more than that.
    """
    if len(points) <= clusters:
        return np.arange(len(points))
    from sklearn.cluster import AgglomerativeClustering

    made: Any = AgglomerativeClustering(n_clusters=clusters, linkage="average").fit_predict(points)
    return np.asarray(made, dtype=np.int64)


def turns(clusters: NDArray[np.int64], generator: np.random.Generator) -> Points:
    """Go through clusters in turn, from the smallest to the largest, taking one member at random from each.

    :param clusters: of each point, shape (n,), numbered from 0 without a gap.
    :return: 1 / (turn + place), shape (n,): turns count from 1, places from 0 to below 1 within a turn.
    """
    members = [np.flatnonzero(clusters == number) for number in range(int(clusters.max()) + 1)]
    # equally large ones, and the members of each, come in an order that is drawn
    shuffled = [generator.permutation(members[number]) for number in generator.permutation(len(members))]
    shuffled.sort(key=len)
    scores = np.empty(len(clusters))
    for place, some in enumerate(shuffled):
        scores[some] = 1 / (np.arange(1, len(some) + 1) + place / len(shuffled))
    return scores
