"""Addresses of databases, and what it says when one cannot be used: plain words, and never a part of the password."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import URL, create_engine, text
from sqlalchemy.exc import OperationalError

from biorat_al.errors import StoreError, UsageError
from biorat_al.store.database import engine as engines
from biorat_al.store.database.engine import (
    database_errors,
    database_setting,
    database_url,
    open_engine,
    parse_url,
    shown,
)
from biorat_al.store.store import Store

PASSWORD = st.text("ab12@/:#?%&=+;[] é'\"", min_size=1, max_size=12).map(lambda inner: f"Qj7{inner}Wx9")


def refusal(address: str) -> str:
    with pytest.raises(UsageError) as caught:
        parse_url(address)
    assert caught.value.__cause__ is None
    return str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://me:p@ss%word@127.0.0.1:54999/x",
        "postgresql://me:@@127.0.0.1/x",
        "postgres://me:p@s/s@127.0.0.1/x",
        "postgresql://me:p@s?s@127.0.0.1/x",
        "postgresql://me:p@s?user=s@127.0.0.1/x",
        "postgresql://me:p@1234@127.0.0.1/x",
        "postgresql://me:p@localhost:5432/x@127.0.0.1/x",
        "postgresql://m/e:pass@127.0.0.1/x",
    ],
)
def test_a_password_that_was_not_encoded_is_refused_with_the_way_to_write_it(address: str) -> None:
    """The driver asked for a host named ``ss%word@127.0.0.1`` and said so."""
    message = refusal(address)
    assert "@ must be written as %40" in message
    assert message == refusal("postgresql://me:p@ss@127.0.0.1/x")
    assert "127.0.0.1" not in message


@settings(deadline=None)
@given(password=PASSWORD)
def test_whatever_the_password_is_it_arrives_whole_or_the_refusal_does_not_depend_on_it(password: str) -> None:
    address = f"postgresql://me:{password}@127.0.0.1:5432/x"
    if "@" in password:
        assert refusal(address) == refusal("postgresql://me:p@ss@127.0.0.1:5432/x")
    else:
        url = parse_url(address)
        assert (url.username, url.host, url.port, url.database) == ("me", "127.0.0.1", 5432, "x")
        assert "Qj7" not in shown(url)
        assert "Wx9" not in shown(url)
    with pytest.raises(UsageError) as caught:
        database_setting(address)
    assert "Qj7" not in str(caught.value)
    assert "Wx9" not in str(caught.value)


def test_an_encoded_password_and_the_parameters_of_postgres_are_accepted() -> None:
    url = parse_url(" postgresql://me:p%40ss%25word@127.0.0.1:54999/x?sslmode=require&options=-c%20a%3Db ")
    assert (url.password, url.host, url.database) == ("p@ss%word", "127.0.0.1", "x")
    assert dict(url.query) == {"sslmode": "require", "options": "-c a=b"}
    assert parse_url("postgresql://me@corp.example:pw@host/x").username == "me@corp.example"
    assert parse_url("postgresql:///x?host=/tmp&user=me@corp.example").query["user"] == "me@corp.example"
    assert parse_url("postgresql://me:p?w/x#y:z@host/x").password == "p?w/x#y:z"


def test_a_parameter_that_postgres_does_not_know_is_refused_without_being_repeated() -> None:
    assert "sesame" not in refusal("postgresql://me@host/x?sesame=1")


@pytest.mark.parametrize("query", ["?password=sesame", "?sslpassword=sesame", "?sslmode=require&password=sesame"])
def test_a_password_among_the_parameters_is_not_shown(query: str) -> None:
    assert shown(parse_url(f"postgresql://me@host/x{query}")) == "postgresql+psycopg://me@host/x"


@pytest.fixture
def server(postgres: URL) -> Iterator[Callable[[str], None]]:
    """Runs statements on the server, outside of transactions."""
    engine = create_engine(postgres, isolation_level="AUTOCOMMIT")

    def run(*statements: str) -> None:
        with engine.connect() as connection:
            for statement in statements:
                connection.execute(text(statement))

    yield run
    engine.dispose()


def problem(url: URL) -> str:
    """Return what it says of a database that cannot be made a project's."""
    with pytest.raises(StoreError) as caught:
        Store.create(url)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.postgres
