"""Opening a database: SQLite or Postgres behind one address."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from biorat_al.errors import StoreError, UsageError

DATABASE_VARIABLE = "BIORAT_DATABASE_URL"
SQLITE_FILE = "biorat.sqlite3"

_BUSY_SECONDS = 30


def database_url(setting: str, folder: Path) -> URL:
    """Turn the setting ``database.url`` of the project in `folder` into an address.

    :raises StoreError: the setting says ``environment`` and the variable is not set.
    :raises UsageError: the address is malformed, or not that of a Postgres.
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

    :raises UsageError: it is malformed or of an unknown kind. The message never repeats the address, which may hold a
        password.
    """
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        raise UsageError("the database address cannot be read; it looks like postgresql://user@host/name") from None
    if url.get_backend_name() not in ("postgresql", "postgres"):
        raise UsageError(
            f"the database kind {url.drivername!r} is not known; give the address of a Postgres, "
            "postgresql://user@host/name, or none for a SQLite file in the project's folder"
        )
    return url.set(drivername="postgresql+psycopg")


def database_setting(address: str | None) -> str:
    """The setting ``database.url`` of a new project, from what the user gave.

    No address means ``BIORAT_DATABASE_URL`` if that is set, else SQLite.

    :raises UsageError: the address has a password, which must not get into a settings file.
    """
    if address is None:
        return "environment" if os.environ.get(DATABASE_VARIABLE) else "sqlite"
    if address == "sqlite":
        return address
    url = parse_url(address)
    if url.password is not None or any("password" in key.lower() for key in url.query):
        raise UsageError(
            f"the database address has a password, which would be kept in the settings file; put the whole address in "
            f"the environment variable {DATABASE_VARIABLE} and leave --database out"
        )
    return address


def open_engine(url: URL) -> Engine:
    """Make an engine for `url`; no connection is made yet.

    On SQLite foreign keys are on, the journal is a write-ahead log, and a busy database is waited for.
    """
    if url.get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True, hide_parameters=True)
    engine = create_engine(url, connect_args={"timeout": _BUSY_SECONDS}, hide_parameters=True)

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
        # a writer asks for the lock at once: two that both begin as readers could never both go on
        writing = connection.get_execution_options().get("writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


@contextmanager
def database_errors(url: URL) -> Iterator[None]:
    """Turn a database that does not answer, is full or none into a :class:`StoreError` that names it without secret."""
    try:
        yield
    except DatabaseError as error:
        # the plain kind is what SQLite says of a file that is none, or damaged; the other kinds are our own mistakes
        if not isinstance(error, OperationalError) and type(error) is not DatabaseError:
            raise
        raise StoreError(f"the database {shown(url)} cannot be used: {first_line(error)}") from error


def shown(url: URL) -> str:
    """An address for people: without password and without the query, which may hold one as well."""
    return url.set(query={}).render_as_string(hide_password=True)


def first_line(error: DBAPIError) -> str:
    """The first line of what the database itself said."""
    original: Any = error.orig
    lines = str(original).strip().splitlines()
    return lines[0] if lines else type(original).__name__
