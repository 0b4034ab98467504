"""How many answers tasks still want, and which tasks nobody is offered although they want some."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

import pytest

from biorat_al.desk.labelstudio.connection import Connection
from biorat_al.desk.labelstudio.listing import LISTED, list_tasks
from biorat_al.desk.labelstudio.seats import Seats

Task = dict[str, Any]


class Tasks:
    """What the server's list of tasks says, without a server."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self._tasks = tasks

    def tasks(self, project: str, filters: Sequence[Task] = (), **params: Any) -> Iterator[Task]:
        # with a filter, it is asked for what an action has made
        yield from (task for task in self._tasks if not filters or not any("lead" in a for a in task["annotations"]))

    def tasks_where(self, project: str, field: str, values: Sequence[Any], **params: Any) -> Iterator[Task]:
        yield from (task for task in self._tasks if task[field] in values)


def answer(who: int, *, skipped: bool = False) -> dict[str, Any]:
    return {"id": who * 10, "completed_by": who, "was_cancelled": skipped, "lead_time": 3.0, "lead": True, "result": []}


MADE = {
    "id": 99, "completed_by": 2, "was_cancelled": False, "lead_time": None, "parent_prediction": 7,
    "result": [{"id": "a", "type": "labels", "score": 0.7, "value": {"start": 0, "end": 3, "labels": ["X"]}}],
}  # fmt: skip


def task(ident: int, *annotations: dict[str, Any], overlap: int = 1, finished: bool = False) -> Task:
    skipped = sum(one["was_cancelled"] for one in annotations)
    return {
        "id": ident, "updated_at": "2026-01-01T00:00:00Z",
        "overlap": overlap, "is_labeled": finished, "data": {"document_id": f"d{ident}"},
        "total_annotations": len(annotations) - skipped, "cancelled_annotations": skipped,
        "annotations": list(annotations),
    }  # fmt: skip


def seats(*tasks: Task) -> Seats:
    connection = cast(Connection, Tasks(tasks))
    return Seats(connection, "1", list_tasks(connection, "1", ()), [], "")


@pytest.mark.parametrize(
    ("shown", "left", "told"),
    [
        (task(1), 1, False),
        (task(1, overlap=2), 2, False),
        (task(1, answer(1), finished=True), 0, False),
        (task(1, answer(1), overlap=2), 1, False),
        # the overlap was raised afterwards
        (task(1, answer(1), overlap=2, finished=True), 1, True),
        # one person answered twice
        (task(1, answer(1), answer(1), overlap=2, finished=True), 1, True),
        (task(1, answer(1), answer(2), overlap=2, finished=True), 0, False),
        # a skip takes a seat
        (task(1, answer(1), answer(2, skipped=True), overlap=2, finished=True), 0, False),
        (task(1, answer(1, skipped=True), overlap=2), 1, False),
        # what an action made takes none; there is a note about it that says how to open the task
        (task(1, MADE, finished=True), 1, False),
        (task(1, answer(1), MADE, overlap=2, finished=True), 1, False),
    ],
)
def test_a_task_that_wants_answers_and_is_offered_to_nobody_is_told(shown: Task, left: int, told: bool) -> None:
    found = seats(shown)
    assert found.left.get("1", 0) == left
    assert bool(found.notices()) == told
    for notice in found.notices():
        assert notice.startswith("1 task is to be answered by more people, but Label Studio takes it for finished")
        assert ": document d1 (task 1). To open one again" in notice


def test_of_many_such_tasks_the_first_are_named_and_all_are_counted() -> None:
    number = LISTED + 3
    (notice,) = seats(*(task(n, answer(1), overlap=2, finished=True) for n in range(1, number + 1))).notices()
    assert notice.startswith(f"{number} tasks are to be answered by more people, but Label Studio takes them")
    assert f"document d{LISTED} (task {LISTED}) and 3 more. " in notice
