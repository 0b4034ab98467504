"""Relation scores: counts of right, wrong and missed relations, by mention or by concept.

At level ``mention``, a relation is its label and the label and spans of either end. A gold relation between concepts
counts as one relation for every pair of their mentions that its types permit; without such a pair, it is missed once.

At level ``document``, a relation is its label and a concept of either end. One relation between mentions can mean
several pairs of concepts, because a composite mention has more than one concept. So:

- A predicted mention has the concepts of the gold mention with its label and spans. A gold mention without concepts
  is identified by its type and spelling, as in :mod:`biorat_al.learner.relations.candidates`. A predicted mention that
  is not in the gold takes the concepts of predicted mentions with its type and spelling, because a relation is read at
  only one of them; if none of these is in the gold, its relations are wrong.
- A gold relation is found (true positive) if a predicted one shares a pair with it, else missed.
- Predicted relations that share no pair with any gold relation are false positives.
- On either side, relations with the same pairs are one, and a relation with all pairs of another and more is left out,
  because it adds nothing. So each pair of concepts counts once, however many mentions express it.

At both levels, the ends of a symmetric type may be exchanged. If the type of an undirected relation has a direction,
the relation is taken in the direction that the types permit. The same relation twice counts once. Relations that no
candidate can express (ends too far apart, other types, a concept that no mention is linked to) are missed like others.

Disputed relations are masked: they do not count as missed, and a predicted relation that shares its label and a pair
with a disputed one is not a false positive. Neither is a relation with an end that counts neither as right nor as wrong
(:mod:`biorat_al.learner.disputes`). At level ``document``, a disputed mention keeps its concepts, so that a decided
relation can be found at it, too. Labels that nobody was asked for in a document are left out there on both sides.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Literal

from biorat_al.corpus.model.concept_relations import linked_pairs
from biorat_al.corpus.model.document import Annotation, ConceptRelation, Entity, Relation
from biorat_al.corpus.model.identity import MentionKey, mention_key
from biorat_al.learner.counts import Counts, Scores
from biorat_al.learner.disputes import Undecided
from biorat_al.learner.relations.candidates import Name, names_of, relation_labels, spelling_of, spellings
from biorat_al.learner.types import Example
from biorat_al.settings import RelationType

Level = Literal["mention", "document"]

Meaning = frozenset[Hashable]
"""The pairs that a relation can mean, at least one."""

_Types = Mapping[str, Sequence[RelationType]]
_Namer = Callable[[Entity], Iterable[Hashable]]


def score_relations(
    gold: Mapping[str, Example],
    predicted: Mapping[str, tuple[Sequence[Entity], Sequence[Relation]]],
    types: Sequence[RelationType],
    level: Level,
) -> Scores:
    """Compare relations, document by document, as the module defines.

    :param gold: examples by document id; only these documents count.
    :param predicted: mentions, and relations between them, by document id; a document without an entry has none.
    :param types: relation types whose labels count; relations of others are left out on both sides.
    """
    by_type = {label: [one for one in types if one.name == label] for label in relation_labels(types)}
    by_label = {label: Counts() for label in by_type}
    by_document = {}
    for document, example in gold.items():
        entities, relations = predicted.get(document, ((), ()))
        in_gold, in_prediction = _namers(example, entities, level)
        right = _meanings(example.entities, example.relations, by_type, in_gold)
        for label, meaning in _stated(example.entities, example.concept_relations, by_type, level):
            right[label].add(meaning)
        proposed = _meanings(entities, relations, by_type, in_prediction)
        masked = _masked(example, by_type, level, in_gold)
        countable = proposed
        if example.disputed or example.unasked.labels:
            sure = _between_sure(example, entities, relations)
            countable = _meanings(entities, sure, by_type, in_prediction)
        of_document = Counts()
        for label in by_type:
            if label in example.unasked.relations:
                continue
            counts = _count(right[label], proposed[label], countable[label], masked[label])
            by_label[label] += counts
            of_document += counts
        by_document[document] = of_document
    return Scores(sum(by_label.values(), Counts()), by_label, by_document)


def _count(right: set[Meaning], proposed: set[Meaning], countable: set[Meaning], masked: set[Meaning]) -> Counts:
    """Compare the relations of one label.

    :param countable: those of `proposed` that can be wrong.
    :param masked: meanings of disputed relations.
    """
    gold, of_any = _least(right), frozenset[Hashable]().union(*proposed)
    tp = sum(not meaning.isdisjoint(of_any) for meaning in gold)
    not_wrong = frozenset[Hashable]().union(*right, *masked)
    wrong = _least({meaning for meaning in countable if meaning.isdisjoint(not_wrong)})
    return Counts(tp, len(wrong), len(gold) - tp)


def _masked(example: Example, types: _Types, level: Level, names: _Namer) -> defaultdict[str, set[Meaning]]:
    """Return the meanings of disputed relations, by label."""
    disputed = example.disputed
    mentions = (*example.entities, *disputed.entities)
    masked = _meanings(mentions, disputed.relations, types, names)
    for label, meaning in _stated(mentions, disputed.concept_relations, types, level):
        masked[label].add(meaning)
    return masked


def _between_sure(example: Example, entities: Sequence[Entity], relations: Sequence[Relation]) -> list[Relation]:
    """Return the predicted relations between mentions that are known to be right or wrong."""
    undecided = Undecided(example.entities, example.disputed.entities, example.unasked.labels)
    open_ids = {entity.id for entity in entities if mention_key(entity) in undecided}
    return [relation for relation in relations if not {relation.head, relation.tail} & open_ids]


def _least(meanings: set[Meaning]) -> list[Meaning]:
    """Return the meanings that contain no other one."""
    if all(len(meaning) == 1 for meaning in meanings):
        return list(meanings)
    return [meaning for meaning in meanings if not any(other < meaning for other in meanings)]


def _meanings(
    entities: Sequence[Entity], relations: Sequence[Relation], types: _Types, names: _Namer
) -> defaultdict[str, set[Meaning]]:
    """Return the meanings of relations between mentions, by label."""
    by_id = {entity.id: entity for entity in entities}
    meanings: defaultdict[str, set[Meaning]] = defaultdict(set)
    for relation in relations:
        own = types.get(relation.label, ())
        if not own:
            continue
        head, tail = by_id[relation.head], by_id[relation.tail]
        if not relation.directed and not _permit(own, head, tail) and _permit(own, tail, head):
            head, tail = tail, head
        meanings[relation.label].add(_meaning(own, names(head), names(tail)))
    return meanings


def _stated(
    entities: Sequence[Entity], relations: Sequence[ConceptRelation], types: _Types, level: Level
) -> Iterator[tuple[str, Meaning]]:
    """Yield the labels and the meanings of gold relations between concepts of `entities`."""
    annotation = Annotation(tuple(entities), (), tuple(relations))
    by_id = {entity.id: entity for entity in entities}
    linked: defaultdict[str, dict[Name, None]] = defaultdict(dict)
    for entity in entities:
        for concept in entity.concepts:
            for spelling in spellings(concept):
                linked[spelling][concept] = None
    for relation, ids in linked_pairs(annotation):
        own = types.get(relation.label, ())
        if not own:
            continue
        pairs = [(by_id[head], by_id[tail]) for head, tail in ids]
        permitted = [pair for pair in pairs if _permit(own, *pair)]
        if level == "mention" and permitted:
            for head, tail in permitted:
                yield relation.label, _meaning(own, [mention_key(head)], [mention_key(tail)])
        elif level == "mention":
            yield relation.label, _meaning(own, [relation.head], [relation.tail])
        else:
            # a concept that no mention is linked to is named by its spelling, which no prediction has
            heads, tails = (linked.get(name) or {(name,): None} for name in (relation.head, relation.tail))
            yield relation.label, _meaning(own, heads, tails)


def _namers(example: Example, predicted: Sequence[Entity], level: Level) -> tuple[_Namer, _Namer]:
    """Return two functions that name what a mention of the gold, and a predicted mention, can mean as an end."""
    if level == "mention":
        return (lambda entity: [mention_key(entity)]), (lambda entity: [mention_key(entity)])
    text = example.document.text
    known: defaultdict[MentionKey, dict[Name, None]] = defaultdict(dict)
    for entity in (*example.entities, *example.disputed.entities):
        known[mention_key(entity)].update(dict.fromkeys(names_of(entity, text)))

    alike: defaultdict[tuple[str, str], dict[Name, None]] = defaultdict(dict)
    for entity in predicted:
        alike[spelling_of(entity, text)].update(known.get(mention_key(entity), {}))

    def in_prediction(entity: Entity) -> Iterable[Hashable]:
        # without a gold mention, the spelling identifies it, marked so as to equal nothing in the gold
        spelling = spelling_of(entity, text)
        return known.get(mention_key(entity)) or alike[spelling] or [("not gold", *spelling)]

    return (lambda entity: known[mention_key(entity)]), in_prediction


def _meaning(own: Sequence[RelationType], heads: Iterable[Hashable], tails: Iterable[Hashable]) -> Meaning:
    if own[0].symmetric:
        return frozenset(frozenset(pair) for pair in product(heads, tails))
    return frozenset(product(heads, tails))


def _permit(own: Sequence[RelationType], head: Entity, tail: Entity) -> bool:
    return any(one.joins(head.label, tail.label) for one in own)
