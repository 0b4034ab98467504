"""Tasks, and the merge of fetched answers into the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import case, exists, func, insert, or_, select, update
from sqlalchemy.orm import Session

from biorat_al.store.annotations import NewAnnotation, add_annotations, chunks
from biorat_al.store.known_answers import HOME, KnownAnswers, Stamp, known_answers, taken_stamps
from biorat_al.store.revisions import MOMENT, FetchedAnswer, Revision, is_known, is_that, judge
from biorat_al.store.tables import AnnotationRow, DeskProjectRow, DocumentRow, RoundRow, TaskRow


@dataclass(frozen=True, slots=True)
class FetchedTask:
    """A task that changed, with all answers that it has now.

    Its document identifies it: the desk may have given the id of a deleted task to another one, and may have several
    tasks of one document.

    :param complete: whether the desk gave all its answers; if not, a missing answer may come next time.
    :param earlier: whether the desk went back to an earlier state; then a missing answer was not deleted.
    :param made_at: when the desk made it, by the desk's clock; an older answer was given on another task.
    """

    document_id: int
    desk_task_id: str
    answers: tuple[FetchedAnswer, ...]
    drafts: int
    complete: bool = True
    earlier: bool = False
    made_at: datetime | None = None


@dataclass
class MergeCounts:
    """Numbers of answers and tasks that a pull brought.

    :param revised: answers that somebody other than their author changed; they also count as `changed`.
    :param unattended: annotations that an action made without anybody looking at them; they count nowhere else.
    :param restored: answers that were deleted and exist again, for example from a restored backup.
    :param kept: answers that the desk no longer has although nobody deleted them.
    :param returned: documents whose tasks went with a restored backup before anybody answered them: they can be asked
        for again.
    :param adopted: tasks of documents for which no task was recorded, for example because this database was restored
        from a backup.
    :param twice: annotator and document row id of each person who answered several tasks of one document.
    """

    new: int = 0
    changed: int = 0
    revised: int = 0
    deleted: int = 0
    skipped: int = 0
    unattended: int = 0
    deleted_tasks: int = 0
    unknown_tasks: int = 0
    restored: int = 0
    kept: int = 0
    returned: int = 0
    adopted: int = 0
    twice: set[tuple[str, int]] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)


def desk_project(session: Session, role: str) -> DeskProjectRow | None:
    """Return the project of a role on the desk, or None if it has not been made."""
    return session.get(DeskProjectRow, role)


def intend_push(session: Session, role: str, document_ids: Sequence[int], round_number: int, at: datetime) -> None:
    """Record that tasks are about to be pushed, so that after a crash it is known what may have arrived."""
    known = set[int]()
    for chunk in chunks(document_ids):
        known.update(session.scalars(select(TaskRow.document_id).where(TaskRow.document_id.in_(chunk))))
        session.execute(
            update(TaskRow).where(TaskRow.document_id.in_(chunk), TaskRow.state == "pushing").values(intent_at=at)
        )
    fresh = [
        {"document_id": i, "role": role, "state": "pushing", "round_number": round_number, "intent_at": at, "drafts": 0}
        for i in document_ids
        if i not in known
    ]
    if fresh:
        session.execute(insert(TaskRow), fresh)


def confirm_push(session: Session, arrived: dict[int, str], shown_version: str | None, at: datetime) -> None:
    """Record the desk's ids of tasks that have arrived, by document row id."""
    for chunk in chunks(list(arrived)):
        pushing = select(TaskRow).where(TaskRow.document_id.in_(chunk), TaskRow.state == "pushing")
        for row in session.scalars(pushing):
            row.state, row.desk_task_id = "open", arrived[row.document_id]
            row.pushed_at, row.shown_version = at, shown_version


def tasks_in_state(session: Session, role: str, *states: str) -> list[TaskRow]:
    """Return the tasks of a role that are in one of the states, in the order in which they were made."""
    return list(
        session.scalars(select(TaskRow).where(TaskRow.role == role, TaskRow.state.in_(states)).order_by(TaskRow.id))
    )


