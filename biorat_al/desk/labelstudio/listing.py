"""A short list of all tasks of a project, compared with the last list and with the project's own count."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from biorat_al.desk.labelstudio import shapes
from biorat_al.desk.labelstudio.connection import Connection, NotFoundError
from biorat_al.desk.labelstudio.pushing import KEY
from biorat_al.errors import DeskError

LISTED = 20
"""How many tasks a sentence names."""

_LOOKED_UP = 3
"""How many vanished tasks are requested one by one."""


class Listed(NamedTuple):
    """A task in the list of all.

    :param key: our key; None for a task that somebody made by hand.
    :param stamp: the server's time of its last change.
    :param answers: how many answers the server counts, skips included.
    :param overlap: how many people should answer it.
    :param is_labeled: whether the server considers it finished.
    """

    id: int
    key: str | None
    stamp: str
    answers: int
    overlap: int
    is_labeled: bool


def list_tasks(connection: Connection, project: str, known: Collection[str]) -> list[Listed]:
    """Return all tasks of a project, by ascending id.

    :param known: ids of the tasks that existed last time.
    :raises DeskError: tasks are missing from the list but still exist, by the project's count or when asked for; or the
        list is empty and the project counts tasks.
    """
    fields = "id,data,updated_at,total_annotations,cancelled_annotations,overlap,is_labeled"
    listed = []
    for task in connection.tasks(project, include=fields):
        key = task["data"].get(KEY)
        listed.append(
            Listed(
                task["id"],
                key if isinstance(key, str) else None,
                task["updated_at"],
                task["total_annotations"] + task["cancelled_annotations"],
                max(1, task.get("overlap") or 1),
                bool(task.get("is_labeled")),
            )
        )
    existing = {str(task.id) for task in listed}
    missing = sorted((ident for ident in known if ident not in existing), key=int)
    # before the first pull no task is known, but a project that is pulled from has tasks
    if missing or not listed:
        _check(connection, project, len(listed), missing)
    return listed


def check_given(connection: Connection, project: str, wanted: Collection[int], given: Collection[int]) -> None:
    """Check that the server gave the tasks that it was asked for by id, unless they have been deleted meanwhile.

    :raises DeskError: a task that was not given still exists.
    """
    missing = sorted(set(wanted).difference(given))
    still = next((ident for ident in missing[:_LOOKED_UP] if _is_there(connection, project, str(ident))), None)
    if still is not None:
        raise DeskError(
            f"Label Studio at {connection.address} contradicts itself: it did not give {len(missing)} of the "
            f"{len(wanted)} tasks of the project {project} that it was asked for, and still has the task {still}. "
            "Nothing was changed; see whether something in front of it answers in its place, and run the same command "
            "again"
        )


def _check(connection: Connection, project: str, number: int, missing: Sequence[str]) -> None:
    """Raise an error unless the tasks that are missing from the list no longer exist."""
    settings = connection.get(f"api/projects/{project}/", include="id,task_number")
    counted = shapes.project_settings_of(settings, connection.server, "id,task_number").get("task_number") or 0
    still = [ident for ident in missing[:_LOOKED_UP] if _is_there(connection, project, ident)]
    if counted <= number and not still:
        return
    raise DeskError(
        f"Label Studio at {connection.address} contradicts itself: it lists {number} tasks of the project {project} "
        f"and counts {counted}{f', and still has the task {still[0]}' if still else ''}. Nothing was changed; see "
        "whether something in front of it answers in its place, and run the same command again"
    )


def _is_there(connection: Connection, project: str, ident: str) -> bool:
    try:
        task = shapes.mapping(connection.get(f"api/tasks/{ident}/"), "a task", connection.server)
        return str(task.get("project")) == project
    except NotFoundError:
        return False


def copies_of(listed: Sequence[Listed]) -> list[list[Listed]]:
    """Return the tasks that share their key with others, grouped by key."""
    by_key: dict[str, list[Listed]] = {}
    for task in listed:
        if task.key is not None:
            by_key.setdefault(task.key, []).append(task)
    return [tasks for tasks in by_key.values() if len(tasks) > 1]


def share_seats(copies: Sequence[Sequence[Listed]], left: dict[str, int]) -> None:
    """Give the copies of one task together as many seats as the copy that has the fewest.

    :param left: number of seats by id of a task that has any; changed in place.
    """
    for tasks in copies:
        ids = [str(task.id) for task in tasks]
        seats = min(left.get(ident, 0) for ident in ids)
        for ident in ids:
            left.pop(ident, None)
        if seats:
            left[ids[0]] = seats


def notice_of(copies: Sequence[Sequence[Listed]], begun: Collection[str], answers: Mapping[int, int]) -> str | None:
    """Say which documents have several tasks, and which of these tasks can be deleted.

    :param begun: ids of the tasks with a draft.
    :param answers: number of answers by task id, for the tasks that were fetched with their answers.
    """
    if not copies:
        return None
    spare: list[int] = []
    for tasks in copies:
        empty = [task.id for task in tasks if not answers.get(task.id, task.answers) and str(task.id) not in begun]
        spare += empty if len(empty) < len(tasks) else empty[1:]
    keys = [str(tasks[0].key) for tasks in copies]
    said = (
        f"{len(keys)} document{'s have' if len(keys) > 1 else ' has'} more than one task in Label Studio "
        f"({first_few(keys)}), by a second import of the same tasks; answers on all of them count"
    )
    if spare:
        return (
            f"{said}. Delete the ones that nobody has answered or begun in its data manager: {first_few(sorted(spare))}"
        )
    return f"{said}, and each of them has been answered or begun"


def first_few(items: Sequence[object]) -> str:
    """Return the first :data:`LISTED` of `items` as text, and how many more follow."""
    shown = ", ".join(map(str, items[:LISTED]))
    return shown if len(items) <= LISTED else f"{shown} and {len(items) - LISTED:,} more"
