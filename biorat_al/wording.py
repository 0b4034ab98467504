"""Counts with their nouns and verbs, times, and texts cut to length, for everything that people read."""

from __future__ import annotations

import re

_SINGULAR = {"are": "is", "were": "was"}


def plural(count: int, noun: str) -> str:
    """Return a count with its noun: ``1 task``, ``2 tasks``, ``1,000 passes of documents``.

    :param noun: in the singular; in a noun with ``of``, the word before ``of`` becomes plural.
    """
    return f"{count:,} {inflected(count, noun)}"


def inflected(count: int, noun: str) -> str:
    """Return a noun in the number that a count asks for, without the count: ``task`` for 1, else ``tasks``.

    :param noun: in the singular, as for :func:`plural`.
    """
    return noun if count == 1 else _in_plural(noun)


def are(count: int, noun: str) -> str:
    """Return a count with its noun and the verb: ``1 task is``, ``2 tasks are``."""
    return f"{plural(count, noun)} {verb(count, 'are')}"


def verb(count: int, base: str) -> str:
    """Return a verb as it follows a count: ``holds`` after 1, else ``hold``.

    :param base: in the plural: a regular verb, ``are`` or ``were``.
    """
    return _SINGULAR.get(base, f"{base}s") if count == 1 else base


def clock(seconds: float) -> str:
    """Return a number of seconds as a clock shows it: ``0:07``, ``12:34``, ``1:02:03``."""
    whole = max(0, int(seconds))
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"


def shortened(text: str, longest: int, *, end: int = 0) -> str:
    """Return a text cut to at most `longest` characters, at its end or in its middle.

    :param end: number of characters to keep from its end.
    """
    if len(text) <= longest:
        return text
    return f"{text[: longest - 1 - end]}…{text[len(text) - end :]}"


def _in_plural(noun: str) -> str:
    """Return the plural of a regular noun."""
    head, of, rest = noun.partition(" of ")
    if re.search(r"(?:s|x|z|ch|sh)$", head):
        head += "es"
    elif re.search(r"[^aeiou]y$", head):
        head = f"{head[:-1]}ies"
    else:
        head += "s"
    return f"{head}{of}{rest}"
