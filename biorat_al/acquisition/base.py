"""The interface of query strategies: what they get and what they return."""

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
"""What a model can compute for each candidate besides its predictions; defined in
:mod:`biorat_al.learner.entities.probe`."""

PerHour = Literal["each", "set", "itself"]
"""How a strategy allows for the seconds that documents take: each score is divided by them (``each``); so are those of
the set that the strategy chooses, which is then larger than the batch (``set``); it divides by them ``itself``."""


@dataclass(frozen=True)
class Candidates:
    """The documents of the pool that can be chosen, always in the same order for the same pool.

    :param ids: document ids, shape (n,).
    :param texts: their texts, shape (n,); diversity is measured on them.
    :param tokens: word pieces of each, shape (n,).
    :param uncertainty: measure → value of each document, shape (n,), higher is less sure; empty before there is a
        model. The measures are the fields of :class:`biorat_al.learner.types.Uncertainty`.
    :param features: the features in the strategy's :attr:`QueryStrategy.needs`, each of shape (n,) or (n, d).
    :param labelled: embeddings of the documents that are annotated or with the annotators, shape (m, d).
    :param wanted: how many documents the budget can pay for at most; None: any number.
    :param seconds: expected seconds of annotation of each, above 0, shape (n,); scores are divided by them. None: by
        nothing.
    :param costs: expected seconds of annotation of each, above 0, shape (n,), from which a budget in seconds is paid;
        unlike `seconds`, they change no score. None: a budget in seconds is not possible.
    :param strata: number of the document that each sentence is a part of, shape (n,); empty if the candidates are
        documents, each of which is then a stratum by itself.
    :param asked: number of sentences that were asked for before, of the document that each is a part of, shape (n,).
    :param history: the measure ``mnlp`` by the models of earlier rounds, shape (n, k), the newest first; NaN where a
        model has not measured a document. It has a value only for strategies with :attr:`QueryStrategy.needs_history`.
    """

    ids: Sequence[str]
    texts: Sequence[str]
    tokens: NDArray[np.int64]
    uncertainty: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    features: Mapping[Feature, NDArray[np.float32]] = field(default_factory=dict)
    labelled: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), dtype=np.float32))
    wanted: int | None = None
    seconds: NDArray[np.float64] | None = None
    costs: NDArray[np.float64] | None = None
    strata: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    asked: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    history: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 0)))

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def batch(self) -> int:
        """Number of documents that a strategy for sets has to choose."""
        return len(self) if self.wanted is None else min(self.wanted, len(self))


@dataclass(frozen=True)
class Budget:
    """The limit of a batch: a number of documents, of word pieces or expected seconds, or two of them."""

    documents: int | None = None
    tokens: int | None = None
    seconds: float | None = None

    @property
    def amount(self) -> float | None:
        """Word pieces or seconds that may be spent; None: any number."""
        return self.tokens if self.seconds is None else self.seconds


@dataclass(frozen=True, slots=True)
class Pick:
    """A chosen document, with its score and the reason in words."""

    document_id: str
    score: float
    reason: str
    tokens: int


def score_in_words(score: float) -> str:
    """Write a score; a small one needs significant digits: 0.00037 must not become 0."""
    return f"{score:.3f}" if abs(score) >= 0.1 else f"{score:.3g}"


class QueryStrategy(ABC):
    """Order the pool. Subclasses cite their paper and explain their score.

    :cvar name: the name that the user writes.
    :cvar needs_model: whether it needs uncertainties, and so a trained model.
    :cvar needs: further features that it needs from the model; they are computed only for the candidates.
    :cvar needs_labelled: whether it needs the embeddings of the labelled documents.
    :cvar needs_history: whether it looks at the uncertainties of earlier rounds.
    :cvar per_hour: how it allows for the seconds that documents take; see :data:`PerHour`.
    :cvar prefers: the measure of uncertainty that is high in what it chooses; None: it follows none. Of a pool that is
        too large to be predicted as a whole, the model then predicts what is likely to have a high one, and else a
        random sample.
    :cvar subsampled: whether it gets a random sample of a pool larger than ``settings.selection.subsample``. A strategy
        that only uses the pool's predictions, which already exist, gets the whole pool.
    """

    name: str
    needs_model: bool = True
    needs: frozenset[Feature] = frozenset()
    needs_labelled: bool = False
    needs_history: bool = False
    per_hour: PerHour = "each"
    prefers: str | None = None
    subsampled: bool = True

    @abstractmethod
    def scores(self, candidates: Candidates, generator: np.random.Generator) -> NDArray[np.float64]:
        """Return the acquisition score of each candidate, shape (n,), finite; the highest is chosen first."""

    @abstractmethod
    def reason(self, score: float) -> str:
        """Say in a few words why a document with this score was chosen."""

    def remark(self, candidates: Candidates, position: int) -> str:
        """Say in a few words what else holds for the choice of a document, or nothing."""
        return ""

    def check(self, settings: Settings) -> None:  # noqa: B027 (most run with any)
        """Refuse settings with which the strategy cannot run. It is called before a round begins.

        :raises UsageError: it cannot run; the message says what to change.
        """

    def from_model(self, candidates: Candidates, name: str) -> NDArray[np.float64]:
        """Check and return a measure of uncertainty or a feature, shape (n,) or (n, d).

        :raises UsageError: there is no model yet, so nothing has been measured; or the predictions were made by an
            earlier version of the program, which did not measure it.
        :raises LearnerError: a value is missing, or is not a number.
        """
        given: dict[str, NDArray[Any]] = dict(candidates.uncertainty)
        given.update((feature, values) for feature, values in candidates.features.items())
        if name not in given:
            if candidates.uncertainty and name not in self.needs:
                raise UsageError(
                    f"the query strategy {self.name!r} needs the measure {name}, which the earlier version of the "
                    "program that predicted the pool in this round did not have: choose another strategy for this batch"
                )
            raise UsageError(
                f"the query strategy {self.name!r} needs a trained model; none has been trained yet: "
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
