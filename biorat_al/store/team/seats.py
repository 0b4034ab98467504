"""Seats: which documents each member of a group is asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from biorat_al.store.annotations import chunks
from biorat_al.store.tables import AnnotationRow, DocumentRow, MemberRow, SeatRow, TaskRow

UNSENT = ("assigned", "pushing")
"""States of a seat whose task may not have been sent."""

TO_COME = (*UNSENT, "open")
"""States of a seat whose answer is still to come."""


def add_seats(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write seats that members get, in the order given."""
    if rows:
        session.execute(insert(SeatRow), [dict(row) for row in rows])


def seats_in_state(
    session: Session, *states: str, role: str | None = None, member_id: int | None = None
) -> list[SeatRow]:
    """Return the seats that are in one of the states, in the order in which they were given.

    :param role: only those of this role; `member_id` likewise.
    """
    wanted = select(SeatRow).where(SeatRow.state.in_(states)).order_by(SeatRow.id)
    if role is not None:
        wanted = wanted.where(SeatRow.role == role)
    if member_id is not None:
        wanted = wanted.where(SeatRow.member_id == member_id)
    return list(session.scalars(wanted))


def seats_of_documents(session: Session, document_ids: Sequence[int]) -> dict[int, list[SeatRow]]:
    """Return the seats of documents, by document row id; documents without seats are left out."""
    found: dict[int, list[SeatRow]] = {}
    for some in chunks(list(document_ids)):
        for row in session.scalars(select(SeatRow).where(SeatRow.document_id.in_(some)).order_by(SeatRow.id)):
            found.setdefault(row.document_id, []).append(row)
    return found


def seated_documents(session: Session) -> set[int]:
    """Return the row ids of all documents that some member was asked for."""
    return set(session.scalars(select(SeatRow.document_id)))


def to_answer(session: Session, *roles: str) -> dict[str, int]:
    """Return how many documents of the roles each member still has to answer, by name; those with none are left out."""
    rows = session.execute(
        select(MemberRow.name, func.count())
        .join(SeatRow, SeatRow.member_id == MemberRow.id)
        .where(SeatRow.state.in_(TO_COME), SeatRow.role.in_(roles))
        .group_by(MemberRow.id, MemberRow.name)
        .order_by(MemberRow.id)
    )
    return {name: count for name, count in rows}


def intend_seats(session: Session, member_id: int, document_ids: Sequence[int]) -> None:
    """Record that a member's tasks are about to be sent, so that after a crash it is known what may have arrived."""
    for row in _of_member(session, member_id, document_ids, "assigned"):
        row.state = "pushing"


def confirm_seats(session: Session, member_id: int, arrived: Mapping[int, str], at: datetime) -> None:
    """Record the desk's ids of a member's tasks that have arrived, by document row id."""
    for row in _of_member(session, member_id, list(arrived), *UNSENT):
        row.state, row.desk_task_id, row.pushed_at = "open", arrived[row.document_id], at
    session.flush()
    seats = seats_of_documents(session, list(arrived))
    for some in chunks(list(arrived)):
        for task in session.scalars(select(TaskRow).where(TaskRow.document_id.in_(some))):
            # a task that was deleted on the desk and made again; the next fetch finds its id, which may be another
            # task's until then
            if task.state == "deleted":
                task.state, task.desk_task_id = "open", None
            task.seats = sum(seat.state == "open" for seat in seats[task.document_id])


def withdraw(session: Session, member_id: int, role: str) -> int:
    """Let what a member has to answer in a role be sent again, since the project is gone; return how many seats."""
    rows = seats_in_state(session, "open", "pushing", role=role, member_id=member_id)
    for row in rows:
        row.state, row.desk_task_id = "assigned", None
    return len(rows)


def _of_member(session: Session, member_id: int, document_ids: Sequence[int], *states: str) -> Iterator[SeatRow]:
    for some in chunks(list(document_ids)):
        of_member = select(SeatRow).where(SeatRow.member_id == member_id, SeatRow.document_id.in_(some))
        yield from session.scalars(of_member.where(SeatRow.state.in_(states))).all()


def open_seconds(session: Session) -> dict[int, float]:
    """Return the expected seconds of what each member still has to answer, by member."""
    rows = session.execute(
        select(SeatRow.member_id, func.coalesce(func.sum(SeatRow.seconds), 0.0))
        .where(SeatRow.state.in_(TO_COME))
        .group_by(SeatRow.member_id)
    )
    return {member_id: float(seconds or 0.0) for member_id, seconds in rows}


def paired(session: Session) -> Counter[tuple[int, int]]:
    """Count the documents that each pair of members was given together; the lower member id comes first."""
    of_document: dict[int, list[int]] = {}
    rows = session.execute(
        select(SeatRow.document_id, SeatRow.member_id)
        .where(SeatRow.double.is_(True), SeatRow.state != "moved")
        .order_by(SeatRow.document_id, SeatRow.member_id)
    )
    for document_id, member_id in rows:
        of_document.setdefault(document_id, []).append(member_id)
    return Counter((pair[0], pair[1]) for pair in of_document.values() if len(pair) == 2)


def shown_doubles(session: Session) -> set[int]:
    """Return the row ids of the documents that two members were given with pre-labels, where there were any to show."""
    shown = select(SeatRow.document_id).join(TaskRow, TaskRow.document_id == SeatRow.document_id)
    with_pre_labels = SeatRow.double.is_(True), SeatRow.pre_labels.is_(True), SeatRow.state != "moved"
    return set(session.scalars(shown.where(*with_pre_labels, TaskRow.shown_version.is_not(None))))


def seated(session: Session, split: str) -> dict[int, frozenset[str]]:
    """Return the names, in small letters, of those who were asked for each document of a split, by document row id.

    Documents that were given to nobody in particular are left out. If a document was asked for before any member was
    given it, those who had answered by then were asked as well.
    """
    names: dict[int, set[str]] = {}
    # a condition on the split would make SQLite begin with the documents, and read the whole pool
    rows = session.execute(
        select(SeatRow.document_id, MemberRow.name, DocumentRow.split)
        .join(MemberRow, MemberRow.id == SeatRow.member_id)
        .join(DocumentRow, DocumentRow.id == SeatRow.document_id)
        .where(SeatRow.state != "moved")
    )
    for document_id, name, of in rows:
        if of == split:
            names.setdefault(document_id, set()).add(name.casefold())
    earlier = session.execute(
        select(AnnotationRow.document_id, AnnotationRow.annotator)
        .join(SeatRow, SeatRow.document_id == AnnotationRow.document_id)
        .join(TaskRow, TaskRow.document_id == AnnotationRow.document_id)
        .where(
            SeatRow.role == split,
            SeatRow.round_number > TaskRow.round_number,
            AnnotationRow.source == "person",
            AnnotationRow.settles.is_(None),
            AnnotationRow.fetched_at <= SeatRow.assigned_at,
        )
        .distinct()
    )
    for document_id, early in earlier:
        names.setdefault(document_id, set()).add((early or "").casefold())
    return {document_id: frozenset(some) for document_id, some in names.items()}
