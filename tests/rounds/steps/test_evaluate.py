"""The evaluation measures each arm, and all figures are paired."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from biorat_al.learner.encoder.device import Device
from biorat_al.learner.entities.scoring import reliability
from biorat_al.learner.entities.tagger import Tagger
from biorat_al.learner.perturbed_documents import CONDITIONS
from biorat_al.progress import SILENT, Progress
from biorat_al.project import Project
from biorat_al.rounds.context import Context, RoundRequest
from biorat_al.rounds.steps import evaluate
from biorat_al.rounds.steps.held_out import held_out_documents
from biorat_al.settings import Settings
from biorat_al.store.evaluations import (
    document_counts_of,
    evaluation,
    reliability_of,
    replace_reliability,
    replace_robustness,
    robustness_of,
)
from biorat_al.store.models import models_of
from biorat_al.store.tables import StepRow
from tests.support.rounds import make_project, settings_for


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Iterator[Project]:
    """Return a project in its second round, whose two tiny models have learnt enough to propose mentions."""
    settings = settings_for(
        tiny_encoder, selection={"size": 20}, training={"min_steps": 200, "batch_size": 4, "learning_rate": 3e-3}
    )
    with make_project(tmp_path_factory.mktemp("evaluate") / "trial", settings) as project:
        project.round()
        project.round()
        yield project


def context_of(
    project: Project, settings: Settings | None = None, number: int = 1, progress: Progress = SILENT
) -> Context:
    return Context(
        project.folder, settings or project.settings, project.store, project.desk, number, RoundRequest(), progress
    )


class _Bars:
    """A progress that records its bars."""

    def __init__(self) -> None:
        self.totals: list[int | None] = []
        self.advanced: list[int] = []

    def bar(self, description: str, total: int | None = None, unit: str = "") -> _Bars:
        self.totals.append(total)
        self.advanced.append(0)
        return self

    def say(self, text: str) -> None:
        pass

    def note(self, text: str) -> None:
        pass

    def advance(self, amount: int = 1) -> None:
        self.advanced[-1] += amount

    def __enter__(self) -> _Bars:
        return self

    def __exit__(self, *error: object) -> None:
        pass


def versions_of(project: Project, number: int = 1) -> list[str]:
    with project.store.read() as session:
        return [model.version for model in models_of(session, number).values()]


@pytest.mark.slow
def test_each_arm_is_measured_as_it_is_and_under_each_condition(project: Project) -> None:
    with project.store.read() as session:
        assert session.get_one(StepRow, (1, "evaluate")).counts["uncased"] is True
    versions = versions_of(project)
    assert len(versions) == 2
    with project.store.read() as session:
        for version in versions:
            clean = document_counts_of(session, version)
            changed = robustness_of(session, version)
            assert list(changed) == sorted(CONDITIONS)
            assert len(clean) == 6
            for counts in changed.values():
                assert counts.keys() == clean.keys()
                # the mentions that are to be found are as many as before
                assert {key: tp + fn for key, (tp, _, fn) in counts.items()} == {
                    key: tp + fn for key, (tp, _, fn) in clean.items()
                }
            overall = evaluation(session, version)[None]
            bins = reliability_of(session, version)
            assert [row.bin for row in bins] == list(range(10))
            assert sum(row.count for row in bins) == overall.true_positives + overall.false_positives > 0
            assert sum(row.right for row in bins) == overall.true_positives
            assert all(row.bin / 10 * row.count <= row.confidence <= (row.bin + 1) / 10 * row.count for row in bins)
        assert any(robustness_of(session, v)["typos"] != document_counts_of(session, v) for v in versions)


@pytest.mark.slow
def test_without_robustness_only_the_documents_as_they_are_are_measured(tmp_path: Path, tiny_encoder: Path) -> None:
    settings = settings_for(tiny_encoder, evaluation={"robustness": False})
    with make_project(tmp_path / "trial", settings) as project:
        project.round()
        project.round()
        version, _ = versions_of(project)
        with project.store.read() as session:
            assert robustness_of(session, version) == {}
            assert len(reliability_of(session, version)) == 10
            assert len(document_counts_of(session, version)) == 6


@pytest.mark.slow
def test_the_documents_are_changed_in_the_same_way_in_every_round(project: Project) -> None:
    with project.store.read() as session:
        held_out = held_out_documents(session, project.settings)
    first, second = (evaluate._changed(context_of(project, number=number), held_out) for number in (1, 5))
    assert first == second
    other = project.settings.model_copy(update={"seed": project.settings.seed + 1})
    third = evaluate._changed(context_of(project, other), held_out)
    for condition in CONDITIONS:
        assert third[condition] != first[condition]


def test_a_model_is_loaded_once(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []
    load = Tagger.load.__func__

    def counted(cls: type[Tagger], folder: Path, device: Device | None = None) -> Tagger:
        loaded.append(folder.name)
        return load(cls, folder, device)

    monkeypatch.setattr(Tagger, "load", classmethod(counted))
    bars = _Bars()
    evaluate.run(context_of(project, progress=bars))
    assert sorted(loaded) == sorted(versions_of(project))
    assert (bars.totals, bars.advanced) == ([24, 24], [24, 24])


def test_nothing_is_written_before_the_step_is_done(project: Project) -> None:
    version, _ = versions_of(project)
    with project.store.write() as session:
        replace_robustness(session, version, [])
        replace_reliability(session, version, [])
    finish = evaluate.run(context_of(project))
    with project.store.read() as session:
        assert robustness_of(session, version) == {}
        assert reliability_of(session, version) == []
    with project.store.write() as session:
        finish(session)
    with project.store.read() as session:
        assert list(robustness_of(session, version)) == sorted(CONDITIONS)
        assert len(reliability_of(session, version)) == 10


def test_confidences_of_the_bins_are_those_of_the_clean_predictions(project: Project) -> None:
    version, _ = versions_of(project)
    with project.store.read() as session:
        held_out = held_out_documents(session, project.settings)
        bins = reliability_of(session, version)
    tagger = Tagger.load(project.folder / "models" / version)
    documents = [example.document for example in held_out.values()]
    predicted = {prediction.document_id: prediction.entities for prediction in tagger.predict(documents)}
    gold = {example.document.id: example.entities for example in held_out.values()}
    assert [(b.count, b.confidence, b.right) for b in reliability(gold, predicted, tagger.labels)] == [
        (row.count, row.confidence, row.right) for row in bins
    ]
