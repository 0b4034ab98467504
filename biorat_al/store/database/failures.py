"""Explanations of database failures, in words that say what to do."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import URL
from sqlalchemy.exc import DatabaseError, DataError, DBAPIError, InterfaceError, OperationalError

from biorat_al.disk import free, fullest, has_no_room, no_room
from biorat_al.redaction import redact
from biorat_al.store.database.busy import who_uses
from biorat_al.wording import shortened


class _Meaning(NamedTuple):
    """The meaning of a known failure.

    :param states: SQL error codes (``SQLSTATE``), or their beginnings; a failed connection has no code.
    :param text: pattern of the database's message, in lower case.
    :param words: what it means and what to do; ``{found}`` is the text that the pattern's group matched.
    """

    states: tuple[str, ...]
    text: str
    words: str


_POSTGRES = (
    _Meaning(
        ("28P01",),
        r"password authentication failed|no password supplied|empty password|authentication failed",
        "the server refused user or password; put the right ones into the address, with @ / : # ? % written as "
        "%40 %2F %3A %23 %3F %25",
    ),
    _Meaning(
        ("28000",),
        r"no pg_hba\.conf entry",
        "the server lets nobody in with this user, database and machine; add a line for them to its pg_hba.conf, or "
        "add ?sslmode=require to the address if only encrypted connections are allowed",
    ),
    _Meaning(
        ("3D000",),
        r'database "([^"]*)" does not exist',
        "there is no such database on the server; make it: createdb -E UTF8 -T template0 {found}",
    ),
    _Meaning(
        (),
        r'role "([^"]*)" does not exist',
        "the server has no user {found}; name another one in the address, or make it: createuser {found}",
    ),
    _Meaning((), r'role "([^"]*)" is not permitted to log in', "the user {found} may not log in there"),
    _Meaning(
        ("53300",),
        r"too many (?:clients|connections)|remaining connection slots",
        "all its connections are taken; close other programs that use it, or raise max_connections (or the limit of "
        "this user or database) on the server, and run the same command again",
    ),
    _Meaning(
        ("57P03",),
        r"the database system is (starting up|shutting down|in recovery mode|not yet accepting connections)",
        "the server is not ready yet ({found}); wait a little and run the same command again",
    ),
    _Meaning(
        ("42501",),
        r"permission denied|must be owner",
        "its user lacks a right ({line}); let the owner of the database give it, for example GRANT ALL ON SCHEMA "
        "public TO the user, or use a database that the user owns: createdb -O USER -E UTF8 -T template0 NAME",
    ),
    _Meaning(
        ("25006",),
        r"read-only transaction",
        "it can be read only; the server may be a copy (hot standby) or set to default_transaction_read_only: give "
        "the address of the one that can be written",
    ),
    _Meaning(
        ("53100", "58030"),
        r"no space left on device|could not extend file|disk full",
        "the server's disk is full; make room there, and run the same command again",
    ),
    _Meaning(("53200",), r"out of memory", "the server is out of memory; run the same command again later"),
    _Meaning(
        ("57014",),
        r"canceling statement due to|lock timeout|statement timeout",
        "the server ended a statement ({line}); see its statement_timeout and lock_timeout, and run the same command "
        "again",
    ),
    _Meaning(
        ("40P01", "40001", "55P03"),
        r"deadlock detected|could not (?:serialize|obtain lock)",
        "another program is changing the same rows; run the same command again",
    ),
    _Meaning(
        (),
        r"failed to resolve host|could not translate host name|name or service not known|name resolution",
        "the name of its host is not known on this machine; see whether the address is right and the network is there",
    ),
    _Meaning(
        (),
        r"server does not support ssl",
        "the server does not encrypt its connections, and the address asks for that (sslmode); see both",
    ),
    _Meaning(
        (),
        r"certificate|ssl error|sslmode|root\.crt",
        "the encrypted connection cannot be made ({line}); see sslmode and sslrootcert in the address",
    ),
    _Meaning(
        (),
        r"timeout expired|timed out|no route to host|network is unreachable|host is (?:down|unreachable)",
        "the server does not answer; see whether the address is right, and whether a firewall lets you through",
    ),
    _Meaning(
        (),
        r"connection refused|\.s\.pgsql\.\d+|is the server running",
        "no Postgres listens there; start it, or see whether host and port of the address are right",
    ),
    _Meaning(
        ("57P", "08"),
        r"server closed the connection|connection (?:is|was|has been|already) (?:lost|closed)|terminating connection"
        r"|broken pipe|connection reset|eof detected|could not (?:send|receive) data|consuming input failed"
        r"|the connection is closed",
        "the connection was cut ({line}); see whether the server still runs, and run the same command again",
    ),
    _Meaning(
        (),
        r"invalid (?:connection option|sslmode value|integer value|port number|uri)|invalid dsn",
        "its address has a parameter that Postgres does not understand; see what follows the ? in it",
    ),
)

_POOLS = {
    "transaction blocks not allowed in statement pooling mode": "a pool in front of it gives each statement another "
    "session (pgbouncer: pool_mode = statement); let it use pool_mode = transaction or session",
    "query_wait_timeout": "a pool in front of it had no connection left (pgbouncer: default_pool_size and "
    "query_wait_timeout); a round takes two at a time, so let the pool have more, and run the same command again",
}
"""What pgbouncer says of itself, all with the same code."""

_SQLITE = (
    _Meaning((), r"(?:database|database table|schema) is locked", "another program is writing to it: {who}"),
    _Meaning(
        (),
        r"readonly database|read-only",
        "it can be read only; see the permissions of the file and of the folder it is in",
    ),
    _Meaning(
        (),
        r"unable to open database file",
        "the file cannot be opened; see the permissions of the file and of the folder it is in",
    ),
    # if the disk has room after all: a limit on the file, or a quota
    _Meaning(
        (),
        r"database or disk is full",
        "there is no room for what is to be written ({disk}); see the quota of your user and the limit of this shell "
        "(ulimit -f), make room, and run the same command again",
    ),
    _Meaning(
        (),
        r"disk i/o error",
        "the disk does not read or write (disk I/O error), and is not full ({disk}): it is damaged, or a network file "
        "system that SQLite cannot lock, or a quota or a limit on the size of files (ulimit -f) is in force; see "
        "which, or move the project to a local disk",
    ),
    _Meaning(
        (),
        r"malformed|database corrupt|could not decode to utf-8",
        "the file is damaged ({line}); take it from a backup, and keep a copy of this one",
    ),
    _Meaning((), r"file is not a database", "the file is not a database ({line}); take it from a backup"),
)


DAMAGED = "the file is damaged; take it from a backup, and keep a copy of this one"

UNKEEPABLE = (
    "a text, an id or a label holds a character that it cannot keep (NUL, or half of a surrogate pair); take it out "
    "where it came from"
)


def describe(url: URL, error: DBAPIError) -> str | None:
    """Return what is wrong with the database and what to do, or None if this program itself made a mistake."""
    original: Any = error.orig
    text = str(original)
    state = getattr(original, "sqlstate", None) or ""
    sqlite = url.get_backend_name() == "sqlite"
    # SQLite raises the plain class for a file that is damaged or not a database
    theirs = isinstance(error, (OperationalError, InterfaceError)) or type(error) is DatabaseError
    if isinstance(error, DataError) and "NUL" in text:
        return UNKEEPABLE
    places = _written(url) if sqlite else []
    if theirs and re.search(_MAY_BE_FULL, text.lower()) and any(map(has_no_room, places)):
        return no_room(fullest(places))
    for said, words in () if sqlite else _POOLS.items():
        if said in text:
            return words
    for meaning in _SQLITE if sqlite else _POSTGRES:
        match = re.search(meaning.text, text.lower())
        if state and not sqlite:
            known = any(state.startswith(beginning) for beginning in meaning.states)
        else:
            known = theirs and match is not None
        if known:
            exact = re.search(meaning.text, text, re.IGNORECASE)
            found = next(iter(exact.groups()), None) if exact is not None else None
            who = who_uses(Path(url.database)) if "{who}" in meaning.words and url.database else ""
            disk = free(places[0]) if places else ""
            return meaning.words.format(found=found or "NAME", line=first_line(error), who=who, disk=disk)
    return first_line(error) if theirs else None


_MAY_BE_FULL = r"disk i/o error|unable to open database file|database or disk is full"
"""Pattern of SQLite's messages on a full disk."""


def _written(url: URL) -> list[Path]:
    """Return the folders into which SQLite writes: that of its file, and the temporary folder (for sorting)."""
    return [Path(url.database).parent, Path(tempfile.gettempdir())] if url.database else []


def first_line(error: DBAPIError) -> str:
    """Return the first line of the database's own message, shortened and without secrets."""
    original: Any = error.orig
    lines = str(original).strip().splitlines()
    return shortened(redact(lines[0].strip()) if lines else type(original).__name__, 200)
