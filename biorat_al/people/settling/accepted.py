"""The adjudicated annotation, from what was marked and which annotator was accepted."""

from __future__ import annotations

import re
from dataclasses import replace

from biorat_al.corpus.model.document import Annotation, Entity
from biorat_al.corpus.model.identity import MentionKey, mention_key, relation_keys
from biorat_al.corpus.model.notes import NOTE, joined_notes
from biorat_al.people.settling.differences import Differences

_HOLDERS = re.compile(r"marked by [A-Z]\d*( and [A-Z]\d*)*")


def without_holders(annotation: Annotation) -> Annotation:
    """Return an annotation without the notes that said who has a mention."""
    return replace(annotation, entities=tuple(map(_without_holders, annotation.entities)))


def accepted(marked: Annotation, differences: Differences, side: str) -> Annotation:
    """Return an annotation in which every difference is as one annotator has it.

    What the adjudicator marked elsewhere stays, and so does a version that none of the annotators has.

    :param marked: what the adjudicator left marked.
    :param side: the annotator's letter.
    :raises ValueError: the document has no such annotator.
    """
    if side not in differences.sides:
        raise ValueError(f"{side} is not one of {', '.join(differences.sides)}")
    of_table = {one.key for one in differences.mentions}
    entities = [entity for entity in marked.entities if mention_key(entity) not in of_table]
    entities += [one.entity for one in differences.mentions if side in one.by]
    entities = [replace(entity, score=None) for entity in entities]
    named, ids = _renamed(entities)
    keys = relation_keys(marked)
    related = {one.key for one in differences.relations}
    mentions = {entity.id: mention_key(entity) for entity in marked.entities}
    relations = [
        (one, mentions[one.head], mentions[one.tail]) for one in marked.relations if keys[one.id] not in related
    ]
    relations += [(one.relation, *one.ends) for one in differences.relations if side in one.by]
    return replace(
        marked,
        entities=named,
        relations=tuple(
            replace(relation, id=f"r{number}", head=ids[head], tail=ids[tail])
            for number, (relation, head, tail) in enumerate(relations, start=1)
            if head in ids and tail in ids
        ),
    )


def with_rest(annotation: Annotation, gold: Annotation) -> Annotation:
    """Return an annotation with what annotators cannot mark: relations between concepts, and further properties.

    :param gold: has these; properties of its mentions go to the same mentions.
    """
    of_mentions = {mention_key(entity): entity for entity in gold.entities}
    entities = []
    for entity in annotation.entities:
        same = of_mentions.get(mention_key(entity))
        if same is not None:
            extras, concepts = {**same.extras, **entity.extras}, entity.concepts or same.concepts
            entity = replace(entity, extras=extras, concepts=concepts)
        entities.append(entity)
    return replace(
        annotation,
        entities=tuple(entities),
        concept_relations=annotation.concept_relations or gold.concept_relations,
        extras={**gold.extras, **annotation.extras},
    )


def _renamed(entities: list[Entity]) -> tuple[tuple[Entity, ...], dict[MentionKey, str]]:
    """Return mentions in the order of the text with ids of their own, each once, and the ids."""
    once = {mention_key(entity): entity for entity in entities}
    ordered = sorted(once.values(), key=lambda one: (one.start, one.end, one.label, sorted(one.spans)))
    named = tuple(replace(entity, id=f"m{number}") for number, entity in enumerate(ordered, start=1))
    return named, {mention_key(entity): entity.id for entity in named}


def _without_holders(entity: Entity) -> Entity:
    note = entity.extras.get(NOTE)
    if not isinstance(note, str):
        return entity
    kept = joined_notes(line for line in note.split("\n") if not _HOLDERS.fullmatch(line))
    extras = {name: value for name, value in entity.extras.items() if name != NOTE}
    return replace(entity, extras=extras | {NOTE: kept} if kept else extras)
