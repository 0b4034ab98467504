"""Reads documents from files and folders of any known format, as a stream.

Which format a file has is told by its beginning, and only where that says nothing by its name; a format that the caller
names is taken as given. The files of one folder must be of one format, or the caller has to name it: otherwise a corpus
that lies there twice, or the read-me beside it, would become documents.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from biorat_al.corpus.formats.base import SPLITS, CorpusFormat, Reading, ReadOptions, ReadReport, Writable, WriteReport
from biorat_al.corpus.formats.jsonl import JsonLines
from biorat_al.corpus.formats.plain_text import PlainText
from biorat_al.corpus.formats.registry import (
    FORMATS,
    Detection,
    certain_format,
    detect,
    detect_format,
    format_named,
    format_names,
    head_of,
    main_file,
    suffix_of,
    without_suffix,
)
from biorat_al.corpus.formats.sound import BROKEN_FILES, sound_record
from biorat_al.corpus.io.source import OnBytes, Source
from biorat_al.corpus.model.document import Record
from biorat_al.errors import CorpusError, FormatError, UsageError

__all__ = [
    "FORMATS", "CorpusFile", "Paths", "corpus_size", "detect_format", "format_named", "list_files", "read_corpus",
    "read_with", "write_corpus",
]  # fmt: skip

Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]
"""A file or folder, or several."""


@dataclass(frozen=True, slots=True)
class CorpusFile:
    """A file that is to be read.

    :param document_id: the id for its document if it is of a format that does not name one.
    :param size: bytes on disk, with the files that are read with it.
    """

    path: Path
    format: CorpusFormat
    document_id: str
    size: int


def read_corpus(
    paths: Paths,
    *,
    format: str | None = None,
    skip_invalid: bool = False,
    trust_offsets: bool = False,
    split: str | None = None,
    report: ReadReport | None = None,
    on_bytes: OnBytes | None = None,
) -> Iterator[Record]:
    """Yield the documents of files and folders one by one, never holding more than one of them.

    Folders are walked in sorted order; their hidden files, and files of no known format, are skipped and reported. Any
    file may be packed with gzip. What is wrong with the call or the files' names is raised at once, what is wrong
    inside a file once it is reached. A document that occurs twice is passed on twice.

    :param format: name of the format of all files; None: told by each file's content and name. In a folder, files that
        are certainly of another format are skipped.
    :param skip_invalid: leave out, and count, what is broken: mentions whose text is not the text at their offsets, the
        relations that refer to them, lines that cannot be understood.
    :param trust_offsets: keep mentions whose text is not the text at their offsets, as the text at the offsets has it.
    :param split: one of :data:`~biorat_al.corpus.formats.base.SPLITS`: where a file that does not say it is cut into
    documents.
    :param report: filled as the records are taken.
    :param on_bytes: called with the number of bytes read since the last call; their sum ends at :func:`corpus_size`.
    :raises UsageError: the format is not known, or is not cut that way.
    :raises CorpusError: a file is missing or cannot be read.
    :raises FormatError: a file is empty, broken, or not of its format; a folder holds nothing to read.
    :raises OffsetError: the text of a mention is not the text at its offsets.

    >>> from pathlib import Path
    >>> from biorat_al import ReadReport, read_corpus
    >>> lines = "17|t|Aspirin helps.|", "17|a|It did.", "17\\t0\\t7\\tAspirin\\tChemical\\tD001241"
    >>> _ = Path("corpus.pubtator").write_text("\\n".join(lines) + "\\n", encoding="utf-8")
    >>> report = ReadReport()
    >>> for record in read_corpus("corpus.pubtator", report=report):
    ...     print(record.document.id, [entity.surface(record.document.text) for entity in record.annotation.entities])
    17 ['Aspirin']
    >>> report.documents, dict(report.mentions)
    (1, {'Chemical': 1})
    """
    counted = ReadReport() if report is None else report
    files = list_files(paths, format=format, report=counted)
    reading = Reading(skip_invalid=skip_invalid, trust_offsets=trust_offsets, split=split, report=counted)
    check_split(files, split)
    return _some(read_files(files, reading, on_bytes), files, counted)


def _some(records: Iterator[Record], files: list[CorpusFile], report: ReadReport) -> Iterator[Record]:
    """Pass the records on, and refuse what gave none of them."""
    before = report.documents
    yield from records
    if report.documents == before:
        raise nothing_left(files, report)


def nothing_left(files: list[CorpusFile], report: ReadReport) -> FormatError:
    """Return the error for files of which everything was left out: what that was, and the first thing that is wrong."""
    kinds = ", ".join(f"{kind} ({number:,})" for kind, number in report.left_out.most_common())
    messages = [message for _, message in report.faults] + [mention.message for mention in report.invalid]
    first = f"; the first: {messages[0]}" if messages else ""
    source = str(files[0].path) if len(files) == 1 else None
    return FormatError(f"no document is left, since all was left out: {kinds}{first}", source=source)


def read_with(
    options: ReadOptions, paths: Paths, *, report: ReadReport | None = None, on_bytes: OnBytes | None = None
) -> Iterator[Record]:
    """Read as :func:`read_corpus` does, with the user's options in one value."""
    return read_corpus(
        paths,
        format=options.format,
        skip_invalid=options.skip_invalid,
        trust_offsets=options.trust_offsets,
        split=options.split,
        report=report,
        on_bytes=on_bytes,
    )


