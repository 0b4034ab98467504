"""Rounds, their steps, and what they made: models, evaluations, predictions, picks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, func, insert, select
from sqlalchemy.orm import Session

from biorat_al.store.annotations import chunks
from biorat_al.store.tables import (
    AnnotationRow,
    DocumentRow,
    EvaluationRow,
    ModelRow,
    PickRow,
    PredictionRow,
    RoundRow,
    StepRow,
    TaskRow,
)


@dataclass(frozen=True, slots=True)
class SpanCounts:
    """Strict span counts, summed over test documents.

    :param documents: number of test documents that were counted.
    """

    documents: int
    true_positives: int
    false_positives: int
    false_negatives: int

    @property
    def precision(self) -> float | None:
        """Share of predicted mentions that are right; None where nothing was predicted."""
        predicted = self.true_positives + self.false_positives
        return self.true_positives / predicted if predicted else None

    @property
    def recall(self) -> float | None:
        """Share of annotated mentions that were found; None where there are none."""
        annotated = self.true_positives + self.false_negatives
        return self.true_positives / annotated if annotated else None

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall; None where neither predictions nor annotations exist."""
        total = 2 * self.true_positives + self.false_positives + self.false_negatives
        return 2 * self.true_positives / total if total else None


def newest_round(session: Session) -> RoundRow | None:
    """The round with the highest number."""
    return session.scalar(select(RoundRow).order_by(RoundRow.number.desc()).limit(1))


def all_rounds(session: Session) -> list[RoundRow]:
    """All rounds in order."""
    return list(session.scalars(select(RoundRow).order_by(RoundRow.number)))


def steps_of(session: Session, number: int) -> list[StepRow]:
    """The steps of a round in order."""
    return list(session.scalars(select(StepRow).where(StepRow.round_number == number).order_by(StepRow.position)))


def models_of(session: Session, number: int) -> dict[str, ModelRow]:
    """The models that a round trained, by arm."""
    return {
        row.arm: row
        for row in session.scalars(
            select(ModelRow).where(ModelRow.round_number == number).order_by(ModelRow.created_at)
        )
    }


def newest_model(session: Session) -> ModelRow | None:
    """The newest model of a selecting arm."""
    return session.scalar(
        select(ModelRow).where(ModelRow.selecting.is_(True)).order_by(ModelRow.round_number.desc()).limit(1)
    )


def add_evaluations(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Write the counts of one model per test document and label."""
    if rows:
        session.execute(insert(EvaluationRow), list(rows))


def evaluation(session: Session, version: str) -> dict[str | None, SpanCounts]:
    """Strict span counts of a model by label; under None those over all labels. Empty where it was not evaluated."""
    sums = (
        func.count(EvaluationRow.document_id.distinct()),
        func.sum(EvaluationRow.true_positives),
        func.sum(EvaluationRow.false_positives),
        func.sum(EvaluationRow.false_negatives),
    )
    chosen = EvaluationRow.model_version == version
    by_label: dict[str | None, SpanCounts] = {
        label: SpanCounts(*map(int, counts))
        for label, *counts in session.execute(
            select(EvaluationRow.label, *sums).where(chosen).group_by(EvaluationRow.label).order_by(EvaluationRow.label)
        )
    }
    if by_label:
        by_label[None] = SpanCounts(*map(int, session.execute(select(*sums).where(chosen)).one()))
    return by_label


def unasked_documents(session: Session, *, without_gold: bool) -> list[int]:
    """Row ids of the pool's documents that were never asked for, in order.

    :param without_gold: leave out those that came with gold annotations, since nobody need annotate them.
    """
    conditions: list[ColumnElement[bool]] = [
        DocumentRow.split == "pool",
        ~exists().where(TaskRow.document_id == DocumentRow.id),
    ]
    if without_gold:
        conditions.append(_has_no_gold())
    return list(session.scalars(select(DocumentRow.id).where(*conditions).order_by(DocumentRow.id)))


def unasked_test_documents(session: Session) -> list[int]:
    """Row ids of the test documents that have neither gold annotations nor a task."""
    return list(
        session.scalars(
            select(DocumentRow.id)
            .where(DocumentRow.split == "test", ~exists().where(TaskRow.document_id == DocumentRow.id), _has_no_gold())
            .order_by(DocumentRow.id)
        )
    )


def add_predictions(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Write what a model says of documents."""
    if rows:
        session.execute(insert(PredictionRow), list(rows))


def predicted_documents(session: Session, version: str) -> set[int]:
    """Row ids of the documents that a model has predictions for."""
    return set(session.scalars(select(PredictionRow.document_id).where(PredictionRow.model_version == version)))


def predictions(session: Session, version: str, document_ids: Sequence[int]) -> dict[int, PredictionRow]:
    """A model's predictions by document row id."""
    found: dict[int, PredictionRow] = {}
    for some in chunks(document_ids):
        rows = session.scalars(
            select(PredictionRow).where(PredictionRow.model_version == version, PredictionRow.document_id.in_(some))
        )
        found.update((row.document_id, row) for row in rows)
    return found


def forget_predictions(session: Session, keep_version: str) -> None:
    """Drop predictions of older models for documents that nobody was asked about; they serve nothing any more."""
    asked = exists().where(TaskRow.document_id == PredictionRow.document_id)
    session.execute(delete(PredictionRow).where(PredictionRow.model_version != keep_version, ~asked))


def add_picks(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Write what a round chose."""
    if rows:
        session.execute(insert(PickRow), list(rows))


def picks_of(session: Session, number: int) -> list[PickRow]:
    """What a round chose, best first."""
    return list(session.scalars(select(PickRow).where(PickRow.round_number == number).order_by(PickRow.rank)))


def _has_no_gold() -> ColumnElement[bool]:
    return ~exists().where(AnnotationRow.document_id == DocumentRow.id, AnnotationRow.source == "gold")
