"""Trained models, and their predictions on documents."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, exists, func, insert, select
from sqlalchemy.orm import Session, aliased

from biorat_al.store.annotations import CHUNK, WHOLE_POOL, chunks
from biorat_al.store.database.json_values import SHAPE_ERRORS, other_shape
from biorat_al.store.tables import (
    AnnotationRow,
    EvaluationRow,
    ModelRow,
    PredictionRow,
    RelationEvaluationRow,
    ReliabilityRow,
    RobustnessRow,
    SegmentRow,
    TaskRow,
)

BORROWED = "borrowed"
"""Stands in the place of an arm for the model trained on borrowed documents, which pre-labels the first batch."""


_SOURCE = "source-"
"""Begins what stands in the place of an arm for pre-labels from a file or a dictionary."""

_TRAINED = (ModelRow.arm != BORROWED, ModelRow.arm.not_like(f"{_SOURCE}%"))


def models_of(session: Session, number: int) -> dict[str, ModelRow]:
    """Return the models that a round trained on the project's answers, by arm."""
    return {
        row.arm: row
        for row in session.scalars(
            select(ModelRow).where(ModelRow.round_number == number, *_TRAINED).order_by(ModelRow.created_at)
        )
    }


def borrowed_model_of(session: Session, number: int) -> ModelRow | None:
    """Return the borrowed model that pre-labels the batch of a round; None if none does."""
    return session.scalar(select(ModelRow).where(ModelRow.round_number == number, ModelRow.arm == BORROWED))


def models_in_use(session: Session, number: int) -> dict[str, ModelRow]:
    """Return the models of a round by arm; if it trained none, the borrowed model that pre-labels, if there is one."""
    models = models_of(session, number)
    borrowed = None if models else borrowed_model_of(session, number)
    return models if borrowed is None else {BORROWED: borrowed}


def note_source(
    session: Session, version: str, number: int, sha256: str, summary: dict[str, Any], created_at: datetime
) -> ModelRow:
    """Record pre-labels from a file or a dictionary as a model, unless they are; return the row.

    :param version: names their content, so that it is the same in all rounds as long as that is.
    :param number: the round that used them first.
    """
    known = session.get(ModelRow, version)
    if known is not None:
        return known
    place = session.scalar(select(func.count()).where(ModelRow.arm.like(f"{_SOURCE}%"))) or 0
    row = ModelRow(
        version=version,
        round_number=number,
        arm=f"{_SOURCE}{place + 1}",
        selecting=False,
        sha256=sha256,
        summary=summary,
        created_at=created_at,
    )
    session.add(row)
    session.flush()
    return row


def sources_of(session: Session) -> list[ModelRow]:
    """Return the rows of all pre-labels from files and dictionaries that rounds have used, in their order."""
    rows = session.scalars(select(ModelRow).where(ModelRow.arm.like(f"{_SOURCE}%")))
    return sorted(rows, key=lambda row: int(row.arm.removeprefix(_SOURCE)))


def newest_model(session: Session) -> ModelRow | None:
    """Return the newest model that selects: a committee, or the model of a selecting arm."""
    return session.scalar(
        select(ModelRow).where(ModelRow.selecting.is_(True)).order_by(ModelRow.round_number.desc()).limit(1)
    )


def selecting_model_before(session: Session, number: int) -> ModelRow | None:
    """Return the newest model that selected in a round before this one; None if there was none."""
    return session.scalar(
        select(ModelRow)
        .where(ModelRow.selecting.is_(True), ModelRow.round_number < number)
        .order_by(ModelRow.round_number.desc())
        .limit(1)
    )


