"""What annotators wait for comes first in a round; an earlier version's round ends in the order it was begun with."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from biorat_al.desk.oracle import OracleDesk
from biorat_al.errors import NotEnoughLabelsError
from biorat_al.presentation.round import round_text
from biorat_al.presentation.status import status_text
from biorat_al.project import Project
from biorat_al.rounds import runner
from biorat_al.rounds.pre_labels.choice import LEAST, MEASURED
from biorat_al.rounds.steps import train
from biorat_al.store.evaluations import document_counts_of
from biorat_al.store.models import models_of
from biorat_al.store.rounds import steps_of
from biorat_al.store.tables import StepRow, TaskRow
from tests.rounds.pre_labels.test_first_batch import demo_dictionary, project_with
from tests.rounds.test_runner import Said, cut_off
from tests.support.rounds import USUAL_STEPS, make_project, picture_of, run_killed, settings_for

COMPARED_FIRST = ["pull", "train", "compare", "predict", "select", "push", "evaluate"]
EVALUATED_FIRST = ["pull", "train", "evaluate", "predict", "select", "push"]
"""The order of rounds with files or dictionaries in an earlier version."""


def _noted(project: Project, monkeypatch: pytest.MonkeyPatch, **request: Any) -> list[str]:
    """Run a round, and return the names of the steps that did something, in order."""
    ran: list[str] = []
    with monkeypatch.context() as patched:
        for name, step in list(runner.STEPS.items()):
            patched.setitem(runner.STEPS, name, lambda context, name=name, step=step: ran.append(name) or step(context))
        project.round(**request)
    return ran


def _picture(folder: Path) -> Any:
    with Project.open(folder) as project:
        return picture_of(project)


def _undisturbed_and_killed(folders: Sequence[Path], moment: str) -> None:
    """Copy a project, let the next round of the first end, and kill that of the second at a moment."""
    shutil.copytree(*folders)
    assert run_killed(folders[0]) == 0
    assert run_killed(folders[1], moment) == -9


def _states(project: Project, number: int) -> dict[str, str]:
    with project.store.read() as session:
        return {step.name: step.state for step in steps_of(session, number)}


def test_tasks_are_there_before_anything_is_measured(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _noted(project, monkeypatch) == USUAL_STEPS
    assert list(_states(project, 0)) == USUAL_STEPS


@pytest.mark.slow
def test_a_round_that_stops_at_its_tasks_is_finished_by_the_next_call_with_the_same_result(
    project: Project, tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.round()
    report = project.round(until_pushed=True)
    assert [step.name for step in report.steps if step.state == "pending"] == ["evaluate"]
    assert project._desk is not None
    assert isinstance(project._desk, OracleDesk)
    with project.store.read() as session:
        tasks = session.scalars(select(TaskRow).where(TaskRow.round_number == 1)).all()
    assert [task.state for task in tasks] == ["open"] * 6
    text = status_text(project.status(ask_desk=False))
    assert "Round 1 has given annotators their tasks; to do the rest of it: biorat-al round" in text
    said = Said()
    assert _noted(project, monkeypatch, progress=said) == ["evaluate"]
    assert said.lines == ["Round 1 has given annotators their tasks; the rest of it is done now."]
    assert set(_states(project, 1).values()) == {"done"}
    with make_project(tmp_path / "other" / "trial", settings_for(tiny_encoder)) as other:
        other.round()
        other.round()
        assert picture_of(other) == picture_of(project)


@pytest.mark.slow
def test_a_round_of_an_earlier_version_ends_in_its_own_order(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.round()
    cut_off(project, "predict", monkeypatch)
    with project.store.write() as session:
        for place, name in enumerate(EVALUATED_FIRST):
            session.get_one(StepRow, (1, name)).position = place
    assert _noted(project, monkeypatch) == ["evaluate", "predict", "select", "push"]
    assert _noted(project, monkeypatch) == USUAL_STEPS


@pytest.mark.slow
def test_where_the_test_documents_decide_who_pre_labels_they_are_read_before_the_push(
    tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    option = demo_dictionary(tmp_path / "diseases.tsv")
    project, _ = project_with(tmp_path / "trial", settings_for(tiny_encoder), dictionaries=[option])
    with project:
        assert _noted(project, monkeypatch) == COMPARED_FIRST
        # a round that waits for annotators takes the order of the settings that it goes on with
        with_dictionary = project.settings
        project.settings = with_dictionary.model_copy(update={"dictionary": ()})
        cut_off(project, "pull", monkeypatch)
        assert list(_states(project, 1)) == USUAL_STEPS
        project.settings = with_dictionary
        assert _noted(project, monkeypatch) == COMPARED_FIRST


@pytest.fixture
def with_dictionary(tmp_path: Path, tiny_encoder: Path) -> Iterator[Project]:
    """A project with a dictionary, whose first round has been done."""
    option = demo_dictionary(tmp_path / "diseases.tsv")
    settings = settings_for(tiny_encoder)
    project, _ = project_with(tmp_path / "trial", settings, dictionaries=[option], test=LEAST + 2)
    with project:
        project.round()
        yield project


@pytest.mark.slow
def test_annotators_wait_for_the_comparison_alone(with_dictionary: Project) -> None:
    """Not for the other arms, robustness, reliability and relations."""
    report = with_dictionary.round(until_pushed=True)
    states = {step.name: step.state for step in report.steps}
    assert states == {**dict.fromkeys(COMPARED_FIRST, "done"), "evaluate": "pending"}
    assert report.step("train").counts["later"] == ["none"]
    measured = report.step("compare").counts[MEASURED]
    (version,) = (one["version"] for one in measured["measured"])
    assert measured["winner"] == version
    with with_dictionary.store.read() as session:
        assert set(session.scalars(select(TaskRow.shown_version).where(TaskRow.round_number == 1))) == {version}
        assert len(document_counts_of(session, version)) == LEAST + 2
        assert not document_counts_of(session, models_of(session, 1)["rat"].version)
    said = " ".join(round_text(report, with_dictionary.status(ask_desk=False)).split())
    f1, of_model = (100 * measured["measured"][0][name] for name in ("f1", "model_f1"))
    assert f"compare F1 {of_model:.1f} (rat), F1 {f1:.1f} (the dictionary diseases.tsv) on 12 of 12 test" in said
    report = with_dictionary.round()
    # what was compared is what is measured of the same model afterwards
    assert report.step("evaluate").counts["f1"]["rat"] == measured["measured"][0]["model_f1"]
    assert report.step("evaluate").counts["trained"] == ["none"]
    assert report.step("compare").counts[MEASURED] == measured


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["writing:compare", "after:compare"])
def test_a_round_that_dies_around_the_comparison_goes_on_with_the_same_result(
    tmp_path: Path, tiny_encoder: Path, moment: str
) -> None:
    folders = [tmp_path / name for name in ("undisturbed", "killed")]
    option = demo_dictionary(tmp_path / "diseases.tsv")
    project_with(folders[0], settings_for(tiny_encoder), dictionaries=[option])[0].close()
    assert run_killed(folders[0]) == 0
    _undisturbed_and_killed(folders, moment)
    assert run_killed(folders[1]) == 0
    assert _picture(folders[0]) == _picture(folders[1])


@pytest.mark.slow
def test_a_round_of_an_earlier_version_with_a_dictionary_compares_before_the_push(
    with_dictionary: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would have measured everything by then. Where it has, that is what decides."""
    cut_off(with_dictionary, "compare", monkeypatch)
    _as_earlier_versions_did(with_dictionary, 1)
    assert _noted(with_dictionary, monkeypatch) == ["compare", "predict", "select", "push", "evaluate"]

    cut_off(with_dictionary, "predict", monkeypatch)
    with with_dictionary.store.read() as session:
        counts = session.get_one(StepRow, (2, "compare")).counts
    _as_earlier_versions_did(with_dictionary, 2, evaluated=counts)
    assert _noted(with_dictionary, monkeypatch) == ["predict", "select", "push"]
    winner = counts[MEASURED]["winner"]
    assert winner
    with with_dictionary.store.read() as session:
        assert set(session.scalars(select(TaskRow.shown_version).where(TaskRow.round_number == 2))) == {winner}


