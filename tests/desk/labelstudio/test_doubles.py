"""A server that has a task twice, was restored from a backup, or whose clock was set: no answer is lost."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from biorat_al.desk.base import Pull
from biorat_al.desk.labelstudio.client import LabelStudioDesk
from biorat_al.errors import DeskError
from tests.desk.contract import LABELS, documents, pushed, task
from tests.desk.labelstudio.test_pulling import Room
from tests.support.labelstudio import RunningLabelStudio


@pytest.fixture
def room(label_studio: RunningLabelStudio, marker: str) -> Room:
    return Room(label_studio, marker)


def import_again(room: Room, *keys: str, **more: Any) -> dict[str, str]:
    """Import tasks a second time, as a proxy that repeats a request does."""
    return dict(room.desk.push(room.project, [task(key, "m-1") for key in keys]))


def answered(pull: Pull) -> dict[str, int]:
    """Return how many answers each task of a pull has."""
    return {state.task_id: len(state.annotations) for state in pull.tasks}


def test_answers_on_the_copy_of_a_task_are_fetched_and_the_empty_one_is_told(room: Room) -> None:
    room.pull()
    again = import_again(room, "1001", "1002")
    room.ann.submit(again["1001"])
    found = room.pull()
    assert answered(found) == {again["1001"]: 1, again["1002"]: 0}
    assert found.keys is not None
    assert {found.keys[again["1001"]], found.keys[room.ids["1001"]]} == {"1001"}
    (notice,) = found.notices
    assert "2 documents have more than one task in Label Studio (1001, 1002)" in notice
    assert notice.endswith(f"{room.ids['1001']}, {again['1002']}")
    # nobody need answer 1001 again, and 1002 once
    assert found.open_tasks == {room.ids["1002"], room.ids["1003"]}
    assert found.open_seats == 2
    # told until it is put right
    assert room.pull().notices == found.notices
    room.ann.delete_task(again["1002"])
    room.ann.delete_task(room.ids["1001"])
    assert room.pull().notices == ()


def test_tasks_that_were_deleted_and_imported_anew_are_known_by_their_keys(room: Room) -> None:
    room.ann.submit(room.ids["1001"])
    room.pull()
    for task_id in room.ids.values():
        room.ann.delete_task(task_id)
    again = import_again(room, "1001", "1002")
    room.ann.submit(again["1002"])
    found = room.pull()
    assert found.keys == {again["1001"]: "1001", again["1002"]: "1002"}
    states = {state.key: state for state in found.tasks}
    assert len(states["1002"].annotations) == 1
    assert states["1001"].made_at is not None


def change_database(server: RunningLabelStudio, *statements: str) -> None:
    """Change a server's own database between two requests; it keeps nothing of it in memory."""
    (file,) = Path(server.server.home).rglob("label_studio.sqlite3")
    with closing(sqlite3.connect(file, timeout=30)) as database, database:
        for statement in statements:
            database.execute(statement)


def test_a_clock_that_was_set_back_hides_no_answer(room: Room) -> None:
    room.ann.submit(room.ids["1001"])
    room.pull()
    room.ann.submit(room.ids["1002"])
    change_database(
        room.server,
        f"UPDATE task SET updated_at = datetime(updated_at, '-1 hour') WHERE id = {room.ids['1002']}",
        "UPDATE task_completion SET created_at = datetime(created_at, '-1 hour'), "
        f"updated_at = datetime(updated_at, '-1 hour') WHERE task_id = {room.ids['1002']}",
    )
    found = room.pull()
    assert answered(found) == {room.ids["1002"]: 1}
    assert "its clock was set back" in found.notices[0]
    assert room.pull().tasks == ()


def test_a_time_in_the_far_future_hides_no_answer(room: Room) -> None:
    room.ann.submit(room.ids["1001"])
    change_database(room.server, f"UPDATE task SET updated_at = '2199-01-01' WHERE id = {room.ids['1001']}")
    room.pull()
    room.ann.submit(room.ids["1002"])
    assert answered(room.pull()) == {room.ids["1002"]: 1}


def test_after_a_restore_nothing_counts_as_deleted(label_studio: RunningLabelStudio, marker: str) -> None:
    room = Room(label_studio, marker)
    first = room.ann.submit(room.ids["1001"])
    room.pull()
    (file,) = Path(label_studio.server.home).rglob("label_studio.sqlite3")
    with closing(sqlite3.connect(file, timeout=30)) as database, closing(sqlite3.connect(":memory:")) as backup:
        database.backup(backup)
        room.ann.submit(room.ids["1002"])
        room.ann.delete_answer(first)
        assert answered(room.pull()) == {room.ids["1001"]: 0, room.ids["1002"]: 1}
        backup.backup(database)
    found = room.pull()
    assert answered(found) == {room.ids["1001"]: 1, room.ids["1002"]: 0}
    assert all(state.earlier for state in found.tasks)
    assert "a backup was restored" in found.notices[0]


def test_a_list_that_is_empty_by_mistake_deletes_nothing(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    room.pull()
    plain = room.desk._connection.get

    def empty(path: str, **params: Any) -> Any:
        return {"tasks": [], "total": 0} if path == "api/tasks/" else plain(path, **params)

    monkeypatch.setattr(room.desk._connection, "get", empty)
    with pytest.raises(DeskError, match=r"lists 0 tasks of the project \d+ and counts 3.*Nothing was changed"):
        room.pull()


def test_answers_that_are_held_back_are_not_deleted(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    room.ann.submit(room.ids["1001"])
    room.pull()
    room.ann.submit(room.ids["1001"], [])
    plain = room.desk._connection.get

    def hidden(path: str, **params: Any) -> Any:
        found = plain(path, **params)
        if path == "api/tasks/" and "annotations" in params.get("include", ""):
            for one in found["tasks"]:
                one["annotations"] = []
        return found

    with monkeypatch.context() as patch:
        patch.setattr(room.desk._connection, "get", hidden)
        found = room.pull()
    assert [state.complete for state in found.tasks] == [False]
    assert "counts more answers than it gives" in found.notices[0]
    # and they are fetched in the next round
    assert answered(room.pull()) == {room.ids["1001"]: 2}


def test_a_project_that_never_had_a_pull_is_read_from_the_beginning(
    label_studio: RunningLabelStudio, marker: str
) -> None:
    desk = LabelStudioDesk(label_studio.url, label_studio.token)
    project = desk.prepare("pool", "doubles", LABELS, marker=marker)
    assert desk.pull(project, documents).tasks == ()
    ids = pushed(desk, project, ["1001"])
    assert [state.task_id for state in desk.pull(project, documents).tasks] == [ids["1001"]]
