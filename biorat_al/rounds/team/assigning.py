"""Assigning: which members of a group are asked for the documents of a round."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from biorat_al.errors import UsageError
from biorat_al.people.assignment import Assignable, Assigned, GroupLoad, assign, draw_share
from biorat_al.rounds.context import Context
from biorat_al.rounds.expected_seconds import expected_seconds
from biorat_al.settings import Settings
from biorat_al.store.annotations import chunks
from biorat_al.store.documents import documents_by_id
from biorat_al.store.models import predicted_documents
from biorat_al.store.store import now
from biorat_al.store.tables import DocumentRow, TaskRow
from biorat_al.store.team.members import members
from biorat_al.store.team.seats import add_seats, open_seconds, paired, seated_documents
from biorat_al.wording import plural


def check_group(session: Session, settings: Settings) -> None:
    """Refuse a share of documents for two annotators where the group does not have two.

    :raises UsageError: it has fewer.
    """
    share, number = settings.team.double, len(members(session, "annotator"))
    if share > 0 and number < 2:
        raise UsageError(
            f"double = {share:g} in [team] gives documents to two annotators, but the group has "
            f"{plural(number, 'annotator')}: add people with `biorat-al team add`, or set double = 0"
        )


def assign_seats(
    context: Context, picked: Sequence[int], test: Sequence[int], *, doubles: Collection[int], version: str | None
) -> None:
    """Give what a round asks for to the members of the group, if there is one; what is given stays as it is.

    All seats are written together. A document that was asked for before there was a group stays in everybody's project.

    :param picked: row ids of documents or segments of the pool; `test`: of test documents.
    :param doubles: those of `picked` that two people get.
    :param version: model whose pre-labels are shown.
    """
    settings = context.settings
    with context.store.read() as session:
        people = [member.id for member in members(session, "annotator")]
        known = seated_documents(session) | _asked(session, [*picked, *test])
        group = GroupLoad(people, open_seconds(session), paired(session))
        new_picks, new_tests = ([one for one in some if one not in known] for some in (picked, test))
        if not people or not (new_picks or new_tests):
            return
        drawn = set[int]()
        if len(people) > 1:
            drawn = {one for one in new_picks if one in doubles}
            drawn |= draw_share(new_tests, settings.team.double_test, seed=context.seed("double test documents"))
        seconds = _seconds(session, settings, new_picks, version) | _seconds(session, settings, new_tests, None)
    given = assign(_assignable(new_tests, drawn, seconds), group, seed=context.seed("assign test documents"))
    blind = {one.document for one in given}
    given += assign(
        _assignable(new_picks, drawn, seconds),
        _after(group, given),
        seed=context.seed("assign"),
        without_pre_labels=settings.team.without_pre_labels,
    )
    at = now()
    context.check_lock()
    with context.store.write() as session:
        roles = _roles(session, [one.document for one in given])
        add_seats(
            session,
            [
                {
                    "document_id": one.document,
                    "member_id": one.person,
                    "role": roles[one.document],
                    "state": "assigned",
                    "round_number": context.number,
                    "double": one.double,
                    "pre_labels": one.pre_labels and one.document not in blind,
                    "seconds": one.seconds,
                    "assigned_at": at,
                }
                for one in given
            ],
        )


def _assignable(documents: Sequence[int], drawn: Collection[int], seconds: dict[int, float]) -> list[Assignable]:
    return [Assignable(one, seconds[one], one in drawn) for one in documents]


def _after(group: GroupLoad, given: Sequence[Assigned]) -> GroupLoad:
    """Return the group with what it was just given."""
    seconds, pairs = dict(group.seconds), dict(group.paired)
    of_document: dict[int, list[int]] = {}
    for one in given:
        seconds[one.person] = seconds.get(one.person, 0.0) + one.seconds
        if one.double:
            of_document.setdefault(one.document, []).append(one.person)
    for two in of_document.values():
        pair = (min(two), max(two))
        pairs[pair] = pairs.get(pair, 0) + 1
    return GroupLoad(group.people, seconds, pairs)


def _seconds(session: Session, settings: Settings, documents: Sequence[int], version: str | None) -> dict[int, float]:
    """Return the seconds that each document is expected to take one person, by row id."""
    if not documents:
        return {}
    if version is not None and not set(documents) <= predicted_documents(session, version):
        version = None
    read = documents_by_id(session, documents)
    keys = {one: read[one].id for one in documents}
    seconds = expected_seconds(session, settings, keys, [read[one].text for one in documents], version)
    return dict(zip(documents, seconds.tolist(), strict=True))


def _asked(session: Session, documents: Sequence[int]) -> set[int]:
    """Return those of the documents that were asked for already."""
    found = set[int]()
    for some in chunks(documents):
        found.update(session.scalars(select(TaskRow.document_id).where(TaskRow.document_id.in_(some))))
    return found


def _roles(session: Session, documents: Sequence[int]) -> dict[int, str]:
    """Return whether each document is of the pool, a segment, or of the test set, by row id."""
    found: dict[int, str] = {}
    for some in chunks(documents):
        rows = session.execute(select(DocumentRow.id, DocumentRow.split).where(DocumentRow.id.in_(some)))
        found.update((row_id, split) for row_id, split in rows)
    return found
