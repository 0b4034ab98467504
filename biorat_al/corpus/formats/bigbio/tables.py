"""Parquet files that are written row by row, in row groups of a fixed size: the same rows give the same bytes."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from biorat_al.errors import FormatError

if TYPE_CHECKING:
    import pyarrow as pa

ROWS = 200
"""Documents of a file that are held in memory, and make one row group."""


class Tables:
    """The tables of a folder, each begun when its first row comes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._waiting: dict[str, list[dict[str, Any]]] = {}
        self._schemas: dict[str, pa.Schema] = {}
        self._writers: dict[str, Any] = {}

    def __enter__(self) -> Tables:
        return self

    def add(self, path: str, schema: pa.Schema, row: dict[str, Any], rows: int | None = None) -> None:
        """Write a row, or hold it until there are `rows` (:data:`ROWS`) of its file.

        :param path: of the file, inside the folder.
        """
        self._schemas.setdefault(path, schema)
        waiting = self._waiting.setdefault(path, [])
        waiting.append(row)
        if len(waiting) == (rows or ROWS):
            self._flush(path)

    def close(self) -> None:
        """Write what is still held and complete the files."""
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
    """Records as a batch of rows.

    :raises FormatError: a text holds half of a surrogate pair, which is not a character.
    """
    import pyarrow as pa

    try:
        return pa.RecordBatch.from_pylist(records, schema=schema)
    except UnicodeEncodeError as error:
        half = f"\\u{ord(error.object[error.start]):04x}"
        raise FormatError(f"a text holds {half}, one half of a surrogate pair, which is not a character") from None
