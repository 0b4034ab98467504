"""Scores of a model's relations on the held-out test documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from biorat_al.corpus.model.document import Entity, Relation
from biorat_al.learner.types import Example, Prediction
from biorat_al.progress import Bar
from biorat_al.settings import RelationType
from biorat_al.store.evaluations import Between, Level, Measure

if TYPE_CHECKING:
    from biorat_al.learner.predictor import Predictor

Predicted = Mapping[str, tuple[Sequence[Entity], Sequence[Relation]]]
"""Mentions and the relations between them, by document id."""


def relation_rows(
    predictor: Predictor,
    held_out: Mapping[int, Example],
    end_to_end: Mapping[str, Prediction],
    types: Sequence[RelationType],
    level: Level,
    bar: Bar,
) -> list[dict[str, Any]]:
    """Count relations by document and label, as rows of a model's evaluation.

    Relations are counted between predicted mentions (end to end) and, in a separate prediction, between gold mentions.
    Both are counted as pairs of mentions and, if the test documents have any concept, as pairs of concepts. A model of
    the level ``document`` names only one pair of mentions for two concepts, so only its pairs of concepts are counted.

    :param held_out: test documents by row id.
    :param end_to_end: the model's predictions by document id.
    :param level: whether the model relates mentions (``mention``) or concepts (``document``).
    """
    # imported on first use: reading the status must not load the learner
    from biorat_al.learner.relations.scoring import score_relations

    predicted: dict[Between, Predicted] = {
        "gold": _between_gold(predictor, held_out, bar),
        "predicted": {key: (found.entities, found.relations) for key, found in end_to_end.items()},
    }
    with_concepts = any(
        example.concept_relations or any(entity.concepts for entity in example.entities)
        for example in held_out.values()
    )
    levels: list[Level] = ["mention"] if level == "mention" else []
    if with_concepts or level == "document":
        levels.append("document")
    measures = [Measure(entities, counted) for counted in levels for entities in predicted]
    rows = []
    for measure in measures:
        for document_id, example in held_out.items():
            gold = {example.document.id: example}
            scores = score_relations(gold, predicted[measure.entities], types, measure.level)
            rows += [
                {
                    "document_id": document_id,
                    "label": label,
                    **measure._asdict(),
                    "true_positives": counts.tp,
                    "false_positives": counts.fp,
                    "false_negatives": counts.fn,
                }
                for label, counts in scores.by_label.items()
                if label not in example.unasked.relations
            ]
    return rows


def _between_gold(predictor: Predictor, held_out: Mapping[int, Example], bar: Bar) -> Predicted:
    entities = {example.document.id: example.entities for example in held_out.values()}
    predicted: dict[str, tuple[Sequence[Entity], Sequence[Relation]]] = {}
    for found in predictor.predict_relations((example.document, example.entities) for example in held_out.values()):
        predicted[found.document_id] = entities[found.document_id], found.relations
        bar.advance()
    return predicted
