"""Opening, versions, and transactions."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import URL, text

from biorat_al.errors import ProjectError, SchemaVersionError, StoreError, UsageError
from biorat_al.store.database import migration
from biorat_al.store.database.engine import DATABASE_VARIABLE, database_setting, database_url, parse_url
from biorat_al.store.store import Store, add_project
from biorat_al.store.tables import ProjectRow
from tests.support.databases import differences


def test_the_migrations_make_exactly_the_tables_of_the_program(store: Store) -> None:
    with store.engine.connect() as connection:
        assert differences(connection) == []


def test_a_database_holds_one_project(store: Store, empty_database: URL) -> None:
    with store.write() as session:
        add_project(session, "first")
    with pytest.raises(ProjectError, match="holds the project 'first'"):
        Store.create(empty_database)


def test_an_upgrade_of_an_up_to_date_database_does_nothing(store: Store) -> None:
    newest = migration.NEWEST
    assert migration.upgrade(store.engine) == (newest, newest)


def test_a_database_of_a_newer_program_is_refused(store: Store) -> None:
    with store.engine.connect() as connection, connection.begin():
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for step in (lambda: migration.upgrade(store.engine), lambda: _check(store)):
        with pytest.raises(SchemaVersionError, match="newer version of biorat-al"):
            step()


def test_a_database_without_tables_is_not_a_project(empty_database: URL) -> None:
    with pytest.raises(SchemaVersionError, match="none of biorat-al's tables"):
        _check(Store(empty_database))


def test_what_fails_half_way_is_undone(store: Store) -> None:
    def half() -> None:
        with store.write() as session:
            add_project(session, "half")
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        half()
    with store.read() as session:
        assert session.get(ProjectRow, 1) is None


def test_a_missing_sqlite_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"biorat\.sqlite3 is missing"):
        Store.open("sqlite", tmp_path)


def test_sqlite_keeps_a_write_ahead_log_and_foreign_keys(tmp_path: Path) -> None:
    store = Store.create(database_url("sqlite", tmp_path))
    with store.engine.connect() as connection:
        assert connection.scalar(text("PRAGMA journal_mode")) == "wal"
        assert connection.scalar(text("PRAGMA foreign_keys")) == 1
        assert connection.scalar(text("PRAGMA busy_timeout")) >= 10_000
    store.close()


def test_a_server_that_does_not_answer_is_named_without_the_password(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(DATABASE_VARIABLE, "postgresql://ann:s3cret@127.0.0.1:9/db")
    with pytest.raises(StoreError, match=r"ann:\*\*\*@127\.0\.0\.1:9") as caught:
        Store.open("environment", tmp_path)
    assert "s3cret" not in str(caught.value)


def test_the_variable_must_be_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(DATABASE_VARIABLE, raising=False)
    with pytest.raises(StoreError, match=DATABASE_VARIABLE):
        Store.open("environment", tmp_path)


def test_where_a_new_project_keeps_its_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(DATABASE_VARIABLE, raising=False)
    assert database_setting(None) == "sqlite"
    assert database_setting("postgresql://ann@host/db") == "postgresql://ann@host/db"
    monkeypatch.setenv(DATABASE_VARIABLE, "postgresql://ann:pw@host/db")
    assert database_setting(None) == "environment"
    assert database_setting("sqlite") == "sqlite"


@pytest.mark.parametrize("address", ["postgresql://ann:pw@host/db", "postgres://ann:pw@host/db"])
def test_a_password_never_gets_into_the_settings(address: str) -> None:
    with pytest.raises(UsageError, match=DATABASE_VARIABLE) as caught:
        database_setting(address)
    assert "pw" not in str(caught.value).replace("password", "")


@pytest.mark.parametrize("address", ["mysql://a@b/c", "nonsense", "postgresql://ann:pw@host:port/db"])
def test_addresses_that_cannot_be_used(address: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_url(address)
    assert "ann:pw" not in str(caught.value)


def _check(store: Store) -> None:
    with store.engine.connect() as connection:
        migration.check_revision(connection)
