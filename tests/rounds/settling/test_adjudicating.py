"""Documents on which annotators disagree are adjudicated, once, and the answer is the truth from then on."""

from __future__ import annotations

import signal
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from biorat_al.errors import DeskAccessError, NothingToDoYet
from biorat_al.people.doubles import several_answers
from biorat_al.project import Project
from biorat_al.store.answers import load_answers
from biorat_al.store.settling.settlements import settlements
from biorat_al.store.tables import AnnotationRow, DocumentRow
from tests.people.factories import add_answer, marked
from tests.support import rounds as killing
from tests.support.processes import forked
from tests.support.settling import (
    ANN,
    ASPIRIN,
    ASTHMA,
    ASTHMA_IS,
    BOB,
    answer_to,
    change_answer,
    hurried,
)


def pushed(project: Project) -> list[str]:
    """Return the keys of the documents whose tasks are on the desk, in their order."""
    with sqlite3.connect(project.folder / "oracle.db") as database:
        return [key for (key,) in database.execute("SELECT document FROM task ORDER BY id")]


def states(project: Project) -> dict[str, list[str]]:
    with project.store.read() as session:
        keys = {row.id: row.key for row in session.scalars(select(DocumentRow))}
        found: dict[str, list[str]] = {}
        for row in settlements(session, "disputes"):
            found.setdefault(keys[row.document_id], []).append(row.state)
        return found


def test_test_documents_come_first_then_the_most_disputed_and_nothing_is_asked_twice(project: Project) -> None:
    desk = hurried(project)
    report = project.settling.adjudicate()
    assert (report.made, report.open, report.answered) == (3, 3, 0)
    assert pushed(project) == ["p4", "p1", "p2"]
    assert project.settling.adjudicate().made == 0
    assert pushed(project) == ["p4", "p1", "p2"]
    desk.finish()
    assert (project.settling.adjudicate().made, states(project)) == (
        0,
        {"p4": ["answered"], "p1": ["answered"], "p2": ["answered"]},
    )


def test_a_limit_is_how_many_wait_and_the_next_ones_follow_when_these_are_answered(project: Project) -> None:
    desk = hurried(project)
    for _ in range(2):
        assert project.settling.adjudicate(limit=1).open == 1
    assert pushed(project) == ["p4"]
    desk.finish()
    project.settling.adjudicate(limit=1)
    assert pushed(project) == ["p4", "p1"]


def test_all_documents_of_several_annotators_can_be_asked_for(project: Project) -> None:
    hurried(project)
    assert project.settling.adjudicate("all").made == 4
    assert pushed(project) == ["p4", "p1", "p2", "p0"]
    # what was asked stays, though nobody disagrees on it
    report = project.settling.adjudicate()
    assert (report.withdrawn, report.open) == (0, 4)


def test_the_adjudicated_answer_counts_and_the_annotators_keep_theirs(project: Project) -> None:
    with project.store.read() as session:
        before, _ = len(several_answers(session).chosen), None
    project.settling.adjudicate()
    assert answer_to(project, "p1").rule == "majority"
    fetched = project.settling.adjudicate().fetched
    assert fetched.new == 3
    answer = answer_to(project, "p1")
    assert (answer.rule, answer.annotator, len(answer.independent)) == ("adjudicated", "oracle", 2)
    with project.store.read() as session:
        ((_, annotation),) = load_answers(session, [answer])
        assert sorted((entity.label, entity.spans) for entity in annotation.entities) == [
            ("Chemical", ASPIRIN.spans),
            ("Disease", ASTHMA.spans),
        ]
        assert [relation.label for relation in annotation.relations] == ["treats"]
        # the adjudicator is not a third annotator
        assert len(several_answers(session).chosen) == before
        rows = session.scalars(select(AnnotationRow).where(AnnotationRow.source == "person", AnnotationRow.current))
        assert {(row.annotator, row.settles, row.ground_truth, row.task_id) for row in rows} == {
            (ANN, None, False, None), (BOB, None, False, None), ("oracle", "disputes", True, None),
        }  # fmt: skip
    upheld = project.settling.upheld()
    assert upheld.documents == 3
    assert (upheld.count("annotator-1"), upheld.count("annotator-2")) == ((5, 5), (5, 0))


def test_a_task_nobody_has_answered_is_replaced_when_annotators_change_their_answers(project: Project) -> None:
    hurried(project)
    project.settling.adjudicate()
    change_answer(project, "p2", BOB, marked(ASTHMA_IS, ASPIRIN))
    report = project.settling.adjudicate()
    assert (report.made, report.withdrawn, report.open) == (1, 1, 3)
    assert pushed(project) == ["p4", "p1", "p2"]
    assert states(project)["p2"] == ["deleted", "open"]
    # they agree now, so that nobody is asked
    change_answer(project, "p2", BOB, marked(ASTHMA))
    report = project.settling.adjudicate()
    assert (report.made, report.withdrawn) == (0, 1)
    # and what they said at first can be asked again
    change_answer(project, "p2", BOB, marked(ASTHMA_IS))
    assert project.settling.adjudicate().made == 1
    assert states(project)["p2"] == ["open", "deleted"]


