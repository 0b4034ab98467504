"""Tasks in which people are asked again: making them, withdrawing outdated ones, and never asking twice.

A task is recorded before it is sent and confirmed afterwards, and its key says what it asks. So a run that was cut off
is repeated without making anything a second time. A task that no longer fits the annotators' answers is withdrawn,
unless somebody has answered or begun it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from biorat_al.corpus.model.document import Annotation
from biorat_al.corpus.model.role import SettlingRole
from biorat_al.desk.base import DeskProject, PreAnnotation, Sheet, Task
from biorat_al.errors import DeskProjectGoneError
from biorat_al.rounds.context import Context
from biorat_al.rounds.steps.settled import NOTHING_SETTLED, Settled, fetch_settling, store_settling
from biorat_al.rounds.team.places import prepared
from biorat_al.store.annotations import chunks
from biorat_al.store.documents import documents_by_id
from biorat_al.store.parts.segments import parts_of
from biorat_al.store.settling.settlements import Wording, confirm, give_up, intend, settlements, task_key
from biorat_al.store.store import now
from biorat_al.store.tables import DeskProjectRow
from biorat_al.store.tasks import desk_project
from biorat_al.wording import are

VERSIONS: Mapping[SettlingRole, str] = {"disputes": "all-answers", "review": "present-annotation"}
"""Names of what is marked beforehand, where the desk shows the version of a model."""

CHUNK = 100
"""Tasks per request."""

_DONE = ("open", "answered", "skipped")


@dataclass(frozen=True, slots=True)
class Question:
    """A document to ask about.

    :param document_id: its row id.
    :param digest: changes with what is asked.
    :param shown: what is shown, as JSON values.
    :param marked: what is marked beforehand.
    """

    document_id: int
    digest: str
    shown: dict[str, Any]
    sheet: Sheet
    marked: Annotation


@dataclass(frozen=True, slots=True)
class AskedAgain:
    """What became of documents on which people are asked again.

    :param url: address of the project on the desk, if it has one.
    :param made: number of tasks that were made just now.
    :param withdrawn: number of tasks that no longer fitted, and were deleted.
    :param begun: number of tasks that no longer fit, and that somebody has begun.
    :param open: number of tasks that nobody has answered.
    :param answered: number of documents that somebody has settled.
    :param fetched: what was fetched before.
    :param notices: one sentence for each thing that a person should know.
    """

    kind: SettlingRole
    url: str | None
    made: int = 0
    withdrawn: int = 0
    begun: int = 0
    open: int = 0
    answered: int = 0
    fetched: Settled = NOTHING_SETTLED
    notices: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "kind": self.kind,
            "url": self.url,
            "made": self.made,
            "withdrawn": self.withdrawn,
            "open": self.open,
            "answered": self.answered,
            "notices": list(self.notices),
        }


def fetch(context: Context) -> Settled:
    """Fetch the answers of people who were asked again, and store them."""
    # what was deleted is made anew
    pulls = {kind: pull for kind, pull in fetch_settling(context).items() if pull is not None}
    context.check_lock()
    with context.store.write() as session:
        return store_settling(context, session, pulls)


def ask_again(
    context: Context, kind: SettlingRole, questions: Sequence[Question], current: Mapping[int, str]
) -> AskedAgain:
    """Make the tasks that are missing, withdraw those that no longer fit, and show what is marked.

    :param questions: what to ask, in this order; what has been asked already is not asked again.
    :param current: digest of what would be asked now, by row id of each document of which something could be.
    """
    with context.store.read() as session:
        known = settlements(session, kind)
    if not questions and not any(row.state in ("open", "pushing") for row in known):
        return _report(context, kind, None)
    context.check_lock()
    project, notices = _prepared(context, kind)
    _settle(context, project, kind, current)
    withdrawn, begun = _withdraw(context, project, kind, current)
    made = _push(context, project, kind, questions)
    report = _report(context, kind, project.url)
    if report.open:
        context.check_lock()
        context.desk.publish(project, VERSIONS[kind])
    if begun:
        notices += (
            f"{are(begun, 'task')} outdated, since annotators have changed their answers, but somebody has begun "
            f"{'it' if begun == 1 else 'them'}: what is submitted counts, and the document is asked again",
        )
    return replace(report, made=made, withdrawn=withdrawn, begun=begun, notices=notices)


def _prepared(context: Context, kind: SettlingRole) -> tuple[DeskProject, tuple[str, ...]]:
    """Make the project, or bring it up to date; make it anew if somebody deleted it."""
    try:
        project = prepared(context, kind)
    except DeskProjectGoneError:
        with context.store.write() as session:
            rows = settlements(session, kind)
            give_up(session, kind, [row.id for row in rows if row.state in ("open", "pushing")])
            session.delete(session.get_one(DeskProjectRow, kind))
        project = prepared(context, kind)
        notice = "the project was deleted on the desk and has been made anew; what was answered is not asked again"
        return project, (*project.notices, notice)
    return project, project.notices


def _settle(context: Context, project: DeskProject, kind: SettlingRole, current: Mapping[int, str]) -> None:
    """Confirm the tasks that an interrupted run has sent; forget those that did not arrive and no longer fit."""
    with context.store.read() as session:
        uncertain = [row for row in settlements(session, kind) if row.state == "pushing"]
        documents = documents_by_id(session, [row.document_id for row in uncertain])
    if not uncertain:
        return
    keys = {task_key(documents[row.document_id].id, row.digest): row for row in uncertain}
    arrived = context.desk.find_arrived(project, list(keys))
    lost = [row.id for key, row in keys.items() if key not in arrived and current.get(row.document_id) != row.digest]
    with context.store.write() as session:
        found = {(row.document_id, row.digest): arrived[key] for key, row in keys.items() if key in arrived}
        confirm(session, kind, found, now())
        give_up(session, kind, lost)


def _withdraw(
    context: Context, project: DeskProject, kind: SettlingRole, current: Mapping[int, str]
) -> tuple[int, int]:
    """Delete open tasks that no longer fit; return how many were deleted, and how many somebody has begun."""
    with context.store.read() as session:
        outdated = {
            row.desk_task_id: row.id
            for row in settlements(session, kind)
            if row.state == "open" and row.desk_task_id is not None and current.get(row.document_id) != row.digest
        }
    if not outdated:
        return 0, 0
    context.check_lock()
    gone = context.desk.take_back(project, list(outdated))
    with context.store.write() as session:
        give_up(session, kind, [outdated[task_id] for task_id in gone])
    return len(gone), len(outdated) - len(gone)


def _push(context: Context, project: DeskProject, kind: SettlingRole, questions: Sequence[Question]) -> int:
    """Push the tasks that are missing, in order; return their number."""
    with context.store.read() as session:
        there = {(row.document_id, row.digest) for row in settlements(session, kind) if row.state in _DONE}
        missing = [one for one in questions if (one.document_id, one.digest) not in there]
        documents = documents_by_id(session, [one.document_id for one in missing], check=True)
        parts = parts_of(session, [one.document_id for one in missing])
    with context.progress.bar(f"Pushing tasks ({kind})", total=len(missing), unit="task") as bar:
        for some in chunks(missing, CHUNK):
            context.check_lock()
            with context.store.write() as session:
                intend(session, kind, {one.document_id: Wording(one.digest, one.shown) for one in some}, now())
            tasks = {}
            for one in some:
                document = documents[one.document_id]
                key = task_key(document.id, one.digest)
                marked = _offered(one.marked, project)
                proposed = PreAnnotation(VERSIONS[kind], 0.5, marked.entities, marked.relations)
                tasks[key] = one, Task(key, document, proposed, parts.get(one.document_id), one.sheet)
            arrived = context.desk.push(project, [task for _, task in tasks.values()])
            with context.store.write() as session:
                found = {(tasks[key][0].document_id, tasks[key][0].digest): ident for key, ident in arrived.items()}
                confirm(session, kind, found, now())
            bar.advance(len(some))
    return len(missing)


def _offered(annotation: Annotation, project: DeskProject) -> Annotation:
    """Return what people can choose on the desk; mentions of labels that a project no longer has cannot be shown."""
    labels = set(project.labels) - project.lacking
    names = {relation.name for relation in project.relations} - project.lacking
    entities = tuple(entity for entity in annotation.entities if entity.label in labels)
    ids = {entity.id for entity in entities}
    relations = tuple(one for one in annotation.relations if one.label in names and {one.head, one.tail} <= ids)
    return replace(annotation, entities=entities, relations=relations)


def _report(context: Context, kind: SettlingRole, url: str | None) -> AskedAgain:
    with context.store.read() as session:
        rows = settlements(session, kind)
        project = desk_project(session, kind)
    answered = {row.document_id for row in rows if row.state == "answered"}
    return AskedAgain(
        kind,
        url or (project.url if project else None),
        open=sum(row.state == "open" for row in rows),
        answered=len(answered),
    )
