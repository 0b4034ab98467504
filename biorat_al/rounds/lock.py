"""One round at a time per project."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from biorat_al.claims import uninterrupted
from biorat_al.disk import writing
from biorat_al.errors import LockedError, ProjectError
from biorat_al.store.database.busy import HOLDER_FILE, LOCK_FILE, holder
from biorat_al.store.database.engine import database_errors
from biorat_al.store.store import Store, now

KEEP_ALIVE_SECONDS = 20.0
"""How often the lock's connection is used: whatever ends idle ones waits for minutes."""

_HELD_BY = (
    "FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE l.locktype = 'advisory' AND l.granted "
    "AND l.mode = 'ExclusiveLock' AND l.objsubid = 1 "
    "AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
    "AND ((l.classid::bigint << 32) | l.objid::bigint) = :key"
)

_NO_TIME_LIMIT = (
    "SELECT set_config(name, '0', true) FROM pg_settings "
    "WHERE name IN ('idle_in_transaction_session_timeout', 'transaction_timeout')"
)
"""The lock's transaction lasts as long as the round; the server may end others that wait for so long."""


class RoundLock:
    """A lock that is held; on SQLite the file's alone, which ends with the process and not before."""

    def check(self) -> None:
        """Ask whether it is still held.

        :raises LockedError: it was lost, so another machine may run the round by now.
        """


@contextmanager
def round_lock(folder: Path, store: Store) -> Iterator[RoundLock]:
    """Hold the project's lock.

    A lock on a file of the folder keeps out this machine's processes; on Postgres an advisory lock keeps out those of
    other machines. Both end with the process, however it ends. The latter ends with its connection as well: ask before
    each thing that another machine must not do too.

    :raises LockedError: another process holds it; says which and since when.
    """
    written = folder / HOLDER_FILE
    lock = FileLock(folder / LOCK_FILE, timeout=0)
    try:
        with writing(folder / LOCK_FILE, ProjectError):
            lock.acquire()
    except Timeout:
        raise LockedError(
            f"another round of this project is running ({holder(folder) or 'not known by whom'}); wait for it to end"
        ) from None
    try:
        with _advisory_lock(store) as held:
            values = {"pid": os.getpid(), "host": socket.gethostname(), "since": now().isoformat("T", "seconds")}
            with writing(written, ProjectError):
                written.write_text(json.dumps(values), encoding="utf-8")
            try:
                yield held
            finally:
                with uninterrupted():
                    written.unlink(missing_ok=True)
    finally:
        with uninterrupted():
            lock.release()


@contextmanager
def _advisory_lock(store: Store) -> Iterator[RoundLock]:
    if store.is_sqlite:
        yield RoundLock()
        return
    key = int(store.project().uid[:15], 16)
    with database_errors(store.url):
        connection = store.engine.connect()
    try:
        with database_errors(store.url):
            connection.execute(text(_NO_TIME_LIMIT))
            # for as long as a transaction: a session need not be one connection where a pool stands before the server
            if not connection.scalar(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": key}):
                row = connection.execute(
                    text(f"SELECT a.pid, a.client_addr, a.backend_start {_HELD_BY} LIMIT 1"), {"key": key}
                ).first()
                who = (
                    f"database connection {row[0]} from {row[1] or 'this machine'}, since {row[2]:%H:%M:%S}"
                    if row
                    else ""
                )
                raise LockedError(
                    f"another round of this project is running ({who or 'not known by whom'}); wait for it"
                )
        with _KeptAlive(connection, key).kept() as held:
            yield held
    finally:
        # where the connection was cut, so was the lock; what happened before is to be told, not this
        with suppress(DBAPIError):
            connection.rollback()
        with suppress(DBAPIError):
            connection.close()


class _KeptAlive(RoundLock):
    """The advisory lock of a Postgres, on a connection that is used now and then so that nobody ends it."""

    def __init__(self, connection: Connection, key: int) -> None:
        self._connection = connection
        self._key = key
        self._in_use = threading.Lock()
        self._over = threading.Event()
        self._lost = ""

    def check(self) -> None:
        if not self._lost:
            self._ask()
        if self._lost:
            raise LockedError(
                f"this round has lost its lock ({self._lost}), so another machine may be running it by now: it was "
                "stopped. What it had finished is kept; see whether the database, or a pool in front of it "
                "(pgbouncer), was started anew or ends idle connections, and run the same command again"
            )

    @contextmanager
    def kept(self) -> Iterator[RoundLock]:
        """Use the connection now and then, in a thread."""
        thread = threading.Thread(target=self._keep, name="round lock", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._over.set()
            thread.join()

    def _keep(self) -> None:
        while not self._lost and not self._over.wait(KEEP_ALIVE_SECONDS):
            self._ask()

    def _ask(self) -> None:
        with self._in_use:
            try:
                held = self._connection.scalar(
                    text(f"SELECT count(*) {_HELD_BY} AND l.pid = pg_backend_pid()"), {"key": self._key}
                )
            except DBAPIError:
                self._lost = "its connection to the database was cut"
            else:
                self._lost = "" if held else "the database no longer has it"
