"""Prediction of the relations between given entities, by a trained relation model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from biorat_al.corpus.model.document import Document, Entity, Relation
from biorat_al.errors import LearnerError
from biorat_al.learner.encoder.device import Device, pick_device
from biorat_al.learner.encoder.saved_model import damaged, read_contents
from biorat_al.learner.encoder.tokenizing import Tokenizer
from biorat_al.learner.relations.batching import NONE, CandidateRow, class_logits, class_numbers, rows_of
from biorat_al.learner.relations.candidates import Candidate, find_candidates
from biorat_al.learner.relations.decision import log_probabilities, proposals, some_relation
from biorat_al.learner.relations.marking import PairMarker
from biorat_al.learner.relations.network import RelationNetwork
from biorat_al.learner.relations.training import RelationBehaviour, relation_folders
from biorat_al.learner.relations.uncertainty import Decisions, summarise_decisions
from biorat_al.learner.scaling import Scaling, calibrated_number
from biorat_al.settings import RelationSettings, RelationType

CHUNK = 64
"""Documents that are predicted at a time."""


@dataclass(frozen=True, slots=True)
class RelationPrediction:
    """A model's prediction of the relations of one document.

    :param relations: relations between the given entities, each with a calibrated confidence in [0, 1] as
        ``extras["score"]``.
    :param expected: expected number of relations, calibrated.
    :param uncertainty: uncertainty of the decisions on the candidates.
    """

    document_id: str
    relations: tuple[Relation, ...]
    expected: float
    uncertainty: Decisions


def has_relations(folder: Path) -> bool:
    """Return whether a model's folder contains a relation model."""
    return bool(relation_folders(folder))


class RelationExtractor:
    """A trained relation model.

    :ivar types: the relation types that it was trained on.
    :ivar settings: how candidates are chosen and read.
    :ivar behaviour: the values that affect its predictions besides the weights.
    """

    def __init__(
        self, network: RelationNetwork, tokenizer: Tokenizer, behaviour: RelationBehaviour, device: Device
    ) -> None:
        self.types = tuple(RelationType.model_validate(values) for values in behaviour.types)
        self.settings = RelationSettings.model_validate(behaviour.settings)
        self.behaviour = behaviour
        self._classes = class_numbers(self.types)
        self._labels = list(self._classes)
        self._symmetric = {kind.name: kind.symmetric for kind in self.types}
        self._tokenizer = tokenizer
        self._marker = PairMarker(tokenizer, self.settings.max_length)
        self._device = device
        self._network = network.to(device.name, device.dtype).eval()

    def take_over(self, other: RelationExtractor) -> None:
        """Take over everything of another extractor, its network included."""
        self.__dict__.update(other.__dict__)

    @classmethod
    def load(cls, folder: Path, device: Device | None = None) -> RelationExtractor:
        """Load the relation model in a model's folder.

        :param device: None selects the best device.
        :raises LearnerError: the folder has no relation model, or not a complete one.
        """
        places = relation_folders(folder)
        if not places:
            raise LearnerError(f"the model {folder} has no part for relations: train it again")
        base, head, tokenizer, values = read_contents(places[-1], RelationNetwork)
        try:
            behaviour = RelationBehaviour(**values)
            network = RelationNetwork(base, len(head["bias"]))
            network.head.load_state_dict(head)
            return cls(network, tokenizer, behaviour, device or pick_device())
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise damaged(places[-1], error) from error

    def predict(self, items: Iterable[tuple[Document, Sequence[Entity]]]) -> Iterator[RelationPrediction]:
        """Predict the relations between the entities of each document, in the order given.

        A document's prediction depends only on its own chunk of documents (in the last bits, on the candidates that
        share its batches).
        """
        remaining = iter(items)
        while chunk := list(islice(remaining, CHUNK)):
            yield from self._predict_chunk(chunk)

    def log_probabilities(self, rows: Sequence[CandidateRow]) -> NDArray[np.float64]:
        """Return the log-probabilities of the classes of candidates, shape (candidates, classes)."""
        return log_probabilities(class_logits(self._network, rows, self._tokenizer, self._device), self.behaviour.prior)

    def _predict_chunk(self, chunk: Sequence[tuple[Document, Sequence[Entity]]]) -> Iterator[RelationPrediction]:
        candidates_of = [find_candidates(document, entities, self.types, self.settings) for document, entities in chunk]
        pieces = self._tokenizer([document.text for document, _ in chunk])
        rows = [
            rows_of(document, cut, candidates, self._marker, self._classes)
            for (document, _), cut, candidates in zip(chunk, pieces, candidates_of, strict=True)
        ]
        log_probabilities = self.log_probabilities([row for group in rows for row in group])
        start = 0
        for (document, _), candidates in zip(chunk, candidates_of, strict=True):
            log_p = log_probabilities[start : start + len(candidates)]
            start += len(candidates)
            proposed = proposals(log_p, self.behaviour.threshold)
            chosen = np.flatnonzero(proposed != NONE)
            raw = np.exp(log_p[chosen, proposed[chosen]])
            scores = Scaling(self.behaviour.temperature).apply(raw)
            relations = tuple(
                self._relation(number, candidates[place], self._labels[proposed[place] - 1], score)
                for number, (place, score) in enumerate(zip(chosen.tolist(), scores.tolist(), strict=True), start=1)
            )
            expected = calibrated_number(float(some_relation(log_p).sum()) if len(log_p) else 0.0, raw, scores)
            yield RelationPrediction(document.id, relations, expected, summarise_decisions(log_p))

    def _relation(self, number: int, candidate: Candidate, label: str, score: float) -> Relation:
        return Relation(
            id=f"r{number}",
            label=label,
            head=candidate.head.id,
            tail=candidate.tail.id,
            directed=not self._symmetric[label],
            extras={"score": score},
        )