def check_split(files: Iterable[CorpusFile], split: str | None) -> None:
    """Raise unless every file can be cut as the user wants it.

    :raises UsageError: nothing is cut that way, or the format of a file says itself where its documents end.
    """
    if split is None:
        return
    if split not in SPLITS:
        raise UsageError(f"unknown split {split!r}; known are {', '.join(SPLITS)}")
    for file in files:
        if split != "none" and split not in file.format.splits:
            known = ", ".join(file.format.splits)
            reason = f"can be split by: {known}" if known else "says itself where a document ends"
            raise UsageError(f"{file.path} is {file.format.title}, which {reason}; not by {split}")


def corpus_size(paths: Paths, *, format: str | None = None) -> int:
    """Bytes on disk of all files that :func:`read_corpus` would read; it raises what that raises at once."""
    return sum(file.size for file in list_files(paths, format=format))


def write_corpus(
    path: Path, records: Iterable[Writable], *, format: str = JsonLines.name, report: WriteReport | None = None
) -> int:
    """Write records to one file or folder and return their number.

    :param report: filled with what the format has no place for.
    :raises UsageError: the format is not known, or cannot be written.
    :raises CorpusError: a record cannot stand as it is, or the file cannot be written.

    >>> from pathlib import Path
    >>> from biorat_al import Annotation, Document, Entity, Span, WriteReport, read_corpus, write_corpus
    >>> annotation = Annotation((Entity("mention", "Chemical", (Span(0, 7),)),))
    >>> report = WriteReport()
    >>> write_corpus(Path("brat"), [(Document("17", "Aspirin helps."), annotation)], format="brat", report=report)
    1
    >>> print(Path("brat/17.ann").read_text(encoding="utf-8").split())
    ['T1', 'Chemical', '0', '7', 'Aspirin']
    """
    return format_named(format).write(path, records, report)


def list_files(paths: Paths, *, format: str | None = None, report: ReadReport | None = None) -> list[CorpusFile]:
    """The files that :func:`read_corpus` reads, in its order; of each only the beginning is looked at."""
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
    return files


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
            found.reason or f"neither its content nor its name tells the format; name one of {format_names()}",
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
            # read with the file that it is a part of
            continue
        elif (found := detect(path)).format is None:
            unread.append((path, found.reason or "neither its content nor its name tells a known format"))
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
        # what a file is instead says more than what it is not
        told = next((f"; {path.name}: {reason}" for path, reason in unread if reason.startswith("it is ")), "")
        raise FormatError(f"the folder holds no file of {expected}{told}", source=str(folder))
    kinds = Counter(file.format.name for file in files)
    if len(kinds) > 1:
        listed = ", ".join(f"{number} {name}" for name, number in sorted(kinds.items()))
        raise FormatError(
            f"the folder holds files of several formats ({listed}); name the format to read", source=str(folder)
        )
    return files


def _walk(folder: Path) -> Iterator[Path]:
    def fail(error: OSError) -> None:
        raise CorpusError(f"it cannot be read: {error.strerror}", source=str(error.filename)) from None

    for place, folders, names in os.walk(folder, onerror=fail):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(place, name) for name in sorted(names))


def read_files(files: list[CorpusFile], reading: Reading, on_bytes: OnBytes | None = None) -> Iterator[Record]:
    """Yield the documents of files that :func:`list_files` found, each one checked and counted."""
    reading.files = max(reading.files, len(files))
    for file in files:
        before, left_out = reading.report.documents, reading.report.left_out.total()
        source = Source(file.path, document_id=file.document_id, on_bytes=on_bytes)
        try:
            if not file.format.may_be_empty and not source.head():
                raise FormatError(f"the file is empty, expected {file.format.title}", source=source.name)
            for record in file.format.read(source, reading):
                sound = sound_record(record, reading)
                if sound is not None:
                    reading.report.count(sound)
                    yield sound
            # where what is broken may be left out, that can be all that a file holds
            if reading.report.documents == before and reading.report.left_out.total() == left_out:
                raise FormatError(f"the file holds no document, expected {file.format.title}", source=source.name)
        except FormatError as error:
            # what was read before the break is kept, and so are the other files; a file that gave nothing is refused
            if reading.files == 1 and reading.report.documents == before:
                raise
            reading.leave_out(BROKEN_FILES, error)
            continue
        reading.report.files += 1
