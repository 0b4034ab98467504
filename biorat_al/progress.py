"""The progress of long work: a line with a running clock on a terminal, silence elsewhere."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

from biorat_al.wording import clock, plural

if TYPE_CHECKING:
    from rich.live import Live

BYTES = "bytes"
"""The unit that is shown in megabytes."""

_PER_SECOND = 2
"""How often per second the line is redrawn, so that the clock runs during a long step."""

_LEAST_BAR, _MOST_BAR = 10, 30

_KNOWN_AFTER = 3.0
"""Seconds after which the rate is known well enough to estimate the remaining time."""


class Bar(Protocol):
    """One piece of work in progress."""

    def advance(self, amount: int = 1) -> None:
        """Count `amount` more units as done."""

    def note(self, text: str) -> None:
        """Show a short text (a loss, a file name) beside the bar."""

    def __enter__(self) -> Bar: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Progress(Protocol):
    """The receiver of progress reports. Library calls accept one; the default is silence."""

    def bar(self, description: str, total: int | None = None, unit: str = "", done: int = 0) -> Bar:
        """Begin a piece of work of `total` units (None: not known).

        :param unit: name of one unit (``document``), or :data:`BYTES`.
        :param done: units that an interrupted run has already done.
        """

    def say(self, text: str) -> None:
        """Show one line."""


class SilentBar:
    """A bar that shows nothing."""

    def advance(self, amount: int = 1) -> None:
        pass

    def note(self, text: str) -> None:
        pass

    def __enter__(self) -> Bar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


class SilentProgress:
    """A receiver that reports nothing."""

    def bar(self, description: str, total: int | None = None, unit: str = "", done: int = 0) -> Bar:
        return SilentBar()

    def say(self, text: str) -> None:
        pass


@dataclass
class BarState:
    """The state of a piece of work.

    :param done: units done, including those of an earlier run.
    :param earlier: units done by an earlier run.
    """

    description: str
    total: int | None = None
    unit: str = ""
    done: int = 0
    earlier: int = 0
    note: str = ""


def bar_line(state: BarState, seconds: float, width: int, marks: str = "━─") -> str:
    """Return the line for a piece of work after a number of seconds, at most `width` characters long.

    Parts that do not fit are left out, the least important first: the note, the bar, the remaining time. No word is
    cut.

    :param marks: the characters for the done and the remaining part of the bar.
    """
    count = _count(state)
    passed, left = clock(seconds), _left(state, seconds)
    for parts in (
        (state.description, "bar", count, passed, left, state.note),
        (state.description, "bar", count, passed, left),
        (state.description, count, passed, left),
        (state.description, count, passed),
        (state.description, passed),
        (state.description,),
    ):
        text = [part for part in parts if part and (part != "bar" or state.total)]
        free = width - sum(map(len, text)) - 2 * (len(text) - 1)
        if "bar" in text:
            free += len("bar")
            if free < _LEAST_BAR:
                continue
            text[text.index("bar")] = _drawn(state, min(free, _MOST_BAR), marks)
        if free >= 0:
            return "  ".join(text)
    return ""


def _count(state: BarState) -> str:
    """Return how much is done: ``12 of 40 documents``, ``3.5 MB``; empty if nothing is and no total is known."""
    if state.unit == BYTES:
        done, total = (f"{(number or 0) / 1e6:,.1f}" for number in (state.done, state.total))
        return f"{done} of {total} MB" if state.total else f"{done} MB"
    if state.total is not None:
        return (
            f"{state.done:,} of {plural(state.total, state.unit)}"
            if state.unit
            else f"{state.done:,} of {state.total:,}"
        )
    if not state.done:
        return ""
    return plural(state.done, state.unit) if state.unit else f"{state.done:,}"


def _left(state: BarState, seconds: float) -> str:
    """Return the estimated remaining time, empty if it cannot be estimated."""
    now = state.done - state.earlier
    if not state.total or now <= 0 or seconds < _KNOWN_AFTER or state.done >= state.total:
        return ""
    return f"about {clock(seconds / now * (state.total - state.done))} left"


def _drawn(state: BarState, width: int, marks: str) -> str:
    """Return the bar, `width` characters wide."""
    full = round(width * min(1.0, state.done / state.total)) if state.total else 0
    return marks[0] * full + marks[1] * (width - full)


class _TerminalBar:
    """A bar on a terminal; only the one begun last is shown.

    :param now: a clock that returns seconds.
    """

    def __init__(self, terminal: TerminalProgress, state: BarState, now: Callable[[], float] = time.monotonic) -> None:
        self._terminal = terminal
        self._state = state
        self._now = now
        self._began = now()

    def __rich__(self) -> Any:
        from rich.text import Text

        console = self._terminal.console
        # some terminals wrap a line that is as wide as they are
        line = bar_line(
            self._state, self._now() - self._began, console.width - 1, "━─" if console.encoding == "utf-8" else "#-"
        )
        return Text(line, no_wrap=True, overflow="ignore", end="")

    def advance(self, amount: int = 1) -> None:
        self._state.done += amount

    def note(self, text: str) -> None:
        self._state.note = " ".join(text.split())

    def __enter__(self) -> Bar:
        self._terminal.show(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._terminal.hide(self)


class TerminalProgress:
    """Bars and lines on standard error, so that standard output has only what a command prints.

    If standard error is not a terminal, lines are plain and there are no bars.

    >>> from biorat_al import Project, TerminalProgress
    >>> def go_on(folder):
    ...     with Project.open(folder) as project:
    ...         return project.round(progress=TerminalProgress())
    """

    def __init__(self) -> None:
        self._bars: list[_TerminalBar] = []
        self._live: Live | None = None
        self._console: Any = None

    @property
    def console(self) -> Any:
        """The terminal; created at first use, because rich takes a while to import."""
        if self._console is None:
            from rich.console import Console

            self._console = Console(stderr=True, highlight=False, soft_wrap=False)
        return self._console

    def bar(self, description: str, total: int | None = None, unit: str = "", done: int = 0) -> Bar:
        if not _is_terminal():
            return SilentBar()
        return _TerminalBar(self, BarState(description, total, unit, done, done))

    def say(self, text: str) -> None:
        if not _is_terminal():
            print(text, file=sys.stderr)  # noqa: T201
            return
        # rich wraps at words
        self.console.print(text, markup=False, emoji=False)

    def show(self, bar: _TerminalBar) -> None:
        """Draw a bar from now on instead of the previous one."""
        from rich.live import Live

        self._bars.append(bar)
        if self._live is None:
            self._live = Live(
                console=self.console,
                refresh_per_second=_PER_SECOND,
                transient=True,
                redirect_stdout=False,
                get_renderable=lambda: self._bars[-1] if self._bars else "",
            )
            _shown.append(self._live)
            self._live.start(refresh=True)

    def hide(self, bar: _TerminalBar) -> None:
        """Remove a bar; the previous one is drawn again."""
        if bar in self._bars:
            self._bars.remove(bar)
        if not self._bars and self._live is not None:
            live, self._live = self._live, None
            if live in _shown:
                _shown.remove(live)
                live.stop()


def clear_bars() -> None:
    """Remove all bars from the terminal before an error is printed: failed work may not have ended its own."""
    while _shown:
        _shown.pop().stop()


_shown: list[Live] = []


def _is_terminal() -> bool:
    """Return whether standard error is a terminal that can move its cursor."""
    return bool(sys.stderr and sys.stderr.isatty()) and os.environ.get("TERM", "") not in ("dumb", "unknown")


class Titled(Progress):
    """A receiver of progress reports that gives every piece of work the same title."""

    def __init__(self, progress: Progress, title: str) -> None:
        self._progress = progress
        self._title = title

    def bar(self, description: str, total: int | None = None, unit: str = "", done: int = 0) -> Bar:
        return self._progress.bar(self._title, total, unit, done)

    def say(self, text: str) -> None:
        self._progress.say(text)


SILENT = SilentProgress()
