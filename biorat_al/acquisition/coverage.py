"""The query strategy for the first batch, before there is a model: documents that represent the pool."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from biorat_al.acquisition.base import Candidates, QueryStrategy
from biorat_al.acquisition.similarity import cosines, topics

LOOKED_AT = 10_000
"""Number of documents from which the batch is chosen; they are drawn at random from a larger pool."""

STOOD_FOR = 2_000
"""Number of documents that the batch is to resemble. Together with :data:`LOOKED_AT` it limits memory to 80 MB and time
to seconds, whatever the size of the pool."""

NOT_LOOKED_AT = -1.0
SAME_TEXT = -2.0

_BLOCK = 500


class Diverse(QueryStrategy):
    """Choose first the documents that together resemble the whole pool most (facility location).

    For a set S of chosen documents, f(S) is the mean, over the different texts of the pool, of the cosine (TF-IDF) with
    the most similar document in S. Documents are taken one by one, each time the one that adds most to f. What it adds
    is its score, in [0, 1]. f is submodular, so the scores fall along the order, and the first k documents reach at
    least 1 − 1/e of the best f of any k documents, for every k (Nemhauser, Wolsey and Fisher 1978). A document like one
    that has been taken adds nothing.

    Lin and Bilmes 2009, *How to select a good training-data subset for transcription: submodular active selection for
    sequences* (Interspeech); Wei, Iyer and Bilmes 2015, *Submodularity in data subset selection and active learning*
    (ICML), section 4. The order is found by lazy evaluation: Minoux 1978, *Accelerated greedy algorithms for maximizing
    submodular set functions*.

    The farthest-first order of the core-set method (Sener and Savarese 2018) is not used here: by construction it
    collects documents that are like no other, and those teach little about the rest of the pool.
    """

    name = "diverse"
    needs_model = False
    per_hour = "set"

    def scores(self, candidates: Candidates, generator: np.random.Generator) -> NDArray[np.float64]:
        """Return what each document adds, shape (n,).

        A document that was not drawn from a large pool gets :data:`NOT_LOOKED_AT`; one with the same text as an earlier
        document gets :data:`SAME_TEXT`.
        """
        scores = np.full(len(candidates), NOT_LOOKED_AT)
        drawn = generator.permutation(len(candidates))
        first_of: dict[str, int] = {}
        for position in drawn.tolist():
            if first_of.setdefault(candidates.texts[position], position) != position:
                scores[position] = SAME_TEXT
        if not first_of:
            return scores
        looked_at = np.fromiter(first_of.values(), dtype=np.int64)[:LOOKED_AT]
        similarity = _similarity([candidates.texts[position] for position in looked_at.tolist()])
        scores[looked_at] = greedy_gains(similarity)
        return scores

    def reason(self, score: float) -> str:
        if score == SAME_TEXT:
            return "has the same text as another candidate"
        if score == NOT_LOOKED_AT:
            return "drawn at random, since the pool is too large to compare all its documents"
        return f"typical of documents that no earlier pick resembles (adds {score:.1%} to the coverage of the pool)"


def greedy_gains(similarity: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return what each candidate adds to the coverage when it is taken in the greedy order.

    :param similarity: similarity of each candidate to each document to be covered, shape (n, m), in [0, 1].
    :return: shape (n,); from high to low, it gives the greedy order. Among equals the first is taken first.
    """
    covered = np.zeros(similarity.shape[1], dtype=np.float32)
    gains = np.zeros(len(similarity))
    # each entry: an upper bound of what the candidate adds, and how many were taken when it was computed
    bounds = [(-float(gain), row, 0) for row, gain in enumerate(similarity.mean(axis=1, dtype=np.float64))]
    heapq.heapify(bounds)
    taken, last = 0, np.inf
    while bounds:
        bound, row, seen = heapq.heappop(bounds)
        if seen == taken or bound == 0.0:
            # rounding must not give a later candidate a higher score than an earlier one
            last = gains[row] = min(-bound, last)
            np.maximum(covered, similarity[row], out=covered)
            taken += 1
        else:
            gain = np.maximum(similarity[row] - covered, 0.0).mean(dtype=np.float64)
            heapq.heappush(bounds, (-float(gain), row, taken))
    return gains


def _similarity(texts: Sequence[str]) -> NDArray[np.float32]:
    """Return the cosines of all texts with the first :data:`STOOD_FOR`, block by block to limit memory."""
    vectors: Any = topics(texts, counted_on=texts[:STOOD_FOR])
    stood_for = vectors[:STOOD_FOR]
    similarity = np.empty((vectors.shape[0], stood_for.shape[0]), dtype=np.float32)
    for start in range(0, len(texts), _BLOCK):
        similarity[start : start + _BLOCK] = cosines(vectors[start : start + _BLOCK], stood_for)
    return similarity