def count_tasks(session: Session, role: str) -> dict[str, int]:
    """Return the number of tasks of a role by state; a task that needs more answers counts as ``open``."""
    wanted = case((TaskRow.state.in_(("answered", "skipped")) & (TaskRow.seats > 0), "open"), else_=TaskRow.state)
    state = wanted.label("counted_as")
    rows = session.execute(select(state, func.count()).where(TaskRow.role == role).group_by(state))
    counts = dict.fromkeys(("pushing", "open", "answered", "skipped", "deleted"), 0)
    return counts | {state: count for state, count in rows}


def count_asked(session: Session, role: str, round_number: int) -> int:
    """Return how many documents of a role a round has asked for."""
    asked = select(func.count()).where(TaskRow.role == role, TaskRow.round_number == round_number)
    return session.scalar(asked.where(TaskRow.state != "pushing")) or 0


def count_seats(session: Session, role: str) -> int:
    """Return how many answers the open tasks of a role still need."""
    # it is not known yet how many answers a task needs that was pushed just now
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
    """Return whether a round has fetched an answer that is new, edited or deleted."""
    recent = or_(AnnotationRow.fetched_round == round_number, AnnotationRow.deleted_at >= began)
    return bool(session.scalar(select(exists().where(recent, AnnotationRow.made_from.is_(None)))))


def merge(
    session: Session,
    role: str,
    fetched: Sequence[FetchedTask],
    existing: frozenset[str],
    at: datetime,
    seats: Mapping[str, int] | None = None,
    places: Mapping[int, Sequence[str]] | None = None,
) -> MergeCounts:
    """Merge fetched answers into the store; a second merge of the same answers changes nothing.

    An edited answer becomes a further row, a deleted answer is marked, and a deleted task keeps its answers. The
    authorship of known answers is judged again from what the desk sends now (:mod:`biorat_al.store.revisions`). If the
    desk has several tasks of a document, answers on all of them count.

    :param existing: the desk's ids of all tasks that exist now.
    :param seats: how many more people should answer, by the desk's id of each open task; None if one answer is enough
        for every task.
    :param places: the desk's ids of all existing tasks of a document, by document row id; None if the desk does not
        give them.
    """
    counts = MergeCounts()
    rows = {row.document_id: row for row in session.scalars(select(TaskRow).where(TaskRow.role == role))}
    by_document: dict[int, list[FetchedTask]] = {}
    for task in fetched:
        by_document.setdefault(task.document_id, []).append(task)
    adopted = _adopted(session, role, [document_id for document_id in by_document if document_id not in rows], at)
    rows |= adopted
    counts.adopted = len(adopted)
    homes = _homes(rows, by_document, existing, places)
    gone = [
        row
        for document_id, row in rows.items()
        if row.desk_task_id is not None and row.state != "deleted" and not homes[document_id]
    ]
    returned = _without_answers(session, gone) if any(task.earlier for task in fetched) else []
    for row in gone:
        row.state = "deleted"
    for row in returned:
        del rows[row.document_id]
        session.delete(row)
    session.flush()
    counts.returned = len(returned)
    counts.deleted_tasks += len(gone) - len(returned)
    _rehome(session, rows, homes, at)
    revisions = known_answers(session, [rows[document_id] for document_id in by_document if document_id in rows])
    taken = taken_stamps(session, (answer for task in fetched for answer in task.answers))
    new: list[NewAnnotation] = []
    for document_id, tasks in by_document.items():
        known = rows.get(document_id)
        if known is None:
            counts.unknown_tasks += len(tasks)
            continue
        of_document = revisions.get(known.id, KnownAnswers())
        states = [_merge_task(known, task, of_document, taken, counts, at) for task in tasks]
        new.extend(annotation for state in states for annotation in state.new)
        _set_state(known, tasks, states, of_document, homes[document_id], counts)
    for document_id, row in rows.items():
        if row.state == "deleted":
            row.seats = 0
        elif seats is None:
            row.seats = int(row.state == "open")
        else:
            row.seats = sum(seats.get(home, 0) for home in homes[document_id])
    # rows must be marked as superseded in the database before the new ones arrive
    session.flush()
    add_annotations(session, new)
    return counts


