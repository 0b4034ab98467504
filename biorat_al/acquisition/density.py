"""A query strategy that weighs uncertainty by how typical a document is."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from biorat_al.acquisition.base import Candidates, QueryStrategy
from biorat_al.acquisition.similarity import topics


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
