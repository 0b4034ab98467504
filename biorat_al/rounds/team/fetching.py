"""Fetching: what was done in all projects of a role, and what became of each seat.

What a person did counts as theirs, in whosever project it was done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from biorat_al.corpus.model.role import ROLES, Role
from biorat_al.desk.base import Desk, Documents, Pull
from biorat_al.errors import DeskProjectGoneError
from biorat_al.rounds.context import Context
from biorat_al.rounds.team.moving import finish_moves
from biorat_al.rounds.team.places import DeskPlace, places_of, project_of
from biorat_al.rounds.team.sending import send_unsent
from biorat_al.settings import Settings
from biorat_al.store.annotations import chunks
from biorat_al.store.documents import document_keys
from biorat_al.store.tables import AnnotationRow, MemberRow
from biorat_al.store.team.members import member_project
from biorat_al.store.team.seats import seats_in_state, withdraw
from biorat_al.wording import plural

Pulled = Mapping[Role, Sequence[tuple[DeskPlace, Pull]]]
"""What was fetched from each project, by role; roles without a project are left out."""


def fetch(context: Context, documents: Documents) -> tuple[Pulled, list[str]]:
    """Fetch what was done in all projects; return it, and sentences on projects that were made again.

    A member's project that somebody deleted is made again, with what the member has not answered yet.

    :raises DeskProjectGoneError: everybody's project is gone, or all projects are, as on another server.
    """
    finish_moves(context)
    send_unsent(context)
    with context.store.read() as session:
        places = [place for role in ROLES for place in places_of(session, role)]
    found: dict[Role, list[tuple[DeskPlace, Pull]]] = {}
    gone: list[tuple[DeskPlace, DeskProjectGoneError]] = []
    for place in places:
        try:
            found.setdefault(place.role, []).append((place, _pulled(context, place, documents)))
        except DeskProjectGoneError as error:
            if place.member is None:
                raise
            gone.append((place, error))
    if gone and not any(found.values()):
        raise gone[0][1]
    notices = [_withdrawn(context, place) for place, _ in gone]
    if gone:
        send_unsent(context)
        again = {(place.member_id, place.role) for place, _ in gone}
        with context.store.read() as session:
            made = [place for role in ROLES for place in places_of(session, role)]
        for place in made:
            if (place.member_id, place.role) in again:
                found.setdefault(place.role, []).append((place, _pulled(context, place, documents)))
    return {role: some for role, some in found.items() if some}, notices


def make_again(context: Context, role: Role, member: MemberRow, error: DeskProjectGoneError) -> str:
    """Let a member's project that is gone be made again with what has no answer; return a sentence on it.

    :raises DeskProjectGoneError: no other project is there either, as on another server.
    """
    with context.store.read() as session:
        places = [place for one in ROLES for place in places_of(session, one)]
    (gone,) = (place for place in places if (place.role, place.member_id) == (role, member.id))
    if not any(_exists(context, place) for place in places if place is not gone):
        raise error
    return _withdrawn(context, gone)


def look(desk: Desk, settings: Settings, places: Sequence[DeskPlace]) -> Pulled:
    """Ask projects for what was done since the last fetch, without keeping it; projects that are gone are left out.

    :raises DeskProjectGoneError: everybody's project is gone.
    """
    found: dict[Role, list[tuple[DeskPlace, Pull]]] = {}
    for place in places:
        try:
            pull = desk.pull(project_of(place.row, place.role, settings), lambda keys: {}, place.row.cursor)
        except DeskProjectGoneError:
            if place.member is None:
                raise
            continue
        found.setdefault(place.role, []).append((place, pull))
    return found


def still_to_answer(pulled: Pulled) -> dict[str, int]:
    """Return how many tasks are open in each member's projects, by name; members with none are left out."""
    counts: dict[str, int] = {}
    for some in pulled.values():
        for place, pull in some:
            if place.member is not None and pull.open_tasks:
                counts[place.member.name] = counts.get(place.member.name, 0) + len(pull.open_tasks)
    return counts


def united(pulls: Sequence[Pull]) -> Pull:
    """Return what several projects with the tasks of one role have, as if it were one project.

    Its cursor is empty, since each project has one of its own.
    """
    if len(pulls) == 1:
        return pulls[0]
    return Pull(
        tasks=tuple(task for pull in pulls for task in pull.tasks),
        existing=frozenset().union(*(pull.existing for pull in pulls)),
        open_tasks=frozenset().union(*(pull.open_tasks for pull in pulls)),
        cursor="",
        notices=tuple(notice for pull in pulls for notice in pull.notices),
        begun=frozenset().union(*(pull.begun for pull in pulls)),
        seats={task_id: pull.seats_of(task_id) for pull in pulls for task_id in pull.open_tasks},
        keys={task_id: key for pull in pulls for task_id, key in (pull.keys or {}).items()},
    )


