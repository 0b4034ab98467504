"""A server that says it made fewer tasks than it was sent: nobody may take the rest for asked."""

from __future__ import annotations

from typing import Any, cast

import pytest

from biorat_al.desk.labelstudio import pushing
from biorat_al.desk.labelstudio.configuration import Configuration, labelling_configuration
from biorat_al.desk.labelstudio.connection import Connection
from biorat_al.errors import DeskError
from tests.desk.contract import LABELS, task


class Server:
    """A connection to a server that keeps a number of the tasks which it is sent.

    :param answer: what it says, from the number of tasks that were sent.
    """

    address, timeout = "http://server", 5.0

    def __init__(self, kept: int, answer: dict[str, Any]) -> None:
        self.kept, self.answer = kept, answer
        self.tasks: list[dict[str, Any]] = []

    def request(self, method: str, path: str, *, body: Any = None, **options: Any) -> Any:
        assert (method, path) == ("POST", "api/projects/1/import")
        for one in body[: self.kept]:
            self.tasks.append({"id": 101 + len(self.tasks), "data": one["data"], "predictions": []})
        return {"task_ids": [one["id"] for one in self.tasks]} | self.answer

    def tasks_where(self, project: str, field: str, values: list[str], **options: Any) -> list[dict[str, Any]]:
        return [one for one in self.tasks if one["data"][pushing.KEY] in values]


def _push(server: Server, *versions: str | None) -> dict[str, str]:
    keys = ("1001", "1002", "1003")[: len(versions)]
    tasks = [task(key, version) for key, version in zip(keys, versions, strict=True)]
    configuration = Configuration.parse(labelling_configuration(LABELS))
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
