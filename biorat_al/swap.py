"""Names that change in one step: two that are exchanged, and one that is taken only if nobody has it."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from pathlib import Path

_AT_FDCWD = -100
_RENAME_NOREPLACE, _RENAME_EXCHANGE = 1, 2
_RENAME_EXCL, _RENAME_SWAP = 4, 2
_NOT_THERE = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP)


def swapped(one: Path, other: Path) -> bool:
    """Exchange the names of two paths that are both there, in one step.

    Linux does it by ``renameat2`` with ``RENAME_EXCHANGE``, macOS by ``renamex_np`` with ``RENAME_SWAP``.

    :return: False, with nothing done, where the system or the file system cannot.
    :raises OSError: it can, and refused.
    """
    return _renamed(one, other, linux=_RENAME_EXCHANGE, macos=_RENAME_SWAP)


def moved(path: Path, target: Path) -> bool:
    """Rename `path` to `target` in one step, if nothing has that name.

    Linux does it by ``renameat2`` with ``RENAME_NOREPLACE``, macOS by ``renamex_np`` with ``RENAME_EXCL``.

    :return: False, with nothing done, where the system or the file system cannot.
    :raises FileExistsError: something has that name.
    """
    return _renamed(path, target, linux=_RENAME_NOREPLACE, macos=_RENAME_EXCL)


def _renamed(one: Path, other: Path, *, linux: int, macos: int) -> bool:
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
