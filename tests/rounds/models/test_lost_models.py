"""If the folder of a model was lost and retraining gives other weights, the round goes on with the new model."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from biorat_al.learner.encoder.saved_model import is_intact
from biorat_al.learner.entities import training
from biorat_al.project import Project
from biorat_al.store.models import models_of
from biorat_al.store.rounds import steps_of
from biorat_al.store.tables import (
    EvaluationRow,
    ModelRow,
    PredictionRow,
    ReliabilityRow,
    RoundRow,
    StepRow,
    TaskRow,
)
from tests.support.commands import call
from tests.support.rounds import make_project, picture_of, run_killed, settings_for


def on_another_machine(patch: pytest.MonkeyPatch) -> None:
    """Let training give other weights, as another processor or number of threads does."""
    train = training.train

    def elsewhere(examples: Any, job: Any, **options: Any) -> Any:
        # always the same, since a round keeps the seed that its models say they were trained with
        return train(examples, replace(job, seed=4711), **options)

    patch.setattr(training, "train", elsewhere)


def versions(project: Project, *tables: type) -> set[str]:
    """Return the versions that rows refer to."""
    with project.store.read() as session:
        return {version for table in tables for version in session.scalars(select(table.model_version))}


def model_of(project: Project, arm: str = "rat") -> ModelRow:
    with project.store.read() as session:
        return models_of(session, 1)[arm]


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["writing:train", "after:train", "after:predict"])
def test_a_round_whose_model_comes_out_otherwise_on_another_machine_goes_on_with_that_one(
    tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    # it asks the model for more than was predicted when it selects
    settings = settings_for(tiny_encoder, selection={"size": 6, "strategy": "core-set"})
    with make_project(tmp_path / "elsewhere", settings) as project:
        project.round()
        with monkeypatch.context() as patch:
            on_another_machine(patch)
            project.round()
        expected = picture_of(project)

    with make_project(tmp_path / "trial", settings) as project:
        project.round()
    assert run_killed(tmp_path / "trial", moment) == -9
    models = tmp_path / "trial" / "models"
    lost = {path.name.split("-")[2]: path.name for path in models.glob("trial-r1-*")}
    shutil.rmtree(models)
    on_another_machine(monkeypatch)
    outcome = call("round", "--project", tmp_path / "trial")
    assert outcome.code == 0, outcome.err
    said = " ".join(outcome.out.split())
    for arm, version in lost.items():
        assert f"the folder of the model {version} was lost, and training it again gave other weights" in said
        assert f"it is trial-r1-{arm}-" in said
    with Project.open(tmp_path / "trial") as project:
        assert picture_of(project) == expected
        with project.store.read() as session:
            rows = models_of(session, 1)
            named = steps_of(session, 1)[1].counts["models"]
            assert named == {arm: row.version for arm, row in rows.items()}
        # the other arm is trained after the push
        assert list(lost) == ["rat"]
        assert sorted(rows) == ["none", "rat"]
        assert not {row.version for row in rows.values()} & set(lost.values())
        assert [one["version"] for one in rows["rat"].summary["replaces"]] == [lost["rat"]]
        for row in rows.values():
            assert is_intact(models / row.version, row.sha256)
        assert not versions(project, PredictionRow, EvaluationRow, ReliabilityRow) & set(lost.values())
        assert project.predict([tmp_path / "trial-documents" / "test.jsonl"], tmp_path / "out.jsonl") == 6


@pytest.mark.slow
def test_tasks_that_were_pushed_keep_the_version_of_a_model_that_was_trained_again(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.round()
    project.round()
    before = model_of(project)
    with project.store.read() as session:
        shown = set(session.scalars(select(TaskRow.shown_version)))
        predicted = session.scalars(select(PredictionRow.mnlp).order_by(PredictionRow.document_id)).all()

    def lose_it() -> None:
        shutil.rmtree(project.folder / "models")
        with project.store.write() as session:
            session.get_one(RoundRow, 1).state = "running"
            session.get_one(StepRow, (1, "evaluate")).state = "pending"

    lose_it()
    on_another_machine(monkeypatch)
    # once more: it is known by now what this machine makes of it
    for _ in range(2):
        report = project.round()
        notices = report.step("train").counts["notices"]
        (notice,) = (text for text in notices if f"the model {before.version} was lost" in text)
        assert "it keeps its version" in notice
        after = model_of(project)
        assert (after.version, len(after.summary["replaces"])) == (before.version, 1)
        assert after.sha256 != before.sha256 == after.summary["replaces"][0]["sha256"]
        assert is_intact(project.folder / "models" / after.version, after.sha256)
        with project.store.read() as session:
            assert set(session.scalars(select(TaskRow.shown_version))) == shown
            assert session.scalars(select(PredictionRow.mnlp).order_by(PredictionRow.document_id)).all() == predicted
        assert before.version in versions(project, EvaluationRow)
        lose_it()