def test_an_annotator_who_edits_after_adjudication_is_reported_and_the_truth_stays(project: Project) -> None:
    desk = hurried(project)
    project.settling.adjudicate()
    desk.finish()
    project.settling.adjudicate()
    change_answer(project, "p2", BOB, marked(ASPIRIN))
    desk.finished = set()
    report = project.settling.adjudicate()
    assert report.made == 1
    (notice,) = report.notices
    assert notice == (
        "annotators have changed their answers to 1 document since it was adjudicated (p2); the adjudicated answer "
        "counts. To look at it again: biorat-al adjudicate"
    )
    assert answer_to(project, "p2").rule == "adjudicated"
    status = project.status(ask_desk=False).settling
    assert status is not None
    assert (status.disputed, status.settled, status.open, status.outdated) == (3, 3, 1, 1)


def test_a_round_fetches_what_was_adjudicated(project: Project) -> None:
    project.settling.adjudicate()
    report = project.round()
    counts = report.step("pull").counts
    assert counts["settled"] == {"new": 3, "changed": 0, "deleted": 0, "skipped": 0}
    assert "disputed" not in report.step("train").counts
    assert answer_to(project, "p2").rule == "adjudicated"


def test_a_project_that_was_deleted_is_made_anew_without_what_is_answered(project: Project) -> None:
    desk = hurried(project)
    project.settling.adjudicate(limit=1)
    desk.finish()
    project.settling.adjudicate(limit=1)
    desk.finished = set()
    project.settling.adjudicate()
    with sqlite3.connect(project.folder / "oracle.db") as database:
        for table in ("pre_annotation", "task", "project"):
            database.execute(f"DELETE FROM {table}")
    report = project.settling.adjudicate()
    assert (report.made, report.answered) == (2, 1)
    assert "has been made anew" in " ".join(report.notices)
    assert pushed(project) == ["p1", "p2"]
    assert answer_to(project, "p4").rule == "adjudicated"


def test_what_cannot_be_adjudicated_is_said_in_a_sentence(
    project: Project, tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in ("p1", "p2", "p4"):
        change_answer(project, key, ANN, marked(ASTHMA))
        change_answer(project, key, BOB, marked(ASTHMA))
    with pytest.raises(NothingToDoYet, match="annotators agree on 4 documents"):
        project.settling.adjudicate()
    with killing.make_project(tmp_path / "new", killing.settings_for(tiny_encoder)) as new:
        with pytest.raises(NothingToDoYet, match="no document has answers of two people yet"):
            new.settling.adjudicate()
        with new.store.write() as session:
            (key, *_) = session.scalars(select(DocumentRow.key).order_by(DocumentRow.id))
            add_answer(session, key, ANN, marked())
        with pytest.raises(NothingToDoYet, match="no document has answers of two people yet"):
            new.settling.adjudicate()

    def refuse(*ignored: object, **more: object) -> None:
        raise DeskAccessError("the project could not be made: not allowed")

    change_answer(project, "p1", BOB, marked(ASPIRIN))
    desk = hurried(project)
    monkeypatch.setattr(desk, "prepare", refuse)
    with pytest.raises(DeskAccessError, match="could not be made"):
        project.settling.adjudicate()
    assert states(project) == {}


def _adjudicate(folder: Path, moment: str | None) -> None:
    with Project.open(folder) as project:
        desk: Any = hurried(project)
        if moment is not None:
            killing._arm(project, moment)
        assert project.desk is desk
        project.settling.adjudicate()


def run(folder: Path, moment: str | None = None) -> int:
    """Adjudicate in a process that is killed at a moment; return its exit code."""
    process = forked.Process(target=_adjudicate, args=(folder, moment))
    process.start()
    process.join(120)
    assert process.exitcode is not None
    return process.exitcode


@pytest.mark.slow
def test_killed_anywhere_the_same_command_goes_on_and_nothing_is_there_twice(project: Project) -> None:
    moments = [f"{when}:desk.{call}" for call in ("prepare", "push", "publish") for when in ("before", "after")]
    for moment in moments:
        assert run(project.folder, moment) == -signal.SIGKILL, moment
        assert len(pushed(project)) == len(set(pushed(project))) if (project.folder / "oracle.db").exists() else True
        with project.store.read() as session:
            assert all(row.state != "answered" for row in settlements(session, "disputes"))
    assert run(project.folder) == 0
    assert pushed(project) == ["p4", "p1", "p2"]
    assert states(project) == {"p4": ["open"], "p1": ["open"], "p2": ["open"]}
    change_answer(project, "p2", BOB, marked(ASTHMA_IS, ASPIRIN))
    for moment in ("before:desk.take_back", "after:desk.take_back", "after:desk.push"):
        assert run(project.folder, moment) == -signal.SIGKILL, moment
    assert run(project.folder) == 0
    assert pushed(project) == ["p4", "p1", "p2"]
    assert states(project) == {"p4": ["open"], "p1": ["open"], "p2": ["deleted", "open"]}
