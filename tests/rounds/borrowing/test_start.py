"""Rounds begin from a model that was trained on borrowed documents, and its pre-labels are in the first batch."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from sqlalchemy import select

from biorat_al.corpus.formats.jsonl import write_jsonl
from biorat_al.corpus.model.document import Record
from biorat_al.corpus.sources import Sources
from biorat_al.demo.corpus import read_demo_corpus
from biorat_al.errors import ProjectError
from biorat_al.learner.encoder.encoder import resolve_encoder
from biorat_al.learner.encoder.saved_model import is_intact
from biorat_al.learner.entities.saved_tagger import read_model
from biorat_al.learner.types import TrainedModel
from biorat_al.presentation.round import round_text
from biorat_al.presentation.status import status_text
from biorat_al.progress import Bar, SilentProgress
from biorat_al.project import Project
from biorat_al.rounds.borrowing import start, training
from biorat_al.rounds.borrowing.comparison import StartComparison
from biorat_al.rounds.borrowing.kept import borrowed_corpora, borrowed_examples, borrowed_labels
from biorat_al.rounds.borrowing.start import decisions
from biorat_al.rounds.seeds import derive_seed
from biorat_al.rounds.steps import train
from biorat_al.settings import Settings
from biorat_al.store.models import borrowed_model_of, models_of, newest_model
from biorat_al.store.tables import PredictionRow, TaskRow
from tests.support.rounds import demo_files, picture_of, run_killed, settings_for

LEARNS: dict[str, Any] = {"training": {"min_steps": 40, "batch_size": 8, "learning_rate": 5e-3}}
"""Settings with which the very small encoder learns what is in the demo corpus."""


def borrowing(
    folder: Path, settings: Settings, *others: Sequence[Record], pool: int = 40, test: int = 6, gold: bool = True
) -> Project:
    """Make a project that borrows corpora, by default the rest of the demo corpus."""
    if not others:
        others = (list(read_demo_corpus())[pool + test : pool + test + 60],)
    files = demo_files(folder.parent / f"{folder.name}-files", pool=pool, test=test)
    paths = [folder.parent / f"{folder.name}-files" / f"others{number}.jsonl" for number in range(len(others))]
    for path, records in zip(paths, others, strict=True):
        write_jsonl(path, records)
    return Project.init(folder, settings, Sources([files[0]], [files[1]], gold=gold, borrow=paths))[0]


def start_file(project: Project) -> Path:
    (path,) = (project.folder / "models").glob("trial-borrowed-*")
    return path


class Recorded(SilentProgress):
    """Remembers the titles of pieces of work."""

    def __init__(self) -> None:
        self.titles: list[str] = []

    def bar(self, description: str, total: int | None = None, unit: str = "", done: int = 0) -> Bar:
        self.titles.append(description)
        return super().bar(description, total, unit, done)


@pytest.mark.slow
def test_the_first_batch_has_pre_labels_of_the_borrowed_model(tmp_path: Path, tiny_encoder: Path) -> None:
    settings = settings_for(tiny_encoder, **LEARNS, borrow={"epochs": 4})
    progress = Recorded()
    with borrowing(tmp_path / "trial", settings) as project:
        report = project.round(progress=progress)
        assert "training on borrowed documents" in progress.titles
        assert report.step("train").state == "skipped"
        assert report.step("select").counts["strategy"] == "diverse"
        assert report.step("push").counts["pre_labelled"] == 6
        with project.store.read() as session:
            model = borrowed_model_of(session, 0)
            assert model is not None
            assert model.version == start_file(project).name
            assert {row.shown_version for row in session.scalars(select(TaskRow))} == {model.version}
            rows = list(session.scalars(select(PredictionRow)))
            assert len(rows) == 6
            assert any(row.entities for row in rows)
            assert newest_model(session) is model
        f1 = report.step("evaluate").counts["f1"]["borrowed"]
        assert f1 is not None
        assert f1 > 0.2
        said = " ".join(round_text(report, project.status(ask_desk=False)).split())
        assert "pre-labels come from a model trained on borrowed documents: others0.jsonl (60 documents" in said
        # the next rounds learn from answers, and what annotators did with these pre-labels is counted
        project.round()
        with project.store.read() as session:
            assert borrowed_model_of(session, 1) is None
            assert list(models_of(session, 1)) == ["rat", "none"]


@pytest.mark.slow
def test_a_second_batch_is_pre_labelled_too_if_everything_in_the_first_was_skipped(
    tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with borrowing(tmp_path / "trial", settings_for(tiny_encoder)) as project:
        project.round()
        monkeypatch.setattr(train, "training_examples", lambda context: [])
        report = project.round()
        assert report.step("select").counts["strategy"] == "diverse"
        assert report.step("push").counts["pre_labelled"] == 6
        with project.store.read() as session:
            shown = {row.shown_version for row in session.scalars(select(TaskRow))}
        assert shown == {start_file(project).name}


@pytest.mark.slow
def test_the_borrowed_model_reads_as_the_project_does_and_its_key_is_that_of_older_versions(
    tmp_path: Path, tiny_encoder: Path
) -> None:
    for context, rules in (("sentence", 1), ("document", 1), ("sentence", 2)):
        settings = settings_for(tiny_encoder, training={"context": context, "sentence_rules": rules})
        with borrowing(tmp_path / f"{context}-{rules}", settings) as project:
            project.round()
            folder, settings = start_file(project), project.settings
            corpora = borrowed_corpora(project.folder, settings)
        behaviour = read_model(folder)[2]
        assert (behaviour.context, behaviour.sentence_rules) == (context, rules)
        training_values = training.training_settings(settings).model_dump(mode="json")
        assert (training_values.pop("context"), training_values.pop("sentence_rules")) == (context, rules)
        values = {
            "corpora": [corpus.sha256 for corpus in corpora],
            "labels": borrowed_labels(corpora, settings),
            "mapping": settings.borrow.mapping(settings.entities),
            "encoder": resolve_encoder(str(tiny_encoder)).fingerprint,
            "max_length": None,
            "training": training_values,
            "seed": derive_seed(settings.seed, "borrow"),
        }
        known_before = hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
        key = json.loads((folder / "training.json").read_text())["provenance"]["borrowed_key"]
        assert (key == known_before) == ((context, rules) == ("sentence", 1))


@pytest.mark.slow
def test_predictions_without_any_label_are_those_of_the_borrowed_model(tmp_path: Path, tiny_encoder: Path) -> None:
    with borrowing(tmp_path / "trial", settings_for(tiny_encoder)) as project:
        project.round()
        records = list(project.predictions([tmp_path / "trial-files" / "test.jsonl"]))
        annotation = records[0].annotation
        assert annotation is not None
        assert annotation.extras["model_version"] == start_file(project).name


@pytest.mark.slow
def test_every_arm_of_every_round_begins_from_one_training(
    tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[str] = []
    work = training.train_borrowed

    def counted(context: Any, corpora: Any, key: str | None = None) -> TrainedModel:
        model = work(context, corpora, key)
        trained.append(model.version)
        return model

    monkeypatch.setattr(training, "train_borrowed", counted)
    with borrowing(tmp_path / "trial", settings_for(tiny_encoder)) as project:
        for _ in range(3):
            project.round()
        assert len(trained) == 1
        with project.store.read() as session:
            begun = [row.summary["start"] for number in (1, 2) for row in models_of(session, number).values()]
        sha256 = json.loads((start_file(project) / "training.json").read_text("utf-8"))["sha256"]
        assert begun == [{"version": trained[0], "sha256": sha256, "labels": ["Disease", "Chemical"]}] * 4


@pytest.mark.slow
def test_training_begins_from_the_weights_of_the_borrowed_model(tmp_path: Path, tiny_encoder: Path) -> None:
    """With a learning rate near 0, a round's model is the borrowed model."""
    settings = settings_for(
        tiny_encoder, training={"learning_rate": 1e-12, "min_steps": 1}, borrow={"learning_rate": 5e-3}
    )
    with borrowing(tmp_path / "trial", settings) as project:
        project.round()
        project.round()
        with project.store.read() as session:
            model = models_of(session, 1)["none"]
        ours = load_file(project.folder / "models" / model.version / "model.safetensors")
        theirs = load_file(start_file(project) / "model.safetensors")
        assert ours.keys() == theirs.keys()
        for name, tensor in ours.items():
            torch.testing.assert_close(tensor, theirs[name], rtol=0, atol=1e-6)


