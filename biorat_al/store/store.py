"""The store: one database, which is opened, checked and used in transactions."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import URL, Engine, inspect, select
from sqlalchemy.orm import Session

from biorat_al.errors import ProjectError, StoreError
from biorat_al.store.database import migration
from biorat_al.store.database.engine import check_file, database_errors, database_url, open_engine, shown
from biorat_al.store.tables import ProjectRow
from biorat_al.version import __version__


def now() -> datetime:
    """Return the present time, in UTC."""
    return datetime.now(UTC)


class Store:
    """One project's database.

    :param url: the database's address, see :func:`biorat_al.store.database.engine.database_url`.
    """

    def __init__(self, url: URL) -> None:
        self.url = url
        self.engine: Engine = open_engine(url)

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is a SQLite file."""
        return self.url.get_backend_name() == "sqlite"

    @classmethod
    def open(cls, setting: str, folder: Path) -> Store:
        """Open the database of the project in `folder` and check that it fits this program.

        :raises StoreError: it is missing, does not answer, or contains no project.
        :raises SchemaVersionError: it was made by an older or a newer version of the program.
        """
        url = database_url(setting, folder)
        check_file(url)
        store = cls(url)
        try:
            with database_errors(url), store.engine.connect() as connection:
                migration.check_revision(connection)
            with store.read() as session:
                if session.get(ProjectRow, 1) is None:
                    raise StoreError(f"the database {shown(url)} holds no project")
        except BaseException:
            # otherwise SQLite's files stay beside the database
            store.close()
            raise
        return store

    @classmethod
    def create(cls, url: URL) -> Store:
        """Make the tables in an empty database.

        :raises ProjectError: it already contains a project.
        """
        store = cls(url)
        with database_errors(url):
            if inspect(store.engine).has_table(ProjectRow.__tablename__):
                with store.read() as session:
                    row = session.scalar(select(ProjectRow))
                if row is not None:
                    raise ProjectError(
                        f"the database {shown(url)} holds the project {row.name!r} "
                        "already; give each project its own database"
                    )
            migration.make_tables(store.engine)
        return store

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a session for reading; nothing is committed."""
        with database_errors(self.url), Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Open a session whose changes are committed together at its end, or not at all."""
        with (
            database_errors(self.url),
            self.engine.connect().execution_options(writing=True) as connection,
            Session(connection, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session

    def compact(self) -> bool:
        """Write a SQLite file anew, so that nothing stays in it that was deleted or replaced.

        :returns: whether that is done; False for Postgres, which cleans up by itself, some time later.
        """
        if not self.is_sqlite:
            return False
        with database_errors(self.url), self.engine.connect() as connection:
            driver = connection.connection.driver_connection
            assert driver is not None
            # outside a transaction, which SQLAlchemy would begin
            for statement in ("VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"):
                driver.execute(statement)
        return True

    def project(self) -> ProjectRow:
        """Return the row of the project itself."""
        with self.read() as session:
            row = session.get(ProjectRow, 1)
            if row is None:
                raise StoreError("the database holds no project")
            return row


def add_project(session: Session, name: str) -> ProjectRow:
    """Write the project's row, whose `uid` distinguishes projects with the same name."""
    row = ProjectRow(id=1, uid=uuid.uuid4().hex, name=name, program_version=__version__, created_at=now())
    session.add(row)
    session.flush()
    return row
