"""Seats: who is asked for what, and what is still to come."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from biorat_al.corpus.model.document import Annotation
from biorat_al.store.annotations import NewAnnotation, add_annotations
from biorat_al.store.answers import answers
from biorat_al.store.database.integrity import check_rows
from biorat_al.store.store import Store
from biorat_al.store.tables import DocumentRow, RoundRow, TaskRow
from biorat_al.store.tasks import intend_push
from biorat_al.store.team.members import add_member
from biorat_al.store.team.seats import (
    add_seats,
    confirm_seats,
    intend_seats,
    open_seconds,
    paired,
    seats_in_state,
    to_answer,
    withdraw,
)
from tests.store.conftest import Fill, record

AT = datetime(2026, 3, 1, tzinfo=UTC)
ANN, BOB, CY = "Ann@example.org", "bob@example.org", "cy@example.org"


@pytest.fixture
def given(store: Store, fill: Fill) -> dict[str, int]:
    """Give document a to two people, b and c to one each; return the row ids of documents and people."""
    fill([record(key, f"Asthma is a disease, number {key}.") for key in "abc"], gold=False)
    with store.write() as session:
        session.add(RoundRow(number=0, state="running", request={}, settings={}, program_version="1", started_at=AT))
        ids = {key: ident for key, ident in session.execute(select(DocumentRow.key, DocumentRow.id))}
        ids |= {name: add_member(session, name, "annotator", AT).id for name in (ANN, BOB, CY)}
        add_seats(
            session, [seat(ids, *one) for one in (("a", ANN, 9.0), ("a", BOB, 9.0), ("b", ANN, 5.0), ("c", CY, 7.0))]
        )
    return ids


def seat(ids: dict[str, int], key: str, name: str, seconds: float) -> dict[str, object]:
    return {
        "document_id": ids[key],
        "member_id": ids[name],
        "role": "pool",
        "state": "assigned",
        "round_number": 0,
        "double": key == "a",
        "pre_labels": key != "a",
        "seconds": seconds,
        "assigned_at": AT,
    }


def test_work_and_pairs_are_counted(store: Store, given: dict[str, int]) -> None:
    with store.read() as session:
        assert open_seconds(session) == {given[ANN]: 14.0, given[BOB]: 9.0, given[CY]: 7.0}
        assert paired(session) == {(given[ANN], given[BOB]): 1}
        assert to_answer(session, "pool") == {ANN: 2, BOB: 1, CY: 1}
        assert to_answer(session, "test") == {}
        assert not check_rows(session)


def test_a_document_is_open_as_long_as_a_seat_is(store: Store, given: dict[str, int]) -> None:
    with store.write() as session:
        intend_push(session, "pool", [given["a"]], 0, AT)
        intend_seats(session, given[ANN], [given["a"]])
        assert [row.member_id for row in seats_in_state(session, "pushing")] == [given[ANN]]
        confirm_seats(session, given[ANN], {given["a"]: "71"}, AT)
        (task,) = session.scalars(select(TaskRow))
        assert task.seats == 1
        intend_seats(session, given[BOB], [given["a"]])
        confirm_seats(session, given[BOB], {given["a"]: "72"}, AT)
        assert task.seats == 2
        assert [row.desk_task_id for row in seats_in_state(session, "open")] == ["71", "72"]


def test_what_is_withdrawn_is_sent_again_and_what_is_answered_is_not(store: Store, given: dict[str, int]) -> None:
    with store.write() as session:
        intend_push(session, "pool", [given["a"], given["b"]], 0, AT)
        confirm_seats(session, given[ANN], {given["a"]: "71", given["b"]: "72"}, AT)
        seats_in_state(session, "open")[0].state = "answered"
        session.flush()
        assert withdraw(session, given[ANN], "pool") == 1
        session.flush()
        task = session.scalars(select(TaskRow).where(TaskRow.document_id == given["b"])).one()
        # the desk has deleted it meanwhile
        task.state = "deleted"
        confirm_seats(session, given[ANN], {given["b"]: "99"}, AT)
        assert (task.state, task.desk_task_id, task.seats) == ("open", None, 1)
        states = [row.state for row in seats_in_state(session, "answered", "open", member_id=given[ANN])]
        assert states == ["answered", "open"]


def test_only_those_who_were_asked_are_compared(store: Store, given: dict[str, int]) -> None:
    people = {"a": (ANN.lower(), BOB, CY), "b": (ANN, CY)}
    with store.write() as session:
        add_annotations(
            session,
            [
                NewAnnotation(
                    given[key], "person", Annotation(), {"annotator": name, "updated_at": AT, "created_at": AT}
                )
                for key, names in people.items()
                for name in names
            ],
        )
        found = {answer.document_id: answer for answer in answers(session, "pool", with_gold=False)}
    assert {vote.annotator for vote in found[given["a"]].independent} == {ANN.lower(), BOB}
    assert {vote.annotator for vote in found[given["b"]].independent} == {ANN}
    # what the others did counts all the same
    assert {vote.annotator for vote in found[given["b"]].votes} == {ANN, CY}