@pytest.mark.slow
def test_a_label_that_nobody_borrowed_is_unknown_there_and_gets_a_fresh_head(
    tmp_path: Path, tiny_encoder: Path
) -> None:
    demo = list(read_demo_corpus())
    diseases = [only(one, "Disease") for one in demo[46:76]]
    both = demo[76:106]
    with borrowing(tmp_path / "trial", settings_for(tiny_encoder), diseases, both) as project:
        corpora = start.borrowed_corpora(project.folder, project.settings)
        examples = borrowed_examples(project.folder, corpora, project.settings)
        assert [example.unasked.labels for example in examples] == [{"Chemical"}] * 30 + [frozenset()] * 30
    settings = settings_for(tiny_encoder, training={"learning_rate": 1e-12, "min_steps": 1})
    with borrowing(tmp_path / "one", settings, diseases) as project:
        corpora = start.borrowed_corpora(project.folder, project.settings)
        assert borrowed_labels(corpora, project.settings) == ("Disease",)
        project.round()
        project.round()
        with project.store.read() as session:
            model = models_of(session, 1)["none"]
        ours = load_file(project.folder / "models" / model.version / "model.safetensors")["tagging_head.weight"]
        theirs = load_file(start_file(project) / "model.safetensors")["tagging_head.weight"]
        torch.testing.assert_close(ours[:3], theirs, rtol=0, atol=1e-6)
        assert not torch.allclose(ours[3:], theirs, atol=1e-3)


