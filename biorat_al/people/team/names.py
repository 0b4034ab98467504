"""Names of members as people write them: e-mail addresses, compared without regard to capital letters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from sqlalchemy.orm import Session

from biorat_al.errors import UsageError, readable
from biorat_al.store.tables import MemberRow
from biorat_al.store.team.members import find_member, members
from biorat_al.wording import shortened

_ADDRESS = re.compile(r"[^\s@,;<>\"]+@[^\s@,;<>\"]+")
_LONGEST = 254
"""Most characters of an e-mail address (RFC 5321, with the erratum to RFC 3696)."""

Known = TypeVar("Known")


def addresses(names: Iterable[str]) -> list[str]:
    """Return names without blanks around them, in small letters, as the server keeps the addresses of new accounts.

    :raises UsageError: one of them is not an e-mail address, or is given twice.
    """
    found: list[str] = []
    for name in names:
        address = name.strip().lower()
        if len(address) > _LONGEST or not _ADDRESS.fullmatch(address):
            raise UsageError(
                f"{readable(shortened(name.strip(), 80))!r} is not an e-mail address, and that is what Label Studio "
                "calls a person by; give each address by itself, for example ann@example.org"
            )
        if address in found:
            raise UsageError(f"{address} is given twice")
        found.append(address)
    return found


def as_known(name: str, known: Mapping[str, Known]) -> Known | None:
    """Return what is known under a name, whatever its capital letters; None if nothing is."""
    return {key.casefold(): value for key, value in known.items()}.get(name.strip().casefold())


def present_member(session: Session, name: str, *, with_left: bool = False) -> MemberRow:
    """Return the member with a name.

    :param with_left: also one who has left.
    :raises UsageError: nobody with this name is in the team; the message lists the members.
    """
    row = find_member(session, name)
    if row is None or (row.left_at is not None and not with_left):
        raise UsageError(f"{shortened(name, 80)} is not in the team; in it: {listed(members(session))}")
    return row


def listed(rows: Sequence[MemberRow]) -> str:
    """Return the names of members as a text."""
    return ", ".join(row.name for row in rows) or "nobody (to add somebody: biorat-al team add)"
