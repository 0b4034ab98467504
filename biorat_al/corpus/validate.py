"""Looks a corpus through and tells everything that is wrong with it, instead of stopping at the first thing.

Files of BigBio's "kb" schema are checked field by field (:mod:`biorat_al.corpus.kb_checks`). Files of any other format
are read, and what was read must be what BigBio could hold: every text in a passage, one identifier in a concept, one
type in a label, and no document with two texts.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from biorat_al.corpus.base import KEPT, InvalidMention, ReadOptions, ReadReport
from biorat_al.corpus.bigbio_reading import BigBioKb, kb_rows
from biorat_al.corpus.identifiers import TMVAR, is_variant, says_more
from biorat_al.corpus.kb_checks import JOINERS, KbChecker, Problem
from biorat_al.corpus.mismatch import common_shift, shift_text
from biorat_al.corpus.model import Annotation, Document, Entity, Span
from biorat_al.corpus.reading import CorpusFile, Paths, list_files, read_corpus
from biorat_al.corpus.slips import slips
from biorat_al.corpus.source import Source
from biorat_al.errors import CorpusError
from biorat_al.progress import SILENT, Progress
from biorat_al.wording import plural


@dataclass
class Validation:
    """What was found.

    :param documents: how many were looked at.
    :param problems: how many there are of each kind.
    :param messages: the first :data:`~biorat_al.corpus.base.KEPT` of them, each with its place.
    """

    files: int = 0
    documents: int = 0
    problems: Counter[str] = field(default_factory=Counter)
    messages: list[str] = field(default_factory=list)

    def add(self, kind: str, message: str) -> None:
        """Count a problem."""
        self.problems[kind] += 1
        if len(self.messages) < KEPT:
            self.messages.append(message)


def validate_corpus(
    paths: Paths,
    *,
    options: ReadOptions = ReadOptions(),  # noqa: B008 - it is frozen
    progress: Progress = SILENT,
) -> Validation:
    """Check every document of files and folders.

    A file that cannot be read further counts as one problem, and the next file is looked at.

    :raises UsageError: the format is not known.
    :raises CorpusError: a path is missing, or a folder holds nothing to read.
    """
    files = list_files(paths, format=options.format)
    validation = Validation(files=len(files))
    kb = KbChecker()
    seen: dict[str, bytes] = {}
    with progress.bar("Checking", sum(file.size for file in files), "bytes") as bar:
        for file in files:
            try:
                if isinstance(file.format, BigBioKb):
                    _check_kb(file, kb, validation)
                else:
                    _check_records(file, seen, validation)
            except CorpusError as error:
                validation.add("files that cannot be read to their end", str(error))
            bar.advance(file.size)
    return validation


def validation_text(validation: Validation, shown: int = 20) -> str:
    """What a person should know of a validation."""
    count = plural(validation.documents, "document")
    if not validation.problems:
        return f"{count}: nothing wrong."
    lines = validation.messages[:shown]
    left = validation.problems.total() - len(lines)
    lines += [f"… and {left:,} more"] if left else []
    lines.append(f"{count}: {validation.problems.total():,} wrong")
    return "\n".join([*lines, *(f"  {number:>9,}  {kind}" for kind, number in validation.problems.most_common())])


def _check_kb(file: CorpusFile, checker: KbChecker, validation: Validation) -> None:
    for number, row in enumerate(kb_rows(Source(file.path), exact=True), start=1):
        validation.documents += 1
        where = f"{file.path}, record {number}"
        for kind, what in (*checker.problems(row, where), *slips(*_mentions(row))):
            validation.add(kind, f"{where}, document {row['document_id']}: {what}")


def _mentions(row: Mapping[str, Any]) -> tuple[Document, Annotation]:
    """The text of a kb record, and the mentions in it whose offsets are inside it."""
    text = " ".join(piece for passage in row["passages"] or () for piece in passage["text"] or ())
    entities = []
    for entity in row["entities"] or ():
        spans = tuple(Span(*offsets) for offsets in entity["offsets"] or () if len(offsets) == 2)
        if spans and all(0 <= start < end <= len(text) for start, end in spans):
            entities.append(Entity(str(entity["id"]), str(entity["type"]), spans))
    return Document(str(row["document_id"]), text), Annotation(tuple(entities))


def _check_records(file: CorpusFile, seen: dict[str, bytes], validation: Validation) -> None:
    report = ReadReport()
    known = 0
    try:
        for record in read_corpus(file.path, format=file.format.name, skip_invalid=True, report=report):
            validation.documents += 1
            for message in _shifted(report.invalid[known:]):
                validation.add("texts that are not those at their offsets", message)
            known = len(report.invalid)
            digest = hashlib.sha256(record.document.text.encode("utf-8", "surrogatepass")).digest()
            if seen.setdefault(record.document.id, digest) != digest:
                validation.add(
                    "ids that occur again", f"{record.source}: the id {record.document.id!r} is that of another text"
                )
            for kind, what in record_problems(record.document, record.annotation or Annotation()):
                validation.add(kind, f"{record.source}, document {record.document.id}: {what}")
    finally:
        if report.invalid_count > known:
            validation.problems["texts that are not those at their offsets"] += report.invalid_count - known


def _shifted(invalid: Sequence[InvalidMention]) -> Iterator[str]:
    """Yield the messages of one document's mentions; the first says so if all of them are shifted alike."""
    shift = common_shift(mention.shift for mention in invalid)
    for number, mention in enumerate(invalid):
        alike = f" ({shift_text(len(invalid), shift)})" if shift is not None and number == 0 else ""
        yield f"{mention.message}{alike}"


def record_problems(document: Document, annotation: Annotation) -> Iterator[Problem]:
    """What of a document and its annotation, which can stand, BigBio would not have so."""
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
    yield from slips(document, annotation)
