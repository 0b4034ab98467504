"""Tasks that a document has several times: which of them can go, and how many answers are still asked for."""

from __future__ import annotations

from biorat_al.desk.labelstudio.listing import Listed, copies_of, notice_of, share_seats


def listed(ident: int, key: str | None, answers: int = 0) -> Listed:
    return Listed(ident, key, "2026-01-31T12:00:00Z", answers, 1, answers > 0)


def test_a_document_keeps_one_of_its_tasks_when_the_others_are_deleted_as_told() -> None:
    tasks = [listed(1, "a"), listed(2, "b"), listed(3, "a"), listed(4, "a"), listed(5, None), listed(6, None)]
    copies = copies_of(tasks)
    assert [[task.id for task in some] for some in copies] == [[1, 3, 4]]
    said = notice_of(copies, set(), {})
    assert said is not None
    assert said.startswith("1 document has more than one task in Label Studio (a)")
    assert said.endswith("in its data manager: 3, 4")


def test_a_task_that_somebody_has_answered_or_begun_is_not_to_be_deleted() -> None:
    copies = copies_of(
        [listed(1, "a"), listed(2, "a", 1), listed(3, "b"), listed(4, "b"), listed(5, "c", 1), listed(6, "c", 2)]
    )
    said = notice_of(copies, {"4"}, {})
    assert said is not None
    assert said.endswith("in its data manager: 1, 3")
    # somebody has answered it since the list was made
    said = notice_of(copies, {"4"}, {1: 1})
    assert said is not None
    assert said.endswith("in its data manager: 3")
    said = notice_of(copies, {"3", "4"}, {1: 1})
    assert said is not None
    assert said.endswith("and each of them has been answered or begun")
    assert notice_of([], set(), {}) is None


def test_a_document_with_two_tasks_asks_for_as_many_answers_as_the_one_that_wants_fewest() -> None:
    copies = copies_of([listed(1, "a"), listed(2, "a"), listed(3, "b", 1), listed(4, "b"), listed(5, "c")])
    left = {"1": 2, "2": 1, "4": 1, "5": 1}
    share_seats(copies, left)
    assert left == {"1": 1, "5": 1}
