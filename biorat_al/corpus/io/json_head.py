"""The start of a JSON file as values, to detect a format by its keys in any layout, even if the text is cut off."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any

_DECODER = json.JSONDecoder()
_BLANK = " \t\r\n"
_DEPTH = 12


class Cut:
    """The type of :data:`CUT`, which replaces a value that is cut off."""

    def __repr__(self) -> str:
        return "CUT"


CUT = Cut()


@lru_cache(maxsize=8)
def json_head(head: str) -> Any:
    """Return the first JSON value of a text that may be cut off anywhere; None unless it begins with an object or list.

    Where the text is cut off, or is not JSON, the objects and lists around it end; a string or number
    that is cut is :data:`CUT`. The value is shared: do not change it.
    """
    start = _after_blanks(head, 0)
    if start == len(head) or head[start] not in "{[":
        return None
    return _value(head, start, _DEPTH)[0]


def first_item(value: Any) -> Any:
    """Return the first item of a list (None if it is empty), or the value itself if it is not a list."""
    if isinstance(value, list):
        return value[0] if value else None
    return value


def is_list_of(value: Any, known: Collection[str]) -> bool:
    """Return whether `value` is null or a list whose first item, if any, is an object with keys from `known` only."""
    if value in (None, CUT):
        return True
    if not isinstance(value, list):
        return False
    item = first_item(value)
    return item in (None, CUT) or (isinstance(item, dict) and all(key in known for key in string_keys(item)))


def is_cut(value: Mapping[Any, Any]) -> bool:
    """Return whether an object was cut off, so that it may have had further keys."""
    return CUT in value.values() or CUT in value


def is_string(value: Any) -> bool:
    """Return whether a value is a string, or was cut off and may be one."""
    return isinstance(value, (str, Cut))


def string_keys(value: Any) -> Sequence[str]:
    """Return the keys of an object (without the mark for a cut); empty for anything else."""
    return [key for key in value if isinstance(key, str)] if isinstance(value, dict) else []


def _value(text: str, place: int, depth: int) -> tuple[Any, int]:
    """Return the value at a place and the place where it ends, -1 if it is cut."""
    try:
        return _DECODER.raw_decode(text, place)
    except (ValueError, RecursionError):
        if not depth or place >= len(text) or text[place] not in "{[":
            return CUT, -1
    return _object(text, place + 1, depth) if text[place] == "{" else _list(text, place + 1, depth)


def _object(text: str, place: int, depth: int) -> tuple[dict[Any, Any], int]:
    found: dict[Any, Any] = {}
    while True:
        place = _after_blanks(text, place)
        try:
            key, place = _DECODER.raw_decode(text, place)
        except (ValueError, RecursionError):
            break
        place = _after_blanks(text, place)
        if not isinstance(key, str) or place >= len(text) or text[place] != ":":
            break
        found[key], place = _value(text, _after_blanks(text, place + 1), depth - 1)
        if place < 0:
            break
        place = _after_blanks(text, place)
        if place >= len(text) or text[place] != ",":
            break
        place += 1
    found[CUT] = CUT
    return found, -1


def _list(text: str, place: int, depth: int) -> tuple[list[Any], int]:
    found: list[Any] = []
    while True:
        item, place = _value(text, _after_blanks(text, place), depth - 1)
        if place >= 0 or item is not CUT:
            found.append(item)
        if place < 0:
            break
        place = _after_blanks(text, place)
        if place >= len(text) or text[place] != ",":
            break
        place += 1
    return found, -1


def _after_blanks(text: str, place: int) -> int:
    while place < len(text) and text[place] in _BLANK:
        place += 1
    return place
