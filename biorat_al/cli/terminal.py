"""The terminal: printing for the user, and the signals that end a command."""

from __future__ import annotations

import shutil
import signal
import sys
import textwrap
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import click

_SIGNALS = ("SIGTERM", "SIGHUP", "SIGBREAK")


def show(text: str, *, err: bool = False) -> None:
    """Print a text; on a terminal, wrap long lines at words.

    :param err: print on standard error.
    """
    stream = sys.stderr if err else sys.stdout
    if stream.isatty():
        text = wrapped(text, shutil.get_terminal_size().columns)
    click.echo(text, err=err)


def wrapped(text: str, width: int) -> str:
    """Wrap the lines of a text at words; continuation lines have the indent of the line.

    A word longer than a line, such as an address, stays in one piece.
    """
    lines = []
    for line in text.split("\n"):
        if len(line) <= width:
            lines.append(line)
            continue
        indent = line[: len(line) - len(line.lstrip())]
        lines += textwrap.wrap(
            line,
            width,
            subsequent_indent=indent if len(indent) < width // 2 else "",
            replace_whitespace=False,
            expand_tabs=False,
            break_long_words=False,
            break_on_hyphens=False,
        )
    return "\n".join(lines)


class Ended(KeyboardInterrupt):
    """A signal has asked the process to end.

    :param number: number of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def exit_code(error: BaseException) -> int:
    """Return the exit status after an interruption, as shells have it: 128 plus the number of the signal."""
    # click wraps the exception
    cause = error if isinstance(error, Ended) else error.__cause__
    return 128 + (cause.number if isinstance(cause, Ended) else signal.SIGINT)


@contextmanager
def like_ctrl_c() -> Iterator[None]:
    """Let SIGTERM (``kill``, ``docker stop``, a shutdown) and SIGHUP (a closed terminal) interrupt like Ctrl-C.

    Ignored signals stay ignored (``nohup``). After the first signal, all others are ignored, so that nothing
    interrupts the clean-up.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread receives signals and may handle them
        return
    numbers = [number for name in _SIGNALS if (number := getattr(signal, name, None)) is not None]
    before = {number: signal.getsignal(number) for number in numbers}

    def end(number: int, frame: FrameType | None) -> None:
        for other in numbers:
            signal.signal(other, signal.SIG_IGN)
        raise Ended(number)

    try:
        for number, handler in before.items():
            if handler is signal.SIG_DFL:
                signal.signal(number, end)
        yield
    finally:
        for number, handler in before.items():
            if handler is not None:
                signal.signal(number, handler)
