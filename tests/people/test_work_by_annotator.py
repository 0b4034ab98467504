"""Who has annotated how much, and how the leader of a group sees what they dispute."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from biorat_al.acquisition.price.answered import answered_work
from biorat_al.people.agreement_report import find_disagreements, known_agreement
from biorat_al.people.work_by_annotator import WorkOfAnnotator, work_by_annotator
from biorat_al.project import Project
from biorat_al.store.tables import DocumentRow, MemberRow, RoundRow, SeatRow
from tests.people.factories import ANN, AT, BOB, CARLA, DRUG, HEADACHE, SEVERE, add_answer, marked, text_project


@pytest.fixture
def project(tmp_path: Path, tiny_encoder: Path) -> Iterator[Project]:
    """Provide a project of which two people have answered d0 and d3, a test document; ann also d1, bob d2 unseen."""
    with text_project(tmp_path, tiny_encoder, pool=3, test=1) as made:
        with made.store.write() as session:
            add_answer(session, "d0", ANN, marked(DRUG, HEADACHE), lead_time=60.0)
            add_answer(session, "d0", BOB, marked(DRUG, SEVERE), shown_version="m1")
            add_answer(session, "d1", ANN, marked(DRUG), lead_time=30.0)
            add_answer(session, "d2", BOB, marked(), skipped=True)
            add_answer(session, "d3", ANN, marked(DRUG))
            add_answer(session, "d3", BOB, marked(DRUG))
        yield made


def work_of(project: Project) -> list[WorkOfAnnotator]:
    with project.store.read() as session:
        return work_by_annotator(session, answered_work(session))


def test_everybodys_answers_mentions_and_time_are_counted_under_pseudonyms(project: Project) -> None:
    ann, bob = work_of(project)
    assert (ann.name, dict(ann.answers), ann.mentions) == ("annotator-1", {"pool": 2, "test": 1}, 4)
    assert (ann.seconds, ann.timed, ann.open) == (90.0, 2, None)
    # what was skipped is no answer
    assert (bob.name, dict(bob.answers), bob.mentions, bob.timed) == ("annotator-2", {"pool": 1, "test": 1}, 3, 0)


def test_with_a_team_it_says_what_is_open_for_each_and_who_has_not_begun(project: Project) -> None:
    with project.store.write() as session:
        session.add(RoundRow(number=0, state="done", request={}, settings={}, program_version="0", started_at=AT))
        for place, name in enumerate((ANN, BOB, CARLA, "gone@example.org", "lead@example.org"), start=1):
            role = "adjudicator" if place == 5 else "annotator"
            session.add(MemberRow(id=place, name=name, role=role, joined_at=AT, left_at=AT if place == 4 else None))
        session.flush()
        documents = list(session.scalars(select(DocumentRow.id).order_by(DocumentRow.id)))
        for member, document, state in (
            (1, 0, "answered"),
            (1, 1, "open"),
            (1, 2, "pushing"),
            (3, 1, "open"),
            (3, 2, "moved"),
        ):
            session.add(
                SeatRow(
                    document_id=documents[document], member_id=member, role="pool", state=state, round_number=0,
                    assigned_at=AT,
                )
            )  # fmt: skip
    ann, bob, waiting = work_of(project)
    assert (ann.open, bob.open) == (2, 0)
    assert (waiting.name, waiting.people, waiting.open, waiting.answers.total()) == ("", 1, 1, 0)


def test_disputes_have_examples_from_pre_labelled_answers_too(project: Project) -> None:
    disputes = project.status(ask_desk=False).disputes
    assert disputes is not None
    with project.store.read() as session:
        (found,) = find_disagreements(session, disputes.texts)
        agreement = known_agreement(session)
    assert (found.document, found.difference) == ("d0", "boundary")
    assert found.sentence == "annotator-1: Disease “headache” (22–30); annotator-2: Disease “severe headache” (15–30)"
    # agreement itself is that of blind answers, where there are any
    assert agreement is not None
    assert (agreement.blind, agreement.documents) == (True, 1)


def test_without_blind_answers_the_agreement_of_the_others_is_known(tmp_path: Path, tiny_encoder: Path) -> None:
    with text_project(tmp_path, tiny_encoder, pool=1, test=1) as project:
        with project.store.read() as session:
            assert known_agreement(session) is None
        with project.store.write() as session:
            add_answer(session, "d0", ANN, marked(DRUG), shown_version="m1")
            add_answer(session, "d0", BOB, marked(DRUG), shown_version="m1")
        with project.store.read() as session:
            agreement = known_agreement(session)
        assert agreement is not None
        assert not agreement.blind
