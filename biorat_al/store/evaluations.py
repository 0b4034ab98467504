"""Measurements of models on the held-out test documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from biorat_al.store.tables import DocumentRow, EvaluationRow, RelationEvaluationRow, ReliabilityRow, RobustnessRow

Triple = tuple[int, int, int]
"""True positives, false positives, false negatives, of mentions (strict spans) or of relations."""


Between = Literal["gold", "predicted"]
"""Mentions between which relations were predicted: those that count as gold, or the model's own predictions."""

Level = Literal["mention", "document"]
"""What a relation is: a pair of mentions (``mention``), or of concepts (``document``)."""


class Measure(NamedTuple):
    """The way in which relations were counted."""

    entities: Between
    level: Level


@dataclass(frozen=True, slots=True)
class TotalCounts:
    """Counts of mentions or of relations, summed over test documents.

    :param documents: number of test documents that were counted.
    """

    documents: int
    true_positives: int
    false_positives: int
    false_negatives: int

    @property
    def precision(self) -> float | None:
        """Share of the predictions that are right; None if nothing was predicted."""
        predicted = self.true_positives + self.false_positives
        return self.true_positives / predicted if predicted else None

    @property
    def recall(self) -> float | None:
        """Share of the annotations that were predicted; None if nothing is annotated."""
        annotated = self.true_positives + self.false_negatives
        return self.true_positives / annotated if annotated else None

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall; None if there are neither predictions nor annotations."""
        total = 2 * self.true_positives + self.false_positives + self.false_negatives
        return 2 * self.true_positives / total if total else None


def replace_evaluation(session: Session, version: str, rows: Sequence[dict[str, Any]]) -> None:
    """Replace a model's counts per test document and label."""
    _replace(session, EvaluationRow, version, rows)


def replace_reliability(session: Session, version: str, rows: Sequence[dict[str, Any]]) -> None:
    """Replace a model's reliability bins."""
    _replace(session, ReliabilityRow, version, rows)


def replace_robustness(session: Session, version: str, rows: Sequence[dict[str, Any]]) -> None:
    """Replace a model's counts per condition and test document."""
    _replace(session, RobustnessRow, version, rows)


def replace_relation_evaluation(session: Session, version: str, rows: Sequence[dict[str, Any]]) -> None:
    """Replace the counts of a model's relations per measure, test document and label."""
    _replace(session, RelationEvaluationRow, version, rows)


def evaluation(session: Session, version: str) -> dict[str | None, TotalCounts]:
    """Return a model's strict span counts by label, over all labels under None; empty if it was not evaluated."""
    sums = (
        func.count(EvaluationRow.document_id.distinct()),
        func.sum(EvaluationRow.true_positives),
        func.sum(EvaluationRow.false_positives),
        func.sum(EvaluationRow.false_negatives),
    )
    chosen = EvaluationRow.model_version == version
    by_label: dict[str | None, TotalCounts] = {
        label: TotalCounts(*map(int, counts))
        for label, *counts in session.execute(
            select(EvaluationRow.label, *sums).where(chosen).group_by(EvaluationRow.label).order_by(EvaluationRow.label)
        )
    }
    if by_label:
        by_label[None] = TotalCounts(*map(int, session.execute(select(*sums).where(chosen)).one()))
    return by_label


def document_counts_of(session: Session, version: str) -> dict[str, Triple]:
    """Return a model's strict span counts over all labels, by document id; empty if it was not evaluated."""
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
    """Return a model's reliability bins, lowest confidences first; empty if they were not measured."""
    return list(
        session.scalars(
            select(ReliabilityRow).where(ReliabilityRow.model_version == version).order_by(ReliabilityRow.bin)
        )
    )


def robustness_of(session: Session, version: str) -> dict[str, dict[str, Triple]]:
    """Return a model's strict span counts by condition and document id; empty if they were not measured."""
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
    by_condition: dict[str, dict[str, Triple]] = {}
    for condition, key, tp, fp, fn in rows:
        by_condition.setdefault(condition, {})[key] = (tp, fp, fn)
    return by_condition


def relation_counts_of(session: Session, version: str) -> dict[Measure, dict[str, dict[str, Triple]]]:
    """Return counts of a model's relations by measure, label and document id; empty if they were not measured."""
    rows = session.execute(
        select(RelationEvaluationRow, DocumentRow.key)
        .join(DocumentRow, DocumentRow.id == RelationEvaluationRow.document_id)
        .where(RelationEvaluationRow.model_version == version)
        .order_by(
            RelationEvaluationRow.entities,
            RelationEvaluationRow.level.desc(),
            RelationEvaluationRow.label,
            DocumentRow.id,
        )
    )
    by_measure: dict[Measure, dict[str, dict[str, Triple]]] = {}
    for row, key in rows:
        by_label = by_measure.setdefault(Measure(row.entities, row.level), {})
        by_label.setdefault(row.label, {})[key] = (row.true_positives, row.false_positives, row.false_negatives)
    return by_measure


def relation_evaluation(session: Session, version: str) -> dict[Measure, TotalCounts]:
    """Return counts of a model's relations over all labels, by measure; empty if they were not measured."""
    return {
        measure: TotalCounts(
            len({key for counts in by_label.values() for key in counts}),
            *map(sum, zip(*(triple for counts in by_label.values() for triple in counts.values()), strict=True)),
        )
        for measure, by_label in relation_counts_of(session, version).items()
    }


def relation_f1(session: Session, version: str) -> dict[Between, dict[Level, float | None]]:
    """Return the F1 of a model's relations by their mentions (``gold``, ``predicted``) and by level.

    The result is empty if F1 was not measured; an F1 is None if there are neither predictions nor annotations.
    """
    scores: dict[Between, dict[Level, float | None]] = {}
    for measure, counts in relation_evaluation(session, version).items():
        scores.setdefault(measure.entities, {})[measure.level] = counts.f1
    return scores


def _replace(
    session: Session,
    table: type[EvaluationRow | RelationEvaluationRow | ReliabilityRow | RobustnessRow],
    version: str,
    rows: Sequence[dict[str, Any]],
) -> None:
    session.execute(delete(table).where(table.model_version == version))
    if rows:
        session.execute(insert(table), [{"model_version": version, **row} for row in rows])
