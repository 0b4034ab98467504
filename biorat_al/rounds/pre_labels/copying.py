"""Copying pre-labels and dictionaries into a new project."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from sqlalchemy.orm import Session

from biorat_al.corpus.detection import list_files
from biorat_al.corpus.formats.base import ReadOptions, ReadReport
from biorat_al.corpus.formats.jsonl import write_jsonl
from biorat_al.corpus.model.document import Annotation, Document, Entity, Record
from biorat_al.corpus.model.identity import text_mark
from biorat_al.corpus.notices import reading_lines
from biorat_al.corpus.reading import read_with
from biorat_al.corpus.sources import Sources
from biorat_al.dictionary.matching import Matcher
from biorat_al.dictionary.reading import DictionaryReport, read_dictionary
from biorat_al.errors import CorpusError, FormatError, LabelError, UsageError
from biorat_al.progress import Progress
from biorat_al.rounds.borrowing.kept import digest_of, slug_of
from biorat_al.rounds.pre_labels.kept import FOLDER, FoundIn, Labels, write_record
from biorat_al.settings import Dictionary, PreLabelFile, Settings
from biorat_al.store.documents import documents_by_key, iterate_documents
from biorat_al.wording import plural

CHUNK = 200

NOT_OURS = "documents that the project does not have"
NOT_LOOKED_AT = "documents without annotations"
TWICE = "documents that had pre-labels already"
ELSEWHERE = "mentions whose text is not at their place in the project's document"
UNUSABLE = "names of fewer than two characters, or without a letter"
AMBIGUOUS = "identifiers of names that have several, so that no concept is proposed"


def check_pre_labels(settings: Settings, sources: Sources) -> None:
    """Check what can be checked before documents are read.

    :raises UsageError: a dictionary has no label, or one that the project does not have; or a file is missing.
    """
    for path in sources.pre_labels:
        if not Path(path).exists():
            raise UsageError(f"--pre-labels {path}: there is no such file or folder")
    for given in sources.dictionaries:
        dictionary_of(given, settings.labels)


def dictionary_of(given: str, labels: Sequence[str]) -> tuple[Path, str]:
    """Return file and label of a dictionary.

    :param given: ``FILE``, in a project with one label, or ``FILE=LABEL``.
    :raises UsageError: the label is missing or unknown, or there is no such file.
    """
    whole = Path(given)
    file, separator, label = given.rpartition("=")
    if whole.is_file() or not separator:
        if len(labels) > 1:
            raise UsageError(f"--dictionary {given}: say which label its names have: {given}={labels[0]}")
        path, label = whole, labels[0]
    else:
        path = Path(file)
    if label not in labels:
        raise UsageError(f"--dictionary {given}: {label!r} is not one of the labels {', '.join(labels)}")
    if not path.is_file():
        raise UsageError(f"--dictionary {given}: there is no file {path}")
    return path, label


def keep_pre_labels(
    session: Session, folder: Path, settings: Settings, sources: Sources, progress: Progress
) -> Settings:
    """Copy pre-labels and dictionaries into the project in `folder`; return the settings that name the copies.

    :param session: session of the project's database, which has its documents.
    :raises LabelError: no label of a file of pre-labels counts as one of the project's.
    :raises CorpusError: a file cannot be read, or has nothing for this project.
    """
    (folder / FOLDER).mkdir(exist_ok=True)
    found: list[FoundIn] = []
    files: list[PreLabelFile] = []
    dictionaries: list[Dictionary] = []
    if sources.pre_labels:
        copier = _Copier(session, settings, sources.reading, progress)
        copier.note_documents()
        for given in sources.pre_labels:
            path = Path(given)
            file = _place(len(found) + 1, path, ".jsonl")
            found.append(copier.copied(path, folder, file))
            files.append(PreLabelFile(file=file, name=path.resolve().name, sha256=digest_of(folder / file)))
    for given in sources.dictionaries:
        path, label = dictionary_of(given, settings.labels)
        file = _place(len(found) + 1, path, "".join(path.suffixes[-2:]) if path.suffix == ".gz" else path.suffix)
        with progress.bar(f"Reading {path.name}"):
            found.append(_dictionary_found(path, label, file))
        shutil.copyfile(path, folder / file)
        dictionaries.append(Dictionary(file=file, name=path.name, label=label, sha256=digest_of(folder / file)))
    write_record(folder, found)
    return settings.model_copy(update={"pre_labels": tuple(files), "dictionary": tuple(dictionaries)})


def _place(number: int, path: Path, suffix: str) -> str:
    return f"{FOLDER}/{number}-{slug_of(path.resolve().name, 'file')}{suffix.lower()}"


def _dictionary_found(path: Path, label: str, file: str) -> FoundIn:
    """Read a dictionary, and return what can be found with it."""
    report = DictionaryReport()
    matcher = Matcher(read_dictionary(path, report), label)
    if not matcher.names:
        raise FormatError(f"the dictionary has no name that could be found: {UNUSABLE}", source=str(path))
    left_out = report.left_out + Counter({UNUSABLE: matcher.unusable, AMBIGUOUS: matcher.ambiguous})
    return FoundIn(file, names=matcher.names, left_out=dict(left_out))


@dataclass
class _Copier:
    """Copies the pre-labels of the project's documents, file by file."""

    session: Session
    settings: Settings
    options: ReadOptions
    progress: Progress
    ids: set[str] = field(default_factory=set)
    by_text: dict[bytes, str] = field(default_factory=dict)

    def note_documents(self) -> None:
        """Take note of the project's documents, by which those in the files are recognised."""
        for split in ("pool", "test"):
            for _, document in iterate_documents(self.session, split):
                self.ids.add(document.id)
                self.by_text.setdefault(text_mark(document.text), document.id)

    def copied(self, path: Path, folder: Path, file: str) -> FoundIn:
        """Copy a file of pre-labels, and return what was found in it."""
        # what is broken in predictions is left out and counted: nobody can repair another program's output
        reading = ReadOptions(None, True, self.options.trust_offsets, self.options.split)
        read = ReadReport()
        files = list_files([path], report=read)
        name = path.resolve().name
        mentions: Counter[str] = Counter()
        left_out: Counter[str] = Counter()

        def kept() -> Iterator[Record]:
            with self.progress.bar(f"Reading {name}", total=files.size, unit="bytes") as bar:
                records = read_with(reading, files, report=read, on_bytes=bar.advance)
                for record in self._ours(records, left_out):
                    if record.annotation is not None:
                        mentions.update(entity.label for entity in record.annotation.entities)
                    yield record

        documents = write_jsonl(folder / file, kept())
        for line in reading_lines(read):
            self.progress.say(line if line.startswith(" ") else f"{name}: {line}")
        if not documents:
            why = "; ".join(f"{count:,} {kind}" for kind, count in left_out.items())
            raise CorpusError(f"it has no pre-labels for a document of the project: {why}", source=str(path))
        labels = Labels(self.settings)
        if mentions and not any(labels.of(label) for label in mentions):
            raise LabelError(
                f"none of the labels in {name} counts as one of the project's: {', '.join(map(repr, mentions))}; "
                f"say which does: --entity {self.settings.labels[0]}={next(iter(mentions))}"
            )
        return FoundIn(file, documents, dict(sorted(mentions.items())), left_out=dict(left_out))

    def _ours(self, records: Iterator[Record], left_out: Counter[str]) -> Iterator[Record]:
        """Yield the records of the project's documents, with the project's ids and texts."""
        seen: set[str] = set()
        while some := list(islice(records, CHUNK)):
            known = [self._id_of(record.document) for record in some]
            ours = documents_by_key(self.session, [key for key in known if key is not None])
            for record, key in zip(some, known, strict=True):
                if key is None or key not in ours:
                    left_out[NOT_OURS] += 1
                elif record.annotation is None:
                    left_out[NOT_LOOKED_AT] += 1
                elif key in seen:
                    left_out[TWICE] += 1
                else:
                    seen.add(key)
                    yield _moved(record.document, record.annotation, ours[key][1], record.source, left_out)

    def _id_of(self, document: Document) -> str | None:
        """Return the id of the project's document with this id, or else with this text, or None."""
        return document.id if document.id in self.ids else self.by_text.get(text_mark(document.text))


def _moved(theirs: Document, annotation: Annotation, ours: Document, source: str, left_out: Counter[str]) -> Record:
    """Return the mentions on our text; those whose text is not at the same place there are left out and counted."""
    kept: list[Entity] = []
    for number, entity in enumerate(annotation.entities, start=1):
        # another white space between title and abstract moves nothing
        same = entity.end <= len(ours.text) and _plain(entity.surface(theirs.text)) == _plain(entity.surface(ours.text))
        if not same:
            left_out[ELSEWHERE] += 1
            continue
        kept.append(Entity(f"p{number}", entity.label, entity.spans, entity.concepts, entity.score))
    return Record(Document(ours.id, ours.text), Annotation(tuple(kept)), source)


def _plain(text: str) -> str:
    return " ".join(text.split())


def left_out_lines(found: FoundIn) -> list[str]:
    """Return a line for each kind of thing that was left out."""
    return [f"{count:,} {kind}" for kind, count in found.left_out.items()]


def in_words(found: FoundIn, label: str | None) -> str:
    """Return what was found in a file."""
    if label is not None:
        return f"{plural(found.names, 'name')}, as {label}"
    return f"{plural(found.documents, 'document')}, {plural(sum(found.mentions.values()), 'mention')}"
