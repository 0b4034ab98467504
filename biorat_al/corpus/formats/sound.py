"""Removal of what is broken in a record, for all formats, so that readers need not check it themselves."""

from __future__ import annotations

from biorat_al.corpus.formats.base import Reading
from biorat_al.corpus.model.checks import annotation_errors, check_document
from biorat_al.corpus.model.document import Annotation, Document, Entity, Record, Relation
from biorat_al.errors import CorpusError, FormatError, OffsetError

BROKEN_FILES = "files that cannot be read to their end"
BROKEN_DOCUMENTS = "documents that cannot be read"
BROKEN_MENTIONS = "mentions that cannot be read"
BROKEN_RELATIONS = "relations that cannot be read"
ABSENT_ENDS = "relations to mentions that do not exist"
"""Kinds of broken items, as counted by :meth:`~biorat_al.corpus.formats.base.Reading.leave_out`."""


def sound_record(record: Record, reading: Reading) -> Record | None:
    """Return the record without its broken items, which are counted; None if nothing is left.

    :raises CorpusError: something is broken, and nothing may be left out.
    """
    document, annotation, source = record
    try:
        check_document(document, source=source)
    except CorpusError as error:
        reading.leave_out(BROKEN_DOCUMENTS, error)
        return None
    if annotation is None or next(annotation_errors(document, annotation, source=source), None) is None:
        return record
    return Record(document, _sound_annotation(document, annotation, source, reading), source)


def _sound_annotation(document: Document, annotation: Annotation, source: str, reading: Reading) -> Annotation:
    def fault(part: Annotation) -> CorpusError | None:
        return next(annotation_errors(document, part, source=source), None)

    def again(what: str, ident: str) -> FormatError:
        return FormatError(f"two {what} have the id {ident!r}", source=source, document=document.id)

    entities: dict[str, Entity] = {}
    left_out: set[str] = set()
    for entity in annotation.entities:
        error = again("entities", entity.id) if entity.id in entities else fault(Annotation((entity,)))
        if error is None:
            entities[entity.id] = entity
            continue
        if isinstance(error, OffsetError):
            reading.keeps(error)
        else:
            reading.leave_out(BROKEN_MENTIONS, error)
        left_out.add(entity.id)
    relations: dict[str, Relation] = {}
    for relation in reading.without(left_out - entities.keys(), annotation.relations):
        ends = [ident for ident in dict.fromkeys((relation.head, relation.tail)) if ident in entities]
        part = Annotation(tuple(entities[ident] for ident in ends), (relation,))
        error = again("relations", relation.id) if relation.id in relations else fault(part)
        if error is None:
            relations[relation.id] = relation
        else:
            absent = bool(relation.label) and not {relation.head, relation.tail} <= entities.keys()
            reading.leave_out(ABSENT_ENDS if absent else BROKEN_RELATIONS, error)
    concept_relations = []
    for stated in annotation.concept_relations:
        error = fault(Annotation((), (), (stated,)))
        if error is None:
            concept_relations.append(stated)
        else:
            reading.leave_out(BROKEN_RELATIONS, error)
    return Annotation(tuple(entities.values()), tuple(relations.values()), tuple(concept_relations), annotation.extras)
