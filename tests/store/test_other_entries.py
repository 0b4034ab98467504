"""JSON of the right kind with other entries, as in a tampered database, is told in a sentence wherever it is read."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy import select

from biorat_al.efficiency.runs.of_project import live_runs
from biorat_al.errors import StoreError
from biorat_al.presentation.round import round_text
from biorat_al.presentation.status import status_text
from biorat_al.project import Project
from biorat_al.rounds.runner import round_report
from biorat_al.store.database.json_values import JsonOf
from biorat_al.store.tables import Base, ModelRow, RoundRow
from tests.support.rounds import make_project, settings_for

OTHERS: tuple[Any, ...] = (None, 7, "x", True, [], {}, [7], ["x"], {"a": 7}, [{"a": 7}])

READ_BY_ENTRY = [
    (table.name, column.name)
    for table in Base.metadata.sorted_tables
    for column in table.columns
    if isinstance(column.type, JsonOf) and column.type.entries is not None
]


class Place(NamedTuple):
    """An entry of a JSON object in the database."""

    table: str
    column: str
    rowid: int
    path: tuple[str | int, ...]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Iterator[Project]:
    """Return a project of two rounds with a committee."""
    training = {"epochs": 1, "min_steps": 3, "batch_size": 4, "committee": True}
    folder = tmp_path_factory.mktemp("tampered") / "trial"
    with make_project(folder, settings_for(tiny_encoder, training=training)) as project:
        project.round()
        project.round()
        yield project


def paths(value: Any, depth: int = 3) -> Iterator[tuple[str | int, ...]]:
    """Yield the places of all entries of a JSON value, and of the first ones of its lists."""
    if not depth or not value:
        return
    if isinstance(value, dict):
        below = list(value.items())
    else:
        below = list(enumerate(value[:1])) if isinstance(value, list) else []
    for key, one in below:
        yield (key,)
        yield from ((key, *path) for path in paths(one, depth - 1))


def places(file: Path) -> list[tuple[Place, Any]]:
    """Return all entries of what is read by entry, with the whole JSON value."""
    found = []
    with closing(sqlite3.connect(file)) as database:
        for table, column in READ_BY_ENTRY:
            for rowid, text in database.execute(f'SELECT rowid, "{column}" FROM "{table}"'):
                value = json.loads(text)
                found += [(Place(table, column, rowid, path), value) for path in paths(value)]
    return found


def changed(value: Any, path: tuple[str | int, ...], other: Any, *, leave_out: bool) -> Any:
    """Return a copy of a JSON value with another value at a place, or without it."""
    copy = json.loads(json.dumps(value))
    inner = copy
    for key in path[:-1]:
        inner = inner[key]
    if leave_out:
        del inner[path[-1]]
    else:
        inner[path[-1]] = other
    return copy


def read_everything(folder: Path) -> None:
    """Read what people look at: the status, what each round did, and the rounds for a report."""
    with Project.open(folder) as project:
        status = project.status(ask_desk=False)
        status_text(status)
        with project.store.read() as session:
            numbers = session.scalars(select(RoundRow.number)).all()
        for number in numbers:
            round_text(round_report(project.store, number), status)
        live_runs(project.store, project.settings)


def sweep(folder: Path, number: int | None) -> tuple[int, list[str]]:
    """Change entries one at a time; return how many changes were told, and what ended in an error that is not ours.

    :param number: None tries all of them.
    """
    file = folder / "biorat.sqlite3"
    tries = [
        (place, value, other, leave_out)
        for place, value in places(file)
        for other, leave_out in [(None, True), *((one, False) for one in OTHERS)]
    ]
    if number is not None:
        tries = random.Random(5).sample(tries, number)
    told, raw = 0, []
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        for place, value, other, leave_out in tries:
            change = f'UPDATE "{place.table}" SET "{place.column}" = ? WHERE rowid = ?'
            wrong = changed(value, place.path, other, leave_out=leave_out)
            database.execute(change, (json.dumps(wrong), place.rowid))
            try:
                read_everything(folder)
            except StoreError:
                told += 1
            except Exception as error:
                what = "left out" if leave_out else json.dumps(other)
                raw.append(f"{place} {what}: {type(error).__name__}: {str(error)[:200]}")
            finally:
                database.execute(change, (json.dumps(value), place.rowid))
    return told, raw


def test_entries_are_read_in_requests_settings_counts_and_summaries() -> None:
    assert set(READ_BY_ENTRY) == {
        ("round", "request"), ("round", "settings"), ("step", "counts"), ("model", "summary")
    }  # fmt: skip


@pytest.mark.slow
def test_an_entry_that_is_missing_or_another_never_ends_in_an_error_for_programmers(project: Project) -> None:
    told, raw = sweep(project.folder, 60)
    assert raw == []
    assert told > 5


@pytest.mark.slow
@pytest.mark.parametrize("entry", ["documents", "unrepresentable"])
def test_an_entry_that_is_missing_in_a_model_s_summary_is_named(project: Project, entry: str) -> None:
    with project.store.read() as session:
        summary = session.scalars(select(ModelRow)).first().summary  # type: ignore[union-attr]
        assert summary[entry] is not None
        del summary[entry]
        with pytest.raises(StoreError, match=f"^the database was changed from outside.*lacks the entry '{entry}'"):
            summary[entry]
        with pytest.raises(StoreError, match="lacks the entry 'x'"):
            summary["encoder"]["x"]
        session.rollback()
