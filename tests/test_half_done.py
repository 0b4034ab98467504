"""A task that two are to answer, of which one has, when a round goes on without the other: on a real server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from biorat_al.store.tables import DocumentRow, PredictionRow
from tests.support.labelstudio import Annotator, RunningLabelStudio, drawn
from tests.support.rounds import make_project, settings_for
from tests.test_end_to_end import annotate, answers_of, environment, reference_of, tasks_by_document

pytestmark = pytest.mark.slow

__all__ = ["environment"]

LEARNS = {"min_steps": 60, "batch_size": 8, "learning_rate": 5e-3, "arms": ["none"], "selecting_arm": "none"}
"""Enough for the very small encoder to propose something."""


def offered(person: Annotator, project: str, task: str) -> list[dict[str, Any]]:
    """Answer what is offered until it is this task; return the pre-labels that it is shown with."""
    for _ in range(20):
        found = person.request("GET", f"/api/projects/{project}/next")
        if str(found["id"]) == task:
            return list(found["predictions"])
        person.submit(str(found["id"]), [])
    raise AssertionError(f"the task {task} is not offered")


def places(prediction: dict[str, Any]) -> list[tuple[int, int, str]]:
    values = [region["value"] for region in prediction["result"]]
    return sorted((value["start"], value["end"], value["labels"][0]) for value in values)


def test_the_second_person_is_shown_what_the_first_one_was_shown_although_a_newer_model_has_come(
    environment: RunningLabelStudio, tiny_encoder: Path, tmp_path: Path
) -> None:
    settings = settings_for(tiny_encoder, desk={"kind": "label-studio"}, training=LEARNS)
    with make_project(tmp_path / "trial", settings, gold=False, pool=30, test=2) as project:
        project.round()
        annotate(environment, project)
        first = project.round().step("train").counts["models"]["none"]
        reference = reference_of(project)
        ann, bob = environment.annotator(), environment.new_annotator()
        with project.store.read() as session:
            rows = session.scalars(select(PredictionRow).where(PredictionRow.model_version == first)).all()
            keys = {row.id: row.key for row in session.scalars(select(DocumentRow))}
            proposed = {keys[row.document_id] for row in rows if row.entities}
        tasks = {key: str(ids[-1]) for key, ids in tasks_by_document(environment, project).items()}
        open_tasks = [str(task) for task in _open(environment, reference)]
        half = next(key for key in sorted(proposed) if tasks.get(key) in open_tasks)
        ann.request("PATCH", f"/api/tasks/{tasks[half]}/", json={"overlap": 2})
        text = ann.open(tasks[half])["data"]["text"]
        shown = ann.prefilled(tasks[half], first)[0]
        ann.submit(tasks[half], [drawn(text, 0, 3, "Disease")])

        report = project.round(partial=True)
        second = report.step("train").counts["models"]["none"]
        assert second != first
        assert ann.project(reference)["model_version"] == second
        (prediction,) = offered(bob, reference, tasks[half])
        assert prediction["model_version"] == second
        assert places(prediction) == places({"result": shown}) != []

        bob.submit(tasks[half], prediction["result"], parent=prediction["id"])
        project.round(partial=True)
        answer = answers_of(project, half)[-1]
        assert (answer.annotator, answer.shown_version) == (bob.email, second)
        with project.store.read() as session:
            entities = {
                row.model_version: [(one["label"], one["spans"]) for one in row.entities]
                for row in session.scalars(select(PredictionRow).where(PredictionRow.document_id == answer.document_id))
            }
        assert entities[second] == entities[first] != []


def _open(server: RunningLabelStudio, project: str) -> list[int]:
    found = server.desk()._connection.tasks(project, include="id,total_annotations")
    return [task["id"] for task in found if not task["total_annotations"]]
