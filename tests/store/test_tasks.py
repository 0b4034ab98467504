"""Merging what people did: nothing is lost, and doing it twice changes nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from biorat_al.corpus.model.document import Annotation, Entity, Span
from biorat_al.store.annotations import NewAnnotation
from biorat_al.store.answers import answers, load_answers
from biorat_al.store.documents import documents_by_key
from biorat_al.store.picks import count_never_asked, never_asked_documents
from biorat_al.store.rounds import changed_since
from biorat_al.store.store import Store
from biorat_al.store.tables import AnnotationRow, DocumentRow, RoundRow, TaskRow
from biorat_al.store.tasks import (
    FetchedAnswer,
    FetchedTask,
    MergeCounts,
    confirm_push,
    count_asked,
    count_tasks,
    intend_push,
    merge,
    tasks_in_state,
)
from tests.store.conftest import Fill, record

T0 = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def tasks(store: Store, fill: Fill) -> Store:
    """Return three documents, two of them asked for as tasks 11 and 12."""
    fill([record("d1", "Asthma one."), record("d2", "Asthma two."), record("d3", "Asthma three.")], gold=False)
    with store.write() as session:
        session.add(
            RoundRow(number=0, state="done", request={}, settings={}, program_version="0", started_at=T0, ended_at=T0)
        )
        session.flush()
        intend_push(session, "pool", [1, 2], 0, T0)
        confirm_push(session, {1: "11", 2: "12"}, None, T0)
    return store


def answer(
    identifier: str,
    document_id: int,
    label: str | None = "Disease",
    *,
    minutes: int = 0,
    skipped: bool = False,
    **more: object,
) -> FetchedAnswer:
    entities = (Entity("r1", label, (Span(0, 6),), origin="manual"),) if label else ()
    columns = {"annotator": "ann@example.org", "fetched_round": 1} | more
    return FetchedAnswer(
        identifier,
        T0 + timedelta(minutes=minutes),
        skipped,
        NewAnnotation(document_id, "person", Annotation(entities), columns),
    )


def pull(store: Store, *fetched: FetchedTask, existing: frozenset[str] = frozenset({"11", "12"})) -> MergeCounts:
    with store.write() as session:
        return merge(session, "pool", fetched, existing, T0)


def labels(store: Store) -> dict[int, list[str]]:
    with store.read() as session:
        chosen = answers(session, "pool", with_gold=True)
        return {
            a.document_id: [e.label for e in annotation.entities] for a, annotation in load_answers(session, chosen)
        }


def test_an_answer_counts_and_a_second_pull_changes_nothing(tasks: Store) -> None:
    fetched = FetchedTask(1, "11", (answer("a1", 1),), 0)
    assert pull(tasks, fetched).new == 1
    again = pull(tasks, fetched)
    assert (again.new, again.changed, again.deleted) == (0, 0, 0)
    assert labels(tasks) == {1: ["Disease"]}
    with tasks.read() as session:
        assert count_tasks(session, "pool") == {"pushing": 0, "open": 1, "answered": 1, "skipped": 0, "deleted": 0}
        assert len(session.scalars(select(AnnotationRow).where(AnnotationRow.source == "person")).all()) == 1


def test_an_empty_answer_a_skip_and_no_answer_are_three_things(tasks: Store) -> None:
    counts = pull(
        tasks,
        FetchedTask(1, "11", (answer("a1", 1, None),), 0),
        FetchedTask(2, "12", (answer("a2", 2, skipped=True),), 0),
    )
    assert (counts.new, counts.skipped) == (1, 1)
    assert labels(tasks) == {1: []}
    with tasks.read() as session:
        states = [row.state for row in session.scalars(select(TaskRow).order_by(TaskRow.id))]
    assert states == ["answered", "skipped"]


def test_an_edit_is_a_further_row(tasks: Store) -> None:
    pull(tasks, FetchedTask(1, "11", (answer("a1", 1),), 0))
    counts = pull(tasks, FetchedTask(1, "11", (answer("a1", 1, "Other", minutes=5),), 0))
    assert counts.changed == 1
    assert labels(tasks) == {1: ["Other"]}
    with tasks.read() as session:
        rows = session.scalars(
            select(AnnotationRow).where(AnnotationRow.source == "person").order_by(AnnotationRow.id)
        ).all()
        assert [row.current for row in rows] == [False, True]


def test_a_deleted_answer_keeps_its_row_and_no_longer_counts(tasks: Store) -> None:
    pull(tasks, FetchedTask(1, "11", (answer("a1", 1),), 0))
    assert pull(tasks, FetchedTask(1, "11", (), 0)).deleted == 1
    assert labels(tasks) == {}
    with tasks.read() as session:
        row = session.scalars(select(AnnotationRow).where(AnnotationRow.source == "person")).one()
        assert (row.current, row.deleted_at) == (False, T0)
        assert count_tasks(session, "pool")["open"] == 2


def test_a_deleted_task_keeps_its_answers(tasks: Store) -> None:
    pull(tasks, FetchedTask(1, "11", (answer("a1", 1),), 0))
    counts = pull(tasks, existing=frozenset({"12"}))
    assert counts.deleted_tasks == 1
    assert labels(tasks) == {1: ["Disease"]}
    assert pull(tasks, existing=frozenset({"12"})).deleted_tasks == 0


def test_the_id_of_a_deleted_task_may_come_again(tasks: Store) -> None:
    pull(tasks, FetchedTask(2, "12", (answer("a1", 2),), 0))
    # task 12 was deleted, and the desk gave its number to the next one
    with tasks.write() as session:
        merge(session, "pool", [], frozenset({"11"}), T0)
        intend_push(session, "pool", [3], 0, T0)
        confirm_push(session, {3: "12"}, None, T0)
    counts = pull(tasks, FetchedTask(3, "12", (answer("a2", 3, "New"),), 0))
    assert (counts.new, counts.deleted_tasks, counts.unknown_tasks) == (1, 0, 0)
    assert labels(tasks) == {2: ["Disease"], 3: ["New"]}


def test_a_task_whose_id_went_to_another_is_deleted(tasks: Store) -> None:
    counts = pull(tasks, FetchedTask(3, "12", (), 0))
    assert (counts.deleted_tasks, counts.adopted) == (1, 1)
    assert {number: row[:2] for number, row in on(tasks).items()} == {
        1: ("open", "11"), 2: ("deleted", "12"), 3: ("open", "12")
    }  # fmt: skip


def test_of_several_annotators_the_latest_counts(tasks: Store) -> None:
    pull(tasks, FetchedTask(1, "11", (answer("a1", 1, "Late", minutes=9), answer("a2", 1, "Early", minutes=1)), 0))
    assert labels(tasks) == {1: ["Late"]}


def test_ground_truth_counts_before_the_latest(tasks: Store) -> None:
    pull(
        tasks, FetchedTask(1, "11", (answer("a1", 1, "Late", minutes=9), answer("a2", 1, "True", ground_truth=True)), 0)
    )
    assert labels(tasks) == {1: ["True"]}


@pytest.mark.slow
def test_a_skip_beside_an_answer_leaves_the_answer(tasks: Store) -> None:
    pull(tasks, FetchedTask(1, "11", (answer("a1", 1), answer("a2", 1, "No", minutes=9, skipped=True)), 0))
    assert labels(tasks) == {1: ["Disease"]}


def test_a_skip_that_is_taken_back_counts(tasks: Store) -> None:
    pull(tasks, FetchedTask(1, "11", (answer("a1", 1, skipped=True),), 0))
    pull(tasks, FetchedTask(1, "11", (answer("a1", 1, minutes=3),), 0))
    assert labels(tasks) == {1: ["Disease"]}


def test_an_answer_that_became_a_skip_no_longer_counts_though_its_time_is_the_same(tasks: Store) -> None:
    """It had been fetched, so it was taken for known, and went on teaching."""
    pull(tasks, FetchedTask(1, "11", (answer("a1", 1),), 0))
    counts = pull(tasks, FetchedTask(1, "11", (answer("a1", 1, skipped=True),), 0))
    assert counts.changed == 1
    assert labels(tasks) == {}
    with tasks.read() as session:
        assert count_tasks(session, "pool")["skipped"] == 1
    # and back
    pull(tasks, FetchedTask(1, "11", (answer("a1", 1),), 0))
    assert labels(tasks) == {1: ["Disease"]}


def test_tasks_of_documents_of_the_other_role_are_counted_and_left_alone(tasks: Store) -> None:
    with tasks.write() as session:
        session.get_one(DocumentRow, 3).split = "test"
    assert pull(tasks, FetchedTask(3, "99", (answer("a9", 3),), 0)).unknown_tasks == 1
    assert on(tasks).keys() == {1, 2}


def test_answers_on_tasks_that_a_restored_database_does_not_know_count(tasks: Store) -> None:
    """They were left alone, and marked as read: once the document was asked for again, nobody fetched them."""
    with tasks.write() as session:
        session.add(
            RoundRow(
                number=1, state="running", request={}, settings={}, program_version="0", started_at=T0, ended_at=None
            )
        )
    unknown = FetchedTask(3, "99", (answer("a9", 3),), 0)
    counts = pull(tasks, unknown, existing=frozenset({"11", "12", "99"}))
    assert (counts.adopted, counts.new, counts.unknown_tasks) == (1, 1, 0)
    assert labels(tasks)[3] == ["Disease"]
    assert on(tasks)[3] == ("answered", "99", 0)
    with tasks.read() as session:
        # so that an open one gets newer pre-labels, as those of earlier rounds do
        assert [task.round_number for task in tasks_in_state(session, "pool", "answered")] == [0]
        assert never_asked_documents(session, without_gold=True) == []
    assert pull(tasks, unknown, existing=frozenset({"11", "12", "99"})).adopted == 0


def test_an_answer_on_another_text_is_kept_and_does_not_count(tasks: Store) -> None:
    pull(tasks, FetchedTask(1, "11", (answer("a1", 1, None, usable=False, problems=["the text differs"]),), 0))
    assert labels(tasks) == {}
    with tasks.read() as session:
        assert session.scalars(select(AnnotationRow).where(AnnotationRow.source == "person")).one().usable is False


def test_drafts_are_not_answers(tasks: Store) -> None:
    pull(tasks, FetchedTask(1, "11", (), 2))
    assert labels(tasks) == {}
    with tasks.read() as session:
        assert [row.drafts for row in tasks_in_state(session, "pool", "open")] == [2, 0]


def test_an_interrupted_push_leaves_a_trace_and_is_confirmed_once(tasks: Store) -> None:
    with tasks.write() as session:
        intend_push(session, "pool", [3], 0, T0)
        intend_push(session, "pool", [3], 0, T0 + timedelta(minutes=1))
    with tasks.read() as session:
        (row,) = tasks_in_state(session, "pool", "pushing")
        assert (row.document_id, row.intent_at) == (3, T0 + timedelta(minutes=1))
    with tasks.write() as session:
        confirm_push(session, {3: "13"}, "v1", T0)
        confirm_push(session, {3: "14"}, "v2", T0)
    with tasks.read() as session:
        row = session.scalars(select(TaskRow).where(TaskRow.document_id == 3)).one()
        assert (row.state, row.desk_task_id, row.shown_version) == ("open", "13", "v1")


def test_problems_are_reported_and_the_raw_answer_is_kept(tasks: Store) -> None:
    counts = pull(tasks, FetchedTask(1, "11", (answer("a1", 1, raw={"result": [1]}, problems=["odd region"]),), 0))
    assert counts.problems == ["odd region"]
    with tasks.read() as session:
        row = session.scalars(select(AnnotationRow).where(AnnotationRow.source == "person")).one()
        assert row.raw == {"result": [1]}


def test_whether_a_round_has_fetched_anything(tasks: Store) -> None:
    with tasks.read() as session:
        assert not changed_since(session, 1, T0 + timedelta(days=1))
    pull(tasks, FetchedTask(1, "11", (answer("a1", 1),), 0))
    with tasks.read() as session:
        assert changed_since(session, 1, T0 + timedelta(days=1))
        assert not changed_since(session, 2, T0 + timedelta(days=1))


@pytest.mark.parametrize(("without_gold", "expected"), [(False, ["d2", "d3"]), (True, ["d3"])])
def test_documents_that_were_never_asked_for_are_listed_and_counted(
    store: Store, fill: Fill, without_gold: bool, expected: list[str]
) -> None:
    bare = record("d3", "Asthma three.")._replace(annotation=None)
    fill([record("d1", "Asthma one."), record("d2", "Asthma two."), bare], test=[record("t", "Asthma test.")])
    with store.write() as session:
        session.add(RoundRow(number=0, state="done", request={}, settings={}, program_version="0", started_at=T0))
        session.flush()
        rows = {key: row_id for key, (row_id, _) in documents_by_key(session, ["d1", "d2", "d3"]).items()}
        intend_push(session, "pool", [rows["d1"]], 0, T0)
        assert never_asked_documents(session, without_gold=without_gold) == [rows[key] for key in expected]
        assert count_never_asked(session, without_gold=without_gold) == len(expected)


BOTH = {1: ["11", "91"], 2: ["12"]}
ALL = frozenset({"11", "12", "91"})


def merged(store: Store, *fetched: FetchedTask, places: dict[int, list[str]], **more: object) -> MergeCounts:
    with store.write() as session:
        existing = frozenset(task for tasks in places.values() for task in tasks)
        return merge(session, "pool", fetched, existing, T0, places=places, **more)  # type: ignore[arg-type]


def on(store: Store) -> dict[int, tuple[str, str | None, int]]:
    """State, task on the desk and seats of each document."""
    with store.read() as session:
        rows = session.scalars(select(TaskRow).order_by(TaskRow.id))
        return {row.document_id: (row.state, row.desk_task_id, row.seats) for row in rows}


def test_answers_on_all_tasks_of_a_document_count(tasks: Store) -> None:
    counts = merged(
        tasks,
        FetchedTask(1, "11", (), 0),
        FetchedTask(1, "91", (answer("a1", 1, raw={"task": 91}),), 0),
        places=BOTH,
        seats={"12": 1},
    )
    assert (counts.new, counts.unknown_tasks, counts.deleted_tasks, counts.twice) == (1, 0, 0, set())
    assert labels(tasks) == {1: ["Disease"]}
    assert on(tasks) == {1: ("answered", "11", 0), 2: ("open", "12", 1)}


def test_a_task_that_is_fetched_alone_leaves_the_answers_on_its_copy(tasks: Store) -> None:
    both = (
        FetchedTask(1, "11", (answer("a1", 1, annotator="bob@example.org", raw={"task": 11}),), 0),
        FetchedTask(1, "91", (answer("a2", 1, "Other", minutes=3, raw={"task": 91}),), 0),
    )
    merged(tasks, *both, places=BOTH)
    for task in both:
        counts = merged(tasks, task, places=BOTH)
        assert (counts.new, counts.deleted, counts.kept) == (0, 0, 0)
    assert merged(tasks, FetchedTask(1, "11", (), 0), places=BOTH).deleted == 1
    assert labels(tasks) == {1: ["Other"]}
    assert on(tasks)[1][0] == "answered"


def test_of_two_answers_of_one_person_to_a_task_and_its_copy_the_later_counts_and_it_is_told(tasks: Store) -> None:
    late = FetchedTask(1, "11", (answer("a1", 1, "Late", minutes=9, raw={"task": 11}),), 0)
    early = FetchedTask(1, "91", (answer("a2", 1, "Early", minutes=1, raw={"task": 91}),), 0)
    assert merged(tasks, late, early, places=BOTH).twice == {("ann@example.org", 1)}
    assert labels(tasks) == {1: ["Late"]}
    # also where the copy comes later than the task
    assert merged(tasks, early, places=BOTH).twice == {("ann@example.org", 1)}


def test_a_task_that_was_deleted_and_imported_anew_is_taken_up_with_the_answers_to_both(tasks: Store) -> None:
    merged(tasks, FetchedTask(1, "11", (answer("a1", 1),), 0), places={1: ["11"], 2: ["12"]})
    new = FetchedTask(1, "91", (answer("a7", 1, "Other", annotator="bob@example.org", raw={"task": 91}),), 0)
    for _ in range(2):
        counts = merged(tasks, new, places={1: ["91"], 2: ["12"]})
        assert (counts.deleted, counts.deleted_tasks, counts.unknown_tasks) == (0, 0, 0)
    with tasks.read() as session:
        (decided,) = answers(session, "pool", with_gold=True)
    assert {vote.annotator for vote in decided.votes} == {"ann@example.org", "bob@example.org"}
    assert on(tasks)[1][:2] == ("answered", "91")


def test_a_deleted_task_that_is_imported_again_is_open_again(tasks: Store) -> None:
    assert merged(tasks, places={2: ["12"]}).deleted_tasks == 1
    assert on(tasks)[1][0] == "deleted"
    merged(tasks, FetchedTask(1, "91", (), 0), places={1: ["91"], 2: ["12"]}, seats={"91": 1, "12": 1})
    assert on(tasks)[1] == ("open", "91", 1)


def test_two_tasks_that_exchanged_their_ids_are_known_by_their_documents(tasks: Store) -> None:
    swapped = (FetchedTask(1, "12", (), 0), FetchedTask(2, "11", (answer("a1", 2, raw={"task": 11}),), 0))
    counts = merged(tasks, *swapped, places={1: ["12"], 2: ["11"]})
    assert (counts.unknown_tasks, counts.deleted_tasks) == (0, 0)
    assert {number: row[:2] for number, row in on(tasks).items()} == {1: ("open", "12"), 2: ("answered", "11")}


def test_a_task_that_was_made_anew_with_the_same_ids_keeps_the_answers_to_the_one_before(tasks: Store) -> None:
    merged(tasks, FetchedTask(1, "11", (answer("a1", 1, created_at=T0),), 0), places=BOTH)
    later = T0 + timedelta(hours=1)
    empty = FetchedTask(1, "11", (), 0, made_at=later)
    counts = merged(tasks, empty, places=BOTH)
    assert (counts.kept, counts.deleted) == (1, 0)
    assert labels(tasks) == {1: ["Disease"]}
    bob = answer("a1", 1, "Other", minutes=90, annotator="bob@example.org", created_at=T0 + timedelta(minutes=90))
    for _ in range(2):
        merged(tasks, FetchedTask(1, "11", (bob,), 0, made_at=later), places=BOTH)
    with tasks.read() as session:
        (decided,) = answers(session, "pool", with_gold=True)
    assert [(vote.annotator, vote.revises) for vote in decided.votes] == [
        ("bob@example.org", None),
        ("ann@example.org", None),
    ]


def test_an_answer_that_was_deleted_and_comes_back_from_a_backup_counts_again(tasks: Store) -> None:
    given = FetchedTask(1, "11", (answer("a1", 1),), 0)
    pull(tasks, given)
    for _ in range(2):
        assert pull(tasks, FetchedTask(1, "11", (), 0)).deleted == 1
        assert labels(tasks) == {}
        counts = pull(tasks, given)
        assert (counts.restored, counts.new) == (1, 0)
        assert labels(tasks) == {1: ["Disease"]}
        assert pull(tasks, given).restored == 0


def test_an_earlier_revision_of_a_deleted_answer_that_comes_back_from_a_backup_counts(tasks: Store) -> None:
    first, second = (FetchedTask(1, "11", (answer("a1", 1, label, minutes=m),), 0) for label, m in (("A", 0), ("B", 1)))
    for fetched in (first, second, FetchedTask(1, "11", (), 0)):
        pull(tasks, fetched)
    for _ in range(2):
        pull(tasks, first)
        assert labels(tasks) == {1: ["A"]}
    pull(tasks, second)
    assert labels(tasks) == {1: ["B"]}


def test_what_a_restored_backup_does_not_have_still_counts(tasks: Store) -> None:
    pull(tasks, FetchedTask(1, "11", (answer("a1", 1, "A"), answer("a2", 1, "B", annotator="bob@example.org")), 0))
    pull(tasks, FetchedTask(1, "11", (answer("a1", 1, "New", minutes=5), answer("a2", 1, "B", annotator="b")), 0))
    counts = pull(tasks, FetchedTask(1, "11", (answer("a1", 1, "A"),), 0, earlier=True))
    assert (counts.deleted, counts.kept, counts.changed) == (0, 2, 0)
    with tasks.read() as session:
        (decided,) = answers(session, "pool", with_gold=True)
        said = {label: annotation for annotation, label in zip(decided.votes, ("New", "B"), strict=True)}
    assert len(said) == 2


def test_an_answer_that_is_held_back_counts_and_is_the_same_when_it_is_given_again(tasks: Store) -> None:
    given = FetchedTask(1, "11", (answer("a1", 1),), 0)
    pull(tasks, given)
    for fetched in (FetchedTask(1, "11", (), 0, complete=False), given):
        counts = pull(tasks, fetched)
        assert (counts.new, counts.deleted, counts.kept) == (0, 0, 0)
        assert labels(tasks) == {1: ["Disease"]}
        with tasks.read() as session:
            assert [row.document_id for row in tasks_in_state(session, "pool", "answered")] == [1]
    assert pull(tasks, FetchedTask(1, "11", (), 0)).deleted == 1


def test_an_id_that_a_restored_desk_gives_to_another_answer_takes_nobody_s_place(tasks: Store) -> None:
    pull(tasks, FetchedTask(1, "11", (answer("a1", 1, created_at=T0),), 0))
    bob = answer("a1", 1, "Other", minutes=9, annotator="bob@example.org", created_at=T0 + timedelta(minutes=9))
    counts = pull(tasks, FetchedTask(1, "11", (bob,), 0, earlier=True))
    assert (counts.new, counts.kept, counts.deleted) == (1, 1, 0)
    with tasks.read() as session:
        (decided,) = answers(session, "pool", with_gold=True)
    assert {(vote.annotator, vote.revises) for vote in decided.votes} == {
        ("ann@example.org", None),
        ("bob@example.org", None),
    }


def test_an_answer_of_another_task_with_the_same_id_and_time_is_kept(tasks: Store) -> None:
    pull(tasks, FetchedTask(1, "11", (answer("a1", 1),), 0))
    pull(tasks, FetchedTask(1, "11", (), 0), FetchedTask(2, "12", (answer("a1", 2),), 0))
    assert labels(tasks) == {2: ["Disease"]}


def test_a_change_by_another_under_a_clock_that_was_set_back_is_that_persons(tasks: Store) -> None:
    pull(tasks, FetchedTask(1, "11", (answer("a1", 1, minutes=20),), 0))
    changed = replace(answer("a1", 1, "Other", minutes=10), editor="bob@example.org")
    counts = pull(tasks, FetchedTask(1, "11", (changed,), 0))
    assert (counts.changed, counts.revised) == (1, 1)
    with tasks.read() as session:
        (decided,) = answers(session, "pool", with_gold=True)
    assert (decided.annotator, decided.votes[0].revises) == ("bob@example.org", "ann@example.org")


def test_the_tasks_of_a_round_are_counted_whatever_run_made_them(tasks: Store) -> None:
    with tasks.write() as session:
        assert count_asked(session, "pool", 0) == 2
        intend_push(session, "pool", [3], 0, T0)
        assert count_asked(session, "pool", 0) == 2
        assert count_asked(session, "test", 0) == count_asked(session, "pool", 1) == 0


@pytest.mark.slow
def test_a_document_whose_task_went_with_a_restored_backup_before_anybody_answered_it_is_asked_for_again(
    tasks: Store,
) -> None:
    with tasks.write() as session:
        intend_push(session, "pool", [3], 0, T0)
        confirm_push(session, {3: "13"}, None, T0)
    pull(
        tasks,
        FetchedTask(1, "11", (answer("a1", 1),), 0),
        FetchedTask(2, "12", (answer("a2", 2),), 0),
        existing=frozenset({"11", "12", "13"}),
    )
    # the backup knows the first task alone, and no answer
    restored = FetchedTask(1, "11", (), 0, earlier=True)
    counts = pull(tasks, restored, existing=frozenset({"11"}))
    assert (counts.returned, counts.deleted_tasks, counts.kept) == (1, 1, 1)
    assert labels(tasks) == {1: ["Disease"], 2: ["Disease"]}
    with tasks.read() as session:
        assert never_asked_documents(session, without_gold=False) == [3]
    assert pull(tasks, restored, existing=frozenset({"11"})).returned == 0


@pytest.mark.slow
def test_a_document_whose_task_somebody_deleted_is_not_asked_for_again(tasks: Store) -> None:
    counts = pull(tasks, FetchedTask(1, "11", (answer("a1", 1),), 0), existing=frozenset({"11"}))
    assert (counts.returned, counts.deleted_tasks) == (0, 1)
    with tasks.read() as session:
        assert never_asked_documents(session, without_gold=False) == [3]
