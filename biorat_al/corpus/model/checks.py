"""Checks of documents and annotations: offsets, ids, ends of relations.

Readers, writers and the desk share these checks, so that none refuses what another accepts.
"""

from __future__ import annotations

from collections.abc import Iterator

from biorat_al.corpus.model.document import Annotation, Document, Entity, check_spans, check_text
from biorat_al.errors import CorpusError, FormatError, OffsetError

ORIGINS = ("prediction", "prediction-changed", "manual")
"""What an annotator did with a pre-label; see :class:`biorat_al.corpus.model.document.Entity`."""


def check_document(document: Document, *, source: str | None = None) -> None:
    """Raise unless the document has an id and its passages are inside its text, in order and without overlap.

    :raises FormatError: the id is empty, or a passage is outside the text or overlaps the one before it.
    """
    if not document.id.strip():
        raise FormatError("the document's id is empty", source=source)
    last = 0
    for passage in document.passages:
        if not 0 <= passage.start <= passage.end <= len(document.text):
            raise FormatError(
                f"the passage {passage.kind!r} at {passage.start}-{passage.end} is not inside the text of "
                f"{len(document.text)} characters",
                source=source,
                document=document.id,
            )
        if passage.start < last:
            raise FormatError(
                f"the passage {passage.kind!r} begins at {passage.start}, before the end of the passage before it at "
                f"{last}",
                source=source,
                document=document.id,
            )
        last = passage.end


def check_annotation(document: Document, annotation: Annotation, *, source: str | None = None) -> None:
    """Raise the first of :func:`annotation_errors`, if any.

    :raises OffsetError: a span is empty or outside the text.
    :raises FormatError: an id, a label, a score or a relation's end is invalid.
    """
    for error in annotation_errors(document, annotation, source=source):
        raise error


def check_mention(document: Document, entity: Entity, surface: str, *, source: str | None = None) -> None:
    """Raise unless the text at the entity's spans, pieces joined by one space, is `surface`.

    :raises OffsetError: the text differs, or a span is empty or outside the document's text.
    """
    check_text(document, entity.spans, surface, source=source)


def annotation_errors(
    document: Document, annotation: Annotation, *, source: str | None = None
) -> Iterator[CorpusError]:
    """Yield the errors in `annotation` as annotation of `document`: at most one for each entity and relation."""

    def wrong(what: str) -> FormatError:
        return FormatError(what, source=source, document=document.id)

    ids: set[str] = set()
    for entity in annotation.entities:
        problem = _entity_problem(entity, ids)
        ids.add(entity.id)
        if problem is not None:
            yield wrong(problem)
            continue
        try:
            check_spans(document, entity.spans, source=source)
        except OffsetError as error:
            yield error.with_traceback(None)
    relation_ids: set[str] = set()
    for relation in annotation.relations:
        if not relation.id:
            yield wrong("a relation's id is empty")
        elif relation.id in relation_ids:
            yield wrong(f"two relations have the id {relation.id!r}")
        elif not relation.label:
            yield wrong(f"the relation {relation.id!r} has no label")
        else:
            absent = [end for end in (relation.head, relation.tail) if end not in ids]
            if absent:
                yield wrong(f"the relation {relation.id!r} refers to the entity {absent[0]!r}, which is not there")
        relation_ids.add(relation.id)
    for concept_relation in annotation.concept_relations:
        label, head, tail = concept_relation.label, concept_relation.head, concept_relation.tail
        if not (label and head and tail):
            yield wrong(f"a relation between concepts lacks its label or one of its ends: {label}({head}, {tail})")


def _entity_problem(entity: Entity, ids: set[str]) -> str | None:
    if not entity.id:
        return "an entity's id is empty"
    if entity.id in ids:
        return f"two entities have the id {entity.id!r}"
    if not entity.label:
        return f"the entity {entity.id!r} has no label"
    if not entity.spans:
        return f"the entity {entity.id!r} has no span"
    if entity.score is not None and not 0 <= entity.score <= 1:
        return f"the score {entity.score} of the entity {entity.id!r} is not between 0 and 1"
    if entity.origin is not None and entity.origin not in ORIGINS:
        return f"the origin {entity.origin!r} of the entity {entity.id!r} is not one of {', '.join(ORIGINS)}"
    return None
