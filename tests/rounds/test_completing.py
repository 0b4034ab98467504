"""Rounds that complete documents of which some sentences are annotated."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import pytest
from sqlalchemy import select

from biorat_al.acquisition.price.answered import answered_work
from biorat_al.acquisition.price.expected import Rates
from biorat_al.corpus.model.document import Annotation, Document, Entity, Relation, Span
from biorat_al.corpus.segments import annotation_within, touches
from biorat_al.efficiency.runs.annotator_work import annotator_work
from biorat_al.errors import NothingToDoYet, UsageError
from biorat_al.project import Project
from biorat_al.rounds.completing import COMPLETING, completable, expected_missed, pre_labels, words_left
from biorat_al.rounds.context import RoundRequest
from biorat_al.store.annotations import entity_from_values
from biorat_al.store.answers import gold_annotations
from biorat_al.store.documents import document_keys, documents_by_id
from biorat_al.store.models import predictions
from biorat_al.store.parts.segments import answered_spans
from biorat_al.store.parts.wholeness import answered_pool
from biorat_al.store.picks import picks_of
from biorat_al.store.tables import TaskRow
from tests.support.rounds import make_project, picture_of, run_killed, settings_for


def mention(ident: str, start: int, end: int, label: str = "Disease", score: float | None = None) -> Entity:
    return Entity(ident, label, (Span(start, end),), score=score)


def test_pre_labels_are_the_answers_where_there_are_any_and_predictions_elsewhere(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, relations=[{"name": "treats", "head": "Chemical", "tail": "Disease"}])
    # "Asthma one. Cough two. Ache three."
    answered = Annotation(
        (mention("P1", 0, 5), mention("P2", 6, 9, "Chemical"), mention("P3", 0, 9, "Gone")),
        (Relation("R1", "treats", "P2", "P1"), Relation("R2", "treats", "P2", "P3")),
    )
    predicted = Annotation(
        (
            mention("P1", 0, 6, score=0.5),
            mention("P2", 7, 13, "Chemical", score=0.4),
            mention("P3", 12, 22, score=0.3),
            mention("P4", 24, 28, score=0.2),
        ),
        (Relation("R1", "treats", "P2", "P4"), Relation("R2", "treats", "P4", "P1")),
    )
    found = pre_labels([(Span(12, 22), answered)], predicted, settings)
    # the second and the third prediction touch the annotated sentence
    assert [(one.id, one.label, one.spans[0], one.score) for one in found.entities] == [
        ("P1", "Disease", (0, 6), 0.5),
        ("P2", "Disease", (12, 17), 1.0),
        ("P3", "Chemical", (18, 21), 1.0),
        ("P4", "Disease", (24, 28), 0.2),
    ]
    assert [(one.id, one.head, one.tail) for one in found.relations] == [("R1", "P3", "P2"), ("R2", "P4", "P1")]
    assert pre_labels([(Span(12, 22), answered)], found, settings) == found


def test_mentions_are_expected_only_where_nobody_has_annotated() -> None:
    document = Document("d", "Asthma one. Cough two. Ache three.")
    predicted = [mention("P1", 0, 6, score=0.5), mention("P2", 12, 17, score=0.9), mention("P3", 23, 27, score=1.0)]
    rates = Rates(changed=0.5, missed=0.2, per_word=0.1)
    # 1.5 right ones, a fifth of that missed, half of the 0.5 wrong ones changed
    assert expected_missed(words_left(document, [Span(12, 22)]), [Span(12, 22)], predicted, rates) == pytest.approx(
        1.5 + 0.3 + 0.25
    )
    assert expected_missed(words_left(document, [Span(12, 22)]), [Span(12, 22)], None, rates) == pytest.approx(4 * 0.1)
    assert expected_missed(words_left(document, [Span(0, 34)]), [Span(0, 34)], predicted, rates) == 0


@pytest.mark.parametrize("other", [{"strategy": "random"}, {"unit": "sentence"}, {"tokens": 100}])
def test_completing_excludes_other_ways_to_choose(other: dict) -> None:
    with pytest.raises(UsageError, match=f"--complete and --{next(iter(other))} exclude each other"):
        RoundRequest(complete=True, **other)
    assert RoundRequest.from_dict({"size": 3, "partial": False}) == RoundRequest(size=3)


@pytest.mark.slow
def test_begun_documents_are_asked_for_with_what_is_known_of_them(tmp_path: Path, tiny_encoder: Path) -> None:
    settings = settings_for(tiny_encoder, selection={"size": 3, "unit": "sentence"})
    with make_project(tmp_path / "trial", settings, pool=12, test=3) as project:
        with pytest.raises(NothingToDoYet, match="no document can be completed"):
            project.round(complete=True)
        project.round()
        report = project.round(complete=2)
        assert report.step("select").counts["strategy"] == COMPLETING
        version = report.step("train").counts["models"]["rat"]
        check_batch(project, version)
        assert project.plan(complete=True).budget == "3 documents"
        project.round(complete=True)
        with project.store.read() as session:
            counts = answered_pool(session, with_gold=False).wholeness(12)
            # every begun document was asked for by now
            asked = len(session.scalars(select(TaskRow).where(TaskRow.role == "pool")).all())
            assert counts.whole == 2
            assert counts.whole + counts.begun >= asked > 2
            check_work(project, version)


def check_batch(project: Project, version: str) -> None:
    """Check the two documents of the batch, and what they are shown with."""
    with project.store.read() as session:
        picks = picks_of(session, 1)
        ids = [pick.document_id for pick in picks]
        tasks = {row.document_id: row for row in session.scalars(select(TaskRow).where(TaskRow.role == "pool"))}
        annotated, documents = answered_spans(session, ids), documents_by_id(session, ids)
        gold = gold_annotations(session, list(document_keys(session, ids).values()))
        shown = predictions(session, version, ids)
        assert set(ids).isdisjoint(completable(session, project.settings))
    assert len(ids) == 2
    assert set(tasks) == set(ids)
    assert [pick.score for pick in picks] == sorted((pick.score for pick in picks), reverse=True)
    assert all("mentions expected in the" in pick.reason for pick in picks)
    for row_id, spans in annotated.items():
        assert tasks[row_id].shown_version == version
        entities = [entity_from_values(values) for values in shown[row_id].entities]
        known = {(one.label, one.spans) for one in entities if touches(one, spans)}
        assert all(one.score == 1.0 for one in entities if touches(one, spans))
        of_gold = gold[documents[row_id].id]
        within = [one.id for span in spans for one in annotation_within(of_gold, span).entities]
        assert known == {(one.label, one.spans) for one in of_gold.entities if one.id in within}


def check_work(project: Project, version: str) -> None:
    """Check that what people marked in sentences is work when it is shown again, but no merit of the model."""
    with project.store.read() as session:
        works = [one for one in answered_work(session) if one.split == "pool"]
        ids = [one.document_id for one in works]
        annotated, shown = answered_spans(session, ids), predictions(session, version, ids)
    copied = {
        row_id: sum(touches(entity_from_values(values), annotated[row_id]) for values in row.entities)
        for row_id, row in shown.items()
    }
    assert sum(copied.values()) > 0
    for one in works:
        assert one.own is not None
        assert one.work.confirmed - one.own.confirmed == copied[one.document_id]
    (part,) = (part for part in annotator_work(project.store) if part.shown and part.round == 1)
    assert part.proposed == sum(len(row.entities) for row in shown.values()) - sum(copied.values())


@pytest.mark.slow(10)
def test_a_round_that_completes_ends_alike_wherever_it_is_killed(tmp_path: Path, tiny_encoder: Path) -> None:
    undisturbed = tmp_path / "undisturbed"
    settings = settings_for(tiny_encoder, selection={"size": 3, "unit": "sentence"})
    with make_project(undisturbed, settings, pool=12, test=3) as project:
        project.round()
    killed = Path(shutil.copytree(undisturbed, tmp_path / "killed"))
    assert run_killed(undisturbed, complete=2) == 0
    moments = ("after:predict_begun", "writing:select", "after:pre_label_begun", "after:desk.push", "writing:push")
    for moment in moments:
        assert run_killed(killed, moment, complete=2) == -signal.SIGKILL
    # a round that is cut off goes on with what it was begun with
    assert run_killed(killed) == 0
    pictures = []
    for folder in (undisturbed, killed):
        with Project.open(folder) as project:
            pictures.append(picture_of(project))
    assert pictures[0] == pictures[1]
    assert len(pictures[0]["picks"][1]) == 2
