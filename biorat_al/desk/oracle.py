"""A desk that answers at once from gold annotations, for simulations, demonstrations and tests.

Apart from the waiting it behaves like Label Studio. It remembers what was pushed in one SQLite file, so that a
simulation can be killed and resumed; it does not store answers, since gold does not change.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from biorat_al.corpus.model.document import Annotation, Entity, Relation, Span
from biorat_al.corpus.model.identity import mention_key, relation_keys
from biorat_al.corpus.model.role import DeskRole
from biorat_al.desk.base import (
    Desk,
    DeskAnnotation,
    DeskProject,
    Documents,
    Person,
    Personal,
    PreAnnotation,
    Pull,
    Task,
    TaskState,
)
from biorat_al.desk.checks import check_pre_annotation, check_tasks
from biorat_al.disk import has_no_room, no_room, writing
from biorat_al.errors import DeskError, DeskProjectGoneError
from biorat_al.settings import Guidelines, RelationType

Gold = Callable[[Sequence[str]], Mapping[str, Annotation]]
"""A function that looks gold annotations up by document id and leaves out documents without gold."""

ANNOTATOR = "oracle"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS project (
    id INTEGER PRIMARY KEY, role TEXT NOT NULL, title TEXT NOT NULL, marker TEXT NOT NULL, labels TEXT NOT NULL,
    shown_version TEXT, relations TEXT NOT NULL DEFAULT '[]', person TEXT NOT NULL DEFAULT ''
);
CREATE TABLE IF NOT EXISTS task (
    id INTEGER PRIMARY KEY AUTOINCREMENT, project INTEGER NOT NULL REFERENCES project, key TEXT NOT NULL,
    document TEXT NOT NULL, length INTEGER NOT NULL, answered_from INTEGER, UNIQUE (project, key)
);
CREATE TABLE IF NOT EXISTS pre_annotation (
    id INTEGER PRIMARY KEY, task INTEGER NOT NULL REFERENCES task, version TEXT NOT NULL, entities TEXT NOT NULL,
    relations TEXT NOT NULL DEFAULT '[]', UNIQUE (task, version)
);
"""

_LATER = (("project", "relations", "[]"), ("pre_annotation", "relations", "[]"), ("project", "person", ""))
"""Table, column and default of what files made by an earlier version of the program do not have."""

_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
_AT_ONCE = 500


