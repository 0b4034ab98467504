"""Importing documents into the store, and reading them back."""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from itertools import islice
from math import comb
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from biorat_al.corpus.model.concept_relations import relabelled
from biorat_al.corpus.model.document import Annotation, ConceptRelation, Document, Entity, Passage, Record, Relation
from biorat_al.errors import CorpusError, DuplicateDocumentError, StoreError, UsageError
from biorat_al.settings import Settings
from biorat_al.store.annotations import CHUNK, NewAnnotation, add_annotations, chunks, relation_values
from biorat_al.store.database.json_values import SHAPE_ERRORS, other_shape
from biorat_al.store.tables import AnnotationRow, DocumentRow, EntityRow, RelationRow
from biorat_al.wording import plural

OTHER_ENTITIES = "entities_of_other_labels"
OTHER_RELATIONS = "relations_of_other_labels"
OTHER_CONCEPT_RELATIONS = "concept_relations_of_other_labels"
"""Keys of an annotation's extras for annotations in the documents that do not count in the project."""

_LISTED = 20


@dataclass
class ImportReport:
    """Counts of what an import did.

    :param duplicates: records whose id and text already existed, and which were skipped; `duplicate_examples` has the
        first few.
    :param mentions: annotated mentions by the label in the source.
    :param ignored: of `mentions`, those of labels that the project ignores on purpose.
    :param relations: annotated relations by the label in the source, including those between concepts.
    :param relations_aside: of `relations`, those that were kept aside because the project has no such label or no such
        mention.
    :param annotated: documents that came with annotations, even empty ones.
    :param leaks: pool documents left out because a test document has the same text.
    """

    documents: int = 0
    test_documents: int = 0
    annotated: int = 0
    duplicates: int = 0
    duplicate_examples: list[str] = field(default_factory=list)
    mentions: Counter[str] = field(default_factory=Counter)
    ignored: Counter[str] = field(default_factory=Counter)
    relations: Counter[str] = field(default_factory=Counter)
    relations_aside: Counter[str] = field(default_factory=Counter)
    leaks: int = 0


def import_documents(
    session: Session,
    records: Iterable[Record],
    *,
    split: str,
    source: str,
    settings: Settings,
    ignore: Collection[str],
    report: ImportReport,
) -> None:
    """Write records in small batches as they come, so that memory does not grow with the corpus.

    Labels of the source become labels of the project. Mentions and relations with labels that the project does not have
    are kept aside in the annotation's extras, as are relations of such mentions. A project without relation labels
    keeps the relations of its mentions unchanged.

    :param source: source of the annotations in the records, ``gold`` or ``import``.
    :raises DuplicateDocumentError: two records have the same id but different texts.
    """
    iterator = iter(records)
    while batch := list(islice(iterator, CHUNK)):
        fresh = _without_duplicates(session, batch, report)
        if not fresh:
            continue
        ids = session.scalars(
            insert(DocumentRow).returning(DocumentRow.id, sort_by_parameter_order=True),
            [_columns(record.document, sha256, split) for record, sha256 in fresh],
        ).all()
        new = []
        for document_id, (record, _) in zip(ids, fresh, strict=True):
            if record.annotation is not None:
                annotation = _with_project_labels(record.annotation, settings, ignore, report)
                new.append(NewAnnotation(document_id, source, annotation))
        add_annotations(session, new)
        report.annotated += len(new)
        report.documents += len(fresh)
        if split == "test":
            report.test_documents += len(fresh)


def draw_test_documents(session: Session, size: int, seed: int) -> int:
    """Move `size` random documents of the pool to the held-out test set; return how many were moved.

    Whether a document is drawn depends only on the seed and its id, not on the order of the files.

    :raises UsageError: the pool would be left empty.
    """
    total = session.scalar(select(func.count()).select_from(DocumentRow).where(DocumentRow.split == "pool")) or 0
    if size >= total:
        raise UsageError(
            f"a test set of {plural(size, 'document')} leaves nothing of the {plural(total, 'document')} for the pool"
        )

    def rank(key: str) -> bytes:
        return hashlib.blake2b(f"{seed}\0{key}".encode(), digest_size=16).digest()

    rows = session.execute(select(DocumentRow.key, DocumentRow.id).where(DocumentRow.split == "pool")).yield_per(1000)
    drawn = heapq.nsmallest(size, ((rank(key), document_id) for key, document_id in rows))
    for chunk in chunks([document_id for _, document_id in drawn]):
        session.execute(update(DocumentRow).where(DocumentRow.id.in_(chunk)).values(split="test"))
    return len(drawn)


def remove_leaks(session: Session) -> int:
    """Remove documents from the pool that have the text of a test document, so that the test set stays held out.

    Return the number of documents removed.
    """
    held_out = select(DocumentRow.text_sha256).where(DocumentRow.split == "test")
    # not a join: two test documents with the same text would count a pool document twice
    leaked = session.scalars(
        select(DocumentRow.id).where(DocumentRow.split == "pool", DocumentRow.text_sha256.in_(held_out))
    ).all()
    for chunk in chunks(leaked):
        annotations = select(AnnotationRow.id).where(AnnotationRow.document_id.in_(chunk))
        session.execute(delete(EntityRow).where(EntityRow.annotation_id.in_(annotations)))
        session.execute(delete(RelationRow).where(RelationRow.annotation_id.in_(annotations)))
        session.execute(delete(AnnotationRow).where(AnnotationRow.document_id.in_(chunk)))
        session.execute(delete(DocumentRow).where(DocumentRow.id.in_(chunk)))
    return len(leaked)


