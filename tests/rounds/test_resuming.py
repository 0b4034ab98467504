"""A resumed round repeats neither finished work nor work that was never needed."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from biorat_al.presentation.round import round_text
from biorat_al.presentation.status import status_text
from biorat_al.project import Project
from biorat_al.rounds import runner
from biorat_al.store.database.busy import HOLDER_FILE, holder
from biorat_al.store.rounds import steps_of
from tests.rounds.test_runner import cut_off
from tests.support.rounds import USUAL_STEPS


def _counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record the names of the steps that run from now on, in order."""
    ran: list[str] = []

    def noting(name: str, step: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def run(context: Any) -> Any:
            ran.append(name)
            return step(context)

        return run

    for name, step in list(runner.STEPS.items()):
        monkeypatch.setitem(runner.STEPS, name, noting(name, step))
    return ran


def test_a_step_that_was_skipped_is_not_run_again(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    cut_off(project, "push", monkeypatch)
    with project.store.read() as session:
        before = {step.name: step.state for step in steps_of(session, 0)}
    assert before["train"] == before["predict"] == "skipped"
    ran = _counted(monkeypatch)
    assert project.round().resumed
    assert not {"train", "predict"} & set(ran)
    with project.store.read() as session:
        attempts = {step.name: step.attempts for step in steps_of(session, 0)}
    assert (attempts["train"], attempts["evaluate"], attempts["predict"], attempts["push"]) == (1, 1, 1, 2)


@pytest.mark.slow
def test_a_step_that_was_done_is_not_run_again(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.round()
    cut_off(project, "push", monkeypatch)
    ran = _counted(monkeypatch)
    assert project.round().resumed
    assert set(ran) <= {"pull", "push", "evaluate"}


@pytest.mark.slow
def test_a_round_that_is_done_is_not_begun_again(project: Project) -> None:
    assert [project.round().number for _ in range(3)] == [0, 1, 2]


@pytest.mark.slow
def test_the_steps_run_in_their_order(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = _counted(monkeypatch)
    project.round()
    project.round()
    assert ran == USUAL_STEPS * 2


def test_nobody_is_said_to_hold_a_project_whose_round_has_ended(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_off(project, "push", monkeypatch)
    assert not (project.folder / HOLDER_FILE).exists()
    project.round()
    assert not (project.folder / HOLDER_FILE).exists()
    assert holder(project.folder) is None


@pytest.mark.slow
def test_the_time_of_a_step_that_was_cut_off_is_told_as_that_of_its_last_attempt(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_off(project, "select", monkeypatch)
    report = project.round()
    assert {step.name: step.attempts for step in report.steps} == dict.fromkeys(USUAL_STEPS, 1) | {
        "pull": 1,
        "select": 2,
    }
    status = project.status(ask_desk=False)
    said = " ".join(round_text(report, status).split())
    assert re.search(r"select 6 documents of [^()]*\([0-9.]+ s in the last of 2 attempts\) push", said)
    assert said.count("attempts") == 1
    told = "time: round 0 was cut off; of a step that was begun again, the last attempt counts"
    assert told in status_text(status).splitlines()
    project.round()
    assert told in status_text(project.status(ask_desk=False)).splitlines()