class OracleDesk(Desk):
    """A desk that answers every task from gold as soon as it is pushed.

    :param gold: function that looks gold annotations up by document id.
    :param folder: folder for ``oracle.db``, which remembers what was pushed; made if it does not exist.
    """

    kind = "oracle"

    def __init__(self, gold: Gold, folder: Path) -> None:
        self._gold = gold
        self._file = folder / "oracle.db"

    def address(self) -> str:
        return f"oracle in {self._file}"

    def check(self) -> None:
        with self._database():
            pass

    def prepare(
        self,
        role: DeskRole,
        title: str,
        labels: Sequence[str],
        reference: str | None = None,
        *,
        marker: str | Personal = "",
        relations: Sequence[RelationType] = (),
        guidelines: Guidelines | None = None,
    ) -> DeskProject:
        person, marker = (marker.name, marker.word) if isinstance(marker, Personal) else ("", marker)
        with self._database() as database:
            if reference is None:
                row = database.execute(
                    "SELECT id FROM project WHERE role = ? AND title = ? AND marker = ? ORDER BY id",
                    (role, title, marker),
                ).fetchone()
            else:
                row = (self._project(database, reference)[0],)
            # each label once, though it may join several pairs of types
            known = list(dict.fromkeys(relation.name for relation in relations))
            values = (json.dumps(list(labels)), json.dumps(known))
            if row is None:
                sql = "INSERT INTO project (role, title, marker, labels, relations, person) VALUES (?, ?, ?, ?, ?, ?)"
                number = database.execute(sql, (role, title, marker, *values, person)).lastrowid
            else:
                number = row[0]
                sql = "UPDATE project SET labels = ?, relations = ?, person = ? WHERE id = ?"
                database.execute(sql, (*values, person, number))
        return DeskProject(role, str(number), f"oracle:{number}", tuple(labels), relations=tuple(relations))

    def push(self, project: DeskProject, tasks: Sequence[Task]) -> Mapping[str, str]:
        ids: dict[str, str] = {}
        with self._database() as database:
            number, labels, relations = self._project(database, project.reference)
            check_tasks(tasks, labels, relations)
            gold = self._gold([task.document.id for task in tasks])
            for task in tasks:
                if task.document.id not in gold:
                    raise DeskError(
                        f"document {task.document.id}: the oracle has no gold annotation to answer from. "
                        "Nothing was pushed"
                    )
                try:
                    row = database.execute(
                        "INSERT INTO task (project, key, document, length) VALUES (?, ?, ?, ?)",
                        (number, task.key, task.document.id, len(task.document.text)),
                    )
                except sqlite3.IntegrityError:
                    raise DeskError(f"the task {task.key!r} already exists. Nothing was pushed") from None
                ids[task.key] = str(row.lastrowid)
                if task.pre_annotation is not None:
                    shown = self._remember(database, ids[task.key], task.pre_annotation)
                    database.execute("UPDATE task SET answered_from = ? WHERE id = ?", (shown, ids[task.key]))
        return ids

    def find(self, project: DeskProject, keys: Sequence[str]) -> Mapping[str, str]:
        ids: dict[str, str] = {}
        with self._database() as database:
            number, *_ = self._project(database, project.reference)
            for begin in range(0, len(keys), _AT_ONCE):
                batch = list(keys[begin : begin + _AT_ONCE])
                marks = ",".join("?" * len(batch))
                rows = database.execute(
                    f"SELECT key, id FROM task WHERE project = ? AND key IN ({marks})",  # noqa: S608
                    (number, *batch),
                )
                ids.update((key, str(task_id)) for key, task_id in rows)
        return ids

    def add_pre_annotations(self, project: DeskProject, pre_annotations: Mapping[str, PreAnnotation]) -> None:
        with self._database() as database:
            number, labels, relations = self._project(database, project.reference)
            for task_id, proposed in pre_annotations.items():
                row = database.execute(
                    "SELECT document, length FROM task WHERE project = ? AND id = ?", (number, task_id)
                ).fetchone()
                if row is None:
                    continue
                check_pre_annotation(proposed, row[0], row[1], labels, relations)
                self._remember(database, task_id, proposed)

    def publish(self, project: DeskProject, model_version: str) -> None:
        with self._database() as database:
            number, *_ = self._project(database, project.reference)
            known = database.execute(
                "SELECT 1 FROM pre_annotation JOIN task ON task.id = task WHERE project = ? AND version = ? LIMIT 1",
                (number, model_version),
            ).fetchone()
            if known is None:
                raise DeskError(f"the pre-annotations of {model_version} cannot be shown: no task has one")
            database.execute("UPDATE project SET shown_version = ? WHERE id = ?", (model_version, number))

    def pull(self, project: DeskProject, documents: Documents, cursor: str | None = None) -> Pull:
        with self._database() as database:
            number, _, related = self._project(database, project.reference)
            existing = dict(database.execute("SELECT id, key FROM task WHERE project = ?", (number,)))
            (person,) = database.execute("SELECT person FROM project WHERE id = ?", (number,)).fetchone()
            rows = database.execute(
                "SELECT task.id, key, document, version, entities, relations FROM task "
                "LEFT JOIN pre_annotation ON pre_annotation.id = answered_from "
                "WHERE project = ? AND task.id > ? ORDER BY task.id",
                (number, int(cursor) if cursor and cursor.isdigit() else 0),
            ).fetchall()
        gold = self._gold([row[2] for row in rows]) if rows else {}
        return Pull(
            tasks=tuple(
                TaskState(
                    str(task_id),
                    key,
                    (self.answer_of(person, _answer(task_id, gold[document], version, shown, bool(related))),),
                )
                for task_id, key, document, version, *shown in rows
            ),
            existing=frozenset(map(str, existing)),
            open_tasks=frozenset(),
            cursor=str(max(existing, default=0)),
            keys={str(task_id): key for task_id, key in existing.items()},
        )

    def people(self) -> Mapping[str, Person]:
        with self._database() as database:
            named = [row[0] for row in database.execute("SELECT DISTINCT person FROM project ORDER BY person")]
        return {name: Person(name) for name in (ANNOTATOR, *filter(None, named))}

    def invitation(self) -> str | None:
        return None

    def take_back(self, project: DeskProject, task_ids: Collection[str]) -> frozenset[str]:
        """Return the ids that do not exist: all others were answered when they were pushed."""
        with self._database() as database:
            number, *_ = self._project(database, project.reference)
            existing = {str(row[0]) for row in database.execute("SELECT id FROM task WHERE project = ?", (number,))}
        return frozenset(task_ids) - existing

    def answer_of(self, person: str, answer: DeskAnnotation) -> DeskAnnotation:
        """Return an answer as the person gives it whose project has the task.

        :param person: empty in a project that is nobody's in particular.
        """
        return replace(answer, annotator=person) if person else answer

    @staticmethod
    def _remember(database: sqlite3.Connection, task_id: str, proposed: PreAnnotation) -> int:
        entities = [[entity.label, entity.spans, entity.score] for entity in proposed.entities]
        place = {entity.id: number for number, entity in enumerate(proposed.entities)}
        relations = [
            [relation.label, place[relation.head], place[relation.tail], relation.directed]
            for relation in proposed.relations
        ]
        row = database.execute(
            "INSERT INTO pre_annotation (task, version, entities, relations) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (task, version) DO NOTHING",
            (task_id, proposed.model_version, json.dumps(entities), json.dumps(relations)),
        )
        return int(row.lastrowid or 0)

    @staticmethod
    def _project(database: sqlite3.Connection, reference: str) -> tuple[int, tuple[str, ...], tuple[str, ...]]:
        """Return the project's number, its entity labels and its relation labels."""
        row = database.execute("SELECT id, labels, relations FROM project WHERE id = ?", (reference,)).fetchone()
        if row is None:
            raise DeskProjectGoneError(
                f"the oracle has no project {reference}: its file oracle.db was removed or exchanged"
            )
        return row[0], tuple(json.loads(row[1])), tuple(json.loads(row[2]))

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        """Open the file for one transaction: all of it happens, or nothing."""
        with writing(self._file, DeskError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
        try:
            with closing(sqlite3.connect(self._file, timeout=60)) as database:
                database.executescript(_SCHEMA)
                with database:
                    for table, name, default in _LATER:
                        columns = {column[1] for column in database.execute(f"PRAGMA table_info({table})")}
                        if name not in columns:
                            database.execute(f"ALTER TABLE {table} ADD COLUMN {name} TEXT NOT NULL DEFAULT '{default}'")
                    yield database
        except sqlite3.Error as error:
            why = no_room(self._file.parent) if has_no_room(self._file.parent) else error
            raise DeskError(f"what the oracle remembers cannot be read or written ({self._file}): {why}") from None


def _answer(
    task_id: int, gold: Annotation, version: str | None, remembered: Sequence[str | None], with_relations: bool
) -> DeskAnnotation:
    entities, relations = (json.loads(values or "[]") for values in remembered)
    shown = Annotation(
        tuple(
            Entity(id=str(number), label=label, spans=tuple(Span(*span) for span in spans), score=score)
            for number, (label, spans, score) in enumerate(entities)
        ),
        tuple(
            Relation(id=str(number), label=label, head=str(head), tail=str(tail), directed=directed)
            for number, (label, head, tail, directed) in enumerate(relations)
        ),
    )
    answered = with_origins(gold.entities, shown.entities)
    at = _BEGINNING + timedelta(seconds=task_id)
    counts: dict[str, Any] = dict.fromkeys(("prediction", "prediction-changed", "manual"), 0)
    for entity in answered:
        counts[str(entity.origin)] += 1
    counts["removed"] = len(shown.entities) - counts["prediction"] - counts["prediction-changed"]
    return DeskAnnotation(
        id=str(task_id),
        annotator=ANNOTATOR,
        created_at=at,
        updated_at=at,
        skipped=False,
        annotation=replace(
            gold,
            entities=answered,
            relations=relations_with_origins(gold, shown) if with_relations else gold.relations,
        ),
        shown_version=version,
        raw={"oracle": counts},
    )


def with_origins(gold: Sequence[Entity], shown: Sequence[Entity]) -> tuple[Entity, ...]:
    """Return `gold` as if an annotator had made it from the pre-annotation `shown`.

    A proposal that equals a gold entity was accepted (``prediction``). A proposal in the same place with another label,
    or in an overlapping place with the same label, was changed (``prediction-changed``). Any other gold entity was
    added by hand (``manual``). Each proposal is used once.
    """
    proposals = list(shown)
    answered: dict[int, Entity] = {}
    rules: tuple[tuple[str, Callable[[Entity, Entity], bool]], ...] = (
        ("prediction", lambda one, other: mention_key(one) == mention_key(other)),
        ("prediction-changed", lambda one, other: set(one.spans) == set(other.spans)),
        ("prediction-changed", lambda one, other: one.label == other.label and _overlap(one, other)),
    )
    for origin, fits in rules:
        for number, entity in enumerate(gold):
            if number in answered:
                continue
            proposal = next((one for one in proposals if fits(entity, one)), None)
            if proposal is not None:
                proposals.remove(proposal)
                answered[number] = replace(entity, origin=origin, score=proposal.score)
    return tuple(
        answered[number] if number in answered else replace(entity, origin="manual", score=None)
        for number, entity in enumerate(gold)
    )


def relations_with_origins(gold: Annotation, shown: Annotation) -> tuple[Relation, ...]:
    """Return the relations of `gold`, with ``extras["origin"]`` set by comparison with the pre-annotation `shown`.

    The origin is ``prediction`` where the same relation (:mod:`biorat_al.corpus.model.identity`) was proposed, else
    ``manual``. Each proposal is used once.
    """
    proposals, keys = list(relation_keys(shown).values()), relation_keys(gold)
    relations = []
    for relation in gold.relations:
        key = keys[relation.id]
        origin = "prediction" if key in proposals else "manual"
        if key in proposals:
            proposals.remove(key)
        relations.append(replace(relation, extras=dict(relation.extras) | {"origin": origin}))
    return tuple(relations)


def _overlap(one: Entity, other: Entity) -> bool:
    return any(a.start < b.end and b.start < a.end for a in one.spans for b in other.spans)
