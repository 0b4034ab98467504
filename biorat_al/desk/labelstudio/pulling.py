"""Fetching from Label Studio what annotators did.

A skip carries the whole pre-filled result but is not an answer; an empty result is an answer. A draft is not an answer,
nor is an annotation that an action made for many tasks at once (:mod:`biorat_al.corpus.formats.label_studio.answers`).
Lists are requested by a query, never by a saved view, which would appear as a tab in the annotators' project.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from biorat_al.desk.base import DeskProject, Documents, Pull
from biorat_al.desk.labelstudio import shapes
from biorat_al.desk.labelstudio.answers import AnswerReader
from biorat_al.desk.labelstudio.configuration import LabellingConfiguration, ProjectMark, all_changes, changes
from biorat_al.desk.labelstudio.connection import SETTINGS, Connection, Json
from biorat_al.desk.labelstudio.cursor import Cursor, Seen, checksum
from biorat_al.desk.labelstudio.listing import (
    LISTED,
    Listed,
    check_given,
    copies_of,
    list_tasks,
    notice_of,
    share_seats,
)
from biorat_al.desk.labelstudio.seats import Seats, made_from
from biorat_al.errors import DeskError
from biorat_al.wording import plural

# selects fields at every depth; created_ago, which is never the same twice, must stay out
_FIELDS = (
    "id,data,updated_at,created_at,annotations,result,was_cancelled,completed_by,updated_by,created_username,lead_time,"
    "ground_truth,parent_prediction,parent_annotation,draft_created_at,predictions,model_version,total_annotations,"
    "cancelled_annotations"
)


def pull(connection: Connection, project: DeskProject, documents: Documents, cursor: str | None) -> Pull:
    """Fetch everything that happened since `cursor`; see :meth:`biorat_al.desk.base.Desk.pull`."""
    replaced = connection.replaced
    settings = connection.get(f"api/projects/{project.reference}/", include=SETTINGS)
    settings = shapes.project_settings_of(settings, connection.server)
    last = Cursor.parse(cursor)
    labels, control, notices = _labels(settings, project, last)
    listed = list_tasks(connection, project.reference, last.tasks)
    copies = copies_of(listed)
    changed = _changed(connection, project.reference, listed, last)
    seats = Seats(connection, project.reference, listed, changed, _FIELDS)
    share_seats(copies, seats.left)
    # one of the actions does not change the task's time of change
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
            f"Label Studio gave {plural(number, 'character')} that no database can keep (NUL, or half of a "
            f"surrogate pair); {shapes.REPLACEMENT} replaces each"
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
    """Return the tasks that changed since the last pull, with their answers.

    If the server counts more answers of a task than it gives, the task is requested a second time: somebody may have
    answered it, or deleted an answer, meanwhile.

    :raises DeskError: the server does not give a task that it has.
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
    tasks = {task["id"]: task for task in given if task["id"] in wanted}
    check_given(connection, project, wanted, tasks)
    if incomplete := [ident for ident, task in tasks.items() if not _seen(task).stamp]:
        again = connection.tasks_where(project, "id", incomplete, fields="all", include=_FIELDS)
        tasks |= {task["id"]: task for task in again if task["id"] in tasks}
    return [tasks[ident] for ident in sorted(tasks)]


def _seen(task: Json) -> Seen:
    """Return what the cursor keeps of a task; without a time stamp if answers are missing."""
    counted = task["total_annotations"] + task["cancelled_annotations"]
    return Seen("" if len(task["annotations"]) < counted else task["updated_at"], counted, checksum(task))


def with_drafts(connection: Connection, project: str) -> set[str]:
    """Return the ids of the tasks that anybody has begun without submitting.

    A list contains only the drafts of the user who asks; this filter knows everybody's.
    """
    drafts = {"filter": "filter:tasks:draft_exists", "operator": "equal", "type": "Boolean", "value": True}
    return {str(task["id"]) for task in connection.tasks(project, [drafts], include="id")}


def _labels(
    settings: Mapping[str, Any], project: DeskProject, last: Cursor
) -> tuple[tuple[str, ...] | None, str | None, tuple[str, ...]]:
    """Return the labels in the configuration, the control that carries them, and notices of what people changed."""
    try:
        there = LabellingConfiguration.parse(settings["label_config"])
    except DeskError as error:
        return last.labels, None, (str(error),)
    notices: tuple[str, ...] = ()
    mark = ProjectMark.of(settings)
    if project.labels:
        notices = all_changes(project.labels, [relation.name for relation in project.relations], there)
    elif last.labels is not None:
        notices = changes(last.labels, there.labels)
    elif mark is not None and mark.labels != there.labels_checksum:
        notices = (f"the labels were changed in Label Studio; they are now {', '.join(map(repr, there.labels))}",)
    return there.labels, there.control, notices
