"""Relations between concepts as relations between mentions, and back, for formats that have only one of the two.

A relation between two concepts becomes one relation for every pair of a mention linked to the first and a mention
linked to the second, alone or in a list of several concepts, as BigBio's loaders do. Each of these names the two
concepts in its ``extras["concepts"]``; where a format keeps that, the way back is certain.

Without it, two concepts count as related if all pairs of their mentions are. On BC5CDR's 2,050 relations, written as
BigBio and read again, this finds all of them and 15 more, between concepts that are only mentioned together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

from biorat_al.corpus.model.concepts import join_identifiers
from biorat_al.corpus.model.document import Annotation, Concept, ConceptRelation, Entity, Relation

CONCEPTS = "concepts"
"""Key of a relation's extras: the two concepts, ``[head, tail]``, of the relation from which it was made."""

PROPERTIES = "concept_relation_properties"
"""Key of an annotation's extras: properties of relations between concepts beyond label and ends, as a list of
``{"relation": [label, head, tail], "properties": {"novel": "No"}}``. Label and ends identify a relation, not its
number, so that the properties stay right when other relations are left out or renamed."""

OLD_COLUMNS = "relation_columns"
"""Key of the extras that had the fifth columns of PubTator's relations, by number, in older databases and files."""

NOVEL, COLUMN = "novel", "column"
_NOVELTIES = frozenset({"novel", "no", "yes", "none", "true", "false"})

Pair = tuple[str, str]


def novelty_of(column: str) -> dict[str, str]:
    """Return the property that the fifth column of a relation in PubTator states; empty for an empty column."""
    column = column.strip()
    if not column:
        return {}
    return {NOVEL if column.casefold() in _NOVELTIES else COLUMN: column}


def with_old_columns(extras: Mapping[str, Any], relations: Sequence[ConceptRelation]) -> dict[str, Any]:
    """Return an annotation's extras, with the columns that an older version kept by relation number as properties.

    Values of another shape stay as they are.

    :param relations: all relations between concepts of the annotation, in order.
    """
    old_columns = extras.get(OLD_COLUMNS)
    if not isinstance(old_columns, list) or PROPERTIES in extras:
        return dict(extras)
    columns: dict[int, str] = {}
    for value in old_columns:
        match value:
            case {"relation": int(number), "columns": [str(column)]} if 0 <= number < len(relations):
                columns[number] = column
            case _:
                return dict(extras)
    others = {key: value for key, value in extras.items() if key != OLD_COLUMNS}
    return with_properties(others, [(relations[number], novelty_of(column)) for number, column in columns.items()])


def with_properties(
    extras: Mapping[str, Any], stated: Iterable[tuple[ConceptRelation, Mapping[str, Any]]]
) -> dict[str, Any]:
    """Return an annotation's extras with the properties of its relations between concepts.

    :param stated: each relation with its properties (JSON values); relations without any are ignored.
    """
    values = [
        {"relation": [relation.label, relation.head, relation.tail], "properties": dict(properties)}
        for relation, properties in stated
        if properties
    ]
    return {**extras, PROPERTIES: values} if values else dict(extras)


def properties_of(annotation: Annotation) -> tuple[list[dict[str, Any]], int]:
    """Return the properties of each relation between concepts, in order, and the number that fit no relation."""
    held = annotation.extras.get(PROPERTIES, [])
    known: defaultdict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    unfit = 0
    for value in held if isinstance(held, list) else [held]:
        match value:
            case {"relation": [str(label), str(head), str(tail)], "properties": dict(properties)} if len(value) == 2:
                known[label, head, tail].append(properties)
            case _:
                unfit += 1
    found = []
    for relation in annotation.concept_relations:
        waiting = known[relation.label, relation.head, relation.tail]
        found.append(waiting.pop(0) if waiting else {})
    return found, unfit + sum(map(len, known.values()))


def relabelled(extras: Mapping[str, Any], label_of: Callable[[str], str | None]) -> dict[str, Any]:
    """Return an annotation's extras with the new labels of relations between concepts.

    :param label_of: maps an old label to the new one; None for an unknown label, which stays as it is.
    """
    held = extras.get(PROPERTIES)
    if not isinstance(held, list):
        return dict(extras)
    values = []
    for value in held:
        match value:
            case {"relation": [str(label), head, tail]}:
                values.append({**value, "relation": [label_of(label) or label, head, tail]})
            case _:
                values.append(value)
    return {**extras, PROPERTIES: values}


def linked_pairs(annotation: Annotation) -> Iterator[tuple[ConceptRelation, list[Pair]]]:
    """Yield each relation between concepts with the pairs of mentions (ids) that are linked to its two ends."""
    if not annotation.concept_relations:
        return
    linked = _linked(annotation.entities)
    for relation in annotation.concept_relations:
        heads, tails = linked.get(relation.head, ()), linked.get(relation.tail, ())
        yield relation, [(head, tail) for head, tail in product(heads, tails) if head != tail]