def only(record: Record, label: str) -> Record:
    """Return a document with the mentions of one label."""
    assert record.annotation is not None
    entities = tuple(entity for entity in record.annotation.entities if entity.label == label)
    return record._replace(annotation=replace(record.annotation, entities=entities, relations=()))


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["lost", "damaged"])
def test_a_borrowed_model_that_is_lost_or_damaged_is_trained_again(
    tmp_path: Path, tiny_encoder: Path, fault: str
) -> None:
    with borrowing(tmp_path / "trial", settings_for(tiny_encoder)) as project:
        project.round()
        folder = start_file(project)
        digest = json.loads((folder / "training.json").read_text("utf-8"))["sha256"]
        if fault == "lost":
            shutil.rmtree(folder)
        else:
            content = bytearray((folder / "model.safetensors").read_bytes())
            content[-1] ^= 1
            (folder / "model.safetensors").write_bytes(content)
        progress = Recorded()
        project.round(progress=progress)
        assert progress.titles.count("training on borrowed documents") == 1
        assert start_file(project) == folder
        assert is_intact(folder, digest)


def test_a_copy_that_was_changed_stops_the_round_with_a_sentence(tmp_path: Path, tiny_encoder: Path) -> None:
    with borrowing(tmp_path / "trial", settings_for(tiny_encoder)) as project:
        path = project.folder / "borrowed" / "1-others0.jsonl"
        path.write_text(path.read_text("utf-8").replace("Disease", "Chemical"), encoding="utf-8")
        with pytest.raises(ProjectError, match=r"1-others0.jsonl is damaged or was changed; put it back"):
            project.round()


def test_status_tells_that_the_borrowed_corpora_are_missing_and_goes_on(tmp_path: Path, tiny_encoder: Path) -> None:
    with borrowing(tmp_path / "trial", settings_for(tiny_encoder)) as project:
        shutil.rmtree(project.folder / "borrowed")
        status = project.status(ask_desk=False)
        assert status.borrowed is not None
        assert status.borrowed.startswith("others0.jsonl (")
        assert "which is not among the corpora in" in status.borrowed
        with pytest.raises(ProjectError, match="remove its entry, or put the folder back from a backup"):
            project.round()


@pytest.mark.slow
def test_a_corpus_that_is_taken_out_of_the_settings_is_no_longer_borrowed(tmp_path: Path, tiny_encoder: Path) -> None:
    with borrowing(tmp_path / "trial", settings_for(tiny_encoder)) as project:
        project.round()
    file = tmp_path / "trial" / "biorat.toml"
    text = file.read_text("utf-8")
    begin, end = text.index("[[borrow.corpora]]"), text.index("[team]")
    file.write_text(text[:begin] + text[end:], encoding="utf-8")
    with Project.open(tmp_path / "trial") as project:
        report = project.round()
        assert "start" not in report.step("train").counts
        with project.store.read() as session:
            assert "start" not in models_of(session, 1)["none"].summary