def add_predictions(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Write a model's predictions."""
    if rows:
        session.execute(insert(PredictionRow), list(rows))


def predicted_documents(session: Session, version: str) -> set[int]:
    """Return the row ids of the documents for which a model has predictions."""
    predicted = select(PredictionRow.document_id).where(PredictionRow.model_version == version)
    return set(session.scalars(predicted, execution_options=WHOLE_POOL))


def predictions(session: Session, version: str, document_ids: Sequence[int]) -> dict[int, PredictionRow]:
    """Return a model's predictions by document row id."""
    by_document: dict[int, PredictionRow] = {}
    for chunk in chunks(document_ids):
        rows = session.scalars(
            select(PredictionRow).where(PredictionRow.model_version == version, PredictionRow.document_id.in_(chunk))
        )
        by_document.update((row.document_id, row) for row in rows)
    return by_document


def measures(session: Session, version: str, document_ids: Sequence[int], names: Sequence[str]) -> dict[int, Any]:
    """Return columns of a model's predictions by document row id, without the predicted mentions and relations.

    :param names: names of the columns; each value is a row of the document row id and these columns.
    """
    columns = [getattr(PredictionRow, name) for name in names]
    by_document: dict[int, Any] = {}
    for chunk in chunks(document_ids):
        statement = select(PredictionRow.document_id, *columns).where(
            PredictionRow.model_version == version, PredictionRow.document_id.in_(chunk)
        )
        by_document.update((row[0], row) for row in session.execute(statement))
    return by_document


def confidence(score: float | None) -> float:
    """Return how sure a model is of a mention with this score; one without a score is as good as certain."""
    return 1.0 if score is None else float(score)


def expected_mentions(
    session: Session, version: str, document_ids: Sequence[int]
) -> Iterator[tuple[int, defaultdict[str, float]]]:
    """Yield how many mentions a model expects in documents, by label: the sum of its confidences.

    Documents that it has not predicted are left out.

    :return: the row id of each document, and the numbers.

    :raises StoreError: a row has other values than this program writes.
    """
    for some in chunks(document_ids):
        for row_id, values in measures(session, version, some, ("entities",)).items():
            expected = defaultdict[str, float](float)
            try:
                for one in values.entities:
                    expected[one["label"]] += confidence(one.get("score"))
            except SHAPE_ERRORS:
                raise other_shape(f"the predictions of {version}") from None
            yield row_id, expected


def expected_by_label(session: Session, version: str, document_ids: Sequence[int]) -> dict[str, float]:
    """Return how many mentions a model expects in documents together, by label, sorted.

    :raises StoreError: a row has other values than this program writes.
    """
    expected = defaultdict[str, float](float)
    for _, of_one in expected_mentions(session, version, document_ids):
        for label, number in of_one.items():
            expected[label] += number
    return dict(sorted(expected.items()))


def confidences_of(session: Session, version: str, document_ids: Sequence[int]) -> list[float]:
    """Return a model's confidence in each mention that it predicts in documents."""
    by_document = confidences_by_document(session, version, document_ids)
    return [one for confidences in by_document.values() for one in confidences]


def confidences_by_document(session: Session, version: str, document_ids: Sequence[int]) -> dict[int, list[float]]:
    """Return a model's confidences in the mentions that it predicts, by document row id.

    Documents that it has not predicted are left out.

    :raises StoreError: a row has other values than this program writes.
    """
    found: dict[int, list[float]] = {}
    for some in chunks(document_ids):
        rows = measures(session, version, some, ("entities",))
        try:
            found |= {row_id: [confidence(one.get("score")) for one in row.entities] for row_id, row in rows.items()}
        except SHAPE_ERRORS:
            raise other_shape(f"the predictions of {version}") from None
    return found


def mnlp_history(session: Session, version: str, document_ids: Sequence[int]) -> dict[int, list[float]]:
    """Return how unsure a model and those of earlier rounds were of documents: their ``mnlp``, the newest first.

    :return: by document row id; documents that the model has not predicted are left out.

    :raises StoreError: a row has other values than this program writes.
    """
    rows = measures(session, version, document_ids, ("mnlp", "earlier_mnlp"))
    try:
        return {row_id: [float(row.mnlp), *map(float, row.earlier_mnlp)] for row_id, row in rows.items()}
    except SHAPE_ERRORS:
        raise other_shape(f"the predictions of {version}") from None


def earlier_measure(session: Session, name: str, number: int, document_ids: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return what the last model of an earlier round that predicted each document measured, shape (n,).

    :param name: column of the measure.
    :param number: number of this round.
    :param document_ids: row ids, sorted, shape (n,).
    :return: NaN where no earlier model has predicted a document, or had that measure.
    """
    found = np.full(len(document_ids), np.nan)
    rows = session.execute(
        select(PredictionRow.document_id, getattr(PredictionRow, name))
        .join(ModelRow, ModelRow.version == PredictionRow.model_version)
        .where(ModelRow.selecting.is_(True), ModelRow.round_number < number, *_TRAINED)
        .order_by(ModelRow.round_number),
        execution_options={"yield_per": CHUNK},
    )
    for some in rows.partitions():
        ids = np.array([row_id for row_id, _ in some], dtype=np.int64)
        values = np.array([np.nan if value is None else value for _, value in some], dtype=np.float64)
        places = np.minimum(np.searchsorted(document_ids, ids), max(len(document_ids) - 1, 0))
        known = document_ids[places] == ids if len(document_ids) else np.zeros(len(ids), dtype=np.bool_)
        found[places[known]] = values[known]
    return found


def predictions_before_answers(session: Session, document_ids: Sequence[int]) -> dict[int, PredictionRow]:
    """Return the last prediction of each document by a model that had not learnt from it yet, by row id.

    That is a selecting model of a round before the one that fetched the first answer to the document, to a part of it,
    or to what it is a part of.

    :param document_ids: row ids of answered documents; those without such a prediction are left out.
    """
    parents = {row.document_id: row.parent_id for row in session.scalars(select(SegmentRow))}
    first: dict[int, int] = {}
    fetched = select(AnnotationRow.document_id, func.min(AnnotationRow.fetched_round)).where(
        AnnotationRow.source == "person", AnnotationRow.fetched_round.is_not(None)
    )
    for row_id, number in session.execute(fetched.group_by(AnnotationRow.document_id)):
        whole = parents.get(row_id, row_id)
        if number is not None:
            first[whole] = min(number, first.get(whole, number))
    found: dict[int, PredictionRow] = {}
    for chunk in chunks(document_ids):
        rows = session.execute(
            select(PredictionRow, ModelRow.round_number)
            .join(ModelRow, ModelRow.version == PredictionRow.model_version)
            .where(PredictionRow.document_id.in_(chunk), ModelRow.selecting.is_(True), *_TRAINED)
            .order_by(ModelRow.round_number)
        )
        for row, number in rows:
            whole = parents.get(row.document_id, row.document_id)
            if whole in first and number < first[whole]:
                found[row.document_id] = row
    return found


def forget_predictions(session: Session, keep_version: str) -> None:
    """Delete predictions of older models for documents that nobody was asked about; they have no use any more."""
    asked = exists().where(TaskRow.document_id == PredictionRow.document_id)
    session.execute(delete(PredictionRow).where(PredictionRow.model_version != keep_version, ~asked))


def forget_replaced_predictions(session: Session, version: str) -> None:
    """Delete predictions of other models only for documents that this model has predicted, too.

    As for :func:`forget_predictions`, those of documents that somebody was asked about are kept.

    :param version: of a model that has predicted a part of the pool.
    """
    newer = aliased(PredictionRow)
    replaced = exists().where(newer.document_id == PredictionRow.document_id, newer.model_version == version)
    asked = exists().where(TaskRow.document_id == PredictionRow.document_id)
    session.execute(delete(PredictionRow).where(PredictionRow.model_version != version, replaced, ~asked))


def replace_model(session: Session, version: str, row: ModelRow, *, keep_predictions: bool) -> None:
    """Replace a model whose weights are lost; delete what was measured with these weights.

    :param version: version of the lost model.
    :param keep_predictions: keep the predictions of the lost model; `row` then has the same version.
    """
    measured = (EvaluationRow, ReliabilityRow, RobustnessRow, RelationEvaluationRow)
    for table in measured if keep_predictions else (*measured, PredictionRow):
        session.execute(delete(table).where(table.model_version == version))
    if keep_predictions:
        session.merge(row)
        return
    session.delete(session.get_one(ModelRow, version))
    session.flush()
    session.add(row)
