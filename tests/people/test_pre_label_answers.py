"""Which answers are compared to tell whether pre-labels bias people."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from biorat_al.efficiency.report.sections.pre_label_bias import pre_label_section
from biorat_al.people.disputes import find_disputes
from biorat_al.people.doubles import several_answers
from biorat_al.people.pre_label_answers import (
    ALL_SHOWN,
    NO_ANSWERS,
    NONE_SHOWN,
    OTHER_ROUNDS,
    measure_pre_label_bias,
    read_comparison,
)
from biorat_al.people.pre_label_bias import ComparedAnswers, PreLabelBias, Sums
from biorat_al.presentation.people.agreement import agreement_text
from biorat_al.project import Project
from biorat_al.store.answers import learnt_answers
from biorat_al.store.tables import DocumentRow, MemberRow, RoundRow, SeatRow, TaskRow
from tests.people.factories import ANN, AT, BOB, DRUG, HEADACHE, SEVERE, add_answer, marked, text_project

POOL = select(DocumentRow.id).where(DocumentRow.split == "pool").order_by(DocumentRow.id)


@pytest.fixture
def project(tmp_path: Path, tiny_encoder: Path) -> Iterator[Project]:
    """Provide a project with twelve documents in the pool, of which round 0 asked for four and round 1 for the rest."""
    with text_project(tmp_path, tiny_encoder, pool=12, test=1) as made:
        with made.store.write() as session:
            for number in (0, 1):
                row = RoundRow(number=number, state="done", request={}, settings={}, program_version="0", started_at=AT)
                session.add(row)
            session.flush()
            for place, document in enumerate(session.scalars(POOL)):
                number = int(place >= 4)
                session.add(
                    TaskRow(
                        id=place + 1, document_id=document, role="pool", state="answered", round_number=number,
                        intent_at=AT,
                    )
                )  # fmt: skip
        yield made


def answer(project: Project, places: range, who: str = ANN, *, shown: bool, minutes: float = 2.0) -> None:
    with project.store.write() as session:
        for place in places:
            version = "m1" if shown else None
            add_answer(
                session, f"d{place}", who, marked(DRUG, HEADACHE), task_id=place + 1, shown_version=version,
                lead_time=60 * minutes + place,
            )  # fmt: skip


def seat(project: Project, places: range, *, pre_labels: bool, double: bool = False, member: int = 1) -> None:
    with project.store.write() as session:
        if session.get(MemberRow, member) is None:
            name = ANN.upper() if member == 1 else BOB
            session.add(MemberRow(id=member, name=name, role="annotator", joined_at=AT))
            session.flush()
        for place in places:
            (document,) = session.scalars(select(DocumentRow.id).where(DocumentRow.key == f"d{place}"))
            session.add(
                SeatRow(
                    document_id=document, member_id=member, role="pool", state="answered", round_number=1,
                    double=double, pre_labels=pre_labels, assigned_at=AT,
                )
            )  # fmt: skip


def compared(project: Project) -> ComparedAnswers:
    with project.store.read() as session:
        return read_comparison(session)


def bias_of(project: Project) -> PreLabelBias:
    with project.store.read() as session:
        return measure_pre_label_bias(session)


def test_what_was_drawn_at_random_is_compared_as_it_was_drawn(project: Project) -> None:
    answer(project, range(4), shown=False)
    seat(project, range(4, 8), pre_labels=True)
    seat(project, range(8, 11), pre_labels=False)
    seat(project, range(11, 12), pre_labels=False, double=True)
    answer(project, range(4, 7), shown=True, minutes=1)
    # begun anew by the annotator, but drawn with pre-labels
    answer(project, range(7, 8), shown=False, minutes=1)
    answer(project, range(8, 12), shown=False, minutes=3)
    found = compared(project)
    assert found.drawn
    assert not found.why_not
    assert [(one.document, one.shown) for one in found.answers] == [
        (6, True), (7, True), (8, True), (9, True), (10, False), (11, False), (12, False),
    ]  # fmt: skip
    assert {(one.round, one.words, one.mentions) for one in found.answers} == {(1, 9, 2)}
    minutes = bias_of(project).figures[0]
    assert minutes.documents == (3, 4)
    assert minutes.difference == pytest.approx(-2 - 3.5 / 60)
    assert minutes.is_told


def test_agreement_is_compared_on_documents_that_were_drawn_for_two_and_published_on_the_blind_ones(
    project: Project,
) -> None:
    for member, who in ((1, ANN), (2, BOB)):
        seat(project, range(4, 7), pre_labels=True, double=True, member=member)
        seat(project, range(7, 10), pre_labels=False, double=True, member=member)
        # neither has pre-labels, but they were drawn for one
        answer(project, range(10, 12), who, shown=False)
        answer(project, range(4, 6), who, shown=True)
        # begun anew, but drawn with pre-labels
        answer(project, range(6, 7), who, shown=False)
    with project.store.write() as session:
        for place in (4, 5, 6):
            session.get_one(TaskRow, place + 1).shown_version = "m1"
        for place in range(7, 10):
            add_answer(session, f"d{place}", ANN, marked(DRUG, HEADACHE), task_id=place + 1)
            add_answer(session, f"d{place}", BOB, marked(DRUG, SEVERE), task_id=place + 1)
        for place in (0, 1):
            add_answer(session, f"d{place}", ANN, marked(DRUG), task_id=place + 1)
            add_answer(session, f"d{place}", BOB, marked(SEVERE), task_id=place + 1)
    found = compared(project)
    assert found.pairs_drawn
    assert [(one.document, one.shown, one.amount) for one in found.pairs] == [
        (6, True, 4), (7, True, 4), (8, True, 4), (9, False, 2), (10, False, 2), (11, False, 2),
    ]  # fmt: skip
    agreement = bias_of(project).figures[-1]
    assert (agreement.without, agreement.with_pre_labels) == (0.5, 1.0)
    with project.store.read() as session:
        blind = several_answers(session)
        assert (len(blind.chosen), blind.not_blind) == (7, 3)
        assert len(several_answers(session, pre_labelled=True).chosen) == 10
        disputes = find_disputes(session, learnt_answers(session, with_gold=False), None)
    assert disputes is not None
    assert disputes.agreement is not None
    assert (disputes.documents, disputes.agreement.documents, disputes.pre_labelled) == (10, 7, 3)
    assert "; 3 documents that two people got with pre-labels, not in the agreement; " in disputes.sentence
    assert "changed or copied" not in disputes.sentence


def test_doubles_of_a_round_without_a_model_stay_blind_whatever_was_drawn(project: Project) -> None:
    for member, who in ((1, ANN), (2, BOB)):
        seat(project, range(4, 8), pre_labels=True, double=True, member=member)
        answer(project, range(4, 8), who, shown=False)
    assert not compared(project).pairs_drawn
    with project.store.read() as session:
        assert len(several_answers(session).chosen) == 4


def test_without_seats_the_rounds_with_both_are_compared_and_chance_is_not_claimed(project: Project) -> None:
    answer(project, range(4), shown=False)
    answer(project, range(4, 10), shown=True)
    answer(project, range(10, 12), shown=False)
    found = compared(project)
    assert (found.drawn, found.why_not, len(found.answers)) == (False, "", 12)
    bias = bias_of(project)
    assert bias.figures[0].documents == (2, 6)
    assert "was not drawn at random" in bias.sentences[0]
    section = pre_label_section(bias)
    assert section.texts[0] == bias.sentences[0]
    assert [row["documents_without"] for row in section.tables[0].rows] == [2, 2, 2]


@pytest.mark.parametrize(
    ("without", "shown", "why"),
    [
        (range(0), range(0), NO_ANSWERS),
        (range(4), range(0), NONE_SHOWN),
        (range(0), range(4, 12), ALL_SHOWN),
        # a seed batch has no pre-labels because there is no model yet
        (range(4), range(4, 12), OTHER_ROUNDS),
    ],
)
def test_where_nothing_can_be_compared_it_says_why(project: Project, without: range, shown: range, why: str) -> None:
    answer(project, without, shown=False)
    answer(project, shown, shown=True)
    bias = bias_of(project)
    assert bias.sentences[0] == why
    assert all(one.difference is None for one in bias.figures)
    assert pre_label_section(bias).tables == []


def test_agreement_is_compared_between_pairs_of_people_who_both_had_pre_labels_or_none(project: Project) -> None:
    for who in (ANN, BOB):
        answer(project, range(4, 6), who, shown=True)
        answer(project, range(6, 8), who, shown=False)
    with project.store.write() as session:
        add_answer(session, "d8", ANN, marked(DRUG), task_id=9, shown_version="m1")
        add_answer(session, "d8", BOB, marked(DRUG), task_id=9)
        add_answer(session, "d9", ANN, marked(DRUG, HEADACHE), task_id=10)
        add_answer(session, "d9", BOB, marked(DRUG, SEVERE), task_id=10)
    pairs = compared(project).pairs
    assert list(pairs) == [
        Sums(6, 1, True, 4, 4), Sums(7, 1, True, 4, 4), Sums(8, 1, False, 4, 4), Sums(9, 1, False, 4, 4),
        Sums(11, 1, False, 2, 4),
    ]  # fmt: skip
    agreement = bias_of(project).figures[-1]
    assert agreement.difference == pytest.approx(1 - 10 / 12)
    # the command says it too
    report = project.agreement()
    assert json.loads(json.dumps(report.as_dict(examples=0)))["pre_labels"]["agreement"]["without"] == 10 / 12
    assert "Do pre-labels bias people?" in agreement_text(report, 0)
    assert project.agreement(label="Disease").pre_labels is None
