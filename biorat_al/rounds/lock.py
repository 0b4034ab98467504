"""One round at a time per project."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy import text

from biorat_al.errors import LockedError
from biorat_al.store.busy import HOLDER_FILE, LOCK_FILE, holder
from biorat_al.store.store import Store, now


@contextmanager
def round_lock(folder: Path, store: Store) -> Iterator[None]:
    """Hold the project's lock.

    A lock on a file of the folder keeps out this machine's processes; on Postgres an advisory lock keeps out those of
    other machines. Both end with the process, however it ends.

    :raises LockedError: another process holds it; says which and since when.
    """
    written = folder / HOLDER_FILE
    lock = FileLock(folder / LOCK_FILE, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise LockedError(
            f"another round of this project is running ({holder(folder) or 'not known by whom'}); wait for it to end"
        ) from None
    try:
        with _advisory_lock(store):
            written.write_text(
                json.dumps(
                    {"pid": os.getpid(), "host": socket.gethostname(), "since": now().isoformat("T", "seconds")}
                ),
                encoding="utf-8",
            )
            try:
                yield
            finally:
                written.unlink(missing_ok=True)
    finally:
        lock.release()


@contextmanager
def _advisory_lock(store: Store) -> Iterator[None]:
    if store.is_sqlite:
        yield
        return
    key = int(store.project().uid[:15], 16)
    with store.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        if not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": key}):
            row = connection.execute(
                text(
                    "SELECT a.pid, a.client_addr, a.backend_start FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
                    "WHERE l.locktype = 'advisory' AND l.granted "
                    "AND ((l.classid::bigint << 32) | l.objid::bigint) = :key LIMIT 1"
                ),
                {"key": key},
            ).first()
            who = (
                f"database connection {row[0]} from {row[1] or 'this machine'}, since {row[2]:%H:%M:%S}" if row else ""
            )
            raise LockedError(f"another round of this project is running ({who or 'not known by whom'}); wait for it")
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": key})
