"""Test documents that were asked for before there was a group get a second person."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, select

from biorat_al.errors import NothingToDoYet
from biorat_al.people.doubles import several_answers
from biorat_al.project import Project
from biorat_al.rounds.context import Context, RoundRequest, StepResult
from biorat_al.rounds.steps import push
from biorat_al.store.database.engine import DATABASE_VARIABLE
from biorat_al.store.database.integrity import check_rows
from biorat_al.store.store import now
from biorat_al.store.tables import AnnotationRow, RoundRow
from biorat_al.store.tasks import count_seats, count_tasks
from biorat_al.store.team.earlier import annotated_by_one, asked_of_everybody
from tests.people.factories import AT
from tests.support.group import ANN, BOB, CY, desk_of, group_project, join, seats, tasks_on_the_desk


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def project(
    request: pytest.FixtureRequest, tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Project]:
    """Provide a project without a group whose first batch everybody was asked for."""
    changes = {}
    if request.param == "postgres":
        url: URL = request.getfixturevalue("new_postgres_database")()
        monkeypatch.setenv(DATABASE_VARIABLE, url.render_as_string(hide_password=False))
        changes = {"database": {"url": "environment"}}
    with group_project(tmp_path / "trial", tiny_encoder, team={}, **changes) as made:
        made.round()
        yield made


def asked_of_all(project: Project) -> list[str]:
    return [key for person, role, key in tasks_on_the_desk(project) if (person, role) == ("", "test")]


def answer(project: Project, **by: str) -> None:
    """Let people answer what everybody was asked for; fetch it."""
    desk = desk_of(project)
    assert desk.done is not None
    for key, name in by.items():
        desk.done.add(("oracle", key))
        desk.by["oracle", key] = name
    with pytest.raises(NothingToDoYet):
        project.round()


def send(project: Project, number: int) -> StepResult:
    """Send what a later round sends, which chose nothing."""
    with project.store.write() as session:
        if session.get(RoundRow, number) is None:
            session.add(
                RoundRow(
                    number=number, state="running", request={}, settings={}, program_version="1", started_at=AT
                )
            )  # fmt: skip
    context = Context(project.folder, project.settings, project.store, project.desk, number, RoundRequest())
    finish = push.run(context)
    with project.store.write() as session:
        result = finish(session)
        session.get_one(RoundRow, number).state = "done"
    return result


def given(project: Project) -> dict[str, str]:
    """Return who was asked for each test document, and check that this is one person without pre-labels."""
    rows = [(name, key, row) for name, key, row in seats(project) if row.role == "test"]
    assert len({key for _, key, _ in rows}) == len(rows)
    assert all(row.double and not row.pre_labels for _, _, row in rows)
    return {key: name for name, key, _ in rows}


def test_somebody_else_is_asked_and_answers_stay(project: Project) -> None:
    first, second, third, fourth = asked_of_all(project)
    # one of those who answered does not belong to the group, and nobody has answered the last one
    answer(project, **{first: ANN, second: BOB, third: "lead@example.org"})
    join(project, ANN, BOB)
    result = send(project, 1)
    known = "3 test documents that one person had annotated before there was a group: a second one is asked now"
    assert known in result.counts["notices"]
    asked = given(project)
    assert asked.keys() == {first, second, third}
    assert (asked[first], asked[second]) == (BOB, ANN)
    assert asked_of_all(project) == [first, second, third, fourth]
    assert sorted((name, key) for name, role, key in tasks_on_the_desk(project) if role == "test" and name) == sorted(
        (name, key) for key, name in asked.items()
    )
    with project.store.read() as session:
        assert several_answers(session).chosen == ()
        assert (count_tasks(session, "test")["open"], count_seats(session, "test")) == (4, 4)
    # nothing is given twice; what was open is given once somebody has answered it
    answer(project, **{fourth: BOB})
    send(project, 2)
    assert given(project) == asked | {fourth: ANN}
    send(project, 3)
    assert given(project) == asked | {fourth: ANN}
    desk = desk_of(project)
    assert desk.done is not None
    desk.done |= {(name, key) for key, name in given(project).items()}
    with pytest.raises(NothingToDoYet):
        project.round()
    with project.store.read() as session:
        chosen = [one for role, one in several_answers(session).chosen if role == "test"]
        names = [sorted(str(vote.annotator) for vote in one.independent) for one in chosen]
        assert sorted(names) == sorted([[ANN, BOB], [ANN, BOB], [ANN, BOB], sorted([asked[third], "lead@example.org"])])
        assert count_tasks(session, "test") == {"pushing": 0, "open": 0, "answered": 4, "skipped": 0, "deleted": 0}
        assert check_rows(session) == 0


def test_whoever_answers_later_in_everybodys_project_was_not_asked(project: Project) -> None:
    key, *_ = asked_of_all(project)
    answer(project, **{key: ANN})
    join(project, ANN, BOB, CY)
    send(project, 1)
    asked = given(project)[key]
    (visitor,) = {BOB, CY} - {asked}
    desk = desk_of(project)
    desk.by[asked, key] = visitor
    answer(project, **{key: ANN})
    assert desk.done is not None
    desk.done.add((asked, key))
    with pytest.raises(NothingToDoYet):
        project.round()
    with project.store.read() as session:
        assert several_answers(session).chosen == ()


def test_a_share_of_them_is_doubled_and_always_the_same(project: Project) -> None:
    keys = asked_of_all(project)
    answer(project, **dict.fromkeys(keys[:2], ANN))
    join(project, ANN, BOB)
    project.settings = project.settings.model_copy(
        update={"team": project.settings.team.model_copy(update={"double_test": 0.5})}
    )
    send(project, 1)
    answer(project, **dict.fromkeys(keys, ANN))
    send(project, 2)
    half = given(project)
    assert len(half) == 2
    send(project, 3)
    assert given(project) == half
    with project.store.read() as session:
        assert len(asked_of_everybody(session)) == 4
        assert len(annotated_by_one(session, asked_of_everybody(session))) == 2


def test_one_annotator_is_no_group(project: Project) -> None:
    answer(project, **dict.fromkeys(asked_of_all(project), "lead@example.org"))
    join(project, ANN)
    send(project, 1)
    assert given(project) == {}


def of_bob(row: AnnotationRow, **columns: Any) -> AnnotationRow:
    """Return an answer of Bob to what somebody has answered before."""
    return AnnotationRow(
        document_id=row.document_id, source="person", annotator=BOB, task_id=row.task_id, desk_annotation_id="of Bob",
        updated_at=now(), fetched_at=now(), concept_relations=[], extras={}, problems=[], slips={}, **columns,
    )  # fmt: skip


def test_a_copy_of_an_answer_is_given_to_neither_of_the_two(project: Project) -> None:
    key, *_ = asked_of_all(project)
    answer(project, **{key: ANN})
    join(project, ANN, BOB, CY)
    with project.store.read() as session:
        (touched,) = annotated_by_one(session, asked_of_everybody(session)).values()
        assert (touched.alone, touched.everybody) == ({ANN}, {ANN})
    with project.store.write() as session:
        for row in session.scalars(select(AnnotationRow).where(AnnotationRow.annotator == ANN)).all():
            row.superseded, row.current = True, False
            session.add(of_bob(row, revises=ANN))
    send(project, 1)
    assert given(project)[key] == CY


def test_whoever_looked_again_at_an_answer_is_not_its_second_person(project: Project) -> None:
    key, *_ = asked_of_all(project)
    answer(project, **{key: ANN})
    join(project, ANN, BOB, CY)
    with project.store.write() as session:
        for row in session.scalars(select(AnnotationRow).where(AnnotationRow.annotator == ANN)).all():
            session.add(of_bob(row, settles="review", ground_truth=True))
    send(project, 1)
    assert given(project)[key] == CY
