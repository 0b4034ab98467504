"""Fields of a JSON object, checked for their type; errors name the place and the value."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn

from biorat_al.errors import FormatError
from biorat_al.wording import shortened


def parse_object(line: str, source: str) -> dict[str, Any]:
    """Parse one line that must be a JSON object.

    :raises FormatError: it is not JSON, not an object, has a key twice, or holds half of a surrogate pair, which UTF-8
        cannot encode.
    """
    try:
        value = json.loads(line, object_pairs_hook=_without_duplicates, parse_constant=_no_constant)
        if "\\u" in line:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except json.JSONDecodeError as error:
        if line.strip() in ("{", "["):
            reason = "the value goes over several lines; JSON Lines has one whole object on each line"
            raise FormatError(reason, source=source) from None
        raise FormatError(f"not JSON at column {error.colno}: {error.msg}", source=source) from None
    except UnicodeEncodeError as error:
        half = f"\\u{ord(error.object[error.start]):04x}"
        raise FormatError(
            f"it holds {half}, one half of a surrogate pair, which is not a character", source=source
        ) from None
    except RecursionError:
        raise FormatError("its JSON values are nested too deeply", source=source) from None
    except ValueError as error:
        raise FormatError(f"not valid JSON: {error}", source=source) from None
    if not isinstance(value, dict):
        raise FormatError(f"found {found(value)}, expected a JSON object with 'id' and 'text'", source=source)
    return value


def to_json(value: object, document: str) -> str:
    """Return a value as JSON on one line.

    :raises FormatError: it holds something that JSON or UTF-8 cannot.
    """
    try:
        line = json.dumps(value, ensure_ascii=False, allow_nan=False)
        line.encode("utf-8")
    except (TypeError, ValueError, RecursionError) as error:
        raise FormatError(f"it cannot be written as JSON: {error}", document=document) from None
    return line


class Fields:
    """A JSON object whose fields are read by type. A field of another type raises :class:`FormatError`.

    :ivar document: id of the document that it belongs to, for messages.
    :ivar place: path to the object in its line, for messages; ends in a dot unless empty.
    """

    def __init__(self, value: Mapping[str, Any], source: str, place: str = "", document: str | None = None) -> None:
        self.value = value
        self.source = source
        self.place = place
        self.document = document

    def wrong(self, what: str) -> NoReturn:
        """Raise a :class:`FormatError` that names the place."""
        raise FormatError(what, source=self.source, document=self.document)

    def only(self, keys: Sequence[str]) -> None:
        """Raise if there is a key that is not in `keys`."""
        for key in self.value:
            if key not in keys:
                self.wrong(f"found the unknown key {self.place + key!r}, expected only {', '.join(keys)}")

    def text(self, key: str) -> str:
        """Return a required string."""
        value = self._required(key, "a string")
        if not isinstance(value, str):
            self._mismatch(key, value, "a string")
        return value

    def whole(self, key: str) -> int:
        """Return a required integer."""
        value = self._required(key, "a whole number")
        if not isinstance(value, int) or isinstance(value, bool):
            self._mismatch(key, value, "a whole number")
        return value

    def number(self, key: str) -> float | None:
        """Return a number; None if it is absent or null."""
        value = self.value.get(key)
        if value is not None and (not isinstance(value, (int, float)) or isinstance(value, bool)):
            self._mismatch(key, value, "a number")
        return value

    def flag(self, key: str, default: bool) -> bool:
        """Return true or false; `default` if it is absent or null."""
        value = self.value.get(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            self._mismatch(key, value, "true or false")
        return value

    def mapping(self, key: str) -> dict[str, Any]:
        """Return an object of any content; empty if it is absent or null."""
        value = self.value.get(key)
        if value is None:
            return {}
        if not isinstance(value, dict):
            self._mismatch(key, value, "an object")
        return value

    def items(self, key: str, must: bool = False) -> list[Any]:
        """Return a list; an optional one is empty if it is absent or null.

        :param must: whether the list is required.
        """
        value = self._required(key, "a list") if must else self.value.get(key)
        if value is None and not must:
            return []
        if not isinstance(value, list):
            self._mismatch(key, value, "a list")
        return value

    def inner(self, key: str) -> Fields:
        """Return the fields of a required object, which may have any key."""
        value = self._required(key, "an object")
        if not isinstance(value, dict):
            self._mismatch(key, value, "an object")
        return Fields(value, self.source, f"{self.place}{key}.", self.document)

    def parts(self, key: str, must: bool = False) -> Iterator[Fields]:
        """Yield the objects of a list, each of which may have any key."""
        for position, item in enumerate(self.items(key, must)):
            place = f"{self.place}{key}[{position}]"
            if not isinstance(item, dict):
                self.wrong(f"{place}: found {found(item)}, expected an object")
            yield Fields(item, self.source, place + ".", self.document)

    def objects(self, key: str, keys: Sequence[str], must: bool = False) -> Iterator[Fields]:
        """Yield the objects of a list; raise if one has a key that is not in `keys`."""
        for part in self.parts(key, must):
            part.only(keys)
            yield part

    def _required(self, key: str, expected: str) -> Any:
        if key not in self.value:
            self.wrong(f"{self.place}{key} is missing, expected {expected}")
        return self.value[key]

    def _mismatch(self, key: str, value: object, expected: str) -> NoReturn:
        self.wrong(f"{self.place}{key}: found {found(value)}, expected {expected}")


def found(value: object) -> str:
    """Describe a value in a few words, for a message."""
    shown = shortened(json.dumps(value, ensure_ascii=False), 60)
    kinds = {bool: "", type(None): "", int: "the number ", float: "the number ", str: "the string ", list: "the list "}
    return f"{kinds.get(type(value), 'the object ')}{shown}"


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"the key {next(key for key in keys if keys.count(key) > 1)!r} occurs twice in an object")
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")
