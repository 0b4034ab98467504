"""The members of a group of annotators, and the projects that each of them has on the desk."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from biorat_al.errors import UsageError
from biorat_al.store.tables import MemberProjectRow, MemberRow

MemberRole = Literal["annotator", "adjudicator"]


def members(session: Session, role: MemberRole | None = None, *, with_left: bool = False) -> list[MemberRow]:
    """Return the members of the group, in the order in which they first joined.

    :param role: only those who have this role.
    :param with_left: also those who have left.
    """
    wanted = select(MemberRow).order_by(MemberRow.id)
    if role is not None:
        wanted = wanted.where(MemberRow.role == role)
    if not with_left:
        wanted = wanted.where(MemberRow.left_at.is_(None))
    return list(session.scalars(wanted))


def find_member(session: Session, name: str) -> MemberRow | None:
    """Return the member with a name, also one who has left; None if there never was one.

    Label Studio does not distinguish capital letters in addresses, and neither does this.
    """
    known = {row.name.casefold(): row for row in members(session, with_left=True)}
    return known.get(name.strip().casefold())


def add_member(session: Session, name: str, role: MemberRole, at: datetime) -> MemberRow:
    """Add a person to the group; one who has left comes back, and keeps projects and answers.

    :param name: as the desk knows the person.
    :raises UsageError: the person is a member already, or the name is empty.
    """
    name = name.strip()
    if not name:
        raise UsageError("a member of the team needs a name: the e-mail address that the person has in Label Studio")
    row = find_member(session, name)
    if row is None:
        row = MemberRow(name=name, role=role, joined_at=at, left_at=None)
        session.add(row)
    elif row.left_at is None:
        raise UsageError(f"{row.name} is in the team already, as {row.role}")
    else:
        row.role, row.left_at = role, None
    session.flush()
    return row


def leave(session: Session, name: str, at: datetime) -> MemberRow:
    """Record that a member gets no more tasks; answers and open tasks stay where they are.

    :raises UsageError: nobody with this name is in the team; the message lists the members.
    """
    row = find_member(session, name)
    if row is None or row.left_at is not None:
        known = ", ".join(member.name for member in members(session)) or "nobody"
        raise UsageError(f"{name} is not in the team; in it: {known}")
    row.left_at = at
    session.flush()
    return row


def member_project(session: Session, member_id: int, role: str) -> MemberProjectRow | None:
    """Return a member's project of a role on the desk, or None if it has not been made."""
    return session.get(MemberProjectRow, (member_id, role))


def member_projects(session: Session, role: str | None = None) -> list[MemberProjectRow]:
    """Return the projects of all members, also of those who have left, in the order of the members.

    :param role: only those that have the tasks of this role.
    """
    wanted = select(MemberProjectRow).order_by(MemberProjectRow.member_id, MemberProjectRow.role)
    return list(session.scalars(wanted if role is None else wanted.where(MemberProjectRow.role == role)))
