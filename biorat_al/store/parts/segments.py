"""Segments in the store: each has a document row of its own, in the split ``segment``, and says what it is a part of.

Tasks, answers and predictions of a segment are therefore those of its own row. Segments are made once for each pool
document, and keep their borders whatever later versions of the program take for a sentence.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import ColumnElement, exists, func, insert, or_, select, union
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from biorat_al.corpus.model.document import Annotation, Span
from biorat_al.corpus.segments import PartOfDocument, annotation_within, segment_document, segments
from biorat_al.store.annotations import WHOLE_POOL, chunks
from biorat_al.store.documents import document_of
from biorat_al.store.tables import AnnotationRow, DocumentRow, SegmentRow, TaskRow

CHUNK = 200
"""Documents whose segments are written at once."""


WHITE_SPACE = "".join(filter(str.isspace, map(chr, range(0x3001))))
"""All characters that are white space, as for ``str.strip``; the ideographic space, U+3000, is the last."""


def without_segments(session: Session) -> list[int]:
    """Return the row ids of the pool's documents that have no segments yet, in order.

    Documents of white space alone are left out: they have no sentence, and never get a segment.
    """
    made = exists().where(SegmentRow.parent_id == DocumentRow.id)
    holds_words = func.trim(DocumentRow.text, WHITE_SPACE) != ""
    chosen = select(DocumentRow.id).where(DocumentRow.split == "pool", ~made, holds_words)
    return list(session.scalars(chosen.order_by(DocumentRow.id), execution_options=WHOLE_POOL))


def make_segments(session: Session, document_ids: Sequence[int], *, rules: int) -> int:
    """Write the segments of documents that have none, and return their number.

    :param document_ids: row ids of the documents.
    :param rules: version of the rules for where sentences end.
    """
    made = 0
    for row in session.scalars(select(DocumentRow).where(DocumentRow.id.in_(document_ids)).order_by(DocumentRow.id)):
        document = document_of(row)
        found = segments(document, rules=rules)
        if not found:
            continue
        ids = _free_keys(session, document.id, [one.span for one in found])
        parts = [segment_document(document, one.span, ident) for one, ident in zip(found, ids, strict=True)]
        row_ids = session.scalars(
            insert(DocumentRow).returning(DocumentRow.id, sort_by_parameter_order=True),
            [
                {
                    "key": part.id,
                    "split": "segment",
                    "text": part.text,
                    "text_sha256": hashlib.sha256(part.text.encode()).hexdigest(),
                    "passages": [[passage.kind, passage.start, passage.end] for passage in part.passages],
                    "details": {},
                }
                for part in parts
            ],
        ).all()
        session.execute(
            insert(SegmentRow),
            [
                {
                    "document_id": row_id,
                    "parent_id": row.id,
                    "start": one.span.start,
                    "end": one.span.end,
                    "context_words": one.context_words,
                }
                for row_id, one in zip(row_ids, found, strict=True)
            ],
        )
        made += len(found)
    return made


def never_asked_segments(session: Session, *, without_gold: bool) -> list[int]:
    """Return the row ids of the segments that can be asked for, in order.

    Neither they nor the whole document of which they are a part has been asked for.

    :param without_gold: leave out segments of documents that came with gold annotations.
    """
    parent = aliased(TaskRow)
    conditions: list[ColumnElement[bool]] = [
        ~exists().where(TaskRow.document_id == SegmentRow.document_id),
        ~exists().where(parent.document_id == SegmentRow.parent_id),
    ]
    if without_gold:
        gold = aliased(AnnotationRow)
        conditions.append(~exists().where(gold.document_id == SegmentRow.parent_id, gold.source == "gold"))
    chosen = select(SegmentRow.document_id).where(*conditions).order_by(SegmentRow.document_id)
    return list(session.scalars(chosen, execution_options=WHOLE_POOL))


def count_never_asked_segments(session: Session, *, without_gold: bool) -> int:
    """Return the number of segments that :func:`never_asked_segments` returns, without looking at each segment."""
    of_document = aliased(SegmentRow)
    asked = [
        select(TaskRow.document_id),
        select(of_document.document_id).join(TaskRow, TaskRow.document_id == of_document.parent_id),
    ]
    if without_gold:
        gold = aliased(AnnotationRow)
        given = select(of_document.document_id).join(gold, gold.document_id == of_document.parent_id)
        asked.append(given.where(gold.source == "gold"))
    left_out = select(func.count()).select_from(SegmentRow).where(SegmentRow.document_id.in_(union(*asked)))
    return count_segments(session) - session.scalars(left_out).one()


def parents_of(session: Session, document_ids: Sequence[int]) -> dict[int, int]:
    """Return the row ids of the documents that segments are a part of, by row id; other documents are left out."""
    return {row_id: parent_id for row_id, parent_id in _columns(session, document_ids, SegmentRow.parent_id)}


def asked_of_documents(session: Session) -> Counter[int]:
    """Count the segments that were asked for, by the document's row id."""
    rows = session.execute(
        select(SegmentRow.parent_id, func.count())
        .join(TaskRow, TaskRow.document_id == SegmentRow.document_id)
        .group_by(SegmentRow.parent_id)
    )
    return Counter({parent_id: count for parent_id, count in rows})


def spans_of(session: Session, document_ids: Sequence[int]) -> dict[int, Span]:
    """Return the places of segments in the texts of their documents, by row id; other documents are left out."""
    places = _columns(session, document_ids, SegmentRow.start, SegmentRow.end)
    return {row_id: Span(start, end) for row_id, start, end in places}


