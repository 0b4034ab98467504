"""Query strategies that weigh uncertainty by how typical a document is: in its words, or in its length."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from biorat_al.acquisition.base import Candidates, QueryStrategy, score_in_words
from biorat_al.acquisition.similarity import topics

_BLOCK = 500  # lengths whose density is computed at once


class Density(QueryStrategy):
    """Choose documents of which the model is unsure and which are like many others (information density).

    The score is the uncertainty (that of ``mnlp``, per word) times the mean cosine of the document with all candidates,
    itself included: 0 if the model is certain, or the document is like no other. The cosines compare TF-IDF vectors of
    the words, in which an odd document differs from all others; the exponent β of the paper is 1. It costs no pass of
    the network, and time in proportion to the pool, since the mean of the cosines is the cosine with the mean.

    Settles and Craven 2008, *An analysis of active learning strategies for sequence labeling tasks* (EMNLP),
    "information density".
    """

    name = "density"
    prefers = "mnlp"
    subsampled = False
    words = "unsure of a document that is like many others (information density {score})"

    def scores(self, candidates: Candidates, generator: np.random.Generator) -> NDArray[np.float64]:
        uncertainty = self.from_model(candidates, "mnlp")
        if not len(candidates):
            return uncertainty
        vectors: Any = topics(candidates.texts, counted_on=candidates.texts)
        density: NDArray[np.float64] = np.asarray(vectors @ np.asarray(vectors.mean(axis=0)).ravel(), dtype=np.float64)
        return uncertainty * np.clip(density, 0.0, 1.0)

    def reason(self, score: float) -> str:
        return self.words.format(score=f"{score:.4f}")


class EntityEntropy(QueryStrategy):
    """Choose documents with many words that may be in a mention and of which the model is unsure, in a typical length.

    Nearly all words are outside of mentions, and the model is sure of most of them: a mean over all words hides the few
    that matter. The score counts those: the entropy of a word's tag times the probability that the word is in a
    mention, 1 − P(O), summed over the words and the entity types, in nats. If the model has learnt relations, the
    entropy of each candidate relation times the probability that there is one is added. The sum is multiplied by the
    square root of the density of documents of this length (word pieces, relative to the most common length), so that a
    document is not chosen merely because it is long. 0 means that the model is certain. It costs no pass of the
    network.

    Şapcı, Kemik, Yeniterzi and Tastan 2023, *Focusing on potential named entities during active label acquisition*
    (Natural Language Engineering; arXiv 2111.03837), density-normalised positive token entropy (dpTE); without the
    density it is their total positive token entropy (tpTE). They take a word for a potential entity, or not, by
    clusters of its embeddings (UMAP and HDBSCAN, in part supervised): all but the largest cluster, and outliers. Here
    the tagger's own probability says how far a word is one, since it already exists and has learnt from every answer.
    As theirs, the density is estimated with Gaussian kernels; the width of these is Scott's rule (1992, *Multivariate
    density estimation*, section 6.3).
    """

    name = "entity-entropy"
    prefers = "entity_entropy"
    subsampled = False

    def scores(self, candidates: Candidates, generator: np.random.Generator) -> NDArray[np.float64]:
        return entity_entropy(self, candidates)

    def reason(self, score: float) -> str:
        words = score_in_words(score)
        return f"unsure of words that may be in a mention, in a document of typical length (entity entropy {words})"


def entity_entropy(strategy: QueryStrategy, candidates: Candidates) -> NDArray[np.float64]:
    """Return the score that :class:`EntityEntropy` defines, shape (n,).

    :param strategy: who asks, for the errors of :meth:`~biorat_al.acquisition.base.QueryStrategy.from_model`.
    """
    return strategy.from_model(candidates, "entity_entropy") * typical_lengths(candidates.tokens)


def typical_lengths(tokens: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the square root of the density of each length, relative to the most common one, shape (n,), in [0, 1].

    :param tokens: word pieces of each document, shape (n,); if all are the same, the result is 1.
    """
    lengths, places, counts = np.unique(tokens, return_inverse=True, return_counts=True)
    if len(lengths) < 2:
        return np.ones(len(tokens))
    width = tokens.std(ddof=1) * len(tokens) ** -0.2
    scaled = lengths / width
    density = np.empty(len(lengths))
    for start in range(0, len(lengths), _BLOCK):
        distances = scaled[start : start + _BLOCK, None] - scaled
        density[start : start + _BLOCK] = np.exp(-np.square(distances) / 2) @ counts
    typical: NDArray[np.float64] = np.sqrt(density / density.max())[places]
    return typical
