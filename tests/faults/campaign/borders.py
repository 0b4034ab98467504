"""Where a process can be cut off: every change that others can see, and every request, before it and after it."""

from __future__ import annotations

import builtins
import io
import os
from collections.abc import Callable
from typing import Any

Passing = Callable[[str], None]
"""Called with the name of each border that is passed."""


def watch(passing: Passing) -> None:
    """Call `passing` at every border from now on; for a process that does one command and ends."""
    _watch_files(passing)
    _watch_database(passing)
    _watch_requests(passing)


def _around(place: Any, name: str, passing: Passing, called: str = "") -> None:
    work = getattr(place, name)

    def watched(*arguments: Any, **options: Any) -> Any:
        passing(f"before {called or name}")
        result = work(*arguments, **options)
        passing(f"after {called or name}")
        return result

    setattr(place, name, watched)


def _watch_files(passing: Passing) -> None:
    for name in ("replace", "rename", "link", "fsync", "unlink", "rmdir", "mkdir", "ftruncate"):
        _around(os, name, passing)
    from biorat_al import files

    for name in ("moved", "swapped"):
        _around(files, name, passing)
    opening = io.open

    def opened(file: Any, mode: str = "r", *arguments: Any, **options: Any) -> Any:
        result = opening(file, mode, *arguments, **options)
        if set(mode) & set("wax+") and not str(file).startswith("/dev/null"):
            # what is written is lost until it is flushed: a file of no length, as after a kill
            passing("opened for writing")
        return result

    io.open = builtins.open = opened  # type: ignore[assignment]


def _watch_database(passing: Passing) -> None:
    from sqlalchemy.engine.default import DefaultDialect

    _around(DefaultDialect, "do_commit", passing, "commit")


def _watch_requests(passing: Passing) -> None:
    import httpx

    _around(httpx.Client, "send", passing, "request")
