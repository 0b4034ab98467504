"""The selecting arm of the settings selects and pre-labels, wherever it is in the list of arms."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from biorat_al.project import Project
from biorat_al.store.models import models_of
from biorat_al.store.tables import PredictionRow, TaskRow
from tests.support.rounds import make_project, patient, settings_for


@pytest.mark.slow
def test_the_second_arm_may_be_the_one_that_selects(tmp_path: Path, tiny_encoder: Path) -> None:
    training = {"arms": ["rat", "none"], "selecting_arm": "none", "epochs": 1, "min_steps": 3, "batch_size": 4}
    with make_project(tmp_path / "trial", settings_for(tiny_encoder, training=training)) as project:
        published: list[str] = []
        project.round()
        publish = project.desk.publish
        project.desk.publish = lambda where, version: published.append(version) or publish(where, version)  # type: ignore
        # of all strategies, this one asks the model again
        report = project.round(strategy="badge")
        assert report.step("select").counts["strategy"] == "badge"
        with project.store.read() as session:
            models = models_of(session, 1)
            version = models["none"].version
            assert [arm for arm, model in models.items() if model.selecting] == ["none"]
            assert set(session.scalars(select(PredictionRow.model_version))) == {version}
            shown = session.scalars(select(TaskRow.shown_version).where(TaskRow.round_number == 1)).all()
        assert set(shown) == {version}
        assert published == [version]
        assert report.step("predict").counts["model"] == version
        assert _newest(project) == version


@pytest.mark.slow
def test_what_is_shown_is_the_newest_version(project: Project) -> None:
    published: list[str] = []
    desk = patient(project)
    publish = desk.publish
    desk.publish = lambda where, version: published.append(version) or publish(where, version)  # type: ignore
    project.round()
    desk.finish()
    versions = [project.round().step("train").counts["models"]["rat"] for _ in range(2)]
    assert published == versions


def _newest(project: Project) -> str:
    return project.status(ask_desk=False).rounds[-1].models["none"]
