"""Validation of a corpus: reports everything that is wrong with it, instead of stopping at the first fault.

*Wrong* is what another command would refuse, or what BigBio's own checker fails on or warns about. Everything else that
users should know before they use a corpus is a *warning*: files that are not read, a document that occurs twice, labels
that differ only by case. With the same options, ``convert`` and ``init`` read every corpus in which nothing is wrong.

The readers themselves read the files, so that both report the same. Files in BigBio's "kb" schema are also checked
field by field (:mod:`biorat_al.corpus.formats.bigbio.kb_checks`); other files are converted to BigBio records,
and these are checked.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from biorat_al.corpus.detection import CorpusFile, Paths, check_splittable, list_files
from biorat_al.corpus.formats.base import KEPT, InvalidMention, Reading, ReadOptions, ReadReport
from biorat_al.corpus.formats.bigbio.kb_checks import JOINERS, KbChecker, Problem, problems_alone
from biorat_al.corpus.formats.bigbio.kb_record import KbRecords
from biorat_al.corpus.formats.bigbio.reading import BigBioKb, kb_record, kb_rows, split_of
from biorat_al.corpus.formats.jsonl import to_line
from biorat_al.corpus.formats.registry import FORMATS
from biorat_al.corpus.formats.sound import BROKEN_FILES, sound_record
from biorat_al.corpus.io.on_disk import OnDisk
from biorat_al.corpus.io.source import Source
from biorat_al.corpus.model.concepts import TMVAR, is_variant, says_more
from biorat_al.corpus.model.document import Annotation, Document, Record
from biorat_al.corpus.model.mismatch import common_shift, shift_text
from biorat_al.corpus.model.slips import slips
from biorat_al.corpus.reading import nothing_left, read_files
from biorat_al.errors import CorpusError
from biorat_al.progress import SILENT, Progress
from biorat_al.wording import plural, verb

OTHER_TEXT = "texts that are not those at their offsets"

WARNED = frozenset({"records without a text"})
"""Kinds of problems that no command refuses and that BigBio's checker accepts."""


@dataclass
class Validation:
    """The result of a validation.

    :param documents: number of documents checked.
    :param problems: number of problems by kind.
    :param messages: the first :data:`~biorat_al.corpus.formats.base.KEPT` problems, each with its place.
    :param warnings: number of warnings by kind.
    :param remarks: the first warnings, likewise.

    >>> from biorat_al import Validation
    >>> validation = Validation(documents=2)
    >>> validation.warn("labels that differ by case alone", "Disease, disease")
    >>> bool(validation.problems), validation.warnings.total()
    (False, 1)
    """

    files: int = 0
    documents: int = 0
    problems: Counter[str] = field(default_factory=Counter)
    messages: list[str] = field(default_factory=list)
    warnings: Counter[str] = field(default_factory=Counter)
    remarks: list[str] = field(default_factory=list)

    def add(self, kind: str, message: str) -> None:
        """Count a problem."""
        self.problems[kind] += 1
        if len(self.messages) < KEPT:
            self.messages.append(message)

    def warn(self, kind: str, message: str, number: int = 1) -> None:
        """Count a warning."""
        self.warnings[kind] += number
        if len(self.remarks) < KEPT:
            self.remarks.append(message)


def validate_corpus(
    paths: Paths,
    *,
    options: ReadOptions = ReadOptions(),  # noqa: B008 - it is frozen
    progress: Progress = SILENT,
) -> Validation:
    """Check every document of files and folders.

    A file that cannot be read to its end counts as one problem; checking goes on with the next file.

    :param options: how to read the files; what they leave out or keep on trust becomes a warning.
    :raises UsageError: the format is unknown, or a file cannot be split that way.
    :raises CorpusError: a path is missing, or a folder holds nothing to read.

    >>> from pathlib import Path
    >>> from biorat_al import validate_corpus
    >>> lines = "17|t|Aspirin helps.|", "17|a|It did.", "17\\t1\\t8\\tAspirin\\tChemical\\tD001241"
    >>> _ = Path("shifted.pubtator").write_text("\\n".join(lines) + "\\n", encoding="utf-8")
    >>> dict(validate_corpus("shifted.pubtator").problems)
    {'texts that are not those at their offsets': 1}
    """
    listed = ReadReport()
    files = list_files(paths, format=options.format, report=listed)
    check_splittable(files, options.split)
    check = _Check(options, len(files))
    validation = check.validation
    with progress.bar("Checking", sum(file.size for file in files), "bytes") as bar:
        for file in files:
            try:
                if isinstance(file.format, BigBioKb):
                    check.kb_file(file)
                else:
                    check.file(file)
            except CorpusError as error:
                validation.add(BROKEN_FILES, str(error))
            bar.advance(file.size)
    if not validation.documents and not validation.problems:
        validation.add("corpora without a document", str(nothing_left(files, check.left_out)))
    check.labels()
    check.titles()
    for skipped in listed.skipped:
        validation.warn("files not read", f"{skipped.path}: not read: {skipped.reason}")
    validation.warnings["files not read"] += listed.skipped_count - len(listed.skipped)
    validation.warnings = +validation.warnings
    return validation


