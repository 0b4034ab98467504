"""Parquet files, written row by row in row groups of a fixed size, so that the same rows give the same bytes."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from biorat_al.errors import FormatError

if TYPE_CHECKING:
    import pyarrow as pa

ROWS = 200
"""Number of a file's documents that are held in memory and form one row group."""


class Tables:
    """The tables of a folder; each is created with its first row."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._waiting: dict[str, list[dict[str, Any]]] = {}
        self._schemas: dict[str, pa.Schema] = {}
        self._writers: dict[str, Any] = {}

    def __enter__(self) -> Tables:
        return self

    def add(self, path: str, schema: pa.Schema, row: dict[str, Any], rows: int | None = None) -> None:
        """Add a row to a file; rows are written in groups.

        :param path: path of the file inside the folder.
        :param rows: rows in a group; None: :data:`ROWS`.
        """
        self._schemas.setdefault(path, schema)
        waiting = self._waiting.setdefault(path, [])
        waiting.append(row)
        if len(waiting) == (rows or ROWS):
            self._flush(path)

    def close(self) -> None:
        """Write the remaining rows and complete the files."""
        for path in self._waiting:
            self._flush(path)
        self._abandon()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._abandon()

    def _flush(self, path: str) -> None:
        import pyarrow.parquet as pq

        schema = self._schemas[path]
        if path not in self._writers:
            place = self._folder / path
            place.parent.mkdir(exist_ok=True)
            self._writers[path] = pq.ParquetWriter(place, schema, compression="zstd")
        if self._waiting[path]:
            self._writers[path].write_batch(batch_of(self._waiting[path], schema))
            self._waiting[path] = []

    def _abandon(self) -> None:
        while self._writers:
            self._writers.popitem()[1].close()


def batch_of(records: list[dict[str, Any]], schema: pa.Schema) -> pa.RecordBatch:
    """Convert records to a batch of rows.

    :raises FormatError: a text holds half of a surrogate pair, which is not a character.
    """
    import pyarrow as pa

    try:
        return pa.RecordBatch.from_pylist(records, schema=schema)
    except UnicodeEncodeError as error:
        half = f"\\u{ord(error.object[error.start]):04x}"
        raise FormatError(f"a text holds {half}, one half of a surrogate pair, which is not a character") from None
