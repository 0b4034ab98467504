"""The progress of work that runs in another process, told in short messages."""

from __future__ import annotations

import time
from collections.abc import Callable

from biorat_al.progress import Bar, SilentBar

SECONDS = 1.0
"""Least number of seconds between two messages about the same bar."""

Send = Callable[[str, str, int | None], None]
"""Function that sends a message: the sender's name, a text, and the per cent that are done, if the text is a bar's."""


class _SendingBar(SilentBar):
    """A bar that tells how far it is, at most once per :data:`SECONDS`; several notes would not fit beside one bar."""

    def __init__(self, name: str, description: str, total: int | None, done: int, send: Send) -> None:
        self._name = name
        self._description = description
        self._total = total
        self._done = done
        self._send = send
        self._last = time.monotonic()

    def advance(self, amount: int = 1) -> None:
        self._done += amount
        now = time.monotonic()
        if self._total and now - self._last >= SECONDS:
            self._last = now
            self._send(self._name, self._description, min(100, 100 * self._done // self._total))


class SendingProgress:
    """A receiver of progress that sends it to another process.

    :param name: tells the work apart from other work that is sent to the same place.
    """

    def __init__(self, name: str, send: Send) -> None:
        self._name = name
        self._send = send

    def bar(self, description: str, total: int | None = None, unit: str = "", done: int = 0) -> Bar:
        return _SendingBar(self._name, description, total, done, self._send)

    def say(self, text: str) -> None:
        self._send(self._name, text, None)


class Heard:
    """The newest messages of several senders, as one short text beside a bar.

    :param say: receives the lines that senders say.
    """

    def __init__(self, bar: Bar, say: Callable[[str], None]) -> None:
        self._bar = bar
        self._say = say
        self._newest: dict[str, str] = {}

    def hear(self, name: str, text: str, percent: int | None) -> None:
        """Take in a message as a :data:`Send` sends it."""
        if percent is None:
            self._say(text)
            return
        self._newest[name] = f"{text} {percent} %"
        self._bar.note(", ".join(self._newest.values()))

    def forget(self, name: str) -> None:
        """Leave out a sender whose work has ended."""
        if self._newest.pop(name, None) is not None:
            self._bar.note(", ".join(self._newest.values()))