@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII", "WIN1252"])
def test_a_database_that_cannot_hold_greek_letters_is_refused_before_anything_is_written(
    postgres: URL, server: Callable[[str], None], encoding: str
) -> None:
    name = f"with_{encoding.lower()}"
    server(f"CREATE DATABASE {name} ENCODING '{encoding}' TEMPLATE template0 LOCALE 'C'")
    message = problem(postgres.set(database=name))
    assert f"has the encoding {encoding}" in message
    assert "createdb -E UTF8 -T template0" in message
    # also one that an older version of the program has made
    with pytest.raises(StoreError, match=encoding):
        Store.open(postgres.set(database=name).render_as_string(hide_password=False), Path())


@pytest.mark.postgres
def test_the_encoding_of_the_client_is_ours(
    new_postgres_database: Callable[[], URL], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    for url in (new_postgres_database(), new_postgres_database().update_query_dict({"client_encoding": "latin1"})):
        engine = open_engine(url)
        with engine.connect() as connection:
            assert connection.scalar(text("SELECT :letter"), {"letter": "β"}) == "β"
        engine.dispose()


@pytest.mark.postgres
def test_each_failure_of_a_postgres_says_what_to_do(postgres: URL, server: Callable[[str], None]) -> None:
    assert "make it: createdb -E UTF8 -T template0 nowhere" in problem(postgres.set(database="nowhere"))
    assert "no user nobody" in problem(postgres.set(username="nobody"))
    assert "no Postgres listens there" in problem(URL.create("postgresql+psycopg", "me", None, "127.0.0.1", 1, "x"))
    no_socket = URL.create("postgresql+psycopg", "me", database="x", query={"host": "/nonexistent"})
    assert "no Postgres listens there" in problem(no_socket)
    unknown = URL.create("postgresql+psycopg", "me", None, "host.invalid", 5432, "x")
    assert "name of its host is not known" in problem(unknown)
    server("CREATE ROLE reader LOGIN", "CREATE DATABASE of_others")
    assert "lacks a right (permission denied for schema public)" in problem(
        postgres.set(username="reader", database="of_others")
    )
    server("ALTER ROLE reader CONNECTION LIMIT 0")
    assert "all its connections are taken" in problem(postgres.set(username="reader"))
    server("ALTER ROLE reader NOLOGIN CONNECTION LIMIT -1")
    assert "may not log in" in problem(postgres.set(username="reader"))
    server("CREATE DATABASE copy", "ALTER DATABASE copy SET default_transaction_read_only = on")
    assert "it can be read only" in problem(postgres.set(database="copy"))


@pytest.mark.slow
@pytest.mark.postgres
def test_a_connection_that_was_cut_is_told(new_postgres_database: Callable[[], URL]) -> None:
    store = Store.create(new_postgres_database())
    other = create_engine(store.url, isolation_level="AUTOCOMMIT")

    def cut() -> None:
        with store.write() as session:
            pid = session.scalar(text("SELECT pg_backend_pid()"))
            with other.connect() as connection:
                connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
            session.execute(text("SELECT 1"))

    with pytest.raises(StoreError, match=r"the connection was cut \((consuming input failed: )?terminating connection"):
        cut()
    other.dispose()
    store.close()


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ('FATAL:  password authentication failed for user "me"', "the server refused user or password"),
        ("fe_sendauth: no password supplied", "the server refused user or password"),
        ('FATAL:  no pg_hba.conf entry for host "1.2.3.4", user "me"', "pg_hba.conf"),
        ("FATAL:  sorry, too many clients already", "all its connections are taken"),
        ("FATAL:  remaining connection slots are reserved for roles", "all its connections are taken"),
        ("FATAL:  the database system is starting up", "not ready yet (starting up)"),
        ("connection timeout expired", "does not answer"),
        ("server does not support SSL, but SSL was required", "does not encrypt"),
        ('root certificate file "/x/root.crt" does not exist', "encrypted connection"),
        ("server closed the connection unexpectedly\n\tThis probably means", "the connection was cut"),
        ("ERROR:  transaction blocks not allowed in statement pooling mode", "pool_mode = transaction or session"),
        ("FATAL:  query_wait_timeout", "a pool in front of it had no connection left"),
        ("etwas ganz anderes ist passiert\nmehr davon", "etwas ganz anderes ist passiert"),
    ],
)
def test_what_a_server_says_is_understood(said: str, told: str) -> None:
    url = parse_url("postgresql://me:sesame@host/lab")
    with pytest.raises(StoreError) as caught, database_errors(url):
        raise OperationalError(None, None, Exception(f"connection failed: {said}"))
    assert told in str(caught.value)
    assert str(caught.value).startswith("the database postgresql+psycopg://me:***@host/lab cannot be used: ")


