"""Signals that ask a command to end: all of them do what Ctrl-C does, so that nothing is left behind."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_NAMES = ("SIGTERM", "SIGHUP", "SIGBREAK")


class Ended(KeyboardInterrupt):
    """Somebody asked the process to end.

    :param number: of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def exit_code(error: BaseException) -> int:
    """Return the code to leave with after an interruption, as a shell has it: 128 and the signal's number."""
    # click wraps it
    cause = error if isinstance(error, Ended) else error.__cause__
    return 128 + (cause.number if isinstance(cause, Ended) else signal.SIGINT)


def notes(error: BaseException) -> str:
    """Return what was noted of an interruption: that a file is complete all the same."""
    # click wraps it
    noted = [note for one in (error, error.__cause__) for note in getattr(one, "__notes__", ())]
    return " ".join(noted)


@contextmanager
def like_ctrl_c() -> Iterator[None]:
    """Let SIGTERM (``kill``, ``docker stop``, a shutdown) and SIGHUP (a closed terminal) interrupt like Ctrl-C.

    What is ignored stays ignored (``nohup``). Once one has arrived, others are ignored: the clean-up must not be
    interrupted in turn.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may, and gets them
        return
    numbers = [number for name in _NAMES if (number := getattr(signal, name, None)) is not None]
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
