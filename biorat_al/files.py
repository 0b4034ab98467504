"""Files and folders that appear under their name only once they are complete.

The one way to write and to replace: fill something beside it under a temporary name that says whose it is, flush it to
the disk, and let it take the name in one step. What a killed process leaves is finished or removed by the next one
(:mod:`biorat_al.claims`).
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from biorat_al.claims import in_use, may_replace, remove_leftovers, temporary_name, uninterrupted
from biorat_al.disk import cause
from biorat_al.errors import CorpusError
from biorat_al.swap import moved, swapped


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path` to write a file under; on success it takes the name, on an error it goes.

    :raises CorpusError: the file cannot be written; or the name was claimed without ``force``, and something else has
        appeared there meanwhile.
    """
    remove_leftovers(path)
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
    """Give a temporary folder beside `folder` to fill; on success it takes the name, on an error it goes.

    A folder of that name is replaced, unless the name was claimed without ``force``. Where the file system can exchange
    two names in one step, there is at every moment the old folder or the new one; else there is none for an instant,
    and a process that is killed in it leaves both to the next one, which puts the new one there.

    :raises CorpusError: the folder cannot be written; or the name was claimed without ``force``, and something else has
        appeared there meanwhile.
    """
    remove_leftovers(folder)
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
                # a folder takes the place of an empty one at most
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


def _place(temporary: Path, path: Path) -> None:
    """Give a file its name, unless that is taken.

    :raises FileExistsError: it is.
    """
    if moved(temporary, path):
        return
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:
        # a file system without second names: take the name with an empty file first
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
        try:
            os.replace(temporary, path)
        except OSError:
            with suppress(OSError):
                path.unlink()
            raise


def _sync(path: Path) -> None:
    """Have the content on disk before the name is: a power cut must not leave a good name on an empty file."""
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _appeared(path: Path) -> CorpusError:
    return CorpusError(
        "something else has appeared under this name meanwhile, and was left as it is; choose another name, or replace "
        "it with --force",
        source=str(path),
    )


def _cannot_write(path: Path, error: OSError) -> CorpusError:
    return CorpusError(f"it cannot be written: {cause(error, path)}", source=str(path))
