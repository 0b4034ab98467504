"""Test documents that a project asked everybody for before it had a group."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from biorat_al.store.annotations import chunks
from biorat_al.store.tables import AnnotationRow, DocumentRow, SeatRow, TaskRow


@dataclass(slots=True)
class Touched:
    """Who has worked on a document.

    :param alone: names, in small letters, of those who gave an answer that counts, each alone.
    :param everybody: names of all who have answered, skipped or changed something, or settled it, likewise.
    """

    alone: set[str] = field(default_factory=set)
    everybody: set[str] = field(default_factory=set)


def asked_of_everybody(session: Session) -> dict[int, str]:
    """Return the ids of the test documents that a round before any member's was asked for, by row id."""
    of_a_member = exists().where(
        SeatRow.document_id == TaskRow.document_id, SeatRow.round_number <= TaskRow.round_number
    )
    rows = session.execute(
        select(DocumentRow.id, DocumentRow.key)
        .join(TaskRow, TaskRow.document_id == DocumentRow.id)
        .where(TaskRow.role == "test", ~of_a_member)
        .order_by(DocumentRow.id)
    )
    return {row_id: key for row_id, key in rows}


def annotated_by_one(session: Session, documents: Collection[int]) -> dict[int, Touched]:
    """Return those of the documents that exactly one person has annotated and no member was asked for, by row id."""
    found: dict[int, Touched] = {}
    for some in chunks(sorted(documents)):
        rows = session.execute(
            select(AnnotationRow).where(
                AnnotationRow.document_id.in_(some),
                AnnotationRow.source == "person",
                ~exists().where(SeatRow.document_id == AnnotationRow.document_id),
            )
        )
        for (row,) in rows:
            of_document = found.setdefault(row.document_id, Touched())
            of_document.everybody.update(name.casefold() for name in (row.annotator, row.revises) if name)
            counts = (row.current or row.superseded) and row.usable and not row.skipped and not row.ground_truth
            if counts and row.made_from is None and row.revises is None and row.settles is None:
                of_document.alone.add((row.annotator or "").casefold())
    return {document: of for document, of in found.items() if len(of.alone) == 1}
