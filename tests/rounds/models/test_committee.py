"""The arms of a round vote together: the committee pre-labels, selects and predicts, and is measured beside them."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from biorat_al.learner.entities import tagger, training
from biorat_al.learner.entities.tagger import Tagger
from biorat_al.learner.perturbed_documents import CONDITIONS
from biorat_al.project import Project
from biorat_al.rounds.context import Context, RoundRequest
from biorat_al.rounds.steps import evaluate
from biorat_al.settings import Settings
from biorat_al.store.models import models_of
from biorat_al.store.tables import PredictionRow, TaskRow
from tests.support.rounds import RELATED, make_project, picture_of, related_records, run_killed, settings_for

VOTING: dict[str, Any] = {"committee": True, "epochs": 1, "min_steps": 3, "batch_size": 4}


@pytest.fixture
def settings(tiny_encoder: Path) -> Settings:
    return settings_for(tiny_encoder, training=VOTING)


@pytest.mark.slow
def test_the_committee_selects_and_pre_labels(tmp_path: Path, settings: Settings) -> None:
    with make_project(tmp_path / "trial", settings) as project:
        published: list[str] = []
        project.round()
        publish = project.desk.publish
        project.desk.publish = lambda where, version: published.append(version) or publish(where, version)  # type: ignore
        report = project.round(strategy="badge")
        with project.store.read() as session:
            models = models_of(session, 1)
            assert [arm for arm, model in models.items() if model.selecting] == ["committee"]
            version = models["committee"].version
            assert set(session.scalars(select(PredictionRow.model_version))) == {version}
            shown = session.scalars(select(TaskRow.shown_version).where(TaskRow.round_number == 1)).all()
        assert set(shown) == {version}
        assert published == [version]
        assert version.startswith("trial-r1-committee-")
        members = json.loads((project.folder / "models" / version / "committee.json").read_text())["members"]
        assert [one["version"] for one in members] == [models["rat"].version, models["none"].version]
        assert report.step("evaluate").counts["f1"].keys() == {"rat", "none", "committee"}
        assert project.status(ask_desk=False).rounds[1].f1.keys() == {"rat", "none", "committee"}


@pytest.mark.slow
def test_the_pool_is_predicted_with_the_mean_of_the_arms(tmp_path: Path, settings: Settings) -> None:
    with make_project(tmp_path / "trial", settings) as project:
        project.round()
        project.round()
        with project.store.read() as session:
            models = models_of(session, 1)
            row = session.scalars(select(PredictionRow)).first()
            assert row is not None
            text = next(one for one in _texts(project) if one[0] == row.document_id)[1]
        loaded = [Tagger.load(project.folder / "models" / models[arm].version) for arm in ("rat", "none")]
        pieces = loaded[0].tokenizer([text])
        by_hand = 0.0
        for member in loaded:
            powers = np.exp(member.logits(pieces)[0].astype(np.float64))
            by_hand = by_hand + powers / powers.sum(axis=-1, keepdims=True) / 2
        # the measure of the words' tags before the rule of the chain is near that after it
        entropy = float(-(by_hand * np.log(by_hand)).sum() / len(by_hand))
        assert row.entropy == pytest.approx(entropy, rel=0.5)


@pytest.mark.slow
def test_each_member_reads_a_test_document_once_for_itself_and_for_the_committee(
    tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_for(tiny_encoder, training=VOTING, evaluation={"robustness": True})
    with make_project(tmp_path / "trial", settings) as project:
        project.round()
        project.round()
        measured = picture_of(project)["evaluations"], picture_of(project)["measured"]
        runs: list[int] = []
        score = tagger.document_logits

        def counted(network: Any, pieces: Any, *rest: Any, **options: Any) -> Any:
            runs.append(len(pieces))
            return score(network, pieces, *rest, **options)

        context = Context(project.folder, settings, project.store, project.desk, 1, RoundRequest())
        for kept, factor in ((tagger.KEPT, 1), (0, 2)):
            monkeypatch.setattr(tagger, "KEPT", kept)
            monkeypatch.setattr(tagger, "document_logits", counted)
            runs.clear()
            finish = evaluate.run(context)
            assert runs == [6] * (2 * (1 + len(CONDITIONS)) * factor)
            with project.store.write() as session:
                finish(session)
            assert (picture_of(project)["evaluations"], picture_of(project)["measured"]) == measured


def _texts(project: Project) -> list[tuple[int, str]]:
    from biorat_al.store.tables import DocumentRow

    with project.store.read() as session:
        return [(row.id, row.text) for row in session.scalars(select(DocumentRow))]


@pytest.mark.slow
def test_predict_gives_the_committee_and_loads_each_model_once(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with make_project(tmp_path / "trial", settings) as project:
        project.round()
        project.round()
        loaded: list[str] = []
        read = tagger.read_model
        monkeypatch.setattr(tagger, "read_model", lambda folder: (loaded.append(folder.name), read(folder))[1])
        project.predict([tmp_path / "trial-documents" / "test.jsonl"], tmp_path / "predicted.jsonl")
        models = project.status(ask_desk=False).rounds[1].models
    line = (tmp_path / "predicted.jsonl").read_text().splitlines()[0]
    assert loaded == [models["rat"], models["none"]]
    assert models["committee"] in line
    assert models["none"] in line, "the provenance does not name the members"


@pytest.mark.slow
def test_without_a_committee_everything_is_as_before(tmp_path: Path, tiny_encoder: Path) -> None:
    """The arms are the same bit for bit, and the selecting arm selects."""
    pictures = []
    for name, committee in (("off", False), ("on", True)):
        settings = settings_for(tiny_encoder, training=VOTING | {"committee": committee, "dev_share": 0.1})
        with make_project(tmp_path / name, settings) as project:
            project.round()
            project.round()
            pictures.append(picture_of(project))
    off, on = pictures
    (models, others) = ({arm: version for arm, version in one["models"][1][2].items()} for one in pictures)
    assert models == {arm: version for arm, version in others.items() if arm != "committee"}
    assert {version for version, *_ in off["predictions"]} == {models["rat"]}
    assert {version for version, *_ in on["predictions"]} == {others["committee"]}


@pytest.mark.slow
def test_a_killed_round_with_a_committee_ends_as_an_undisturbed_one(tmp_path: Path, tiny_encoder: Path) -> None:
    undisturbed = tmp_path / "undisturbed"
    settings = settings_for(tiny_encoder, **RELATED | {"training": VOTING | {"dev_share": 0.0}})
    with make_project(undisturbed, settings, pool=30, test=3, records=related_records(33)) as project:
        project.round()
        project.round()
    killed = Path(shutil.copytree(undisturbed, tmp_path / "killed"))
    assert run_killed(undisturbed) == 0
    for moment in ("before:train_relations", "worked:train", "after:train", "after:select", "worked:evaluate"):
        assert run_killed(killed, moment) == -9
    assert run_killed(killed) == 0
    with Project.open(undisturbed) as one, Project.open(killed) as other:
        assert picture_of(other) == picture_of(one)


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["worked:train", "after:train"])
def test_a_committee_whose_member_comes_out_otherwise_is_formed_again(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    with make_project(tmp_path / "trial", settings) as project:
        project.round()
    assert run_killed(tmp_path / "trial", moment) == -9
    with Project.open(tmp_path / "trial") as project:
        with project.store.read() as session:
            before = models_of(session, 1)
        shutil.rmtree(project.folder / "models" / before["none"].version)
        train = training.train
        monkeypatch.setattr(
            training, "train", lambda some, job, **more: train(some, replace(job, seed=job.seed + 1), **more)
        )
        project.round()
        with project.store.read() as session:
            after = models_of(session, 1)
            predicted = set(session.scalars(select(PredictionRow.model_version)))
        assert after["rat"].sha256 == before["rat"].sha256
        assert after["none"].sha256 != before["none"].sha256
        assert after["committee"].sha256 != before["committee"].sha256
        assert predicted == {after["committee"].version}
        assert after["committee"].version != before["committee"].version
        project.predict([tmp_path / "trial-documents" / "test.jsonl"], tmp_path / "predicted.jsonl")


@pytest.mark.slow
def test_a_lost_folder_of_a_committee_is_written_again(tmp_path: Path, settings: Settings) -> None:
    with make_project(tmp_path / "trial", settings) as project:
        project.round()
    assert run_killed(tmp_path / "trial", "after:train") == -9
    (folder,) = (tmp_path / "trial" / "models").glob("*-committee-*")
    shutil.rmtree(folder)
    with Project.open(tmp_path / "trial") as project:
        report = project.round()
        assert report.step("predict").counts["model"] == folder.name
    assert (folder / "committee.json").is_file()
