"""Query strategies that spread a batch over clusters of the documents that a measure puts first."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
from numpy.typing import NDArray

from biorat_al.acquisition.balanced import balanced_clusters
from biorat_al.acquisition.base import Candidates, QueryStrategy
from biorat_al.acquisition.density import entity_entropy
from biorat_al.acquisition.fluctuation import measured_fluctuation, rounds_in_words

NOT_CLUSTERED = -1.0
"""Score of a document whose measure is too low for it to be clustered."""

PER_PICK = 3
"""Number of documents with a high measure that are clustered for each document of the batch."""

CLUSTERED = 2_000
"""Largest number of documents that are clustered, unless the batch is larger: a few seconds for each repetition."""


class ClusterStrategy(QueryStrategy):
    """Order the pool by turns over clusters of the documents with the highest measure.

    If the candidates have expected seconds, the measure is divided by them: the documents that are clustered are those
    that are worth most per hour. The turns are not, because the documents of a turn are worth the same, one for each
    cluster, and their order is random.

    :cvar above: the reason of a document that is clustered, in words.
    :cvar below: the reason of one that is not.
    """

    needs = frozenset({"embedding"})
    per_hour = "itself"
    above: str
    below: str

    @abstractmethod
    def measure(self, candidates: Candidates) -> NDArray[np.float64]:
        """Return the measure of each candidate, shape (n,); the highest are clustered."""

    def scores(self, candidates: Candidates, generator: np.random.Generator) -> NDArray[np.float64]:
        """Return 1 / (turn + place in the turn as a fraction), shape (n,); see :func:`turns`."""
        measure, points = self.measure(candidates), self.from_model(candidates, "embedding")
        if candidates.seconds is not None:
            measure = measure / candidates.seconds
        wanted = candidates.batch
        scores = np.full(len(candidates), NOT_CLUSTERED)
        highest = np.lexsort((generator.permutation(len(measure)), -measure))
        highest = highest[: max(min(PER_PICK * wanted, CLUSTERED), wanted)]
        if len(highest):
            scores[highest] = turns(balanced_clusters(points[highest], wanted, generator), generator)
        return scores

    def reason(self, score: float) -> str:
        if score < 0:
            return self.below
        turn = int(1 / score + 1e-9) if score else 0
        return f"{self.above}, and the pick of its cluster (turn {turn} over the clusters)"


class ClusterMargin(ClusterStrategy):
    """Choose documents with small margins, spread evenly over clusters.

    The margin score (:class:`~biorat_al.acquisition.uncertainty.Margin`) is divided by the document's word pieces,
    because the margin of a long document is small merely because of its length. The candidates with the highest scores,
    three for each document of the batch, are put into as many clusters of equal size as the batch has documents
    (:mod:`~biorat_al.acquisition.balanced`), on the encoder's mean last layer. One document is drawn at random from
    each cluster in turn, from the smallest cluster to the largest, over and over. The score is 1 / (turn + place in the
    turn as a fraction): from 1 down to 1/2 in the first turn over the clusters, to 1/3 in the second; −1 for documents
    whose margin is too large. It costs one forward pass, and time in proportion to the cube of the number of clustered
    documents (at most :data:`CLUSTERED`, or the batch if that is larger).

    Citovsky, DeSalvo, Gentile, Karydas, Rajagopalan, Rostamizadeh and Kumar 2021, *Batch active learning at scale*
    (NeurIPS), algorithms 1 and 2. They cluster the whole pool once by average linkage, up to a distance. Here the
    encoder changes in each round, and with it every distance. So only the documents with small margins are clustered.
    Average linkage then made two thirds of the clusters single documents, the outliers, which were all chosen; hence
    the equal sizes.
    """

    name = "cluster-margin"
    prefers = "margin"
    above = "torn between two answers"
    below = "its margin is not among the smallest"

    def measure(self, candidates: Candidates) -> NDArray[np.float64]:
        lengths: NDArray[np.int64] = np.maximum(candidates.tokens, 1)
        return self.from_model(candidates, "margin") / lengths


class ClusterEntityEntropy(ClusterStrategy):
    """Choose documents whose possible mentions the model is unsure of, spread evenly over clusters.

    As ``cluster-margin``, with the score of ``entity-entropy`` in the place of the margin: the candidates with the
    highest, three for each document of the batch, are clustered, and one is drawn from each cluster in turn. The score
    is that of ``cluster-margin``, too, and so is the cost.

    The measure: Şapcı, Kemik, Yeniterzi and Tastan 2023 (Natural Language Engineering); the clusters: Citovsky et al.
    2021 (NeurIPS), algorithms 1 and 2. The two were not combined in these papers.
    """

    name = "cluster-entity-entropy"
    prefers = "entity_entropy"
    above = "unsure of words that may be in a mention"
    below = "its entity entropy is not among the highest"

    def measure(self, candidates: Candidates) -> NDArray[np.float64]:
        return entity_entropy(self, candidates)


class ClusterFluctuation(ClusterStrategy):
    """Choose documents of which models are unsure, now and then or throughout, spread evenly over clusters.

    As ``cluster-margin``, with the score of ``fluctuation`` in the place of the margin: the candidates with the
    highest, three for each document of the batch, are clustered, and one is drawn from each cluster in turn. The score
    is that of ``cluster-margin``, too, and so is the cost.

    The measure: Yao, Dou, Nie and Wen 2022 (IEEE TKDE 34); the clusters: Citovsky et al. 2021 (NeurIPS), algorithms 1
    and 2. The two were not combined in these papers.
    """

    name = "cluster-fluctuation"
    prefers = "mnlp"
    needs_history = True
    above = "unsure, or sure in one round and unsure in another"
    below = "its fluctuation is not among the highest"

    def measure(self, candidates: Candidates) -> NDArray[np.float64]:
        return measured_fluctuation(self, candidates)

    def remark(self, candidates: Candidates, position: int) -> str:
        return rounds_in_words(candidates, position)


def turns(clusters: NDArray[np.int64], generator: np.random.Generator) -> NDArray[np.float64]:
    """Go through clusters in turn, from the smallest to the largest, taking one member at random from each.

    :param clusters: the cluster of each point, shape (n,), numbered from 0 without a gap.
    :return: 1 / (turn + place), shape (n,): turns count from 1, places from 0 to below 1 within a turn.
    """
    members = [np.flatnonzero(clusters == number) for number in range(int(clusters.max()) + 1)]
    # the order of equally large clusters, and of the members of each, is random
    shuffled = [generator.permutation(members[number]) for number in generator.permutation(len(members))]
    shuffled.sort(key=len)
    scores = np.empty(len(clusters))
    for place, cluster in enumerate(shuffled):
        scores[cluster] = 1 / (np.arange(1, len(cluster) + 1) + place / len(shuffled))
    return scores
