"""What is not as it was written is told, with its place and what can be done."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text, update

from biorat_al.errors import StoreError
from biorat_al.store import creation
from biorat_al.store.database import integrity
from biorat_al.store.database.engine import database_url
from biorat_al.store.database.integrity import add_missing_checksums, check_rows
from biorat_al.store.documents import documents_by_id
from biorat_al.store.store import Store, add_project
from biorat_al.store.tables import AnnotationRow, DocumentRow, EntityRow, TaskRow
from tests.store.conftest import Fill, record
from tests.store.test_tasks import FetchedTask, answer, pull, tasks  # noqa: F401


def check(store: Store) -> int:
    with store.read() as session:
        return check_rows(session)


def complete(store: Store) -> int:
    with store.write() as session:
        return add_missing_checksums(session)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            update(EntityRow).values(label="Diseasf"),
            r"5 rows are not as written .*entity \(id 1, of document d1\); ent",
        ),
        (
            update(AnnotationRow).where(AnnotationRow.id == 1).values(annotator="bob"),
            r"1 row is not .*annotation \(id 1, of document",
        ),
        (update(TaskRow).where(TaskRow.id == 2).values(seats=7), r"1 row is not .*task \(id 2, of document d2\)"),
        (
            update(DocumentRow).where(DocumentRow.id == 3).values(passages=[["title", 0, 3]]),
            r"1 row is not as written .*document \(id 3, d3\)",
        ),
    ],
)
def test_a_row_that_was_changed_behind_our_back_is_told(tasks: Store, change: Any, said: str) -> None:  # noqa: F811
    pull(tasks, FetchedTask(1, "11", (answer("a1", 1),), 0), FetchedTask(2, "12", (answer("a2", 2),), 0))
    check(tasks)
    with tasks.write() as session:
        session.execute(change)
    with pytest.raises(StoreError, match=said) as caught:
        check(tasks)
    # and there is a way out for whoever meant it
    *_, advice = str(caught.value).split("say so for each: ")
    assert advice.startswith("UPDATE ")
    assert " SET checksum = NULL WHERE id = " in advice
    if "1 row" in said:
        with tasks.write() as session:
            session.execute(text(advice))
        assert check(tasks) == 1
        assert complete(tasks) == 1
        assert check(tasks) == 0


def test_rows_of_an_earlier_version_get_their_checksums_and_are_then_compared(store: Store, fill: Fill) -> None:
    fill([record("d1"), record("d2", "Asthma two.")])
    with store.write() as session:
        for kind in (DocumentRow, AnnotationRow, EntityRow):
            session.execute(update(kind).values(checksum=None))
    assert check(store) == 6
    assert complete(store) == 6
    assert check(store) == 0
    with store.write() as session:
        session.execute(update(EntityRow).where(EntityRow.id == 2).values(spans=[[0, 5]]))
    with pytest.raises(StoreError, match=r"entity \(id 2, of document d2\)"):
        check(store)


@pytest.fixture
def file(tmp_path: Path, settings: Any) -> Path:
    """Return a SQLite file with forty annotated documents, as it is on the disk when nobody has it open."""
    store = Store.create(database_url("sqlite", tmp_path))
    with store.write() as session:
        add_project(session, "demo")
        pool = [record(f"d{number}", f"Asthma number {number} is told of here. " * 5) for number in range(40)]
        creation.fill(session, settings=settings, pool=pool, test=None, test_size=5, gold=True)
    store.close()
    return tmp_path / "biorat.sqlite3"


def contents(file: Path) -> dict[str, list[Any]] | None:
    """Return all rows of a file; None if it cannot be read."""
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
            database.text_factory = bytes
            names = ("document", "annotation", "entity", "project")
            return {name: database.execute(f"SELECT * FROM {name}").fetchall() for name in names}
    except (sqlite3.DatabaseError, UnicodeDecodeError):
        return None


def everything(file: Path) -> None:
    """Read what a round reads, with its checks."""
    store = Store.open("sqlite", file.parent)
    try:
        check(store)
        with store.read() as session:
            documents_by_id(session, session.scalars(select(DocumentRow.id)).all(), check=True)
    finally:
        store.close()


@pytest.mark.slow
def test_a_bit_that_flipped_on_the_disk_changes_no_row_without_a_word(file: Path) -> None:
    right, rows = file.read_bytes(), contents(file)
    generator = random.Random(11)
    places = [generator.randrange(8 * len(right)) for _ in range(50)]
    # most of a file is room: bits in texts and numbers as well
    cells = [
        right.find(word) for word in (b"Disease", b"[[0, 6]]", b"gold", b"pool", b"T1", b"d17", b"Asthma number 7")
    ]
    places += [8 * cell + generator.randrange(40) for cell in cells for _ in range(4)]
    told = changed = 0
    for place in places:
        content = bytearray(right)
        content[place // 8] ^= 1 << (place % 8)
        for leftover in file.parent.glob("biorat.sqlite3-*"):
            leftover.unlink()
        file.write_bytes(content)
        differs = contents(file) != rows
        changed += differs
        try:
            everything(file)
        except StoreError:
            told += 1
        else:
            assert not differs, f"bit {place}"
    assert told >= changed > 15


def test_an_index_that_no_longer_fits_its_rows_is_told(file: Path) -> None:
    # every row is as it was written, and looking for the mentions of an annotation finds others
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        database.execute("PRAGMA writable_schema = ON")
        pages = dict(database.execute("SELECT name, rootpage FROM sqlite_schema WHERE type = 'index'"))
        page = pages["ix_relation_annotation_id"]
        database.execute("UPDATE sqlite_schema SET rootpage = ? WHERE name = 'ix_entity_annotation_id'", (page,))
    with pytest.raises(StoreError, match=r"SQLite's own check found: .*; restore the database from a backup"):
        everything(file)


def test_checksums_are_added_some_at_a_time(store: Store, fill: Fill, monkeypatch: pytest.MonkeyPatch) -> None:
    """They were listed for the whole database, which takes a gigabyte for a million documents."""
    fill([record(f"d{number}") for number in range(7)])
    with store.write() as session:
        session.execute(update(DocumentRow).where(DocumentRow.id != 4).values(checksum=None))
        session.execute(update(EntityRow).values(checksum=None))
    monkeypatch.setattr(integrity, "_WRITTEN", 2)
    assert check(store) == complete(store) == 6 + 7
    assert check(store) == complete(store) == 0