@pytest.mark.slow
@pytest.mark.parametrize(
    ("moments"),
    [
        ["before:train", "worked:train", "writing:train", "after:select", "after:desk.push", "after:push"],
        ["after:train", "before:push", "before:desk.publish", "worked:push"],
    ],
)
def test_a_first_round_that_is_killed_ends_with_the_same_picks_and_pre_labels(
    tmp_path: Path, tiny_encoder: Path, moments: list[str]
) -> None:
    settings = settings_for(tiny_encoder, **LEARNS)
    with borrowing(tmp_path / "whole" / "trial", settings) as project:
        project.round()
        expected = picture_of(project)
    borrowing(tmp_path / "cut" / "trial", settings).close()
    for moment in moments:
        assert run_killed(tmp_path / "cut" / "trial", moment) == -9
    assert run_killed(tmp_path / "cut" / "trial") == 0
    with Project.open(tmp_path / "cut" / "trial") as project:
        assert picture_of(project) == expected


def fixed(*results: StartComparison) -> Any:
    """Return a comparison with given results, which remembers on how many documents it was asked for."""
    asked: list[int] = []

    def compare(context: Any, examples: Any, labels: Any, job: Any, begun: Any) -> StartComparison:
        asked.append(len(examples))
        return replace(results[len(asked) - 1], documents=len(examples))

    compare.asked = asked  # type: ignore[attr-defined]
    return compare


WORSE = StartComparison(0, 0.3, 0.5, -0.3, -0.1)
BETTER = StartComparison(0, 0.6, 0.5, 0.05, 0.2)
UNCLEAR = StartComparison(0, 0.4, 0.5, -0.3, 0.1)


@pytest.mark.slow
def test_rounds_go_back_to_the_base_encoder_where_it_is_better_and_look_again_at_twice_as_many_documents(
    tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compare = fixed(WORSE, BETTER)
    monkeypatch.setattr(start, "compare", compare)
    settings = settings_for(
        tiny_encoder, borrow={"check_from": 12}, training={"arms": ["none"], "selecting_arm": "none"}
    )
    with borrowing(tmp_path / "trial", settings) as project:
        reports = [project.round() for _ in range(5)]
        assert compare.asked == [12, 24]
        begun = [report.step("train").counts.get("start", {}).get("from") for report in reports]
        assert begun == [None, "borrowed", "base", "base", "borrowed"]
        with project.store.read() as session:
            assert ["start" in models_of(session, number)["none"].summary for number in (1, 2, 3, 4)] == [
                True, False, False, True,
            ]  # fmt: skip
            assert decisions(session)[3].comparison == replace(WORSE, documents=12)
        said = [" ".join(round_text(report, project.status(ask_desk=False)).split()) for report in reports]
        why = "Note: Models begin from the base encoder, since the borrowed start is worse here: F1 30.0 from the"
        assert [why in text for text in said] == [False, False, True, True, False]
        assert "arms: none; begun from: the base encoder" in said[3]
        assert "Note: Models begin from the borrowed start: F1 60.0 from the borrowed start and 50.0" in said[4]
        status = project.status(ask_desk=False)
        assert "Models begin from the borrowed start: F1 60.0" in " ".join(status_text(status).split())
        _, report = project.report(tmp_path / "report")
        assert status.start is not None
        assert any(status.start in fact.detail for fact in report.overview.facts if report.overview)


@pytest.mark.slow
def test_an_unclear_comparison_keeps_the_borrowed_start(
    tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start, "compare", fixed(UNCLEAR))
    with borrowing(tmp_path / "trial", settings_for(tiny_encoder, borrow={"check_from": 6})) as project:
        project.round()
        assert project.round().step("train").counts["start"]["from"] == "borrowed"


@pytest.mark.slow
def test_nothing_is_compared_where_the_settings_say_never(
    tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start, "compare", fixed())
    with borrowing(tmp_path / "trial", settings_for(tiny_encoder, borrow={"check_from": 0})) as project:
        project.round()
        assert project.round().step("train").counts["start"]["comparison"] is None
