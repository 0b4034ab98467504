"""Which annotation counts for a document, where there are several kinds."""

from __future__ import annotations

from datetime import timedelta

from biorat_al.store.answers import answers, gold_annotations
from biorat_al.store.store import Store
from biorat_al.store.tables import RoundRow
from biorat_al.store.tasks import FetchedTask, confirm_push, intend_push
from tests.store.conftest import Fill, record
from tests.store.test_tasks import T0, answer, labels, pull, tasks

__all__ = ["tasks"]


def test_of_two_answers_of_one_person_the_later_counts_in_whichever_order_they_come(tasks: Store) -> None:
    early, late = answer("a1", 1, "Early"), answer("a2", 1, "Late", minutes=9)
    pull(tasks, FetchedTask(1, "11", (late, early), 0))
    assert labels(tasks) == {1: ["Late"]}
    pull(tasks, FetchedTask(2, "12", (answer("a3", 2, "Early"), answer("a4", 2, "Late", minutes=9)), 0))
    assert labels(tasks) == {1: ["Late"], 2: ["Late"]}


def test_what_people_said_is_never_taken_for_gold(store: Store, fill: Fill) -> None:
    fill([record("d1", "Asthma one."), record("d2", "Asthma two.")], gold=True)
    with store.write() as session:
        session.add(RoundRow(number=0, state="done", request={}, settings={}, program_version="0", started_at=T0))
        session.flush()
        intend_push(session, "pool", [1, 2], 0, T0)
        confirm_push(session, {1: "11", 2: "12"}, None, T0)
    pull(store, FetchedTask(1, "11", (answer("a1", 1, "Other", minutes=1),), 0))
    with store.read() as session:
        gold = gold_annotations(session, ["d1", "d2", "nobody"])
    assert {key: [one.label for one in annotation.entities] for key, annotation in gold.items()} == {
        "d1": ["Disease"],
        "d2": ["Disease"],
    }
    # where it counts, people come before gold
    assert labels(store) == {1: ["Other"], 2: ["Disease"]}
    with store.read() as session:
        assert [one.rule for one in answers(session, "pool", with_gold=True)] == ["single", "gold"]
        (alone,) = answers(session, "pool", with_gold=False)
    assert alone.document_id == 1
    assert alone.votes[0].at == T0 + timedelta(minutes=1)
