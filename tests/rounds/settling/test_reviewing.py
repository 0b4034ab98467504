"""Documents in which an audit found something are asked again, once, and the answer is the truth."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from biorat_al.corpus.model.document import Annotation, Document, Entity, Record, Span
from biorat_al.errors import NothingToDoYet, UsageError
from biorat_al.people.audit.findings import Evidence, Excerpt, Finding, Suggestion
from biorat_al.people.audit.predictions import NOTHING_HELD_OUT, HeldOut, Predicted
from biorat_al.project import Project
from biorat_al.rounds.settling import reviewing
from biorat_al.rounds.settling.reviewing import without_models
from biorat_al.store.settling.settlements import settlements
from biorat_al.store.tables import AnnotationRow, DocumentRow
from tests.people.factories import add_answer, marked, mention
from tests.support.processes import forked
from tests.support.rounds import make_project, settings_for
from tests.support.settling import ANN, BOB, answer_to, change_answer, hurried

TEXT = "Some gout was seen, and gout again in {}."
FIRST, SECOND = mention("Disease", (5, 9)), mention("Disease", (24, 28))
BOTH = marked(FIRST, SECOND)


@pytest.fixture
def project(tmp_path: Path, tiny_encoder: Path) -> Iterator[Project]:
    """Provide documents in which "gout" is always marked, but for one place of p3 and one of the test document p9."""
    gold = Annotation(
        (Entity("g1", "Disease", (Span(5, 9),)), Entity("g2", "Disease", (Span(24, 28),), extras={"type": "x"})),
        extras={"events": [{"id": "E1"}]},
    )
    records = [Record(Document(f"p{number}", TEXT.format(number)), gold, "made") for number in range(10)]
    settings = settings_for(tiny_encoder, entities=[{"name": "Disease"}])
    with make_project(tmp_path / "trial", settings, pool=8, test=2, records=records) as made:
        with made.store.write() as session:
            for number in range(10):
                add_answer(session, f"p{number}", ANN, marked(FIRST) if number in (3, 9) else BOTH)
        yield made


def asked(project: Project) -> dict[str, list[str]]:
    """Return what was shown of each document that was asked again."""
    with project.store.read() as session:
        return {
            row.shown["findings"][0]["document"]: [one["suggestion"] for one in row.shown["findings"]]
            for row in settlements(session, "review")
            if row.state != "deleted"
        }


def test_documents_with_findings_are_asked_again_once_and_the_answer_is_the_truth(project: Project) -> None:
    desk = hurried(project)
    assert project.settling.review().made == 2
    assert asked(project) == {"p3": ["mark it as Disease"], "p9": ["mark it as Disease"]}
    assert project.settling.review().made == 0
    assert answer_to(project, "p3").rule == "single"
    desk.finish()
    report = project.settling.review()
    assert (report.made, report.answered, report.fetched.new) == (0, 2, 2)
    answer = answer_to(project, "p3")
    assert (answer.rule, answer.annotator, answer.independent[0].annotator) == ("reviewed", "oracle", ANN)
    project.export(project.folder / "corpus", format="bigbio")
    card = (project.folder / "corpus" / "README.md").read_text()
    assert "- reviewed (an audit had found something, and somebody looked again): 2" in card
    # what annotators cannot mark came with the document
    project.export(project.folder / "corpus.jsonl", format="jsonl")
    line = next(one for one in (project.folder / "corpus.jsonl").read_text().splitlines() if '"p3"' in one)
    assert '"events"' in line


def test_what_somebody_has_looked_at_is_not_asked_again(project: Project) -> None:
    desk = hurried(project)
    project.settling.review()
    # the oracle marks both; as if the reviewer had left it
    desk._gold = lambda keys: {key: marked(FIRST) for key in keys}
    desk.finish()
    project.settling.review()
    assert [one.excerpt.document for one in project.audit().findings] == ["p3", "p9"]
    report = project.settling.review()
    assert (report.made, report.open, report.answered) == (0, 0, 2)


def test_a_task_is_replaced_when_the_annotation_changes(project: Project) -> None:
    hurried(project)
    project.settling.review()
    change_answer(project, "p3", ANN, BOTH)
    report = project.settling.review()
    assert (report.made, report.withdrawn, report.open) == (0, 1, 1)
    # a smaller limit takes nothing back
    assert project.settling.review(limit=1).open == 1


def test_disputed_documents_are_left_to_the_adjudicator(project: Project) -> None:
    with project.store.write() as session:
        add_answer(session, "p3", BOB, marked(mention("Disease", (0, 9))))
    hurried(project)
    report = project.settling.review()
    assert list(asked(project)) == ["p9"]
    assert any("on which annotators disagree left out" in notice for notice in report.notices)


def test_what_a_model_says_of_a_test_document_is_not_shown() -> None:
    place, suggested = Excerpt("p9", 24, 28, "and ", "gout", " again"), Suggestion("Disease", 24, 28, "gout")
    model, string = Evidence("model", "m1 predicted it", 0.9), Evidence("string", "marked elsewhere", 0.4)
    assert without_models(Finding("missed", place, None, suggested, (model,))) is None
    both = without_models(Finding("missed", place, None, suggested, (model, string)))
    assert both is not None
    assert (both.evidence, both.score) == ((string,), 0.4)


def test_what_cannot_be_reviewed_is_said_in_a_sentence(project: Project, tmp_path: Path, tiny_encoder: Path) -> None:
    with pytest.raises(UsageError, match="unknown label 'Gene'"):
        project.settling.review(label="Gene")
    change_answer(project, "p3", ANN, BOTH)
    change_answer(project, "p9", ANN, BOTH)
    with pytest.raises(NothingToDoYet, match="nothing looks wrong"):
        project.settling.review()
    plain = [Record(Document(f"n{number}", TEXT.format(number)), None, "made") for number in range(3)]
    settings = settings_for(tiny_encoder, desk={"kind": "label-studio"})
    new = make_project(tmp_path / "new", settings, gold=False, pool=2, test=1, records=plain)
    hurried(new)
    with new, pytest.raises(NothingToDoYet, match="nothing has been annotated"):
        new.settling.review()


CALLS = ("pull", "prepare", "find", "push", "take_back", "publish")
"""Requests to a desk."""


def at_borders(project: Project, desk: Any, border: Callable[[], None]) -> None:
    """Call a function before and after each request to the desk, and before and after each commit."""

    def around(work: Callable[..., Any]) -> Callable[..., Any]:
        def called(*arguments: Any, **options: Any) -> Any:
            border()
            result = work(*arguments, **options)
            border()
            return result

        return called

    for name in CALLS:
        setattr(desk, name, around(getattr(desk, name)))
    write = project.store.write

    @contextmanager
    def writing() -> Iterator[Any]:
        with write() as session:
            yield session
            session.flush()
            border()
        border()

    project.store.write = writing  # type: ignore[method-assign]


def _push(folder: Path, answered: str, dies_at: int) -> None:
    """Push the findings, and be killed at a border; at none, write down how many there are.

    :param answered: key of the task that somebody has answered.
    """
    passed = 0

    def border() -> None:
        nonlocal passed
        passed += 1
        if passed == dies_at:
            os.kill(os.getpid(), signal.SIGKILL)

    with Project.open(folder) as project:
        desk = hurried(project)
        desk.finish(answered)
        at_borders(project, desk, border)
        project.settling.review()
    (folder.parent / "borders").write_text(str(passed))


def push(folder: Path, answered: str, dies_at: int = 0) -> int:
    """Push the findings in another process; return its exit code."""
    process = forked.Process(target=_push, args=(folder, answered, dies_at))
    process.start()
    process.join(300)
    assert process.exitcode is not None
    return process.exitcode


def picture(folder: Path) -> dict[str, Any]:
    """Return what a push decides: tasks on the desk, what was asked, and the answers."""
    with Project.open(folder) as project, project.store.read() as session:
        keys = {row.id: row.key for row in session.scalars(select(DocumentRow))}
        asked = [(keys[row.document_id], row.state, row.digest) for row in settlements(session, "review")]
        answers = sorted(
            (keys[row.document_id], row.annotator or "", row.settles or "", row.current)
            for row in session.scalars(select(AnnotationRow))
        )
    with sqlite3.connect(folder / "oracle.db") as database:
        tasks = database.execute("SELECT key FROM task ORDER BY id").fetchall()
        marked_before = database.execute("SELECT count(*) FROM pre_annotation").fetchone()
    return {"asked": asked, "answers": answers, "tasks": tasks, "marked": marked_before}


@pytest.mark.slow(30)
def test_a_push_that_is_killed_anywhere_and_repeated_is_as_an_undisturbed_one(project: Project, tmp_path: Path) -> None:
    # a task that was answered, one that no longer fits, and a new finding
    hurried(project)
    project.settling.review()
    with sqlite3.connect(project.folder / "oracle.db") as database:
        (answered,) = (key for (key,) in database.execute("SELECT key FROM task") if key.startswith("p9 "))
    change_answer(project, "p3", ANN, BOTH)
    change_answer(project, "p5", ANN, marked(SECOND))
    project.close()

    def copied(name: str) -> Path:
        shutil.copytree(project.folder, tmp_path / name)
        return tmp_path / name

    undisturbed = copied("undisturbed")
    assert push(undisturbed, answered) == 0
    expected = picture(undisturbed)
    assert [(key, state) for key, state, _ in expected["asked"]] == [
        ("p3", "deleted"), ("p9", "answered"), ("p5", "open"),
    ]  # fmt: skip
    assert ("p9", "oracle", "review", True) in expected["answers"]
    assert [key.split()[0] for (key,) in expected["tasks"]] == ["p9", "p5"]

    borders = int((tmp_path / "borders").read_text())
    # a fetch, a project, a withdrawal, a push with its record and its confirmation, and what is shown
    assert borders >= 16
    for dies_at in range(1, borders + 1):
        killed = copied(f"killed-{dies_at}")
        assert push(killed, answered, dies_at) == -signal.SIGKILL, dies_at
        assert push(killed, answered) == 0, dies_at
        assert picture(killed) == expected, dies_at
        shutil.rmtree(killed)
    # once more does nothing
    assert push(undisturbed, answered) == 0
    assert picture(undisturbed) == expected


def found_by_models(monkeypatch: pytest.MonkeyPatch, *keys: str) -> None:
    """Let models that are trained for an audit find a mention at the beginning of documents."""
    sure = Predicted("m1", (replace(mention("Disease", (0, 4)), score=0.99),))
    confirming = {f"p{number}": Predicted("m1", (replace(FIRST, score=0.9),)) for number in (0, 1, 4, 5, 6, 7)}
    held_out = HeldOut(2, {**dict.fromkeys(keys, sure), **confirming})
    monkeypatch.setattr(reviewing, "read_out_of_fold", lambda *given: held_out if given[3] else NOTHING_HELD_OUT)


def test_what_models_found_is_not_taken_back_by_an_audit_without_models(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    hurried(project)
    found_by_models(monkeypatch, "p2")
    assert project.settling.review(folds=2).made == 3
    assert asked(project).keys() == {"p2", "p3", "p9"}
    report = project.settling.review()
    assert (report.made, report.withdrawn, report.open) == (0, 0, 3)
    # until the document's annotation changes
    change_answer(project, "p2", ANN, marked(SECOND, FIRST, mention("Disease", (0, 4))))
    assert project.settling.review().withdrawn == 1


def places(project: Project) -> dict[str, list[tuple[int, int]]]:
    """Return the places of each document that are asked again now."""
    with project.store.read() as session:
        return {
            row.shown["findings"][0]["document"]: sorted((one["start"], one["end"]) for one in row.shown["findings"])
            for row in settlements(session, "review")
            if row.state == "open"
        }


def test_what_models_found_stays_asked_beside_what_is_found_later(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    hurried(project)
    found_by_models(monkeypatch, "p2")
    project.settling.review(folds=2)
    assert places(project)["p2"] == [(0, 4)]
    # others begin to mark one more word
    for number in (0, 1, 4, 5, 6, 7, 8):
        change_answer(project, f"p{number}", ANN, marked(FIRST, SECOND, mention("Disease", (29, 34))))
    project.settling.review()
    assert places(project)["p2"] == [(0, 4), (29, 34)]
    report = project.settling.review()
    assert (report.made, report.withdrawn) == (0, 0)


@pytest.mark.parametrize("arrived", [True, False])
def test_what_models_found_is_sent_after_a_kill_by_an_audit_without_models(
    project: Project, monkeypatch: pytest.MonkeyPatch, arrived: bool
) -> None:
    hurried(project)
    found_by_models(monkeypatch, "p2")
    project.settling.review(folds=2)
    before = places(project)
    assert before.keys() == {"p2", "p3", "p9"}
    with project.store.write() as session:
        for row in settlements(session, "review"):
            row.state, row.desk_task_id = "pushing", None
    if not arrived:
        with sqlite3.connect(project.folder / "oracle.db") as database:
            database.execute("DELETE FROM pre_annotation")
            database.execute("DELETE FROM task")
    report = project.settling.review()
    assert (report.withdrawn, report.open) == (0, 3)
    assert places(project) == before
