"""Folders written by ``Dataset.save_to_disk`` or ``DatasetDict.save_to_disk`` of ``datasets``.

A ``DatasetDict`` is a folder for each split beside ``dataset_dict.json``. The folder of a split holds::

    state.json                     names the data files; the reader starts from it
    dataset_info.json              features, licence, …
    data-00000-of-00001.arrow      the rows
    cache-….arrow                  from later operations; not part of the corpus
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from biorat_al.errors import FormatError

if TYPE_CHECKING:
    from datasets import Dataset

STATE = "state.json"
INFO = "dataset_info.json"
SPLITS = "dataset_dict.json"


def is_state(path: Path) -> bool:
    """Return whether the file is the ``state.json`` of a saved dataset."""
    return path.name == STATE and (path.parent / INFO).is_file()


def state_beside(path: Path) -> Path | None:
    """Return the ``state.json`` of the saved dataset to which `path` belongs; None if it belongs to none."""
    if path.name == SPLITS:
        return min((state for state in path.parent.glob(f"*/{STATE}") if is_state(state)), default=None)
    state = path.parent / STATE
    return state if path.suffix in (".arrow", ".json") and is_state(state) and path in parts(state) else None


def parts(state: Path) -> tuple[Path, ...]:
    """Return the other files of the dataset: its description, and the data files that `state` names."""
    try:
        named = json.loads(state.read_text(encoding="utf-8"))["_data_files"]
        files = [state.parent / entry["filename"] for entry in named]
    except (OSError, ValueError, KeyError, TypeError):
        # read_saved reports what is wrong with it
        files = []
    return (state.parent / INFO, *(file for file in files if file.is_file()))


def split_name(state: Path) -> str:
    """Return the dataset's split: the folder's name in a ``DatasetDict``, else the split that it was loaded from."""
    if (state.parent.parent / SPLITS).is_file():
        return state.parent.name
    try:
        split = json.loads(state.read_text(encoding="utf-8"))["_split"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return split if isinstance(split, str) else ""


def read_saved(state: Path) -> Dataset:
    """Open a saved dataset; its rows stay on disk and are read as Arrow tables.

    :raises FormatError: the folder is not complete, or ``datasets`` cannot read it.
    """
    import pyarrow as pa
    from datasets import Dataset

    try:
        return Dataset.load_from_disk(str(state.parent))
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise FormatError(f"the folder cannot be read as a saved dataset: {reason}", source=str(state)) from None