def _as_earlier_versions_did(project: Project, number: int, evaluated: dict[str, Any] | None = None) -> None:
    """Give a round that was cut off before `predict` the steps that it had in an earlier version.

    :param evaluated: counts of the step ``evaluate``, if that is done.
    """
    with project.store.write() as session:
        session.delete(session.get_one(StepRow, (number, "compare")))
        for place, name in enumerate(EVALUATED_FIRST):
            session.get_one(StepRow, (number, name)).position = place
        step = session.get_one(StepRow, (number, "evaluate"))
        if evaluated is not None:
            step.state, step.counts = "done", {**evaluated, "f1": {}, "uncased": True}


@pytest.mark.slow
def test_without_a_committee_the_other_arms_are_trained_after_the_push_with_the_same_result(
    tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_for(tiny_encoder)
    with make_project(tmp_path / "trial", settings) as project:
        project.round()
        report = project.round(until_pushed=True)
        counts = report.step("train").counts
        assert (list(counts["models"]), counts["later"]) == (["rat"], ["none"])
        said = " ".join(round_text(report, project.status(ask_desk=False)).split())
        assert "arms: rat (after the push: none)" in said
        report = project.round()
        assert report.step("evaluate").counts["trained"] == ["none"]
        assert "evaluate trained none; F1" in " ".join(round_text(report, project.status(ask_desk=False)).split())
        found, counts = picture_of(project), report.step("train").counts
        assert sorted(counts["models"]) == ["none", "rat"]
        assert "later" not in counts
    with make_project(tmp_path / "other" / "trial", settings) as other:
        other.round()
        # as before: all arms, and then the rest of the round
        monkeypatch.setattr(train, "arms_before_push", lambda settings: settings.training.arms)
        report = other.round()
        assert "trained" not in report.step("evaluate").counts
        assert picture_of(other) == found
        assert report.step("train").counts == counts


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["before:evaluate", "after:train_later_arms"])
def test_a_round_that_dies_while_the_other_arms_are_trained_trains_them_once(
    tmp_path: Path, tiny_encoder: Path, moment: str
) -> None:
    folders = [tmp_path / name for name in ("undisturbed", "killed")]
    with make_project(folders[0], settings_for(tiny_encoder)) as project:
        project.round()
    _undisturbed_and_killed(folders, moment)
    with Project.open(folders[1]) as project, project.store.read() as session:
        trained = models_of(session, 1)
        assert set(trained) == ({"rat"} if moment.startswith("before") else {"rat", "none"})
    assert run_killed(folders[1]) == 0
    assert _picture(folders[0]) == _picture(folders[1])


