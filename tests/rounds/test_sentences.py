"""Rounds that ask for sentences."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from biorat_al.acquisition.price.answered import answered_work
from biorat_al.acquisition.price.estimate import estimate_price
from biorat_al.corpus.model.document import Annotation, Document, Record
from biorat_al.corpus.segments import annotation_of_parts, annotation_within
from biorat_al.errors import UsageError
from biorat_al.project import Project
from biorat_al.rounds.context import Context, RoundRequest
from biorat_al.rounds.expected_seconds import expected_seconds, seconds_of_a_document
from biorat_al.rounds.steps.learnt import training_examples
from biorat_al.settings import make_settings
from biorat_al.store.answers import gold_annotations, learnt_answers
from biorat_al.store.documents import count_documents, document_keys, documents_by_id, documents_by_key
from biorat_al.store.parts.segments import (
    context_words,
    count_segments,
    never_asked_segments,
    parents_of,
    parts_of,
    spans_of,
    without_segments,
)
from biorat_al.store.picks import never_asked_documents, picks_of
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
        keys = document_keys(session, [pick.document_id for pick in picks])
        texts = [one.text for one in documents_by_id(session, list(keys)).values()]
        seconds = expected_seconds(session, project.settings, keys, texts, None)
    assert 0.9 * budget < seconds.sum() <= budget


def test_the_text_beside_a_sentence_is_paid_for(project: Project) -> None:
    project.round()
    with project.store.read() as session:
        keys = document_keys(session, [pick.document_id for pick in picks_of(session, 0)])
        texts = [one.text for one in documents_by_id(session, list(keys)).values()]
        around = context_words(session, list(keys))
        seconds = expected_seconds(session, project.settings, keys, texts, None)
        # what the store knows nothing of has nothing beside it
        alone = expected_seconds(session, project.settings, {-row_id: key for row_id, key in keys.items()}, texts, None)
        price = estimate_price(answered_work(session), project.settings).price.words
    assert seconds - alone == pytest.approx([price * around[row_id] for row_id in keys])
    assert max(around.values()) > 0


def test_auto_goes_over_to_documents_once_the_f1_no_longer_rises(tmp_path: Path, tiny_encoder: Path) -> None:
    settings = settings_for(tiny_encoder, selection={"size": 1, "unit": "auto"})
    with make_project(tmp_path / "trial", settings) as project:
        reports = [project.round() for _ in range(6)]
    # an encoder that has learnt nothing: the F1 of all rounds is the same, and a plateau needs four of them
    assert len({report.step("evaluate").counts["f1"]["rat"] for report in reports[1:5]}) == 1
    units = [report.step("select").counts.get("unit", "document") for report in reports]
    assert units == ["sentence"] * 5 + ["document"]
    # those that were begun come first
    assert reports[5].step("select").counts["strategy"] == "completing"


def test_auto_asks_for_documents_once_half_of_the_sentences_were_asked_for(tmp_path: Path, tiny_encoder: Path) -> None:
    settings = settings_for(tiny_encoder, selection={"size": 12, "unit": "auto"})
    with make_project(tmp_path / "trial", settings, pool=6) as project:
        first = project.round().step("select").counts
        with project.store.read() as session:
            enough = 2 * first["documents"] > count_segments(session)
        second = project.round().step("select").counts
    assert enough
    assert (first["unit"], second.get("unit")) == ("sentence", None)


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


def test_stratified_sentences_come_from_as_many_documents_as_possible(project: Project) -> None:
    project.round(strategy="stratified")
    project.round(strategy="stratified")
    with project.store.read() as session:
        parents = parents_of(session, [pick.document_id for number in (0, 1) for pick in picks_of(session, number)])
        documents = count_documents(session)["pool"]
    assert len(set(parents.values())) == min(len(parents), documents)
