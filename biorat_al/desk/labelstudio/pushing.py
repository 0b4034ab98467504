"""Pushing tasks to Label Studio. They are checked here first, because the server itself stores almost anything.

A relation to a missing region, a region without a type, or two regions with one id make a task that cannot be labelled,
or whose answer is silently wrong. Nothing is sent unless everything in the call is right.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Mapping, Sequence

from biorat_al.corpus.formats.label_studio.regions import regions_of
from biorat_al.corpus.model.document import Document
from biorat_al.corpus.segments import PartOfDocument, surroundings
from biorat_al.desk.base import PreAnnotation, Task
from biorat_al.desk.checks import check_tasks, wrong
from biorat_al.desk.labelstudio.configuration import LabellingConfiguration
from biorat_al.desk.labelstudio.connection import (
    PAGE,
    AnswerLostError,
    Connection,
    Json,
    ServerFailedError,
    TooLargeError,
)
from biorat_al.desk.labelstudio.shapes import is_id
from biorat_al.desk.labelstudio.sheets import sheet_html
from biorat_al.errors import LONGEST_ID, DeskError, DeskUnreachableError
from biorat_al.wording import shortened

KEY = "biorat_key"
DOCUMENT = "document_id"
DOCUMENT_TITLE = "document_title"
HEADING = "title"
"""What is shown above the text; earlier versions put the title here, whether or not the text begins with it."""
WHOLE, BEFORE, AFTER = "of_document", "before", "after"
"""Of a segment, for people only: the document that it is a part of, and this document's text around it."""

AROUND = 2_000
"""Most characters of this text on each side: more than an annotator reads for a sentence, and less than a full text."""

SHEET, SIDES = "sheet", "sides"
"""Of a document that is settled: the table above its text, as HTML, and the letters of the annotators to accept."""

LONGEST_TITLE = 300

POLL = 0.5
PATIENCE = 20.0
"""Seconds without a change after which a request whose answer was lost is considered finished."""


def push(
    connection: Connection, project: str, configuration: LabellingConfiguration, tasks: Sequence[Task]
) -> dict[str, str]:
    """Make the tasks and return their ids by key, in one request, or in several if the server finds it too large.

    If the answer is lost, it looks up what arrived until nothing changes any more; it does not repeat the request.

    :raises DeskError: a task is invalid; then nothing was sent.
    :raises DeskUnreachableError: the answer was lost and not all tasks arrived.
    """
    if not tasks:
        return {}
    check_tasks(tasks, configuration.labels, configuration.relations)
    body = [task_body(task, configuration) for task in tasks]
    keys = [task.key for task in tasks]
    try:
        answer = connection.request(
            "POST", f"api/projects/{project}/import", params={"return_task_ids": "true"}, body=body,
            timeout=connection.timeout + 0.1 * len(tasks),
        )  # fmt: skip
    except TooLargeError as error:
        # the server refused it before it kept anything
        if len(tasks) == 1:
            document = tasks[0].document
            raise TooLargeError(
                f"the document {shortened(document.id, LONGEST_ID)} ({len(document.text):,} characters) does not fit "
                f"into a request, not even alone: {error}"
            ) from None
        half = len(tasks) // 2
        first = push(connection, project, configuration, tasks[:half])
        return {**first, **push(connection, project, configuration, tasks[half:])}
    except (AnswerLostError, ServerFailedError) as error:
        return wait_for(lambda: find(connection, project, keys), len(keys), error)
    ids = answer.get("task_ids") if isinstance(answer, Mapping) else None
    if not isinstance(ids, list) or not ids or not all(map(is_id, ids)):
        # other editions of the server answer at once and continue to work afterwards
        lost = DeskUnreachableError(f"{connection.address} did not say which tasks it made")
        return wait_for(lambda: find(connection, project, keys), len(keys), lost)
    wanted = sum("predictions" in task for task in body)
    if len(set(ids)) != len(keys) or answer.get("prediction_count", wanted) != wanted:
        raise DeskError(
            f"Label Studio at {connection.address} made {len(ids)} of {len(keys)} tasks and "
            f"{answer.get('prediction_count')} of {wanted} pre-annotations: look at the project before going on"
        )
    return dict(zip(keys, map(str, ids), strict=True))


def find(connection: Connection, project: str, keys: Sequence[str]) -> dict[str, str]:
    """Return the ids of the existing tasks, by key."""
    wanted = set(keys)
    found: dict[str, str] = {}
    for task in connection.tasks_where(project, f"data.{KEY}", list(dict.fromkeys(keys)), include="id,data"):
        key = task["data"].get(KEY)
        if isinstance(key, str) and key in wanted:
            found.setdefault(key, str(task["id"]))
    return found


