"""A server that says it made fewer tasks than it was sent: nobody may take the rest for asked."""

from __future__ import annotations

import time
from typing import Any, cast

import pytest

from biorat_al.desk.labelstudio import pushing
from biorat_al.desk.labelstudio.configuration import LabellingConfiguration, labelling_configuration
from biorat_al.desk.labelstudio.connection import Connection, TooLargeError
from biorat_al.errors import DeskError, DeskUnreachableError
from tests.desk.contract import LABELS, task


class Server:
    """A connection to a server that keeps a number of the tasks which it is sent.

    :param answer: what it says beside or instead of their ids.
    :param most: tasks in one request that it does not find too large.
    """

    address, timeout = "http://server", 5.0

    def __init__(self, kept: int, answer: dict[str, Any], most: int = 500) -> None:
        self.kept, self.answer, self.most = kept, answer, most
        self.tasks: list[dict[str, Any]] = []

    def request(self, method: str, path: str, *, body: Any = None, **options: Any) -> Any:
        assert (method, path) == ("POST", "api/projects/1/import")
        if len(body) > self.most:
            raise TooLargeError("too large")
        made = [
            {"id": 101 + len(self.tasks) + number, "data": one["data"], "predictions": []}
            for number, one in enumerate(body[: self.kept])
        ]
        self.tasks += made
        return {"task_ids": [one["id"] for one in made]} | self.answer

    def tasks_where(self, project: str, field: str, values: list[str], **options: Any) -> list[dict[str, Any]]:
        # as a server that compares without looking at case would
        wanted = {value.casefold() for value in values}
        return [one for one in self.tasks if str(one["data"].get(pushing.KEY)).casefold() in wanted]


def _push(server: Server, *versions: str | None) -> dict[str, str]:
    keys = ("1001", "1002", "1003")[: len(versions)]
    tasks = [task(key, version) for key, version in zip(keys, versions, strict=True)]
    configuration = LabellingConfiguration.parse(labelling_configuration(LABELS))
    return pushing.push(cast(Connection, server), "1", configuration, tasks)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pushing, "PATIENCE", 0.1)
    monkeypatch.setattr(pushing, "POLL", 0.01)


def test_all_ids_are_given_by_key() -> None:
    assert _push(Server(3, {}), None, None, None) == {"1001": "101", "1002": "102", "1003": "103"}


def test_fewer_ids_than_tasks_are_refused() -> None:
    with pytest.raises(DeskError, match="2 of 3"):
        _push(Server(2, {}), None, None, None)


def test_more_ids_than_tasks_are_refused() -> None:
    with pytest.raises(DeskError):
        _push(Server(2, {"task_ids": [101, 102, 103]}), None, None)


def test_fewer_pre_annotations_than_were_sent_are_refused() -> None:
    with pytest.raises(DeskError, match="1 of 2 pre-annotations"):
        _push(Server(2, {"prediction_count": 1}), "m-1", "m-1")


def test_ids_that_the_server_does_not_give_are_looked_up() -> None:
    assert _push(Server(2, {"task_ids": None}), None, None) == {"1001": "101", "1002": "102"}
    with pytest.raises(DeskError, match="1 of 2 arrived"):
        _push(Server(1, {"task_ids": None}), None, None)


def test_a_batch_that_is_too_large_goes_in_pieces_and_each_task_once() -> None:
    server = Server(500, {}, most=1)
    ids = _push(server, None, None, None)
    assert {one["data"][pushing.KEY]: str(one["id"]) for one in server.tasks} == ids
    assert list(ids) == ["1001", "1002", "1003"]
    assert len(server.tasks) == 3
    with pytest.raises(TooLargeError):
        _push(Server(500, {}, most=0), None)


def test_as_long_as_tasks_arrive_they_are_waited_for() -> None:
    """Ten tasks that take a quarter of the patience each."""
    began = time.monotonic()

    def look() -> dict[str, str]:
        arrived = min(10, int((time.monotonic() - began) / 0.05))
        return {str(number): str(number) for number in range(arrived)}

    lost = DeskUnreachableError("the answer was lost")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pushing, "PATIENCE", 0.2)
        assert len(pushing.wait_for(look, 10, lost)) == 10
        with pytest.raises(DeskUnreachableError, match="10 of 11 arrived"):
            pushing.wait_for(look, 11, lost)


def test_only_the_keys_that_were_asked_for_are_found() -> None:
    server = Server(3, {})
    for number, key in enumerate(("a", "A", None, "b")):
        server.tasks.append({"id": number, "data": {pushing.KEY: key} if key else {}})
    assert pushing.find(cast(Connection, server), "1", ["a", "b", "c"]) == {"a": "0", "b": "3"}
