"""Assigning: which members of a group are asked for the documents of a round."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import combinations
from types import MappingProxyType

from sqlalchemy import select
from sqlalchemy.orm import Session

from biorat_al.errors import UsageError
from biorat_al.people.assignment import Assignable, Assigned, GroupLoad, assign, assign_second, draw_share
from biorat_al.rounds.context import Context
from biorat_al.rounds.expected_seconds import expected_seconds
from biorat_al.rounds.seeds import derive_seed
from biorat_al.settings import Settings
from biorat_al.store.annotations import chunks
from biorat_al.store.documents import documents_by_id
from biorat_al.store.models import predicted_documents
from biorat_al.store.parts.segments import parents_of
from biorat_al.store.store import now
from biorat_al.store.tables import DocumentRow, TaskRow
from biorat_al.store.team.earlier import annotated_by_one, asked_of_everybody
from biorat_al.store.team.members import members
from biorat_al.store.team.seats import add_seats, open_seconds, paired, seated_documents
from biorat_al.wording import plural

NO_PARENTS: Mapping[int, int] = MappingProxyType({})

NOBODY: Mapping[int, Collection[int]] = MappingProxyType({})


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
) -> int:
    """Give what a round asks for to the members of the group, if there is one; what is given stays as it is.

    All seats are written together. A document that was asked for before there was a group stays in everybody's project;
    of the test documents among these, the settings' share is given to a second person once somebody has annotated them.

    :returns: number of test documents that got a second person.

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
        known_to = _for_a_second(session, settings, people)
        if not people or not (new_picks or new_tests or known_to):
            return 0
        parents = parents_of(session, new_picks)
        drawn = set[int]()
        if len(people) > 1:
            drawn = {one for one in new_picks if one in doubles}
            drawn |= draw_share(new_tests, settings.team.double_test, seed=context.seed("double test documents"))
        seconds = _seconds(session, settings, new_picks, version) | _seconds(session, settings, new_tests, None)
        seconds |= _seconds(session, settings, list(known_to), None)
    second = assign_second(_assignable(known_to, known_to, seconds), group, known_to)
    group = _after(group, second, known_to)
    given = second + assign(_assignable(new_tests, drawn, seconds), group, seed=context.seed("assign test documents"))
    blind = {one.document for one in given}
    given += assign(
        _assignable(new_picks, drawn, seconds, parents),
        _after(group, given[len(second) :]),
        seed=context.seed("assign"),
        without_pre_labels=settings.team.without_pre_labels,
        double_pre_labels=settings.team.double_pre_labels,
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
    return len(second)


def _for_a_second(session: Session, settings: Settings, people: Sequence[int]) -> dict[int, set[int]]:
    """Return the test documents that one person annotated before there was a group, and that another gets now.

    With them come the members who know an answer. The share is of all test documents from before, and it is always the
    same ones that are drawn.
    """
    if len(people) < 2:
        return {}
    before = asked_of_everybody(session)
    order = sorted(before, key=lambda one: (derive_seed(settings.seed, "second annotator", before[one]), one))
    drawn = order[: round(len(order) * settings.team.double_test)]
    numbers = {member.name.casefold(): member.id for member in members(session, with_left=True)}
    return {
        one: {numbers[name] for name in touched.everybody if name in numbers}
        for one, touched in annotated_by_one(session, drawn).items()
    }


def _assignable(
    documents: Iterable[int],
    drawn: Collection[int],
    seconds: Mapping[int, float],
    parents: Mapping[int, int] = NO_PARENTS,
) -> list[Assignable]:
    return [Assignable(one, seconds[one], one in drawn, parents.get(one)) for one in documents]


def _after(group: GroupLoad, given: Sequence[Assigned], known_to: Mapping[int, Collection[int]] = NOBODY) -> GroupLoad:
    """Return the group with what it was just given.

    :param known_to: members who had annotated one of the documents before, by row id.
    """
    seconds, pairs = dict(group.seconds), dict(group.paired)
    of_document = {one.document: list(known_to.get(one.document, ())) for one in given}
    for one in given:
        seconds[one.person] = seconds.get(one.person, 0.0) + one.seconds
        if one.double:
            of_document[one.document].append(one.person)
    for some in of_document.values():
        for pair in combinations(sorted(some), 2):
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
