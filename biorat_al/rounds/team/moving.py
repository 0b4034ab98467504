"""Moving: tasks that one member has not answered are given to another.

First it is recorded what is about to move. Then the desk deletes those tasks that nobody has answered, skipped or
begun; it looks for that in the same moment. What it has deleted becomes a seat of the other member, in one transaction,
and is sent like any other. What was cut off is finished by the next round, or by the same command.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from biorat_al.corpus.model.role import ROLES, Role
from biorat_al.errors import DeskProjectGoneError
from biorat_al.rounds.context import Context
from biorat_al.rounds.team.places import project_of
from biorat_al.rounds.team.sending import send_unsent
from biorat_al.store.annotations import chunks
from biorat_al.store.store import now
from biorat_al.store.tables import AnnotationRow, MemberRow, SeatRow, TaskRow
from biorat_al.store.team.members import member_project
from biorat_al.store.team.seats import TO_COME, seats_in_state

_FREE = ("moved", "deleted")
"""States of a seat that can be given to its member again."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of the open tasks of a member.

    :param moved: number of tasks that the other member has now.
    :param begun: number of tasks that stay, since somebody has answered, skipped or begun them.
    :param known: number of tasks that stay, since the other member is asked for their documents too, or has answered
        them.
    """

    moved: int
    begun: int
    known: int


def move(context: Context, giver: MemberRow, taker: MemberRow, limit: int | None = None) -> Moved:
    """Give open tasks of one member to another; answers, skips and drafts stay where they are.

    :param limit: most tasks to move, those that were given last; None moves all.
    """
    finish_moves(context)
    # what was not sent yet is open afterwards, and can be moved like the others
    send_unsent(context)
    with context.store.write() as session:
        seats = seats_in_state(session, *TO_COME, member_id=giver.id)
        known = _known(session, taker, [seat.document_id for seat in seats])
        chosen = [seat for seat in reversed(seats) if seat.document_id not in known][:limit]
        for seat in chosen:
            seat.moving_to = taker.id
        number = len(chosen)
    moved = finish_moves(context)
    send_unsent(context)
    return Moved(moved, number - moved, len(known))


def finish_moves(context: Context) -> int:
    """Finish the moves that are recorded; return how many tasks were given to others."""
    with context.store.read() as session:
        waiting = _moving(session)
        places = {(seat.member_id, seat.role): member_project(session, seat.member_id, seat.role) for seat in waiting}
    gone = set[int]()
    for (member_id, role_name), row in places.items():
        seats = [seat for seat in waiting if (seat.member_id, seat.role) == (member_id, role_name)]
        ids = [seat.desk_task_id for seat in seats if seat.desk_task_id is not None]
        deleted = frozenset(ids)
        if row is not None and ids:
            context.check_lock()
            role: Role = next(one for one in ROLES if one == role_name)
            try:
                deleted = context.desk.take_back(project_of(row, role, context.settings), ids)
            except DeskProjectGoneError:
                # with all its tasks
                deleted = frozenset(ids)
        gone |= {seat.id for seat in seats if seat.desk_task_id is None or seat.desk_task_id in deleted}
    if not waiting:
        return 0
    with context.store.write() as session:
        return _give(session, gone)


def _moving(session: Session) -> list[SeatRow]:
    rows = session.scalars(select(SeatRow).where(SeatRow.moving_to.is_not(None)).order_by(SeatRow.id))
    return list(rows)


def _give(session: Session, gone: set[int]) -> int:
    """Give the seats whose tasks are gone to those who get them; return how many."""
    count = 0
    for seat in _moving(session):
        taker, seat.moving_to = seat.moving_to, None
        # an answer that was fetched meanwhile
        if seat.id not in gone or seat.state not in (*TO_COME, "deleted"):
            continue
        task = session.scalar(select(TaskRow).where(TaskRow.document_id == seat.document_id))
        if task is not None and task.desk_task_id == seat.desk_task_id:
            # Label Studio may give the number of a deleted task to another one
            task.desk_task_id = None
        seat.state, seat.desk_task_id = "moved", None
        given = session.scalar(
            select(SeatRow).where(SeatRow.document_id == seat.document_id, SeatRow.member_id == taker)
        )
        if given is None:
            given = SeatRow(document_id=seat.document_id, member_id=taker)
            session.add(given)
        given.role, given.round_number, given.double = seat.role, seat.round_number, seat.double
        given.pre_labels, given.seconds = seat.pre_labels, seat.seconds
        given.state, given.desk_task_id, given.assigned_at, given.pushed_at = "assigned", None, now(), None
        count += 1
    session.flush()
    return count


def _known(session: Session, member: MemberRow, document_ids: Sequence[int]) -> set[int]:
    """Return those of the documents that a member is asked for, or has answered."""
    found = set[int]()
    for some in chunks(list(document_ids)):
        found.update(
            session.scalars(
                select(SeatRow.document_id).where(
                    SeatRow.document_id.in_(some), SeatRow.member_id == member.id, SeatRow.state.not_in(_FREE)
                )
            )
        )
        rows = session.execute(
            select(AnnotationRow.document_id, AnnotationRow.annotator).where(
                AnnotationRow.document_id.in_(some), AnnotationRow.source == "person"
            )
        )
        found.update(document_id for document_id, name in rows if (name or "").casefold() == member.name.casefold())
    return found
