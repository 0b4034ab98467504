"""Calibration of a round's models without documents that are kept back from training.

The documents of a batch were predicted before anybody annotated them, by the model that chose them. So when their
answers come, they say how often that model was right, at no cost of labels. Its calibration is taken over by the model
that is trained on these answers. Annotators saw the proposals, and the strategy chose the documents: the first makes a
model look a little better than it is, the second a little worse.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from biorat_al.corpus.model.document import Entity
from biorat_al.corpus.model.identity import mention_key
from biorat_al.learner.counts import Scores
from biorat_al.learner.disputes import Undecided
from biorat_al.learner.entities.scoring import score
from biorat_al.learner.scaling import OF_A_COMMITTEE, OF_ONE_MODEL, Scaling, fit_scaling
from biorat_al.learner.types import Example
from biorat_al.rounds.context import Context
from biorat_al.settings import COMMITTEE
from biorat_al.store.annotations import chunks, entity_from_values
from biorat_al.store.models import models_of, predictions
from biorat_al.store.tables import DocumentRow, ModelRow

ENOUGH = 200
"""Proposed mentions to fit a calibration on: earlier rounds are read until there are as many."""


class RoundCalibration(NamedTuple):
    """How a round's selecting model is calibrated, and on what.

    :param mentions: proposed mentions that it was fitted on; 0 if it is the default.
    :param documents: documents that were annotated since the last model proposed mentions in them.
    :param f1: strict span F1 of these proposals, a fraction; None without such documents. The strategy chose these
        documents, and their annotators saw the proposals, so it is no F1 of a random sample.
    """

    scaling: Scaling
    mentions: int
    documents: int = 0
    f1: float | None = None


def default_scaling(arm: str) -> Scaling:
    """Return how an arm, or the committee, is calibrated that nothing has been fitted for."""
    return OF_A_COMMITTEE if arm == COMMITTEE else OF_ONE_MODEL


def from_answers(context: Context, examples: Sequence[Example]) -> RoundCalibration:
    """Return how this round's selecting model is calibrated, from what earlier ones proposed and people answered.

    :param examples: the documents that have an answer now.
    """
    by_key = {example.document.id: example for example in examples}
    before: list[float] = []
    right: list[bool] = []
    newest: Scores | None = None
    with context.store.read() as session:
        answered = {row_id: by_key[key] for some in chunks(list(by_key)) for row_id, key in _row_ids(session, some)}
        for number in range(context.number - 1, -1, -1):
            model = next((row for row in models_of(session, number).values() if row.selecting), None)
            if model is not None:
                found = _collect(session, model, answered, before, right)
                scores = score(*found, context.settings.labels, *_left_out(answered.values()))
                newest = newest or scores
            if len(before) >= ENOUGH:
                break
    documents = len(newest.by_document) if newest else 0
    f1 = newest.overall.f1 if newest and documents else None
    expected = default_scaling(context.settings.training.selecting)
    return RoundCalibration(fit_scaling(before, right, expected), len(before), documents, f1)


def _row_ids(session: Session, keys: Sequence[str]) -> list[tuple[int, str]]:
    rows = session.execute(select(DocumentRow.id, DocumentRow.key).where(DocumentRow.key.in_(keys)))
    return [(row_id, key) for row_id, key in rows]


def _left_out(examples: Iterable[Example]) -> tuple[dict[str, tuple[Entity, ...]], dict[str, frozenset[str]]]:
    """Return what counts neither as right nor as wrong: disputed mentions, and labels nobody was asked for."""
    disputed, unasked = {}, {}
    for example in examples:
        disputed[example.document.id] = example.disputed.entities
        unasked[example.document.id] = example.unasked.labels
    return disputed, unasked


def _collect(
    session: Session, model: ModelRow, answered: Mapping[int, Example], before: list[float], right: list[bool]
) -> tuple[dict[str, tuple[Entity, ...]], dict[str, tuple[Entity, ...]]]:
    """Add the uncalibrated probabilities of a model's proposals in answered documents, and whether they are right.

    A model predicts only documents that nobody has annotated, so it was not trained on any of them.

    :returns: the annotated and the proposed mentions of these documents.
    """
    scaling = Scaling.of(model.summary)
    gold, proposed = {}, {}
    for document_id, row in sorted(predictions(session, model.version, sorted(answered)).items()):
        example = answered[document_id]
        known = {mention_key(entity) for entity in example.entities}
        undecided = Undecided(example.entities, example.disputed.entities, example.unasked.labels)
        entities = tuple(entity_from_values(values) for values in row.entities)
        gold[example.document.id], proposed[example.document.id] = example.entities, entities
        counted = [entity for entity in entities if mention_key(entity) not in undecided]
        if counted:
            before.extend(scaling.undo([entity.score or 0.0 for entity in counted]).tolist())
            right.extend(mention_key(entity) in known for entity in counted)
    return gold, proposed
