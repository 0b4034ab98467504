"""JSON in the database: what is read back is compared with what this program writes.

A flipped bit, a half-restored backup or an editor can leave text that is no JSON, or JSON of another shape. Neither may
reach the code that trusts it, where it would fail with an error that the user cannot use.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, cast

from sqlalchemy import JSON, Dialect, TypeDecorator
from sqlalchemy.types import TypeEngine

from biorat_al.errors import StoreError

SHAPE_ERRORS = (TypeError, ValueError, KeyError, AttributeError)
"""Errors that the making of an object raises if the values have another shape."""


Check = Callable[[Any], bool]
"""A function that says whether a JSON value has the shape that this program writes."""


class JsonObject(dict[str, Any]):
    """A JSON object that was read from the database, and tells of a key that it lacks."""

    def __missing__(self, key: str) -> Any:
        raise changed_outside(f"a row lacks the entry {key!r}, which this program writes")


class JsonOf(TypeDecorator[Any]):
    """A column with a JSON object or a JSON list.

    :param kind: ``dict`` or ``list``.
    :param optional: the column may also hold nothing.
    :param entries: shape of entries that the program reads by their names; an object need not have all of them, but an
        entry that is asked for and missing is told as well.
    """

    impl = JSON
    cache_ok = True

    def __init__(self, kind: type, *, optional: bool = False, entries: Mapping[str, Check] | None = None) -> None:
        super().__init__(none_as_null=optional)
        self.kind = kind
        self.optional = optional
        self.entries = None if entries is None else tuple(entries.items())

    def coerce_compared_value(self, op: Any, value: Any) -> TypeEngine[Any]:
        """Leave comparisons to the type that is decorated."""
        return self.impl_instance.coerce_compared_value(op, value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """Return what was read.

        :raises StoreError: it is of another kind, or one of its entries has another shape.
        """
        if not isinstance(value, self.kind):
            if value is None and self.optional:
                return value
            raise changed_outside(f"a row holds {type(value).__name__} where this program writes {self.kind.__name__}")
        if self.entries is None:
            return value
        found = cast("dict[str, Any]", value)
        for name, has_shape in self.entries:
            if name in found and not has_shape(found[name]):
                raise changed_outside(f"the entry {name!r} of a row has another shape than this program writes")
        return _telling(found)


def _telling(value: Any) -> Any:
    """Return a JSON value whose objects tell of keys that they lack."""
    if isinstance(value, dict):
        return JsonObject((key, _telling(one)) for key, one in value.items())
    return [_telling(one) for one in value] if isinstance(value, list) else value


def parsed(text: str) -> Any:
    """Parse the JSON of a column.

    :raises StoreError: it is no JSON.
    """
    try:
        return json.loads(text)
    except (ValueError, TypeError, RecursionError):
        raise changed_outside("a row holds text that is no JSON where this program writes JSON") from None


def other_shape(what: str) -> StoreError:
    """Return the error for values of a row from which an object cannot be made.

    :param what: the object, such as ``the document 17``.
    """
    return changed_outside(f"the values of {what} have another shape than this program writes")


def changed_outside(what: str) -> StoreError:
    """Return the error for rows that this program did not write like this."""
    return StoreError(f"the database was changed from outside, or is damaged: {what}; take the database from a backup")
