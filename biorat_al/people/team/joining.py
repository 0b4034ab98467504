"""People join a group, are invited to the desk, and leave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from biorat_al.desk.base import Desk, Person
from biorat_al.errors import UsageError
from biorat_al.people.team.forgotten import Forgotten
from biorat_al.people.team.names import addresses, as_known, present_member
from biorat_al.store.answers import annotators
from biorat_al.store.store import Store, now
from biorat_al.store.tables import MemberRow
from biorat_al.store.team import members as member_rows
from biorat_al.store.team.members import MemberRole, find_member
from biorat_al.store.team.seats import TO_COME, seats_in_state


@dataclass(frozen=True, slots=True)
class Joined:
    """Somebody who has joined a group.

    :param has_account: whether the person can work on the desk already.
    :param is_back: whether the person had left.
    """

    name: str
    role: MemberRole
    has_account: bool
    is_back: bool = False


@dataclass(frozen=True, slots=True)
class Invitation:
    """Those who have joined, and what they need to begin.

    :param desk: the desk's address.
    :param link: where new people make an account; None if nobody needs one.
    """

    joined: tuple[Joined, ...]
    desk: str
    link: str | None

    @property
    def without_account(self) -> list[str]:
        """Names of those who have to make an account."""
        return [one.name for one in self.joined if not one.has_account]


@dataclass(frozen=True, slots=True)
class FormerMember:
    """A member who has left.

    :param role: what the member was.
    :param open_tasks: number of tasks that wait for this person; they stay until somebody moves them.
    :param others: names of the annotators who are left.
    """

    name: str
    role: str
    open_tasks: int
    others: tuple[str, ...]


def join(store: Store, desk: Desk, names: Sequence[str], *, adjudicators: Sequence[str] = ()) -> Invitation:
    """Add people to the group and return the invitation; either all of them join or nobody.

    :param names: addresses of annotators.
    :param adjudicators: addresses of those who settle what annotators disagree on.
    :raises UsageError: a name is no address, is given twice, is a member already, is a user of another organisation, or
        has answered here and is no longer a user of the desk.
    """
    given = addresses([*names, *adjudicators])
    people, link = desk.people(), desk.invitation()
    joined = []
    with store.write() as session:
        # without an invitation there are no accounts
        answered = set[str]() if link is None else {name.casefold() for name in annotators(session)}
        known = _Known(people, desk.address(), answered, Forgotten.read(session))
        for number, name in enumerate(given):
            role: MemberRole = "annotator" if number < len(names) else "adjudicator"
            joined.append(known.join(session, name, role))
    return Invitation(tuple(joined), desk.address(), link)


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of people before they join.

    :param people: everybody who can work on the desk at this address.
    :param answered: names, in small letters, of those who have answered.
    """

    people: Mapping[str, Person]
    desk: str
    answered: set[str]
    forgotten: Forgotten

    def join(self, session: Session, name: str, role: MemberRole) -> Joined:
        """Add one person.

        :raises UsageError: this person cannot be added.
        """
        person = as_known(name, self.people)
        if person is not None and not person.present:
            raise UsageError(
                f"{name} works in another organisation of the server at {self.desk} and sees no project of this one; "
                "nobody was added. Give another address of this person, and send the invitation there"
            )
        if (pseudonym := self.forgotten.name(name)) != name:
            raise UsageError(
                f"{name} was removed from this project, where the work has the pseudonym {pseudonym} now; nobody was "
                "added. To take part again, this person needs another address"
            )
        if person is None and name in self.answered:
            raise UsageError(
                f"{name} has answered in this project and is no longer a user of {self.desk}: the account was removed "
                "there, and cannot be invited again; nobody was added. Give another address of this person"
            )
        before = find_member(session, name)
        is_back = before is not None and before.left_at is not None
        row = member_rows.add_member(session, name if person is None else person.name, role, now())
        return Joined(row.name, role, person is not None, is_back)


def leave(session: Session, name: str) -> FormerMember:
    """Record that a member gets no more tasks; answers and open tasks stay where they are.

    :raises UsageError: nobody with this name is in the team; the message lists the members.
    """
    row: MemberRow = present_member(session, name)
    row.left_at = now()
    session.flush()
    others = tuple(one.name for one in member_rows.members(session, "annotator"))
    return FormerMember(row.name, row.role, len(seats_in_state(session, *TO_COME, member_id=row.id)), others)
