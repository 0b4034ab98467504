"""The borrowed documents in a project's folder, apart from the project's own.

They are files and not rows of the database, so that nothing that counts, exports or chooses documents can meet them.
A project's folder holds::

    borrowed/corpora.json        what is known about each corpus, with the digest of its copy
    borrowed/1-<name>.jsonl      the copy, without what was left out
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from biorat_al.corpus.model.unasked import Unasked
from biorat_al.errors import ProjectError
from biorat_al.learner.types import Example
from biorat_al.settings import SETTINGS_FILE, EntityType, Settings
from biorat_al.wording import plural

FOLDER = "borrowed"
RECORD = f"{FOLDER}/corpora.json"

NOT_STATED = "not stated"


@dataclass(frozen=True, slots=True)
class KeptCorpus:
    """A borrowed corpus.

    :param file: its copy, relative to the project's folder.
    :param sha256: digest of the copy.
    :param documents: documents in the copy.
    :param mentions: mentions in the copy, by the corpus's own label.
    :param left_out: documents that were left out when it was copied, by reason.
    :param splits: documents in the copy by split, if they state one.
    """

    file: str
    name: str
    sha256: str
    documents: int
    mentions: Mapping[str, int]
    left_out: Mapping[str, int] = field(default_factory=dict)
    license: str | None = None
    splits: Mapping[str, int] = field(default_factory=dict)

    def labels(self, mapping: Mapping[str, str]) -> frozenset[str]:
        """Return the project's labels that the corpus has annotated.

        :param mapping: the project's label by the corpus's label.
        """
        return frozenset(mapping[label] for label in self.mentions if label in mapping)


def write_record(folder: Path, corpora: Sequence[KeptCorpus]) -> None:
    """Write what is known about the borrowed corpora of the project in `folder`."""
    text = json.dumps([asdict(corpus) for corpus in corpora], indent=2, ensure_ascii=False) + "\n"
    (folder / RECORD).write_text(text, encoding="utf-8")


def recorded_corpora(folder: Path) -> list[KeptCorpus]:
    """Return what is known about the borrowed corpora of the project in `folder`; an empty list if it has none.

    :raises ProjectError: the record is damaged.
    """
    path = folder / RECORD
    try:
        return [KeptCorpus(**values) for values in json.loads(path.read_text(encoding="utf-8"))]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError) as error:
        raise ProjectError(f"{path} is damaged ({error}); put it back from a backup") from None


def borrowed_corpora(folder: Path, settings: Settings) -> list[KeptCorpus]:
    """Return the corpora that the settings borrow, with the licence that the settings state.

    :raises ProjectError: `init` has not copied a file that the settings name.
    """
    if not settings.borrow.corpora:
        return []
    known = {corpus.file: asdict(corpus) for corpus in recorded_corpora(folder)}
    found = []
    for corpus in settings.borrow.corpora:
        if corpus.file not in known:
            raise ProjectError(
                f"{folder / SETTINGS_FILE} borrows {corpus.file}, which is not among the corpora in {folder / RECORD}; "
                "remove its entry, or put the folder back from a backup"
            )
        found.append(KeptCorpus(**known[corpus.file] | {"license": corpus.license}))
    return found


def check_copies(folder: Path, corpora: Sequence[KeptCorpus]) -> None:
    """Check that the copies are as they were made.

    :raises ProjectError: a copy is missing or was changed.
    """
    for corpus in corpora:
        path = folder / corpus.file
        found = digest_of(path)
        if found != corpus.sha256:
            what = "is missing" if found is None else "is damaged or was changed"
            raise ProjectError(
                f"the borrowed corpus {path} {what}; put it back from a backup, or remove its entry under "
                f"[[borrow.corpora]] in {folder / SETTINGS_FILE} to go on without it"
            )


def slug_of(name: str, otherwise: str) -> str:
    """Return the name of a file as a part of a file name or version, without its endings.

    :param otherwise: what is returned if nothing is left.
    """
    return re.sub(r"[^A-Za-z0-9]+", "-", name.partition(".")[0]).strip("-")[:40] or otherwise


def digest_of(path: Path) -> str | None:
    """Return the sha256 of a file; None if it does not exist."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None


def borrowed_examples(folder: Path, corpora: Sequence[KeptCorpus], settings: Settings) -> list[Example]:
    """Return the borrowed documents with the project's labels.

    Labels of the project that a corpus does not have are unknown in its documents, not absent. Mentions of labels that
    the project does not use are left out.
    """
    # the formats take long to import, and not every command reads documents
    from biorat_al.corpus.reading import read_corpus

    mapping = settings.borrow.mapping(settings.entities)
    examples = []
    for corpus in corpora:
        unasked = Unasked(frozenset(settings.labels) - corpus.labels(mapping))
        for record in read_corpus(folder / corpus.file, format="jsonl"):
            if record.annotation is None:
                continue
            entities = tuple(
                replace(entity, label=mapping[entity.label])
                for entity in record.annotation.entities
                if entity.label in mapping
            )
            examples.append(Example(record.document, entities, unasked=unasked))
    return examples


def borrowed_labels(corpora: Sequence[KeptCorpus], settings: Settings) -> tuple[str, ...]:
    """Return the project's labels that at least one corpus has annotated, in the order of the settings."""
    mapping = settings.borrow.mapping(settings.entities)
    annotated = frozenset[str]().union(*(corpus.labels(mapping) for corpus in corpora))
    return tuple(label for label in settings.labels if label in annotated)


def provenance_of(corpora: Sequence[KeptCorpus]) -> list[dict[str, Any]]:
    """Return what a model's folder and an export state about borrowed corpora (JSON values)."""
    return [
        {
            "name": corpus.name,
            "license": corpus.license or NOT_STATED,
            "documents": corpus.documents,
            "sha256": corpus.sha256,
            **({"splits": dict(corpus.splits)} if corpus.splits else {}),
        }
        for corpus in corpora
    ]


def told(folder: Path, settings: Settings) -> str | None:
    """Return what a project borrows, in words, even if its record is missing; None if it borrows nothing."""
    try:
        return in_words(borrowed_corpora(folder, settings)) or None
    except ProjectError as error:
        return f"{', '.join(corpus.name for corpus in settings.borrow.corpora)} ({error})"


def in_words(corpora: Sequence[KeptCorpus]) -> str:
    """Return the corpora with their licences in one line."""
    return "; ".join(
        f"{corpus.name} ({plural(corpus.documents, 'document')}; licence: {corpus.license or NOT_STATED})"
        for corpus in corpora
    )


def mapped_labels(corpora: Sequence[KeptCorpus], mapping: Mapping[str, str], entities: Sequence[EntityType]) -> str:
    """Return which labels of the corpora count as which of the project's: ``Disease = Illness, Syndrome``."""
    present = {label for corpus in corpora for label in corpus.mentions}
    parts = []
    for entity in entities:
        sources = [source for source, label in mapping.items() if label == entity.name and source in present]
        if sources:
            parts.append(entity.name if sources == [entity.name] else f"{entity.name} = {', '.join(sources)}")
    return "; ".join(parts)
