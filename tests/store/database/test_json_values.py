"""A database that was changed from outside is told in a sentence, whichever column it was."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, select

from biorat_al.errors import StoreError
from biorat_al.rounds.context import RoundRequest
from biorat_al.store.annotations import entity_from_values, entity_of, relation_from_values
from biorat_al.store.database.engine import database_url
from biorat_al.store.database.json_values import JsonOf
from biorat_al.store.documents import document_of
from biorat_al.store.store import Store
from biorat_al.store.tables import Base, DocumentRow, EntityRow, UtcDateTime

COLUMNS = [
    (table.name, column.name)
    for table in Base.metadata.sorted_tables
    for column in table.columns
    if isinstance(column.type, JsonOf)
]
WRONG = ("garbage", "7", '"x"', "true", "[" * 100_000, "\x00")
TOLD = "^the database was changed from outside, or is damaged: .*; take the database from a backup$"


def test_every_column_with_json_is_looked_at() -> None:
    assert len(COLUMNS) >= 15
    plain = [str(column) for table in Base.metadata.sorted_tables for column in table.columns if _is_bare(column)]
    assert plain == []


def _is_bare(column: Column[Any]) -> bool:
    return type(column.type).__name__ == "JSON"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with a row in each table, made without regard to what they refer to."""
    folder = tmp_path_factory.mktemp("rows")
    store = Store.create(database_url("sqlite", folder))
    store.close()
    connection = sqlite3.connect(folder / "biorat.sqlite3")
    connection.execute("PRAGMA ignore_check_constraints = ON")
    for table in Base.metadata.sorted_tables:
        values = {column.name: _any(column) for column in table.columns}
        places = ", ".join("?" * len(values))
        connection.execute(f'INSERT INTO "{table.name}" ({", ".join(values)}) VALUES ({places})', list(values.values()))
    connection.commit()
    connection.close()
    return folder / "biorat.sqlite3"


def _any(column: Column[Any]) -> Any:
    if isinstance(column.type, JsonOf):
        return "{}" if column.type.kind is dict else "[]"
    # SQLAlchemy 2.0 does not ask the type that a decorator is around
    kind = datetime if isinstance(column.type, UtcDateTime) else column.type.python_type
    return "2026-01-01 00:00:00.000000" if kind is datetime else 1 if kind is not str else "x"


@pytest.mark.slow
@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_a_value_that_this_program_does_not_write_is_refused_in_a_sentence(
    tmp_path: Path, file: Path, table: str, column: str
) -> None:
    place = tmp_path / "biorat.sqlite3"
    known = Base.metadata.tables[table].columns[column]
    assert isinstance(known.type, JsonOf)
    for wrong in (*WRONG, "[]" if known.type.kind is dict else "{}", *(() if known.type.optional else ("null",))):
        place.write_bytes(file.read_bytes())
        connection = sqlite3.connect(place)
        connection.execute(f'UPDATE "{table}" SET {column} = ?', (wrong,))
        connection.commit()
        connection.close()
        store = Store(database_url("sqlite", tmp_path))
        with pytest.raises(StoreError, match=TOLD), store.read() as session:
            session.execute(select(known)).all()
        store.close()


def test_json_of_another_shape_is_refused_where_an_object_is_made_of_it() -> None:
    entity: dict[str, Any] = {"key": "T1", "label": "Disease", "spans": [[0, 6]], "concepts": [], "annotation_id": 4}
    assert entity_of(EntityRow(**entity, extras={})).label == "Disease"
    for part, wrong in (("spans", [[0]]), ("spans", [7]), ("concepts", [["a", "b", "c"]])):
        with pytest.raises(StoreError, match="a mention of the annotation 4 have another shape"):
            entity_of(EntityRow(**entity | {part: wrong}, extras={}))
    with pytest.raises(StoreError, match="the values of the document 17 have another shape"):
        document_of(DocumentRow(key="17", text="x", passages=[{"a": 1}], details={}))
    for values in ({}, {"id": "T1", "label": "x", "spans": [[1]]}):
        with pytest.raises(StoreError, match="a predicted mention have another shape"):
            entity_from_values(values)
    with pytest.raises(StoreError, match="a predicted relation have another shape"):
        relation_from_values({"a": 1})
    with pytest.raises(StoreError, match="the request of a round have another shape"):
        RoundRequest.from_dict({"a": [[1]]})
