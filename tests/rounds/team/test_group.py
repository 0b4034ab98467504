"""Rounds of a group: who is asked for what, what is fetched, and what is still missing."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from biorat_al.errors import DeskProjectGoneError, NothingToDoYet, UsageError
from biorat_al.people.doubles import several_answers
from biorat_al.project import Project
from biorat_al.rounds.context import Context, RoundRequest
from biorat_al.rounds.steps import push
from biorat_al.rounds.team.doubles import REASON
from biorat_al.store.picks import picks_of
from biorat_al.store.store import now
from biorat_al.store.tasks import count_seats, count_tasks, desk_project
from biorat_al.store.team.members import leave
from tests.support.group import (
    ANN,
    BOB,
    CY,
    delete_project,
    desk_of,
    group_project,
    join,
    seats,
    tasks_on_the_desk,
)

PEOPLE = (ANN, BOB, CY)


@pytest.fixture
def asked(tmp_path: Path, tiny_encoder: Path) -> Project:
    """Return a project whose first batch is with a group of three."""
    project = group_project(tmp_path / "trial", tiny_encoder, *PEOPLE)
    project.round()
    return project


def answer(project: Project, *given: tuple[str, str]) -> None:
    desk = desk_of(project)
    assert desk.done is not None
    desk.done.update(given)


def waits(project: Project) -> NothingToDoYet:
    with pytest.raises(NothingToDoYet) as waiting:
        project.round()
    return waiting.value


def of_pool(project: Project, *states: str) -> list[tuple[str, str]]:
    return [(name, key) for name, key, row in seats(project, *states) if row.role == "pool"]


def test_a_batch_is_spread_over_a_group_and_a_share_of_it_goes_to_two_people(asked: Project) -> None:
    given = seats(asked)
    with asked.store.read() as session:
        picks = {pick.document_id: pick for pick in picks_of(session, 0)}
    people = Counter(row.document_id for _, _, row in given)
    double = {row.document_id for _, _, row in given if row.double}
    assert {number for document, number in people.items() if document in double} == {2}
    assert {number for document, number in people.items() if document not in double} == {1}
    assert len(picks) == 6
    assert len(double & set(picks)) == round(6 * 0.34) == 2
    for document, pick in picks.items():
        assert (pick.strategy == "random" and pick.reason == REASON) == (document in double)
    # the whole test set is double, and nobody sees suggestions there or on a double
    tests = [row for _, _, row in given if row.role == "test"]
    assert len(tests) == 8
    assert all(row.double for row in tests)
    assert not any(row.pre_labels for row in tests)
    assert all(row.pre_labels is not row.double for _, _, row in given if row.role == "pool")
    assert {row.state for _, _, row in given} == {"open"}
    assert tasks_on_the_desk(asked) == sorted((name, row.role, key) for name, key, row in given)
    with asked.store.read() as session:
        assert desk_project(session, "pool") is None
        assert [count_tasks(session, role)["open"] for role in ("pool", "test")] == [6, 4]
        assert [count_seats(session, role) for role in ("pool", "test")] == [8, 8]


def test_work_is_spread_evenly(asked: Project) -> None:
    loads = Counter[str]()
    for name, _, row in seats(asked):
        assert row.seconds is not None
        loads[name] += row.seconds
    longest = max(row.seconds for _, _, row in seats(asked))
    assert max(loads.values()) - min(loads.values()) <= 2 * longest


def test_a_half_done_double_is_not_finished_and_who_is_missing_is_named(asked: Project) -> None:
    double = next(key for _, key, row in seats(asked) if row.role == "pool" and row.double)
    first, second = (name for name, key in of_pool(asked) if key == double)
    answer(asked, *(seat for seat in of_pool(asked) if seat != (second, double)))
    message = str(waits(asked))
    assert message.startswith(f"1 of 6 tasks are still open ({second}: 1); finish them in Label Studio")
    assert of_pool(asked, "open") == [(second, double)]
    assert (first, double) in of_pool(asked, "answered")
    plan = asked.plan()
    assert plan.waits == f"1 task is still open ({second}: 1)"
    status = asked.status()
    assert (status.open_now, status.seats_now) == ({"pool": 1, "test": 4}, {"pool": 1, "test": 8})
    assert status.tasks["pool"]["answered"] == 5


def test_all_answers_still_to_come_are_counted(asked: Project) -> None:
    missing = Counter(name for name, _ in of_pool(asked))
    message = str(waits(asked))
    assert message.startswith("6 of 6 tasks are still open and want 8 answers (")
    assert message.split("(")[1].split(")")[0] == ", ".join(f"{name}: {missing[name]}" for name in PEOPLE)


def test_a_skip_is_no_answer_and_takes_the_seat(asked: Project) -> None:
    (name, key), *_ = of_pool(asked)
    answer(asked, (name, key))
    desk_of(asked).skipped.add((name, key))
    waits(asked)
    assert of_pool(asked, "skipped") == [(name, key)]


def test_whoever_works_in_anothers_project_is_taken_for_what_they_did(asked: Project) -> None:
    double = next(key for _, key, row in seats(asked) if row.role == "test")
    first, second = (name for name, key, _ in seats(asked) if key == double)
    (visitor,) = set(PEOPLE) - {first, second}
    desk_of(asked).by[first, double] = visitor
    answer(asked, (first, double), (second, double))
    (notice,) = waits(asked).notes
    assert notice == (
        f"1 answer was given in another annotator's project ({visitor} in that of {first}): what was done counts for "
        "whoever did it, but not in the agreement, unless that person was asked for the document"
    )
    # it is told once
    assert waits(asked).notes == ()
    states = {(name, key): row.state for name, key, row in seats(asked)}
    assert states[first, double] == states[second, double] == "answered"
    with asked.store.read() as session:
        assert several_answers(session).chosen == ()


def test_answers_of_those_who_were_asked_are_compared(asked: Project) -> None:
    tests = [(name, key) for name, key, row in seats(asked) if row.role == "test"]
    answer(asked, *tests)
    waits(asked)
    with asked.store.read() as session:
        chosen = several_answers(session).chosen
    assert len(chosen) == 4
    assert all(len(one.independent) == 2 for _, one in chosen)


def test_a_project_that_was_deleted_is_made_again_without_doubling_what_is_answered(asked: Project) -> None:
    name = max(PEOPLE, key=[one for one, _ in of_pool(asked)].count)
    own = [key for one, key in of_pool(asked) if one == name]
    answer(asked, (name, own[0]))
    waits(asked)
    delete_project(asked, name, "pool")
    (notice,) = waits(asked).notes
    number = len(own) - 1
    assert notice == (
        f"the project of {name} (pool) was deleted on the desk: it is made again with the {number} "
        f"task{'s' if number > 1 else ''} without an answer; what was answered still counts"
    )
    assert [key for person, role, key in tasks_on_the_desk(asked) if (person, role) == (name, "pool")] == sorted(
        own[1:]
    )
    assert (name, own[0]) in of_pool(asked, "answered")
    assert sorted(key for one, key in of_pool(asked, "open") if one == name) == sorted(own[1:])
    answer(asked, *of_pool(asked))
    assert of_pool(asked, "open")
    with asked.store.read() as session:
        assert len(several_answers(session).chosen) == 0
    # nothing is made twice by fetching again
    before = tasks_on_the_desk(asked)
    asked.status()
    assert tasks_on_the_desk(asked) == before


def test_a_project_that_is_gone_when_a_batch_is_sent_is_made_again(asked: Project) -> None:
    before = tasks_on_the_desk(asked)
    delete_project(asked, ANN, "pool")
    context = Context(asked.folder, asked.settings, asked.store, asked.desk, 0, RoundRequest())
    push.run(context)
    assert tasks_on_the_desk(asked) == before
    assert {row.state for _, _, row in seats(asked)} == {"open"}
    for person, role, _ in before:
        delete_project(asked, person, role)
    with pytest.raises(DeskProjectGoneError):
        push.run(context)
    assert tasks_on_the_desk(asked) == []


def test_if_all_projects_are_gone_it_is_another_desk(asked: Project) -> None:
    for name in PEOPLE:
        for role in ("pool", "test"):
            delete_project(asked, name, role)
    before = [(name, key, row.state) for name, key, row in seats(asked)]
    with pytest.raises(DeskProjectGoneError, match="the oracle has no project"):
        asked.round()
    assert [(name, key, row.state) for name, key, row in seats(asked)] == before


@pytest.mark.parametrize("people", [(), (ANN,)])
def test_one_annotator_cannot_be_given_doubles(tmp_path: Path, tiny_encoder: Path, people: tuple[str, ...]) -> None:
    with group_project(tmp_path / "trial", tiny_encoder, *people) as project:
        said = (
            f"double = 0.34 in [team] gives documents to two annotators, but the group has {len(people)} "
            f"annotator{'' if people else 's'}: add people with `biorat-al team add`, or set double = 0"
        )
        for call in (project.round, project.plan):
            with pytest.raises(UsageError, match=re.escape(said)):
                call()
        assert project.status(ask_desk=False).rounds == ()


def test_a_share_is_given_without_pre_labels(tmp_path: Path, tiny_encoder: Path) -> None:
    team = {"without_pre_labels": 0.5, "double_test": 0.5}
    with group_project(tmp_path / "trial", tiny_encoder, ANN, BOB, team=team) as project:
        project.round()
        given = seats(project)
        assert sorted(row.pre_labels for _, _, row in given if row.role == "pool") == [False] * 3 + [True] * 3
        assert sum(row.double for _, _, row in given if row.role == "test") == 2 * 2
        assert sum(row.role == "test" for _, _, row in given) == 4 + 2


def test_one_annotator_has_projects_too(tmp_path: Path, tiny_encoder: Path) -> None:
    with group_project(tmp_path / "trial", tiny_encoder, ANN, team={}) as project:
        project.round()
        assert {(person, role) for person, role, _ in tasks_on_the_desk(project)} == {(ANN, "pool"), (ANN, "test")}
        assert len(tasks_on_the_desk(project)) == 6 + 4


@pytest.mark.slow
def test_two_rounds_with_doubles(asked: Project) -> None:
    desk_of(asked).done = None
    report = asked.round()
    assert report.step("pull").counts["new"] == 6 + 2 + 4 * 2
    assert report.step("train").counts["documents"] == 6
    assert report.step("push").counts["pre_labelled"] == 6
    batch = [(name, key, row) for name, key, row in seats(asked) if row.round_number == 1]
    assert len({key for _, key, _ in batch}) == 6
    assert len(batch) == 8
    pairs = Counter(
        tuple(sorted(name for name, key, _ in seats(asked) if key == double))
        for double in {key for _, key, row in seats(asked) if row.double}
    )
    # four test documents, and two of each batch
    assert sum(pairs.values()) == 8
    assert max(pairs.values()) - min(pairs.values()) <= 1
    with asked.store.read() as session:
        assert {role for role, _ in several_answers(session).chosen} == {"pool", "test"}
    asked.round()
    with asked.store.read() as session:
        assert sum(role == "pool" for role, _ in several_answers(session).chosen) == 4


@pytest.mark.slow
def test_a_project_gets_a_group_later_without_losing_an_answer(tmp_path: Path, tiny_encoder: Path) -> None:
    with group_project(tmp_path / "trial", tiny_encoder, team={"double": 0.0}) as project:
        project.round()
        first = [key for person, role, key in tasks_on_the_desk(project) if role == "pool"]
        answer(project, *(("oracle", key) for key in first[:2]))
        join(project, ANN, BOB)
        report = project.round(partial=True)
        assert report.step("train").counts["documents"] == 2
        # what is open stays where it is, in everybody's project
        everybody = [key for person, role, key in tasks_on_the_desk(project) if (person, role) == ("", "pool")]
        assert everybody == first
        new = of_pool(project)
        assert len(new) == 6
        assert not {key for _, key in new} & set(first)
        assert report.step("push").counts["relabelled"] == 4
        with project.store.write() as session:
            leave(session, BOB, now())
        answer(project, *(("oracle", key) for key in first), *new)
        report = project.round()
        assert report.step("train").counts["documents"] == 12
        assert {name for name, _, row in seats(project) if row.round_number == 2} == {ANN}
