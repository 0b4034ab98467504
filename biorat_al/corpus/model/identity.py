"""When two mentions or two relations are the same, whoever annotated them and whatever their ids."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

from biorat_al.corpus.model.document import Annotation, Entity, Relation, Span

MentionKey = tuple[str, frozenset[Span]]
RelationKey = tuple[str, bool, Hashable]


def mention_key(entity: Entity) -> MentionKey:
    """What makes a mention the same as another: its label and the set of its spans."""
    return entity.label, frozenset(entity.spans)


def relation_key(relation: Relation, mentions: Mapping[str, MentionKey]) -> RelationKey:
    """What makes a relation the same as another: label, direction and ends, whose order counts if it has a direction.

    :param mentions: what makes each mention the same as another, by its id.
    """
    ends = mentions[relation.head], mentions[relation.tail]
    return relation.label, relation.directed, ends if relation.directed else frozenset(ends)


def relation_keys(annotation: Annotation) -> dict[str, RelationKey]:
    """What makes each relation of an annotation the same as another, by its id."""
    mentions = {entity.id: mention_key(entity) for entity in annotation.entities}
    return {relation.id: relation_key(relation, mentions) for relation in annotation.relations}
