"""Newer pre-annotations for tasks that are still open.

Order matters: the new ones are imported, then shown, and only then are old ones deleted, so that no annotator meets a
task without pre-labels.

An old pre-annotation is not simply deleted. Label Studio refuses an answer that was begun from a pre-annotation that
has been deleted meanwhile (HTTP 400, ``parent_prediction``: object does not exist), and it forgets what submitted
answers were made from. So a pre-annotation is deleted only from a task that nobody has answered or begun, and only
when a newer one has been there for a week: anybody who opened the task before that has long left it.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from biorat_al.desk.base import PreAnnotation
from biorat_al.desk.checks import check_pre_annotation
from biorat_al.desk.labelstudio.configuration import LabellingConfiguration
from biorat_al.desk.labelstudio.connection import (
    AnswerLostError,
    Connection,
    Json,
    NotFoundError,
    RefusedError,
    ServerFailedError,
    TooLargeError,
)
from biorat_al.desk.labelstudio.cursor import parse_time
from biorat_al.desk.labelstudio.pulling import with_drafts
from biorat_al.desk.labelstudio.pushing import DOCUMENT, prediction_body, wait_for
from biorat_al.errors import DeskError

RETENTION = timedelta(days=7)

_AT_ONCE = 200
"""Most old pre-annotations that one call deletes: each takes a separate request of about 0.1 s."""


def add_pre_annotations(
    connection: Connection,
    project: str,
    configuration: LabellingConfiguration,
    pre_annotations: Mapping[str, PreAnnotation],
) -> None:
    """Add a pre-annotation to each task (by id), in several requests if one would be too large.

    A task that already has one of that version keeps it; a task that was deleted meanwhile is left out.

    :raises DeskError: a pre-annotation is invalid (then nothing was sent), or Label Studio silently dropped some.
    """
    body: list[Json] = []
    ids = [int(task_id) for task_id in pre_annotations]
    for task in connection.tasks_where(project, "id", ids, fields="all", include="id,data,predictions,model_version"):
        proposed = pre_annotations.get(str(task["id"]))
        if proposed is None or proposed.model_version in _versions(task):
            continue
        text, document_id = str(task["data"].get("text", "")), str(task["data"].get(DOCUMENT, task["id"]))
        check_pre_annotation(proposed, document_id, len(text), configuration.labels, configuration.relations)
        prediction = prediction_body(proposed, document_id, text, configuration)
        body.append({"task": task["id"], **prediction})
    _add(connection, project, body)


def _add(connection: Connection, project: str, body: list[Json]) -> None:
    if not body:
        return
    try:
        answer = connection.request(
            "POST", f"api/projects/{project}/import/predictions", body=body,
            timeout=connection.timeout + 0.1 * len(body),
        )  # fmt: skip
    except TooLargeError as error:
        # the server refused it before it kept anything
        if len(body) == 1:
            raise TooLargeError(
                f"the pre-labels of task {body[0]['task']} do not fit into a request, not even alone: {error}"
            ) from None
        half = len(body) // 2
        _add(connection, project, body[:half])
        _add(connection, project, body[half:])
        return
    except (AnswerLostError, ServerFailedError) as error:
        wait_for(lambda: _there(connection, project, body), len(body), error)
        return
    created = answer.get("created") if isinstance(answer, Mapping) else None
    if created != len(body):
        there = _there(connection, project, body)
        dropped = [str(item["task"]) for item in body if str(item["task"]) not in there]
        if dropped:
            raise DeskError(
                f"Label Studio at {connection.address} dropped the pre-annotations of {len(dropped)} of {len(body)} "
                f"tasks without saying why: {', '.join(dropped[:10])}"
            )


def publish(connection: Connection, project: str, model_version: str, retention: timedelta = RETENTION) -> None:
    """Show the pre-annotations of `model_version` from now on, and delete old and duplicate ones where that is safe.

    A failure to delete them is not an error, since they do no harm.

    :raises DeskError: the project has no pre-annotation of that version, or the answer does not confirm the version.
    """
    try:
        answer = connection.request("PATCH", f"api/projects/{project}/", body={"model_version": model_version})
    except RefusedError as error:
        raise DeskError(f"the pre-annotations of {model_version} cannot be shown: {error}") from None
    shown = answer.get("model_version") if isinstance(answer, Mapping) else None
    if shown != model_version:
        raise DeskError(
            f"Label Studio at {connection.address} did not confirm that it shows the pre-annotations of "
            f"{model_version}; run the same command again"
        )
    try:
        for prediction in _superseded(connection, project, model_version, retention)[:_AT_ONCE]:
            with suppress(NotFoundError):
                connection.request("DELETE", f"api/predictions/{prediction}/")
    except DeskError:
        # what is shown is right; the next round deletes what could not be deleted now
        return


def _superseded(connection: Connection, project: str, current: str, retention: timedelta) -> list[int]:
    """Return the ids of the pre-annotations that may be deleted, oldest first."""
    begun = with_drafts(connection, project)
    untouched = [
        {"filter": f"filter:tasks:{name}", "operator": "equal", "type": "Number", "value": 0}
        for name in ("total_annotations", "cancelled_annotations")
    ]
    several = {"filter": "filter:tasks:total_predictions", "operator": "greater", "type": "Number", "value": 1}
    fields = "id,predictions,model_version,created_at"
    tasks = [
        sorted(task["predictions"], key=lambda item: int(item["id"]))
        for task in connection.tasks(project, [*untouched, several], fields="all", include=fields)
        if str(task["id"]) not in begun and current in _versions(task)
    ]
    stamps = [parse_time(stamp) for predictions in tasks for one in predictions if (stamp := one.get("created_at"))]
    # the server's clock may differ from ours; the newest of its stamps is earlier than its present time
    limit = min([datetime.now(UTC), *sorted(stamps)[-1:]]) - retention
    old: list[int] = []
    for predictions in tasks:
        for prediction, following in pairwise(predictions):
            version = prediction.get("model_version")
            # a pre-annotation that was sent twice is beside its duplicate
            may_go = version != current or following.get("model_version") == version
            stamp = following.get("created_at")
            if may_go and stamp and parse_time(stamp) <= limit:
                old.append(int(prediction["id"]))
    return sorted(old)


def _versions(task: Json) -> set[str]:
    return {str(prediction.get("model_version")) for prediction in task["predictions"]}


def _there(connection: Connection, project: str, body: list[Json]) -> dict[str, str]:
    wanted = {item["task"]: item["model_version"] for item in body}
    fields = "id,predictions,model_version"
    return {
        str(task["id"]): wanted[task["id"]]
        for task in connection.tasks_where(project, "id", list(wanted), fields="all", include=fields)
        if wanted.get(task["id"]) in _versions(task)
    }
