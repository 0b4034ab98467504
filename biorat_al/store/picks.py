"""Documents that rounds picked, and documents that can still be picked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, exists, func, insert, select, union
from sqlalchemy.orm import Session, aliased

from biorat_al.store.annotations import WHOLE_POOL
from biorat_al.store.documents import count_documents
from biorat_al.store.parts.segments import is_annotated
from biorat_al.store.tables import (
    AnnotationRow,
    DocumentRow,
    PickRow,
    SegmentRow,
    TaskRow,
)


def never_asked_documents(session: Session, *, without_gold: bool) -> list[int]:
    """Return the row ids of the pool's documents that were never asked for as a whole, in order.

    A document is left out while an annotator works on a segment of it, and once all of its segments are annotated.

    :param without_gold: leave out documents that came with gold annotations, since nobody needs to annotate them.
    """
    chosen = select(DocumentRow.id).where(*_never_asked(without_gold)).order_by(DocumentRow.id)
    return list(session.scalars(chosen, execution_options=WHOLE_POOL))


def count_never_asked(session: Session, *, without_gold: bool) -> int:
    """Return the number of documents that :func:`never_asked_documents` returns."""
    of_pool = (DocumentRow.split == "pool", DocumentRow.id.in_(_left_out(without_gold)))
    left_out = session.scalars(select(func.count()).select_from(DocumentRow).where(*of_pool)).one()
    return count_documents(session)["pool"] - left_out


def never_asked_test_documents(session: Session) -> list[int]:
    """Return the row ids of the test documents that have neither gold annotations nor a task."""
    return list(
        session.scalars(
            select(DocumentRow.id)
            .where(DocumentRow.split == "test", ~exists().where(TaskRow.document_id == DocumentRow.id), _has_no_gold())
            .order_by(DocumentRow.id)
        )
    )


def asked_sentences(session: Session, *, before: int) -> int:
    """Return the number of segments that rounds with a number below `before` have picked."""
    picked = select(func.count()).select_from(PickRow).where(PickRow.round_number < before)
    return session.scalars(picked.where(exists().where(SegmentRow.document_id == PickRow.document_id))).one()


def shown_with(session: Session, version: str) -> set[int]:
    """Return the row ids of the documents whose tasks are shown with the pre-labels of a version."""
    return set(session.scalars(select(TaskRow.document_id).where(TaskRow.shown_version == version)))


def add_picks(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Write the documents that a round chose."""
    if rows:
        session.execute(insert(PickRow), list(rows))


def picks_of(session: Session, number: int) -> list[PickRow]:
    """Return the documents that a round chose, best first."""
    return list(session.scalars(select(PickRow).where(PickRow.round_number == number).order_by(PickRow.rank)))


def _never_asked(without_gold: bool) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [
        DocumentRow.split == "pool",
        ~exists().where(TaskRow.document_id == DocumentRow.id),
        ~exists().where(
            SegmentRow.parent_id == DocumentRow.id,
            TaskRow.document_id == SegmentRow.document_id,
            TaskRow.state.in_(("open", "pushing")),
        ),
        ~exists().where(SegmentRow.parent_id == DocumentRow.id)
        | exists().where(SegmentRow.parent_id == DocumentRow.id, ~is_annotated()),
    ]
    return [*conditions, _has_no_gold()] if without_gold else conditions


def _left_out(without_gold: bool) -> CompoundSelect[tuple[int]]:
    """Select the row ids of what does not meet :func:`_never_asked`, documents of other splits among them.

    What was asked for is little beside a large pool, and is found without looking at each document of it.
    """
    of_open_task, of_answer = aliased(SegmentRow), aliased(SegmentRow)
    answer = aliased(AnnotationRow)
    parts = [
        select(TaskRow.document_id),
        select(of_open_task.parent_id)
        .join(TaskRow, TaskRow.document_id == of_open_task.document_id)
        .where(TaskRow.state.in_(("open", "pushing"))),
        select(of_answer.parent_id)
        .join(answer, answer.document_id == of_answer.document_id)
        .where(
            answer.source == "person",
            ~exists().where(SegmentRow.parent_id == of_answer.parent_id, ~is_annotated()),
        ),
    ]
    if without_gold:
        parts.append(select(AnnotationRow.document_id).where(AnnotationRow.source == "gold"))
    return union(*parts)


def _has_no_gold() -> ColumnElement[bool]:
    return ~exists().where(AnnotationRow.document_id == DocumentRow.id, AnnotationRow.source == "gold")
