"""Checksums of rows, so that a bit that flipped on the disk, or a change from outside, is noticed.

A database's own check compares its pages and indices, not the values in them. So a row has a checksum of its values,
which is written with it, renewed with every change through the session, and compared once in a round
(:mod:`biorat_al.store.database.integrity`). Rows of an earlier version of the program have none until the next round.

A change by an ``UPDATE`` statement does not renew it: change rows as objects, or leave the column out of the checksum.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import UTC
from functools import cache
from typing import Any, ClassVar

from sqlalchemy import BigInteger, Boolean, DateTime, Float, FromClause, RowMapping, Table, TypeDecorator, event
from sqlalchemy.orm import Mapped, Mapper, mapped_column

_Convert = Callable[[Any], Any]


def checksum_of(table: Table, values: Mapping[str, Any] | RowMapping) -> int:
    """Return the checksum of a row, a signed number of 64 bits.

    It is the same for the values that are written and for those that any database gives back.

    :param values: by name of the column; what is missing is None.
    """
    plain = [None if (value := values.get(name)) is None else convert(value) for name, convert in _covered(table)]
    digest = hashlib.blake2b(json.dumps(plain).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def checked_tables() -> tuple[Table, ...]:
    """Return the tables whose rows have checksums, by name."""
    tables = [kind.__table__ for kind in Checked.__subclasses__()]
    return tuple(sorted((table for table in tables if isinstance(table, Table)), key=lambda table: table.name))


def covered_columns(table: Table) -> tuple[str, ...]:
    """Return the names of the columns that a table's checksums cover."""
    return tuple(name for name, _ in _covered(table))


def _on_insert(context: Any) -> int:
    return checksum_of(context.current_column.table, context.get_current_parameters())


class Checked:
    """A table whose rows have a checksum.

    :cvar unchecked: names of columns that it does not cover: those that an ``UPDATE`` statement changes, and those that
        are checked otherwise. A number that the database gives to a new row is never covered.
    """

    __table__: ClassVar[FromClause]
    unchecked: ClassVar[tuple[str, ...]] = ()

    # the last column, so that every other one has its value when this one is computed
    checksum: Mapped[int | None] = mapped_column(BigInteger, default=_on_insert, sort_order=1000)


@event.listens_for(Checked, "before_update", propagate=True)
def _renew(mapper: Mapper[Any], connection: object, row: Any) -> None:
    table = type(row).__table__
    row.checksum = checksum_of(table, {name: getattr(row, name) for name in covered_columns(table)})


@cache
def _covered(table: Table) -> tuple[tuple[str, _Convert], ...]:
    (kind,) = (kind for kind in Checked.__subclasses__() if kind.__table__ is table)
    left_out = {"checksum", *kind.unchecked}
    return tuple(
        (column.key, _conversion(column.type))
        for column in table.columns
        if column.key not in left_out and column is not table.autoincrement_column
    )


def _conversion(kind: object) -> _Convert:
    """Return what makes a value of a column the one that a database gives back."""
    inner = kind.impl if isinstance(kind, TypeDecorator) else kind
    if isinstance(inner, DateTime):
        return lambda value: value.astimezone(UTC).isoformat()
    if isinstance(inner, Boolean):
        return bool
    if isinstance(inner, Float):
        # SQLite keeps whole numbers as such, and no negative zero
        return lambda value: float(value) + 0.0
    return lambda value: value
