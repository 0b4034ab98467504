"""What goes into the learner and what comes out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from biorat_al.corpus.model.document import UNDISPUTED, ConceptRelation, Disputed, Document, Entity, Relation
from biorat_al.corpus.model.unasked import EVERYTHING_ASKED, Unasked


@dataclass(frozen=True, slots=True)
class Example:
    """A document that somebody has annotated. No entities means: nothing there, and that is learnt too.

    :param relations: between the entities, by their ids.
    :param concept_relations: between concepts of the entities, stated for the whole document.
    :param disputed: what its annotators could not decide: masked in the loss and in the scores.
    :param unasked: labels that nobody was asked for: where there is no mention or relation of them, it is not known
        whether there is one.
    """

    document: Document
    entities: tuple[Entity, ...]
    relations: tuple[Relation, ...] = ()
    concept_relations: tuple[ConceptRelation, ...] = ()
    disputed: Disputed = UNDISPUTED
    unasked: Unasked = EVERYTHING_ASKED


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """How unsure a model is of one document, in several measures; in each, higher means less sure.

    The definitions are in :mod:`biorat_al.learner.entities.tagger`.

    :param tokens: number of word pieces of the document, special tokens not counted.

    >>> from biorat_al import Uncertainty
    >>> Uncertainty(least_confidence=1.5, margin=0.8, entropy=0.3, mnlp=0.1, tokens=212).tokens
    212
    """

    least_confidence: float
    margin: float
    entropy: float
    mnlp: float
    tokens: int


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model says of one document.

    :param entities: each with a calibrated confidence in [0, 1] as its score.
    :param confidence: calibrated confidence in [0, 1] for the whole document; low ones are to be looked at first.
    :param relations: between the entities, each with the model's confidence in [0, 1] as ``extras["score"]``.

    >>> from biorat_al import Entity, Prediction, Span, Uncertainty
    >>> unsure = Uncertainty(least_confidence=1.5, margin=0.8, entropy=0.3, mnlp=0.1, tokens=4)
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
    """A model that lies on disk.

    :param version: unique; the name of its folder.
    :param sha256: of the weights file.
    :param summary: steps, adversarial steps, seconds, development scores, what could not be represented
        (``{"same_type_nesting": 2, "discontinuous": 1, "off_token_border": 3}``) and the like (JSON values).
    """

    version: str
    folder: Path
    sha256: str
    summary: Mapping[str, Any] = field(default_factory=dict)
