"""Pushing after something went wrong: how long the step waits, what it counts, and who may go on."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from biorat_al.corpus.model.document import Record
from biorat_al.demo.corpus import read_demo_corpus
from biorat_al.desk.base import DeskProject, Task
from biorat_al.errors import DeskUnreachableError, LockedError, NothingToDoYet
from biorat_al.project import Project
from biorat_al.rounds import runner
from biorat_al.rounds.context import Context, Finish, StepResult
from biorat_al.rounds.lock import RoundLock
from biorat_al.rounds.team import sending
from biorat_al.store.store import now
from biorat_al.store.tables import StepRow, TaskRow
from tests.support.rounds import PatientDesk, make_project, settings_for


class Desk(PatientDesk):
    """A desk that loses the answer to a request, and carries the request out later or never."""

    lost: int | None = None
    late: int | None = None
    looks = 0

    def push(self, project: DeskProject, tasks: Sequence[Task]) -> Mapping[str, str]:
        if self.lost is not None:
            self.lost -= 1
            if self.lost < 0:
                self.lost = None
                self.waiting = (project, tasks)
                raise DeskUnreachableError("no answer")
        return super().push(project, tasks)

    def find(self, project: DeskProject, keys: Sequence[str]) -> Mapping[str, str]:
        self.looks += 1
        found = super().find(project, keys)
        if self.looks == self.late:
            super().push(*self.waiting)
        return found


@pytest.fixture
def blind(tmp_path: Path, tiny_encoder: Path) -> Project:
    """Return a project whose test documents must be annotated, with a desk on which nobody answers."""
    records = [Record(record.document, None, record.source) for record in list(read_demo_corpus())[:20]]
    project = make_project(
        tmp_path / "blind",
        settings_for(tiny_encoder, desk={"kind": "label-studio"}),
        gold=False,
        pool=15,
        test=5,
        records=records,
    )
    project._desk = Desk(project, empty=True)
    return project


def desk_of(project: Project) -> Desk:
    assert isinstance(project.desk, Desk)
    return project.desk


def test_the_test_tasks_of_a_push_that_was_cut_off_are_counted(blind: Project) -> None:
    desk_of(blind).lost = 1
    with pytest.raises(DeskUnreachableError):
        blind.round()
    counts = blind.round().step("push").counts
    assert (counts["tasks"], counts["test_tasks"]) == (6, 5)


def test_what_arrives_late_is_waited_for_from_when_the_desk_first_answers(blind: Project) -> None:
    desk = desk_of(blind)
    desk.lost = 1
    with pytest.raises(DeskUnreachableError):
        blind.round()
    # sent long ago by the clock of the database, and in the desk's queue all the time
    with blind.store.write() as session:
        session.execute(update(TaskRow).values(intent_at=now() - timedelta(days=1)))
    desk.settle_seconds, desk.late = 3.0, 1
    assert blind.round().step("push").counts["tasks"] == 6
    assert desk.looks == 2
    with blind.store.read() as session:
        assert session.query(TaskRow).where(TaskRow.role == "pool").count() == 6


def test_a_time_in_the_far_future_is_not_waited_for(blind: Project) -> None:
    desk = desk_of(blind)
    desk.lost = 1
    with pytest.raises(DeskUnreachableError):
        blind.round()
    with blind.store.write() as session:
        session.execute(update(TaskRow).values(intent_at=now() + timedelta(days=36500)))
    desk.settle_seconds = 0.6
    began = time.monotonic()
    blind.round()
    assert time.monotonic() - began < 20
    assert 2 <= desk.looks <= 4


def test_tasks_are_sent_in_pieces(blind: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sending.CHUNK <= 200
    monkeypatch.setattr(sending, "CHUNK", 2)
    sizes: list[int] = []
    send = blind.desk.push
    monkeypatch.setattr(blind.desk, "push", lambda project, tasks: sizes.append(len(tasks)) or send(project, tasks))
    blind.round()
    assert sizes == [2, 2, 1, 2, 2, 2]


def lose_the_lock(monkeypatch: pytest.MonkeyPatch, when: str) -> list[str]:
    """Lose the lock before a step, after it (``+``), or before a request; return what had begun."""
    seen: list[str] = []

    def check(self: RoundLock) -> None:
        if seen and seen[-1] == when:
            raise LockedError("lost")

    monkeypatch.setattr(RoundLock, "check", check)
    for name, step in list(runner.STEPS.items()):

        def run(context: Context, name: str = name, step: object = step) -> Finish:
            seen.append(name)
            finish: Finish = step(context)  # type: ignore[operator]
            seen.append(f"{name}+")
            return finish

        monkeypatch.setitem(runner.STEPS, name, run)
    return seen


def test_a_round_that_waits_tells_of_blind_tasks_which_it_does_not_wait_for(blind: Project) -> None:
    blind.round()
    with pytest.raises(NothingToDoYet) as caught:
        blind.round()
    assert "Label Studio (and 5 blind test tasks, with which models are measured), or go on" in str(caught.value)
    assert isinstance(blind._desk, Desk)
    blind._desk.finish(*(f"demo-{number:03}" for number in range(16, 21)))
    with pytest.raises(NothingToDoYet, match="finish them in Label Studio, or go on without them"):
        blind.round()


def test_whoever_has_lost_the_lock_sends_nothing(blind: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = lose_the_lock(monkeypatch, "push")
    with pytest.raises(LockedError):
        blind.round()
    assert seen[-1] == "push"
    with blind.store.read() as session:
        assert session.query(TaskRow).count() == 0


def test_whoever_has_lost_the_lock_writes_no_result(blind: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = lose_the_lock(monkeypatch, "select+")
    with pytest.raises(LockedError):
        blind.round()
    assert seen[-1] == "select+"
    with blind.store.read() as session:
        assert session.get_one(StepRow, (0, "select")).state == "running"


def test_a_step_that_another_process_did_meanwhile_is_not_written_twice(
    blind: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(context: Context) -> Finish:
        with context.store.write() as session:
            session.get_one(StepRow, (0, "select")).attempts += 1
        return lambda session: StepResult()

    monkeypatch.setitem(runner.STEPS, "select", run)
    with pytest.raises(LockedError, match="the step 'select' of round 0 was done by another process"):
        blind.round()


def test_patience_has_an_end_where_the_desk_never_answers(blind: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    desk_of(blind).lost = 1
    with pytest.raises(DeskUnreachableError):
        blind.round()

    def gone(*_: object) -> Mapping[str, str]:
        raise DeskUnreachableError("still no answer")

    monkeypatch.setattr(blind.desk, "find", gone)
    with pytest.raises(DeskUnreachableError, match="still no answer"):
        blind.round()
