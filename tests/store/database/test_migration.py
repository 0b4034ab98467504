"""What each command checks of the database's revision without reading the migrations."""

from __future__ import annotations

from alembic.script import ScriptDirectory

from biorat_al.store.database import migration


def test_the_newest_revision_is_the_last_migration() -> None:
    assert ScriptDirectory.from_config(migration._configuration()).get_heads() == [migration.NEWEST]
