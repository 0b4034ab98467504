"""Upgrading a project's database to the tables of this version."""

from __future__ import annotations

from pathlib import Path

from biorat_al.project.project import Project
from biorat_al.settings import read_settings
from biorat_al.store.database import migration
from biorat_al.store.database.engine import check_file, database_errors, database_url, open_engine


def upgrade_database(folder: Path | None = None) -> tuple[str | None, str]:
    """Upgrade a project's database to the tables of this version; return the revisions before and after.

    :param folder: the project's folder; None searches from the working directory upwards.
    :raises StoreError: the database does not exist.
    :raises SchemaVersionError: the database was created by a newer version, or has none of the program's tables.
    """
    place = Project.find() if folder is None else folder.resolve()
    url = database_url(read_settings(place).database.url, place)
    check_file(url)
    engine = open_engine(url)
    try:
        with database_errors(url):
            return migration.upgrade(engine)
    finally:
        engine.dispose()
