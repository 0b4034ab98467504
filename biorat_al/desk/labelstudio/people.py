"""The users of a Label Studio server, and the link that invites new ones.

The server has no roles: every member of an organisation sees all its projects. An account is made by following the
invitation link, so a person who is only named here cannot work yet. Somebody who was removed from the organisation is
still listed, without name or address.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from biorat_al.desk.base import Person
from biorat_al.desk.labelstudio import shapes
from biorat_al.desk.labelstudio.connection import Connection, NotFoundError
from biorat_al.errors import DeskError


def people(connection: Connection) -> dict[str, Person]:
    """Return the users of the organisation of the token's owner, by e-mail address."""
    server = connection.server
    users = shapes.mappings(connection.get("api/users/"), "a list of users", server)
    own = shapes.mapping(connection.get("api/current-user/whoami"), "a user", server).get("active_organization")
    found = {}
    for user in users:
        email = user.get("email")
        if not isinstance(email, str):
            raise shapes.UnexpectedAnswerError(
                f"{server} lists a user without an e-mail address: see whether its version is one that biorat-al "
                "knows; then run the same command again"
            )
        # the server puts a word in place of the address of somebody who was removed
        if "@" in email:
            present = own is None or user.get("active_organization") in (None, own)
            found[email] = Person(email, present, _time(user))
    return found


def invitation(connection: Connection) -> str:
    """Return the link at which new people make an account in the organisation of the token's owner.

    :raises DeskError: the server does not give one.
    """
    server = connection.server
    try:
        answer = shapes.mapping(connection.get("api/invite"), "an invitation", server)
    except NotFoundError:
        answer = {}
    link = answer.get("invite_url")
    if not isinstance(link, str) or not link:
        raise DeskError(f"{server} gives no invitation link; look for it on its page Organization")
    return link if "://" in link else f"{connection.address}/{link.lstrip('/')}"


def _time(user: Mapping[str, Any]) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(user.get("last_activity")))
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
