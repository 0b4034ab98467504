"""What the store has of the answers to tasks, for a merge to hold against what was fetched."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from biorat_al.store.annotations import chunks, load_annotations
from biorat_al.store.revisions import FetchedAnswer, Revision
from biorat_al.store.tables import AnnotationRow, TaskRow

HOME = "task"
"""Where the raw answer says which of the desk's tasks it was given on."""


@dataclass
class Known:
    """All that was fetched of the answers to a document, oldest first, by the desk's id of the answer.

    :param there: by the desk's id of the task as well, those that were not deleted.
    :param over: those that were deleted: the desk may give their ids to others.
    """

    there: dict[str, dict[str, list[Revision]]] = field(default_factory=dict)
    over: dict[str, list[Revision]] = field(default_factory=dict)


def known_answers(session: Session, tasks: Sequence[TaskRow]) -> dict[int, Known]:
    """Return what was fetched of the answers to tasks, by row id of the task."""
    homes = {task.id: task.desk_task_id or "" for task in tasks}
    rows: list[AnnotationRow] = []
    for some in chunks(list(homes)):
        rows += session.scalars(select(AnnotationRow).where(AnnotationRow.task_id.in_(some)).order_by(AnnotationRow.id))
    said = load_annotations(session, [row.id for row in rows])
    found: dict[int, Known] = {}
    for row in rows:
        known = found.setdefault(row.task_id or 0, Known())
        ident = row.desk_annotation_id or ""
        of_home = known.there.setdefault(str((row.raw or {}).get(HOME) or homes[row.task_id or 0]), {})
        of_home.setdefault(ident, []).append(Revision(row, said[row.id]))
        if row.deleted_at is not None:
            known.over[ident] = of_home.pop(ident)
    return found


Stamp = tuple[str, datetime, bool]
"""What tells a revision apart: the desk's id of the answer, its time, and whether it is a skip."""


def taken_stamps(session: Session, answers: Iterable[FetchedAnswer]) -> set[Stamp]:
    """Return the stamps of all revisions that the store has of answers with these ids, on whatever task."""
    taken: set[Stamp] = set()
    for some in chunks(sorted({answer.desk_annotation_id for answer in answers})):
        rows = session.execute(
            select(AnnotationRow.desk_annotation_id, AnnotationRow.updated_at, AnnotationRow.skipped).where(
                AnnotationRow.desk_annotation_id.in_(some)
            )
        )
        taken.update((str(ident), stamp, skipped) for ident, stamp, skipped in rows if stamp is not None)
    return taken
