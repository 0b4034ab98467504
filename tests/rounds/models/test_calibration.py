"""A model is calibrated on what the one before it proposed in documents that were annotated since."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from biorat_al.corpus.model.document import Entity, Span
from biorat_al.learner.scaling import OF_A_COMMITTEE, OF_ONE_MODEL, Scaling, fit_scaling
from biorat_al.project import Project
from biorat_al.rounds.context import Context, RoundRequest
from biorat_al.rounds.models import calibration
from biorat_al.rounds.steps.learnt import training_examples
from biorat_al.store.annotations import entity_values
from biorat_al.store.models import models_of
from biorat_al.store.tables import PredictionRow
from tests.support.rounds import make_project, settings_for

TRAINING: dict[str, Any] = {"committee": True, "dev_share": 0.0, "epochs": 1, "min_steps": 3, "batch_size": 4}


@pytest.fixture
def project(tmp_path: Path, tiny_encoder: Path) -> Any:
    with make_project(tmp_path / "trial", settings_for(tiny_encoder, training=TRAINING)) as project:
        project.round()
        yield project


def context_of(project: Project, number: int) -> Context:
    return Context(project.folder, project.settings, project.store, project.desk, number, RoundRequest())


@pytest.mark.slow
def test_until_there_are_answers_the_default_scaling_is_used(project: Project) -> None:
    report = project.round()
    assert report.step("train").counts["calibrated_on"] == 0
    with project.store.read() as session:
        models = models_of(session, 1)
    assert Scaling.of(models["committee"].summary) == OF_A_COMMITTEE
    assert Scaling.of(models["rat"].summary) == OF_ONE_MODEL
    assert models["rat"].summary["dev_documents"] == 0, "a document was kept back from training"


@pytest.mark.slow
def test_the_scaling_that_made_the_answers_is_found(project: Project) -> None:
    """Proposals are put in the place of the model's, so that the truth is known."""
    project.round()
    generator = np.random.default_rng(2)
    with project.store.write() as session:
        model = models_of(session, 1)["committee"]
        model.summary = {**model.summary, "temperature": 2.0, "offset": 0.5}
    project.round()  # answers to what round 1 asked for
    examples = training_examples(context_of(project, 2))
    probabilities, right = [], []
    with project.store.write() as session:
        by_key = {example.document.id: example for example in examples}
        rows = list(session.scalars(select(PredictionRow).where(PredictionRow.model_version == model.version)))
        for row in rows:
            example = by_key.get(_key(session, row.document_id))
            if example is None:
                continue
            proposed = []
            for entity in example.entities:
                p = float(generator.uniform(0.05, 0.95))
                hit = bool(generator.random() < Scaling(1.6, -0.5).apply(p))
                spans = entity.spans if hit else (Span(entity.start, entity.start + 1),)
                proposed.append(Entity(entity.id, entity.label, spans, score=float(Scaling(2.0, 0.5).apply(p))))
                probabilities.append(p)
                right.append(hit)
            row.entities = [entity_values(one) for one in proposed]
    assert len(probabilities) > 20
    found = calibration.from_answers(context_of(project, 2), examples)
    assert found.mentions == len(probabilities)
    assert found.scaling == pytest.approx(fit_scaling(probabilities, right, OF_A_COMMITTEE), rel=0.02)
    assert found.documents == 6
    # each proposal has one annotated mention, so F1 is the share of those that are right, all mentions being different
    assert found.f1 == pytest.approx(np.mean(right), abs=0.1)


@pytest.mark.slow
def test_a_model_that_selects_is_calibrated_on_answers(project: Project) -> None:
    project.round()
    with project.store.write() as session:
        version = models_of(session, 1)["committee"].version
        for row in session.scalars(select(PredictionRow).where(PredictionRow.model_version == version)):
            row.entities = [entity_values(Entity("T1", "Disease", (Span(0, 3),), score=0.9))]
    report = project.round()
    mentions = report.step("train").counts["calibrated_on"]
    assert mentions == 6, "one in each document that was annotated since"
    assert report.step("train").counts["last_model"] == {"documents": 6, "f1": 0.0}
    with project.store.read() as session:
        models = models_of(session, 2)
    sure = Scaling.of(models["committee"].summary).apply([0.9])
    assert sure < OF_A_COMMITTEE.apply([0.9]) - 0.1, "nine in ten were expected to be right, and none was"
    assert Scaling.of(models["none"].summary) == OF_ONE_MODEL


def _key(session: Any, row_id: int) -> str:
    from biorat_al.store.tables import DocumentRow

    return session.get_one(DocumentRow, row_id).key
