"""The items of one large JSON file, one at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from biorat_al.corpus.io.source import Source
from biorat_al.errors import FormatError

DEEPEST = 200
"""Most levels of nested lists and objects; no corpus has more than twenty. A parser's cost grows with their square."""

LONGEST_NUMBER = 1000
"""Most digits of a number. At a number that Python refuses to convert (4,301 digits), the parser ends the process."""

_LONG_NUMBER = re.compile(rb"[0-9]{%d}" % (LONGEST_NUMBER + 1))
_NO_BRACKETS = bytes(set(range(256)) - set(b'"[]{}'))


class _Bytes:
    """A source's text as bytes for ijson: checked to be UTF-8, without a byte order mark."""

    def __init__(self, source: Source) -> None:
        self._chunks = source.chunks()
        self._name = source.name
        self._level = 0
        self._in_string = self._escaped = False
        self._digits = b""

    def read(self, size: int) -> bytes:
        """Return the next piece, of any length; empty at the end, and if `size` is 0.

        :raises FormatError: lists and objects are nested deeper than :data:`DEEPEST`, or a number is longer than
            :data:`LONGEST_NUMBER`.
        """
        piece = next(self._chunks, "").encode("utf-8") if size else b""
        rest = piece[1:] if self._escaped else piece
        bare = re.sub(rb"\\.", b"", rest, flags=re.DOTALL) if b"\\" in rest else rest
        self._escaped = bare.endswith(b"\\")
        self._check_numbers(bare)
        self._check_depth(bare)
        return piece

    def _check_numbers(self, bare: bytes) -> None:
        # a number may continue in the next piece
        bare = self._digits + bare
        if _LONG_NUMBER.search(bare) and any(map(_LONG_NUMBER.search, bare.split(b'"')[self._in_string :: 2])):
            raise FormatError(f"it has a number of more than {LONGEST_NUMBER:,} digits", source=self._name)
        end = bare[-LONGEST_NUMBER - 1 :]
        outside = self._in_string == bare.count(b'"') % 2
        self._digits = end[len(end.rstrip(b"0123456789")) :] if outside else b""

    def _check_depth(self, bare: bytes) -> None:
        parts = bare.translate(None, _NO_BRACKETS).split(b'"')
        # imported here: commands that read no JSON need not wait for it
        import numpy as np

        outside = np.frombuffer(b"".join(parts[self._in_string :: 2]), dtype=np.uint8)
        self._in_string ^= len(parts) % 2 == 0
        if not outside.size:
            return
        levels = self._level + np.cumsum(np.where((outside == ord("[")) | (outside == ord("{")), 1, -1))
        if levels.max() > DEEPEST:
            raise FormatError(
                f"its lists and objects are nested more than {DEEPEST} deep, which no corpus is", source=self._name
            )
        self._level = int(levels[-1])


def items(source: Source, place: str, *, several: bool = False) -> Iterator[Any]:
    """Yield each value at a place, with one value in memory at a time.

    :param place: keys joined by dots, with ``item`` for the items of a list (``documents.item``); empty for values that
        follow each other in the file.
    :param several: whether the file may hold several values, one after another, each with something at that place.
    :raises FormatError: the file is not JSON.
    """
    import ijson

    number = 0
    try:
        for value in ijson.items(_Bytes(source), place, multiple_values=several or not place):
            yield _plain(value)
            number += 1
    except ijson.JSONError as error:
        reason = " ".join(str(error).split())
        raise FormatError(f"not JSON after the first {number} documents: {reason[:200]}", source=source.name) from None
    except InvalidOperation:
        reason = "a number has an exponent that is too large"
        raise FormatError(f"not JSON after the first {number} documents: {reason}", source=source.name) from None
    except (UnicodeDecodeError, OverflowError, RecursionError) as error:
        raise FormatError(f"not JSON after the first {number} documents: {error}", source=source.name) from None


def _plain(value: Any) -> Any:
    """Return the value with floats for ijson's decimals; ijson's faster way to get floats fails on large integers."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return float(value) if isinstance(value, Decimal) else value
