"""What a query strategy gets and gives."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from biorat_al.errors import LearnerError, UsageError
from biorat_al.settings import Settings

Feature = Literal["embedding", "gradient", "disagreement", "sensitivity"]
"""What a model is asked of each candidate besides its predictions; defined in
:mod:`biorat_al.learner.entities.probe`."""


@dataclass(frozen=True)
class Candidates:
    """The documents of the pool that may be asked for, always in the same order for the same pool.

    :param ids: document ids, shape (n,).
    :param texts: their texts, shape (n,); what diversity is measured on.
    :param tokens: word pieces of each, shape (n,).
    :param uncertainty: measure → value of each document, shape (n,), higher is less sure; empty before there is a
        model. The measures are the fields of :class:`biorat_al.learner.types.Uncertainty`.
    :param features: what the strategy says in :attr:`QueryStrategy.needs`, shape (n,) or (n, d) each.
    :param labelled: embeddings of the documents that are annotated or with the annotators, shape (m, d).
    :param wanted: documents that the budget can pay for at most; None where any number may be asked for.
    """

    ids: Sequence[str]
    texts: Sequence[str]
    tokens: NDArray[np.int64]
    uncertainty: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    features: Mapping[Feature, NDArray[np.float32]] = field(default_factory=dict)
    labelled: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), dtype=np.float32))
    wanted: int | None = None

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def batch(self) -> int:
        """Documents that a strategy which chooses a set need choose."""
        return len(self) if self.wanted is None else min(self.wanted, len(self))


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
    :cvar needs: what it asks of the model besides; computed for the candidates alone, when they are known.
    :cvar needs_labelled: whether it needs the embeddings of the labelled documents.
    :cvar subsampled: whether documents are drawn for it from a pool larger than ``settings.selection.subsample``. What
        works on the predictions of the pool, which are there already, looks at all of them.
    """

    name: str
    needs_model: bool = True
    needs: frozenset[Feature] = frozenset()
    needs_labelled: bool = False
    subsampled: bool = True

    @abstractmethod
    def scores(self, candidates: Candidates, generator: np.random.Generator) -> NDArray[np.float64]:
        """Return the acquisition score of each candidate, shape (n,), finite; the highest is asked for first."""

    @abstractmethod
    def reason(self, score: float) -> str:
        """Say in a few words why a document with this score was chosen."""

    def check(self, settings: Settings) -> None:  # noqa: B027 (most run with any)
        """Refuse settings that the strategy cannot run with. It is asked before a round begins.

        :raises UsageError: it cannot; the message says what to change.
        """

    def from_model(self, candidates: Candidates, name: str) -> NDArray[np.float64]:
        """Return a measure of uncertainty or a feature, shape (n,) or (n, d), checked.

        :raises UsageError: there is no model yet, so nothing has been measured.
        :raises LearnerError: a value is missing, or is not a number.
        """
        given: dict[str, NDArray[Any]] = dict(candidates.uncertainty)
        given.update((feature, values) for feature, values in candidates.features.items())
        if name not in given:
            raise UsageError(
                f"the query strategy {self.name!r} needs a trained model, and there is none yet: "
                "choose 'diverse' or 'random' for the first batch"
            )
        values = np.asarray(given[name], dtype=np.float64)
        if len(values) != len(candidates):
            raise LearnerError(
                f"the model gave {len(values)} values of {name} for {len(candidates)} documents: "
                "run the prediction again"
            )
        finite = np.isfinite(values)
        broken = np.flatnonzero(~finite.all(axis=tuple(range(1, values.ndim))))
        if broken.size:
            raise LearnerError(
                f"the model's {name} of document {candidates.ids[broken[0]]} is {values[~finite][0]} "
                f"({broken.size} such documents): its training has gone astray; train again at a lower learning rate"
            )
        return values
