"""Relations between concepts, in formats that only know relations between mentions, and back.

A relation between two concepts becomes one relation for every pair of a mention that is linked to the one and a
mention that is linked to the other, in a list of several or alone, as BigBio's loaders do. Each of them says in its
``extras["concepts"]`` which two concepts it comes from, and where a format keeps that, the way back is certain.

Without it, two concepts are taken to be related where all pairs of their mentions are. On BC5CDR's 2,050 relations,
written as BigBio and read again, that finds all of them and 15 more, of concepts that are only mentioned together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import product

from biorat_al.corpus.model import Annotation, Concept, ConceptRelation, Entity, Relation

CONCEPTS = "concepts"
"""Key of a relation's extras: the two concepts, ``[head, tail]``, of the relation that it was made of."""

Pair = tuple[str, str]


def linked_pairs(annotation: Annotation) -> Iterator[tuple[ConceptRelation, list[Pair]]]:
    """Each relation between concepts with the pairs of mentions (ids) that are linked to its two ends."""
    if not annotation.concept_relations:
        return
    linked = _linked(annotation.entities, lambda concept: (concept.identifier, ":".join(concept)))
    for relation in annotation.concept_relations:
        heads, tails = linked.get(relation.head, ()), linked.get(relation.tail, ())
        yield relation, [(head, tail) for head, tail in product(heads, tails) if head != tail]


def expanded(annotation: Annotation) -> tuple[tuple[Relation, ...], int]:
    """All relations as relations between mentions, and how many between concepts no two mentions are linked to."""
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
    """The annotation with one relation between concepts for all relations that say that they come from it."""
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
    """All relations as relations between concepts.

    :param spelled: how a concept of a mention is written.
    :return: the relations; how many between mentions became one between concepts although other mentions of these are
        not related; how many could not, since a mention is linked to no concept.
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


def _linked(entities: Iterable[Entity], spellings: Callable[[Concept], Iterable[str]]) -> dict[str, list[str]]:
    linked: defaultdict[str, list[str]] = defaultdict(list)
    for entity in entities:
        for name in {name for concept in entity.concepts for name in spellings(concept)}:
            linked[name].append(entity.id)
    return linked


def _stated(relation: Relation) -> ConceptRelation | None:
    """The relation between concepts that this one says that it comes from."""
    match relation.extras.get(CONCEPTS):
        case [str(head), str(tail)] if head and tail:
            return ConceptRelation(relation.label, head, tail)
    return None
