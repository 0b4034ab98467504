"""Claims on a name that one process at a time writes to, and the cleaning up after processes that were killed.

A process that writes a file or folder first claims its name, then works, then lets the result appear in one step.
Without ``force`` it replaces nothing that has appeared under the name meanwhile, no matter who made it.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from biorat_al.disk import writing
from biorat_al.errors import LockedError, ProjectError

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows has no fcntl: there only the last step decides
    fcntl = None  # type: ignore[assignment]


def _machine() -> str:
    """Return a short name of this machine and container: a process number is only valid inside one of them."""
    try:
        space = os.readlink("/proc/self/ns/pid")
    except OSError:
        space = ""
    return hashlib.sha256(f"{socket.gethostname()}\n{space}".encode()).hexdigest()[:8]


_HOST = _machine()
_LONGEST = 100
_NEW, _FORCED = "new", "forced"
_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")

_in_use: set[str] = set()
"""Temporary names that this process is using."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The terms on which a name is claimed.

    :param force: existing content may be replaced.
    :param cut_off: an earlier process began to write under the name, when nothing existed there, and was killed.
    """

    force: bool = False
    cut_off: bool = False


NO_CLAIM = Claim()

_claims: ContextVar[dict[str, Claim]] = ContextVar("claims")
_finished: ContextVar[list[str] | None] = ContextVar("finished", default=None)


@contextmanager
def noting_finished(sentences: list[str]) -> Iterator[None]:
    """Fill a list with a sentence for each thing that was made and is complete.

    A command that is interrupted afterwards, even in its last words, says so.
    """
    token = _finished.set(sentences)
    try:
        yield
    finally:
        _finished.reset(token)


def note_finished(sentence: str) -> None:
    """Note that something is complete, see :func:`noting_finished`."""
    sentences = _finished.get()
    if sentences is not None:
        sentences.append(sentence)


@contextmanager
def claimed(path: Path, *, force: bool, parents: bool = False) -> Iterator[Claim]:
    """Claim a name: nobody else writes to it meanwhile, and without `force` nothing that appears there is replaced.

    First finish or remove what killed processes left beside it. Where the folder cannot be written, or its file
    system has no locks, the name is not claimed, and only the last step decides. Claiming the same name again inside
    changes nothing.

    Once the new content has its name, that is noted for the case of an interruption (:func:`noting_finished`).

    :param parents: create the folders above it; remove those that stay empty.
    :raises LockedError: another process is writing there.
    """
    place = os.path.abspath(path)
    outer = _claims.get({})
    if place in outer:
        yield outer[place]
        return
    lock = path.parent / f".{path.name[:_LONGEST]}.claim"
    created = _create_parents(path) if parents else []
    handle, before = _locked(lock, path)
    claim = Claim(force, cut_off=before == _NEW)
    token = _claims.set({**outer, place: claim})
    existed = path.exists() or path.is_symlink()
    try:
        clear_partials(path)
        if handle is not None:
            # kept where the previous process was cut off: the next one has to know it too; never empty in between
            with writing(path):
                os.pwrite(handle, (_FORCED if existed and before != _NEW else _NEW).ljust(8).encode(), 0)
        yield claim
        if force and existed:
            note_finished(f"{path} is complete all the same.")
    finally:
        with uninterrupted():
            if not existed and path.exists():
                note_finished(f"{path} is complete all the same.")
            _claims.reset(token)
            if handle is not None:
                # while it is still locked, so that a process waiting for it sees that the file is gone
                with suppress(OSError):
                    lock.unlink()
                os.close(handle)
            for folder in created:
                with suppress(OSError):
                    folder.rmdir()


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold signals back: a second Ctrl-C, or a late first one, must not leave a clean-up half done.

    A signal that arrives meanwhile is handled at the end. Masking signals would not do: another thread of the process,
    of which torch has several, would take them, and Python would raise in the main thread all the same.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    arrived: list[int] = []
    before: dict[int, Any] = {}
    try:
        for name in _SIGNALS:
            number = getattr(signal, name, None)
            if number is not None and callable(signal.getsignal(number)):
                before[number] = signal.signal(number, lambda number, _: arrived.append(number))
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if arrived:
            before[arrived[0]](arrived[0], None)


def may_replace(path: Path) -> bool:
    """Return whether whatever is now at `path` may be replaced: not if it was claimed without ``force``."""
    claim = _claims.get({}).get(os.path.abspath(path))
    return claim is None or claim.force


def temporary_name(path: Path) -> Path:
    """Return a new name beside `path` that says which process it belongs to."""
    return path.parent / f".{path.name[:_LONGEST]}.{_HOST}-{os.getpid()}-{uuid.uuid4().hex[:8]}.partial"


@contextmanager
def in_use(temporary: Path) -> Iterator[None]:
    """Mark a temporary name as one that this process is using."""
    name = os.path.abspath(temporary)
    _in_use.add(name)
    try:
        yield
    finally:
        _in_use.discard(name)


def clear_partials(path: Path) -> None:
    """Remove what killed processes left beside `path`; finish a replacement that one of them had begun.

    Keep what belongs to a running process or to another machine.
    """
    pattern = re.compile(rf"\.{re.escape(path.name[:_LONGEST])}\.{_HOST}-([0-9]+)-[0-9a-f]{{8}}\.partial")
    try:
        names = os.listdir(path.parent)
    except OSError:
        return
    for name in sorted(names):
        match = pattern.fullmatch(name)
        partial = path.parent / name
        if match is None or os.path.abspath(partial) in _in_use:
            continue
        if int(match[1]) != os.getpid() and is_alive(int(match[1])):
            continue
        if partial.is_dir() and not partial.is_symlink():
            _restore(partial, path)
            shutil.rmtree(partial, ignore_errors=True)
        else:
            with suppress(OSError):
                partial.unlink()


def is_alive(process: int) -> bool:
    """Return whether a process of this machine is still running, as far as this user can see."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def this_host() -> str:
    """Return a short name of this machine that is safe in a file name."""
    return _HOST


