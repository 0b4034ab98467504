"""The lock that allows one round at a time per project."""

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
"""Seconds between two uses of the lock's connection; idle connections are closed after minutes."""

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
"""Lifts the server's time limits: the lock's transaction stays open as long as the round runs."""


class RoundLock:
    """A lock that this process holds. On SQLite it is the file lock alone, which lasts until the process ends."""

    def check(self) -> None:
        """Check that the lock is still held.

        :raises LockedError: the lock was lost, so another machine may be running the round.
        """


@contextmanager
def round_lock(folder: Path, store: Store) -> Iterator[RoundLock]:
    """Hold the project's lock.

    A file lock in the folder keeps out other processes on this machine; on Postgres an advisory lock keeps out other
    machines. Both end with the process, however it ends. The advisory lock also ends with its connection, so call
    :meth:`RoundLock.check` before every action that must not happen on two machines.

    :raises LockedError: another process holds the lock; the message says which and since when.
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
            # a transaction's lock, not a session's: behind a connection pool, one session may use several connections
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
        # if the connection was cut, the lock is gone too; the first error matters, not this one
        with suppress(DBAPIError):
            connection.rollback()
        with suppress(DBAPIError):
            connection.close()


class _KeptAlive(RoundLock):
    """The advisory lock on Postgres; its connection is used regularly so that it is not closed as idle."""

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
                "(pgbouncer), was restarted or ends idle connections, and run the same command again"
            )

    @contextmanager
    def kept(self) -> Iterator[RoundLock]:
        """Use the connection regularly from a thread."""
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
