"""The interface of every file format, the options of reading, and the reports of reading and writing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, NamedTuple, TypeAlias

from biorat_al.corpus.io.source import Source
from biorat_al.corpus.model.document import Annotation, Document, Record, Relation
from biorat_al.errors import CorpusError, OffsetError, UsageError

KEPT = 100
"""Most invalid mentions, and most skipped files, that a report names; it counts all."""

_EXAMPLES = 3

SPLITS = ("paragraphs", "lines", "sentences", "blank-lines", "none")
"""Ways to split a file into documents if its format does not define that; ``none``: the file is one document."""

Writable: TypeAlias = Record | tuple[Document, Annotation | None]
"""What writers accept: a record as read, or a document with its annotation (None: nobody looked)."""


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """The user's options for reading files.

    :param format: name of the format of all files; None detects it from each file's content and name.
    :param skip_invalid: leave out and count what is broken, instead of refusing the file.
    :param trust_offsets: keep mentions whose text is not the text at their offsets, by their offsets.
    :param split: one of :data:`SPLITS`; None: the format's own way, with a note if that looks wrong.

    >>> from biorat_al import ReadOptions
    >>> ReadOptions(format="pubtator", skip_invalid=True).trust_offsets
    False
    """

    format: str | None = None
    skip_invalid: bool = False
    trust_offsets: bool = False
    split: str | None = None


class InvalidMention(NamedTuple):
    """A mention that was left out because its text is not the text at its offsets.

    :param found: the document's text at the offsets; None if they are outside the text.
    :param expected: the mention's own text; None if it has no text.
    :param message: the message that the error would have had.
    :param shift: by how many characters the mention must move to match; None if unknown.
    """

    source: str
    document: str
    found: str | None
    expected: str | None
    message: str
    shift: int | None = None


class SkippedFile(NamedTuple):
    """A file in a folder that was not read, with the reason."""

    path: Path
    reason: str


@dataclass
class ReadReport:
    """Counts of what was read, complete once all records are consumed.

    :param files: files read to their end.
    :param documents: records; one that occurs twice counts twice.
    :param annotated: records that somebody looked at, with or without mentions.
    :param titles_alone: records that consist of a title; `title_examples` has the ids of the first few.
    :param mentions: mentions by label.
    :param relations: relations between mentions by label.
    :param concept_relations: relations between concepts by label.
    :param invalid: the first :data:`KEPT` mentions left out; `invalid_count` counts all.
    :param relations_left_out: relations left out together with a mention they refer to.
    :param trusted_count: mentions whose text is not the text at their offsets, kept by their offsets.
    :param left_out: everything else in the files that was not read, by kind (answers of a second annotator, …).
    :param broken: the part of `left_out` that is broken.
    :param faults: the first :data:`KEPT` items left out because they are broken, as ``(kind, message)``; `broken`
        counts all.
    :param unread: the first :data:`KEPT` items left out although they are not broken, as ``(kind, message)``, for kinds
        whose items are named; `left_out` counts all.
    :param notes: sentences on what may not be what it seems (one document of 34 paragraphs), each with its file.
    :param skipped: the first :data:`KEPT` files of folders that were not read; `skipped_count` counts all.

    >>> from biorat_al import Annotation, Document, Entity, ReadReport, Record, Span
    >>> report = ReadReport()
    >>> entity = Entity("T1", "Chemical", (Span(0, 7),))
    >>> report.count(Record(Document("17", "Aspirin helps."), Annotation((entity,)), "answers.jsonl:1"))
    >>> report.documents, dict(report.mentions)
    (1, {'Chemical': 1})
    """

    files: int = 0
    documents: int = 0
    annotated: int = 0
    titles_alone: int = 0
    title_examples: list[str] = field(default_factory=list)
    mentions: Counter[str] = field(default_factory=Counter)
    relations: Counter[str] = field(default_factory=Counter)
    concept_relations: Counter[str] = field(default_factory=Counter)
    invalid: list[InvalidMention] = field(default_factory=list)
    invalid_count: int = 0
    relations_left_out: int = 0
    trusted_count: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)
    faults: list[tuple[str, str]] = field(default_factory=list)
    unread: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    skipped: list[SkippedFile] = field(default_factory=list)
    skipped_count: int = 0

    def skip(self, path: Path, reason: str) -> None:
        """Count a file that is not read, and keep the reason."""
        self.skipped_count += 1
        if len(self.skipped) < KEPT:
            self.skipped.append(SkippedFile(path, reason))

    def note(self, sentence: str) -> None:
        """Add a sentence for the user, without repetitions and at most :data:`KEPT` of them."""
        if sentence not in self.notes and len(self.notes) < KEPT:
            self.notes.append(sentence)

    def leave_unread(self, kind: str, message: str) -> None:
        """Count an item that is not read although it is not broken, and keep the message."""
        self.left_out[kind] += 1
        if len(self.unread) < KEPT:
            self.unread.append((kind, message))

    def count(self, record: Record) -> None:
        """Count a record and its annotations."""
        self.documents += 1
        if record.document.is_title_alone:
            self.titles_alone += 1
            if len(self.title_examples) < _EXAMPLES:
                self.title_examples.append(record.document.id)
        if record.annotation is None:
            return
        self.annotated += 1
        for entity in record.annotation.entities:
            self.mentions[entity.label] += 1
        for relation in record.annotation.relations:
            self.relations[relation.label] += 1
        for concept_relation in record.annotation.concept_relations:
            self.concept_relations[concept_relation.label] += 1


@dataclass
class WriteReport:
    """Counts of what was written and of what the format cannot hold.

    :param lost: how often something could not be written, or only in changed form, by kind in words.
    :param warned: how often something was written that the format's own users would not expect, by kind.

    >>> from biorat_al import WriteReport
    >>> report = WriteReport()
    >>> report.lose("confidences", 3)
    >>> dict(report.lost)
    {'confidences': 3}
    """

    documents: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    warned: Counter[str] = field(default_factory=Counter)

    def lose(self, kind: str, number: int = 1) -> None:
        """Count something that the format cannot hold."""
        if number:
            self.lost[kind] += number


class Reading:
    """How readers should read, and where they count; passed to the readers of all formats.

    :param skip_invalid: leave out and count what is broken (a mention whose text is not the text at its offsets, a
        relation whose end does not exist, an unfinished line), instead of raising.
    :param trust_offsets: keep a mention whose text is not the text at its offsets, with the text at the offsets.
    :param split: one of :data:`SPLITS`: how to split a file if its format does not define that; None: not specified.
    :ivar files: number of files that are read.
    """

    def __init__(
        self,
        *,
        skip_invalid: bool = False,
        trust_offsets: bool = False,
        split: str | None = None,
        report: ReadReport | None = None,
    ) -> None:
        self.skip_invalid = skip_invalid
        self.trust_offsets = trust_offsets
        self.split = split
        self.files = 1
        self.report = ReadReport() if report is None else report

    def keeps(self, error: OffsetError) -> bool:
        """Return whether to keep, by its offsets, a mention whose text is not the text at its offsets.

        Otherwise the mention is counted as left out, or `error` is raised if nothing may be left out.
        """
        # without a text at the offsets there is nothing to keep
        if self.trust_offsets and error.found:
            self.report.trusted_count += 1
            return True
        if not self.skip_invalid:
            raise error
        self.report.invalid_count += 1
        if len(self.report.invalid) < KEPT:
            self.report.invalid.append(
                InvalidMention(
                    error.source or "", error.document or "", error.found, error.expected, str(error), error.shift
                )
            )
        return False

    def leave_out(self, kind: str, error: CorpusError) -> None:
        """Count a broken item that is left out, or raise `error` if nothing may be left out.

        :param kind: what was left out, in the plural, as the user reads it: "relations to mentions that do not exist".
        """
        if not self.skip_invalid:
            raise error
        self.report.left_out[kind] += 1
        self.report.broken[kind] += 1
        if len(self.report.faults) < KEPT:
            self.report.faults.append((kind, str(error)))

    def without(self, left_out: set[str], relations: Iterable[Relation]) -> tuple[Relation, ...]:
        """Return the relations without those that refer to a mention that was left out; count the latter."""
        kept = []
        for relation in relations:
            if relation.head in left_out or relation.tail in left_out:
                self.report.relations_left_out += 1
            else:
                kept.append(relation)
        return tuple(kept)


class CorpusFormat(ABC):
    """A file format of documents.

    :cvar name: the name that users type.
    :cvar title: the usual name of the format.
    :cvar suffixes: file suffixes in lower case with their dot; ``.gz`` may follow each.
    :cvar writes_folder: whether :meth:`write` makes a folder rather than a file.
    :cvar lying_beside: names of files that may appear next to the documents but are not documents.
    :cvar made_files: pattern of the paths inside a folder that :meth:`write` makes.
    :cvar knows_concepts: whether it can hold relations between concepts.
    :cvar may_be_empty: whether an empty file is a document.
    :cvar splits: the members of :data:`SPLITS` that it supports.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]]
    writes_folder: ClassVar[bool] = False
    made_files: ClassVar[str] = ""
    lying_beside: ClassVar[frozenset[str]] = frozenset()
    knows_concepts: ClassVar[bool] = False
    may_be_empty: ClassVar[bool] = False
    splits: ClassVar[tuple[str, ...]] = ()

    @property
    def can_write(self) -> bool:
        """Whether the format can be written, not only read."""
        return type(self).write is not CorpusFormat.write

    @abstractmethod
    def detects(self, head: str) -> bool:
        """Return whether a file that begins with `head` is certainly of this format."""

    def owns(self, path: Path) -> bool:
        """Return whether the files next to `path` show that it is certainly of this format."""
        return False

    def main_file(self, path: Path) -> Path | None:
        """Return the file that `path` belongs to, if this format spreads documents over several files, else None."""
        return None

    def companions(self, path: Path) -> tuple[Path, ...]:
        """Return the files next to `path` that are read with it."""
        return ()

    def refusal(self, document: Document) -> str | None:
        """Return why :meth:`write` refuses a document that other formats can hold; None if it does not."""
        return None

    @abstractmethod
    def read(self, source: Source, reading: Reading) -> Iterator[Record]:
        """Yield the documents of a file one by one, with at most one in memory.

        :raises FormatError: the file is not of this format; the message names the line.
        :raises OffsetError: the text of a mention is not the text at its offsets (unless `reading` skips those).
        """

    def write(self, path: Path, records: Iterable[Writable], report: WriteReport | None = None) -> int:
        """Write a file or folder and return the number of documents.

        It is written under a temporary name and renamed when complete. `report` counts what the format cannot hold.

        :raises UsageError: this format cannot be written.
        :raises CorpusError: a record is invalid; nothing is written.
        """
        raise UsageError(f"{self.title} can be read but not written")
