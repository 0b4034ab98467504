"""Order of a batch: documents that the model is least sure of go to the annotators first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from biorat_al.desk.base import DeskProject, Task
from biorat_al.project import Project


def _sent(project: Project, monkeypatch: pytest.MonkeyPatch) -> list[Task]:
    """Record every task that goes to the desk, in order."""
    sent: list[Task] = []
    push = project.desk.push

    def keep(desk_project: DeskProject, tasks: Sequence[Task]) -> Mapping[str, str]:
        sent.extend(tasks)
        return push(desk_project, tasks)

    monkeypatch.setattr(project.desk, "push", keep)
    return sent


@pytest.mark.slow
def test_annotators_get_the_document_that_the_model_is_least_sure_of_first(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.round()
    sent = _sent(project, monkeypatch)
    # a strategy that does not rank by confidence, so that the order of the picks is another one
    project.round(strategy="random")
    confidences = [task.pre_annotation.confidence for task in sent if task.pre_annotation is not None]
    assert len(confidences) == len(sent) == 6
    assert len(set(confidences)) > 1
    assert confidences == sorted(confidences)


def test_without_a_model_a_batch_goes_out_best_first(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.rounds.test_runner import picked

    sent = _sent(project, monkeypatch)
    project.round()
    assert [task.document.id for task in sent] == picked(project, 0)
