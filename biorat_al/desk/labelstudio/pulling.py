"""What annotators did, fetched from Label Studio.

A skip carries the whole pre-filled result and counts as an answer only by mistake; an empty result is an answer; a
draft is none, nor is what an action made for many tasks at once (:mod:`biorat_al.corpus.labelstudio_answers`). Lists
are asked for by a query, never by a saved view: that would turn up as a tab in the annotators' project.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from biorat_al.desk.base import DeskProject, Documents, Pull
from biorat_al.desk.labelstudio.answers import AnswerReader
from biorat_al.desk.labelstudio.configuration import Configuration, Mark, all_changes, changes
from biorat_al.desk.labelstudio.connection import SETTINGS, Connection, Json
from biorat_al.desk.labelstudio.cursor import OVERLAP, Cursor, checksum, parse_time
from biorat_al.desk.labelstudio.seats import Seats, made_from
from biorat_al.errors import DeskError

# selects fields at every depth; created_ago, which is never the same twice, must stay out
_FIELDS = (
    "id,data,updated_at,created_at,annotations,result,was_cancelled,completed_by,updated_by,created_username,lead_time,"
    "ground_truth,parent_prediction,parent_annotation,draft_created_at,predictions,model_version"
)


def pull(connection: Connection, project: DeskProject, documents: Documents, cursor: str | None) -> Pull:
    """Fetch what has happened since `cursor`; see :meth:`biorat_al.desk.base.Desk.pull`."""
    settings = connection.get(f"api/projects/{project.reference}/", include=SETTINGS)
    last = Cursor.parse(cursor)
    labels, control, notices = _labels(settings, project, last)
    changed = _changed(connection, project.reference, last)
    # after the changes: a task that is made in between must not be among them and not exist
    seats = Seats(connection, project.reference, changed, _FIELDS)
    # one of the actions leaves no trace in the task's time of change
    unnoticed = [task for task in seats.looked_into if any(map(made_from, task["annotations"]))]
    watched = {task["id"] for task in unnoticed}
    changed += unnoticed
    begun = with_drafts(connection, project.reference)
    fresh = [task for task in changed if last.seen.get(str(task["id"])) != checksum(task)]
    reader = AnswerReader(connection, project, control, documents, begun)
    states = tuple(reader.states(fresh))
    stamps = [parse_time(task["updated_at"]) for task in changed]
    newest = max([*stamps, last.newest] if last.newest else stamps, default=None)
    following = Cursor(
        newest=newest,
        seen={
            str(task["id"]): checksum(task)
            for task, stamp in zip(changed, stamps, strict=True)
            if newest is not None and (stamp >= newest - OVERLAP or task["id"] in watched)
        },
        labels=labels,
    )
    return Pull(
        tasks=states,
        existing=frozenset(seats.existing),
        open_tasks=frozenset(seats.left),
        cursor=following.text(),
        notices=(*notices, *reader.notices, *seats.notices()),
        begun=frozenset(begun),
        seats=seats.left,
    )


def with_drafts(connection: Connection, project: str) -> set[str]:
    """Return the ids of the tasks in which anybody has begun something without submitting it.

    The drafts in a list are the asking user's own only; this filter knows everybody's.
    """
    drafts = {"filter": "filter:tasks:draft_exists", "operator": "equal", "type": "Boolean", "value": True}
    return {str(task["id"]) for task in connection.tasks(project, [drafts], include="id")}


def _changed(connection: Connection, project: str, last: Cursor) -> list[Json]:
    since = last.since
    filters = []
    if since is not None:
        filters = [
            {"filter": "filter:tasks:updated_at", "operator": "greater_or_equal", "type": "Datetime", "value": since}
        ]
    return list(connection.tasks(project, filters, fields="all", include=_FIELDS))


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
