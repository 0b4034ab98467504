"""A group of annotators on an oracle: each answers when the test says so."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from biorat_al.corpus.model.document import Annotation, Record
from biorat_al.demo.corpus import read_demo_corpus
from biorat_al.desk.base import DeskAnnotation, DeskProject, Documents, Pull
from biorat_al.desk.oracle import OracleDesk
from biorat_al.project import Project
from biorat_al.store.documents import document_keys
from biorat_al.store.known_answers import HOME
from biorat_al.store.store import now
from biorat_al.store.tables import SeatRow
from biorat_al.store.team.members import add_member, members
from biorat_al.store.team.seats import seats_in_state
from tests.support.rounds import make_project, settings_for

ANN, BOB, CY = "ann@example.org", "bob@example.org", "cy@example.org"

STATES = ("assigned", "pushing", "open", "answered", "skipped", "moved", "deleted")


class GroupDesk(OracleDesk):
    """An oracle on which people answer one by one.

    :ivar done: person and document id of each task that has an answer; None: all have.
    :ivar by: who answered instead, by person and document id.
    :ivar skipped: those that were skipped, likewise.
    """

    def __init__(self, gold: Any, folder: Path) -> None:
        super().__init__(gold, folder)
        self.done: set[tuple[str, str]] | None = set()
        self.by: dict[tuple[str, str], str] = {}
        self.skipped: set[tuple[str, str]] = set()

    def pull(self, project: DeskProject, documents: Documents, cursor: str | None = None) -> Pull:
        everything = super().pull(project, documents, None)
        answered, waiting = [], set[str]()
        for task in everything.tasks:
            (answer,) = task.annotations
            seat = (answer.annotator, task.key or "")
            if self.done is not None and seat not in self.done:
                waiting.add(task.task_id)
            else:
                answered.append(replace(task, annotations=(self.changed(seat, answer),)))
        return replace(everything, tasks=tuple(answered), open_tasks=frozenset(waiting))

    def changed(self, seat: tuple[str, str], answer: DeskAnnotation) -> DeskAnnotation:
        """Return an answer as it was really given."""
        # as Label Studio does, it says on which of a document's tasks it was given
        raw = {HOME: answer.id, **answer.raw}
        return replace(answer, annotator=self.by.get(seat, seat[0]), skipped=seat in self.skipped, raw=raw)


def group_project(
    folder: Path, encoder: Path, *people: str, team: dict[str, Any] | None = None, **changes: Any
) -> Project:
    """Make a project with a group, where nothing is annotated yet: 24 documents in the pool, 4 in the test set."""
    records = [Record(record.document, None, record.source) for record in list(read_demo_corpus())[:28]]
    values: dict[str, Any] = {
        "training": {"epochs": 1, "min_steps": 3, "batch_size": 4, "arms": ("none",), "selecting_arm": "none"},
        "desk": {"kind": "label-studio"},
        "team": {"double": 0.34} if team is None else team,
    }
    settings = settings_for(encoder, **values | changes)
    project = make_project(folder, settings, gold=False, pool=24, test=4, records=records)
    gold = {record.document.id: record.annotation or Annotation() for record in read_demo_corpus()}
    project._desk = GroupDesk(lambda keys: {key: gold[key] for key in keys if key in gold}, project.folder)
    join(project, *people)
    return project


def desk_of(project: Project) -> GroupDesk:
    """Return the desk of a project made by :func:`group_project`."""
    assert isinstance(project.desk, GroupDesk)
    return project.desk


def join(project: Project, *people: str) -> None:
    """Add annotators to the group."""
    with project.store.write() as session:
        for name in people:
            add_member(session, name, "annotator", now())


def seats(project: Project, *states: str) -> list[tuple[str, str, SeatRow]]:
    """Return name, document id and row of each seat, in the order in which they were given."""
    with project.store.read() as session:
        rows = seats_in_state(session, *(states or STATES))
        names = {row.id: row.name for row in members(session, with_left=True)}
        keys = document_keys(session, [row.document_id for row in rows])
    return [(names[row.member_id], keys[row.document_id], row) for row in rows]


def tasks_on_the_desk(project: Project) -> list[tuple[str, str, str]]:
    """Return person (empty: everybody), role and document id of each task, sorted."""
    with closing(sqlite3.connect(project.folder / "oracle.db")) as database:
        rows = database.execute("SELECT person, role, key FROM task JOIN project ON project.id = task.project")
        return sorted((person, role, key) for person, role, key in rows)


def delete_project(project: Project, person: str, role: str) -> None:
    """Delete a person's project on the desk, with its tasks."""
    with closing(sqlite3.connect(project.folder / "oracle.db")) as database, database:
        ids = [
            row[0] for row in database.execute("SELECT id FROM project WHERE person = ? AND role = ?", (person, role))
        ]
        for ident in ids:
            database.execute("DELETE FROM task WHERE project = ?", (ident,))
            database.execute("DELETE FROM project WHERE id = ?", (ident,))
