"""Tasks, and what people did with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import case, exists, func, insert, or_, select, update
from sqlalchemy.orm import Session

from biorat_al.store.annotations import NewAnnotation, add_annotations, chunks, load_annotations
from biorat_al.store.revisions import MOMENT, FetchedAnswer, Revision, is_known, judge
from biorat_al.store.tables import AnnotationRow, DeskProjectRow, TaskRow


@dataclass(frozen=True, slots=True)
class FetchedTask:
    """A task that changed, with all the answers that it has now.

    It is known by its document: the desk may have given the id of a deleted task to another one.
    """

    document_id: int
    desk_task_id: str
    answers: tuple[FetchedAnswer, ...]
    drafts: int


@dataclass
class MergeCounts:
    """What a pull brought: numbers of answers and tasks.

    :param revised: answers that somebody else than their author changed; they count as `changed` as well.
    :param unattended: annotations that an action made without anybody looking at them; they count nowhere else.
    """

    new: int = 0
    changed: int = 0
    revised: int = 0
    deleted: int = 0
    skipped: int = 0
    unattended: int = 0
    deleted_tasks: int = 0
    unknown_tasks: int = 0
    problems: list[str] = field(default_factory=list)


def desk_project(session: Session, role: str) -> DeskProjectRow | None:
    """The project of a role on the desk, if it has been made."""
    return session.get(DeskProjectRow, role)


def intend_push(session: Session, role: str, document_ids: Sequence[int], round_number: int, at: datetime) -> None:
    """Note that tasks are about to be pushed, so that a crash leaves a trace of what may have arrived."""
    known = set[int]()
    for some in chunks(document_ids):
        known.update(session.scalars(select(TaskRow.document_id).where(TaskRow.document_id.in_(some))))
        session.execute(
            update(TaskRow).where(TaskRow.document_id.in_(some), TaskRow.state == "pushing").values(intent_at=at)
        )
    fresh = [
        {"document_id": i, "role": role, "state": "pushing", "round_number": round_number, "intent_at": at, "drafts": 0}
        for i in document_ids
        if i not in known
    ]
    if fresh:
        session.execute(insert(TaskRow), fresh)


def confirm_push(session: Session, arrived: dict[int, str], shown_version: str | None, at: datetime) -> None:
    """Note the desk's ids of tasks that have arrived, by document row id."""
    for document_id, desk_task_id in arrived.items():
        session.execute(
            update(TaskRow)
            .where(TaskRow.document_id == document_id, TaskRow.state == "pushing")
            .values(state="open", desk_task_id=desk_task_id, pushed_at=at, shown_version=shown_version)
        )


def tasks_in_state(session: Session, role: str, *states: str) -> list[TaskRow]:
    """The tasks of a role in one of the states, in the order in which they were made."""
    return list(
        session.scalars(select(TaskRow).where(TaskRow.role == role, TaskRow.state.in_(states)).order_by(TaskRow.id))
    )


def count_tasks(session: Session, role: str) -> dict[str, int]:
    """Number of tasks of a role by state; one that wants further answers is ``open``, also if it has some."""
    wanted = case((TaskRow.state.in_(("answered", "skipped")) & (TaskRow.seats > 0), "open"), else_=TaskRow.state)
    state = wanted.label("counted_as")
    rows = session.execute(select(state, func.count()).where(TaskRow.role == role).group_by(state))
    counts = dict.fromkeys(("pushing", "open", "answered", "skipped", "deleted"), 0)
    return counts | {state: count for state, count in rows}


def count_seats(session: Session, role: str) -> int:
    """How many answers are still to come to the open tasks of a role."""
    # nobody has said yet how many a task that was pushed just now wants
    seats = case(((TaskRow.state == "open") & (TaskRow.seats == 0), 1), else_=TaskRow.seats)
    return (
        session.scalar(
            select(func.coalesce(func.sum(seats), 0)).where(
                TaskRow.role == role, TaskRow.state.in_(("open", "answered", "skipped"))
            )
        )
        or 0
    )


def changed_since(session: Session, round_number: int, began: datetime) -> bool:
    """Whether a round has fetched an answer that is new, edited or gone."""
    recent = or_(AnnotationRow.fetched_round == round_number, AnnotationRow.deleted_at >= began)
    return bool(session.scalar(select(exists().where(recent, AnnotationRow.made_from.is_(None)))))


def merge(
    session: Session,
    role: str,
    fetched: Sequence[FetchedTask],
    existing: frozenset[str],
    at: datetime,
    seats: Mapping[str, int] | None = None,
) -> MergeCounts:
    """Bring the answers that were fetched into the store; doing it twice changes nothing.

    An edited answer becomes a further row, a deleted one is marked, and a deleted task keeps its answers. What is known
    already is judged anew by what the desk says of it now (:mod:`biorat_al.store.revisions`).

    :param existing: the desk's ids of all tasks that are there now.
    :param seats: how many more people are to answer, by the desk's id of each task that is open; None where one answer
        is enough for every task.
    """
    counts = MergeCounts()
    rows = {row.document_id: row for row in session.scalars(select(TaskRow).where(TaskRow.role == role))}
    by_desk_id = {task.desk_task_id: task.document_id for task in fetched}
    revisions = _revisions(session, [rows[task.document_id].id for task in fetched if task.document_id in rows])
    for document_id, row in rows.items():
        there = row.desk_task_id in existing and by_desk_id.get(row.desk_task_id or "", document_id) == document_id
        if row.desk_task_id is not None and row.state != "deleted" and not there:
            row.state = "deleted"
            counts.deleted_tasks += 1
    new: list[NewAnnotation] = []
    for task in fetched:
        known = rows.get(task.document_id)
        if known is None or known.desk_task_id != task.desk_task_id:
            counts.unknown_tasks += 1
            continue
        new.extend(_merge_task(known, task, revisions.get(known.id, {}), counts, at))
    for row in rows.values():
        if row.state == "deleted":
            row.seats = 0
        else:
            row.seats = int(row.state == "open") if seats is None else seats.get(row.desk_task_id or "", 0)
    # the rows that are superseded must be so in the database before the new ones arrive
    session.flush()
    add_annotations(session, new)
    return counts


