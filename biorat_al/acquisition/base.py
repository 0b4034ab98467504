"""What a query strategy gets and gives."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Candidates:
    """The documents of the pool that may be asked for, always in the same order for the same pool.

    :param ids: document ids, shape (n,).
    :param texts: their texts, shape (n,); what diversity is measured on.
    :param tokens: word pieces of each, shape (n,).
    :param uncertainty: measure → value of each document, shape (n,), higher is less sure; empty before there is a
        model. The measures are the fields of :class:`biorat_al.learner.types.Uncertainty`.
    """

    ids: Sequence[str]
    texts: Sequence[str]
    tokens: NDArray[np.int64]
    uncertainty: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Budget:
    """How much a batch may cost: a number of documents, or of word pieces."""

    documents: int | None = None
    tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Pick:
    """A document that was chosen, with the score that chose it and the reason in words."""

    document_id: str
    score: float
    reason: str
    tokens: int


class QueryStrategy(ABC):
    """Orders the pool. Subclasses cite their paper and say what their score means.

    :cvar name: as the user writes it.
    :cvar needs_model: whether it needs uncertainties, so a trained model.
    """

    name: str
    needs_model: bool = True

    @abstractmethod
    def scores(self, candidates: Candidates, generator: np.random.Generator) -> NDArray[np.float64]:
        """Return the acquisition score of each candidate, shape (n,), finite; the highest is asked for first."""

    @abstractmethod
    def reason(self, score: float) -> str:
        """Say in a few words why a document with this score was chosen."""
