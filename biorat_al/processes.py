"""Processes that compute beside this one: they are set up in one way, and end with this process."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any


@contextmanager
def computing_processes(
    number: int, threads: int, set_up: Callable[..., None], *arguments: Any
) -> Iterator[ProcessPoolExecutor]:
    """Start processes that compute with `threads` threads each, and end them afterwards, whatever they are doing.

    If this process is killed, they end as well. Ctrl-C is left to this process. They do not import its main module, so
    a script that starts them needs no ``if __name__ == "__main__":``, and what they call must be importable.

    :param set_up: called in each process with `arguments`, before its first piece of work.
    """
    # libraries read this when they are loaded
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = str(threads)
    pool = ProcessPoolExecutor(
        number,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_begin,
        initargs=(threads, set_up, arguments),
    )
    try:
        with _without_main():
            # a process starts when there is work and no other process is idle
            for _ in range(number):
                pool.submit(_nothing)
        yield pool
    finally:
        for process in list((pool._processes or {}).values()):
            process.terminate()
        pool.shutdown(cancel_futures=True)
        if before is None:
            os.environ.pop("OMP_NUM_THREADS", None)
        else:
            os.environ["OMP_NUM_THREADS"] = before


def _nothing() -> None:
    """Do nothing."""


@contextmanager
def _without_main() -> Iterator[None]:
    """Keep processes that start now from importing the main module.

    ``multiprocessing`` finds it by these two attributes, and would run a script again that calls this package at its
    top level.
    """
    main = vars(sys.modules["__main__"])
    names: tuple[str, ...] = ("__file__", "__spec__")
    before = {name: main[name] for name in names if name in main}
    main.update(dict.fromkeys(before))
    try:
        yield
    finally:
        main.update(before)


def _begin(threads: int, set_up: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    import torch

    # Ctrl-C reaches the whole process group; the parent ends its processes
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(threads)
    set_up(*arguments)


def _end_with_parent() -> None:
    """End this process when the parent has been killed; the next command repeats its work."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
