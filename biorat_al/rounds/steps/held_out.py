"""The annotated test documents that models, files and dictionaries are measured on, and counts of their mentions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

from biorat_al.corpus.model.document import (
    UNDISPUTED,
    Annotation,
    ConceptRelation,
    Disputed,
    Document,
    Entity,
    Relation,
)
from biorat_al.learner.entities.scoring import score
from biorat_al.learner.types import Example
from biorat_al.people.disputes import all_dropped, masked_counts
from biorat_al.rounds.steps.learnt import check_stored
from biorat_al.rounds.unasked import unasked_counts, unasked_of
from biorat_al.settings import Settings
from biorat_al.store.answers import answers, decisions
from biorat_al.store.documents import count_documents, documents_by_id

HeldOut = Mapping[int, Example]
"""Test documents by row id, with the mentions and relations that count as gold."""


@dataclass(frozen=True, slots=True)
class AnnotatedTests:
    """The test documents of a project that can be measured on.

    :param documents: those that are annotated.
    :param of: how many test documents there are.
    :param dropped: how many annotated ones are left out because of a dispute.
    :param missing: why there is none to measure on; empty if there is one.
    """

    documents: HeldOut
    of: int
    dropped: int
    missing: str

    @property
    def counts(self) -> dict[str, Any]:
        """How many documents there are, and what of them is left out, for the counts of a step."""
        disputed = [example.disputed for example in self.documents.values()]
        left_out = masked_counts(disputed, self.dropped) | unasked_counts(self.documents.values())
        return {"documents": len(self.documents), "of": self.of, **left_out}


def read_test_set(session: Session, settings: Settings) -> AnnotatedTests:
    """Return the annotated test documents, without those that were not asked for any label of the project."""
    total = count_documents(session)["test"]
    documents, dropped = held_out_documents(session, settings), _dropped(session, settings)
    missing = ""
    if not documents and dropped:
        missing = all_dropped(dropped, "test document")
    elif not documents:
        asked = " with a label of the project" if answers(session, "test", with_gold=True) else ""
        missing = f"none of the {total} test documents is annotated{asked}" if total else "there is no test set"
    return AnnotatedTests(documents, total, dropped, missing)


def of_labels(entities: Iterable[Entity], labels: tuple[str, ...]) -> tuple[Entity, ...]:
    """Return the entities that have one of the project's labels."""
    return tuple(entity for entity in entities if entity.label in labels)


def held_out_documents(session: Session, settings: Settings) -> dict[int, Example]:
    """Return the annotated test documents by row id; where people disagree, as the project's settings decide."""
    prefer = settings.team.preferred
    chosen = answers(session, "test", with_gold=True, prefer=prefer)
    documents = documents_by_id(session, [answer.document_id for answer in chosen], check=True)
    held_out = {}
    for decision in decisions(session, chosen, prefer=prefer):
        if settings.team.drops and decision.majority.disputed:
            continue
        document = documents[decision.answer.document_id]
        check_stored(document, decision.majority.annotation)
        example = of_project(document, decision.majority.annotation, settings, decision.majority.disputed)
        unasked = unasked_of(decision.answer, settings)
        if not unasked.labels >= set(settings.labels):
            held_out[decision.answer.document_id] = replace(example, unasked=unasked)
    return held_out


def of_project(
    document: Document, annotation: Annotation, settings: Settings, disputed: Disputed = UNDISPUTED
) -> Example:
    """Return the parts of an annotation, and of its disputes, that have labels of the project."""
    entities, masked = of_labels(annotation.entities, settings.labels), of_labels(disputed.entities, settings.labels)
    labels, there = settings.relation_labels, {entity.id for entity in (*entities, *masked)}

    def between(relations: Iterable[Relation]) -> tuple[Relation, ...]:
        return tuple(one for one in relations if one.label in labels and {one.head, one.tail} <= there)

    def stated(relations: Iterable[ConceptRelation]) -> tuple[ConceptRelation, ...]:
        return tuple(one for one in relations if one.label in labels)

    return Example(
        document,
        entities,
        between(annotation.relations),
        stated(annotation.concept_relations),
        Disputed(masked, between(disputed.relations), stated(disputed.concept_relations)),
    )


def gold_mentions(held_out: HeldOut) -> dict[str, tuple[Entity, ...]]:
    """Return the mentions that count as gold, by document id."""
    return {example.document.id: example.entities for example in held_out.values()}


def disputed_mentions(held_out: HeldOut) -> dict[str, tuple[Entity, ...]]:
    """Return the mentions that are masked because people dispute them, by document id."""
    return {example.document.id: example.disputed.entities for example in held_out.values()}


def unasked_labels(held_out: HeldOut) -> dict[str, frozenset[str]]:
    """Return the labels that a document was not asked for, by document id."""
    return {example.document.id: example.unasked.labels for example in held_out.values()}


def evaluation_rows(
    held_out: HeldOut, predicted: Mapping[str, tuple[Entity, ...]], labels: tuple[str, ...]
) -> list[dict[str, Any]]:
    """Count strict spans per document and label; return rows for the store, without the version of a model.

    :param predicted: mentions by document id.
    :param labels: those that the model knows.
    """
    disputed, unasked = disputed_mentions(held_out), unasked_labels(held_out)
    return [
        {
            "document_id": document_id,
            "label": label,
            "true_positives": counts.tp,
            "false_positives": counts.fp,
            "false_negatives": counts.fn,
        }
        for document_id, example in held_out.items()
        for label, counts in score(
            {example.document.id: example.entities}, predicted, labels, disputed, unasked
        ).by_label.items()
        if label not in example.unasked.labels
    ]


def _dropped(session: Session, settings: Settings) -> int:
    """Return how many annotated test documents are left out because of a dispute."""
    if not settings.team.drops:
        return 0
    return sum(bool(one.majority.disputed) for one in decisions(session, answers(session, "test", with_gold=True)))