class _Check:
    """A running validation, which remembers what it saw in earlier files."""

    def __init__(self, options: ReadOptions, files: int) -> None:
        self.validation = Validation(files=files)
        self._options = options
        self._kb = KbChecker()
        # for records made from other formats
        self._made = KbRecords()
        self.left_out = ReadReport()
        self._seen = OnDisk()
        self._labels: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._titles = 0
        self._first_title = ""

    def file(self, file: CorpusFile) -> None:
        """Read a file and check its records.

        :raises CorpusError: it cannot be read to its end.
        """
        reading = self._reading()
        try:
            for record in read_files([file], reading):
                self.validation.documents += 1
                self._take_faults(reading.report)
                self._record(record)
                if record.annotation is not None:
                    self._kb_rules(record.document, record.annotation, record.source)
        finally:
            self._take_faults(reading.report)
            self._take_rest(reading.report, str(file.path))

    def kb_file(self, file: CorpusFile) -> None:
        """Check a file of the kb schema, and read it.

        :raises CorpusError: it cannot be read to its end.
        """
        source = Source(file.path)
        try:
            next(kb_rows(source, exact=True), None)
        except CorpusError as error:
            self.validation.add(BROKEN_FILES, str(error))
        reading = self._reading()
        for number, row in enumerate(kb_rows(source), start=1):
            self.validation.documents += 1
            where = f"{file.path}, record {number}"
            try:
                problems = list(self._kb.problems(row, where))
            except (TypeError, KeyError, AttributeError):
                # fields of the wrong type: the reader names them
                problems = []
            for kind, what in problems:
                self.validation.add(kind, f"{where}, document {row['document_id']}: {what}")
            try:
                record = sound_record(kb_record(row, where, split_of(file.path), reading), reading)
            except CorpusError as error:
                record = None
                if not problems:
                    self.validation.add("documents that cannot be read", str(error))
            if problems:
                # the checker has reported these already
                reading.report.faults.clear()
                reading.report.invalid.clear()
            self._take_faults(reading.report)
            if record is not None:
                self._record(record)
        self._take_rest(reading.report, str(file.path))

    def labels(self) -> None:
        """Warn about labels that differ only by case or blanks."""
        for alike in self._labels.values():
            if len(alike) > 1:
                listed = ", ".join(f"{label!r} ({number:,})" for label, number in alike.most_common())
                self.validation.warn("labels that differ by case or blanks alone", f"labels that look alike: {listed}")

    def titles(self) -> None:
        """Say how many documents consist of a title, with the first as an example."""
        if self._titles:
            number = self._titles
            consist = f"{plural(number, 'document')} {verb(number, 'consist')} of a title alone, which one may want to"
            message = f"{self._first_title}: a title without an abstract; {consist} leave out"
            self.validation.warn("documents that are a title alone", message, number)

    def _reading(self) -> Reading:
        reading = Reading(skip_invalid=True, trust_offsets=self._options.trust_offsets, split=self._options.split)
        reading.files = self.validation.files
        return reading

    def _take_faults(self, report: ReadReport) -> None:
        """Report what was left out since the last record: as warnings if the user asked to leave it out."""
        tell = self.validation.warn if self._options.skip_invalid else self.validation.add
        for message in _shifted(report.invalid):
            tell(OTHER_TEXT, message)
        for kind, message in report.faults:
            tell(kind, message)
        report.invalid.clear()
        report.faults.clear()

    def _take_rest(self, report: ReadReport, file: str) -> None:
        """Report what the reader counted for the whole file."""
        self.left_out.left_out.update(report.left_out)
        for kind, number in (report.left_out - report.broken).items():
            messages = [message for known, message in report.unread if known == kind]
            for message in messages:
                self.validation.warn(f"not read: {kind}", f"not read: {message}")
            if number > len(messages):
                left = number - len(messages)
                self.validation.warn(f"not read: {kind}", f"{file}: not read ({left:,}): {kind}", left)
        if report.trusted_count:
            kind = "mentions kept by their offsets"
            count = plural(report.trusted_count, "mention")
            self.validation.warn(kind, f"{file}: {count} kept by the offsets", report.trusted_count)
        for note in report.notes:
            self.validation.warn("files that may not be what they seem", note)

    def _record(self, record: Record) -> None:
        """Check what every format, the store and the writers need of a record, and ids across records."""
        document, annotation, source = record
        where = f"{source}, document {document.id}"
        digest = hashlib.sha256(document.text.encode("utf-8", "surrogatepass")).digest()
        known = self._seen.add(document.id, digest)
        if known == digest:
            self.validation.warn("documents that occur twice", f"{where}: the same id and text occurred before")
        elif known is not None:
            self.validation.add("ids that occur again", f"{source}: the id {document.id!r} belongs to another text")
        if not document.text.strip():
            self.validation.warn("documents without a text", f"{where}: it has no text")
        if document.is_title_alone:
            self._titles += 1
            self._first_title = self._first_title or where
        try:
            line = to_line(document, annotation)
        except CorpusError as error:
            self.validation.add("documents that no format can hold", f"{source}: {error}")
            return
        if "\0" in document.text or "\0" in document.id:
            place = document.text.find("\0")
            what = f"the text holds a NUL character at {place}" if place >= 0 else "the id holds a NUL character"
            self.validation.add("NUL characters", f"{where}: {what}")
        elif "\\u0000" in line:
            self.validation.warn("NUL characters", f"{where}: a label, a passage or metadata hold a NUL character")
        self._targets(document, where)
        if annotation is not None:
            for kind, what in slips(document, annotation):
                self.validation.warn(kind, f"{where}: {what}")
            labels = [entity.label for entity in annotation.entities]
            labels += [relation.label for relation in annotation.relations]
            labels += [relation.label for relation in annotation.concept_relations]
            for label in labels:
                self._labels[" ".join(label.casefold().split())][label] += 1

    def _targets(self, document: Document, where: str) -> None:
        """Warn about documents that `convert` would refuse to write in some formats."""
        names: defaultdict[str, list[str]] = defaultdict(list)
        for known in FORMATS:
            if known.can_write and (refused := known.refusal(document)) is not None:
                names[refused].append(known.name)
        for refused, formats in names.items():
            kind = "documents that some formats cannot hold"
            self.validation.warn(kind, f"{where}: cannot be written as {' or '.join(formats)}: {refused}")

    def _kb_rules(self, document: Document, annotation: Annotation, source: str) -> None:
        """Check a record against the rules of BigBio's kb schema."""
        known = set()
        for kind, what in record_problems(document, annotation):
            known.add(kind)
            tell = self.validation.warn if kind in WARNED else self.validation.add
            tell(kind, f"{source}, document {document.id}: {what}")
        row = self._made.record(document, annotation)
        for kind, what in problems_alone(row):
            if kind not in known and kind not in WARNED:
                self.validation.add(kind, f"{source}, document {document.id}: in BigBio's record, {what}")


