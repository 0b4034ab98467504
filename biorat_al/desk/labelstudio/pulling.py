"""What annotators did, fetched from Label Studio.

A skip carries the whole pre-filled result and counts as an answer only by mistake; an empty result is an answer; a
draft is none. Lists are asked for by a query, never by a saved view: that would turn up as a tab in the annotators'
project.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from biorat_al.corpus.model import Annotation, Document
from biorat_al.desk.base import DeskAnnotation, DeskProject, Documents, Pull, TaskState
from biorat_al.desk.labelstudio.configuration import Configuration, Mark, all_changes, changes
from biorat_al.desk.labelstudio.connection import SETTINGS, Connection, Json
from biorat_al.desk.labelstudio.conversion import annotation_of
from biorat_al.desk.labelstudio.cursor import OVERLAP, Cursor, checksum, parse_time
from biorat_al.desk.labelstudio.pushing import DOCUMENT, KEY
from biorat_al.errors import DeskAccessError, DeskError, DeskUnreachableError

# selects fields at every depth; created_ago, which is never the same twice, must stay out
_FIELDS = (
    "id,data,updated_at,created_at,annotations,result,was_cancelled,completed_by,created_username,lead_time,"
    "ground_truth,parent_prediction,parent_annotation,draft_created_at,predictions,model_version"
)


def pull(connection: Connection, project: DeskProject, documents: Documents, cursor: str | None) -> Pull:
    """Fetch what has happened since `cursor`; see :meth:`biorat_al.desk.base.Desk.pull`."""
    settings = connection.get(f"api/projects/{project.reference}/", include=SETTINGS)
    last = Cursor.parse(cursor)
    labels, control, notices = _labels(settings, project, last)
    changed = _changed(connection, project.reference, last)
    # after the changes: a task that is made in between must not be among them and not exist
    existing: set[str] = set()
    untouched: set[str] = set()
    totals = "id,total_annotations,cancelled_annotations"
    for task in connection.tasks(project.reference, include=totals):
        existing.add(str(task["id"]))
        if not task["total_annotations"] and not task["cancelled_annotations"]:
            untouched.add(str(task["id"]))
    begun = with_drafts(connection, project.reference)
    fresh = [task for task in changed if last.seen.get(str(task["id"])) != checksum(task)]
    reader = _Reader(connection, project, control, documents, begun)
    states = tuple(reader.states(fresh))
    stamps = [parse_time(task["updated_at"]) for task in changed]
    newest = max([*stamps, last.newest] if last.newest else stamps, default=None)
    following = Cursor(
        newest=newest,
        seen={
            str(task["id"]): checksum(task)
            for task, stamp in zip(changed, stamps, strict=True)
            if newest is not None and stamp >= newest - OVERLAP
        },
        labels=labels,
    )
    return Pull(
        tasks=states,
        existing=frozenset(existing),
        open_tasks=frozenset(untouched),
        cursor=following.text(),
        notices=(*notices, *reader.notices),
        begun=frozenset(begun),
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


@dataclass
class _Reader:
    """Turns the server's tasks into states."""

    connection: Connection
    project: DeskProject
    control: str | None
    documents: Documents
    begun: set[str]
    notices: list[str] = field(default_factory=list)
    _users: dict[int, str] | None = None

    def states(self, tasks: Sequence[Json]) -> list[TaskState]:
        """Return the state of each task."""
        ids = [str(task["data"][DOCUMENT]) for task in tasks if task["annotations"] and task["data"].get(DOCUMENT)]
        known = self.documents(ids) if ids else {}
        snapshots = self._snapshots(tasks)
        states = []
        for task in tasks:
            data = task["data"]
            key = data.get(KEY) if isinstance(data.get(KEY), str) else None
            if key is None:
                self.notices.append(f"task {task['id']} was made by hand in Label Studio; it is left alone")
            versions = {item["id"]: item.get("model_version") for item in task["predictions"]}
            document = known.get(str(data.get(DOCUMENT)))
            states.append(
                TaskState(
                    task_id=str(task["id"]),
                    key=key,
                    annotations=tuple(
                        self._answer(answer, data, document, versions, snapshots) for answer in task["annotations"]
                    ),
                    drafts=self._drafts(task["id"]),
                )
            )
        return states

    def _answer(
        self,
        answer: Json,
        data: Json,
        document: Document | None,
        versions: Mapping[int, str | None],
        snapshots: Mapping[int, str],
    ) -> DeskAnnotation:
        text = data.get("text")
        usable = True
        if document is None:
            usable = False
            about: tuple[str, ...] = (f"the document {data.get(DOCUMENT)!r} is not in the project",)
        elif text != document.text:
            usable = False
            about = (f"the task's text is not the text of document {document.id}{_difference(text, document.text)}",)
        else:
            about = ()
        if isinstance(text, str) and (usable or document is None):
            annotation, problems = annotation_of(
                answer.get("result"), text, self.control, self.project.labels, self.project.relations
            )
        else:
            annotation, problems = Annotation(), ()
        parent = answer.get("parent_prediction")
        return DeskAnnotation(
            id=str(answer["id"]),
            annotator=self._annotator(answer),
            created_at=_time(answer.get("created_at")),
            updated_at=_time(answer.get("updated_at")),
            skipped=bool(answer.get("was_cancelled")),
            annotation=annotation,
            lead_time=answer.get("lead_time"),
            shown_version=versions.get(parent) if parent is not None else snapshots.get(answer["id"]),
            ground_truth=bool(answer.get("ground_truth")),
            raw=answer,
            problems=(*about, *problems),
            usable=usable,
        )

    def _drafts(self, task_id: int) -> int:
        if str(task_id) not in self.begun:
            return 0
        return len(self.connection.get(f"api/tasks/{task_id}/drafts"))

    def _annotator(self, answer: Json) -> str:
        user = answer.get("completed_by")
        if isinstance(user, Mapping):
            return str(user.get("email") or user.get("id"))
        if self._users is None:
            try:
                self._users = {item["id"]: item["email"] for item in self.connection.get("api/users/")}
            except (DeskUnreachableError, DeskAccessError):
                raise
            except (DeskError, KeyError, TypeError):
                self._users = {}
        if user in self._users:
            return self._users[user]
        # "First Last name@example.org, 7"
        name = str(answer.get("created_username") or "").rpartition(",")[0].split()
        return name[-1] if name else "unknown"

    def _snapshots(self, tasks: Sequence[Json]) -> dict[int, str]:
        """Find the version of the pre-annotation that an answer was made from although somebody deleted it.

        Label Studio then forgets which it was, but for a copy in the answer that exports alone contain.
        """
        orphans = {
            task["id"]: task
            for task in tasks
            for answer in task["annotations"]
            if answer.get("parent_prediction") is None and _prelabelled(answer)
        }
        versions: dict[int, str] = {}
        ids = list(orphans)
        for begin in range(0, len(ids), 100):
            exported = self.connection.get(
                f"api/projects/{self.project.reference}/export",
                **{"exportType": "JSON", "ids[]": ids[begin : begin + 100]},
            )
            for task in exported:
                for answer in task["annotations"]:
                    snapshot = answer.get("prediction") or {}
                    shown = {region.get("id") for region in snapshot.get("result") or ()}
                    if shown & _prelabelled(answer) and snapshot.get("model_version"):
                        versions[answer["id"]] = snapshot["model_version"]
        return versions


def _prelabelled(answer: Json) -> set[str]:
    """Ids of the regions that came from a pre-annotation."""
    regions = answer.get("result")
    if not isinstance(regions, list):
        return set()
    return {
        str(region.get("id"))
        for region in regions
        if isinstance(region, Mapping) and region.get("origin") in ("prediction", "prediction-changed")
    }


def _difference(found: object, expected: str) -> str:
    if not isinstance(found, str):
        return f": it is {found!r}"
    for place, (one, other) in enumerate(zip(found, expected, strict=False)):
        if one != other:
            return f": at {place} it has {found[place : place + 20]!r} instead of {expected[place : place + 20]!r}"
    return f": it has {len(found)} characters instead of {len(expected)}"


def _time(text: object) -> datetime:
    return parse_time(text) if isinstance(text, str) else datetime.fromtimestamp(0, UTC)
