"""What was measured of a model on the held-out test documents."""

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
"""What relations were predicted between: the mentions that count as gold, or those that the model predicts itself."""

Level = Literal["mention", "document"]
"""What a relation is: a pair of mentions, or of concepts."""


class Measure(NamedTuple):
    """How relations were counted."""

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
        """Share of what was predicted that is right; None where nothing was predicted."""
        predicted = self.true_positives + self.false_positives
        return self.true_positives / predicted if predicted else None

    @property
    def recall(self) -> float | None:
        """Share of what is annotated that was found; None where there is nothing."""
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


def replace_relation_evaluation(session: Session, version: str, rows: Sequence[dict[str, Any]]) -> None:
    """Write the counts of a model's relations per measure, test document and label, in place of any earlier ones."""
    _replace(session, RelationEvaluationRow, version, rows)


def evaluation(session: Session, version: str) -> dict[str | None, TotalCounts]:
    """Strict span counts of a model by label; under None those over all labels. Empty where it was not evaluated."""
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


def relation_counts_of(session: Session, version: str) -> dict[Measure, dict[str, dict[str, Triple]]]:
    """Counts of a model's relations by measure, relation label and document id; empty where it was not measured."""
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
    found: dict[Measure, dict[str, dict[str, Triple]]] = {}
    for row, key in rows:
        by_label = found.setdefault(Measure(row.entities, row.level), {})
        by_label.setdefault(row.label, {})[key] = (row.true_positives, row.false_positives, row.false_negatives)
    return found


def relation_evaluation(session: Session, version: str) -> dict[Measure, TotalCounts]:
    """Counts of a model's relations by measure, all labels together; empty where it was not measured."""
    return {
        measure: TotalCounts(
            len({key for counts in by_label.values() for key in counts}),
            *map(sum, zip(*(triple for counts in by_label.values() for triple in counts.values()), strict=True)),
        )
        for measure, by_label in relation_counts_of(session, version).items()
    }


def relation_f1(session: Session, version: str) -> dict[Between, dict[Level, float | None]]:
    """F1 of a model's relations by what they lie between (``gold``, ``predicted``) and by level; empty where it was not
    measured, None where there is nothing to find and nothing was said."""
    found: dict[Between, dict[Level, float | None]] = {}
    for measure, counts in relation_evaluation(session, version).items():
        found.setdefault(measure.entities, {})[measure.level] = counts.f1
    return found


def _replace(
    session: Session,
    table: type[EvaluationRow | RelationEvaluationRow | ReliabilityRow | RobustnessRow],
    version: str,
    rows: Sequence[dict[str, Any]],
) -> None:
    session.execute(delete(table).where(table.model_version == version))
    if rows:
        session.execute(insert(table), [{"model_version": version, **row} for row in rows])
