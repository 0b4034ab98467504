"""Copying corpora that others annotated into a new project, apart from the project's own documents."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from sqlalchemy.orm import Session

from biorat_al.corpus.detection import list_files
from biorat_al.corpus.formats.base import Reading, ReadOptions, ReadReport
from biorat_al.corpus.formats.jsonl import write_jsonl
from biorat_al.corpus.hub.address import HubAddress, is_hub_address
from biorat_al.corpus.model.document import Annotation, Document, Record
from biorat_al.corpus.model.identity import text_mark
from biorat_al.corpus.notices import reading_lines
from biorat_al.corpus.reading import read_with
from biorat_al.corpus.sources import Sources
from biorat_al.errors import CorpusError, LabelError, UsageError
from biorat_al.progress import Progress
from biorat_al.rounds.borrowing.kept import FOLDER, KeptCorpus, digest_of, slug_of, write_record
from biorat_al.settings import BorrowedCorpus, Settings
from biorat_al.store.documents import iterate_documents
from biorat_al.wording import inflected, plural

LONG = 200
"""Letters and signs, without white space, from which a passage identifies a text: an abstract, not a title."""

SAME_ID = "with the id of a document of the project"
SAME_TEXT = "with the text of a document of the project"
SAME_PASSAGE = "with a passage in common with a document of the project"
TWICE = "that had been borrowed before, with the same mentions"
NOT_ANNOTATED = "without annotations"

_LICENSE_KEYS = ("license", "licence")


@dataclass
class OurDocuments:
    """The project's documents, by which those that may not be borrowed are recognised."""

    ids: set[str] = field(default_factory=set)
    texts: set[bytes] = field(default_factory=set)
    passages: set[bytes] = field(default_factory=set)

    @classmethod
    def of(cls, documents: Iterable[Document]) -> OurDocuments:
        """Take note of the documents of a project's pool and test set."""
        ours = cls()
        for document in documents:
            ours.ids.add(document.id)
            ours.texts.add(text_mark(document.text))
            ours.passages.update(_long_passages(document))
        return ours

    def reason(self, document: Document) -> str | None:
        """Return why a document may not be borrowed; None if it may."""
        if document.id in self.ids:
            return SAME_ID
        if text_mark(document.text) in self.texts:
            return SAME_TEXT
        if not self.passages.isdisjoint(_long_passages(document)):
            return SAME_PASSAGE
        return None


def check_borrowing(settings: Settings, sources: Sources) -> None:
    """Check the options for borrowing before anything is read.

    :raises UsageError: the settings say which labels to borrow, and nothing is borrowed; or an address on the hub is
        not of the right form.
    """
    if settings.borrow.entities and not sources.borrow:
        raise UsageError("--borrow-entity is for --borrow, which names a corpus that others annotated")
    for place in map(str, sources.borrow):
        if is_hub_address(place):
            HubAddress.parse(place)


def borrow(
    session: Session, folder: Path, settings: Settings, sources: Sources, progress: Progress
) -> tuple[Settings, list[KeptCorpus]]:
    """Copy the corpora that `sources` borrows into the project in `folder`; return the settings that name the copies.

    A document is left out, and counted, if it shares its id, its text, or a long passage (an abstract, say) with a
    document of the pool or of the test set; texts are compared without white space and case. Only mentions are copied.

    :param session: session of the project's database, which has its documents.
    :raises UsageError: the number of licences does not fit the number of corpora.
    :raises LabelError: no label of a corpus counts as one of the project's, or nothing can be borrowed for a label that
        the options name.
    :raises CorpusError: nothing is left of a corpus, or it cannot be read.
    """
    licenses = _licenses(sources)
    documents = (document for split in ("pool", "test") for _, document in iterate_documents(session, split))
    copier = Copier(folder, sources.reading, OurDocuments.of(documents), progress)
    corpora = [copier.copied(str(path), stated) for path, stated in zip(sources.borrow, licenses, strict=True)]
    _check_labels(settings, corpora)
    write_record(folder, corpora)
    entries = tuple(BorrowedCorpus(file=one.file, name=one.name, license=one.license) for one in corpora)
    return settings.model_copy(update={"borrow": settings.borrow.model_copy(update={"corpora": entries})}), corpora


