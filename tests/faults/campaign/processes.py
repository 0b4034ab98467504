"""Commands in forked processes: the libraries are loaded once, so that a kill costs as much as the command itself."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults.campaign.borders import watch

LONGEST = 240.0
"""Seconds after which a command is taken to hang."""


@dataclass(frozen=True)
class Strike:
    """What happens to a process at a border.

    :param border: number of the border, from 0.
    :param number: of the signal.
    """

    border: int
    number: int = signal.SIGKILL


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    :param code: its exit code; negative: the signal that ended it; None: it hung.
    :param text: what it has printed.
    :param borders: those that it passed.
    """

    code: int | None
    text: str
    borders: tuple[str, ...]
    seconds: float


def load_libraries(names: Iterable[str] = ("torch", "transformers", "biorat_al.cli", "tests.support.rounds")) -> None:
    """Load what commands would load, each of them anew. Nothing may compute here: threads do not survive a fork."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    for name in names:
        if name not in sys.modules and not name.startswith("__"):
            with suppress(Exception):
                importlib.import_module(name)


def run_command(
    words: Sequence[str],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    strike: Strike | None = None,
    after_seconds: float | None = None,
    prepare: Callable[[], None] | None = None,
    learn: bool = False,
) -> Ended:
    """Run a command of the program in a forked process.

    :param strike: what happens to it at a border.
    :param after_seconds: or it is killed so long after its beginning.
    :param prepare: called in the new process before the command.
    :param learn: load the libraries that it has loaded here, for the next ones.
    """
    said, passed, loaded = cwd / ".said", cwd / ".passed", cwd / ".loaded"
    began = time.monotonic()

    def work() -> int:  # type: ignore[return]
        count = -1
        borders = os.open(passed, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)

        def passing(name: str) -> None:
            nonlocal count
            if threading.current_thread() is not threading.main_thread():
                return
            count += 1
            os.write(borders, f"{name}\n".encode())
            if strike is not None and count == strike.border:
                os.kill(os.getpid(), strike.number)

        os.chdir(cwd)
        os.environ.update(environment)
        if prepare is not None:
            prepare()
        watch(passing)
        from biorat_al.cli import main

        try:
            main(list(words))
        except SystemExit as leaving:
            if learn:
                loaded.write_text("\n".join(sys.modules))
            return leaving.code if isinstance(leaving.code, int) else 1

    code = forked(work, said, after_seconds=after_seconds)
    text = said.read_text(encoding="utf-8", errors="replace")
    borders = tuple(passed.read_text().splitlines()) if passed.exists() else ()
    said.unlink()
    passed.unlink(missing_ok=True)
    ended = Ended(code, text, borders, time.monotonic() - began)
    if loaded.exists():
        load_libraries(loaded.read_text().split("\n"))
        loaded.unlink()
    return ended


def forked(work: Callable[[], int], said: Path, *, after_seconds: float | None = None) -> int | None:
    """Do some work in a forked process and return its exit code.

    :param said: file that takes what it prints.
    """
    sys.stdout.flush()
    process = os.fork()
    if not process:
        code = 70
        try:
            handle = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(handle, 1)
            os.dup2(handle, 2)
            sys.stdout, sys.stderr = (open(place, "w", encoding="utf-8", closefd=False) for place in (1, 2))  # noqa: SIM115
            signal.signal(signal.SIGINT, signal.default_int_handler)
            code = work()
        except BaseException:
            traceback.print_exc()
        finally:
            with suppress(BaseException):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)
    if after_seconds is not None:
        time.sleep(after_seconds)
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    return _code_of(process)


def _code_of(process: int) -> int | None:
    limit = time.monotonic() + LONGEST
    pause = 0.002
    while time.monotonic() < limit:
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(pause)
        pause = min(0.05, pause * 1.3)
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    return None


def ask(question: Callable[[], Any], folder: Path) -> Any:
    """Return what a function returns in a forked process, by way of JSON."""
    answer = folder / ".answer"

    def work() -> int:
        answer.write_text(json.dumps(question(), default=str))
        return 0

    code = forked(work, folder / ".said")
    said = (folder / ".said").read_text(errors="replace")
    (folder / ".said").unlink()
    assert code == 0, said
    value = json.loads(answer.read_text())
    answer.unlink()
    return value


def copied(template: Path, place: Path) -> None:
    """Make `place` a copy of a folder; what was there goes."""
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(template, place, symlinks=True)
