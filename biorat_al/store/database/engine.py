"""Addresses and engines of databases: SQLite or Postgres behind one address."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from biorat_al.errors import StoreError, UsageError
from biorat_al.redaction import ENCODE_HINT, has_password
from biorat_al.store.database.failures import DAMAGED, UNKEEPABLE, describe
from biorat_al.store.database.json_values import parsed

if TYPE_CHECKING:
    import psycopg

DATABASE_VARIABLE = "BIORAT_DATABASE_URL"
SQLITE_FILE = "biorat.sqlite3"

_BUSY_SECONDS = 30

_UNREADABLE = (
    "the database address cannot be read: it looks like postgresql://user@host/name, after the name only parameters "
    f"that Postgres knows may follow (?sslmode=require), and {ENCODE_HINT}"
)


def database_url(setting: str, folder: Path) -> URL:
    """Turn the setting ``database.url`` of the project in `folder` into an address.

    :raises StoreError: the setting is ``environment`` and the variable is not set.
    :raises UsageError: the address is malformed, or not the address of a Postgres.
    """
    if setting == "sqlite":
        return URL.create("sqlite", database=str(folder / SQLITE_FILE))
    if setting == "environment":
        address = os.environ.get(DATABASE_VARIABLE, "")
        if not address:
            raise StoreError(
                f"this project's database is named by the environment variable {DATABASE_VARIABLE}, which is not set"
            )
        return parse_url(address)
    return parse_url(setting)


def parse_url(address: str) -> URL:
    """Parse the address of a Postgres; ``postgres://`` and ``postgresql://`` both mean psycopg 3.

    :raises UsageError: the address is malformed or of an unknown kind. The message never repeats the address, which may
        contain a password.
    """
    address = address.strip()
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        raise UsageError(_UNREADABLE) from None
    if url.get_backend_name() not in ("postgresql", "postgres"):
        raise UsageError(
            f"the database kind {url.drivername!r} is not known; give the address of a Postgres, "
            "postgresql://user@host/name, or none for a SQLite file in the project's folder"
        )
    _check_unambiguous(address, url)
    return url.set(drivername="postgresql+psycopg")


def _check_unambiguous(address: str, url: URL) -> None:
    """Raise an error if an unencoded character of the password may have moved part of it into another component.

    Such an address must not be used for a connection: a program that fails to understand it quotes it.
    """
    # split as SQLAlchemy does: what it reads as host, port, name and parameters
    match = re.match(r"[^:]*://(?:[^:/]*(?::[^@]*)?@)?(.*)", address, re.DOTALL)
    place, _, query = (match[1] if match else address).partition("?")
    keys = {part.partition("=")[0] for part in query.split("&") if part}
    if "@" in place or ("@" in query and url.password is not None) or not keys <= _parameters():
        raise UsageError(_UNREADABLE)


def _parameters() -> set[str]:
    """Return the parameter names that Postgres knows after the ? of an address."""
    import psycopg  # only where there is a Postgres

    return {option.keyword.decode() for option in psycopg.pq.Conninfo.get_defaults()}


def database_setting(address: str | None) -> str:
    """Return the setting ``database.url`` of a new project from the address that the user gave.

    No address means ``BIORAT_DATABASE_URL`` if that is set, else SQLite.

    :raises UsageError: the address contains a password, which must not get into a settings file.
    """
    if address is None:
        return "environment" if os.environ.get(DATABASE_VARIABLE) else "sqlite"
    if address == "sqlite":
        return address
    parse_url(address)
    if has_password(address):
        raise UsageError(
            f"the database address has a password, which would be kept in the settings file; put the whole address in "
            f"the environment variable {DATABASE_VARIABLE} and leave --database out"
        )
    return address


def check_file(url: URL) -> None:
    """Check that the file of a SQLite database exists and is not empty: SQLite would make one, or fill it.

    :raises StoreError: it does not exist, or is empty.
    """
    if url.get_backend_name() != "sqlite":
        return
    file = Path(url.database or "")
    if not file.is_file():
        raise StoreError(f"the database file {file} is missing; take it from a backup")
    if not file.stat().st_size and not _journal(file).is_file():
        raise StoreError(f"the database file {file} is empty; take it from a backup")


def open_engine(url: URL) -> Engine:
    """Return an engine for `url`, without making a connection yet.

    For SQLite, foreign keys are on, the journal is a write-ahead log, and a connection waits for a busy database. A
    file that cannot be written is opened for reading only.

    :raises StoreError: the file can only be read, and not before its journal was merged into it; or the encoding of the
        Postgres is not UTF8 (raised when a connection is made).
    """
    if url.get_backend_name() != "sqlite":
        # overrides the server's default and PGCLIENTENCODING: texts may contain any Unicode character
        # a pooler before the server (pgbouncer) gives each transaction another session, without prepared statements
        arguments = {"client_encoding": "utf8", "prepare_threshold": None}
        engine = create_engine(url, pool_pre_ping=True, hide_parameters=True, connect_args=arguments)

        # before SQLAlchemy's first query, which fails in a database without an encoding
        @event.listens_for(engine, "connect", insert=True)
        def _check_encoding(connection: psycopg.Connection, entry: ConnectionPoolEntry) -> None:
            encoding = connection.info.parameter_status("server_encoding")
            if encoding not in (None, "UTF8"):
                raise StoreError(
                    f"the database {shown(url)} has the encoding {encoding}, which cannot hold every text; give a "
                    f"database with UTF8: createdb -E UTF8 -T template0 NAME"
                )

        return engine
    file = Path(url.database or "")
    if file.is_file() and not _can_be_written(file):
        _check_journal(file)
        return create_engine(url, creator=lambda: _read_only(file), hide_parameters=True, json_deserializer=parsed)
    engine = create_engine(url, connect_args={"timeout": _BUSY_SECONDS}, hide_parameters=True, json_deserializer=parsed)

    @event.listens_for(engine, "connect")
    def _configure(connection: sqlite3.Connection, entry: ConnectionPoolEntry) -> None:
        # the driver's own transactions leave out DDL and begin too late; we begin ourselves, below
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in ("foreign_keys = ON", "journal_mode = WAL", "synchronous = FULL", "cache_size = -16000"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # a writer takes the lock at once: of two that begin as readers, one could not continue
        writing = connection.get_execution_options().get("writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


def _can_be_written(file: Path) -> bool:
    """Return whether a SQLite file can be written, and its folder too, which contains its journal."""
    return os.access(file, os.W_OK) and os.access(file.parent, os.W_OK)


def _journal(file: Path) -> Path:
    return file.with_name(f"{file.name}-wal")


def _check_journal(file: Path) -> None:
    """Check that a file that cannot be written can be read with its journal, for which SQLite makes a file beside it.

    Without the journal, what was committed last would be missing without a word.

    :raises StoreError: it cannot.
    """
    index = file.with_name(f"{file.name}-shm")
    if _is_empty(_journal(file)) or index.is_file() or os.access(file.parent, os.W_OK):
        return
    raise StoreError(
        f"the database file {file} cannot be read yet, since a command that wrote to it was cut off and its last "
        f"changes are still in {_journal(file).name}: run biorat-al status once as a user who may write in "
        f"{file.parent}, or copy the whole folder to a place where you may write, and look at the copy"
    )


def _is_empty(file: Path) -> bool:
    return not file.is_file() or not file.stat().st_size


def _read_only(file: Path) -> sqlite3.Connection:
    """Open a SQLite file for reading. If its journal is empty, no file is made beside it, not even locks."""
    address = f"file:{quote(str(file))}?mode=ro{'&immutable=1' if _is_empty(_journal(file)) else ''}"
    return sqlite3.connect(address, uri=True, timeout=_BUSY_SECONDS, check_same_thread=False)


@contextmanager
def database_errors(url: URL) -> Iterator[None]:
    """Turn a failure of the database or its surroundings into a :class:`StoreError` that says what to do."""
    try:
        yield
    except DBAPIError as error:
        problem = describe(url, error)
        if problem is None:
            # a mistake of this program
            raise
        verb = "refused what was to be written" if problem == UNKEEPABLE else "cannot be used"
        raise StoreError(f"the database {shown(url)} {verb}: {problem}") from error
    except UnicodeDecodeError as error:
        # SQLite quotes a damaged part of the file in its message, which the driver cannot decode
        raise StoreError(f"the database {shown(url)} cannot be used: {DAMAGED}") from error
    except UnicodeEncodeError as error:
        # the error itself quotes the whole text
        raise StoreError(f"the database {shown(url)} refused what was to be written: {UNKEEPABLE}") from error


def shown(url: URL) -> str:
    """Return an address for people: without the password, and without the query, which may also contain one."""
    return url.set(query={}).render_as_string(hide_password=True)