def _revisions(session: Session, task_ids: Sequence[int]) -> dict[int, dict[str, list[Revision]]]:
    """All that was fetched of the answers that tasks have, oldest first, by task and by the desk's id of the answer.

    An answer that was deleted is over: the desk may give its id to another.
    """
    rows: list[AnnotationRow] = []
    for some in chunks(task_ids):
        rows += session.scalars(select(AnnotationRow).where(AnnotationRow.task_id.in_(some)).order_by(AnnotationRow.id))
    said = load_annotations(session, [row.id for row in rows])
    found: dict[int, dict[str, list[Revision]]] = {}
    for row in rows:
        of_task = found.setdefault(row.task_id or 0, {})
        if row.deleted_at is not None:
            of_task.pop(row.desk_annotation_id or "", None)
        else:
            of_task.setdefault(row.desk_annotation_id or "", []).append(Revision(row, said[row.id]))
    return found


def _merge_task(
    row: TaskRow,
    task: FetchedTask,
    known: Mapping[str, list[Revision]],
    counts: MergeCounts,
    at: datetime,
) -> list[NewAnnotation]:
    new: list[NewAnnotation] = []
    answered = skipped = False
    for answer in task.answers:
        before = known.get(answer.desk_annotation_id, [])
        if before and is_known(answer, before[-1]):
            made_from = _judge_again(answer, before)
        else:
            added = _added(row, answer, before, counts, at)
            made_from = added.columns["made_from"]
            new.append(added)
        answered = answered or (made_from is None and not answer.skipped)
        skipped = skipped or answer.skipped
    there = {answer.desk_annotation_id for answer in task.answers}
    for ident, revisions in known.items():
        gone = revisions[-1].row
        if ident in there or not gone.current:
            continue
        for revision in revisions:
            revision.row.superseded = False
        gone.current = False
        gone.deleted_at = at
        counts.deleted += 1
    row.state = "answered" if answered else "skipped" if skipped else "open"
    row.drafts = task.drafts
    return new


def _judge_again(answer: FetchedAnswer, revisions: Sequence[Revision]) -> str | None:
    """Bring what is said about the last revision up to date; return what it was made from.

    Whose answer it is stays as it was judged, unless an earlier version of the program wrote it, which did not know who
    had changed it.
    """
    row, columns = revisions[-1].row, answer.new.columns
    raw = columns.get("raw") or {}
    if row.raw is not None and "updated_by" in raw and "updated_by" not in row.raw:
        judgement = judge(answer, revisions[:-1])
        row.annotator, row.revises, row.made_from = judgement
        if row.revises is not None and len(revisions) > 1:
            _supersede(revisions[-2].row, row.annotator)
        row.raw = {**raw, **row.raw}
    row.problems = list(columns.get("problems", ()))
    row.slips = dict(columns.get("slips", {}))
    return row.made_from


def _added(
    row: TaskRow, answer: FetchedAnswer, before: Sequence[Revision], counts: MergeCounts, at: datetime
) -> NewAnnotation:
    """The row of an answer that is new or changed."""
    if before and answer.updated_at <= (before[-1].row.updated_at or answer.updated_at):
        _judge_again(answer, before)
    judgement = judge(answer, before)
    updated_at = answer.updated_at
    if before:
        last = before[-1].row
        last.current = False
        if last.updated_at is not None:
            updated_at = max(updated_at, last.updated_at + MOMENT)
        if judgement.annotator != last.annotator:
            _supersede(last, judgement.annotator)
    if judgement.made_from is not None:
        counts.unattended += not before
    elif before and before[-1].row.made_from is None:
        counts.changed += 1
        counts.revised += judgement.annotator != before[-1].row.annotator
    elif answer.skipped:
        counts.skipped += 1
    else:
        counts.new += 1
    counts.problems.extend(answer.new.columns.get("problems", ()))
    columns = answer.new.columns | {
        "task_id": row.id,
        "desk_annotation_id": answer.desk_annotation_id,
        "updated_at": updated_at,
        "skipped": answer.skipped,
        "fetched_at": at,
        "annotator": judgement.annotator,
        "revises": judgement.revises,
        "made_from": judgement.made_from,
    }
    return NewAnnotation(row.document_id, "person", answer.new.annotation, columns)


def _supersede(row: AnnotationRow, editor: str | None) -> None:
    """Mark the last revision that somebody made alone before `editor` changed it."""
    if row.made_from is None and row.revises is None and row.annotator != editor:
        row.superseded = True
