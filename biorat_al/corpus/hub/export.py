"""The hub's own copies of datasets in Parquet, on the branch ``refs/convert/parquet``.

``datasets`` has not run loading scripts since version 4, and most of BigBio's datasets consist of one. Of some of them
the hub has made a copy, with files named ``<configuration>/<split>/0000.parquet`` and no data card. ``datasets`` would
take such a folder for one configuration, so its files are read as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

BRANCH = "refs/convert/parquet"

_FILE = re.compile(r"(?P<config>[^/]+)/(?P<split>[^/]+)/[0-9]{4,}\.parquet")

_CARD = "README.md"


def exported(files: Iterable[str]) -> dict[str, dict[str, list[str]]]:
    """Return the Parquet files of each split of each configuration; empty if these are not the files of a copy."""
    names = sorted(files)
    found: dict[str, dict[str, list[str]]] = {}
    for name in names if _CARD not in names else ():
        match = _FILE.fullmatch(name)
        if match is not None:
            found.setdefault(match["config"], {}).setdefault(match["split"], []).append(name)
    return found
