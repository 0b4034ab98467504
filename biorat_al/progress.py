"""Progress of long work: a bar on a terminal, silence everywhere else."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Protocol

from tqdm import tqdm


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

    def bar(self, description: str, total: int | None = None, unit: str = "") -> Bar:
        """Begin a piece of work of `total` units (None: not known)."""

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

    def bar(self, description: str, total: int | None = None, unit: str = "") -> Bar:
        return _SilentBar()

    def say(self, text: str) -> None:
        pass


class _TerminalBar:
    def __init__(self, description: str, total: int | None, unit: str) -> None:
        # disable=None: tqdm itself stays quiet where the output is not a terminal
        self._bar = tqdm(
            total=total, desc=description, unit=f" {unit}" if unit else "it", disable=None, leave=False, file=sys.stderr
        )

    def advance(self, amount: int = 1) -> None:
        self._bar.update(amount)

    def note(self, text: str) -> None:
        self._bar.set_postfix_str(text)

    def __enter__(self) -> Bar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()


class TerminalProgress:
    """Bars and lines on standard error, so that standard output stays clean for what a command prints."""

    def bar(self, description: str, total: int | None = None, unit: str = "") -> Bar:
        return _TerminalBar(description, total, unit)

    def say(self, text: str) -> None:
        tqdm.write(text, file=sys.stderr)


SILENT = SilentProgress()
