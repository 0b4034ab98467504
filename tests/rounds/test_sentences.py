"""Rounds that ask for sentences."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from biorat_al.corpus.model.document import Annotation
from biorat_al.corpus.segments import annotation_of_parts, annotation_within
from biorat_al.errors import UsageError
from biorat_al.project import Project
from biorat_al.rounds.context import Context, RoundRequest
from biorat_al.rounds.expected_seconds import seconds_of_a_document
from biorat_al.rounds.steps.train import training_examples
from biorat_al.settings import make_settings
from biorat_al.store.answers import gold_annotations, learnt_answers
from biorat_al.store.documents import count_documents, documents_by_id, documents_by_key
from biorat_al.store.picks import never_asked_documents, picks_of
from biorat_al.store.segments import never_asked_segments, parents_of, parts_of, spans_of, without_segments
from biorat_al.store.tables import DocumentRow, SegmentRow, TaskRow
from biorat_al.store.tasks import desk_project
from tests.support.rounds import make_project, settings_for

pytestmark = pytest.mark.slow


@pytest.fixture
def project(tmp_path: Path, tiny_encoder: Path) -> Iterator[Project]:
    settings = settings_for(tiny_encoder, selection={"size": 3, "unit": "sentence"})
    with make_project(tmp_path / "trial", settings) as project:
        yield project


def test_a_round_asks_for_sentences_and_learns_from_them(project: Project) -> None:
    first = project.round()
    assert first.step("select").counts["unit"] == "sentence"
    with project.store.read() as session:
        tasks = session.scalars(select(TaskRow).where(TaskRow.role == "segment")).all()
        parts = parts_of(session, [task.document_id for task in tasks])
        documents = documents_by_id(session, [task.document_id for task in tasks])
        assert desk_project(session, "pool") is None
    assert len(tasks) == first.step("push").counts["tasks"] > 3
    assert all(
        documents[row_id].text == part.document.text[part.span.start : part.span.end] for row_id, part in parts.items()
    )
    second = project.round()
    assert second.step("train").counts["documents"] == len(tasks)
    assert second.step("train").counts["mentions"] > 0
    assert second.step("push").counts["pre_labelled"] == second.step("push").counts["tasks"]


def test_a_batch_takes_the_time_of_as_many_documents_as_the_settings_say(project: Project) -> None:
    project.round()
    with project.store.read() as session:
        picks = picks_of(session, 0)
        budget = 3 * seconds_of_a_document(session, project.settings)
    seconds = [float(pick.reason.split("about ")[1].split(" s to")[0]) for pick in picks if "about" in pick.reason]
    assert not seconds  # told only where the choice is divided by them
    with project.store.read() as session:
        words = sum(len(one.text.split()) for one in documents_by_id(session, [p.document_id for p in picks]).values())
    assert 0 < words * 0.37 < budget


def test_the_oracle_answers_a_segment_with_its_part_of_the_gold(project: Project) -> None:
    project.round()
    project.round()
    with project.store.read() as session:
        answered = learnt_answers(session, with_gold=False)
        parts = parts_of(session, [answer.document_id for answer in answered])
        keys = {one.document.id for one in parts.values()}
        gold = gold_annotations(session, sorted(keys))
    assert answered
    context = Context(project.folder, project.settings, project.store, project.desk, 1, RoundRequest())
    learnt = {example.document.id: example for example in training_examples(context)}
    with project.store.read() as session:
        row_ids = {key: row_id for key, (row_id, _) in documents_by_key(session, list(learnt)).items()}
    for key, example in learnt.items():
        part = parts[row_ids[key]]
        expected = annotation_within(gold[part.document.id], part.span)
        assert {(one.label, one.spans) for one in example.entities} == {
            (one.label, one.spans) for one in expected.entities
        }


def test_a_document_that_was_asked_for_as_a_whole_has_no_sentences_to_ask_for(project: Project) -> None:
    project.round()
    with project.store.read() as session:
        began = set(parents_of(session, [pick.document_id for pick in picks_of(session, 0)]).values())
        # the oracle has answered, but the answers were not fetched yet: the tasks are open
        assert began.isdisjoint(never_asked_documents(session, without_gold=False))
    project.round(unit="document", size=200)
    with project.store.read() as session:
        whole = set(session.scalars(select(TaskRow.document_id).where(TaskRow.role == "pool")))
        assert whole
        left = parents_of(session, never_asked_segments(session, without_gold=False))
        assert whole.isdisjoint(left.values())
        assert began <= whole


def test_the_answer_on_a_whole_document_replaces_those_on_its_sentences(project: Project) -> None:
    project.round()
    project.round(unit="document", size=200)
    project.round(unit="document")
    with project.store.read() as session:
        answered = learnt_answers(session, with_gold=False)
        whole = {answer.document_id for answer in answered}
        assert whole == set(session.scalars(select(DocumentRow.id).where(DocumentRow.split == "pool")))


def test_segments_are_made_once_and_not_counted_as_documents(project: Project) -> None:
    before = project.status(ask_desk=False).documents["pool"]
    project.round()
    with project.store.read() as session:
        rows = session.scalars(select(SegmentRow)).all()
        assert count_documents(session)["pool"] == before
        assert without_segments(session) == []
    project.round()
    with project.store.read() as session:
        assert session.scalars(select(SegmentRow)).all() != []
        assert {row.document_id for row in rows} == set(session.scalars(select(SegmentRow.document_id)))
        spans = spans_of(session, [row.document_id for row in rows])
        parents = parents_of(session, list(spans))
        texts = documents_by_id(session, sorted(set(parents.values())))
        gold = gold_annotations(session, [document.id for document in texts.values()])
    for row_id, document in texts.items():
        own = [span for segment, span in spans.items() if parents[segment] == row_id]
        whole = annotation_of_parts((span, annotation_within(gold[document.id], span)) for span in own)
        assert len(whole.entities) == len(gold[document.id].entities)


def test_a_segment_whose_name_a_document_has_gets_another(tmp_path: Path, tiny_encoder: Path) -> None:
    from biorat_al.corpus.model.document import Document, Record

    records = [
        Record(Document("a", "One. Two."), Annotation(), "made:1"),
        Record(Document("a#0-4", "Three. Four."), Annotation(), "made:2"),
        Record(Document("t", "Five."), Annotation(), "made:3"),
    ]
    settings = settings_for(tiny_encoder, selection={"size": 1, "unit": "sentence"})
    with make_project(tmp_path / "trial", settings, records=records, pool=2, test=1) as project:
        project.round()
        with project.store.read() as session:
            keys = set(session.scalars(select(DocumentRow.key).where(DocumentRow.split == "segment")))
    assert {"a##0-4", "a##5-9", "a#0-4#0-6", "a#0-4#7-12"} == keys


def test_sentences_are_refused_where_relations_reach_beyond_them(tiny_encoder: Path) -> None:
    settings = settings_for(
        tiny_encoder,
        relations=[{"name": "treats", "head": "Chemical", "tail": "Disease"}],
        relation_extraction={"window": 2},
    )
    with pytest.raises(UsageError, match="may reach beyond a sentence"):
        RoundRequest(unit="sentence").check(settings)
    RoundRequest(unit="document").check(settings)
    assert make_settings(settings.model_dump()).selection.unit == "document"
