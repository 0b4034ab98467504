"""Detection of the files that a command reads and of their formats.

The files beside it decide on a file's format, then its first characters, then its name.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from biorat_al.corpus.formats.base import SPLITS, CorpusFormat, ReadReport
from biorat_al.corpus.formats.foreign import foreign_format
from biorat_al.corpus.formats.plain_text import PlainText
from biorat_al.corpus.formats.registry import FORMATS, format_named, format_names
from biorat_al.corpus.io.source import HEAD_CHARACTERS, Source
from biorat_al.errors import CorpusError, FormatError, UsageError

JSON_CHARACTERS = 1 << 17
"""Characters at the start of a JSON file that decide on its format."""


Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]
"""A file or folder, or several of them."""


class Detection(NamedTuple):
    """The detected format of a file.

    :param format: None if no known format fits.
    :param reason: without a format, why the file cannot be read and what to do; empty if unknown.
    """

    format: CorpusFormat | None
    reason: str = ""


def detect(path: Path) -> Detection:
    """Detect a file's format from the files beside it, from its first characters, or else from its name.

    :raises CorpusError: the file cannot be read.
    """
    owner = next((known for known in FORMATS if known.owns(path)), None)
    if owner is not None:
        return Detection(owner)
    head = head_of(path)
    certain = certain_format(head)
    if certain is not None:
        return Detection(certain)
    foreign = foreign_format(head)
    if foreign is not None:
        return Detection(None, foreign)
    named = next((known for known in FORMATS if suffix_of(path, known) is not None), None)
    return Detection(named)


def head_of(path: Path) -> str:
    """Return the start of a file: as many characters as detection needs, which is more for JSON."""
    stat = path.stat() if path.exists() else None
    return _head_of(path, (stat.st_mtime_ns, stat.st_size, stat.st_ino) if stat else None)


# each file is detected twice: when sizes are added up, and when it is read
@lru_cache(maxsize=2)
def _head_of(path: Path, state: object) -> str:
    source = Source(path)
    head = source.head()
    # in JSON, the keys that decide may follow the longest text
    return source.head(JSON_CHARACTERS) if len(head) == HEAD_CHARACTERS and head.lstrip()[:1] in ("{", "[") else head


def certain_format(head: str) -> CorpusFormat | None:
    """Return the format that is certain for a file that begins with `head`, or None."""
    return next((known for known in FORMATS if known.detects(head)), None)


def main_file(path: Path, known: CorpusFormat | None = None) -> Path:
    """Return the file through which `path` is read: itself, unless a format spreads documents over several files."""
    formats = FORMATS if known is None else (known,)
    return next((main for format in formats if (main := format.main_file(path)) is not None), path)


def suffix_of(path: Path, known: CorpusFormat) -> str | None:
    """Return the longest of the format's suffixes that the file name ends in, with ``.gz`` if packed, or None."""
    name = path.name.lower()
    packed = ".gz" if name.endswith(".gz") else ""
    endings = [suffix + packed for suffix in known.suffixes if name.endswith(suffix + packed)]
    return max(endings, key=len, default=None)


def without_suffix(path: Path, known: CorpusFormat) -> Path:
    """Return the path without the suffix of its format."""
    suffix = suffix_of(path, known)
    stem = path.name[: -len(suffix)] if suffix else path.name
    return path.with_name(stem) if stem else path


@dataclass(frozen=True, slots=True)
class CorpusFile:
    """A file to read.

    :param document_id: id of its document, for formats that do not name one.
    :param size: bytes on disk, including the files that are read with it.
    """

    path: Path
    format: CorpusFormat
    document_id: str
    size: int


def check_splittable(files: Iterable[CorpusFile], split: str | None) -> None:
    """Raise unless every file can be split into documents as the user asks.

    :raises UsageError: unknown way to split, or the format of a file defines where its documents end.
    """
    if split is None:
        return
    if split not in SPLITS:
        raise UsageError(f"unknown split {split!r}; known are {', '.join(SPLITS)}")
    for file in files:
        if split != "none" and split not in file.format.splits:
            known = ", ".join(file.format.splits)
            reason = f"can be split by: {known}" if known else "defines where a document ends"
            raise UsageError(f"{file.path} is {file.format.title}, which {reason}; not by {split}")


class CorpusFiles(tuple[CorpusFile, ...]):
    """Files with their detected formats, in reading order."""

    __slots__ = ()

    @property
    def size(self) -> int:
        """Bytes on disk of all files, including those that are read with them."""
        return sum(file.size for file in self)


