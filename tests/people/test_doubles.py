"""Which texts count as doubles, and whose answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from biorat_al.corpus.model.document import Annotation, Document, Entity, Record, Span
from biorat_al.corpus.model.identity import mention_key
from biorat_al.people.doubles import Double, read_doubles, several_answers
from biorat_al.project import Project
from biorat_al.store.parts.segments import make_segments, segments_of
from biorat_al.store.tables import DocumentRow
from tests.people.factories import ANN, BOB, CARLA, ONE, THREE, TWO, add_answer, marked, mention
from tests.support.rounds import make_project, settings_for

FIRST, SECOND = marked(mention("Disease", (0, 6))), marked(mention("Chemical", (10, 16)))


@pytest.fixture
def project(tmp_path: Path, tiny_encoder: Path) -> Iterator[Project]:
    """Provide a project with four pool documents, p0 to p3, and two test documents, p4 and p5."""
    texts = [f"Asthma is bad here. Aspirin helps {number} times." for number in range(6)]
    records = [Record(Document(f"p{number}", text), None, "made") for number, text in enumerate(texts)]
    settings = settings_for(tiny_encoder, desk={"kind": "label-studio"})
    # gold that nobody has given counts for nobody
    gold = Entity("g1", "Disease", (Span(0, 6),)), Entity("g2", "Chemical", (Span(20, 27),))
    records[3] = Record(records[3].document, Annotation(gold), "made")
    with make_project(tmp_path / "trial", settings, pool=4, test=2, records=records) as made:
        yield made


def doubles_of(project: Project, *, pre_labelled: bool = False) -> tuple[list[Double], int]:
    with project.store.read() as session:
        answered = several_answers(session, pre_labelled=pre_labelled)
        return list(read_doubles(session, answered.chosen, pre_labelled=pre_labelled)), answered.not_blind


def test_texts_with_two_answers_that_began_from_nothing_count(project: Project) -> None:
    with project.store.write() as session:
        add_answer(session, "p0", ANN, FIRST)
        add_answer(session, "p0", BOB, SECOND)
        add_answer(session, "p1", ANN, FIRST)
        add_answer(session, "p4", CARLA, SECOND)
        add_answer(session, "p4", BOB, FIRST)
        add_answer(session, "p3", BOB, FIRST)
    found, left_out = doubles_of(project)
    assert [(one.document.id, one.role) for one in found] == [("p0", "pool"), ("p4", "test")]
    assert left_out == 0
    first, second = found
    assert first.document.text == "Asthma is bad here. Aspirin helps 0 times."
    # the order is that of the pseudonyms, not that of the answers
    assert list(first.given) == [ONE, TWO]
    assert list(second.given) == [TWO, THREE]
    assert [mention_key(entity) for entity in first.given[TWO].entities] == [("Chemical", frozenset({Span(10, 16)}))]
    assert first.drawn_with != second.drawn_with


def test_answers_that_began_from_a_pre_label_count_only_if_asked_for(project: Project) -> None:
    with project.store.write() as session:
        add_answer(session, "p0", ANN, FIRST, shown_version="m1")
        add_answer(session, "p0", BOB, SECOND)
        add_answer(session, "p1", ANN, FIRST)
        add_answer(session, "p1", BOB, SECOND)
        add_answer(session, "p1", CARLA, SECOND, shown_version="m1")
    (one,), left_out = doubles_of(project)
    assert (one.document.id, list(one.given), left_out) == ("p1", [ONE, TWO], 1)
    both, left_out = doubles_of(project, pre_labelled=True)
    assert [list(one.given) for one in both] == [[ONE, TWO], [ONE, TWO, THREE]]
    assert left_out == 0


def test_copies_revisions_skips_and_ground_truth_are_nobodys_independent_answer(project: Project) -> None:
    with project.store.write() as session:
        add_answer(session, "p0", ANN, FIRST)
        add_answer(session, "p0", BOB, FIRST, revises=ANN)
        add_answer(session, "p1", ANN, FIRST)
        add_answer(session, "p1", BOB, Annotation(), skipped=True)
        add_answer(session, "p2", ANN, FIRST)
        add_answer(session, "p2", BOB, SECOND, ground_truth=True)
        add_answer(session, "p3", ANN, FIRST)
        add_answer(session, "p3", BOB, SECOND)
        add_answer(session, "p3", CARLA, SECOND, ground_truth=True)
    found, left_out = doubles_of(project)
    # where a third person settled it, the answers of the two still are what they gave alone
    assert [(one.document.id, list(one.given)) for one in found] == [("p3", [ONE, TWO])]
    assert left_out == 0


def test_sentences_count_and_are_drawn_with_their_document(project: Project) -> None:
    with project.store.write() as session:
        (parent,) = session.scalars(select(DocumentRow.id).where(DocumentRow.key == "p2"))
        assert make_segments(session, [parent], rules=1) == 2
        keys = [session.get_one(DocumentRow, row.document_id).key for row in segments_of(session, [parent])[parent]]
        for key in keys:
            add_answer(session, key, ANN, FIRST)
            add_answer(session, key, BOB, FIRST)
        add_answer(session, "p0", ANN, FIRST)
        add_answer(session, "p0", BOB, FIRST)
    found, _ = doubles_of(project)
    assert [(one.document.id, one.role) for one in found] == [("p0", "pool"), *((key, "segment") for key in keys)]
    assert [one.drawn_with == parent for one in found] == [False, True, True]
    assert [one.document.text for one in found[1:]] == ["Asthma is bad here.", "Aspirin helps 2 times."]
