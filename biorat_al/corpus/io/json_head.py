"""The beginning of a JSON file as values, to tell a format by its keys, however it is laid out or cut off."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any

_DECODER = json.JSONDecoder()
_BLANK = " \t\r\n"
_DEPTH = 12


class Cut:
    """A value of which the beginning alone is known, or nothing."""

    def __repr__(self) -> str:
        return "CUT"


CUT = Cut()


@lru_cache(maxsize=8)
def json_head(head: str) -> Any:
    """Return the first JSON value of a text that may be cut off anywhere; None if it begins with no object or list.

    What is cut off, or is not JSON, ends the objects and lists around it; a string or number
    that is cut is :data:`CUT`. The value is shared: do not change it.
    """
    start = _after_blanks(head, 0)
    if start == len(head) or head[start] not in "{[":
        return None
    return _value(head, start, _DEPTH)[0]


def first_item(value: Any) -> Any:
    """Return the first item of a list, itself if it is none, and None of an empty one."""
    if isinstance(value, list):
        return value[0] if value else None
    return value


def is_list_of(value: Any, known: Collection[str]) -> bool:
    """Whether `value` is null, or a list whose first item, if any, is an object with no key that is not in `known`."""
    if value in (None, CUT):
        return True
    if not isinstance(value, list):
        return False
    item = first_item(value)
    return item in (None, CUT) or (isinstance(item, dict) and all(key in known for key in keys_of(item)))


def is_cut(value: Mapping[Any, Any]) -> bool:
    """Whether an object was cut off: it may have had further keys."""
    return CUT in value.values() or CUT in value


def is_string(value: Any) -> bool:
    """Whether a value is a string, as far as it is known."""
    return isinstance(value, (str, Cut))


def keys_of(value: Any) -> Sequence[str]:
    """Return the keys of an object; empty for anything else."""
    return [key for key in value if isinstance(key, str)] if isinstance(value, dict) else []


def _value(text: str, place: int, depth: int) -> tuple[Any, int]:
    """A value and where it ends; -1 if it is cut."""
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
