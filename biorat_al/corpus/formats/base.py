"""What every file format has in common, and what is counted while files are read."""

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
"""How many invalid mentions and skipped files a report names; it counts all of them."""

SPLITS = ("paragraphs", "lines", "sentences", "blank-lines", "none")
"""Where a file that does not say it is cut into documents; ``none``: the file is one document."""

Writable: TypeAlias = Record | tuple[Document, Annotation | None]
"""What can be written: a record as it was read, or a document with its annotation (None: nobody looked)."""


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How the user wants files to be read.

    :param format: name of the format of all files; None: told by each file's content and name.
    :param skip_invalid: leave out, and count, what is broken, instead of refusing the file.
    :param trust_offsets: keep mentions whose text is not the text at their offsets, by their offsets.
    :param split: one of :data:`SPLITS`; None: as the format has it, with a note where that looks wrong.

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

    :param found: the document's text at the offsets; None if they lie outside the text.
    :param expected: the text that the mention names; None if it names none.
    :param message: the sentence that would have been the error.
    :param shift: by how many characters it must be moved to match; None if that is not known.
    """

    source: str
    document: str
    found: str | None
    expected: str | None
    message: str
    shift: int | None = None


class SkippedFile(NamedTuple):
    """A file in a folder that was not read, and why."""

    path: Path
    reason: str


@dataclass
class ReadReport:
    """What was read, counted as it is read: complete once the records are used up.

    :param files: files read to their end.
    :param documents: records; one that occurs twice counts twice.
    :param annotated: those of them that somebody looked at, whether anything was found or not.
    :param mentions: mentions by label.
    :param relations: relations between mentions by label.
    :param concept_relations: relations between concepts by label.
    :param invalid: the first :data:`KEPT` mentions left out; `invalid_count` counts all.
    :param relations_left_out: relations that were left out with a mention they refer to.
    :param trusted_count: mentions whose text is not the text at their offsets and that were kept by their offsets.
    :param left_out: what else the files hold and was not read, by kind (answers of a second annotator, …).
    :param broken: of these, what was left out because it is broken.
    :param faults: the first :data:`KEPT` items that were left out because they are broken, as ``(kind, message)``;
        `broken` counts all of them.
    :param unread: the first :data:`KEPT` items that were left out although nothing is broken, as ``(kind, message)``,
        of the kinds of which each one is named; `left_out` counts all of them.
    :param notes: sentences on what looks unlike what it says it is (one document of 34 paragraphs), each with its file.
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
        """Count a file that is not read."""
        self.skipped_count += 1
        if len(self.skipped) < KEPT:
            self.skipped.append(SkippedFile(path, reason))

    def note(self, sentence: str) -> None:
        """Add a sentence that the user should read; the same one is kept once, and :data:`KEPT` at most."""
        if sentence not in self.notes and len(self.notes) < KEPT:
            self.notes.append(sentence)

    def leave_unread(self, kind: str, message: str) -> None:
        """Count something that is not read, and name it."""
        self.left_out[kind] += 1
        if len(self.unread) < KEPT:
            self.unread.append((kind, message))

    def count(self, record: Record) -> None:
        """Count a record and what is annotated on it."""
        self.documents += 1
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
    """What was written, and what the format has no place for.

    :param lost: how often something could not be written, or not as it was, by kind in words.
    :param warned: how often something was written that the format's own users would not have so, by kind.

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
    """How to read, and where to count: what the readers of all formats are given.

    :param skip_invalid: leave out, and count, what is broken (a mention whose text is not the text at its offsets, a
        relation whose end does not exist, an unfinished line), instead of raising.
    :param trust_offsets: keep a mention whose text is not the text at its offsets, as the text at the offsets has it.
    :param split: one of :data:`SPLITS`: where a file that does not say it is cut into documents; None: nobody said.
    :ivar files: how many files are read.
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
        """Decide on a mention whose text is not the text at its offsets: return True to keep it by its offsets.

        Where it is not kept it is counted and left out, or `error` is raised if nothing may be left out.
        """
        # without a text at the offsets there is nothing to trust
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
        """The relations that do not refer to a mention that was left out; the others are counted."""
        kept = []
        for relation in relations:
            if relation.head in left_out or relation.tail in left_out:
                self.report.relations_left_out += 1
            else:
                kept.append(relation)
        return tuple(kept)


class CorpusFormat(ABC):
    """A file format that documents come in.

    :cvar name: as the user writes it.
    :cvar title: as people know it.
    :cvar suffixes: file suffixes in lower case with their dot; ``.gz`` may follow each.
    :cvar writes_folder: whether :meth:`write` makes a folder rather than a file.
    :cvar lying_beside: names of files that lie beside the documents and are none.
    :cvar made_files: pattern of the paths inside a folder that :meth:`write` makes.
    :cvar knows_concepts: whether it holds relations between concepts.
    :cvar may_be_empty: whether an empty file is a document.
    :cvar splits: of :data:`SPLITS`, those that make sense for it.
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
        """Whether a file that begins with `head` is certainly of this format."""

    def owns(self, path: Path) -> bool:
        """Whether `path` is certainly of this format by the files that lie beside it."""
        return False

    def main_file(self, path: Path) -> Path | None:
        """The file that `path` is a part of, where this format spreads its documents over several files."""
        return None

    def companions(self, path: Path) -> tuple[Path, ...]:
        """The files beside `path` that are read with it."""
        return ()

    def refusal(self, document: Document) -> str | None:
        """Return why :meth:`write` refuses a document that other formats can hold; None if it does not."""
        return None

    @abstractmethod
    def read(self, source: Source, reading: Reading) -> Iterator[Record]:
        """Yield the documents of a file one by one, holding no more than one of them.

        :raises FormatError: the file is not of this format; the message names the line.
        :raises OffsetError: the text of a mention is not the text at its offsets (unless `reading` skips those).
        """

    def write(self, path: Path, records: Iterable[Writable], report: WriteReport | None = None) -> int:
        """Write a file or folder under a temporary name, rename it when it is complete, and return the number of
        documents.

        What the format cannot hold is counted in `report`.

        :raises UsageError: this format cannot be written.
        :raises CorpusError: a record cannot stand as it is; nothing is written.
        """
        raise UsageError(f"{self.title} can be read but not written")
