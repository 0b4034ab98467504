"""What the training step hands to the learner."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from biorat_al.learner.types import TrainedModel
from biorat_al.project import Project
from biorat_al.rounds.context import Context, RoundRequest
from biorat_al.rounds.models.replacement import REPLACED, ModelReplaced
from biorat_al.rounds.steps import learnt, train
from biorat_al.settings import make_settings
from biorat_al.store.models import models_of
from biorat_al.store.store import now
from biorat_al.store.tables import ModelRow, StepRow
from tests.support.rounds import make_project, settings_for

VAT: dict[str, Any] = {"adversarial": {"attack": "vat", "unlabelled": 2, "probability": 0.5}}


def context_of(project: Project, number: int) -> Context:
    desk = project.desk
    return Context(project.folder, project.settings, project.store, desk, number, RoundRequest())


@pytest.mark.slow
def test_virtual_training_is_given_the_pool_without_the_answered_documents(tmp_path: Path, tiny_encoder: Path) -> None:
    with make_project(tmp_path / "trial", settings_for(tiny_encoder, **VAT)) as project:
        project.round()
        report = project.round()
        assert report.step("train").counts["documents"] == 6
        models = [file for file in (tmp_path / "trial" / "models").iterdir() if "-rat-" in file.name]
        assert len(models) == 1
        unlabelled = learnt.unlabelled_documents(context_of(project, 1))
        known = {example.document.id for example in learnt.training_examples(context_of(project, 1))}
        assert len(unlabelled) == 40 - 6
        assert not known & {document.id for document in unlabelled}
        assert f'"unlabelled_documents": {len(unlabelled)}' in (models[0] / "training.json").read_text()


def test_from_a_large_pool_documents_are_drawn_by_the_rounds_seed(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = [document.id for document in learnt.unlabelled_documents(context_of(project, 1))]
    monkeypatch.setattr(learnt, "MOST_UNLABELLED", 10)
    draws = [[d.id for d in learnt.unlabelled_documents(context_of(project, number))] for number in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2]
    assert len(set(draws[0])) == 10
    assert draws[0] == [one for one in everything if one in draws[0]], "in the order of the pool"


@pytest.mark.slow
def test_a_label_that_is_asked_for_later_says_what_was_annotated_before(project: Project) -> None:
    project.round()
    entities = [{"name": name} for name in (*project.settings.labels, "Gene")]
    project.settings = make_settings(project.settings.model_dump(exclude={"entities"}) | {"entities": entities})
    (notice,) = project.round(size=2).step("train").counts["notices"]
    assert notice.startswith("6 of 6 annotated documents were asked for before the label 'Gene' was")


def test_another_arm_that_was_lost_and_comes_out_otherwise_lets_the_steps_since_training_run_again(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the round would end with its training unfinished, and stay open."""
    project.round()
    values = {"round_number": 0, "arm": "none", "selecting": False, "sha256": "lost", "summary": {"seed": 1}}
    with project.store.write() as session:
        session.get_one(StepRow, (0, "train")).counts = {train.LATER: ["none"]}
        session.add(ModelRow(version="trial-r0-none-lost", created_at=now(), **values))
    context = context_of(project, 0)

    def trained(*arguments: Any) -> list[tuple[str, TrainedModel]]:
        folder = context.models_dir / "trial-r0-none-new"
        folder.mkdir(parents=True)
        return [("none", TrainedModel(folder.name, folder, "new", {"seed": 1}))]

    monkeypatch.setattr(train, "_trained", trained)
    with pytest.raises(ModelReplaced):
        train.train_later_arms(context)
    with project.store.read() as session:
        row = models_of(session, 0)["none"]
        assert (row.version, row.sha256, len(row.summary[REPLACED])) == ("trial-r0-none-lost", "new", 1)
        assert [session.get_one(StepRow, (0, name)).state for name in ("train", "evaluate")] == ["running", "pending"]
    # the same weights again
    assert train.train_later_arms(context) == ("none",)