class Original(NamedTuple):
    """A corpus that is copied.

    :param name: how the copy is told from others: the name of a file or folder, or an address on the hub.
    :param slug: what the copy's file is named after.
    :param size: its size, and the unit of that.
    :param read: a function that yields its records, and calls another one with the size of what it has read.
    :param license: as its files or its card state it; None if they do not.
    """

    name: str
    slug: str
    size: tuple[int, str]
    read: Callable[[Callable[[int], object]], Iterator[Record]]
    license: str | None


@dataclass
class Copier:
    """Copies one corpus after the other.

    :param folder: the project's folder.
    :param options: how its documents are read.
    :param before: marks of the documents copied so far.
    """

    folder: Path
    options: ReadOptions
    ours: OurDocuments
    progress: Progress
    before: set[bytes] = field(default_factory=set)
    number: int = 0

    def copied(self, place: str, stated: str | None) -> KeptCorpus:
        """Copy a corpus.

        :param place: a file, a folder, or an address on the Hugging Face hub.
        :param stated: its licence as the user gave it; None takes the one that the corpus states.
        """
        read = ReadReport()
        original = self._on_hub(place, read) if is_hub_address(place) else self._on_disk(Path(place), read)
        left_out: Counter[str] = Counter()
        mentions: Counter[str] = Counter()
        splits: Counter[str] = Counter()
        licenses: set[str] = set()

        def kept() -> Iterator[Record]:
            total, unit = original.size
            with self.progress.bar(f"Borrowing {original.name}", total=total, unit=unit) as bar:
                for record in original.read(bar.advance):
                    reason = self._reason(record)
                    if reason is not None or record.annotation is None:
                        left_out[reason or NOT_ANNOTATED] += 1
                        continue
                    mentions.update(entity.label for entity in record.annotation.entities)
                    licenses.update(_license_of(record.document.metadata))
                    splits.update(_split_of(record.document.metadata))
                    yield Record(record.document, Annotation(record.annotation.entities), record.source)

        self.number += 1
        (self.folder / FOLDER).mkdir(exist_ok=True)
        file = f"{FOLDER}/{self.number}-{slug_of(original.slug, 'corpus')}.jsonl"
        documents = write_jsonl(self.folder / file, kept())
        for line in reading_lines(read):
            self.progress.say(line if line.startswith(" ") else f"{original.name}: {line}")
        if not documents:
            reasons = "; ".join(f"{plural(count, 'document')} {reason}" for reason, count in left_out.most_common())
            raise CorpusError(f"no document is left to borrow: {reasons}; name another corpus", source=place)
        license_ = stated or original.license or ", ".join(sorted(licenses)) or None
        sha256 = digest_of(self.folder / file) or ""
        return KeptCorpus(
            file,
            original.name,
            sha256,
            documents,
            dict(sorted(mentions.items())),
            dict(left_out),
            license_,
            dict(splits),
        )

    def _on_disk(self, path: Path, read: ReadReport) -> Original:
        """Return the corpus in a file or folder."""
        # the option for the format is that of the project's documents
        options = ReadOptions(None, self.options.skip_invalid, self.options.trust_offsets, self.options.split)
        files = list_files([path], report=read)
        name = path.resolve().name
        return Original(
            name,
            name,
            (files.size, "bytes"),
            lambda advance: read_with(options, files, report=read, on_bytes=advance),
            _license_beside(path),
        )

    def _on_hub(self, place: str, read: ReadReport) -> Original:
        """Return the corpus under an address on the Hugging Face hub, downloaded."""
        # datasets takes a second to import
        from biorat_al.corpus.hub.client import find
        from biorat_al.corpus.hub.corpus import read_found

        self.progress.say(f"Looking for {place} on the Hugging Face hub.")
        found = find(HubAddress.parse(place))
        self.progress.say(
            f"Found {found.address} with {inflected(len(found.splits), 'split')} {', '.join(found.splits)}."
        )
        for note in found.notes:
            self.progress.say(f"{place}: {note}")
        reading = Reading(skip_invalid=self.options.skip_invalid, trust_offsets=self.options.trust_offsets, report=read)
        return Original(
            str(found.address),
            f"{found.address.repository}-{found.address.config}",
            (found.rows, "document"),
            lambda advance: read_found(found, reading, advance),
            found.license,
        )

    def _reason(self, record: Record) -> str | None:
        """Return why a document is not borrowed; None if it is."""
        if record.annotation is None:
            return NOT_ANNOTATED
        reason = self.ours.reason(record.document)
        if reason is not None:
            return reason
        found = sorted(json.dumps([entity.label, *map(list, entity.spans)]) for entity in record.annotation.entities)
        mark = text_mark(record.document.text) + hashlib.blake2b("\n".join(found).encode(), digest_size=16).digest()
        if mark in self.before:
            return TWICE
        self.before.add(mark)
        return None


