"""Processes that compute beside this one: they are set up in one way, and end with this process."""

from __future__ import annotations

import multiprocessing
import os
import signal
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

    If this process is killed, they end as well. Ctrl-C is left to this process.

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
        yield pool
    finally:
        for process in list((pool._processes or {}).values()):
            process.terminate()
        pool.shutdown(cancel_futures=True)
        if before is None:
            os.environ.pop("OMP_NUM_THREADS", None)
        else:
            os.environ["OMP_NUM_THREADS"] = before


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
