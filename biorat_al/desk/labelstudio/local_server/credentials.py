"""Credentials of the local server: made at random at its first start, kept in a file that only its owner can read."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from biorat_al.disk import writing
from biorat_al.errors import DeskError

_EMAIL = "annotator@localhost.localdomain"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Credentials of the first user of the local server.

    :param email: e-mail for the login in the browser.
    :param password: password for the login in the browser.
    :param token: legacy API token, 40 hexadecimal characters.
    """

    email: str
    password: str = field(repr=False)
    token: str = field(repr=False)


def write_private(path: Path, text: str) -> None:
    """Write `text` to `path` completely or not at all; only its owner can read it."""
    with writing(path, DeskError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        draft.unlink(missing_ok=True)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)


def read_credentials(path: Path) -> Credentials | None:
    """Return the credentials in `path`, or None if the file does not exist.

    :raises DeskError: the file cannot be read or understood.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return Credentials(email=values["email"], password=values["password"], token=values["token"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        # from None: the cause's text may quote the file
        raise DeskError(f"{path} cannot be read: it holds the local Label Studio's password and token") from None


def make_credentials(path: Path) -> Credentials:
    """Return the credentials in `path`; make them at random and write them there if the file does not exist.

    :raises DeskError: the file exists but cannot be read.
    """
    known = read_credentials(path)
    if known is not None:
        return known
    made = Credentials(email=_EMAIL, password=secrets.token_urlsafe(15), token=secrets.token_hex(20))
    write_private(
        path, json.dumps({"email": made.email, "password": made.password, "token": made.token}, indent=1) + "\n"
    )
    return made
