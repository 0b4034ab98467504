"""Which annotation counts for a document: what training, evaluation and export see.

Where several people answered, an answer that was marked as ground truth counts, else the latest. Skipped and deleted
answers never count, nor does one that was given on another text. Gold annotations of the documents count where nobody
has answered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from biorat_al.corpus.model import Annotation
from biorat_al.store.annotations import CHUNK, chunks, load_annotations
from biorat_al.store.tables import AnnotationRow, DocumentRow


@dataclass(frozen=True, slots=True)
class Answer:
    """The annotation that counts for a document, and where it came from (``person`` or ``gold``)."""

    document_id: int
    annotation_id: int
    source: str
    annotator: str | None
    shown_version: str | None


def answers(session: Session, split: str, *, with_gold: bool) -> list[Answer]:
    """The answer that counts for each document of a split that has one, in the order of the documents.

    :param with_gold: let the gold annotations of documents count where no person has answered.
    """
    sources = ["person", "gold"] if with_gold else ["person"]
    rows = session.execute(
        select(
            AnnotationRow.document_id,
            AnnotationRow.id,
            AnnotationRow.source,
            AnnotationRow.annotator,
            AnnotationRow.shown_version,
        )
        .join(DocumentRow, DocumentRow.id == AnnotationRow.document_id)
        .where(
            DocumentRow.split == split,
            AnnotationRow.source.in_(sources),
            AnnotationRow.current.is_(True),
            AnnotationRow.skipped.is_(False),
            AnnotationRow.usable.is_(True),
        )
        .order_by(
            AnnotationRow.document_id,
            (AnnotationRow.source == "person").desc(),
            AnnotationRow.ground_truth.desc(),
            AnnotationRow.updated_at.desc(),
            AnnotationRow.id.desc(),
        )
    )
    chosen: dict[int, Answer] = {}
    for row in rows:
        chosen.setdefault(row.document_id, Answer(*row))
    return list(chosen.values())


def load_answers(session: Session, chosen: Sequence[Answer]) -> Iterator[tuple[Answer, Annotation]]:
    """Read the annotations of answers, a chunk at a time, in the order given."""
    for some in chunks(chosen, CHUNK):
        found = load_annotations(session, [answer.annotation_id for answer in some])
        for answer in some:
            yield answer, found[answer.annotation_id]


def gold_annotations(session: Session, keys: Sequence[str]) -> Mapping[str, Annotation]:
    """Gold annotations by the documents' ids; documents without are left out."""
    found: dict[str, int] = {}
    for some in chunks(keys):
        rows = session.execute(
            select(DocumentRow.key, AnnotationRow.id)
            .join(AnnotationRow, AnnotationRow.document_id == DocumentRow.id)
            .where(DocumentRow.key.in_(some), AnnotationRow.source == "gold")
        )
        found.update((key, annotation_id) for key, annotation_id in rows)
    loaded = load_annotations(session, list(found.values()))
    return {key: loaded[annotation_id] for key, annotation_id in found.items()}
