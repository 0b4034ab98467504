"""Random query strategies, the baselines for all others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from biorat_al.acquisition.base import Candidates, QueryStrategy


class Random(QueryStrategy):
    """Draw documents with equal probability, without looking at them (passive learning).

    The score is drawn uniformly from [0, 1) and means nothing. This is the baseline of every study of active
    learning; Settles 2009, *Active learning literature survey* (University of Wisconsin, TR 1648), section 1.
    """

    name = "random"
    needs_model = False
    subsampled = False

    def scores(self, candidates: Candidates, generator: np.random.Generator) -> NDArray[np.float64]:
        return generator.random(len(candidates))

    def reason(self, score: float) -> str:
        return "drawn at random"


class Stratified(QueryStrategy):
    """Draw sentences at random, from as many different documents as possible.

    The score is minus the number of sentences of the same document that were asked for before or are drawn earlier,
    plus a number drawn uniformly from [0, 1). A document that is asked for as a whole is a stratum by itself, so that
    whole documents are drawn with equal probability. Stratified sampling with equal allocation: Cochran 1977, *Sampling
    techniques* (3rd edition), section 5.5.
    """

    name = "stratified"
    needs_model = False
    subsampled = False

    def scores(self, candidates: Candidates, generator: np.random.Generator) -> NDArray[np.float64]:
        drawn = generator.random(len(candidates))
        if not candidates.strata.size:
            return drawn
        # in the order of the draw within each document, the first of it has place 0
        order = np.lexsort((-drawn, candidates.strata))
        of = candidates.strata[order]
        begins = np.flatnonzero(np.r_[True, of[1:] != of[:-1]])
        place = np.empty(len(candidates))
        place[order] = np.arange(len(candidates)) - np.repeat(begins, np.diff(np.r_[begins, len(candidates)]))
        return drawn - place - candidates.asked

    def reason(self, score: float) -> str:
        before = max(0, -int(np.floor(score)))
        return f"drawn at random, as number {before + 1} of its document"
