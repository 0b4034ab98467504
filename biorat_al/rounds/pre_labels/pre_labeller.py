"""What predicts documents from a file of pre-labels, or with a dictionary.

In the store it is a model like others, under a version that names its content. So the tasks, and the answers that
started from these pre-labels, say where they came from.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sqlalchemy.orm import Session

from biorat_al.corpus.model.document import Document, Entity, Span
from biorat_al.corpus.model.identity import mention_key
from biorat_al.corpus.segments import PartOfDocument, annotation_within
from biorat_al.dictionary.matching import Matcher
from biorat_al.dictionary.reading import read_dictionary
from biorat_al.errors import ProjectError
from biorat_al.rounds.borrowing.kept import digest_of, slug_of
from biorat_al.rounds.context import Context
from biorat_al.rounds.pre_labels.kept import KeptFile, Labels, kept_files
from biorat_al.settings import SETTINGS_FILE, Settings
from biorat_al.store.annotations import chunks, entity_values
from biorat_al.store.documents import documents_by_id
from biorat_al.store.models import add_predictions, note_source, predicted_documents, sources_of
from biorat_al.store.parts.segments import parts_of
from biorat_al.store.rounds import all_rounds, steps_of
from biorat_al.store.store import now

RULES = 2
"""Number of the dictionary's rules; a change of them changes the versions. In rules 1 an accent alone was a word."""

CHUNK = 512

FILES = "pre_label_files"
"""Key of the files' digests in the counts of the step ``push``."""


@dataclass(frozen=True, slots=True)
class PreLabeller:
    """A file of pre-labels, or a dictionary, that predicts documents.

    :param path: the file.
    :param sha256: its digest now.
    :param version: names the project, the file and its content.
    :param matchers: the dictionaries that were read in this run of the round, by digest and label: reading a large one
        takes seconds, and several steps use it.
    """

    kept: KeptFile
    path: Path
    sha256: str
    version: str
    settings: Settings
    matchers: dict[tuple[str, str], Matcher] = field(default_factory=dict, compare=False, repr=False)

    @property
    def title(self) -> str:
        """What it is, for people."""
        return self.kept.title

    def predicted(
        self, documents: Mapping[int, Document], parts: Mapping[int, PartOfDocument] = MappingProxyType({})
    ) -> dict[int, tuple[Entity, ...]]:
        """Return the mentions in documents, by row id; a document that a file of pre-labels lacks is left out.

        :param parts: what each segment among them is a part of. A file has whole documents: a segment gets the mentions
            that lie within it.
        """
        if self.kept.label is not None:
            matcher = self._matcher(self.kept.label)
            return {row_id: matcher.entities(document.text) for row_id, document in documents.items()}
        # the formats take long to import, and not every command reads documents
        from biorat_al.corpus.reading import read_corpus

        wanted: dict[str, list[tuple[int, PartOfDocument]]] = {}
        for row_id, document in documents.items():
            part = parts.get(row_id) or PartOfDocument(document, Span(0, len(document.text)))
            wanted.setdefault(part.document.id, []).append((row_id, part))
        labels = Labels(self.settings)
        found: dict[int, tuple[Entity, ...]] = {}
        for record in read_corpus(self.path, format="jsonl"):
            for row_id, part in wanted.get(record.document.id, ()):
                if record.annotation is None or record.document.text != part.document.text:
                    continue
                entities = annotation_within(record.annotation, part.span).entities
                found.setdefault(row_id, _with_labels(entities, labels))
        return found

    def _matcher(self, label: str) -> Matcher:
        key = self.sha256, label
        if key not in self.matchers:
            self.matchers[key] = Matcher(read_dictionary(self.path), label)
        return self.matchers[key]

    def note(self, session: Session, number: int) -> None:
        """Record it as a model, if it is not known yet.

        :param number: the round that uses it.
        """
        summary: dict[str, Any] = {"kind": self.kept.kind, "name": self.kept.name, "file": self.kept.file}
        if self.kept.label is not None:
            summary |= {"label": self.kept.label, "rules": RULES}
        note_source(session, self.version, number, self.sha256, summary, now())


def pre_labellers(context: Context) -> list[PreLabeller]:
    """Return the project's pre-labellers in their order: files of pre-labels, then dictionaries.

    :raises ProjectError: a file is missing.
    """
    return [_pre_labeller(context, kept) for kept in kept_files(context.settings)]


