"""Progress of long work: a line on a terminal with a clock that runs, silence everywhere else."""

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
"""How often the line is drawn anew: the clock runs while a step takes its time."""

_LEAST_BAR, _MOST_BAR = 10, 30

_KNOWN_AFTER = 3.0
"""Seconds after which a rate is known well enough to say how long the rest takes."""


class Bar(Protocol):
    """One piece of work that is under way."""

    def advance(self, amount: int = 1) -> None:
        """Count `amount` more units as done."""

    def note(self, text: str) -> None:
        """Show a short text (a loss, a file name) beside the bar."""

    def __enter__(self) -> Bar: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Progress(Protocol):
    """Where long work reports to. Library calls take one; None means silence."""

    def bar(self, description: str, total: int | None = None, unit: str = "", done: int = 0) -> Bar:
        """Begin a piece of work of `total` units (None: not known).

        :param unit: one of them (``document``), or :data:`BYTES`.
        :param done: units that were done before, by a run that was interrupted.
        """

    def say(self, text: str) -> None:
        """Show one line."""


class _SilentBar:
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
    """Reports nothing."""

    def bar(self, description: str, total: int | None = None, unit: str = "", done: int = 0) -> Bar:
        return _SilentBar()

    def say(self, text: str) -> None:
        pass


@dataclass
class BarState:
    """What is known of a piece of work.

    :param done: units done, those of an earlier run included.
    :param earlier: units done by an earlier run.
    """

    description: str
    total: int | None = None
    unit: str = ""
    done: int = 0
    earlier: int = 0
    note: str = ""


def bar_line(state: BarState, seconds: float, width: int, marks: str = "━─") -> str:
    """Return the line for a piece of work that has taken so many seconds, at most `width` characters long.

    What does not fit is left out as a whole, the least important first: a note, the bar, the time that is left. No
    word is cut.

    :param marks: what a bar is drawn with: its done part and the rest.
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
    now = state.done - state.earlier
    if not state.total or now <= 0 or seconds < _KNOWN_AFTER or state.done >= state.total:
        return ""
    return f"about {clock(seconds / now * (state.total - state.done))} left"


def _drawn(state: BarState, width: int, marks: str) -> str:
    full = round(width * min(1.0, state.done / state.total)) if state.total else 0
    return marks[0] * full + marks[1] * (width - full)


class _TerminalBar:
    """A bar of a terminal; the last one begun is shown.

    :param now: the time in seconds.
    """

    def __init__(self, terminal: TerminalProgress, state: BarState, now: Callable[[], float] = time.monotonic) -> None:
        self._terminal = terminal
        self._state = state
        self._now = now
        self._began = now()

    def __rich__(self) -> Any:
        from rich.text import Text

        console = self._terminal.console
        # a line as wide as the terminal would wrap on some
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
    """Bars and lines on standard error, so that standard output stays clean for what a command prints.

    Where standard error is not a terminal, lines are plain and there are no bars.

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
        """The terminal; made at first use, since rich takes a while to import."""
        if self._console is None:
            from rich.console import Console

            self._console = Console(stderr=True, highlight=False, soft_wrap=False)
        return self._console

    def bar(self, description: str, total: int | None = None, unit: str = "", done: int = 0) -> Bar:
        if not _is_terminal():
            return _SilentBar()
        return _TerminalBar(self, BarState(description, total, unit, done, done))

    def say(self, text: str) -> None:
        if not _is_terminal():
            print(text, file=sys.stderr)  # noqa: T201
            return
        # wraps at words
        self.console.print(text, markup=False, emoji=False)

    def show(self, bar: _TerminalBar) -> None:
        """Draw a bar from now on, in place of the one before it."""
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
        """Take a bar away; the one before it is drawn again."""
        if bar in self._bars:
            self._bars.remove(bar)
        if not self._bars and self._live is not None:
            live, self._live = self._live, None
            if live in _shown:
                _shown.remove(live)
                live.stop()


def clear_bars() -> None:
    """Take every bar off the terminal, before an error is printed: work that failed may not have ended its own."""
    while _shown:
        _shown.pop().stop()


_shown: list[Live] = []


def _is_terminal() -> bool:
    return bool(sys.stderr and sys.stderr.isatty()) and os.environ.get("TERM", "") not in ("dumb", "unknown")


SILENT = SilentProgress()