def _check_labels(settings: Settings, corpora: Sequence[KeptCorpus]) -> None:
    """Check that each corpus has a label that the project uses, and each label that is to be borrowed a source."""
    mapping = settings.borrow.mapping(settings.entities)
    for corpus in corpora:
        if not corpus.labels(mapping):
            labels = ", ".join(repr(label) for label in corpus.mentions) or "none"
            raise LabelError(
                f"nothing can be borrowed from {corpus.name}: its labels are {labels}, and none of them counts as one "
                f"of the project's; say which does: --borrow-entity {settings.labels[0]}=LABEL,LABEL"
            )
    present = {label for corpus in corpora for label in corpus.mentions}
    for entity in settings.borrow.entities:
        missing = [source for source in entity.sources or (entity.name,) if source not in present]
        if missing:
            raise LabelError(
                f"no borrowed document has the label {missing[0]!r}, which is to count as {entity.name!r}; the labels "
                f"there are {', '.join(map(repr, sorted(present)))}"
            )


def _licenses(sources: Sources) -> list[str | None]:
    """Return the licence of each borrowed corpus, as the user states it."""
    given = [license_.strip() for license_ in sources.borrow_licenses]
    if not all(given):
        raise UsageError("--borrow-license is empty; leave it out if it is not known")
    if len(given) not in (0, 1, len(sources.borrow)):
        raise UsageError(
            f"--borrow-license is given {plural(len(given), 'time')}, and --borrow "
            f"{plural(len(sources.borrow), 'time')}: give one licence for all corpora, or one for each, in the same "
            "order"
        )
    if len(given) == len(sources.borrow):
        return [*given]
    return [given[0] if given else None] * len(sources.borrow)


def _license_of(metadata: Any) -> list[str]:
    """Return the licence that a document's metadata states, if any."""
    values = (metadata.get(key) for key in _LICENSE_KEYS)
    return [value.strip() for value in values if isinstance(value, str) and value.strip()]


def _split_of(metadata: Any) -> list[str]:
    """Return the split that a document's metadata states, if any."""
    split = metadata.get("split")
    return [split] if isinstance(split, str) and split else []


def _license_beside(path: Path) -> str | None:
    """Return the licence that a folder's data card or description of a dataset states; None if it has none."""
    folder = path if path.is_dir() else path.parent
    found: Any = None
    try:
        if (folder / "dataset_info.json").is_file():
            found = json.loads((folder / "dataset_info.json").read_text(encoding="utf-8")).get("license")
        if not found and path.is_dir() and (folder / "README.md").is_file():
            text = (folder / "README.md").read_text(encoding="utf-8")
            header = re.match(r"---\n(.*?)\n---\n", text, flags=re.DOTALL)
            found = yaml.safe_load(header[1]).get("license") if header else None
    except (OSError, ValueError, AttributeError, yaml.YAMLError):
        return None
    return found.strip() if isinstance(found, str) and found.strip() not in ("", "unknown") else None


def _long_passages(document: Document) -> Iterator[bytes]:
    """Yield the marks of a document's long passages, and of its whole text if that is long."""
    texts = [document.text, *(document.text[one.start : one.end] for one in document.passages)]
    for text in texts:
        if len("".join(text.split())) >= LONG:
            yield text_mark(text)