def documents_by_id(session: Session, ids: Sequence[int], *, check: bool = False) -> dict[int, Document]:
    """Read documents by their row ids.

    :param check: compare each text with the digest from when it was first read.
    :raises StoreError: a text has changed since it was read.
    """
    documents: dict[int, Document] = {}
    for chunk in chunks(ids):
        for row in session.scalars(select(DocumentRow).where(DocumentRow.id.in_(chunk))):
            if check:
                _check_text(row.key, row.text, row.text_sha256)
            documents[row.id] = document_of(row)
    return documents


def texts_by_id(session: Session, ids: Sequence[int]) -> dict[int, str]:
    """Read the texts of documents, in the order of their row ids as given, and compare each with its digest.

    :raises StoreError: a text has changed since it was read.
    """
    texts: dict[int, str] = {}
    columns = (DocumentRow.id, DocumentRow.key, DocumentRow.text, DocumentRow.text_sha256)
    for chunk in chunks(ids):
        found: dict[int, str] = {}
        for row_id, key, text, sha256 in session.execute(select(*columns).where(DocumentRow.id.in_(chunk))):
            _check_text(key, text, sha256)
            found[row_id] = text
        texts.update((row_id, found[row_id]) for row_id in chunk)
    return texts


def _check_text(key: str, text: str, sha256: str) -> None:
    if hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest() != sha256:
        raise StoreError(
            f"the database was changed from outside, or is damaged: the text of the document {key} is not the one that "
            "was read (another sha256), so that mentions may be off their places; put the text back, or take the "
            "database from a backup"
        )


def document_keys(session: Session, ids: Sequence[int]) -> dict[int, str]:
    """Return the ids that the user knows, by row id, sorted by the former."""
    keys: list[tuple[int, str]] = []
    for chunk in chunks(ids):
        keys += [
            (row_id, key)
            for row_id, key in session.execute(select(DocumentRow.id, DocumentRow.key).where(DocumentRow.id.in_(chunk)))
        ]
    return dict(sorted(keys, key=lambda item: item[1]))


def test_documents(session: Session, keys: Sequence[str]) -> set[str]:
    """Return those of these ids, which the user knows, that belong to test documents."""
    found: set[str] = set()
    for chunk in chunks(keys):
        found.update(
            session.scalars(select(DocumentRow.key).where(DocumentRow.key.in_(chunk), DocumentRow.split == "test"))
        )
    return found


def documents_by_key(session: Session, keys: Sequence[str]) -> dict[str, tuple[int, Document]]:
    """Read documents, with their row ids, by the ids that the user knows; unknown ids are left out."""
    documents: dict[str, tuple[int, Document]] = {}
    for chunk in chunks(keys):
        for row in session.scalars(select(DocumentRow).where(DocumentRow.key.in_(chunk))):
            documents[row.key] = (row.id, document_of(row))
    return documents


def count_documents(session: Session) -> dict[str, int]:
    """Return the number of documents by split."""
    # SQLite counts a whole table without looking at each row, and the pool is nearly all of it
    every = session.scalars(select(func.count()).select_from(DocumentRow)).one()
    of_split = select(func.count()).select_from(DocumentRow)
    test, segments = (
        session.scalars(of_split.where(DocumentRow.split == split)).one() for split in ("test", "segment")
    )
    counts = {"pool": every - test - segments, "test": test}
    return counts | {"segment": segments} if segments else counts


def was_test_set_named(session: Session) -> bool | None:
    """Return whether the user named the test documents; False if they were drawn at random, None if unknown.

    Named test documents are read before the pool, and row ids follow the order of reading. A random draw almost never
    takes exactly the first documents, unless there are very few.
    """
    last_test, tests = session.execute(
        select(func.max(DocumentRow.id), func.count()).where(DocumentRow.split == "test")
    ).one()
    first_pool, pool = session.execute(
        select(func.min(DocumentRow.id), func.count()).where(DocumentRow.split == "pool")
    ).one()
    if last_test is None or first_pool is None:
        return None
    if last_test > first_pool:
        return False
    return True if comb(tests + pool, tests) > 1000 else None


def document_of(row: DocumentRow) -> Document:
    """Return the document in a row."""
    try:
        return Document(row.key, row.text, tuple(Passage(*passage) for passage in row.passages), row.details)
    except SHAPE_ERRORS as error:
        raise other_shape(f"the document {row.key}") from error


def iterate_documents(session: Session, split: str) -> Iterator[tuple[int, Document]]:
    """Yield all documents of a split, with row ids, in the order in which they were read; memory use stays constant."""
    rows = session.scalars(
        select(DocumentRow).where(DocumentRow.split == split).order_by(DocumentRow.id),
        execution_options={"yield_per": CHUNK},
    )
    for row in rows:
        yield row.id, document_of(row)
        session.expunge(row)