@pytest.mark.slow
def test_answers_that_changed_before_the_other_arms_were_trained_are_told(project: Project) -> None:
    project.round()
    project.round(until_pushed=True)
    with project.store.write() as session:
        row = models_of(session, 1)["rat"]
        row.summary = {**row.summary, "training_data_sha256": "0" * 64}
    (notice,) = project.round().step("evaluate").counts["notices"]
    assert "answers were changed after the model of rat was trained" in notice


def test_a_round_ends_if_the_other_arms_have_nothing_left_to_learn(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody settled or took back the answers between the push and the evaluation."""
    project.round()
    project.round(until_pushed=True)

    def nothing_left(*_: object) -> None:
        raise NotEnoughLabelsError("no document is left")

    monkeypatch.setattr("biorat_al.rounds.steps.train._train_missing", nothing_left)
    report = project.round()
    (notice,) = report.step("evaluate").counts["notices"]
    assert "could not be trained: no document is left" in notice
    assert list(report.step("evaluate").counts["f1"]) == ["rat"]
    assert list(report.step("train").counts["models"]) == ["rat"]


def test_training_that_draws_from_the_pool_comes_before_the_push_for_all_arms(tiny_encoder: Path) -> None:
    settings = settings_for(tiny_encoder)
    assert train.arms_before_push(settings) == ("rat",)
    vat = settings_for(tiny_encoder, adversarial={"attack": "vat", "unlabelled": 2})
    assert train.arms_before_push(vat) == ("rat", "none")
    committee = settings_for(tiny_encoder, training={"committee": True})
    assert train.arms_before_push(committee) == ("rat", "none")
