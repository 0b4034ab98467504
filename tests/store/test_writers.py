"""Several processes write to one SQLite file: each has its turn, and what was committed survives a power cut."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest
from sqlalchemy import text

from biorat_al.store.database.engine import database_url
from biorat_al.store.store import Store, add_project


@pytest.fixture
def file(tmp_path: Path) -> Store:
    store = Store.create(database_url("sqlite", tmp_path))
    with store.write() as session:
        add_project(session, "first")
    return store


def test_two_writers_that_both_read_first_come_one_after_the_other(file: Store) -> None:
    """The second one had read what the first was about to change, and failed with "database is locked"."""
    begun, errors = threading.Event(), []

    def add(letter: str) -> None:
        with file.write() as session:
            name = session.scalar(text("SELECT name FROM project"))
            begun.set()
            session.execute(text("UPDATE project SET name = :name"), {"name": f"{name}{letter}"})

    def other() -> None:
        try:
            add("b")
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=other)
    with file.write() as session:
        name = session.scalar(text("SELECT name FROM project"))
        thread.start()
        # the other one has to wait here, and must not read a name that is about to be another
        assert not begun.wait(0.5)
        session.execute(text("UPDATE project SET name = :name"), {"name": f"{name}a"})
    thread.join(30)
    assert errors == []
    assert file.project().name == "firstab"
    file.close()


def test_readers_do_not_wait_for_a_writer(file: Store) -> None:
    with file.write() as session:
        session.execute(text("UPDATE project SET name = 'second'"))
        assert file.project().name == "first"
    assert file.project().name == "second"
    file.close()


def test_a_write_that_fails_leaves_nothing(file: Store) -> None:
    def fail() -> None:
        with file.write() as session:
            session.execute(text("UPDATE project SET name = 'second'"))
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        fail()
    assert file.project().name == "first"
    file.close()


def test_what_is_committed_is_on_the_disk(file: Store) -> None:
    """With less than FULL, a power cut takes back answers of which the cursor says that they have been fetched."""
    with file.read() as session:
        assert session.scalar(text("PRAGMA synchronous")) == 2, "FULL"
        assert session.scalar(text("PRAGMA journal_mode")) == "wal"
    with file.write() as session:
        assert session.scalar(text("PRAGMA synchronous")) == 2, "FULL"
    file.close()


def test_a_writer_that_another_program_keeps_waiting_gets_its_turn(file: Store) -> None:
    other = sqlite3.connect(str(file.url.database), isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(0.5, lambda: other.execute("ROLLBACK"))
    timer.start()
    with file.write() as session:
        session.execute(text("UPDATE project SET name = 'second'"))
    timer.join()
    other.close()
    assert file.project().name == "second"
    file.close()
