"""A name that one process at a time writes to, and what a process that was killed leaves beside it.

Whoever writes a file or folder claims its name first, then works, then lets it appear in one step. Without ``force``
nothing that has appeared under the name meanwhile is replaced, whoever made it.
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

from biorat_al.disk import writing
from biorat_al.errors import LockedError, ProjectError

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows has none: there the last step alone decides
    fcntl = None  # type: ignore[assignment]


def _machine() -> str:
    """A short name of this machine, and of this container: process numbers mean something in one alone."""
    try:
        space = os.readlink("/proc/self/ns/pid")
    except OSError:
        space = ""
    return hashlib.sha256(f"{socket.gethostname()}\n{space}".encode()).hexdigest()[:8]


_HOST = _machine()
_LONGEST = 100
_NEW, _FORCED = "new", "forced"

_in_use: set[str] = set()
"""Temporary names that this very process is at work under."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A name that is claimed.

    :param force: what is there may be replaced.
    :param cut_off: a process that found nothing under the name began to write it, and was killed.
    """

    force: bool = False
    cut_off: bool = False


NO_CLAIM = Claim()

_claims: ContextVar[dict[str, Claim]] = ContextVar("claims")


@contextmanager
def claimed(path: Path, *, force: bool, parents: bool = False) -> Iterator[Claim]:
    """Claim a name: nobody else writes to it meanwhile, and without `force` nothing that appears there is replaced.

    What killed processes left beside it is finished or removed first. Where the folder cannot be written, or its file
    system knows no locks, the name is not claimed, and only the last step decides. Claiming a name again, inside, is
    nothing.

    An interruption that comes when the new thing has its name gets a note that says so.

    :param parents: make the folders that it is to be in; those that stay empty are removed again.
    :raises LockedError: another process is writing there.
    """
    place = os.path.abspath(path)
    outer = _claims.get({})
    if place in outer:
        yield outer[place]
        return
    lock = path.parent / f".{path.name[:_LONGEST]}.claim"
    made = _made_parents(path) if parents else []
    handle, before = _locked(lock, path)
    claim = Claim(force, cut_off=before == _NEW)
    token = _claims.set({**outer, place: claim})
    there = path.exists() or path.is_symlink()
    try:
        try:
            remove_leftovers(path)
            if handle is not None:
                # kept where the process before was cut off: the next one has to know that as well; never empty between
                with writing(path):
                    os.pwrite(handle, (_FORCED if there and before != _NEW else _NEW).ljust(8).encode(), 0)
            yield claim
        finally:
            with uninterrupted():
                _claims.reset(token)
                if handle is not None:
                    # while it is locked: a process that waits for it sees that the file has gone
                    with suppress(OSError):
                        lock.unlink()
                    os.close(handle)
                for folder in made:
                    with suppress(OSError):
                        folder.rmdir()
    except KeyboardInterrupt as error:
        if not there and path.exists():
            error.add_note(f"{path} is complete all the same.")
        raise


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let signals wait: what is being cleaned up must not be left half done by a second Ctrl-C, or by a late first."""
    if not hasattr(signal, "pthread_sigmask") or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def may_replace(path: Path) -> bool:
    """Return whether what is at `path` by now may be replaced: not if it was claimed without ``force``."""
    claim = _claims.get({}).get(os.path.abspath(path))
    return claim is None or claim.force


def temporary_name(path: Path) -> Path:
    """Return a new name beside `path` that says which process it belongs to."""
    return path.parent / f".{path.name[:_LONGEST]}.{_HOST}-{os.getpid()}-{uuid.uuid4().hex[:8]}.partial"


@contextmanager
def in_use(temporary: Path) -> Iterator[None]:
    """Mark a temporary name as one that this process is at work under."""
    name = os.path.abspath(temporary)
    _in_use.add(name)
    try:
        yield
    finally:
        _in_use.discard(name)


def remove_leftovers(path: Path) -> None:
    """Remove what processes that were killed left beside `path`; finish a replacement that one of them had begun.

    What belongs to a living process, or to another machine, stays.
    """
    pattern = re.compile(rf"\.{re.escape(path.name[:_LONGEST])}\.{_HOST}-([0-9]+)-[0-9a-f]{{8}}\.partial")
    try:
        names = os.listdir(path.parent)
    except OSError:
        return
    for name in sorted(names):
        found = pattern.fullmatch(name)
        left = path.parent / name
        if found is None or os.path.abspath(left) in _in_use:
            continue
        if int(found[1]) != os.getpid() and is_alive(int(found[1])):
            continue
        if left.is_dir() and not left.is_symlink():
            _restore(left, path)
            shutil.rmtree(left, ignore_errors=True)
        else:
            with suppress(OSError):
                left.unlink()


def is_alive(process: int) -> bool:
    """Return whether a process of this machine still runs, as far as this user may know."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def this_host() -> str:
    """Return a short name of this machine that can stand in a file name."""
    return _HOST


def _restore(room: Path, path: Path) -> None:
    """Put a folder under its name that was between two renames: the new one if it is still there, else the old one."""
    if path.exists() or path.is_symlink() or not (room / "old").exists():
        return
    for kept in (room / "new", room / "old"):
        if kept.exists():
            with suppress(OSError):
                kept.rename(path)
            return


def _made_parents(path: Path) -> list[Path]:
    """Make the folders above `path`; return those that were not there, the innermost first."""
    missing = [parent for parent in path.parents if not parent.exists()]
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
    return missing


def _locked(lock: Path, path: Path) -> tuple[int | None, str]:
    """Open and lock a file; return it, None if that cannot be, and what a process that was killed wrote in it."""
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
        os.close(handle)  # its holder has ended and removed it in between


def check_target(path: Path, *, force: bool, claim: Claim = NO_CLAIM) -> None:
    """Refuse to replace what is there.

    :param claim: on the name; says whether the command that began to write it was cut off.
    :raises ProjectError: `path` is there already and `force` is not set.
    """
    if not force and (path.exists() or path.is_symlink()):
        if claim.cut_off:
            raise ProjectError(
                f"{path} is complete: the command that was cut off had written it; there is nothing left to do"
            )
        raise ProjectError(f"{path} is there already; choose another name, or replace it with --force")
