"""Reading Label Studio's annotations as answers: who gave them, from what, and what they contain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from biorat_al.corpus.formats.label_studio.regions import annotation_of
from biorat_al.corpus.model.document import Annotation, Document
from biorat_al.corpus.model.slips import NO_SLIPS, Slips, tidied
from biorat_al.desk.base import DeskAnnotation, DeskProject, Documents, TaskState
from biorat_al.desk.labelstudio import shapes
from biorat_al.desk.labelstudio.configuration import SIDE
from biorat_al.desk.labelstudio.connection import Connection, Json
from biorat_al.desk.labelstudio.cursor import parse_time
from biorat_al.desk.labelstudio.pushing import DOCUMENT, KEY
from biorat_al.desk.labelstudio.seats import made_from
from biorat_al.errors import DeskAccessError, DeskError, DeskUnreachableError

AT_ONCE = timedelta(milliseconds=20)
"""Longest time between the two time stamps of a new annotation; one that changed later was opened again.

The two stamps were 0.05 ms apart for a new annotation, and 200 ms for one that somebody changed at once.
"""


@dataclass
class AnswerReader:
    """A reader that turns the server's tasks into :class:`~biorat_al.desk.base.TaskState`."""

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
                        self._answer(answer, task, document, versions, snapshots) for answer in task["annotations"]
                    ),
                    drafts=self._drafts(task["id"]),
                    made_at=_time(task.get("created_at")),
                )
            )
        return states

    def _answer(
        self,
        answer: Json,
        task: Json,
        document: Document | None,
        versions: Mapping[int, str | None],
        snapshots: Mapping[int, str],
    ) -> DeskAnnotation:
        text = task["data"].get("text")
        usable = True
        if document is None:
            usable = False
            about: tuple[str, ...] = (f"the document {_short(task['data'].get(DOCUMENT))} is not in the project",)
        elif text != document.text:
            usable = False
            about = (f"the task's text is not the text of document {document.id}{_difference(text, document.text)}",)
        else:
            about = ()
        annotation, slips = Annotation(), NO_SLIPS
        problems: tuple[str, ...] = ()
        if isinstance(text, str) and (usable or document is None):
            annotation, problems, slips = self._read(_with_true_origins(answer, task["predictions"]), text)
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
            raw={**answer, "task": task["id"]},
            problems=(*about, *problems),
            usable=usable,
            made_from=made_from(answer),
            editor=self._editor(answer),
            copied_from=self._copied_from(answer, task["annotations"]),
            slips=slips,
            side=_side(answer),
        )

    def _read(self, result: object, text: str) -> tuple[Annotation, tuple[str, ...], Slips]:
        if isinstance(result, list):
            result = [region for region in result if not _is_side(region)]
        read, problems = annotation_of(result, text, self.control, self.project.labels, self.project.relations)
        tidy = tidied(read, text)
        return tidy.annotation, (*problems, *tidy.problems), tidy.slips

    def _drafts(self, task_id: int) -> int:
        if str(task_id) not in self.begun:
            return 0
        drafts = self.connection.get(f"api/tasks/{task_id}/drafts")
        return len(shapes.mappings(drafts, "a task's drafts", self.connection.server))

    def _annotator(self, answer: Json) -> str:
        if (name := self._name(answer.get("completed_by"))) is not None:
            return name
        # "First Last name@example.org, 7"
        names = str(answer.get("created_username") or "").rpartition(",")[0].split()
        return names[-1] if names else "unknown"

    def _editor(self, answer: Json) -> str | None:
        """Return who changed an annotation after it had been made, if that was not its author.

        At first ``updated_by`` is the user who sends an annotation, even in somebody else's name.
        """
        user = answer.get("updated_by")
        if user is None or _id(user) == _id(answer.get("completed_by")):
            return None
        if _time(answer.get("updated_at")) - _time(answer.get("created_at")) <= AT_ONCE:
            return None
        return self._name(user) or f"user {_id(user)}"

    def _copied_from(self, answer: Json, siblings: Sequence[Json]) -> str | None:
        """Return the author of the annotation of the same task that it was begun from, if that was somebody else."""
        parent = answer.get("parent_annotation")
        source = next((one for one in siblings if parent is not None and one["id"] == parent), None)
        if source is None or _id(source.get("completed_by")) == _id(answer.get("completed_by")):
            return None
        return None if made_from(source) else self._annotator(source)

    def _name(self, user: object) -> str | None:
        """Return a user's e-mail; None if the server does not say."""
        if isinstance(user, Mapping):
            return str(user.get("email") or user.get("id"))
        if self._users is None:
            try:
                self._users = {item["id"]: str(item["email"]) for item in self.connection.get("api/users/")}
            except (DeskUnreachableError, DeskAccessError):
                raise
            except (DeskError, KeyError, TypeError):
                self._users = {}
        return self._users.get(user) if isinstance(user, int) else None

    def _snapshots(self, tasks: Sequence[Json]) -> dict[int, str]:
        """Find the version of the deleted pre-annotation that an answer was made from, by id of the answer.

        Label Studio forgets which pre-annotation it was, except for a copy in the answer that only exports contain.
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
            server = self.connection.server
            for task in shapes.mappings(exported, "an export", server):
                for answer in shapes.mappings(task.get("annotations"), "an export's annotations", server):
                    snapshot = answer.get("prediction")
                    if not isinstance(snapshot, Mapping) or not isinstance(snapshot.get("result"), list):
                        continue
                    regions = [region for region in snapshot["result"] if isinstance(region, Mapping)]
                    version, shown = snapshot.get("model_version"), {str(region.get("id")) for region in regions}
                    if shown & _prelabelled(answer) and isinstance(version, str) and version:
                        versions[answer.get("id", 0)] = version
        return versions


def _is_side(region: object) -> bool:
    return isinstance(region, Mapping) and (region.get("type"), region.get("from_name")) == ("choices", SIDE)


def _side(answer: Json) -> str | None:
    """Return the letter of the annotator whom an adjudicator has accepted as a whole."""
    result = answer.get("result")
    for region in result if isinstance(result, list) else ():
        if _is_side(region) and isinstance(region.get("value"), Mapping):
            chosen = region["value"].get("choices")
            if isinstance(chosen, list) and chosen and isinstance(chosen[0], str):
                return chosen[0]
    return None


def _prelabelled(answer: Json) -> set[str]:
    """Return the ids of the regions that came from a pre-annotation."""
    regions = answer.get("result")
    if not isinstance(regions, list):
        return set()
    return {
        str(region.get("id"))
        for region in regions
        if isinstance(region, Mapping) and region.get("origin") in ("prediction", "prediction-changed")
    }


def _with_true_origins(answer: Json, predictions: Sequence[Json]) -> object:
    """Return an annotation's result in which proposed regions have the origin of proposed regions.

    An annotation that an action made from a prediction has regions without an origin. Once somebody opens it and clicks
    *Update*, the editor marks each region as drawn by hand. Such regions keep id and score, and regions that were
    really drawn have no score.
    """
    result, parent = answer.get("result"), answer.get("parent_prediction")
    shown = next((one.get("result") for one in predictions if parent is not None and one["id"] == parent), None)
    if not isinstance(result, list) or not isinstance(shown, list):
        return result
    regions = (region for region in shown if isinstance(region, Mapping))
    proposed = {_mark(region): region for region in regions if region.get("score") is not None}

    def true(region: object) -> object:
        if not isinstance(region, Mapping) or region.get("origin") != "manual":
            return region
        before = proposed.get(_mark(region))
        if before is None:
            return region
        return {**region, "origin": "prediction" if _place(before) == _place(region) else "prediction-changed"}

    return [true(region) for region in result]


def _mark(region: Mapping[str, Any]) -> tuple[str, str]:
    return str(region.get("id")), str(region.get("score"))


def _place(region: Mapping[str, Any]) -> tuple[object, ...]:
    value = region.get("value")
    return tuple(value.get(key) for key in ("start", "end", "labels")) if isinstance(value, Mapping) else ()


def _id(user: object) -> object:
    """Return a user's id; the server gives a user as a number in lists and as an object elsewhere."""
    return user.get("id") if isinstance(user, Mapping) else user


def _difference(found: object, expected: str) -> str:
    if not isinstance(found, str):
        return f": it is {_short(found)}"
    for place, (one, other) in enumerate(zip(found, expected, strict=False)):
        if one != other:
            return f": at {place} it has {found[place : place + 20]!r} instead of {expected[place : place + 20]!r}"
    return f": it has {len(found)} characters instead of {len(expected)}"


def _short(value: object) -> str:
    said = repr(value)
    return said if len(said) <= 80 else f"{said[:79]}…"


def _time(text: object) -> datetime:
    return parse_time(text) if isinstance(text, str) else datetime.fromtimestamp(0, UTC)