def _adopted(session: Session, role: str, unknown: Sequence[int], at: datetime) -> dict[int, TaskRow]:
    """Record a task of each document of the role among `unknown`, so that answers on it count."""
    # the round that is running has not asked for them
    newest = select(RoundRow.number).order_by((RoundRow.state == "done").desc(), RoundRow.number.desc())
    number = session.scalar(newest.limit(1))
    rows: dict[int, TaskRow] = {}
    for chunk in chunks(unknown):
        of_role = select(DocumentRow.id).where(DocumentRow.id.in_(chunk), DocumentRow.split == role)
        for ident in session.scalars(of_role.order_by(DocumentRow.id)).all():
            rows[ident] = TaskRow(
                document_id=ident, role=role, state="open", round_number=number, intent_at=at, pushed_at=at
            )
    session.add_all(rows.values())
    session.flush()
    return rows


def _homes(
    rows: Mapping[int, TaskRow],
    by_document: Mapping[int, Sequence[FetchedTask]],
    existing: frozenset[str],
    places: Mapping[int, Sequence[str]] | None,
) -> dict[int, tuple[str, ...]]:
    """Return the desk's ids of the existing tasks of each document, starting with the task that we know."""
    owners = {task.desk_task_id: document_id for document_id, tasks in by_document.items() for task in tasks}
    homes: dict[int, tuple[str, ...]] = {}
    for document_id, row in rows.items():
        there = [task.desk_task_id for task in by_document.get(document_id, ()) if task.desk_task_id in existing]
        if places is not None:
            there += places.get(document_id, ())
        elif row.desk_task_id in existing and owners.get(row.desk_task_id or "", document_id) == document_id:
            there += [row.desk_task_id or ""]
        homes[document_id] = tuple(sorted(dict.fromkeys(there), key=lambda home: home != row.desk_task_id))
    return homes


def _without_answers(session: Session, rows: Sequence[TaskRow]) -> list[TaskRow]:
    """Return the tasks that nobody has answered, as far as was ever fetched."""
    answered: set[int | None] = set()
    for some in chunks([row.id for row in rows]):
        answered.update(session.scalars(select(AnnotationRow.task_id).where(AnnotationRow.task_id.in_(some))))
    return [row for row in rows if row.id not in answered]


def _rehome(session: Session, rows: Mapping[int, TaskRow], homes: Mapping[int, Sequence[str]], at: datetime) -> None:
    """Adopt tasks that were made again in place of those that we knew; the answers of the latter stay unchanged."""
    moved = {id_: row for id_, row in rows.items() if homes[id_] and row.desk_task_id != homes[id_][0]}
    if not moved:
        return
    before = {row.id: row.desk_task_id for row in moved.values()}
    for chunk in chunks(list(before)):
        for annotation in session.scalars(select(AnnotationRow).where(AnnotationRow.task_id.in_(chunk))):
            annotation.raw = {HOME: before[annotation.task_id or 0], **(annotation.raw or {})}
    # two tasks may have exchanged their ids
    for row in moved.values():
        row.desk_task_id = None
    session.flush()
    for document_id, row in moved.items():
        row.desk_task_id = homes[document_id][0]
        row.pushed_at = row.pushed_at or at
        row.state = "open" if row.state in ("deleted", "pushing") else row.state
    session.flush()


class _TaskMerge(NamedTuple):
    """The result of merging one task."""

    new: list[NewAnnotation]
    answered: bool
    skipped: bool


