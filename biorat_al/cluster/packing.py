"""Folders as bytes, so that they can be sent to another machine."""

from __future__ import annotations

import io
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

_JOURNALS = ("-wal", "-shm", "-journal")
"""Ends of the names of files that SQLite keeps beside a database."""


def pack(folder: Path, names: Iterable[str] | None = None) -> bytes:
    """Return a folder's content as an uncompressed tar archive.

    A SQLite database is copied as it is at the moment, whether or not somebody has it open.

    :param names: files and folders in `folder` to take; None takes all of them. What does not exist is left out.
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name in sorted(names if names is not None else (path.name for path in folder.iterdir())):
            path = folder / name
            if not path.exists() or name.endswith(_JOURNALS):
                continue
            if path.suffix == ".sqlite3":
                with tempfile.TemporaryDirectory(prefix="biorat-") as room:
                    copy = Path(room) / name
                    _copy_database(path, copy)
                    archive.add(copy, arcname=name)
            else:
                archive.add(path, arcname=name)
    return buffer.getvalue()


def unpack(data: bytes, folder: Path) -> None:
    """Write a packed folder's content to `folder`, which is created if it does not exist."""
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        archive.extractall(folder, filter="data")


def _copy_database(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as origin, closing(sqlite3.connect(target)) as copy:
        origin.backup(copy)
        # the copy is one file, whatever the mode of the original
        copy.execute("PRAGMA journal_mode = DELETE")
