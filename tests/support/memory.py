"""A folder in memory for what tests write: there, nothing waits for a disk that confirms each commit."""

from __future__ import annotations

import os
from pathlib import Path

_FOLDER = Path("/dev/shm")
_LEAST = 4_000_000_000
"""Free bytes without which the folder is left alone: a run of the suite with several processes writes a part of it."""


def folder_in_memory() -> Path | None:
    """Return a folder in memory; None if this system has none, or none that is large enough and runs programs."""
    if not _FOLDER.is_dir():
        return None
    about = os.statvfs(_FOLDER)
    small = about.f_bavail * about.f_frsize < _LEAST
    return None if small or about.f_flag & os.ST_NOEXEC or not os.access(_FOLDER, os.W_OK) else _FOLDER
