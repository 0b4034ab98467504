"""Whose answer an answer is, when others change it, mark it, or make it by an action over many tasks."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from biorat_al.store.answers import Answer, annotators, answers
from biorat_al.store.findings import findings
from biorat_al.store.revisions import Revision, judge
from biorat_al.store.rounds import changed_since
from biorat_al.store.store import Store
from biorat_al.store.tables import AnnotationRow
from biorat_al.store.tasks import FetchedTask, count_seats, count_tasks, merge
from tests.store.test_tasks import T0, answer, labels, pull, tasks

__all__ = ["tasks"]

ANN, BOB, CARLA = "ann@example.org", "bob@example.org", "carla@example.org"


def decided(store: Store) -> Answer:
    """Return how the first document was decided on."""
    with store.read() as session:
        return answers(session, "pool", with_gold=True)[0]


def credited(store: Store) -> list[tuple[str | None, str | None, bool, bool]]:
    """Return all revisions: whose, of whose answer, current, superseded."""
    with store.read() as session:
        rows = session.scalars(select(AnnotationRow).where(AnnotationRow.source == "person").order_by(AnnotationRow.id))
        return [(row.annotator, row.revises, row.current, row.superseded) for row in rows]


def independent(store: Store) -> list[tuple[str | None, int]]:
    return [(vote.annotator, vote.annotation_id) for vote in decided(store).independent]


def test_an_answer_that_somebody_else_changed_is_that_persons_revision_beside_the_first(tasks: Store) -> None:
    pull(tasks, FetchedTask(1, "11", (answer("a1", 1),), 0))
    counts = pull(tasks, FetchedTask(1, "11", (replace(answer("a1", 1, "Other", minutes=5), editor=BOB),), 0))
    assert (counts.new, counts.changed, counts.revised) == (0, 1, 1)
    assert credited(tasks) == [(ANN, None, False, True), (BOB, ANN, True, False)]
    assert labels(tasks) == {1: ["Other"]}
    assert (decided(tasks).annotator, decided(tasks).rule, len(decided(tasks).votes)) == (BOB, "single", 1)
    # what the author had said alone is still that
    assert [name for name, _ in independent(tasks)] == [ANN]
    with tasks.read() as session:
        assert annotators(session) == [ANN, BOB]
        (found,) = findings(session).revised
    assert (found.place.document, found.place.task, found.place.annotator, found.of) == ("d1", "11", BOB, ANN)


def test_a_change_by_another_that_was_there_from_the_first_is_the_others(tasks: Store) -> None:
    pull(tasks, FetchedTask(1, "11", (replace(answer("a1", 1), editor=BOB), answer("a2", 1, annotator=CARLA)), 0))
    assert credited(tasks) == [(BOB, ANN, True, False), (CARLA, None, True, False)]
    assert [name for name, _ in independent(tasks)] == [CARLA]
    assert {vote.annotator for vote in decided(tasks).votes} == {BOB, CARLA}


def test_an_author_who_goes_on_with_what_another_made_of_it_is_not_independent_any_more(tasks: Store) -> None:
    pull(tasks, FetchedTask(1, "11", (answer("a1", 1),), 0))
    pull(tasks, FetchedTask(1, "11", (answer("a1", 1, "Mine", minutes=1),), 0))
    pull(tasks, FetchedTask(1, "11", (replace(answer("a1", 1, "His", minutes=2), editor=BOB),), 0))
    pull(tasks, FetchedTask(1, "11", (replace(answer("a1", 1, "His too", minutes=3), editor=BOB),), 0))
    pull(tasks, FetchedTask(1, "11", (answer("a1", 1, "Ours", minutes=4),), 0))
    assert credited(tasks) == [
        (ANN, None, False, False),
        (ANN, None, False, True),
        (BOB, ANN, False, False),
        (BOB, ANN, False, False),
        (ANN, BOB, True, False),
    ]
    assert labels(tasks) == {1: ["Ours"]}
    ((name, row_id),) = independent(tasks)
    assert (name, row_id) == (ANN, decided(tasks).annotation_id - 3)


def test_whoever_edits_their_own_answer_stays_its_author(tasks: Store) -> None:
    pull(tasks, FetchedTask(1, "11", (answer("a1", 1),), 0))
    pull(tasks, FetchedTask(1, "11", (answer("a1", 1, "Other", minutes=5),), 0))
    assert credited(tasks) == [(ANN, None, False, False), (ANN, None, True, False)]


def test_a_mark_as_ground_truth_by_another_does_not_take_the_credit(tasks: Store) -> None:
    marked = replace(answer("a1", 1, minutes=5, ground_truth=True), editor=BOB)
    pull(tasks, FetchedTask(1, "11", (answer("a1", 1),), 0))
    pull(tasks, FetchedTask(1, "11", (marked,), 0))
    assert credited(tasks) == [(ANN, None, False, False), (ANN, None, True, False)]
    assert (decided(tasks).rule, decided(tasks).annotator) == ("adjudicated", ANN)
    # nor where the mark was there when it was first fetched
    pull(
        tasks,
        FetchedTask(2, "12", (replace(marked, desk_annotation_id="a2", new=replace(marked.new, document_id=2)),), 0),
    )
    assert credited(tasks)[-1] == (ANN, None, True, False)


def test_a_mark_that_moved_to_another_answer_is_noticed_although_no_time_tells(tasks: Store) -> None:
    pull(tasks, FetchedTask(1, "11", (answer("a1", 1, "A", ground_truth=True), answer("a2", 1, "B", annotator=BOB)), 0))
    assert labels(tasks) == {1: ["A"]}
    moved = (answer("a1", 1, "A"), answer("a2", 1, "B", minutes=1, annotator=BOB, ground_truth=True))
    pull(tasks, FetchedTask(1, "11", moved, 0))
    assert labels(tasks) == {1: ["B"]}
    again = pull(tasks, FetchedTask(1, "11", moved, 0))
    assert (again.new, again.changed) == (0, 0)


def test_labels_that_an_action_renamed_change_the_answer_and_not_its_author(tasks: Store) -> None:
    pull(tasks, FetchedTask(1, "11", (answer("a1", 1),), 0))
    # "Rename Labels" changes what is annotated and the editor, and not the time
    renamed = replace(answer("a1", 1, "Disorder"), editor=BOB)
    for _ in range(2):
        pull(tasks, FetchedTask(1, "11", (renamed,), 0))
    assert labels(tasks) == {1: ["Disorder"]}
    assert credited(tasks) == [(ANN, None, False, False), (ANN, None, True, False)]


def test_a_skip_and_its_taking_back_by_another_are_the_others(tasks: Store) -> None:
    pull(tasks, FetchedTask(1, "11", (answer("a1", 1),), 0))
    pull(tasks, FetchedTask(1, "11", (replace(answer("a1", 1, minutes=1, skipped=True), editor=BOB),), 0))
    assert credited(tasks)[-1] == (BOB, ANN, True, False)
    assert labels(tasks) == {}
    pull(tasks, FetchedTask(1, "11", (replace(answer("a1", 1, minutes=2), editor=CARLA),), 0))
    assert credited(tasks)[-1] == (CARLA, BOB, True, False)
    assert labels(tasks) == {1: ["Disease"]}


@pytest.mark.slow
def test_an_answer_begun_as_a_copy_counts_and_is_not_independent(tasks: Store) -> None:
    copy = replace(answer("a2", 1, "Other", minutes=1, annotator=BOB), copied_from=ANN)
    pull(tasks, FetchedTask(1, "11", (answer("a1", 1), copy), 0))
    assert {vote.annotator for vote in decided(tasks).votes} == {ANN, BOB}
    assert [name for name, _ in independent(tasks)] == [ANN]


def test_a_deleted_answer_takes_what_its_author_had_said_with_it(tasks: Store) -> None:
    pull(tasks, FetchedTask(1, "11", (answer("a1", 1), answer("a2", 1, annotator=CARLA)), 0))
    pull(
        tasks,
        FetchedTask(
            1, "11", (replace(answer("a1", 1, "X", minutes=1), editor=BOB), answer("a2", 1, annotator=CARLA)), 0
        ),
    )
    assert {name for name, _ in independent(tasks)} == {ANN, CARLA}
    pull(tasks, FetchedTask(1, "11", (answer("a2", 1, annotator=CARLA),), 0))
    assert {name for name, _ in independent(tasks)} == {CARLA}
    # the desk gives the number to another answer
    pull(tasks, FetchedTask(1, "11", (answer("a1", 1, minutes=9, annotator=BOB), answer("a2", 1, annotator=CARLA)), 0))
    assert credited(tasks)[-1] == (BOB, None, True, False)


def test_model_output_in_a_persons_name_does_not_count_and_its_task_stays_open(tasks: Store) -> None:
    made = replace(answer("a1", 1), made_from="prediction")
    counts = pull(tasks, FetchedTask(1, "11", (made,), 0), FetchedTask(2, "12", (answer("a2", 2, annotator=BOB),), 0))
    assert (counts.new, counts.unattended) == (1, 1)
    assert labels(tasks) == {2: ["Disease"]}
    with tasks.read() as session:
        assert count_tasks(session, "pool")["open"] == 1
        assert annotators(session) == [BOB]
        (found,) = findings(session).unattended
    assert (found.place.document, found.place.annotation, found.made_from) == ("d1", "a1", "prediction")
    assert findings_of(tasks) == {"unattended": 1, "problems": 0, "slips": 0, "revised": 0}
    again = pull(tasks, FetchedTask(1, "11", (made,), 0))
    assert (again.new, again.changed, again.unattended) == (0, 0, 0)


def test_model_output_never_outvotes_people_and_is_no_news(tasks: Store) -> None:
    pull(tasks, FetchedTask(1, "11", (replace(answer("a1", 1, minutes=9), made_from="prediction"),), 0))
    with tasks.read() as session:
        assert not changed_since(session, 1, T0)
    made = replace(answer("a1", 1, minutes=9), made_from="prediction")
    pull(tasks, FetchedTask(1, "11", (made, answer("a2", 1, None, annotator=BOB)), 0))
    assert labels(tasks) == {1: []}
    assert decided(tasks).rule == "single"


def test_model_output_becomes_the_answer_of_whoever_corrects_it(tasks: Store) -> None:
    pull(tasks, FetchedTask(1, "11", (replace(answer("a1", 1), made_from="prediction"),), 0))
    counts = pull(
        tasks, FetchedTask(1, "11", (replace(answer("a1", 1, "New", minutes=1, lead_time=4.0), editor=BOB),), 0)
    )
    assert (counts.new, counts.changed) == (1, 0)
    assert credited(tasks) == [(ANN, None, False, False), (BOB, None, True, False)]
    assert labels(tasks) == {1: ["New"]}
    assert [name for name, _ in independent(tasks)] == [BOB]
    with tasks.read() as session:
        assert findings(session).unattended == ()


def test_model_output_whose_prediction_was_deleted_is_still_known(tasks: Store) -> None:
    pull(tasks, FetchedTask(1, "11", (replace(answer("a1", 1), made_from="prediction"),), 0))
    # the desk has forgotten what it was made from, and a program has marked it
    pull(tasks, FetchedTask(1, "11", (answer("a1", 1),), 0))
    pull(tasks, FetchedTask(1, "11", (replace(answer("a1", 1, minutes=1, ground_truth=True), editor=BOB),), 0))
    assert labels(tasks) == {}
    assert findings_of(tasks)["unattended"] == 1


def findings_of(store: Store) -> dict[str, int]:
    with store.read() as session:
        return {name: len(items) for name, items in findings(session).as_dict().items()}


def test_what_an_older_program_fetched_is_credited_anew(tasks: Store) -> None:
    def edited(**raw: object) -> FetchedTask:
        return FetchedTask(1, "11", (answer("a1", 1, "Other", minutes=5, raw={"id": 1, **raw}),), 0)

    pull(tasks, FetchedTask(1, "11", (answer("a1", 1, raw={"id": 1}),), 0))
    pull(tasks, edited())
    task = edited(updated_by=2)
    pull(tasks, replace(task, answers=(replace(task.answers[0], editor=BOB),)))
    assert credited(tasks) == [(ANN, None, False, True), (BOB, ANN, True, False)]
    with tasks.read() as session:
        raw = session.scalars(select(AnnotationRow.raw).where(AnnotationRow.current, AnnotationRow.source == "person"))
        assert raw.one() == {"id": 1, "updated_by": 2}


def test_a_task_that_two_are_to_answer_is_open_until_both_have(tasks: Store) -> None:
    def fetched(seats: dict[str, int], *given: str) -> tuple[int, int, int]:
        answered = tuple(answer(name, 1, annotator=name) for name in given)
        with tasks.write() as session:
            merge(session, "pool", [FetchedTask(1, "11", answered, 0)], frozenset({"11", "12"}), T0, seats)
        with tasks.read() as session:
            counts = count_tasks(session, "pool")
            return counts["open"], counts["answered"], count_seats(session, "pool")

    assert fetched({"11": 2, "12": 1}) == (2, 0, 3)
    assert fetched({"11": 1, "12": 1}, ANN) == (2, 0, 2)
    assert labels(tasks) == {1: ["Disease"]}
    assert fetched({"12": 1}, ANN, BOB) == (1, 1, 1)
    # somebody raises the number of a finished task
    assert fetched({"11": 1, "12": 1}, ANN, BOB) == (2, 0, 2)


def test_problems_and_slips_of_the_current_answers_are_told_with_document_and_task(tasks: Store) -> None:
    pull(
        tasks,
        FetchedTask(1, "11", (answer("a1", 1, problems=["odd"], slips={"trimmed": 2, "joined": 0}),), 0),
        FetchedTask(2, "12", (answer("a2", 2, skipped=True, problems=["of a skip"]),), 0),
    )
    with tasks.read() as session:
        found = findings(session)
    assert [(item.place.document, item.place.task, item.problem) for item in found.problems] == [("d1", "11", "odd")]
    assert [(item.place.document, item.trimmed, item.joined) for item in found.slips] == [("d1", 2, 0)]
    pull(tasks, FetchedTask(1, "11", (answer("a1", 1, minutes=1),), 0))
    assert findings_of(tasks) == {"unattended": 0, "problems": 0, "slips": 0, "revised": 0}


@given(st.lists(st.tuples(st.sampled_from([None, BOB, CARLA]), st.sampled_from("AB")), min_size=1, max_size=8))
def test_the_credit_is_with_whoever_changed_it_last(edits: list[tuple[str | None, str]]) -> None:
    revisions: list[Revision] = []
    expected, people, said = ANN, [ANN], ""
    for minutes, (editor, label) in enumerate(edits):
        editor = editor if revisions else None
        if revisions and label != said:
            expected = editor or ANN
            people.append(expected)
        said = label
        fetched = replace(answer("a1", 1, label, minutes=minutes), editor=editor)
        found = judge(fetched, revisions)
        assert found.annotator == expected
        # an answer is its author's alone until somebody else has changed it
        assert (found.revises is None) == (set(people) == {ANN})
        assert found.revises in {None, *people} - {expected}
        row = AnnotationRow(
            annotator=found.annotator, revises=found.revises, skipped=False, updated_at=fetched.updated_at
        )
        revisions.append(Revision(row, fetched.new.annotation))