def list_files(paths: Paths, *, format: str | None = None, report: ReadReport | None = None) -> CorpusFiles:
    """List the files to read, in order, and detect their formats from the start of each.

    :param format: name of the format of all files; None detects it for each file.
    :param report: filled with the skipped files.
    :raises UsageError: no path was given, or the format is unknown.
    :raises CorpusError: a file is missing or cannot be read.
    :raises FormatError: a file's format cannot be detected; a folder holds nothing to read.
    """
    forced = format_named(format) if format is not None else None
    counted = ReadReport() if report is None else report
    given = [Path(paths)] if isinstance(paths, (str, os.PathLike)) else [Path(path) for path in paths]
    if not given:
        raise UsageError("there is no file or folder to read")
    files: list[CorpusFile] = []
    inside: list[str] = []
    for path in given:
        if path.is_dir():
            found = _folder(path, forced, counted)
            inside += [without_suffix(file.path.relative_to(path), file.format).as_posix() for file in found]
        else:
            found = [_file(path, forced)]
            inside.append(without_suffix(path, found[0].format).as_posix())
        files += found
    stems = Counter(file.document_id for file in files)
    files = [
        file if stems[file.document_id] == 1 else replace(file, document_id=place)
        for file, place in zip(files, inside, strict=True)
    ]
    for file in files:
        try:
            file.document_id.encode("utf-8")
        except UnicodeEncodeError:
            raise FormatError("the file's name is not UTF-8; rename it", source=repr(str(file.path))) from None
    return CorpusFiles(files)


def _file(path: Path, forced: CorpusFormat | None) -> CorpusFile:
    path = main_file(path, forced)
    found = Detection(forced) if forced else detect(path)
    known = found.format
    if forced is not None and not isinstance(forced, PlainText) and not forced.owns(path):
        head = head_of(path)
        certain = None if forced.detects(head) else certain_format(head)
        if certain is not None:
            raise FormatError(f"the file is {certain.title}, expected {forced.title}", source=str(path))
    if known is None and not Source(path).head():
        raise FormatError(f"the file is empty, expected one of {format_names()}", source=str(path))
    if known is None:
        raise FormatError(
            found.reason
            or f"its format cannot be recognised from its content or its name; name it with --format: {format_names()}",
            source=str(path),
        )
    try:
        size = sum(part.stat().st_size for part in (path, *known.companions(path)))
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        reason = "there is no such file or folder" if missing else f"it cannot be read: {error.strerror}"
        raise CorpusError(reason, source=str(path)) from None
    return CorpusFile(path, known, without_suffix(path, known).name, size)


def _folder(folder: Path, forced: CorpusFormat | None, report: ReadReport) -> list[CorpusFile]:
    files: list[CorpusFile] = []
    unread: list[tuple[Path, str]] = []
    unknown = set()
    for path in _walk(folder):
        if path.name.startswith("."):
            unread.append((path, "hidden"))
        elif not path.is_file():
            unread.append((path, "not a file that can be read"))
        elif main_file(path) != path:
            # it is read together with its main file
            continue
        elif (found := detect(path)).format is None:
            unread.append((path, found.reason or "its format cannot be recognised from its content or its name"))
            unknown.add(path)
        elif forced is None or found.format is forced or (suffix_of(path, forced) is not None):
            files.append(_file(path, forced or found.format))
        else:
            unread.append((path, f"{found.format.title}, not {forced.title}"))
    beside = files[0].format.lying_beside if files else frozenset()
    for path, reason in unread:
        if path not in unknown or path.name not in beside:
            report.skip(path, reason)
    if not files:
        expected = forced.title if forced else f"any known format ({format_names()})"
        # what a file is helps more than what it is not
        hint = next((f"; {path.name}: {reason}" for path, reason in unread if reason.startswith("it is ")), "")
        raise FormatError(f"the folder holds no file of {expected}{hint}", source=str(folder))
    kinds = Counter(file.format.name for file in files)
    if len(kinds) > 1:
        listed = ", ".join(f"{number} {name}" for name, number in sorted(kinds.items()))
        raise FormatError(
            f"the folder holds files of several formats ({listed}); name the one to read with --format",
            source=str(folder),
        )
    return files


def _walk(folder: Path) -> Iterator[Path]:
    def fail(error: OSError) -> None:
        raise CorpusError(f"it cannot be read: {error.strerror}", source=str(error.filename)) from None

    for place, folders, names in os.walk(folder, onerror=fail):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(place, name) for name in sorted(names))
