"""Counts of a round for the stopping criteria, and the verdicts from them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from biorat_al.acquisition.stopping import StoppingAdvice
from biorat_al.project import Project
from biorat_al.rounds.runner import STEPS, RoundReport, round_report
from biorat_al.rounds.steps import predict
from biorat_al.rounds.stopping_advice import pool_counts, stopping_verdicts
from biorat_al.store.store import now
from biorat_al.store.tables import DocumentRow, ModelRow, PredictionRow, RoundRow, StepRow
from tests.support.rounds import make_project, settings_for

Predictions = dict[int, tuple[float, set[tuple[str, int, int]]]]


@pytest.fixture
def project(tmp_path: Path, tiny_encoder: Path) -> Iterator[Project]:
    """Return a project whose models propose mentions."""
    training = {"epochs": 1, "min_steps": 40, "batch_size": 8, "learning_rate": 0.005, "arms": ["none", "rat"]}
    settings = settings_for(tiny_encoder, training=training, evaluation={"robustness": False})
    with make_project(tmp_path / "trial", settings) as project:
        yield project


def predictions_of(project: Project, report: RoundReport) -> Predictions:
    """Return confidence and mentions by document from the round's selecting model."""
    version = report.step("predict").counts["model"]
    with project.store.read() as session:
        rows = session.scalars(select(PredictionRow).where(PredictionRow.model_version == version))
        return {
            row.document_id: (
                row.confidence,
                {(values["label"], *values["spans"][0]) for values in row.entities},
            )
            for row in rows
        }