def take_back(connection: Connection, project: str, ids: Collection[str]) -> frozenset[str]:
    """Delete those of the tasks that nobody has answered, skipped or begun; return the ids that no longer exist.

    The server looks for answers and drafts in the request that deletes, so an answer that arrives meanwhile is kept.
    """
    untouched = [
        {"filter": f"filter:tasks:{name}", "operator": "equal", "type": kind, "value": value}
        for name, kind, value in (
            ("total_annotations", "Number", 0),
            ("cancelled_annotations", "Number", 0),
            ("draft_exists", "Boolean", False),
        )
    ]
    remaining = sorted(filter(str.isdecimal, ids), key=int)
    for begin in range(0, len(remaining), PAGE):
        connection.request(
            "POST",
            "api/dm/actions/",
            params={"id": "delete_tasks", "project": project},
            body={
                "filters": {"conjunction": "and", "items": untouched},
                "selectedItems": {"all": False, "included": list(map(int, remaining[begin : begin + PAGE]))},
            },
            timeout=connection.timeout + 0.1 * PAGE,
        )
    there = {str(task["id"]) for task in connection.tasks_where(project, "id", list(map(int, remaining)), include="id")}
    return frozenset(ids) - there


def wait_for(look: Callable[[], dict[str, str]], wanted: int, lost: DeskError) -> dict[str, str]:
    """Call `look` until it returns `wanted` things or their number has not changed for :data:`PATIENCE` seconds.

    :param lost: the failure after which they have to be looked up.
    :raises DeskUnreachableError: not all of them arrived, and the connection had broken off.
    :raises DeskError: not all of them arrived, for another reason.
    """
    what = lost.what if isinstance(lost, AnswerLostError) else str(lost)
    try:
        found = look()
    except AnswerLostError:
        raise DeskUnreachableError(
            f"{what}; how many of {wanted} arrived is not known yet: once it answers again, run the same command again"
        ) from None
    # counted from the first answer: the server may have been stuck until now
    last_change = time.monotonic()
    while len(found) != wanted and time.monotonic() - last_change < PATIENCE:
        time.sleep(POLL)
        now = look()
        if len(now) != len(found):
            found, last_change = now, time.monotonic()
    if len(found) == wanted:
        return found
    kind = DeskUnreachableError if isinstance(lost, DeskUnreachableError) else DeskError
    raise kind(f"{what}; {len(found)} of {wanted} arrived: run the same command again") from None


def task_body(task: Task, configuration: LabellingConfiguration) -> Json:
    """Return an already checked task as the JSON to send.

    :raises DeskError: Label Studio's own check finds something wrong; the message names the document.
    """
    document = task.document
    whole = document if task.of is None else task.of.document
    data: Json = {"text": document.text, DOCUMENT: document.id, KEY: task.key}
    title = _title(whole)
    data |= {DOCUMENT_TITLE: _cut(title), HEADING: "" if _begins_with(document.text, title) else _cut(title)}
    if task.of is not None:
        data |= _of_segment(task.of, title)
    if task.sheet is not None:
        # the labelling configuration shows all of these, so every task must have them
        sides = [{"value": letter, "hotkey": letter.lower()} for letter in task.sheet.sides]
        data = {WHOLE: whole.id, BEFORE: "", AFTER: "", SHEET: sheet_html(task.sheet), SIDES: sides} | data
    body: Json = {"data": data}
    if task.pre_annotation is not None:
        body["predictions"] = [prediction_body(task.pre_annotation, document.id, document.text, configuration)]
    return body


def prediction_body(
    pre_annotation: PreAnnotation, document_id: str, text: str, configuration: LabellingConfiguration
) -> Json:
    """Return an already checked pre-annotation as the JSON to send.

    :raises DeskError: Label Studio's own check finds something wrong; the message names the document.
    """
    body: Json = {
        "model_version": pre_annotation.model_version,
        "score": pre_annotation.confidence,
        "result": regions_of(
            pre_annotation.entities,
            text,
            configuration.control,
            configuration.text,
            pre_annotation.relations,
            joined=configuration.joined,
        ),
    }
    for error in configuration.validate(body):
        raise wrong(document_id, error)
    return body


def _of_segment(part: PartOfDocument, title: str) -> Json:
    """Return what is shown around a segment. The title is on top, and is not shown once more in the text before it."""
    start = part.span.start
    end = _end_of(title, part.document.text)
    heading = "" if end is not None and start < end else _cut(title)
    before, after = surroundings(part, AROUND, begin=end if end is not None and heading == title else 0)
    return {WHOLE: part.document.id, HEADING: heading, BEFORE: before, AFTER: after}


def _title(document: Document) -> str:
    """Return the document's title on one line, for people only, or an empty string."""
    for passage in document.passages:
        if passage.kind.casefold() == "title":
            found: object = document.text[passage.start : passage.end]
            break
    else:
        found = document.metadata.get("title")
    return " ".join(found.split()) if isinstance(found, str) else ""


def _begins_with(text: str, title: str) -> bool:
    """Return whether a text begins with a title, so that both need not be shown."""
    return _end_of(title, text) is not None


def _end_of(title: str, text: str) -> int | None:
    """Return where a title ends in a text that begins with it, whatever the white space in it; None if it does not."""
    match = re.match(r"\s*" + r"\s+".join(map(re.escape, title.split())), text)
    return match.end() if match else None


def _cut(title: str) -> str:
    return title if len(title) <= LONGEST_TITLE else f"{title[:LONGEST_TITLE].rstrip()} …"
