"""A database of an earlier version of the program: what it holds is there after the upgrade, and can be added to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import URL, Connection, Engine, MetaData, Table, insert, inspect, select

from biorat_al.errors import SchemaVersionError
from biorat_al.store import migration
from biorat_al.store.engine import open_engine
from biorat_al.store.evaluations import document_counts_of, replace_robustness, robustness_of
from biorat_al.store.store import Store, now
from biorat_al.store.tables import Base

VERSION = "demo-r1-rat-0123456789"


@pytest.fixture
def engine(empty_database: URL) -> Iterator[Engine]:
    """A database with the tables of the first release, and something in those that later ones refer to."""
    engine = open_engine(empty_database)
    with engine.connect().execution_options(writing=True) as connection, connection.begin():
        configuration = migration._configuration()
        configuration.attributes["connection"] = connection
        command.upgrade(configuration, "0001")
        _fill(connection)
    yield engine
    engine.dispose()


def _fill(connection: Connection) -> None:
    rows = {
        "project": {"id": 1, "uid": "u", "name": "demo", "program_version": "1", "created_at": now()},
        "document": {
            "id": 7,
            "key": "d7",
            "split": "test",
            "text": "Gout.",
            "text_sha256": "0",
            "passages": [],
            "details": {},
        },
        "round": {
            "number": 1,
            "state": "done",
            "request": {},
            "settings": {},
            "program_version": "1",
            "started_at": now(),
        },
        "model": {
            "version": VERSION,
            "round_number": 1,
            "arm": "rat",
            "selecting": True,
            "sha256": "0",
            "summary": {"steps": 3},
            "created_at": now(),
        },
        "evaluation": {
            "model_version": VERSION,
            "document_id": 7,
            "label": "Disease",
            "true_positives": 1,
            "false_positives": 2,
            "false_negatives": 3,
        },
    }
    # as the tables are there, not as the program has them now
    metadata = MetaData()
    for name, values in rows.items():
        connection.execute(insert(Table(name, metadata, autoload_with=connection)), values)


def _content(engine: Engine) -> dict[str, list[tuple[object, ...]]]:
    metadata = MetaData()
    with engine.connect() as connection:
        return {
            name: [tuple(row) for row in connection.execute(select(Table(name, metadata, autoload_with=connection)))]
            for name in inspect(connection).get_table_names()
            if name != "alembic_version"
        }


def test_an_upgrade_keeps_what_is_there_and_makes_the_new_tables(engine: Engine, empty_database: URL) -> None:
    before = _content(engine)
    assert before["evaluation"] == [(VERSION, 7, "Disease", 1, 2, 3)]
    assert migration.upgrade(engine) == ("0001", migration.newest_revision())
    assert _content(engine) == before | {"reliability": [], "robustness": []}
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    store = Store(empty_database)
    counts = {"true_positives": 1, "false_positives": 0, "false_negatives": 2}
    with store.write() as session:
        replace_robustness(session, VERSION, [{"condition": "typos", "document_id": 7, **counts}])
    with store.read() as session:
        assert robustness_of(session, VERSION) == {"typos": {"d7": (1, 0, 2)}}
        assert document_counts_of(session, VERSION) == {"d7": (1, 2, 3)}
    store.close()


def test_a_database_of_an_older_program_is_refused_until_it_is_upgraded(engine: Engine) -> None:
    with engine.connect() as connection, pytest.raises(SchemaVersionError, match="biorat-al db upgrade"):
        migration.check_revision(connection)
    migration.upgrade(engine)
    with engine.connect() as connection:
        migration.check_revision(connection)