@dataclass(frozen=True, slots=True)
class Visit:
    """An answer that somebody gave in a project that is another member's.

    :param visitor: who gave it.
    """

    visitor: str
    owner: str


def visits(session: Session, pulled: Sequence[tuple[DeskPlace, Pull]]) -> list[Visit]:
    """Return the answers that were fetched for the first time and given in another member's project."""
    found: dict[str, Visit] = {}
    for place, pull in pulled:
        if place.member is None:
            continue
        for task in pull.tasks:
            for answer in task.annotations:
                stranger = answer.annotator.casefold() != place.member.name.casefold()
                if stranger and answer.made_from is None:
                    found[answer.id] = Visit(answer.annotator, place.member.name)
    for some in chunks(list(found)):
        known = select(AnnotationRow.desk_annotation_id).where(AnnotationRow.desk_annotation_id.in_(some))
        for ident in session.scalars(known):
            found.pop(ident or "", None)
    return list(found.values())


def visits_in_words(found: Sequence[Visit]) -> list[str]:
    """Return a sentence on answers given in other members' projects; none if there are none."""
    if not found:
        return []
    who = dict.fromkeys(f"{visit.visitor} in that of {visit.owner}" for visit in found)
    given = f"{plural(len(found), 'answer')} {'was' if len(found) == 1 else 'were'}"
    return [
        f"{given} given in another annotator's project ({', '.join(who)}): what was done counts for whoever did it, "
        "but not in the agreement, unless that person was asked for the document"
    ]


def note_seats(session: Session, pulled: Sequence[tuple[DeskPlace, Pull]]) -> None:
    """Record what became of each seat, once the answers are merged."""
    for place, pull in pulled:
        if place.member is None:
            continue
        seats = seats_in_state(session, "open", "answered", "skipped", role=place.role, member_id=place.member.id)
        concerned = [seat.document_id for seat in seats]
        given, keys = _given(session, concerned), document_keys(session, concerned)
        for seat in seats:
            task_id = seat.desk_task_id or ""
            # the desk may have given the id of a deleted task to another one
            named = keys[seat.document_id] if pull.keys is None else pull.keys.get(task_id)
            there = task_id in pull.existing and named == keys[seat.document_id]
            left = pull.seats_of(task_id) if there else None
            seat.state = _state(place.member.name.casefold(), given.get(seat.document_id, {}), left)
    session.flush()


def _state(name: str, given: Mapping[str, bool], left: int | None) -> str:
    """Return the state of a seat.

    :param name: of its member, in small letters.
    :param given: whether each person has answered the document rather than skipped it, by name in small letters.
    :param left: how many more people should answer the member's task; None if it no longer exists.
    """
    if given.get(name):
        return "answered"
    if left is None:
        return "deleted"
    if left:
        return "open"
    if name in given:
        return "skipped"
    # somebody else has done it
    return "answered" if any(given.values()) else "skipped" if given else "open"


def _given(session: Session, document_ids: Sequence[int]) -> dict[int, dict[str, bool]]:
    """Return who has answered (True) or skipped documents, by document row id and name in small letters."""
    found: dict[int, dict[str, bool]] = {}
    for some in chunks(list(document_ids)):
        rows = session.execute(
            select(AnnotationRow.document_id, AnnotationRow.annotator, AnnotationRow.skipped).where(
                AnnotationRow.document_id.in_(some),
                AnnotationRow.source == "person",
                AnnotationRow.current.is_(True) | AnnotationRow.superseded.is_(True),
                AnnotationRow.made_from.is_(None),
            )
        )
        for document_id, annotator, skipped in rows:
            of_document, name = found.setdefault(document_id, {}), (annotator or "").casefold()
            of_document[name] = of_document.get(name, False) or not skipped
    return found


def _pulled(context: Context, place: DeskPlace, documents: Documents) -> Pull:
    whose = "" if place.member is None else f", {place.member.name}"
    with context.progress.bar(f"Fetching answers ({place.role}{whose})"):
        project = project_of(place.row, place.role, context.settings)
        return context.desk.pull(project, documents, place.row.cursor)


def _exists(context: Context, place: DeskPlace) -> bool:
    try:
        look(context.desk, context.settings, [replace(place, member=None)])
    except DeskProjectGoneError:
        return False
    return True


def _withdrawn(context: Context, place: DeskPlace) -> str:
    """Forget a member's project that is gone, so that it is made again; return a sentence on it."""
    assert place.member is not None
    context.check_lock()
    with context.store.write() as session:
        number = withdraw(session, place.member.id, place.role)
        row = member_project(session, place.member.id, place.role)
        if row is not None:
            session.delete(row)
    return (
        f"the project of {place.member.name} ({place.role}) was deleted on the desk: it is made again with the "
        f"{plural(number, 'task')} without an answer; what was answered still counts"
    )
