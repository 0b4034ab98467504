"""Sending tasks to a project on the desk, each once, whatever is cut off.

Each chunk is recorded before it is sent and confirmed afterwards. Before anything is sent again, what an interrupted
run may have sent is looked up on the desk. In a member's project, a seat records that; otherwise the task does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from sqlalchemy import select
from sqlalchemy.orm import Session

from biorat_al.corpus.model.document import Document
from biorat_al.corpus.model.role import ROLES, DeskRole, Role
from biorat_al.corpus.segments import PartOfDocument
from biorat_al.desk.base import DeskProject, PreAnnotation, Task
from biorat_al.errors import DeskProjectGoneError
from biorat_al.rounds.context import Context
from biorat_al.rounds.team.places import prepared
from biorat_al.store.annotations import chunks, entity_from_values, relation_from_values
from biorat_al.store.documents import documents_by_id
from biorat_al.store.models import predictions
from biorat_al.store.parts.segments import parts_of
from biorat_al.store.store import now
from biorat_al.store.tables import MemberRow, TaskRow
from biorat_al.store.tasks import confirm_push, intend_push, tasks_in_state
from biorat_al.store.team.members import members
from biorat_al.store.team.seats import UNSENT, confirm_seats, intend_seats, seats_in_state

CHUNK = 100
"""Tasks per request: few enough that a server which hung finishes a queued request before it is asked what arrived."""

NO_PARTS: Mapping[int, PartOfDocument] = MappingProxyType({})

_CONFIRMED = ("open", "answered", "skipped", "deleted")


def send(
    context: Context,
    project: DeskProject,
    document_ids: Sequence[int],
    proposed: Mapping[int, PreAnnotation],
    parts: Mapping[int, PartOfDocument] = NO_PARTS,
    *,
    member: MemberRow | None = None,
) -> None:
    """Send tasks to a project, in order; those that have arrived before are not sent again.

    :param document_ids: row ids of what is asked for.
    :param proposed: pre-labels by row id.
    :param parts: what each segment is a part of, by row id.
    :param member: whose project it is; None: everybody's.
    """
    with context.store.read() as session:
        documents = documents_by_id(session, document_ids, check=True)
    _settle(context, project, documents, proposed, member)
    with context.store.read() as session:
        there = set(_in_state(session, project.role, member, *_CONFIRMED))
    missing = [document_id for document_id in document_ids if document_id not in there]
    begun = len(document_ids) - len(missing)
    whose = "" if member is None else f", {member.name}"
    with context.progress.bar(
        f"Pushing tasks ({project.role}{whose})", total=len(document_ids), unit="task", done=begun
    ) as bar:
        for some in chunks(missing, CHUNK):
            context.check_lock()
            with context.store.write() as session:
                intend_push(session, project.role, some, context.number, now())
                if member is not None:
                    intend_seats(session, member.id, some)
            tasks = [Task(documents[i].id, documents[i], proposed.get(i), parts.get(i)) for i in some]
            arrived = context.desk.push(project, tasks)
            _confirm(context, documents, arrived, proposed, member)
            bar.advance(len(some))


def send_unsent(context: Context) -> None:
    """Send what members were given and have not got yet: their project was deleted on the desk, for example.

    They see the pre-labels that the documents were shown with before.
    """
    with context.store.read() as session:
        seats = seats_in_state(session, *UNSENT)
        people = {member.id: member for member in members(session, with_left=True)}
    waiting: dict[tuple[int, Role], list[int]] = {}
    blind = {(seat.member_id, seat.document_id) for seat in seats if not seat.pre_labels}
    for role in ROLES:
        for seat in seats:
            if seat.role == role:
                waiting.setdefault((seat.member_id, role), []).append(seat.document_id)
    for (member_id, role), documents in waiting.items():
        member = people[member_id]
        with context.store.read() as session:
            shown = _shown_before(session, [one for one in documents if (member_id, one) not in blind])
            parts = parts_of(session, documents)
        try:
            project = prepared(context, role, member)
        except DeskProjectGoneError:
            # the project is made again once it is known that the others are there
            continue
        send(context, project, documents, shown, parts, member=member)
        if versions := Counter(one.model_version for one in shown.values()):
            context.desk.publish(project, versions.most_common(1)[0][0])


def pre_annotations(session: Session, version: str | None, document_ids: Sequence[int]) -> dict[int, PreAnnotation]:
    """Return the predictions of a model as pre-labels, by row id; documents without one are left out."""
    if version is None:
        return {}
    return {
        document_id: PreAnnotation(
            version,
            row.confidence,
            tuple(entity_from_values(value) for value in row.entities),
            tuple(relation_from_values(value) for value in row.relations),
        )
        for document_id, row in predictions(session, version, document_ids).items()
    }


def _shown_before(session: Session, document_ids: Sequence[int]) -> dict[int, PreAnnotation]:
    """Return the pre-labels that tasks were shown with, by row id, as far as they were kept."""
    by_version: dict[str, list[int]] = {}
    for some in chunks(document_ids):
        rows = session.execute(select(TaskRow.document_id, TaskRow.shown_version).where(TaskRow.document_id.in_(some)))
        for document_id, version in rows:
            if version is not None:
                by_version.setdefault(version, []).append(document_id)
    found: dict[int, PreAnnotation] = {}
    for version, some_of_it in sorted(by_version.items()):
        found |= pre_annotations(session, version, some_of_it)
    return found


def _in_state(session: Session, role: DeskRole, member: MemberRow | None, *states: str) -> list[int]:
    """Return the row ids of what is in one of the states, by the seats of a member or else by the tasks."""
    if member is None:
        return [task.document_id for task in tasks_in_state(session, role, *states)]
    return [seat.document_id for seat in seats_in_state(session, *states, role=role, member_id=member.id)]


def _settle(
    context: Context,
    project: DeskProject,
    documents: Mapping[int, Document],
    proposed: Mapping[int, PreAnnotation],
    member: MemberRow | None,
) -> None:
    """Confirm the tasks that an interrupted push has sent; wait as long as the desk may still be processing them."""
    with context.store.read() as session:
        uncertain = [one for one in _in_state(session, project.role, member, "pushing") if one in documents]
    if not uncertain:
        return
    keys = [documents[one].id for one in uncertain]
    arrived = context.desk.find_arrived(project, keys)
    _confirm(context, documents, arrived, proposed, member)


def _confirm(
    context: Context,
    documents: Mapping[int, Document],
    arrived: Mapping[str, str],
    proposed: Mapping[int, PreAnnotation],
    member: MemberRow | None,
) -> None:
    row_ids = {document.id: row_id for row_id, document in documents.items()}
    at = now()
    with context.store.write() as session:
        for key, task_id in arrived.items():
            pre_annotation = proposed.get(row_ids[key])
            version = pre_annotation.model_version if pre_annotation else None
            confirm_push(session, {row_ids[key]: task_id}, version, at)
        if member is not None:
            confirm_seats(session, member.id, {row_ids[key]: task_id for key, task_id in arrived.items()}, at)
