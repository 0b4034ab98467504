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
from biorat_al.store.evaluations import (
    Measure,
    document_counts_of,
    relation_counts_of,
    replace_relation_evaluation,
    replace_robustness,
    robustness_of,
)
from biorat_al.store.rounds import predictions
from biorat_al.store.store import Store, now
from biorat_al.store.tables import Base

VERSION = "demo-r1-rat-0123456789"


@pytest.fixture(params=["0001", "0002"])
def revision(request: pytest.FixtureRequest) -> str:
    """An earlier revision of the tables."""
    return str(request.param)


@pytest.fixture
def engine(empty_database: URL, revision: str) -> Iterator[Engine]:
    """A database with the tables of an earlier version, and something in those that later ones refer to or change."""
    engine = open_engine(empty_database)
    with engine.connect().execution_options(writing=True) as connection, connection.begin():
        configuration = migration._configuration()
        configuration.attributes["connection"] = connection
        command.upgrade(configuration, revision)
        _fill(connection, revision)
    yield engine
    engine.dispose()


def _fill(connection: Connection, revision: str) -> None:
    rows: dict[str, dict[str, object]] = {
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
        "prediction": {
            "model_version": VERSION,
            "document_id": 7,
            "confidence": 0.5,
            "tokens": 3,
            "least_confidence": 0.1,
            "margin": 0.2,
            "entropy": 0.3,
            "mnlp": 0.4,
            "entities": [{"id": "1", "label": "Disease", "spans": [[0, 4]], "score": 0.25}],
        },
    }
    if revision >= "0002":
        rows["robustness"] = {
            "model_version": VERSION,
            "condition": "swap",
            "document_id": 7,
            "true_positives": 3,
            "false_positives": 0,
            "false_negatives": 0,
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


def test_an_upgrade_keeps_what_is_there_and_makes_the_new_tables(
    engine: Engine, empty_database: URL, revision: str
) -> None:
    before = _content(engine)
    assert before["evaluation"] == [(VERSION, 7, "Disease", 1, 2, 3)]
    assert migration.upgrade(engine) == (revision, migration.newest_revision())
    (predicted,) = before["prediction"]
    new: dict[str, list[tuple[object, ...]]] = {"reliability": [], "robustness": [], "relation_evaluation": []}
    assert _content(engine) == new | before | {"prediction": [(*predicted, [])]}
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    store = Store(empty_database)
    counts = {"true_positives": 1, "false_positives": 0, "false_negatives": 2}
    of_relation = {"document_id": 7, "label": "treats", "entities": "gold", "level": "mention", **counts}
    with store.write() as session:
        replace_robustness(session, VERSION, [{"condition": "typos", "document_id": 7, **counts}])
        replace_relation_evaluation(session, VERSION, [of_relation])
        predictions(session, VERSION, [7])[7].relations = [{"id": "R1"}]
    with store.read() as session:
        assert robustness_of(session, VERSION) == {"typos": {"d7": (1, 0, 2)}}
        assert document_counts_of(session, VERSION) == {"d7": (1, 2, 3)}
        assert relation_counts_of(session, VERSION) == {Measure("gold", "mention"): {"treats": {"d7": (1, 0, 2)}}}
        assert predictions(session, VERSION, [7])[7].relations == [{"id": "R1"}]
    store.close()


def test_a_database_of_an_older_program_is_refused_until_it_is_upgraded(engine: Engine) -> None:
    with engine.connect() as connection:
        assert migration.is_older(connection)
        with pytest.raises(SchemaVersionError, match="biorat-al db upgrade"):
            migration.check_revision(connection)
    migration.upgrade(engine)
    with engine.connect() as connection:
        assert not migration.is_older(connection)
        migration.check_revision(connection)
