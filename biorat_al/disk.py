"""Why a disk refuses to write, in sentences that say where and what to do."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from biorat_al.errors import BioratError

ROOM = 1_000_000
"""Bytes; a disk with less free space counts as full."""

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_AGAIN = "make room there, and run the same command again"


def is_full(error: OSError) -> bool:
    """Return whether an error means no room: the disk is full, a quota is used up, or a file is at its largest size."""
    return error.errno in _FULL


def cause(error: OSError, place: Path) -> str:
    """Return the reason why something cannot be written.

    :param place: the path to be written, or its folder; it need not exist.
    """
    if error.errno == errno.ENOSPC:
        return no_room(place)
    if error.errno == errno.EDQUOT:
        return f"your quota on the disk at {mount(place)} is used up ({free(place)}); {_AGAIN}"
    if error.errno == errno.EFBIG:
        return (
            f"a file may not become that large ({free(place)} at {mount(place)}): see the limit of this shell "
            "(ulimit -f) and of the file system, and run the same command again"
        )
    if error.errno == errno.EROFS:
        return f"the disk at {mount(place)} can only be read; mount it for writing, or name a place on another one"
    if error.errno == errno.ENAMETOOLONG:
        return "the name is longer than the file system allows (255 bytes, as a rule); choose a shorter one"
    return error.strerror or str(error)


def no_room(place: Path) -> str:
    """Return the sentence for a full disk that holds `place`: which disk, how much is free, what to do."""
    with suppress(OSError, AttributeError):  # Windows has no statvfs
        about = os.statvfs(_existing(place))
        if about.f_files and not about.f_favail:
            return f"the disk is full: {mount(place)} takes no further files (its inodes are used up); {_AGAIN}"
    return f"the disk is full: {free(place)} at {mount(place)}; {_AGAIN}"


def fullest(places: Iterable[Path]) -> Path:
    """Return the place whose disk has the least room; the first if several are equal."""
    return min(places, key=_room)


def usual_places() -> list[Path]:
    """Return the folders that every command writes to: the working, the temporary and the home folder."""
    return [Path.cwd(), Path(tempfile.gettempdir()), Path.home()]


def has_no_room(place: Path) -> bool:
    """Return whether a disk counts as full; False if its free space is not known."""
    return _room(place) < ROOM


def mount(place: Path) -> Path:
    """Return the mount point of the disk that holds `place`."""
    folder = _existing(place)
    with suppress(OSError):
        return next(above for above in (folder, *folder.parents) if os.path.ismount(above))
    return folder


def size(count: float) -> str:
    """Return a number of bytes for people: ``12 kB``, ``3.4 MB``, ``1.2 GB``."""
    for unit, name in ((1e9, "GB"), (1e6, "MB")):
        if count >= unit:
            return f"{count / unit:.1f} {name}"
    return f"{count / 1e3:.0f} kB"


def free(place: Path) -> str:
    """Return how much room the disk of `place` has: ``3.4 GB of 20.0 GB are free``."""
    try:
        usage = shutil.disk_usage(_existing(place))
    except OSError:
        return "how much is free is not known"
    return f"{size(usage.free)} of {size(usage.total)} are free"


@contextmanager
def writing(place: Path, kind: type[BioratError] = BioratError) -> Iterator[None]:
    """Turn an error of the system while `place` is written into one of this package that names the place.

    :raises BioratError: of the given kind.
    :raises TimeoutError: unchanged, since a lock that another process holds has nothing to do with the disk.
    """
    try:
        yield
    except TimeoutError:
        raise
    except OSError as error:
        raise kind(f"{place} cannot be written: {cause(error, place)}") from error


def _existing(place: Path) -> Path:
    """Return the place, or the nearest existing folder above it."""
    place = Path(os.path.abspath(place))
    for folder in (place, *place.parents):
        with suppress(OSError):
            if folder.exists():
                return folder
    return place


def _room(place: Path) -> float:
    """Return the free bytes on the disk of `place`; infinity if not known."""
    try:
        return shutil.disk_usage(_existing(place)).free
    except OSError:
        return float("inf")
