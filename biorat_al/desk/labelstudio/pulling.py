"""What annotators did, fetched from Label Studio.

A skip carries the whole pre-filled result and counts as an answer only by mistake; an empty result is an answer; a
draft is none, nor is what an action made for many tasks at once (:mod:`biorat_al.corpus.formats.label_studio.answers`).
Lists are asked for by a query, never by a saved view: that would turn up as a tab in the annotators' project.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from biorat_al.desk.base import DeskProject, Documents, Pull
from biorat_al.desk.labelstudio import shapes
from biorat_al.desk.labelstudio.answers import AnswerReader
from biorat_al.desk.labelstudio.configuration import Configuration, Mark, all_changes, changes
from biorat_al.desk.labelstudio.connection import SETTINGS, Connection, Json
from biorat_al.desk.labelstudio.cursor import Cursor, Seen, checksum
from biorat_al.desk.labelstudio.listing import LISTED, Listed, copies_of, list_tasks, notice_of, share_seats
from biorat_al.desk.labelstudio.seats import Seats, made_from
from biorat_al.errors import DeskError

# selects fields at every depth; created_ago, which is never the same twice, must stay out
_FIELDS = (
    "id,data,updated_at,created_at,annotations,result,was_cancelled,completed_by,updated_by,created_username,lead_time,"
    "ground_truth,parent_prediction,parent_annotation,draft_created_at,predictions,model_version,total_annotations,"
    "cancelled_annotations"
)


def pull(connection: Connection, project: DeskProject, documents: Documents, cursor: str | None) -> Pull:
    """Fetch what has happened since `cursor`; see :meth:`biorat_al.desk.base.Desk.pull`."""
    replaced = connection.replaced
    settings = connection.get(f"api/projects/{project.reference}/", include=SETTINGS)
    settings = shapes.project_of(settings, connection.server)
    last = Cursor.parse(cursor)
    labels, control, notices = _labels(settings, project, last)
    listed = list_tasks(connection, project.reference, last.tasks)
    copies = copies_of(listed)
    changed = _changed(connection, project.reference, listed, last)
    seats = Seats(connection, project.reference, listed, changed, _FIELDS)
    share_seats(copies, seats.left)
    # one of the actions leaves no trace in the task's time of change
    changed += [task for task in seats.looked_into if any(map(made_from, task["annotations"]))]
    begun = with_drafts(connection, project.reference)
    seen = {str(task["id"]): _seen(task) for task in changed}
    restored = {task.id for task in listed if (b := last.tasks.get(str(task.id))) and task.stamp < b.stamp}
    fresh = [
        task
        for task in changed
        if task["id"] in restored
        or (before := last.tasks.get(str(task["id"]))) is None
        or before.checksum != checksum(task)
    ]
    missing = [task for task in fresh if not seen[str(task["id"])].stamp]
    reader = AnswerReader(connection, project, control, documents, begun)
    states = [
        replace(state, complete=bool(seen[state.task_id].stamp), earlier=bool(restored))
        for state in reader.states(fresh)
    ]
    if duplicates := notice_of(copies, begun, {task["id"]: len(task["annotations"]) for task in changed}):
        reader.notices.append(duplicates)
    if number := connection.replaced - replaced:
        reader.notices.append(
            f"Label Studio gave {number} character{'s' * (number > 1)} that no database can keep (NUL, or half of a "
            f"surrogate pair); {shapes.REPLACEMENT} is in the place of each"
        )
    if missing:
        ids = ", ".join(str(task["id"]) for task in missing[:LISTED])
        reader.notices.append(
            f"Label Studio counts more answers than it gives of {len(missing)} of its tasks ({ids}); those that were "
            "fetched before still count, and the tasks are looked at again in the next round"
        )
    if restored:
        reader.notices.append(
            f"{len(restored)} of Label Studio's tasks are in an earlier state than when they were last looked at: a "
            "backup was restored, or its clock was set back; answers that were fetched before and are missing there "
            "still count"
        )
    tasks = {str(task.id): seen.get(str(task.id)) or last.tasks.get(str(task.id)) for task in listed}
    return Pull(
        tasks=tuple(states),
        existing=frozenset(tasks),
        open_tasks=frozenset(seats.left),
        cursor=Cursor({ident: one for ident, one in tasks.items() if one is not None}, labels).text(),
        notices=(*notices, *reader.notices, *seats.notices()),
        begun=frozenset(begun),
        seats=seats.left,
        keys={str(task.id): task.key for task in listed if task.key is not None},
    )


def _changed(connection: Connection, project: str, listed: Sequence[Listed], last: Cursor) -> list[Json]:
    """The tasks that are not as they were, with their answers.

    One of which the server counts more answers than it gives is asked for a second time: it may have been answered, or
    an answer deleted, meanwhile.
    """
    wanted = {
        task.id
        for task in listed
        if (last.tasks.get(str(task.id)) or Seen("", 0, ""))[:2] != (task.stamp, task.answers)
    }
    if 2 * len(wanted) > len(listed):
        given = connection.tasks(project, fields="all", include=_FIELDS)
    else:
        given = connection.tasks_where(project, "id", sorted(wanted), fields="all", include=_FIELDS)
    found = {task["id"]: task for task in given if task["id"] in wanted}
    if some := [ident for ident, task in found.items() if not _seen(task).stamp]:
        again = connection.tasks_where(project, "id", some, fields="all", include=_FIELDS)
        found |= {task["id"]: task for task in again if task["id"] in found}
    return [found[ident] for ident in sorted(found)]


def _seen(task: Json) -> Seen:
    """What the cursor keeps of a task; without a stamp if answers are missing."""
    counted = task["total_annotations"] + task["cancelled_annotations"]
    return Seen("" if len(task["annotations"]) < counted else task["updated_at"], counted, checksum(task))


def with_drafts(connection: Connection, project: str) -> set[str]:
    """Return the ids of the tasks in which anybody has begun something without submitting it.

    The drafts in a list are the asking user's own only; this filter knows everybody's.
    """
    drafts = {"filter": "filter:tasks:draft_exists", "operator": "equal", "type": "Boolean", "value": True}
    return {str(task["id"]) for task in connection.tasks(project, [drafts], include="id")}


def _labels(
    settings: Mapping[str, Any], project: DeskProject, last: Cursor
) -> tuple[tuple[str, ...] | None, str | None, tuple[str, ...]]:
    """The labels in the configuration, the control that carries them, and what people changed about them."""
    try:
        there = Configuration.parse(settings["label_config"])
    except DeskError as error:
        return last.labels, None, (str(error),)
    notices: tuple[str, ...] = ()
    mark = Mark.of(settings)
    if project.labels:
        notices = all_changes(project.labels, [relation.name for relation in project.relations], there)
    elif last.labels is not None:
        notices = changes(last.labels, there.labels)
    elif mark is not None and mark.labels != there.labels_checksum:
        notices = (f"the labels were changed in Label Studio; they are now {', '.join(map(repr, there.labels))}",)
    return there.labels, there.control, notices
