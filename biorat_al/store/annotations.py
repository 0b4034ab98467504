"""Writing annotations to rows and reading them back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from biorat_al.corpus.model.concept_relations import with_old_columns
from biorat_al.corpus.model.document import Annotation, Concept, ConceptRelation, Entity, Relation, Span
from biorat_al.store.database.json_values import SHAPE_ERRORS, other_shape
from biorat_al.store.tables import AnnotationRow, EntityRow, RelationRow

T = TypeVar("T")

CHUNK = 500
"""Ids per statement that lists ids: SQLite limits the number of parameters."""

WHOLE_POOL = {"yield_per": 10_000}
"""Options of statements with a row for each document of the pool: how many rows are in memory at once."""


@dataclass(frozen=True, slots=True)
class NewAnnotation:
    """An annotation to write; `columns` are further columns of its row."""

    document_id: int
    source: str
    annotation: Annotation
    columns: dict[str, Any] = field(default_factory=dict)


def chunks(items: Sequence[T], size: int = CHUNK) -> Iterable[Sequence[T]]:
    """Split `items` into runs of at most `size` items."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def add_annotations(session: Session, new: Sequence[NewAnnotation]) -> list[int]:
    """Write annotations with their entities and relations; return their ids in the same order."""
    if not new:
        return []
    ids = list(
        session.scalars(
            insert(AnnotationRow).returning(AnnotationRow.id, sort_by_parameter_order=True),
            [_annotation_columns(item) for item in new],
        )
    )
    entities = [
        _entity_columns(annotation_id, entity)
        for annotation_id, item in zip(ids, new, strict=True)
        for entity in item.annotation.entities
    ]
    relations = [
        _relation_columns(annotation_id, relation)
        for annotation_id, item in zip(ids, new, strict=True)
        for relation in item.annotation.relations
    ]
    if entities:
        session.execute(insert(EntityRow), entities)
    if relations:
        session.execute(insert(RelationRow), relations)
    return ids


def load_annotations(session: Session, ids: Sequence[int]) -> dict[int, Annotation]:
    """Read annotations by their ids."""
    annotations: dict[int, Annotation] = {}
    for chunk in chunks(ids):
        entities: dict[int, list[Entity]] = {}
        for row in session.scalars(select(EntityRow).where(EntityRow.annotation_id.in_(chunk)).order_by(EntityRow.id)):
            entities.setdefault(row.annotation_id, []).append(entity_of(row))
        relations: dict[int, list[Relation]] = {}
        for relation in session.scalars(
            select(RelationRow).where(RelationRow.annotation_id.in_(chunk)).order_by(RelationRow.id)
        ):
            relations.setdefault(relation.annotation_id, []).append(_relation_of(relation))
        for identifier, concept_relations, extras in session.execute(
            select(AnnotationRow.id, AnnotationRow.concept_relations, AnnotationRow.extras).where(
                AnnotationRow.id.in_(chunk)
            )
        ):
            try:
                stated = tuple(ConceptRelation(*item) for item in concept_relations)
            except SHAPE_ERRORS as error:
                raise other_shape(f"the annotation {identifier}") from error
            annotations[identifier] = Annotation(
                entities=tuple(entities.get(identifier, ())),
                relations=tuple(relations.get(identifier, ())),
                concept_relations=stated,
                extras=with_old_columns(extras, stated),
            )
    return annotations


def entity_of(row: EntityRow) -> Entity:
    """Return the entity in a row."""
    try:
        return Entity(
            id=row.key,
            label=row.label,
            spans=tuple(Span(*span) for span in row.spans),
            concepts=tuple(Concept(*concept) for concept in row.concepts),
            score=row.score,
            origin=row.origin,
            extras=row.extras,
        )
    except SHAPE_ERRORS as error:
        raise other_shape(f"a mention of the annotation {row.annotation_id}") from error


def entity_values(entity: Entity) -> dict[str, Any]:
    """Return an entity as JSON values, for columns with whole predictions."""
    values: dict[str, Any] = {"id": entity.id, "label": entity.label, "spans": [list(span) for span in entity.spans]}
    if entity.score is not None:
        values["score"] = entity.score
    if entity.concepts:
        values["concepts"] = [list(concept) for concept in entity.concepts]
    return values


def entity_from_values(values: dict[str, Any]) -> Entity:
    """Return the entity of which :func:`entity_values` made these values."""
    try:
        return Entity(
            id=values["id"],
            label=values["label"],
            spans=tuple(Span(*span) for span in values["spans"]),
            concepts=tuple(Concept(*concept) for concept in values.get("concepts", ())),
            score=values.get("score"),
        )
    except SHAPE_ERRORS as error:
        raise other_shape("a predicted mention") from error


def relation_values(relation: Relation) -> dict[str, Any]:
    """Return a relation as JSON values, for columns with whole predictions; head and tail are ids of entities."""
    return {
        "id": relation.id,
        "label": relation.label,
        "head": relation.head,
        "tail": relation.tail,
        "directed": relation.directed,
        "extras": dict(relation.extras),
    }


def relation_from_values(values: dict[str, Any]) -> Relation:
    """Return the relation of which :func:`relation_values` made these values."""
    try:
        return Relation(**values)
    except SHAPE_ERRORS as error:
        raise other_shape("a predicted relation") from error


def _annotation_columns(item: NewAnnotation) -> dict[str, Any]:
    columns: dict[str, Any] = {
        "document_id": item.document_id,
        "source": item.source,
        "current": True,
        "skipped": False,
        "usable": True,
        "ground_truth": False,
        "concept_relations": [[r.label, r.head, r.tail] for r in item.annotation.concept_relations],
        "extras": dict(item.annotation.extras),
        "problems": [],
        "made_from": None,
        "revises": None,
        "slips": {},
    }
    return columns | item.columns


def _entity_columns(annotation_id: int, entity: Entity) -> dict[str, Any]:
    return {
        "annotation_id": annotation_id,
        "key": entity.id,
        "label": entity.label,
        "spans": [list(span) for span in entity.spans],
        "concepts": [list(concept) for concept in entity.concepts],
        "score": entity.score,
        "origin": entity.origin,
        "extras": dict(entity.extras),
    }


def _relation_columns(annotation_id: int, relation: Relation) -> dict[str, Any]:
    values = relation_values(relation)
    return {"annotation_id": annotation_id, "key": values.pop("id"), **values}


def _relation_of(row: RelationRow) -> Relation:
    return Relation(row.key, row.label, row.head, row.tail, row.directed, row.extras)
