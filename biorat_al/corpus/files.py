"""Files and folders that appear under their name only once they are complete."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from biorat_al.corpus.swap import swapped
from biorat_al.errors import CorpusError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path` to write a file under; on success it takes the name, on an error it goes.

    :raises CorpusError: the file cannot be written.
    """
    temporary = _beside(path)
    try:
        yield temporary
        _sync(temporary)
        os.replace(temporary, path)
    except OSError as error:
        raise _cannot_write(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def replacing_folder(folder: Path) -> Iterator[Path]:
    """Give a temporary folder beside `folder` to fill; on success it takes the name, on an error it goes.

    A folder of that name is replaced; whether it may be is the caller's to decide. Where the file system can exchange
    two names in one step, there is at every moment the old folder or the new one; else there is none for an instant.

    :raises CorpusError: the folder cannot be written.
    """
    room = _beside(folder)
    new, old = room / "new", room / "old"
    try:
        new.mkdir(parents=True)
        yield new
        for path in new.rglob("*"):
            if path.is_file():
                _sync(path)
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
        raise _cannot_write(folder, error) from error
    finally:
        shutil.rmtree(room, ignore_errors=True)


def _beside(path: Path) -> Path:
    return path.parent / f".{path.name[:100]}.{uuid.uuid4().hex[:12]}.partial"


def _sync(path: Path) -> None:
    """Have the content on disk before the name is: a power cut must not leave a good name on an empty file."""
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _cannot_write(path: Path, error: OSError) -> CorpusError:
    return CorpusError(f"it cannot be written: {error.strerror or error}", source=str(path))