def expanded(annotation: Annotation) -> tuple[tuple[Relation, ...], int]:
    """Return all relations as relations between mentions.

    :return: the relations; the number of relations between concepts that no two mentions are linked to.
    """
    relations = list(annotation.relations)
    ids = {relation.id for relation in relations}
    number = unlinked = 0
    for relation, pairs in linked_pairs(annotation):
        unlinked += not pairs
        for head, tail in pairs:
            number += 1
            while f"R{number}" in ids:
                number += 1
            extras = {CONCEPTS: [relation.head, relation.tail]}
            relations.append(Relation(f"R{number}", relation.label, head, tail, extras=extras))
    return tuple(relations), unlinked


def collapsed(annotation: Annotation) -> Annotation:
    """Return the annotation with one relation between concepts in place of all relations that were made from it."""
    stated = {key: None for relation in annotation.relations if (key := _stated(relation)) is not None}
    if not stated:
        return annotation
    known = set(annotation.concept_relations)
    return replace(
        annotation,
        relations=tuple(relation for relation in annotation.relations if _stated(relation) is None),
        concept_relations=(*annotation.concept_relations, *(key for key in stated if key not in known)),
    )


def between_concepts(
    annotation: Annotation, spelled: Callable[[Entity, Concept], str]
) -> tuple[list[ConceptRelation], int, int]:
    """Return all relations as relations between concepts.

    :param spelled: returns a concept of a mention as it is written.
    :return: the relations; the number of relations between mentions that became one between concepts although other
        mentions of these are not related; the number that could not, since a mention is linked to no concept.
    """
    annotation = collapsed(annotation)
    found = list(annotation.concept_relations)
    known = set(found)

    def state(relation: ConceptRelation) -> None:
        if relation not in known:
            known.add(relation)
            found.append(relation)

    names = {entity.id: [spelled(entity, concept) for concept in entity.concepts] for entity in annotation.entities}
    linked: defaultdict[str, list[str]] = defaultdict(list)
    for ident, spellings in names.items():
        for spelling in dict.fromkeys(spellings):
            linked[spelling].append(ident)
    by_label: defaultdict[str, list[Relation]] = defaultdict(list)
    for relation in annotation.relations:
        by_label[relation.label].append(relation)
    widened = unlinked = 0
    for label, relations in by_label.items():
        joined = {(relation.head, relation.tail) for relation in relations}
        either = joined | {(relation.tail, relation.head) for relation in relations if not relation.directed}
        candidates = dict.fromkeys(
            pair for relation in relations for pair in product(names[relation.head], names[relation.tail])
        )
        explained: dict[Pair, set[Pair]] = {}
        for pair in candidates:
            pairs = {(head, tail) for head, tail in product(linked[pair[0]], linked[pair[1]]) if head != tail}
            if pairs <= either:
                explained[pair] = pairs & joined
        covered = set().union(*explained.values())
        for pair in explained:
            state(ConceptRelation(label, *pair))
        for head, tail in dict.fromkeys((relation.head, relation.tail) for relation in relations):
            if (head, tail) in covered:
                continue
            pairs_of_names = list(product(names[head], names[tail]))
            widened += bool(pairs_of_names)
            unlinked += not pairs_of_names
            for pair in pairs_of_names:
                state(ConceptRelation(label, *pair))
    return found, widened, unlinked


def _linked(entities: Iterable[Entity]) -> dict[str, list[str]]:
    """Return the mentions (ids) of each concept, under all names that a relation may use for it."""
    linked: defaultdict[str, list[str]] = defaultdict(list)
    for entity in entities:
        for name in dict.fromkeys(concept_names(entity)):
            linked[name].append(entity.id)
    return linked


def concept_names(entity: Entity) -> Iterator[str]:
    """Yield the names that a relation may use for the concepts of a mention."""
    for database, identifier in entity.concepts:
        for name in (identifier, f"{database}:{identifier}"):
            yield name
            # PubTator 3 puts the type before the identifier
            yield f"{entity.label}|{name}"
    # one end of a relation may be several concepts, written as in the mention
    yield from _columns(entity.concepts, entity.extras)


def _columns(concepts: Sequence[Concept], extras: Mapping[str, Any]) -> Iterator[str]:
    if len(concepts) > 1:
        yield join_identifiers([identifier for _, identifier in concepts])
    for key in ("identifiers", "identifier"):
        column = extras.get(key)
        if concepts and isinstance(column, str):
            yield column.strip()


def _stated(relation: Relation) -> ConceptRelation | None:
    """Return the relation between concepts from which this one was made, if it names one."""
    match relation.extras.get(CONCEPTS):
        case [str(head), str(tail)] if head and tail:
            return ConceptRelation(relation.label, head, tail)
    return None
