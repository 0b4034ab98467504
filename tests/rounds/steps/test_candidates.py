"""Of a pool that is too large to be predicted as a whole, a random sample and what is likely to be chosen is."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import delete, select

from biorat_al.presentation.round import round_text
from biorat_al.project import Project
from biorat_al.rounds.context import Context, RoundRequest
from biorat_al.rounds.runner import RoundReport
from biorat_al.rounds.steps import candidates, predict
from biorat_al.rounds.steps.select import FRAME
from biorat_al.store.models import models_of, predicted_documents, predictions
from biorat_al.store.picks import never_asked_documents, picks_of
from biorat_al.store.tables import PredictionRow, TaskRow
from tests.support.rounds import make_project, picture_of, run_killed, settings_for

SELECTION: dict[str, Any] = {"size": 3, "score_all": 20, "candidates": 12, "at_random": 0.25}


def project_in(folder: Path, encoder: Path, **selection: Any) -> Project:
    return make_project(folder / "trial", settings_for(encoder, selection=SELECTION | selection), pool=40, test=3)


def context_of(project: Project, number: int, **request: Any) -> Context:
    return Context(project.folder, project.settings, project.store, project.desk, number, RoundRequest(**request))


def of_version(project: Project, report: RoundReport) -> tuple[set[int], list[int]]:
    """Return what the model of a round has predicted, and what the round picked."""
    with project.store.read() as session:
        version = report.step("predict").counts["model"]
        picked = [pick.document_id for pick in picks_of(session, report.number)]
        return predicted_documents(session, version), picked


@pytest.mark.slow
def test_a_part_is_predicted_and_chosen_from_and_the_rest_keeps_its_older_predictions(
    tmp_path: Path, tiny_encoder: Path
) -> None:
    with project_in(tmp_path, tiny_encoder) as project:
        project.round()
        first = project.round()
        counts = first.step("predict").counts
        assert (counts["documents"], counts["of"], counts["sample"]["documents"]) == (12, 37, 3)
        assert first.step("select").counts["candidates"] == 12
        assert "12 of 37 documents, 3 of them drawn at random" in " ".join(
            round_text(first, project.status(ask_desk=False)).split()
        )
        predicted, picked = of_version(project, first)
        assert len(predicted) == 12
        assert set(picked) < predicted
        second = project.round()
        newer, picked = of_version(project, second)
        assert set(picked) < newer
        version = second.step("predict").counts["model"]
        with project.store.read() as session:
            kept = set(session.scalars(select(PredictionRow.document_id).where(PredictionRow.model_version != version)))
            free = set(never_asked_documents(session, without_gold=False))
            shown = set(session.scalars(select(TaskRow.shown_version).where(TaskRow.round_number == 2)))
        # nobody is shown what an older model said
        assert shown == {version}
        assert kept & free == (predicted - newer) & free
        assert kept & free


@pytest.mark.slow
def test_the_likeliest_by_a_guess_from_the_sample_are_predicted(tmp_path: Path, tiny_encoder: Path) -> None:
    with project_in(tmp_path, tiny_encoder, candidates=16, at_random=0.5) as project:
        project.round()
        report = project.round()
        context = context_of(project, 1)
        with project.store.read() as session:
            version = models_of(session, 1)["rat"].version
            targets = sorted(
                set(never_asked_documents(session, without_gold=False)) | set(of_version(project, report)[1])
            )
        with project.store.write() as session:
            # as they were before the round had pushed anything
            session.execute(delete(TaskRow).where(TaskRow.round_number == 1))
        part = candidates.draw(context, targets)
        assert part is not None
        assert (len(part.sample), len(part.others), part.number) == (8, 29, 8)
        likely = candidates.likeliest(context, version, part)
        assert sorted({*part.sample, *likely}) == sorted(of_version(project, report)[0])
        assert likely == sorted(likely)
        assert not set(likely) & set(part.sample)


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["random", "core-set"])
def test_what_follows_no_measure_chooses_as_from_a_random_sample(
    tmp_path: Path, tiny_encoder: Path, strategy: str
) -> None:
    with project_in(tmp_path, tiny_encoder, strategy=strategy, size=8, candidates=24) as project:
        project.round()
        report = project.round()
        predict_counts, select_counts = report.step("predict").counts, report.step("select").counts
        assert predict_counts["documents"] == predict_counts["sample"]["documents"] == 24
        predicted, picked = of_version(project, report)
        # what was picked without a prediction got one before it was shown
        assert set(picked) <= predicted
        with project.store.read() as session:
            shown = set(session.scalars(select(TaskRow.shown_version).where(TaskRow.round_number == 1)))
        assert shown == {predict_counts["model"]}
        if strategy == "random":
            assert select_counts["of"] == 32
            assert "candidates" not in select_counts
            assert select_counts[FRAME]["words"] == predict_counts["sample"]["words"] > 0
            assert len(predicted) > 24, "some of the picks were not in the sample"
        else:
            assert select_counts["candidates"] == 24


def test_a_pool_up_to_the_size_is_predicted_as_a_whole(project: Project) -> None:
    context = context_of(project, 1)
    targets = list(range(1, 41))
    for largest, whole in ((40, True), (39, False)):
        selection = context.settings.selection.model_copy(update={"score_all": largest, "candidates": 20})
        context.settings = context.settings.model_copy(update={"selection": selection})
        assert (candidates.draw(context, targets) is None) is whole
    # three times the batch must be there to choose from
    assert candidates.draw(context_of(project, 1, size=14), targets) is None


def test_every_round_draws_another_sample_and_the_same_one_again(project: Project) -> None:
    selection = project.settings.selection.model_copy(update=SELECTION)
    project.settings = project.settings.model_copy(update={"selection": selection})
    draws = [candidates.draw(context_of(project, number), range(1, 41)) for number in (1, 1, 2)]
    samples = [part.sample for part in draws if part is not None]
    assert samples[0] == samples[1] != samples[2]


@pytest.mark.slow
def test_a_round_that_is_killed_predicts_and_picks_the_same(tmp_path: Path, tiny_encoder: Path) -> None:
    with project_in(tmp_path / "undisturbed", tiny_encoder, strategy="fluctuation") as project:
        project.round()
        project.round()
    undisturbed = tmp_path / "undisturbed" / "trial"
    killed = Path(shutil.copytree(undisturbed, tmp_path / "killed"))
    assert run_killed(undisturbed) == 0
    moments = ("after:likeliest", "worked:predict", "writing:predict", "after:predict", "writing:select")
    for moment in moments:
        assert run_killed(killed, moment) == -9, moment
    assert run_killed(killed) == 0
    pictures = []
    for folder in (undisturbed, killed):
        with Project.open(folder) as project:
            pictures.append(picture_of(project))
    assert pictures[0] == pictures[1]


@pytest.mark.slow
def test_settings_that_change_while_a_pool_is_predicted_leave_what_is_done(
    tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with project_in(tmp_path, tiny_encoder) as project:
        project.round()
        with monkeypatch.context() as patched:
            patched.setattr(predict, "about_sample", _cut_off)
            with pytest.raises(RuntimeError, match="power cut"):
                project.round()
        selection = project.settings.selection.model_copy(update={"score_all": 1000})
        project.settings = project.settings.model_copy(update={"selection": selection})
        report = project.round()
        assert "sample" not in report.step("predict").counts
        assert len(of_version(project, report)[0]) == report.step("predict").counts["documents"] == 37


def _cut_off(*arguments: object) -> None:
    raise RuntimeError("power cut")


@pytest.mark.slow
def test_the_first_part_does_not_count_what_is_not_of_it_for_stopping(tmp_path: Path, tiny_encoder: Path) -> None:
    with project_in(tmp_path, tiny_encoder) as project:
        project.round()
        report = project.round()
        with project.store.read() as session:
            version = report.step("predict").counts["model"]
            part = candidates.draw(context_of(project, 1), sorted(_targets_before(project, report)))
            assert part is not None
            rows = predictions(session, version, part.sample).values()
            mean = float(np.mean([row.confidence for row in rows]))
        assert report.step("predict").counts["uncertainty"] == pytest.approx(1 - mean)


def _targets_before(project: Project, report: RoundReport) -> set[int]:
    """Return what had no answer before the round pushed anything; its tasks are deleted, so that they are not open."""
    picked = of_version(project, report)[1]
    with project.store.write() as session:
        free = set(never_asked_documents(session, without_gold=False))
        session.execute(delete(TaskRow).where(TaskRow.round_number == report.number))
    return free | set(picked)
