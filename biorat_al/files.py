"""Files and folders that appear under their name only once they are complete.

Everything is written and replaced in the same way: fill a file or folder beside the target, under a temporary name that
names the process, flush it to the disk, and rename it in one step. What a killed process leaves, the next one finishes
or removes (:mod:`biorat_al.claims`).
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from biorat_al.claims import clear_partials, in_use, may_replace, temporary_name, uninterrupted
from biorat_al.disk import cause
from biorat_al.errors import CorpusError

_AT_FDCWD = -100
_RENAME_NOREPLACE, _RENAME_EXCHANGE = 1, 2
_RENAME_EXCL, _RENAME_SWAP = 4, 2
_NOT_THERE = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` to write to; on success rename it to `path`, on an error remove it.

    :raises CorpusError: the file cannot be written; or the name was claimed without ``force``, and something else has
        appeared there meanwhile.
    """
    clear_partials(path)
    temporary = temporary_name(path)
    try:
        with in_use(temporary):
            yield temporary
            _sync(temporary)
            if may_replace(path):
                os.replace(temporary, path)
            else:
                _place(temporary, path)
    except FileExistsError as error:
        raise _appeared(path) from error
    except OSError as error:
        raise _cannot_write(path, error) from error
    finally:
        with uninterrupted():
            temporary.unlink(missing_ok=True)


@contextmanager
def replacing_folder(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `folder` to fill; on success rename it to `folder`, on an error remove it.

    An existing folder is replaced, unless the name was claimed without ``force``. Where the file system can exchange
    two names in one step, the old folder or the new one exists at every moment. Elsewhere neither does for an instant;
    a process that is killed then leaves both to the next one, which puts the new one in place.

    :raises CorpusError: the folder cannot be written; or the name was claimed without ``force``, and something else has
        appeared there meanwhile.
    """
    clear_partials(folder)
    room = temporary_name(folder)
    new, old = room / "new", room / "old"
    try:
        with in_use(room):
            new.mkdir(parents=True)
            yield new
            for path in new.rglob("*"):
                if path.is_file():
                    _sync(path)
            if not may_replace(folder):
                # a rename replaces an empty folder, but no other
                new.rename(folder)
                return
            if folder.is_dir() and not folder.is_symlink() and swapped(new, folder):
                return
            if folder.exists():
                os.replace(folder, old)
            try:
                os.replace(new, folder)
            except OSError:
                if old.exists():
                    os.replace(old, folder)
                raise
    except OSError as error:
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR) and not may_replace(folder):
            raise _appeared(folder) from error
        raise _cannot_write(folder, error) from error
    finally:
        with uninterrupted():
            shutil.rmtree(room, ignore_errors=True)


def swapped(one: Path, other: Path) -> bool:
    """Exchange the names of two existing paths in one step.

    Linux does it by ``renameat2`` with ``RENAME_EXCHANGE``, macOS by ``renamex_np`` with ``RENAME_SWAP``.

    :return: False, with nothing changed, where the system or the file system cannot do this.
    :raises OSError: the system can, but refused.
    """
    return _renamed(one, other, linux=_RENAME_EXCHANGE, macos=_RENAME_SWAP)


def moved(path: Path, target: Path) -> bool:
    """Rename `path` to `target` in one step, if nothing exists there.

    Linux does it by ``renameat2`` with ``RENAME_NOREPLACE``, macOS by ``renamex_np`` with ``RENAME_EXCL``.

    :return: False, with nothing changed, where the system or the file system cannot do this.
    :raises FileExistsError: something exists there.
    """
    return _renamed(path, target, linux=_RENAME_NOREPLACE, macos=_RENAME_EXCL)


def _renamed(one: Path, other: Path, *, linux: int, macos: int) -> bool:
    """Rename with the flags of the system; return False where it has no such call."""
    if os.name != "posix":
        return False
    library = ctypes.CDLL(None, use_errno=True)
    names = os.fsencode(one), os.fsencode(other)
    if sys.platform == "linux" and hasattr(library, "renameat2"):
        failed = library.renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], ctypes.c_uint(linux))
    elif sys.platform == "darwin" and hasattr(library, "renamex_np"):
        failed = library.renamex_np(names[0], names[1], ctypes.c_uint(macos))
    else:
        return False
    if not failed:
        return True
    number = ctypes.get_errno()
    if number in _NOT_THERE:
        return False
    raise OSError(number, os.strerror(number), str(other))


def _place(temporary: Path, path: Path) -> None:
    """Rename a file to `path`, unless something exists there.

    :raises FileExistsError: something does.
    """
    if moved(temporary, path):
        return
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:
        # a file system without hard links: reserve the name with an empty file first
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
        try:
            os.replace(temporary, path)
        except OSError:
            with suppress(OSError):
                path.unlink()
            raise


def _sync(path: Path) -> None:
    """Flush the content to the disk before the file is renamed: after a power cut, no final name has an empty file."""
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _appeared(path: Path) -> CorpusError:
    """Return the error for something that has appeared at `path` after the name was claimed."""
    return CorpusError(
        "something else has appeared under this name meanwhile, and was left as it is; choose another name, or replace "
        "it with --force",
        source=str(path),
    )


def _cannot_write(path: Path, error: OSError) -> CorpusError:
    """Return the error for a file or folder that the system does not write."""
    return CorpusError(f"it cannot be written: {cause(error, path)}", source=str(path))
