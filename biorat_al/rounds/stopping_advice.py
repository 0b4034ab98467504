"""Measurements for the stopping criteria, and the verdicts of the criteria on the rounds so far."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import fmean

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from biorat_al.acquisition.stopping import Observation, StoppingAdvice, classification_change, verdicts
from biorat_al.rounds.pool import predicted_sample
from biorat_al.store.annotations import chunks, entity_from_values
from biorat_al.store.models import measures, models_of, predictions, selecting_model_before
from biorat_al.store.rounds import steps_of
from biorat_al.store.tables import PredictionRow

Mention = tuple[str, tuple[tuple[int, int], ...]]


def pool_counts(
    session: Session, version: str, number: int, document_ids: Sequence[int], *, sample: bool = False
) -> dict[str, float]:
    """Measure the mean uncertainty of documents, and how much their predictions have changed.

    Call it before the predictions of the earlier model are deleted.

    :param version: version of this round's selecting model.
    :param number: number of this round.
    :param document_ids: row ids of the documents that the model has predicted.
    :param sample: they are a random sample, and the model has predicted others, too, which do not count.
    :return: ``uncertainty``, and ``change`` if there is anything to compare with: not if the earlier model predicted a
        part of the pool, since what both have predicted is then mostly what is uncertain.
    """
    earlier = selecting_model_before(session, number)
    if earlier is not None and predicted_sample(session, earlier.round_number):
        earlier = None
    if sample:
        rows = measures(session, version, document_ids, ("confidence",)).values()
        confidence = fmean(row.confidence for row in rows) if rows else None
    else:
        confidence = session.scalar(
            select(func.avg(PredictionRow.confidence)).where(PredictionRow.model_version == version)
        )
    counts = {} if confidence is None else {"uncertainty": 1 - float(confidence)}
    change = classification_change(_pairs(session, earlier.version, version, document_ids)) if earlier else None
    return counts if change is None else counts | {"change": change}


def _pairs(
    session: Session, earlier: str, version: str, document_ids: Sequence[int]
) -> Iterator[tuple[set[Mention], set[Mention]]]:
    """Yield the mentions of both models for each document that both have predicted."""
    for some in chunks(document_ids):
        before, after = predictions(session, earlier, some), predictions(session, version, some)
        for document_id in before.keys() & after.keys():
            yield _mentions(before[document_id]), _mentions(after[document_id])


def stopping_verdicts(session: Session, number: int) -> tuple[StoppingAdvice, ...]:
    """Return the verdicts of the criteria after a round, from the selecting arm of each round so far."""
    return verdicts([one for n in range(number + 1) if (one := _observation(session, n)) is not None])


def _observation(session: Session, number: int) -> Observation | None:
    arm = next((arm for arm, model in models_of(session, number).items() if model.selecting), None)
    if arm is None:
        return None
    counts = {step.name: step.counts for step in steps_of(session, number)}
    measured, predicted = counts["evaluate"], counts["predict"]
    return Observation(
        f1=measured.get("f1", {}).get(arm),
        test_documents=measured.get("documents"),
        uncertainty=predicted.get("uncertainty"),
        change=predicted.get("change"),
    )


def _mentions(row: PredictionRow) -> set[Mention]:
    entities = (entity_from_values(values) for values in row.entities)
    return {(entity.label, tuple((start, end) for start, end in entity.spans)) for entity in entities}