def _restore(room: Path, path: Path) -> None:
    """Finish a replacement that was cut off between two renames: with the new folder if it exists, else the old one."""
    if path.exists() or path.is_symlink() or not (room / "old").exists():
        return
    for kept in (room / "new", room / "old"):
        if kept.exists():
            with suppress(OSError):
                kept.rename(path)
            return


def _create_parents(path: Path) -> list[Path]:
    """Create the folders above `path`; return those that did not exist, the innermost first."""
    missing = [parent for parent in path.parents if not parent.exists()]
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
    return missing


def _locked(lock: Path, path: Path) -> tuple[int | None, str]:
    """Open and lock a file; return its handle (None if it cannot be locked) and what a killed process wrote in it."""
    if fcntl is None:  # pragma: no cover
        return None, ""
    while True:
        try:
            handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError:
            return None, ""
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            raise LockedError(
                f"another process is writing {path}; wait for it to end, or choose another name"
            ) from None
        except OSError:
            os.close(handle)
            return None, ""
        with suppress(FileNotFoundError):
            if os.path.samestat(os.stat(lock), os.fstat(handle)):
                return handle, os.read(handle, 20).decode(errors="replace").strip()
        os.close(handle)  # its holder has ended and removed it meanwhile


def check_target(path: Path, *, force: bool, claim: Claim = NO_CLAIM) -> None:
    """Raise if `path` exists and must not be replaced.

    :param claim: the claim on the name; it says whether the command that began to write it was cut off.
    :raises ProjectError: `path` already exists and `force` is not set.
    """
    if not force and (path.exists() or path.is_symlink()):
        raise ProjectError(already_exists(path, claim))


def already_exists(path: Path, claim: Claim = NO_CLAIM, *, replace: str = "replace it with --force") -> str:
    """Return the sentence for a target that already exists and must not be replaced.

    :param claim: the claim on the name; if the command that wrote it was cut off, the work is already done.
    :param replace: how the caller can have it replaced.
    """
    if claim.cut_off:
        return f"{path} is complete: the command that was cut off had written it; there is nothing left to do"
    return f"{path} already exists; choose another name, or {replace}"
