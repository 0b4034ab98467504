"""The learner's input and output: examples, predictions, uncertainties and trained models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from biorat_al.corpus.model.document import UNDISPUTED, ConceptRelation, Disputed, Document, Entity, Relation
from biorat_al.corpus.model.unasked import EVERYTHING_ASKED, Unasked


@dataclass(frozen=True, slots=True)
class Example:
    """An annotated document. One without entities is learnt from too: there is nothing to find in it.

    :param relations: relations between the entities, by entity id.
    :param concept_relations: relations between concepts of the entities, stated for the whole document.
    :param disputed: what its annotators could not settle: masked in the loss and in the scores.
    :param unasked: labels that nobody was asked for: it is unknown whether the document has more of them than are
        marked.
    """

    document: Document
    entities: tuple[Entity, ...]
    relations: tuple[Relation, ...] = ()
    concept_relations: tuple[ConceptRelation, ...] = ()
    disputed: Disputed = UNDISPUTED
    unasked: Unasked = EVERYTHING_ASKED


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """How unsure a model is of one document, by several measures; higher means less sure.

    The definitions are in :mod:`biorat_al.learner.entities.tagger`.

    :param tokens: number of word pieces of the document, without special tokens.

    >>> from biorat_al import Uncertainty
    >>> Uncertainty(
    ...     least_confidence=1.5, margin=0.8, entropy=0.3, mnlp=0.1, entity_entropy=2.1, tokens=212
    ... ).tokens
    212
    """

    least_confidence: float
    margin: float
    entropy: float
    mnlp: float
    entity_entropy: float
    tokens: int


@dataclass(frozen=True, slots=True)
class Prediction:
    """A model's prediction for one document.

    :param entities: each with a calibrated confidence in [0, 1] as its score.
    :param confidence: calibrated confidence in [0, 1] for the whole document; look at the lowest first.
    :param relations: relations between the entities, each with the model's confidence in [0, 1] as ``extras["score"]``.

    >>> from biorat_al import Entity, Prediction, Span, Uncertainty
    >>> unsure = Uncertainty(
    ...     least_confidence=1.5, margin=0.8, entropy=0.3, mnlp=0.1, entity_entropy=2.1, tokens=4
    ... )
    >>> prediction = Prediction("17", (Entity("P1", "Chemical", (Span(0, 7),), score=0.9),), 0.8, unsure)
    >>> [entity.label for entity in prediction.entities if entity.score > 0.5]
    ['Chemical']
    """

    document_id: str
    entities: tuple[Entity, ...]
    confidence: float
    uncertainty: Uncertainty
    relations: tuple[Relation, ...] = ()


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A trained model on disk.

    :param version: unique; also the name of its folder.
    :param sha256: sha256 of the weights file.
    :param summary: steps, adversarial steps, seconds, development scores, what the tags could not represent
        (``{"same_type_nesting": 2, "discontinuous": 1, "off_token_border": 3}``) and the like (JSON values).
    """

    version: str
    folder: Path
    sha256: str
    summary: Mapping[str, Any] = field(default_factory=dict)
