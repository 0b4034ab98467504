"""What each command checks of the database's revision without reading the migrations, and how tests make tables."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.script import ScriptDirectory

from biorat_al.store.database import migration
from biorat_al.store.database.engine import database_url
from biorat_al.store.store import Store
from tests.support import databases


def test_the_newest_revision_is_the_last_migration() -> None:
    assert ScriptDirectory.from_config(migration._configuration()).get_heads() == [migration.NEWEST]


def test_what_the_migrations_executed_makes_the_same_tables_once_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dumps = []
    for name in ("first", "again", "by the migrations"):
        folder = tmp_path / name
        folder.mkdir()
        if name == "by the migrations":
            monkeypatch.setattr(command, "upgrade", databases._upgrade)
        url = database_url("sqlite", folder)
        Store.create(url).close()
        with closing(sqlite3.connect(str(url.database))) as database:
            dumps.append(list(database.iterdump()))
    assert len(dumps[0]) > 30
    assert dumps[0] == dumps[1] == dumps[2]
