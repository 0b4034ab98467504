"""A round of a group that is killed asks the same people for the same documents, each once."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL

from biorat_al.project import Project
from biorat_al.store.database.engine import DATABASE_VARIABLE
from tests.support.group import ANN, BOB, CY, delete_project, join, seats, tasks_on_the_desk
from tests.support.rounds import make_project, run_killed, settings_for

pytestmark = pytest.mark.slow(60)

KILLED = -signal.SIGKILL


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def make(request: pytest.FixtureRequest, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], Path]:
    """Return a function that makes a project with a group of three, on each kind of database."""

    def make(folder: Path) -> Path:
        changes: dict[str, Any] = {"team": {"double": 0.5, "without_pre_labels": 0.5}}
        if request.param == "postgres":
            url: URL = request.getfixturevalue("new_postgres_database")()
            monkeypatch.setenv(DATABASE_VARIABLE, url.render_as_string(hide_password=False))
            changes["database"] = {"url": "environment"}
        with make_project(folder, settings_for(tiny_encoder, **changes), pool=20) as project:
            join(project, ANN, BOB, CY)
        return folder

    return make


def picture(folder: Path) -> tuple[list[tuple[object, ...]], list[tuple[str, str, str]]]:
    with Project.open(folder) as project:
        given = [(name, key, row.state, row.double, row.pre_labels) for name, key, row in seats(project)]
        return sorted(given), tasks_on_the_desk(project)


def test_a_push_to_a_group_that_is_killed_everywhere_ends_as_an_undisturbed_one(
    make: Callable[[Path], Path], tmp_path: Path
) -> None:
    undisturbed = make(tmp_path / "undisturbed")
    assert run_killed(undisturbed) == 0
    expected = picture(undisturbed)

    killed = make(tmp_path / "killed")
    moments = [
        "before:assign_seats",
        "after:assign_seats",
        "after:desk.prepare",
        "before:desk.push",
        "after:desk.push",
        "after:desk.push",
        "before:desk.prepare#3",
        "after:desk.push",
        "worked:push",
        "writing:push",
    ]
    survived = [moment for moment in moments if run_killed(killed, moment) != KILLED]
    assert survived == []
    assert run_killed(killed) == 0
    given, tasks = picture(killed)
    assert (given, tasks) == expected
    assert len(given) == len(tasks) == len(set(tasks)) == 9
    assert {state for _, _, state, *_ in given} == {"open"}


def test_a_project_that_was_deleted_is_made_again_once_though_the_round_is_killed(
    make: Callable[[Path], Path], tmp_path: Path
) -> None:
    killed = make(tmp_path / "killed")
    assert run_killed(killed) == 0
    before = picture(killed)
    with Project.open(killed) as project:
        delete_project(project, ANN, "pool")
        assert len(tasks_on_the_desk(project)) < len(before[1])
    for moment in ("before:desk.prepare", "after:desk.prepare", "before:desk.push", "after:desk.push"):
        assert run_killed(killed, moment) == KILLED
    assert run_killed(killed, "after:pull") == KILLED
    given, tasks = picture(killed)
    assert tasks == before[1]
    assert [(name, key, double) for name, key, _, double, _ in given] == [
        (name, key, double) for name, key, _, double, _ in before[0]
    ]
    assert {state for _, _, state, *_ in given} == {"answered"}