def changed_files(session: Session, found: Sequence[PreLabeller], number: int) -> list[str]:
    """Return a sentence for each file that was changed since a round last used it, or since the project was made.

    :param number: this round, whose own use does not count.
    """
    used = _used_before(session, number)
    told = []
    for one in found:
        before = used.get(one.kept.file, one.kept.sha256)
        if before is not None and before != one.sha256:
            since = "the last round" if one.kept.file in used else "the project was made"
            told.append(f"{one.title} ({one.kept.file}) was changed since {since}; its new content counts from now on")
    return told


def digests(found: Sequence[PreLabeller]) -> dict[str, str]:
    """Return what a round records of its files, so that the next one knows whether they were changed."""
    return {one.kept.file: one.sha256 for one in found}


def _used_before(session: Session, number: int) -> dict[str, str]:
    """Return the digest of each file when a round before this one last used it, by its place."""
    # earlier versions recorded each content once, with the round that used it first
    used = {row.summary["file"]: row.sha256 for row in sources_of(session) if row.round_number < number}
    for row in all_rounds(session):
        if row.number < number:
            for step in steps_of(session, row.number):
                if step.name == "push":
                    used |= step.counts.get(FILES, {})
    return used


def predict_with(context: Context, labeller: PreLabeller, document_ids: Sequence[int]) -> None:
    """Write the predictions of a pre-labeller for what has none of it yet; each chunk is committed.

    :param document_ids: row ids of documents and segments.
    """
    context.check_lock()
    with context.store.write() as session:
        labeller.note(session, context.number)
    with context.store.read() as session:
        done = predicted_documents(session, labeller.version)
        left = [row_id for row_id in document_ids if row_id not in done]
        documents = documents_by_id(session, left, check=True)
        parts = parts_of(session, left)
    if not left:
        return
    with context.progress.bar(f"Pre-labelling with {labeller.kept.name}", total=len(left), unit="document") as bar:
        found = labeller.predicted({row_id: documents[row_id] for row_id in left}, parts)
        for some in chunks([row_id for row_id in left if row_id in found], CHUNK):
            context.check_lock()
            with context.store.write() as session:
                add_predictions(session, [_row(labeller.version, row_id, found[row_id]) for row_id in some])
            bar.advance(len(some))


def _row(version: str, document_id: int, entities: Sequence[Entity]) -> dict[str, Any]:
    """Return the row of a prediction; uncertainties, which only models have, are 0, and so is an unknown confidence."""
    scores = [entity.score for entity in entities if entity.score is not None]
    known = bool(scores) and len(scores) == len(entities)
    return {
        "model_version": version,
        "document_id": document_id,
        "confidence": sum(scores) / len(scores) if known else 0.0,
        "tokens": 0,
        **dict.fromkeys(("least_confidence", "margin", "entropy", "mnlp", "entity_entropy"), 0.0),
        "entities": [entity_values(entity) for entity in entities],
        "relations": [],
    }


def _pre_labeller(context: Context, kept: KeptFile) -> PreLabeller:
    path = context.folder / kept.file
    sha256 = digest_of(path)
    if sha256 is None:
        table = "pre_labels" if kept.kind == "pre-labels" else "dictionary"
        raise ProjectError(
            f"{kept.title} is gone: there is no {path}; put it back from a backup, or remove its entry under "
            f"[[{table}]] in {context.folder / SETTINGS_FILE} to go on without it"
        )
    settings = context.settings
    shaping = f"{RULES} {kept.label}" if kept.label is not None else Labels(settings).text
    content = hashlib.sha256(f"{kept.kind}\n{sha256}\n{shaping}".encode()).hexdigest()
    slug = slug_of(kept.name, "file")
    return PreLabeller(
        kept, path, sha256, f"{settings.name}-{kept.kind}-{slug}-{content[:8]}", settings, context.matchers
    )


def _with_labels(entities: Sequence[Entity], labels: Labels) -> tuple[Entity, ...]:
    """Return the mentions with labels of the project, each once; others are left out."""
    kept: dict[Any, Entity] = {}
    for entity in entities:
        label = labels.of(entity.label)
        if label is not None:
            ours = replace(entity, label=label)
            kept.setdefault(mention_key(ours), ours)
    return tuple(kept.values())
