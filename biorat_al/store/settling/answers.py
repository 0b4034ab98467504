"""The merge of fetched answers to settlements into the store.

An answer is written as ground truth, so that it counts for its document (:mod:`biorat_al.store.answers`), beside what
annotators answered. Revisions, deletions and their authors are treated as those of every other answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from biorat_al.corpus.model.role import SettlingRole
from biorat_al.store.annotations import add_annotations
from biorat_al.store.known_answers import KnownAnswers, settling_answers, taken_stamps
from biorat_al.store.settling.settlements import give_up, settlements
from biorat_al.store.tasks import FetchedTask, MergeCounts, merge_task


def merge_settling(
    session: Session, kind: SettlingRole, fetched: Sequence[FetchedTask], existing: frozenset[str], at: datetime
) -> MergeCounts:
    """Merge fetched answers into the store; a second merge of the same answers changes nothing.

    :param existing: the desk's ids of all tasks that exist now.
    """
    counts = MergeCounts()
    rows = settlements(session, kind)
    gone = [row.id for row in rows if row.desk_task_id is not None and row.desk_task_id not in existing]
    give_up(session, kind, gone)
    by_task = {row.desk_task_id: row for row in rows if row.desk_task_id is not None and row.id not in gone}
    revisions = settling_answers(session, kind, sorted({task.document_id for task in fetched}))
    taken = taken_stamps(session, (answer for task in fetched for answer in task.answers))
    columns = {"settles": kind, "fetched_at": at}
    new = []
    for task in fetched:
        known = revisions.setdefault(task.document_id, KnownAnswers())
        merged = merge_task(task, known, taken, counts, columns)
        new += merged.new
        row = by_task.get(task.desk_task_id)
        if row is not None and row.document_id == task.document_id:
            row.state = "answered" if merged.answered else "skipped" if merged.skipped else "open"
    # rows must be marked as superseded in the database before the new ones arrive
    session.flush()
    add_annotations(session, new)
    return counts
