"""Reading and writing of documents in any known format, as a stream.

A file's first characters decide on its format, and its name where they do not; a format that the caller names is taken
as given. The files of one folder must have one format, or the caller must name it: otherwise a second copy of a corpus,
or the read-me beside it, would become documents.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from biorat_al.corpus.detection import (
    CorpusFile,
    CorpusFiles,
    Paths,
    check_splittable,
    list_files,
)
from biorat_al.corpus.formats.base import Reading, ReadOptions, ReadReport, Writable, WriteReport
from biorat_al.corpus.formats.jsonl import JsonLines
from biorat_al.corpus.formats.registry import format_named
from biorat_al.corpus.formats.sound import BROKEN_FILES, sound_record
from biorat_al.corpus.io.source import OnBytes, Source
from biorat_al.corpus.model.document import Record
from biorat_al.errors import FormatError


def read_corpus(
    paths: Paths | CorpusFiles,
    *,
    format: str | None = None,
    skip_invalid: bool = False,
    trust_offsets: bool = False,
    split: str | None = None,
    report: ReadReport | None = None,
    on_bytes: OnBytes | None = None,
) -> Iterator[Record]:
    """Yield the documents of files and folders one by one, with at most one document in memory.

    Folders are walked in sorted order; hidden files and files of unknown format are skipped and reported. Any file may
    be packed with gzip. Errors in the call or in file names are raised at once, errors inside a file when it is
    reached. A document that occurs twice is yielded twice.

    :param paths: files and folders, or the result of :func:`~biorat_al.corpus.detection.list_files`.
    :param format: name of the format of all files; None detects it from each file's content and name. In a folder,
        files that are certainly of another format are skipped.
    :param skip_invalid: leave out and count what is broken: mentions whose text is not the text at their offsets, the
        relations that refer to them, lines that cannot be parsed.
    :param trust_offsets: keep mentions whose text is not the text at their offsets, with the text at the offsets.
    :param split: one of :data:`~biorat_al.corpus.formats.base.SPLITS`: how to split a file into documents if its
        format does not define that.
    :param report: filled as the records are consumed.
    :param on_bytes: called with the number of bytes read since the last call; their sum ends at
        :attr:`~biorat_al.corpus.detection.CorpusFiles.size`.
    :raises UsageError: the format is unknown, or cannot be split that way.
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
    files = paths if isinstance(paths, CorpusFiles) else list_files(paths, format=format, report=counted)
    reading = Reading(skip_invalid=skip_invalid, trust_offsets=trust_offsets, split=split, report=counted)
    check_splittable(files, split)
    return _at_least_one(read_files(files, reading, on_bytes), files, counted)


def _at_least_one(records: Iterator[Record], files: Sequence[CorpusFile], report: ReadReport) -> Iterator[Record]:
    """Yield the records; raise if there was none."""
    before = report.documents
    yield from records
    if report.documents == before:
        raise nothing_left(files, report)


def nothing_left(files: Sequence[CorpusFile], report: ReadReport) -> FormatError:
    """Return the error for files from which everything was left out: what was left out, and the first fault."""
    kinds = ", ".join(f"{kind} ({number:,})" for kind, number in report.left_out.most_common())
    messages = [message for _, message in report.faults] + [mention.message for mention in report.invalid]
    first = f"; the first: {messages[0]}" if messages else ""
    source = str(files[0].path) if len(files) == 1 else None
    return FormatError(f"no document is left, since everything was left out: {kinds}{first}", source=source)


def read_with(
    options: ReadOptions,
    paths: Paths | CorpusFiles,
    *,
    report: ReadReport | None = None,
    on_bytes: OnBytes | None = None,
) -> Iterator[Record]:
    """Read like :func:`read_corpus`, with the user's options as one object."""
    return read_corpus(
        paths,
        format=options.format,
        skip_invalid=options.skip_invalid,
        trust_offsets=options.trust_offsets,
        split=options.split,
        report=report,
        on_bytes=on_bytes,
    )


def write_corpus(
    path: Path, records: Iterable[Writable], *, format: str = JsonLines.name, report: WriteReport | None = None
) -> int:
    """Write records to one file or folder and return their number.

    :param report: filled with what the format cannot hold.
    :raises UsageError: the format is unknown, or cannot be written.
    :raises CorpusError: a record is invalid, or the file cannot be written.

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


def read_files(files: Sequence[CorpusFile], reading: Reading, on_bytes: OnBytes | None = None) -> Iterator[Record]:
    """Yield the documents of files from :func:`list_files`; check and count each."""
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
            # where broken items may be left out, a file can consist of nothing else
            if reading.report.documents == before and reading.report.left_out.total() == left_out:
                raise FormatError(f"the file holds no document, expected {file.format.title}", source=source.name)
        except FormatError as error:
            # keep what was read before the fault, and the other files; refuse a single file that gave nothing
            if reading.files == 1 and reading.report.documents == before:
                raise
            reading.leave_out(BROKEN_FILES, error)
            continue
        reading.report.files += 1