@pytest.mark.slow
def test_a_round_counts_what_it_stores_even_if_it_is_cut_off(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.round()
    first = project.round()
    before = predictions_of(project, first)
    counts = first.step("predict").counts
    assert counts["uncertainty"] == pytest.approx(fmean(1 - confidence for confidence, _ in before.values()))
    # there is no earlier model
    assert "change" not in counts
    assert [verdict.criterion for verdict in first.verdicts] == ["overall uncertainty"]

    def fail(*arguments: object) -> None:
        raise RuntimeError("power cut")

    with monkeypatch.context() as patched:
        patched.setattr(predict, "forget_predictions", fail)
        with pytest.raises(RuntimeError, match="power cut"):
            project.round()
    second = project.round()
    assert second.resumed
    after = predictions_of(project, second)
    counts = second.step("predict").counts
    assert len(after) == 28
    assert counts["uncertainty"] == pytest.approx(fmean(1 - confidence for confidence, _ in after.values()))
    common = sum(len(before[one][1] & after[one][1]) for one in after)
    assert counts["change"] == pytest.approx(
        1 - 2 * common / sum(len(side[one][1]) for side in (before, after) for one in after)
    )
    assert [verdict.criterion for verdict in second.verdicts] == ["overall uncertainty", "classification change"]


def add_round(
    session: Session, number: int, *, f1: dict[str, float] | None = None, documents: int = 6, **counts: Any
) -> None:
    """Add a round with counts and two models, of which the second selects."""
    session.add(RoundRow(number=number, state="done", request={}, settings={}, program_version="0", started_at=now()))
    session.flush()
    measured: dict[str, dict[str, Any]] = {"evaluate": {"f1": f1, "documents": documents} if f1 else {}}
    for position, name in enumerate(STEPS):
        values = measured.get(name, counts if name == "predict" else {})
        session.add(StepRow(round_number=number, name=name, position=position, state="done", counts=values))
    for arm in ("none", "rat"):
        session.add(
            ModelRow(
                version=f"r{number}-{arm}",
                round_number=number,
                arm=arm,
                selecting=arm == "rat",
                sha256="",
                summary={},
                created_at=now(),
            )
        )
    session.flush()


def add_prediction(session: Session, version: str, document_id: int, confidence: float, *starts: int) -> None:
    entities = [{"id": f"T{n}", "label": "Disease", "spans": [[n, n + 2]], "score": 0.5} for n in starts]
    measures = dict.fromkeys(("least_confidence", "margin", "entropy", "mnlp"), 0.0)
    session.add(
        PredictionRow(
            model_version=version,
            document_id=document_id,
            confidence=confidence,
            tokens=9,
            entities=entities,
            **measures,
        )
    )
    session.flush()


class TestPoolCounts:
    def test_worked_by_hand(self, project: Project) -> None:
        with project.store.write() as session:
            one, two, three = session.scalars(select(DocumentRow.id).order_by(DocumentRow.id).limit(3))
            for number in range(3):
                add_round(session, number)
            # neither an older model nor the other arm counts
            add_prediction(session, "r0-rat", one, 0.1, 1, 2, 3)
            add_prediction(session, "r1-none", one, 0.1, 1, 2, 3)
            for document_id, starts in ((one, (5, 9)), (two, (5,)), (three, (7, 8))):
                add_prediction(session, "r1-rat", document_id, 0.2, *starts)
            for document_id, confidence, starts in ((one, 0.5, (5, 9)), (two, 0.7, (4, 6))):
                add_prediction(session, "r2-rat", document_id, confidence, *starts)
            # the third has been annotated since: 2 in common of 3 and 4
            counts = pool_counts(session, "r2-rat", 2, [one, two])
            assert counts == pytest.approx({"uncertainty": 0.4, "change": 3 / 7})
            # where nothing was predicted the round before, there is nothing to compare
            assert pool_counts(session, "r1-rat", 1, [two, three]) == pytest.approx({"uncertainty": 0.8})

    def test_a_round_without_a_model_is_passed_over(self, project: Project) -> None:
        with project.store.write() as session:
            one = session.scalars(select(DocumentRow.id).limit(1)).one()
            add_round(session, 1)
            add_round(session, 3)
            add_prediction(session, "r1-rat", one, 0.5, 1)
            add_prediction(session, "r3-rat", one, 0.5, 1)
            assert pool_counts(session, "r3-rat", 3, [one]) == pytest.approx({"uncertainty": 0.5, "change": 0.0})

    def test_nothing_is_compared_with_a_round_that_predicted_a_part_of_the_pool(self, project: Project) -> None:
        with project.store.write() as session:
            one, two = session.scalars(select(DocumentRow.id).order_by(DocumentRow.id).limit(2))
            add_round(session, 1, sample={"documents": 1})
            add_round(session, 2)
            add_round(session, 3, sample={"documents": 1})
            for number in (1, 2, 3):
                for row_id in (one, two):
                    add_prediction(session, f"r{number}-rat", row_id, 0.5, number)
            assert pool_counts(session, "r2-rat", 2, [one, two]) == {"uncertainty": 0.5}
            # a random sample against the whole of the round before
            counts = pool_counts(session, "r3-rat", 3, [two], sample=True)
            assert counts == pytest.approx({"uncertainty": 0.5, "change": 1.0})


class TestVerdicts:
    def test_the_curve_is_that_of_the_selecting_arm(self, project: Project) -> None:
        curve = {"rat": [0.50, 0.60, 0.61, 0.614], "none": [0.1, 0.3, 0.5, 0.7]}
        with project.store.write() as session:
            for number in range(4):
                add_round(session, number, f1={arm: f1[number] for arm, f1 in curve.items()}, uncertainty=0.05)
        assert round_report(project.store, 3).verdicts == (
            StoppingAdvice("performance plateau", False, pytest.approx(0.114 / 3)),
            StoppingAdvice("overall uncertainty", True, 0.05),
        )
        # asked about an earlier round, later ones do not count
        assert round_report(project.store, 2).verdicts == (StoppingAdvice("overall uncertainty", True, 0.05),)

    def test_rounds_of_an_older_version_say_nothing(self, project: Project) -> None:
        with project.store.write() as session:
            add_round(session, 0)
            assert stopping_verdicts(session, 0) == ()
