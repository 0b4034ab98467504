"""The check of a whole database: is everything in it as it was written?

It is done once in a round, since what is damaged or was changed by another program would otherwise be learnt from,
measured and exported without a word. A document's text is compared with its digest where it is read
(:func:`biorat_al.store.documents.documents_by_id`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from sqlalchemy import Column, RowMapping, Select, Table, bindparam, select, text, update
from sqlalchemy.orm import Session

from biorat_al.errors import StoreError
from biorat_al.store.database.checksums import checked_tables, checksum_of, covered_columns
from biorat_al.wording import plural

_AT_ONCE = 500
_LISTED = 5

_WRITTEN = 50_000
"""Checksums that are added at once: what limits memory."""

_DAMAGED = "the database was changed from outside, or is damaged"
_BACKUP = "restore the database from a backup"


class _Row(NamedTuple):
    """A row.

    :param is_right: whether it has the checksum of its values; None if it has no checksum.
    """

    table: Table
    values: RowMapping
    is_right: bool | None


def check_rows(session: Session) -> int:
    """Compare every row with its checksum, and let SQLite check its file.

    :returns: the number of rows without a checksum, as an earlier version of the program wrote them.
    :raises StoreError: the file is damaged, or a row is not as it was written; the message names the first few.
    """
    _check_file(session)
    missing, changed = 0, []
    for row in _rows(session):
        missing += row.is_right is None
        if row.is_right is False:
            changed.append(row)
    if not changed:
        return missing
    listed = "; ".join(_described(session, one) for one in changed[:_LISTED])
    more = f" and {len(changed) - _LISTED:,} more" if len(changed) > _LISTED else ""
    verb = "is" if len(changed) == 1 else "are"
    raise StoreError(
        f"{_DAMAGED}: {plural(len(changed), 'row')} {verb} not as written (another checksum): {listed}{more}; "
        f"{_BACKUP}, or, if a change is right, say so for each: {_accepting(changed[0])}"
    )


def add_missing_checksums(session: Session) -> int:
    """Add the checksums of rows that have none; return the number of these rows."""
    number = 0
    for table in checked_tables():
        keys = (column == bindparam(f"key_{column.name}") for column in table.primary_key)
        statement = update(table).where(*keys).values(checksum=bindparam("checksum"))
        # some at a time, and no row is changed while others are read
        while new := list(_missing(session, table)):
            session.connection().execute(statement, new)
            number += len(new)
    return number


def _missing(session: Session, table: Table) -> Iterator[dict[str, Any]]:
    """Yield the keys of the next rows without a checksum, and the checksums that they should have."""
    without = select(*_columns(table)).where(table.columns.checksum.is_(None)).limit(_WRITTEN)
    for row in _rows_of(session, table, without):
        keys = {f"key_{key.name}": row.values[key.name] for key in table.primary_key}
        yield {"checksum": checksum_of(table, row.values)} | keys


def _rows(session: Session) -> Iterator[_Row]:
    for table in checked_tables():
        yield from _rows_of(session, table, select(*_columns(table)))


def _columns(table: Table) -> list[Column[Any]]:
    names = dict.fromkeys([*(column.name for column in table.primary_key), *covered_columns(table), "checksum"])
    return [table.columns[name] for name in names]


def _rows_of(session: Session, table: Table, statement: Select[Any]) -> Iterator[_Row]:
    try:
        for values in session.execute(statement, execution_options={"yield_per": _AT_ONCE}).mappings():
            kept = values["checksum"]
            yield _Row(table, values, None if kept is None else kept == checksum_of(table, values))
    except (ValueError, TypeError) as error:
        # a value that its column cannot hold: JSON that cannot be parsed, a time that is not one
        raise StoreError(f"{_DAMAGED}: a row of the table {table.name} cannot be read; {_BACKUP}") from error


def _check_file(session: Session) -> None:
    """Let SQLite check its pages and indices.

    :raises StoreError: it found damage.
    """
    if session.get_bind().dialect.name != "sqlite":
        return
    found = [str(row[0]) for row in session.execute(text("PRAGMA integrity_check(3)"))]
    if found != ["ok"]:
        raise StoreError(f"{_DAMAGED}: SQLite's own check found: {' '.join(found[0].split())[:200]}; {_BACKUP}")


def _described(session: Session, one: _Row) -> str:
    """Return the table and key of a row, and its document if it has one."""
    values: Any = one.values
    tables = one.table.metadata.tables
    keys = ", ".join(f"{column.name} {values[column.name]}" for column in one.table.primary_key)
    number = values.get("document_id")
    if (annotation := values.get("annotation_id")) is not None:
        annotations = tables["annotation"].columns
        number = session.scalar(select(annotations.document_id).where(annotations.id == annotation))
    if one.table.name == "document":
        keys += f", {values['key']}"
    elif number is not None:
        documents = tables["document"].columns
        keys += f", of document {session.scalar(select(documents.key).where(documents.id == number))}"
    return f"{one.table.name} ({keys})"


def _accepting(one: _Row) -> str:
    """Return the statement after which a row counts as it is now."""
    keys = (f"{column.name} = {_quoted(one.values[column.name])}" for column in one.table.primary_key)
    return f"UPDATE {one.table.name} SET checksum = NULL WHERE {' AND '.join(keys)}"  # noqa: S608


def _quoted(value: object) -> str:
    return str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"
