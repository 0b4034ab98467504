"""What an annotator did with the pre-labels of an answer: how many were accepted, changed, removed, and what was added.

Label Studio marks each region of an answer: ``prediction`` was kept as it was, ``prediction-changed`` got another label
or other borders, ``manual`` was drawn by the annotator.

Where a document was begun by sentences, the pre-labels in these are people's answers (see
:mod:`biorat_al.rounds.completing`). Looking at them is work like any other, but how good a model's pre-labels are shows
only in the rest of the text (:func:`handled_in_rest`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from biorat_al.corpus.model.checks import ORIGINS
from biorat_al.corpus.segments import touches
from biorat_al.store.annotations import chunks, entity_from_values, entity_of
from biorat_al.store.evaluations import Triple
from biorat_al.store.models import predictions
from biorat_al.store.segments import answered_spans
from biorat_al.store.tables import AnnotationRow, EntityRow


@dataclass(frozen=True, slots=True)
class Handled:
    """What an annotator did with the pre-labels of one answer.

    :param accepted: mentions marked ``prediction``.
    :param changed: mentions marked ``prediction-changed``.
    :param removed: proposed mentions, minus the accepted and the changed ones.
    :param added: mentions marked ``manual``.
    """

    accepted: int
    changed: int
    removed: int
    added: int

    @property
    def counts(self) -> Triple:
        """Strict span counts of the pre-labels, with the answer as gold standard."""
        return self.accepted, self.changed + self.removed, self.changed + self.added


def handled(origins: Mapping[str | None, int], proposed: int) -> Handled | None:
    """Work out what was done with the pre-labels of one answer.

    :param origins: number of the answer's mentions, by origin.
    :param proposed: number of pre-labels.
    :return: None if a mention has no known origin.
    """
    if any(origin not in ORIGINS for origin in origins):
        return None
    accepted, changed, added = (origins.get(origin, 0) for origin in ORIGINS)
    # one pre-label may come back as two mentions: a region with two labels, or pieces that got different labels
    return Handled(accepted, changed, max(0, proposed - accepted - changed), added)


def mention_origins(session: Session, annotation_ids: Sequence[int]) -> dict[int, dict[str | None, int]]:
    """Count the mentions of each answer by origin; answers without mentions are left out."""
    found: dict[int, dict[str | None, int]] = {}
    for some in chunks(annotation_ids):
        for annotation_id, origin, count in session.execute(
            select(EntityRow.annotation_id, EntityRow.origin, func.count())
            .where(EntityRow.annotation_id.in_(some))
            .group_by(EntityRow.annotation_id, EntityRow.origin)
        ):
            found.setdefault(annotation_id, {})[origin] = count
    return found


def handled_in_rest(session: Session, rows: Sequence[AnnotationRow]) -> dict[int, Handled | None]:
    """Return what was done with the model's own pre-labels in answers on documents that were begun by segments.

    Mentions that touch an annotated segment are left out, in the pre-labels and in the answer.

    :param rows: answers; those on other documents, or without known pre-labels, are left out of the result.
    :return: by id of the answer; None if a mention has no known origin.
    """
    annotated = answered_spans(session, sorted({row.document_id for row in rows}))
    begun = [row for row in rows if row.document_id in annotated and row.shown_version is not None]
    shown: dict[tuple[int, str | None], int] = {}
    for version in sorted({str(row.shown_version) for row in begun}):
        documents = sorted({row.document_id for row in begun if row.shown_version == version})
        for document_id, kept in predictions(session, version, documents).items():
            entities = map(entity_from_values, kept.entities)
            shown[document_id, version] = sum(not touches(entity, annotated[document_id]) for entity in entities)
    begun = [row for row in begun if (row.document_id, row.shown_version) in shown]
    document_of = {row.id: row.document_id for row in begun}
    origins: dict[int, Counter[str | None]] = {row.id: Counter() for row in begun}
    for some in chunks(list(document_of)):
        for mention in session.scalars(select(EntityRow).where(EntityRow.annotation_id.in_(some))):
            if not touches(entity_of(mention), annotated[document_of[mention.annotation_id]]):
                origins[mention.annotation_id][mention.origin] += 1
    return {row.id: handled(origins[row.id], shown[row.document_id, row.shown_version]) for row in begun}


def proposed_mentions(session: Session, rows: Sequence[AnnotationRow]) -> dict[int, int]:
    """Count the proposed mentions of each answer; answers whose pre-labels are no longer known are left out."""
    by_version: dict[str, list[AnnotationRow]] = {}
    for row in rows:
        if row.shown_version is not None:
            by_version.setdefault(row.shown_version, []).append(row)
    found: dict[int, int] = {}
    for version, answers in by_version.items():
        kept = predictions(session, version, sorted({row.document_id for row in answers}))
        found.update((row.id, len(kept[row.document_id].entities)) for row in answers if row.document_id in kept)
    return found
