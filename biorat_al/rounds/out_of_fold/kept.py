"""What a model has read, in a file of the project's folder, under the digest of everything that it depends on.

A file holds a part's documents one after the other. It is written under a temporary name and renamed. A file that is
missing or damaged only means that the model is trained again.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from biorat_al.corpus.model.document import Entity, Span
from biorat_al.disk import cause
from biorat_al.errors import ProjectError
from biorat_al.files import replacing
from biorat_al.learner.entities.tagger import UncalibratedReading

FOLDER = "audit"
"""The folder in the project's folder."""

_SUFFIX = ".npz"
_DAMAGED = (OSError, ValueError, KeyError, IndexError, EOFError, zipfile.BadZipFile, zlib.error)


def make_folder(folder: Path) -> None:
    """Make the folder, unless it is there.

    :raises ProjectError: it cannot be made, for example because a file has its name.
    """
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise ProjectError(
            f"what models have read cannot be kept in the folder {folder}: {cause(error, folder)}; if a file has that "
            "name, give it another one"
        ) from error


def write_readings(folder: Path, key: str, readings: Sequence[UncalibratedReading], labels: Sequence[str]) -> None:
    """Keep what a model has read.

    :param key: digest of everything that it depends on.
    :param labels: the model's labels.
    :raises CorpusError: the file cannot be written.
    :raises ProjectError: the folder cannot be made.
    """
    make_folder(folder)
    mentions = [
        (number, labels.index(one.label), one.start, one.end, one.score or 0.0)
        for number, reading in enumerate(readings)
        for one in reading.entities
    ]
    with replacing(folder / f"{key}{_SUFFIX}") as half, half.open("wb") as file:
        np.savez_compressed(
            file,
            # an array of text would drop a zero character at the end of an id
            ids=np.frombuffer(json.dumps([one.document_id for one in readings]).encode(), dtype=np.uint8),
            words=np.array([len(one.starts) for one in readings], dtype=np.int64),
            starts=np.concatenate([one.starts for one in readings]),
            ends=np.concatenate([one.ends for one in readings]),
            inside=np.concatenate([one.inside for one in readings]),
            mentions=np.array(mentions, dtype=np.float64).reshape(-1, 5),
        )


def kept_readings(folder: Path, key: str, labels: Sequence[str]) -> list[UncalibratedReading] | None:
    """Return what a model has read; None if it is not kept, or damaged."""
    try:
        with np.load(folder / f"{key}{_SUFFIX}", allow_pickle=False) as file:
            ids = json.loads(file["ids"].tobytes())
            borders = np.cumsum(file["words"])[:-1]
            columns = (np.split(file[name], borders) for name in ("starts", "ends", "inside"))
            entities: list[list[Entity]] = [[] for _ in ids]
            for number, label, start, end, score in file["mentions"].tolist():
                own = entities[int(number)]
                span = Span(int(start), int(end))
                own.append(Entity(f"T{len(own) + 1}", labels[int(label)], (span,), score=score))
            return [
                UncalibratedReading(name, tuple(some), *arrays)
                for name, some, *arrays in zip(ids, entities, *columns, strict=True)
            ]
    except _DAMAGED:
        return None


def remove_others(folder: Path, keys: Collection[str]) -> None:
    """Remove what is kept under other keys: it belongs to annotations that have changed since."""
    for path in folder.glob(f"*{_SUFFIX}"):
        if path.stem not in keys and not path.name.startswith("."):
            with suppress(OSError):
                path.unlink()
