"""If two annotators answer a task, the second one sees the pre-labels that the first one saw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from biorat_al.desk.base import DeskProject, PreAnnotation, Pull
from biorat_al.project import Project
from biorat_al.store.models import models_of, predictions
from biorat_al.store.tables import PredictionRow, TaskRow


def wants_another(project: Project, task_id: str, patch: pytest.MonkeyPatch) -> dict[str, PreAnnotation]:
    """Let a task need one more answer from now on; return the pre-labels that tasks get in the meantime."""
    given: dict[str, PreAnnotation] = {}
    pull, add = project.desk.pull, project.desk.add_pre_annotations

    def pulled(of: DeskProject, *arguments: Any) -> Pull:
        found = pull(of, *arguments)
        if of.role != "pool":
            return found
        return replace(found, open_tasks=found.open_tasks | {task_id}, seats={task_id: 1})

    def added(of: DeskProject, proposed: Mapping[str, PreAnnotation]) -> None:
        given.update(proposed)
        add(of, proposed)

    patch.setattr(project.desk, "pull", pulled)
    patch.setattr(project.desk, "add_pre_annotations", added)
    return given


@pytest.mark.slow
def test_a_half_done_task_keeps_its_pre_labels_under_the_version_that_is_shown(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.round()
    project.round()
    with project.store.read() as session:
        first = models_of(session, 1)["rat"].version
        task = session.scalars(select(TaskRow).where(TaskRow.shown_version == first)).first()
        assert task is not None
        (before,) = predictions(session, first, [task.document_id]).values()
    given = wants_another(project, str(task.desk_task_id), monkeypatch)
    for number in (2, 3):
        project.round(partial=True)
        with project.store.read() as session:
            version = models_of(session, number)["rat"].version
            shown = given[str(task.desk_task_id)]
            assert (shown.model_version, shown.confidence) == (version, before.confidence)
            assert len(shown.entities) == len(before.entities)
            assert session.get_one(TaskRow, task.id).shown_version == version
            kept = session.get_one(PredictionRow, (version, task.document_id))
            assert (kept.entities, kept.mnlp) == (before.entities, before.mnlp)