def _shifted(invalid: Sequence[InvalidMention]) -> Iterator[str]:
    """Yield the messages of one document's mentions; the first says whether all are shifted by the same distance."""
    shift = common_shift(mention.shift for mention in invalid)
    for number, mention in enumerate(invalid):
        alike = f" ({shift_text(len(invalid), shift)})" if shift is not None and number == 0 else ""
        yield f"{mention.message}{alike}"


def record_problems(document: Document, annotation: Annotation) -> Iterator[Problem]:
    """Yield what BigBio would not accept in a valid document and its annotation."""
    last = 0
    for passage in document.passages:
        if document.text[last : passage.start].strip():
            yield "passages that do not cover the text", f"no passage holds the text at {last}-{passage.start}"
        last = passage.end
    if document.passages and document.text[last:].strip():
        yield "passages that do not cover the text", f"no passage holds the text at {last}-{len(document.text)}"
    for entity in annotation.entities:
        for concept in entity.concepts:
            if concept.database != TMVAR and any(sign in "".join(concept) for sign in JOINERS):
                yield "identifiers in one item", f"the entity {entity.id!r} is linked to {':'.join(concept)}"
        column = entity.extras.get("identifiers")
        if isinstance(column, str) and says_more(column, entity.label) and not is_variant(column, entity.label):
            yield "identifiers joined by other than |", f"the entity {entity.id!r} has the identifiers {column!r}"
    labels = Counter(entity.label for entity in annotation.entities)
    labels.update(relation.label for relation in annotation.relations)
    labels.update(relation.label for relation in annotation.concept_relations)
    for label in labels:
        if any(sign in label for sign in JOINERS):
            yield "types in one item", f"the label {label!r} holds one of {' '.join(JOINERS)}"