@pytest.fixture
def busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "_BUSY_SECONDS", 0.1)


@pytest.mark.usefixtures("busy")
def test_a_locked_database_says_who_has_it(tmp_path: Path) -> None:
    store = Store.create(database_url("sqlite", tmp_path))
    script = (
        "import sqlite3, sys\n"
        "connection = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "connection.execute('BEGIN IMMEDIATE')\n"
        "print('locked', flush=True)\n"
        "sys.stdin.read()\n"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", script, str(store.url.database)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == "locked\n"
        with pytest.raises(StoreError) as caught, store.write() as session:
            session.execute(text("SELECT 1"))
        message = str(caught.value)
        assert "another program is writing to it: it is open in process" in message
        assert f"process {other.pid} (" in message
        (tmp_path / "biorat.lock.holder").write_text('{"pid": 7, "host": "elsewhere", "since": "noon"}')
        with (
            pytest.raises(StoreError, match=r"a round is running \(process 7 on elsewhere, since noon\)"),
            store.write() as session,
        ):
            session.execute(text("SELECT 1"))
    finally:
        other.communicate("")
        store.close()


@pytest.mark.usefixtures("busy")
def test_a_database_locked_by_nobody_we_see_says_where_to_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("biorat_al.store.database.busy._processes", lambda database: [])
    store = Store.create(database_url("sqlite", tmp_path))
    other = sqlite3.connect(str(store.url.database), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match=r"fuser biorat\.sqlite3"), store.write() as session:
        session.execute(text("SELECT 1"))
    other.close()
    store.close()


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("attempt to write a readonly database", "see the permissions"),
        ("unable to open database file", "the file cannot be opened"),
        ("database or disk is full", "make room"),
        ("disk I/O error", r"is not full \(.*\): it is damaged"),
    ],
)
def test_what_sqlite_says_is_understood(said: str, told: str) -> None:
    with pytest.raises(StoreError, match=told), database_errors(database_url("sqlite", Path("/p"))):
        raise OperationalError(None, None, sqlite3.OperationalError(said))


@pytest.mark.parametrize("said", ["disk I/O error", "unable to open database file"])
def test_a_full_disk_is_called_full_whatever_sqlite_says(
    said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("biorat_al.disk.shutil.disk_usage", lambda path: SimpleNamespace(free=4096, total=1_000_000))
    url = database_url("sqlite", tmp_path)
    told = r"the disk is full: 4 kB of 1\.0 MB are free at /.*; make room there"
    with pytest.raises(StoreError, match=told), database_errors(url):
        raise OperationalError(None, None, sqlite3.OperationalError(said))


@pytest.mark.parametrize("character", ["\0", "\ud83d"])
def test_a_character_that_no_database_keeps_is_told_without_the_text(empty_database: URL, character: str) -> None:
    store = Store.create(empty_database)
    said = f"a long text {character}"
    told = ""
    try:
        with store.write() as session:
            session.execute(text("SELECT :one || ''"), {"one": said})
    except StoreError as error:
        told = str(error)
    store.close()
    # SQLite keeps NUL
    assert ("NUL, or half of a surrogate pair" in told) == (not store.is_sqlite or character != "\0")
    assert "long text" not in told


def test_a_file_that_is_not_a_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "biorat.sqlite3").write_text("not a database " * 100)
    assert "the file is not a database" in problem(database_url("sqlite", tmp_path))