def _merge_task(
    row: TaskRow, task: FetchedTask, document: KnownAnswers, taken: set[Stamp], counts: MergeCounts, at: datetime
) -> _TaskMerge:
    known = document.there.get(task.desk_task_id, {})
    new: list[NewAnnotation] = []
    answered = skipped = False
    for answer in task.answers:
        before = known.get(answer.desk_annotation_id, [])
        over = document.over.get(answer.desk_annotation_id, [])
        if before and _is_another(answer, before[-1]):
            # the desk gave the id of a deleted answer to this one
            _let_go(known.pop(answer.desk_annotation_id), task, counts, at)
            before = []
        if before and is_known(answer, before[-1]):
            made_from = _judge_again(answer, before)
        elif before and task.earlier and any(is_that(answer, one) for one in before[:-1]):
            # a backup has an older revision; the author's newer one still counts
            made_from = before[-1].row.made_from
            counts.kept += 1
        elif not before and over and is_that(answer, over[-1]):
            made_from = _bring_back(over, counts)
        else:
            added = _added(row, answer, before, counts, at)
            stamp: datetime = added.columns["updated_at"]
            while (answer.desk_annotation_id, stamp, answer.skipped) in taken:
                stamp += MOMENT
            added.columns["updated_at"] = stamp
            made_from = added.columns["made_from"]
            new.append(added)
        answered = answered or (made_from is None and not answer.skipped)
        skipped = skipped or answer.skipped
    there = {answer.desk_annotation_id for answer in task.answers}
    for ident, revisions in known.items():
        if task.complete and ident not in there and revisions[-1].row.current:
            _let_go(revisions, task, counts, at)
    return _TaskMerge(new, answered, skipped)


def _is_another(answer: FetchedAnswer, last: Revision) -> bool:
    """Return whether an answer has the id of another, earlier answer; an answer's time of creation never changes."""
    made_at = answer.new.columns.get("created_at")
    return made_at is not None and last.row.created_at is not None and made_at != last.row.created_at


def _let_go(revisions: Sequence[Revision], task: FetchedTask, counts: MergeCounts, at: datetime) -> None:
    """Mark an answer that its task no longer has as deleted, unless an earlier task or a restore took it away."""
    last = revisions[-1].row
    if not last.current:
        return
    older = task.made_at is not None and last.updated_at is not None and last.updated_at < task.made_at
    if older or task.earlier:
        counts.kept += 1
        # the desk may give its id, and that of its task, to others
        for number, revision in enumerate(revisions):
            ident = f"{revision.row.desk_annotation_id} of earlier {last.id}.{number}"
            revision.row.desk_annotation_id = ident[-80:]
            revision.row.raw = {**(revision.row.raw or {}), HOME: f"{task.desk_task_id} of earlier"}
        return
    for revision in revisions:
        revision.row.superseded = False
    last.current = False
    last.deleted_at = at
    counts.deleted += 1


def _bring_back(over: Sequence[Revision], counts: MergeCounts) -> str | None:
    """Let a deleted answer count again that exists unchanged on the desk; return what it was made from."""
    last = over[-1].row
    last.current = True
    last.deleted_at = None
    if len(over) > 1:
        _supersede(over[-2].row, last.annotator)
    counts.restored += 1
    return last.made_from


def _set_state(
    row: TaskRow,
    tasks: Sequence[FetchedTask],
    states: Sequence[_TaskMerge],
    document: KnownAnswers,
    homes: Sequence[str],
    counts: MergeCounts,
) -> None:
    """Set the state of a document's task from all its tasks on the desk, including those that did not change."""
    answered, skipped = any(state.answered for state in states), any(state.skipped for state in states)
    merged = {task.desk_task_id for task in tasks if task.complete}
    who: dict[str, set[str]] = {}
    for home in set(homes) - merged:
        for revisions in document.there.get(home, {}).values():
            last = revisions[-1].row
            if last.current and last.made_from is None:
                answered, skipped = answered or not last.skipped, skipped or last.skipped
                who.setdefault(last.annotator or "", set()).update([home] * (not last.skipped))
    for task in tasks:
        for answer in task.answers:
            if answer.made_from is None and not answer.skipped:
                who.setdefault(answer.author or "", set()).add(task.desk_task_id)
    counts.twice |= {(annotator, row.document_id) for annotator, places in who.items() if len(places) > 1}
    row.state = "answered" if answered else "skipped" if skipped else "open"
    row.drafts = sum(task.drafts for task in tasks)


def _judge_again(answer: FetchedAnswer, revisions: Sequence[Revision]) -> str | None:
    """Update problems and slips of the last revision; return what it was made from.

    Its authorship stays as it was judged, unless an earlier version of the program wrote it, which did not know who had
    changed it.
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
    """Return the row to write for an answer that is new or changed."""
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
