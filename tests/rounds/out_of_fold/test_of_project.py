"""An audit of a project with models that have not learnt from the documents that they read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from biorat_al.corpus.model.document import Annotation, Document, Entity, Span
from biorat_al.errors import NothingToDoYet, UsageError
from biorat_al.learner.entities import cross_fitting
from biorat_al.learner.types import Example
from biorat_al.people.audit.predictions import WordChances
from biorat_al.progress import Bar, SilentProgress
from biorat_al.project import Project
from biorat_al.rounds.borrowing.start import START, StartDecision
from biorat_al.rounds.out_of_fold.cross_fit import word_scaling
from biorat_al.rounds.out_of_fold.of_project import read_out_of_fold
from biorat_al.store.documents import test_documents as those_of_the_test_set
from biorat_al.store.rounds import steps_of
from biorat_al.store.tables import DocumentRow
from tests.people.factories import add_answer
from tests.support.commands import call
from tests.support.rounds import make_project, settings_for
from tests.support.settling import change_answer


class Heard(SilentProgress):
    """A receiver that keeps what it is told."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.bars: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def bar(self, description: str, *given: Any, **more: Any) -> Bar:
        self.bars.append(description)
        return super().bar(description, *given, **more)


@pytest.fixture
def project(tmp_path: Path, tiny_encoder: Path) -> Iterator[Project]:
    """Provide a project in which twelve documents are answered, and four test documents have gold."""
    with make_project(tmp_path / "trial", settings_for(tiny_encoder), pool=20, test=4) as made:
        made.round(size=12)
        made.round(size=1)
        yield made


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[tuple[set[str], set[str]]]:
    """Return for each model that is trained the ids of the documents that it learns from, and of those it reads."""
    found: list[tuple[set[str], set[str]]] = []
    read = cross_fitting.read_held_out

    def noted(learn: Sequence[Example], held_out: Sequence[Document], *given: Any, **more: Any) -> Any:
        found.append(({one.document.id for one in learn}, {one.id for one in held_out}))
        return read(learn, held_out, *given, **more)

    monkeypatch.setattr(cross_fitting, "read_held_out", noted)
    return found


@pytest.mark.slow(30)
def test_each_document_is_read_once_by_a_model_that_has_not_learnt_from_it_and_not_again(
    project: Project, trained: list[tuple[set[str], set[str]]]
) -> None:
    heard = Heard()
    audit = project.audit(folds=3, progress=heard)
    assert (audit.folds, audit.predicted, audit.documents) == (3, 16, 16)
    assert len(trained) == 3
    assert all(not learnt & read for learnt, read in trained)
    assert sum(len(read) for _, read in trained) == len(set[str]().union(*(read for _, read in trained))) == 16
    with project.store.read() as session:
        of_the_test_set = those_of_the_test_set(session, [key for _, read in trained for key in read])
    assert len(of_the_test_set) == 4
    assert all(not learnt & of_the_test_set for learnt, _ in trained)
    assert all(len(learnt) >= 6 for learnt, _ in trained)
    assert "Training 3 models for the audit" in heard.said[0]
    assert {f"training without part {number} of 3" for number in (1, 2, 3)} <= set(heard.bars)
    # nothing of the models is left, and what they have read is used again
    assert not list((project.folder / "models").glob(".partial-*"))
    again = Heard()
    assert project.audit(folds=3, progress=again) == audit
    assert (len(trained), again.said, again.bars) == (3, [], [])
    assert project.audit().folds == 0

    # damage costs a training, a changed answer those of the models that have learnt from it or read it
    damaged, *_ = sorted((project.folder / "audit").glob("*.npz"))
    damaged.write_bytes(b"nothing")
    assert project.audit(folds=3) == audit
    assert len(trained) == 4
    (key, *_) = sorted(trained[0][0])
    change_answer(project, key, "oracle", Annotation())
    project.audit(folds=3)
    assert len(trained) == 6
    assert len(list((project.folder / "audit").glob("*.npz"))) == 3


@pytest.mark.slow
def test_a_borrowed_start_that_is_lost_is_said(project: Project) -> None:
    with project.store.write() as session:
        step = next(step for step in steps_of(session, 1) if step.name == "train")
        step.counts = {**step.counts, START: StartDecision("borrowed-0").as_dict()}
    heard = Heard()
    assert project.audit(folds=2, progress=heard).folds == 2
    assert "borrowed-0, is missing or was changed; the audit's models begin from the base encoder" in heard.said[0]


def test_what_cannot_be_cut_is_said_in_a_sentence(project: Project, tmp_path: Path, tiny_encoder: Path) -> None:
    with pytest.raises(UsageError, match="40 folds need at least 40 annotated documents; there are 16"):
        project.audit(folds=40)
    outcome = call("audit", "--folds", "1", "--project", project.folder)
    assert outcome.code == 2
    with make_project(tmp_path / "new", settings_for(tiny_encoder), pool=6, test=3) as new:
        assert read_out_of_fold(new.folder, new.settings, new.store, None).predicted == {}
        with pytest.raises(NothingToDoYet, match="no document that models learn from"):
            new.audit(folds=2)
        with new.store.write() as session:
            key = session.scalars(select(DocumentRow.key).where(DocumentRow.split == "pool")).first()
            add_answer(session, str(key), "ann@example.org", Annotation())
        with pytest.raises(UsageError, match=r"only one of 2 parts has documents that models learn from \(1 in all\)"):
            new.audit(folds=2)


@pytest.mark.slow(10)
def test_the_command_says_how_many_models_there_were(project: Project) -> None:
    outcome = call("audit", "--folds", "2", "--project", project.folder)
    assert outcome.code == 0, outcome
    assert "16 documents compared with 2 models" in " ".join(outcome.out.split())
    found = json.loads(call("audit", "--folds", "2", "--json", "--project", project.folder).out)
    assert (found["folds"], found["predicted"]) == (2, 16)


def test_words_are_calibrated_by_what_is_annotated() -> None:
    generator = np.random.default_rng(3)
    true = generator.random((4000, 1))
    right = generator.random((4000, 1)) < true
    # a model that is twice as sure as it should be
    odds = np.log(true / (1 - true)) * 2
    chances = WordChances(("Disease",), np.arange(4000) * 5, np.arange(4000) * 5 + 4, 1 / (1 + np.exp(-odds)))
    entities = tuple(
        Entity(f"T{place}", "Disease", (Span(5 * int(place), 5 * int(place) + 4),)) for place in np.flatnonzero(right)
    )
    example = Example(Document("d", "word " * 4000), entities)
    scaling = word_scaling([(chances, example)])
    assert scaling.temperature == pytest.approx(2, rel=0.1)
    assert np.abs(scaling.apply(chances.inside) - true).mean() < 0.02
    # nobody was asked, so that nothing is known
    unasked = replace(example, unasked=replace(example.unasked, labels=frozenset({"Disease"})))
    assert word_scaling([(chances, unasked)]) == word_scaling([])
