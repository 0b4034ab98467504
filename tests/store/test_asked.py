"""What an annotator could choose when an answer was given, on each kind of database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from biorat_al.corpus.model.unasked import Unasked
from biorat_al.store.answers import answers
from biorat_al.store.asked import GUIDELINES, OFFERED, Given, Offer, Offers, written_offer
from biorat_al.store.store import Store
from biorat_al.store.tables import RoundRow, StepRow, TaskRow
from biorat_al.store.tasks import FetchedTask, confirm_push, intend_push, merge
from tests.store.conftest import Fill, record
from tests.store.test_tasks import T0, answer

GENE = Unasked(frozenset({"Gene"}))
CAUSES = Unasked(relations=frozenset({"causes"}))
NOTHING = Unasked()


def add_round(store: Store, number: int, labels: Sequence[str], relations: Sequence[str] = (), **push: Any) -> None:
    """Write a round whose last step was done at hour `number`.

    :param push: other values of that step.
    """
    settings = {
        "entities": [{"name": name} for name in labels],
        "relations": [{"name": name, "head": "Disease", "tail": "Disease"} for name in relations],
    }
    at = T0 + timedelta(hours=number)
    step = {"round_number": number, "name": "push", "position": 5, "state": "done", "started_at": at, "counts": {}}
    with store.write() as session:
        session.add(
            RoundRow(number=number, state="done", request={}, settings=settings, program_version="0", started_at=at)
        )
        session.flush()
        session.add(StepRow(**(step | push)))


def unasked(store: Store, fetched: int | None, asked: int, hours: float = 0, role: str = "pool") -> Unasked:
    with store.read() as session:
        return Offers.read(session).unasked(Given(role, fetched, asked, T0 + timedelta(hours=hours)))


@pytest.fixture
def grown(store: Store, fill: Fill) -> Store:
    """Genes and a relation come in round 2."""
    fill([record("d1", "Asthma one."), record("d2", "Asthma two.")], [record("t1", "Asthma three.")], gold=False)
    add_round(store, 0, ["Disease"])
    add_round(store, 1, ["Disease"])
    add_round(store, 2, ["Disease", "Gene"], ["causes"])
    add_round(store, 3, ["Disease", "Gene"], ["causes"])
    return store


def test_answers_that_were_fetched_before_a_label_came_do_not_know_it(grown: Store) -> None:
    assert unasked(grown, 1, 0) == unasked(grown, 2, 1) == unasked(grown, 2, 0) == GENE | CAUSES
    # a clock that runs ahead changes nothing about it
    assert unasked(grown, 2, 0, hours=100) == GENE | CAUSES


def test_answers_that_were_fetched_well_after_it_came_know_it_whenever_their_document_was_asked_for(
    grown: Store,
) -> None:
    assert unasked(grown, 4, 0) == unasked(grown, 4, 3) == NOTHING
    assert unasked(grown, 3, 2) == NOTHING


def test_in_between_the_desks_clock_decides(grown: Store) -> None:
    assert unasked(grown, 3, 1, hours=1.9) == GENE | CAUSES
    assert unasked(grown, 3, 1, hours=2) == NOTHING


def test_what_the_desk_said_of_its_configuration_counts_before_the_settings(grown: Store) -> None:
    offered = {"pool": written_offer(Offer.of(["Disease", "Gene"], []), T0 + timedelta(hours=5))}
    with grown.write() as session:
        session.get_one(StepRow, (2, "push")).counts = {"tasks": 1, OFFERED: offered}
    assert unasked(grown, 3, 1, hours=4.9) == GENE | CAUSES
    assert unasked(grown, 3, 1, hours=5) == unasked(grown, 3, 2) == CAUSES
    assert unasked(grown, 5, 1) == NOTHING


def test_a_round_that_pushed_nothing_left_the_configuration_as_it_was(store: Store) -> None:
    add_round(store, 0, ["Disease"])
    add_round(store, 1, ["Disease", "Gene"], state="skipped")
    add_round(store, 2, ["Disease", "Gene"])
    assert unasked(store, 2, 0) == GENE
    assert unasked(store, 3, 0, hours=1) == GENE
    assert unasked(store, 3, 0, hours=3) == NOTHING


def test_the_test_project_is_as_it_was_where_no_test_document_was_asked_for(grown: Store) -> None:
    with grown.write() as session:
        intend_push(session, "test", [1], 0, T0)
    assert unasked(grown, 4, 0, role="test") == GENE | CAUSES
    offered = {"test": written_offer(Offer.of(["Disease", "Gene"], ["causes"]), None)}
    with grown.write() as session:
        assert Offers.read(session).newest("test") == Offer.of(["Disease"], [])
        session.get_one(StepRow, (3, "push")).counts = {OFFERED: offered}
    assert unasked(grown, 5, 0, role="test") == NOTHING
    assert unasked(grown, 3, 0, role="test") == GENE | CAUSES


def test_gold_annotations_know_the_labels_of_the_beginning(grown: Store) -> None:
    with grown.read() as session:
        assert Offers.read(session).unasked(None) == GENE | CAUSES


def test_without_rounds_or_with_the_same_labels_all_along_everything_was_asked_for(store: Store) -> None:
    with store.read() as session:
        assert Offers.read(session).unasked(None) == NOTHING
        assert Offers.read(session).newest("pool") is None
    add_round(store, 0, ["Disease"])
    add_round(store, 1, ["Disease"])
    for fetched in (None, 0, 1, 2, 7):
        assert unasked(store, fetched, 0) == NOTHING


def test_an_answer_of_an_earlier_version_counts_by_the_round_that_asked_for_it(grown: Store) -> None:
    assert unasked(grown, None, 1) == GENE | CAUSES
    assert unasked(grown, None, 3) == NOTHING


@pytest.mark.slow
def test_a_label_that_was_taken_away_and_came_back_was_not_asked_for_meanwhile(store: Store) -> None:
    for number, labels in enumerate((["Disease", "Gene"], ["Disease"], ["Disease", "Gene"])):
        add_round(store, number, labels)
    assert unasked(store, 1, 0) == NOTHING
    assert unasked(store, 2, 1) == GENE
    assert unasked(store, 3, 2) == NOTHING


def test_of_two_answers_the_one_that_was_asked_decides_about_the_label(grown: Store) -> None:
    """The other one has no vote on it, so that there is no tie; a document is unknown only where nobody was asked."""
    with grown.write() as session:
        # the first document is that of the test set
        intend_push(session, "pool", [2, 3], 0, T0)
        confirm_push(session, {2: "12", 3: "13"}, None, T0)
        early = [answer(f"a{number}", number, "Disease") for number in (2, 3)]
        for one in early:
            one.new.columns["fetched_round"] = 1
        merge(session, "pool", [FetchedTask(n, f"1{n}", (one,), 0) for n, one in enumerate(early, 2)], PLACES, T0)
        late = answer("a4", 2, "Gene", minutes=300, annotator="bea@example.org")
        late.new.columns["fetched_round"] = 4
        merge(session, "pool", [FetchedTask(2, "12", (early[0], late), 0)], PLACES, T0)
        assert {row.state for row in session.query(TaskRow)} == {"answered"}
    with grown.read() as session:
        both, alone = answers(session, "pool", with_gold=False)
    assert (both.rule, alone.rule) == ("majority", "single")
    assert both.unasked == NOTHING
    assert alone.unasked == GENE | CAUSES
    assert [vote.unasked for vote in both.votes] == [NOTHING, GENE | CAUSES]


PLACES = frozenset({"12", "13"})


def guidelines(store: Store, fetched: int | None, asked: int, hours: float = 0, role: str = "pool") -> str | None:
    with store.read() as session:
        return Offers.read(session).guidelines(Given(role, fetched, asked, T0 + timedelta(hours=hours)))


def test_an_answer_has_the_version_of_the_guidelines_that_was_shown_when_it_was_given(store: Store, fill: Fill) -> None:
    fill([record("d1", "Asthma one.")], gold=False)
    add_round(store, 0, ["Disease"])
    add_round(store, 1, ["Disease"], counts={GUIDELINES: {"pool": "one"}})
    add_round(store, 2, ["Disease"], counts={GUIDELINES: {"pool": "two", "test": "two"}})
    add_round(store, 3, ["Disease"])
    # before there were any
    assert guidelines(store, 1, 0) is None
    assert guidelines(store, 2, 1) == guidelines(store, 2, 0) == "one"
    # in round 2 itself, and well after it
    assert guidelines(store, 3, 2) == guidelines(store, 4, 0) == guidelines(store, 5, 3) == "two"
    # in between, the clock decides
    assert guidelines(store, 3, 1, hours=1.9) == "one"
    assert guidelines(store, 3, 1, hours=2) == "two"
    assert guidelines(store, 3, 1, hours=2, role="test") == "two"
    assert guidelines(store, None, 1) == "one"


def test_the_answers_that_count_say_under_which_guidelines_they_were_given(store: Store, fill: Fill) -> None:
    fill([record("d1", "Asthma one.")], gold=False)
    add_round(store, 0, ["Disease"], counts={GUIDELINES: {"pool": "one"}})
    with store.write() as session:
        intend_push(session, "pool", [1], 0, T0)
        confirm_push(session, {1: "7"}, None, T0)
        merge(session, "pool", [FetchedTask(1, "7", (answer("70", 1, fetched_round=1),), 0)], frozenset({"7"}), T0)
    with store.read() as session:
        (found,) = answers(session, "pool", with_gold=False)
    assert [vote.guidelines for vote in found.votes] == ["one"]
