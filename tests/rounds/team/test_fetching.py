"""Several projects with the tasks of one role are read as one."""

from __future__ import annotations

from biorat_al.desk.base import Pull, TaskState
from biorat_al.rounds.team.fetching import Visit, united, visits_in_words


def pull(keys: dict[str, str], open_tasks: set[str], **more: object) -> Pull:
    tasks = tuple(TaskState(ident, key, ()) for ident, key in keys.items() if ident not in open_tasks)
    return Pull(tasks, frozenset(keys), frozenset(open_tasks), "cursor", keys=keys, **more)  # type: ignore[arg-type]


def test_what_several_projects_have_is_put_together() -> None:
    ann = pull({"1": "a", "2": "b"}, {"1"}, notices=("first",), begun=frozenset({"1"}))
    bob = pull({"3": "a", "4": "c"}, {"3", "4"}, seats={"4": 2}, notices=("second",))
    both = united([ann, bob])
    assert [task.task_id for task in both.tasks] == ["2"]
    assert both.existing == {"1", "2", "3", "4"}
    assert both.keys == {"1": "a", "2": "b", "3": "a", "4": "c"}
    assert both.begun == {"1"}
    assert both.notices == ("first", "second")
    # a document for two people is one open document with two seats
    assert both.open_documents == 2
    assert both.open_seats == 1 + 1 + 2
    assert [both.seats_of(ident) for ident in ("1", "2", "3", "4")] == [1, 0, 1, 2]


def test_one_project_stays_as_it_is() -> None:
    one = pull({"1": "a"}, set())
    assert united([one]) is one


def test_visits_are_told_once_for_each_pair_of_people() -> None:
    assert visits_in_words([]) == []
    (sentence,) = visits_in_words([Visit("ann", "bob"), Visit("ann", "bob"), Visit("cy", "bob")])
    assert sentence.startswith("3 answers were given in another annotator's project (ann in that of bob, cy in that of")
