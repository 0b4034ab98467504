"""Moving tasks from one member to another: nothing is lost, and nothing is asked for twice."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Collection
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import URL

from biorat_al.desk.base import DeskProject
from biorat_al.errors import NothingToDoYet, UsageError
from biorat_al.project import Project
from biorat_al.rounds.team import moving
from biorat_al.store.database.engine import DATABASE_VARIABLE
from biorat_al.store.database.integrity import check_rows
from biorat_al.store.store import now
from biorat_al.store.team.members import add_member, leave
from tests.support.group import (
    ANN,
    BOB,
    CY,
    GroupDesk,
    delete_project,
    desk_of,
    group_project,
    seats,
    tasks_on_the_desk,
)

Seat = tuple[str, str]


class DeletingDesk(GroupDesk):
    """An oracle that deletes tasks which nobody has answered; it may be killed before or after that."""

    killed = ""

    def take_back(self, project: DeskProject, task_ids: Collection[str]) -> frozenset[str]:
        if self.killed == "before":
            raise KeyboardInterrupt
        with closing(sqlite3.connect(self._file)) as database, database:
            rows = database.execute(
                "SELECT task.id, person, key FROM task JOIN project ON project.id = project WHERE project = ?",
                (project.reference,),
            ).fetchall()
            there = {str(ident): (person, key) for ident, person, key in rows}
            free = [one for one in task_ids if one in there and there[one] not in (self.done or ())]
            database.executemany("DELETE FROM task WHERE id = ?", [(int(one),) for one in free])
        if self.killed == "after":
            raise KeyboardInterrupt
        return frozenset(one for one in task_ids if one not in there or one in free)


@pytest.fixture
def asked(tmp_path: Path, tiny_encoder: Path) -> Project:
    """Return a project whose first batch is with a group of three."""
    project = group_project(tmp_path / "trial", tiny_encoder, ANN, BOB, CY)
    desk = desk_of(project)
    project._desk = DeletingDesk(desk._gold, project.folder)
    project.round()
    return project


@pytest.mark.postgres
def test_tasks_move_on_postgres_too(
    tmp_path: Path, tiny_encoder: Path, new_postgres_database: Callable[[], URL], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DATABASE_VARIABLE, new_postgres_database().render_as_string(hide_password=False))
    folder, database = tmp_path / "trial", {"url": "environment"}
    with group_project(folder, tiny_encoder, ANN, BOB, team={"double_test": 0.0}, database=database) as project:
        project._desk = DeletingDesk(desk_of(project)._gold, project.folder)
        project.round()
        before = held(project)
        own = [key for name, key in before if name == BOB]
        desk_of(project).done = {(BOB, own[0])}
        moved = project.team.reassign(BOB, ANN)
        assert (moved.moved, moved.begun, moved.known) == (len(own) - 1, 1, 0)
        assert held(project) == sorted([(BOB, own[0]), *((ANN, key) for _, key in before if key != own[0])])
        is_sound(project)


def held(project: Project, *states: str) -> list[Seat]:
    return sorted((name, key) for name, key, _ in seats(project, *(states or ("open", "answered", "skipped"))))


def on_the_desk(project: Project) -> list[Seat]:
    return sorted((name, key) for name, _, key in tasks_on_the_desk(project))


def is_sound(project: Project) -> None:
    """Check that each seat has its task on the desk, and each document as many seats as before anything moved."""
    assert held(project) == on_the_desk(project)
    with project.store.read() as session:
        assert check_rows(session) == 0


def test_open_tasks_move_and_what_is_answered_or_known_stays(asked: Project) -> None:
    before = held(asked)
    own = [key for name, key in before if name == BOB]
    others = {key for name, key in before if name == ANN}
    (answered, *_) = [key for key in own if key not in others]
    desk_of(asked).done = {(BOB, answered)}
    moved = asked.team.reassign(BOB.upper(), ANN)
    known = [key for key in own if key in others]
    assert (moved.moved, moved.begun, moved.known) == (len(own) - 1 - len(known), 1, len(known))
    is_sound(asked)
    after = held(asked)
    assert sorted(key for name, key in after if name == BOB) == sorted([answered, *known])
    assert Counter(key for _, key in after) == Counter(key for _, key in before)
    changed = {(name, key): (row.double, row.pre_labels, row.role) for name, key, row in seats(asked, "open")}
    assert {name for name, _ in changed} == {ANN, BOB, CY}
    assert len(held(asked, "moved")) == moved.moved
    # nothing is left to answer once those who have the tasks now have answered
    desk_of(asked).done = set(after)
    assert asked.status().seats_now == {"pool": 0, "test": 0}


def test_the_newest_tasks_move_first_and_can_come_back(asked: Project) -> None:
    mine = [row.id for name, _, row in seats(asked) if name == CY]
    assert asked.team.reassign(CY, BOB, limit=1).moved == 1
    is_sound(asked)
    ((_, key, row),) = seats(asked, "moved")
    assert row.id == max(ident for ident in mine if ident <= row.id)
    assert (BOB, key) in held(asked)
    back = asked.team.reassign(BOB, CY)
    assert back.moved >= 1
    assert (CY, key) in held(asked)
    is_sound(asked)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("goes_on", ["reassign", "round"])
def test_a_move_that_is_cut_off_is_finished(asked: Project, moment: str, goes_on: str) -> None:
    desk = desk_of(asked)
    assert isinstance(desk, DeletingDesk)
    before = Counter(key for _, key in held(asked))
    desk.killed = moment
    with pytest.raises(KeyboardInterrupt):
        asked.team.reassign(BOB, ANN)
    desk.killed = ""
    if goes_on == "reassign":
        asked.team.reassign(BOB, ANN)
    else:
        with pytest.raises(NothingToDoYet):
            asked.round()
    is_sound(asked)
    assert Counter(key for _, key in held(asked)) == before
    assert held(asked, "moved")


def test_a_move_killed_before_the_tasks_are_sent_is_finished_by_the_round(
    asked: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Counter(key for _, key in held(asked))
    calls = []

    def killed(context: object) -> None:
        calls.append(context)
        if len(calls) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(moving, "send_unsent", killed)
    with pytest.raises(KeyboardInterrupt):
        asked.team.reassign(BOB, ANN)
    monkeypatch.undo()
    assert held(asked, "assigned")
    with pytest.raises(NothingToDoYet):
        asked.round()
    is_sound(asked)
    assert Counter(key for _, key in held(asked)) == before


def test_an_answer_that_comes_while_tasks_move_is_kept(asked: Project) -> None:
    desk = desk_of(asked)
    assert isinstance(desk, DeletingDesk)
    desk.killed = "before"
    with pytest.raises(KeyboardInterrupt):
        asked.team.reassign(BOB, ANN)
    desk.killed = ""
    own = held(asked, "open")
    answered = next(seat for seat in own if seat[0] == BOB)
    desk.done = {answered}
    with pytest.raises(NothingToDoYet):
        asked.round()
    is_sound(asked)
    assert answered in held(asked, "answered")


def test_tasks_of_a_project_that_was_deleted_move_too(asked: Project) -> None:
    before = Counter(key for _, key in held(asked))
    delete_project(asked, BOB, "pool")
    asked.team.reassign(BOB, ANN)
    assert Counter(key for _, key in held(asked)) == before
    assert not [
        key
        for name, role, key in tasks_on_the_desk(asked)
        if (name, role) == (BOB, "pool") and (ANN, key) not in held(asked)
    ]


def test_who_cannot_give_or_take_is_told(asked: Project) -> None:
    with asked.store.write() as session:
        add_member(session, "lead@example.org", "adjudicator", now())
        leave(session, CY, now())
    for giver, taker, told in (
        (BOB, BOB, "who has them already"),
        (BOB, "lead@example.org", "in the team as adjudicator; tasks can only go to an annotator"),
        (BOB, CY, f"{CY} is not in the team; in it: {ANN}, {BOB}, lead@example.org"),
        ("nobody@example.org", BOB, "nobody@example.org is not in the team"),
    ):
        with pytest.raises(UsageError, match=told):
            asked.team.reassign(giver, taker)
    # somebody who has left still has tasks
    assert asked.team.reassign(CY, ANN).moved
    with pytest.raises(NothingToDoYet, match=r"lead@example\.org has no open task"):
        asked.team.reassign("lead@example.org", ANN)
