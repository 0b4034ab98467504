"""An interrupted push may still arrive: the step waits for it, and sends nothing twice."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import pytest

from biorat_al.desk.base import DeskProject, Task
from biorat_al.desk.labelstudio.client import LabelStudioDesk
from biorat_al.desk.oracle import OracleDesk
from biorat_al.project import Project
from biorat_al.store.tasks import tasks_in_state
from tests.rounds.test_runner import picked


class LateDesk(OracleDesk):
    """An oracle whose first import is cut off and arrives later, when the tasks are looked up.

    :param at_look: at which look they have arrived; None: never.
    """

    def __init__(self, project: Project, at_look: int | None, settle_seconds: float) -> None:
        super().__init__(project._gold, project.folder)
        self.settle_seconds = settle_seconds
        self.at_look = at_look
        self.looks = 0
        self.pushes: list[list[str]] = []
        self._under_way: tuple[DeskProject, Sequence[Task]] | None = None

    def push(self, project: DeskProject, tasks: Sequence[Task]) -> Mapping[str, str]:
        self.pushes.append([task.document.id for task in tasks])
        if len(self.pushes) == 1:
            self._under_way = (project, tasks)
            raise RuntimeError("the line went dead")
        return super().push(project, tasks)

    def find(self, project: DeskProject, keys: Sequence[str]) -> Mapping[str, str]:
        self.looks += 1
        if self._under_way is not None and self.looks == self.at_look:
            super().push(*self._under_way)
        return super().find(project, keys)


def _cut_off(project: Project, at_look: int | None, settle_seconds: float) -> LateDesk:
    """Run a round whose push is interrupted; return the desk."""
    desk = LateDesk(project, at_look, settle_seconds)
    project._desk = desk
    with pytest.raises(RuntimeError, match="the line went dead"):
        project.round()
    return desk


@pytest.mark.slow
def test_tasks_that_arrive_late_are_waited_for_and_not_sent_again(project: Project) -> None:
    desk = _cut_off(project, at_look=3, settle_seconds=60)
    project.round()
    assert desk.looks == 3, "it went on before the other side could have come to an end, or looked on afterwards"
    assert len(desk.pushes) == 1, "the tasks were sent again while the first request was still under way"
    with project.store.read() as session:
        assert len(tasks_in_state(session, "pool", "open")) == 6


def test_the_time_to_wait_begins_when_a_desk_that_hung_answers_again(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = _cut_off(project, at_look=2, settle_seconds=2.0)
    look = desk.find

    def find(of: DeskProject, keys: Sequence[str]) -> Mapping[str, str]:
        if not desk.looks:
            # as long as the whole time to wait: the request is in the queue of a desk that stands still
            time.sleep(2.5)
        return look(of, keys)

    monkeypatch.setattr(desk, "find", find)
    project.round()
    assert (desk.looks, len(desk.pushes)) == (2, 1)


def test_tasks_that_never_arrive_are_sent_when_the_time_is_over(project: Project) -> None:
    began = time.monotonic()
    desk = _cut_off(project, at_look=None, settle_seconds=2.0)
    project.round()
    assert time.monotonic() - began >= 2.0, "it did not wait as long as the other side may be at work"
    assert desk.looks > 1
    assert [sorted(some) for some in desk.pushes] == [sorted(picked(project, 0))] * 2


def test_label_studio_is_given_time_for_an_import_that_was_cut_off() -> None:
    """An import of 500 tasks takes it several seconds, so a second look at once proves nothing."""
    assert LabelStudioDesk("http://localhost:8080", "token").settle_seconds >= 10
