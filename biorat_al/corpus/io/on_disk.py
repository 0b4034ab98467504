"""What is remembered of each document of a corpus of any size, in a temporary file, so that memory stays constant."""

from __future__ import annotations

import sqlite3


class OnDisk:
    """The first value of each key.

    A few MB of it are in memory, the rest in a file without a name, which goes with the process. As long as it is
    small, no file is made.
    """

    def __init__(self) -> None:
        # an empty name means a temporary file of SQLite's own
        self._rows = sqlite3.connect("", isolation_level=None)
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -4000"):
            self._rows.execute(f"PRAGMA {pragma}")
        self._rows.execute("CREATE TABLE kept (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID")

    def get(self, key: str) -> bytes | None:
        """Return the value of a key, or None."""
        row = self._rows.execute("SELECT value FROM kept WHERE key = ?", (_bytes(key),)).fetchone()
        return None if row is None else bytes(row[0])

    def add(self, key: str, value: bytes) -> bytes | None:
        """Keep a value; return the one that the key has already, which stays."""
        added = self._rows.execute("INSERT OR IGNORE INTO kept VALUES (?, ?)", (_bytes(key), value)).rowcount
        return None if added else self.get(key)


def _bytes(key: str) -> bytes:
    return key.encode("utf-8", "surrogatepass")