def parts_of(session: Session, document_ids: Sequence[int]) -> dict[int, PartOfDocument]:
    """Return what segments are a part of, by row id; other documents are left out."""
    found: dict[int, PartOfDocument] = {}
    for some in chunks(document_ids):
        rows = session.execute(
            select(SegmentRow, DocumentRow)
            .join(DocumentRow, DocumentRow.id == SegmentRow.parent_id)
            .where(SegmentRow.document_id.in_(some))
        )
        found.update(
            (row.document_id, PartOfDocument(document_of(parent), Span(row.start, row.end))) for row, parent in rows
        )
    return found


def context_words(session: Session, document_ids: Sequence[int]) -> dict[int, int]:
    """Return the words that are read besides a segment's own, by row id; other documents are left out."""
    return {row_id: words for row_id, words in _columns(session, document_ids, SegmentRow.context_words)}


def shares_of(session: Session, document_ids: Sequence[int]) -> dict[int, float]:
    """Return which share of its document's characters each segment has, by row id; other documents are left out."""
    found: dict[int, float] = {}
    for some in chunks(document_ids):
        rows = session.execute(
            select(SegmentRow.document_id, SegmentRow.end - SegmentRow.start, func.length(DocumentRow.text))
            .join(DocumentRow, DocumentRow.id == SegmentRow.parent_id)
            .where(SegmentRow.document_id.in_(some))
        )
        found.update((row_id, length / max(of, 1)) for row_id, length, of in rows)
    return found


def segments_of(session: Session, parent_ids: Sequence[int]) -> dict[int, list[SegmentRow]]:
    """Return the segments of documents, in the order of the text, by the document's row id."""
    found: dict[int, list[SegmentRow]] = {}
    for some in chunks(parent_ids):
        rows = session.scalars(select(SegmentRow).where(SegmentRow.parent_id.in_(some)).order_by(SegmentRow.start))
        for row in rows:
            found.setdefault(row.parent_id, []).append(row)
    return found


def is_annotated() -> ColumnElement[bool]:
    """Return the condition that a person's answer on a segment counts."""
    return exists().where(
        AnnotationRow.document_id == SegmentRow.document_id,
        AnnotationRow.source == "person",
        AnnotationRow.current.is_(True),
        AnnotationRow.skipped.is_(False),
        AnnotationRow.usable.is_(True),
        AnnotationRow.made_from.is_(None),
    )


def answered_spans(session: Session, parent_ids: Sequence[int]) -> dict[int, list[Span]]:
    """Return the places of the segments that people have annotated, by row id of their document, in order.

    Documents without any are left out.
    """
    found: dict[int, list[Span]] = {}
    for some in chunks(parent_ids):
        rows = session.execute(
            select(SegmentRow.parent_id, SegmentRow.start, SegmentRow.end)
            .where(SegmentRow.parent_id.in_(some), is_annotated())
            .order_by(SegmentRow.parent_id, SegmentRow.start)
        )
        for parent_id, start, end in rows:
            found.setdefault(parent_id, []).append(Span(start, end))
    return found


def waiting_for_segments(session: Session) -> set[int]:
    """Return the row ids of the documents of which a segment still needs an answer, the first or a further one."""
    rows = select(SegmentRow.parent_id).join(TaskRow, TaskRow.document_id == SegmentRow.document_id)
    return set(session.scalars(rows.where(or_(TaskRow.state.in_(("open", "pushing")), TaskRow.seats > 0))))


def count_segments(session: Session) -> int:
    """Return the number of segments."""
    return session.scalars(select(func.count()).select_from(SegmentRow)).one()


def places_of(session: Session, keys: Sequence[str]) -> dict[str, tuple[str, Span]]:
    """Return the document and the place of each segment among `keys`, by the segment's key."""
    parent = aliased(DocumentRow)
    found: dict[str, tuple[str, Span]] = {}
    for some in chunks(keys):
        rows = session.execute(
            select(DocumentRow.key, parent.key, SegmentRow.start, SegmentRow.end)
            .join(SegmentRow, SegmentRow.document_id == DocumentRow.id)
            .join(parent, parent.id == SegmentRow.parent_id)
            .where(DocumentRow.key.in_(some))
        )
        found.update((key, (of, Span(start, end))) for key, of, start, end in rows)
    return found


def cut(
    annotations: Mapping[str, Annotation], places: Mapping[str, tuple[str, Span]]
) -> Iterator[tuple[str, Annotation]]:
    """Yield the part of a document's annotation within each segment, by the segment's key.

    :param annotations: by the documents' ids; segments of other documents are left out.
    :param places: as :func:`places_of` returns them.
    """
    for key, (document, span) in places.items():
        if document in annotations:
            yield key, annotation_within(annotations[document], span)


def _columns(
    session: Session, document_ids: Sequence[int], *columns: InstrumentedAttribute[int]
) -> Iterator[tuple[int, ...]]:
    """Yield the row id and some columns of each segment among documents."""
    for some in chunks(document_ids):
        rows = session.execute(select(SegmentRow.document_id, *columns).where(SegmentRow.document_id.in_(some)))
        yield from (tuple(row) for row in rows)


def _free_keys(session: Session, document: str, spans: Sequence[Span]) -> list[str]:
    """Return an id for each segment, made of the document's and of its place, that no document has."""
    mark = "#"
    while True:
        keys = [f"{document}{mark}{start}-{end}" for start, end in spans]
        if not any(session.scalar(select(exists().where(DocumentRow.key.in_(some)))) for some in chunks(keys)):
            return keys
        mark += "#"
