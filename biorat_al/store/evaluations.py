"""What was measured of a model on the held-out test documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from biorat_al.store.tables import DocumentRow, EvaluationRow, ReliabilityRow, RobustnessRow

Triple = tuple[int, int, int]
"""Strict span counts: true positives, false positives, false negatives."""


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


def replace_evaluation(session: Session, version: str, rows: Sequence[dict[str, Any]]) -> None:
    """Write the counts of a model per test document and label, in place of any earlier ones."""
    _replace(session, EvaluationRow, version, rows)


def replace_reliability(session: Session, version: str, rows: Sequence[dict[str, Any]]) -> None:
    """Write a model's reliability bins, in place of any earlier ones."""
    _replace(session, ReliabilityRow, version, rows)


def replace_robustness(session: Session, version: str, rows: Sequence[dict[str, Any]]) -> None:
    """Write the counts of a model per condition and test document, in place of any earlier ones."""
    _replace(session, RobustnessRow, version, rows)


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


def document_counts_of(session: Session, version: str) -> dict[str, Triple]:
    """Strict span counts of a model, all labels together, by document id; empty where it was not evaluated."""
    rows = session.execute(
        select(
            DocumentRow.key,
            func.sum(EvaluationRow.true_positives),
            func.sum(EvaluationRow.false_positives),
            func.sum(EvaluationRow.false_negatives),
        )
        .join(DocumentRow, DocumentRow.id == EvaluationRow.document_id)
        .where(EvaluationRow.model_version == version)
        .group_by(DocumentRow.id, DocumentRow.key)
        .order_by(DocumentRow.id)
    )
    return {key: (int(tp), int(fp), int(fn)) for key, tp, fp, fn in rows}


def reliability_of(session: Session, version: str) -> list[ReliabilityRow]:
    """A model's reliability bins, the lowest confidences first; empty where that was not measured."""
    return list(
        session.scalars(
            select(ReliabilityRow).where(ReliabilityRow.model_version == version).order_by(ReliabilityRow.bin)
        )
    )


def robustness_of(session: Session, version: str) -> dict[str, dict[str, Triple]]:
    """Strict span counts of a model by condition and document id; empty where that was not measured."""
    rows = session.execute(
        select(
            RobustnessRow.condition,
            DocumentRow.key,
            RobustnessRow.true_positives,
            RobustnessRow.false_positives,
            RobustnessRow.false_negatives,
        )
        .join(DocumentRow, DocumentRow.id == RobustnessRow.document_id)
        .where(RobustnessRow.model_version == version)
        .order_by(RobustnessRow.condition, DocumentRow.id)
    )
    found: dict[str, dict[str, Triple]] = {}
    for condition, key, tp, fp, fn in rows:
        found.setdefault(condition, {})[key] = (tp, fp, fn)
    return found


def _replace(
    session: Session,
    table: type[EvaluationRow | ReliabilityRow | RobustnessRow],
    version: str,
    rows: Sequence[dict[str, Any]],
) -> None:
    session.execute(delete(table).where(table.model_version == version))
    if rows:
        session.execute(insert(table), [{"model_version": version, **row} for row in rows])
