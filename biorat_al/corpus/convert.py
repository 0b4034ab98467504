"""Conversion of a corpus from one format to another, as a stream, with a count of what the target cannot hold."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from biorat_al.claims import NO_CLAIM, Claim, already_exists, claimed
from biorat_al.corpus.detection import Paths, list_files
from biorat_al.corpus.formats.base import CorpusFormat, ReadOptions, ReadReport, Writable, WriteReport
from biorat_al.corpus.formats.registry import format_named
from biorat_al.corpus.model.concept_relations import collapsed
from biorat_al.corpus.model.document import Record
from biorat_al.corpus.reading import read_with
from biorat_al.errors import UsageError
from biorat_al.progress import SILENT, Progress

PART_OF = "part_of"
"""Key in the metadata of a sentence that is a record: the id of its document, and its place in that document's text."""

HOLD_PARTS = ("jsonl", "bigbio")
"""Formats in which a part of a document can be a record."""


@dataclass
class Conversion:
    """The result of a conversion: what was read and what was written.

    :param target: the file or folder that was written.

    >>> from pathlib import Path
    >>> from biorat_al import Conversion
    >>> conversion = Conversion(Path("corpus.pubtator"))
    >>> conversion.written.lose("confidences", 2)
    >>> dict(conversion.lost)
    {'confidences': 2}
    """

    target: Path
    read: ReadReport = field(default_factory=ReadReport)
    written: WriteReport = field(default_factory=WriteReport)

    @property
    def lost(self) -> Counter[str]:
        """How many items differ between source and target, by kind, from both reading and writing."""
        lost = Counter(self.read.left_out)
        lost.update(self.written.lost)
        lost["texts of mentions (kept by their offsets)"] += self.read.trusted_count
        lost["mentions whose text is not the text at their offsets"] += self.read.invalid_count
        lost["relations that refer to those mentions"] += self.read.relations_left_out
        return +lost


def convert_corpus(
    paths: Paths,
    target: Path,
    *,
    to: str,
    options: ReadOptions = ReadOptions(),  # noqa: B008 - it is frozen
    force: bool = False,
    progress: Progress = SILENT,
) -> Conversion:
    """Read files and folders and write them as one file or folder of another format, one document at a time.

    Relations between concepts become relations between mentions if the target has no others. If it has, relations that
    were made in this way become relations between concepts again
    (see :mod:`biorat_al.corpus.model.concept_relations`). The target appears under its name once it is complete.

    :param to: name of the target's format.
    :param options: how to read the files.
    :param force: replace an existing target.
    :raises UsageError: a format is unknown or cannot be written, the target already exists, or is a source, or a record
        is a part of a document and the target holds whole documents only.
    :raises CorpusError: a file cannot be read, or a record is invalid.

    >>> from pathlib import Path
    >>> from biorat_al import Annotation, Document, Entity, Span, convert_corpus, write_corpus
    >>> sure = Entity("T1", "Chemical", (Span(0, 7),), score=0.9)
    >>> write_corpus(Path("corpus.jsonl"), [(Document("17", "Aspirin helps."), Annotation((sure,)))])
    1
    >>> conversion = convert_corpus("corpus.jsonl", Path("corpus.pubtator"), to="pubtator")
    >>> conversion.written.documents, sorted(conversion.lost)
    (1, ['confidence scores of mentions', 'documents without passages (cut in two)'])
    """
    known = format_named(to, written=True)
    conversion = Conversion(target)
    with ExitStack() as stack:
        claim = stack.enter_context(claimed(target, force=force, parents=known.writes_folder))
        check_conversion_target(target, known, force=force, claim=claim)
        files = list_files(paths, format=options.format, report=conversion.read)
        bar = stack.enter_context(progress.bar("Converting", files.size, "bytes"))
        records: Iterable[Writable] = read_with(options, files, report=conversion.read, on_bytes=bar.advance)
        if known.name not in HOLD_PARTS:
            records = _whole(records, known)
        if known.knows_concepts:
            records = _with_concept_relations(records)
        known.write(target, records, conversion.written)
    return conversion


def check_conversion_target(target: Path, known: CorpusFormat, *, force: bool, claim: Claim = NO_CLAIM) -> None:
    """Raise if the target exists, unless `force` is set and it can be the result of an earlier conversion.

    :raises UsageError: the target exists and may not be replaced.
    """
    if not target.exists() and not target.is_symlink():
        return
    if target.is_dir() != known.writes_folder:
        there, made = ("a folder", "a file") if target.is_dir() else ("a file", "a folder")
        raise UsageError(f"{target} is {there}, and {known.title} is written as {made}; choose another name")
    content = [path for path in target.rglob("*") if not path.is_dir()] if target.is_dir() else []
    if target.is_dir() and not content:
        return
    if not force:
        raise UsageError(already_exists(target, claim))
    for path in content:
        inside = path.relative_to(target).as_posix()
        if not re.fullmatch(known.made_files, inside):
            raise UsageError(
                f"{target} holds {inside!r}, which {known.title} does not have, so it is not replaced; choose another "
                "name"
            )


def _whole(records: Iterable[Writable], known: CorpusFormat) -> Iterator[Writable]:
    """Yield the records; refuse a sentence that was exported as a record of its own."""
    for record in records:
        document = record[0]
        part_of = document.metadata.get(PART_OF)
        if isinstance(part_of, Mapping):
            raise UsageError(
                f"the record {document.id} is a part of the document {part_of.get('document_id')}, and {known.title} "
                f"holds whole documents only: export without --partial, or convert to {' or '.join(HOLD_PARTS)}"
            )
        yield record


def _with_concept_relations(records: Iterable[Writable]) -> Iterator[Writable]:
    for record in records:
        document, annotation = record[:2]
        if annotation is None:
            yield record
        else:
            source = record.source if isinstance(record, Record) else ""
            yield Record(document, collapsed(annotation), source)
