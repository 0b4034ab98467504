"""Counts of what a format cannot hold of a record, made before the record is written."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from biorat_al.corpus.formats.base import WriteReport
from biorat_al.corpus.model.concept_relations import CONCEPTS, PROPERTIES, properties_of
from biorat_al.corpus.model.document import Annotation, Document
from biorat_al.corpus.model.notes import NOTE

PASSAGES = "passages of documents"
METADATA = "metadata of documents"
NOT_LOOKED = "marks of documents that nobody has looked at"
LOOKED = "marks of documents that were looked at and have nothing"
MENTION_IDS = "ids of mentions (renumbered)"
DISCONTINUOUS = "pieces of discontinuous mentions (written from first to last)"
CONCEPT_LINKS = "mentions' links to concepts"
SCORES = "confidence scores of mentions"
HISTORIES = "histories of mentions (accepted, changed, made by hand)"
MENTION_PROPERTIES = "further properties of mentions"
NOTES = "annotators' notes"
RELATIONS = "relations between mentions"
CONCEPT_RELATIONS = "relations between concepts"
UNDIRECTED = "relations marked as undirected"
DIRECTED = "directions of relations"
RELATION_PROPERTIES = "further properties of relations"
CONCEPT_PROPERTIES = "further properties of relations between concepts"
FURTHER = "further annotations of documents"
UNLINKED = "relations between concepts that no two mentions are linked to"


@dataclass(frozen=True, slots=True)
class KeptKeys:
    """Keys of further properties that a format holds, although it does not hold others.

    :param metadata: keys of a document's metadata.
    :param entities: keys of a mention's further properties.
    :param relations: keys of a relation's further properties.
    :param annotations: keys of the further annotations of a document.
    """

    metadata: Collection[str] = ()
    entities: Collection[str] = ()
    relations: Collection[str] = ()
    annotations: Collection[str] = ()


def count_losses(
    report: WriteReport,
    document: Document,
    annotation: Annotation | None,
    *,
    keeps: Collection[str] = (),
    keys: KeptKeys = KeptKeys(),
) -> None:
    """Count what a record has and the format cannot hold.

    :param keeps: those of the kinds above that the format can hold.
    :param keys: keys that the format can hold anyway.
    """

    def further(held: Collection[str], known: Collection[str]) -> bool:
        return any(key not in known for key in held)

    found = {
        PASSAGES: int(bool(document.passages)),
        METADATA: int(further(document.metadata, keys.metadata)),
        NOT_LOOKED: int(annotation is None),
    }
    if annotation is not None:
        entities, relations = annotation.entities, annotation.relations
        # the concepts of a relation follow from its ends
        known = {*keys.relations, CONCEPTS}
        properties, unfit = properties_of(annotation)
        found |= {
            CONCEPT_LINKS: sum(len(entity.concepts) for entity in entities),
            SCORES: sum(entity.score is not None for entity in entities),
            HISTORIES: sum(entity.origin is not None for entity in entities),
            MENTION_PROPERTIES: sum(further(entity.extras, {*keys.entities, NOTE}) for entity in entities),
            # a format that keeps all properties of a mention keeps its note as well
            NOTES: 0
            if MENTION_PROPERTIES in keeps
            else sum(further({NOTE} & entity.extras.keys(), keys.entities) for entity in entities),
            RELATIONS: len(relations),
            CONCEPT_RELATIONS: len(annotation.concept_relations),
            UNDIRECTED: sum(not relation.directed for relation in relations),
            RELATION_PROPERTIES: sum(further(relation.extras, known) for relation in relations),
            CONCEPT_PROPERTIES: sum(map(bool, properties)) + unfit,
            FURTHER: int(further(annotation.extras, {*keys.annotations, PROPERTIES})),
        }
    for kind, number in found.items():
        if kind not in keeps:
            report.lose(kind, number)


class LookedAt:
    """Counts of documents looked at, for formats in which the annotations of a file as a whole decide on that."""

    def __init__(self) -> None:
        self._any = False
        self._empty = 0
        self._not_looked = 0

    def count(self, annotation: Annotation | None, written: object) -> None:
        """Count a document.

        :param written: true in a Boolean context if any annotation of it is in the file.
        """
        self._any = self._any or bool(written)
        self._empty += annotation is not None and not written
        self._not_looked += annotation is None

    def report(self, report: WriteReport) -> None:
        """Report what readers cannot tell from the complete file."""
        if self._any:
            report.lose(NOT_LOOKED, self._not_looked)
        else:
            report.lose(LOOKED, self._empty)
