"""A borrowed start from other guidelines is given up, by real trainings on the project's own answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from biorat_al.corpus.formats.jsonl import write_jsonl
from biorat_al.corpus.model.document import Record
from biorat_al.corpus.sources import Sources
from biorat_al.project import Project
from biorat_al.rounds.borrowing.start import StartDecision
from biorat_al.store.models import models_of
from tests.support.rounds import demo_files, related_records, settings_for

POOL, TEST, ANSWERED = 40, 6, 24

BOTH = {"Chemical": "Chemical", "Disease": "Disease"}

QUICK = {"arms": ["none"], "selecting_arm": "none", "epochs": 1, "min_steps": 20, "batch_size": 8}
"""Steps in which the very small encoder learns these documents, but no more than that."""


def labelled(record: Record, names: Mapping[str, str]) -> Record:
    """Return a document whose mentions have other labels; those of labels without another are left out."""
    assert record.annotation is not None
    entities = tuple(
        replace(entity, label=names[entity.label]) for entity in record.annotation.entities if entity.label in names
    )
    return record._replace(annotation=replace(record.annotation, entities=entities, relations=()))


def second_round(folder: Path, encoder: Path, theirs: Mapping[str, str], ours: Mapping[str, str]) -> StartDecision:
    """Borrow documents with labels of theirs, answer some with ours, and return where the models of round 1 begin."""
    records = related_records(100)
    others = [labelled(record, theirs) for record in records[POOL + TEST :]]
    pool, test = demo_files(folder / "files", pool=POOL, test=TEST, records=[labelled(one, ours) for one in records])
    write_jsonl(folder / "others.jsonl", others)
    settings = settings_for(
        encoder,
        entities=[{"name": name} for name in sorted(set(ours.values()))],
        training=QUICK | {"learning_rate": 5e-3},
        borrow={"epochs": 6, "batch_size": 8},
        selection={"size": ANSWERED, "seed_strategy": "random"},
        evaluation={"robustness": False},
    )
    sources = Sources([pool], [test], gold=True, borrow=[folder / "others.jsonl"])
    with Project.init(folder / "trial", settings, sources)[0] as project:
        project.round()
        decision = StartDecision.of_values(project.round().step("train").counts["start"])
        with project.store.read() as session:
            assert ("start" in models_of(session, 1)["none"].summary) is decision.borrowed
    assert decision.comparison is not None
    assert decision.comparison.documents == ANSWERED
    return decision


@pytest.mark.slow
@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        pytest.param({"Chemical": "Disease", "Disease": "Chemical"}, BOTH, id="swapped labels"),
        pytest.param({"Chemical": "Disease"}, {"Disease": "Disease"}, id="chemicals for diseases"),
    ],
)
def test_a_start_with_labels_that_mean_something_else_is_given_up(
    tmp_path: Path, tiny_encoder: Path, theirs: Mapping[str, str], ours: Mapping[str, str]
) -> None:
    decision = second_round(tmp_path, tiny_encoder, theirs, ours)
    assert decision.comparison is not None
    assert decision.comparison.base > decision.comparison.borrowed
    assert decision.comparison.high < 0
    assert not decision.borrowed


@pytest.mark.slow
def test_a_start_with_the_same_guidelines_is_kept(tmp_path: Path, tiny_encoder: Path) -> None:
    decision = second_round(tmp_path, tiny_encoder, BOTH, BOTH)
    assert decision.borrowed
