"""Tasks, and what people did with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import exists, func, insert, or_, select, update
from sqlalchemy.orm import Session

from biorat_al.store.annotations import NewAnnotation, add_annotations, chunks
from biorat_al.store.tables import AnnotationRow, DeskProjectRow, TaskRow


@dataclass(frozen=True, slots=True)
class FetchedAnswer:
    """One annotator's answer to one task, with what is to be written for it."""

    desk_annotation_id: str
    updated_at: datetime
    skipped: bool
    new: NewAnnotation


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
    """What a pull brought: numbers of answers and tasks."""

    new: int = 0
    changed: int = 0
    deleted: int = 0
    skipped: int = 0
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
    """Number of tasks of a role by state."""
    rows = session.execute(select(TaskRow.state, func.count()).where(TaskRow.role == role).group_by(TaskRow.state))
    counts = dict.fromkeys(("pushing", "open", "answered", "skipped", "deleted"), 0)
    return counts | {state: count for state, count in rows}


def changed_since(session: Session, round_number: int, began: datetime) -> bool:
    """Whether a round has fetched an answer that is new, edited or gone."""
    return bool(
        session.scalar(
            select(exists().where(or_(AnnotationRow.fetched_round == round_number, AnnotationRow.deleted_at >= began)))
        )
    )


def merge(
    session: Session, role: str, fetched: Sequence[FetchedTask], existing: frozenset[str], at: datetime
) -> MergeCounts:
    """Bring the answers that were fetched into the store; doing it twice changes nothing.

    An edited answer becomes a further row, a deleted one is marked, and a deleted task keeps its answers.

    :param existing: the desk's ids of all tasks that are there now.
    """
    counts = MergeCounts()
    rows = {row.document_id: row for row in session.scalars(select(TaskRow).where(TaskRow.role == role))}
    by_desk_id = {task.desk_task_id: task.document_id for task in fetched}
    current: dict[int, list[AnnotationRow]] = {}
    touched = [rows[task.document_id].id for task in fetched if task.document_id in rows]
    for some in chunks(touched):
        for answer in session.scalars(
            select(AnnotationRow).where(AnnotationRow.task_id.in_(some), AnnotationRow.current.is_(True))
        ):
            current.setdefault(answer.task_id or 0, []).append(answer)
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
        new.extend(_merge_task(known, task, current.get(known.id, []), counts, at))
    # the rows that are superseded must be so in the database before the new ones arrive
    session.flush()
    add_annotations(session, new)
    return counts


def _merge_task(
    row: TaskRow, task: FetchedTask, known: Sequence[AnnotationRow], counts: MergeCounts, at: datetime
) -> list[NewAnnotation]:
    by_id = {answer.desk_annotation_id: answer for answer in known}
    new: list[NewAnnotation] = []
    for answer in task.answers:
        before = by_id.pop(answer.desk_annotation_id, None)
        if before is not None and before.updated_at == answer.updated_at and before.skipped == answer.skipped:
            continue
        if before is not None:
            before.current = False
            counts.changed += 1
        elif answer.skipped:
            counts.skipped += 1
        else:
            counts.new += 1
        columns = answer.new.columns | {
            "task_id": row.id,
            "desk_annotation_id": answer.desk_annotation_id,
            "updated_at": answer.updated_at,
            "skipped": answer.skipped,
            "fetched_at": at,
        }
        counts.problems.extend(columns.get("problems", ()))
        new.append(NewAnnotation(row.document_id, "person", answer.new.annotation, columns))
    for gone in by_id.values():
        gone.current = False
        gone.deleted_at = at
        counts.deleted += 1
    if any(not answer.skipped for answer in task.answers):
        row.state = "answered"
    elif task.answers:
        row.state = "skipped"
    else:
        row.state = "open"
    row.drafts = task.drafts
    return new