def _without_duplicates(session: Session, batch: Sequence[Record], report: ImportReport) -> list[tuple[Record, str]]:
    keys = [record.document.id for record in batch]
    known: dict[str, str] = {
        key: sha256
        for key, sha256 in session.execute(
            select(DocumentRow.key, DocumentRow.text_sha256).where(DocumentRow.key.in_(keys))
        )
    }
    fresh = []
    for record in batch:
        sha256 = text_sha256(record)
        other = known.get(record.document.id)
        if other is None:
            known[record.document.id] = sha256
            fresh.append((record, sha256))
        elif other == sha256:
            report.duplicates += 1
            if len(report.duplicate_examples) < _LISTED:
                report.duplicate_examples.append(f"{record.document.id} ({record.source})")
        else:
            raise DuplicateDocumentError(
                "this id was read before with another text; ids must be unique",
                source=record.source,
                document=record.document.id,
            )
    return fresh


def text_sha256(record: Record) -> str:
    """Return the SHA-256 of a document's text.

    :raises CorpusError: the text has characters that no database can keep.
    """
    try:
        data = record.document.text.encode()
        record.document.id.encode()
    except UnicodeEncodeError as error:
        raise CorpusError(
            f"the text holds half of a surrogate pair at character {error.start}; it is not valid Unicode",
            source=record.source,
            document=record.document.id.encode(errors="replace").decode(),
        ) from None
    if b"\0" in data:
        raise CorpusError(
            f"the text holds a NUL character at {record.document.text.index(chr(0))}; remove it",
            source=record.source,
            document=record.document.id,
        )
    return hashlib.sha256(data).hexdigest()


def _columns(document: Document, sha256: str, split: str) -> dict[str, Any]:
    return {
        "key": document.id,
        "split": split,
        "text": document.text,
        "text_sha256": sha256,
        "passages": [[passage.kind, passage.start, passage.end] for passage in document.passages],
        "details": dict(document.metadata),
    }


def _with_project_labels(
    annotation: Annotation, settings: Settings, ignore: Collection[str], report: ImportReport
) -> Annotation:
    entities: list[Entity] = []
    aside: list[dict[str, Any]] = []
    for entity in annotation.entities:
        report.mentions[entity.label] += 1
        label = settings.label_of(entity.label)
        if label is None:
            if entity.label in ignore:
                report.ignored[entity.label] += 1
            aside.append({"id": entity.id, "label": entity.label, "spans": [list(span) for span in entity.spans]})
            continue
        extras: Mapping[str, Any] = entity.extras
        if label != entity.label:
            extras = dict(extras) | {"source_label": entity.label}
        entities.append(Entity(entity.id, label, entity.spans, entity.concepts, entity.score, entity.origin, extras))
    extras = dict(annotation.extras)
    if aside:
        extras[OTHER_ENTITIES] = aside
    relations = _relations(annotation, {entity.id for entity in entities}, settings, report, extras)
    concept_relations = _concept_relations(annotation, settings, report, extras)
    extras = relabelled(extras, settings.relation_label_of) if settings.relations else extras
    return Annotation(tuple(entities), relations, concept_relations, extras)


def _relations(
    annotation: Annotation, entities: Set[str], settings: Settings, report: ImportReport, extras: dict[str, Any]
) -> tuple[Relation, ...]:
    """Return the relations between `entities` (ids), with the project's labels; put the others into `extras`."""
    symmetric = {relation.name for relation in settings.relations if relation.symmetric}
    relations: list[Relation] = []
    aside: list[dict[str, Any]] = []
    for relation in annotation.relations:
        report.relations[relation.label] += 1
        label = settings.relation_label_of(relation.label) if settings.relations else relation.label
        if label is None or not {relation.head, relation.tail} <= entities:
            report.relations_aside[relation.label] += 1
            aside.append(relation_values(relation))
            continue
        source = {"source_label": relation.label} if label != relation.label else {}
        directed = relation.directed and label not in symmetric
        relations.append(replace(relation, label=label, directed=directed, extras=dict(relation.extras) | source))
    if aside:
        extras[OTHER_RELATIONS] = aside
    return tuple(relations)


def _concept_relations(
    annotation: Annotation, settings: Settings, report: ImportReport, extras: dict[str, Any]
) -> tuple[ConceptRelation, ...]:
    """Return the relations between concepts, with the project's labels; put the others into `extras`."""
    relations: list[ConceptRelation] = []
    aside: list[list[str]] = []
    for relation in annotation.concept_relations:
        report.relations[relation.label] += 1
        label = settings.relation_label_of(relation.label) if settings.relations else relation.label
        if label is None:
            report.relations_aside[relation.label] += 1
            aside.append([relation.label, relation.head, relation.tail])
        else:
            relations.append(ConceptRelation(label, relation.head, relation.tail))
    if aside:
        extras[OTHER_CONCEPT_RELATIONS] = aside
    # two labels of the source may become one label of the project
    return tuple(dict.fromkeys(relations))
