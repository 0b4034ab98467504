"""Migrations: upgrading a database to the tables of this version of the program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, inspect, text

from biorat_al.errors import SchemaVersionError
from biorat_al.resources import resource

if TYPE_CHECKING:
    from alembic.config import Config

NEWEST = "0009"
"""The revision that this version of the program needs: the last one in ``migrations/versions``.

It is written here because each command checks it, and reading the migrations takes longer than most commands.
"""

_TABLES_LOCK = int.from_bytes(b"tables")
"""Key of the advisory lock under which tables are made in a Postgres database."""

_FOREIGN = "the database has none of biorat-al's tables; it is not the database of this project"


def _configuration() -> Config:
    from alembic.config import Config

    configuration = Config()
    configuration.set_main_option("script_location", str(resource("migrations")).replace("%", "%%"))
    return configuration


def current_revision(connection: Connection) -> str | None:
    """Return the revision of the database; None if it does not have our tables."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def check_revision(connection: Connection) -> None:
    """Raise an error unless the database is at the newest revision.

    :raises SchemaVersionError: a newer or older version made it, or it has no tables of ours; says what to do.
    """
    current = current_revision(connection)
    if current == NEWEST:
        return
    _refuse_newer(current)
    raise SchemaVersionError(
        "the database was made by an older version of biorat-al; run: biorat-al db upgrade" if current else _FOREIGN
    )


def is_older(connection: Connection) -> bool:
    """Return whether an older version of the program made the database.

    :raises SchemaVersionError: a newer version made it.
    """
    revision = current_revision(connection)
    _refuse_newer(revision)
    return revision not in (None, NEWEST)


def upgrade(engine: Engine) -> tuple[str | None, str]:
    """Upgrade a project's database to the newest revision in one transaction; return the revisions before and after.

    :raises SchemaVersionError: a newer version made it, or it has no tables of ours.
    """
    with engine.connect() as connection:
        if current_revision(connection) is None:
            raise SchemaVersionError(_FOREIGN)
    return make_tables(engine)


def make_tables(engine: Engine) -> tuple[str | None, str]:
    """Bring an empty database, or one of an earlier version, to the newest revision; return what :func:`upgrade` does.

    :raises SchemaVersionError: a newer version made it.
    """
    with engine.connect().execution_options(writing=True) as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            # of two that make the same tables, the second one waits, and finds them made
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _TABLES_LOCK})
        before = current_revision(connection)
        _refuse_newer(before)
        from alembic import command

        configuration = _configuration()
        configuration.attributes["connection"] = connection
        command.upgrade(configuration, "head")
        return before, NEWEST


def _refuse_newer(revision: str | None) -> None:
    if revision is None or revision == NEWEST:
        return
    from alembic.script import ScriptDirectory

    known = {script.revision for script in ScriptDirectory.from_config(_configuration()).walk_revisions()}
    if revision not in known:
        raise SchemaVersionError(
            f"the database was made by a newer version of biorat-al (its revision {revision} is not known here); "
            "upgrade the program"
        )
