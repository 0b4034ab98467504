"""The answers to tasks that the store already has, which a merge compares with the fetched ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from biorat_al.store.annotations import chunks, load_annotations
from biorat_al.store.revisions import FetchedAnswer, Revision
from biorat_al.store.tables import AnnotationRow, TaskRow

HOME = "task"
"""Key of the raw answer for the desk's id of the task on which it was given."""


@dataclass
class KnownAnswers:
    """The fetched revisions of all answers to a document, oldest first, by the desk's id of the answer.

    :param there: answers that were not deleted, by the desk's id of the task and then of the answer.
    :param over: deleted answers, by the desk's id; the desk may give their ids to others.
    """

    there: dict[str, dict[str, list[Revision]]] = field(default_factory=dict)
    over: dict[str, list[Revision]] = field(default_factory=dict)


def known_answers(session: Session, tasks: Sequence[TaskRow]) -> dict[int, KnownAnswers]:
    """Return the fetched revisions of the answers to tasks, by row id of the task."""
    homes = {task.id: task.desk_task_id or "" for task in tasks}
    rows: list[AnnotationRow] = []
    for chunk in chunks(list(homes)):
        rows += session.scalars(
            select(AnnotationRow).where(AnnotationRow.task_id.in_(chunk)).order_by(AnnotationRow.id)
        )
    return _by_owner(session, rows, lambda row: row.task_id or 0, homes)


def settling_answers(session: Session, kind: str, document_ids: Sequence[int]) -> dict[int, KnownAnswers]:
    """Return the fetched revisions of the answers to settlements of a kind, by row id of the document.

    Each of them has the desk's id of its task under :data:`HOME`.
    """
    rows: list[AnnotationRow] = []
    for chunk in chunks(document_ids):
        of_documents = AnnotationRow.document_id.in_(chunk)
        rows += session.scalars(
            select(AnnotationRow).where(of_documents, AnnotationRow.settles == kind).order_by(AnnotationRow.id)
        )
    return _by_owner(session, rows, lambda row: row.document_id, {})


def _by_owner(
    session: Session, rows: Sequence[AnnotationRow], owner: Callable[[AnnotationRow], int], homes: Mapping[int, str]
) -> dict[int, KnownAnswers]:
    """Group revisions, the oldest first, by what `owner` gives for each.

    :param homes: the desk's id of the task, by owner, of answers that do not have it themselves.
    """
    annotations = load_annotations(session, [row.id for row in rows])
    found: dict[int, KnownAnswers] = {}
    for row in rows:
        known = found.setdefault(owner(row), KnownAnswers())
        ident = row.desk_annotation_id or ""
        of_home = known.there.setdefault(str((row.raw or {}).get(HOME) or homes.get(owner(row), "")), {})
        of_home.setdefault(ident, []).append(Revision(row, annotations[row.id]))
        if row.deleted_at is not None:
            known.over[ident] = of_home.pop(ident)
    return found


Stamp = tuple[str, datetime, bool]
"""What identifies a revision: the desk's id of the answer, its time, and whether it is a skip."""


def taken_stamps(session: Session, answers: Iterable[FetchedAnswer]) -> set[Stamp]:
    """Return the stamps of all revisions in the store of answers with these ids, on any task."""
    taken: set[Stamp] = set()
    for chunk in chunks(sorted({answer.desk_annotation_id for answer in answers})):
        rows = session.execute(
            select(AnnotationRow.desk_annotation_id, AnnotationRow.updated_at, AnnotationRow.skipped).where(
                AnnotationRow.desk_annotation_id.in_(chunk)
            )
        )
        taken.update((str(ident), stamp, skipped) for ident, stamp, skipped in rows if stamp is not None)
    return taken
