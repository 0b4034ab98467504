"""The random query strategy, the baseline for all others."""

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
