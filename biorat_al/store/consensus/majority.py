"""A majority vote: one annotation from those of several annotators, with what more than half of them have.

:mod:`biorat_al.corpus.model.identity` defines when two annotators have the same mention or relation. What exactly half
of them have is a tie: it is left out, unless the preferred annotator has it. The annotators who have a mention decide
on its concepts in the same way. :mod:`biorat_al.store.consensus.extras` decides on what formats carry beyond these.

What is left out is not always decided to be absent. These are **disputed**:

- ties, unless the preferred annotator has answered: then that answer decides, whether it has the mention or not;
- what only a minority has, if at least half of the annotators have it or another version of it that is left out.
  Three people who mark three different borders agree that there is a mention. Versions of one mention are mentions with
  the same spans, or with the same label and a common character; versions of one relation have the same two ends, but
  may differ in label and direction;
- a relation that is left out and has a disputed end, unless its other end is decided to be absent.

Everything else that only a minority has is outvoted: it is decided to be absent.

Annotators who could not choose a label (:class:`~biorat_al.corpus.model.unasked.Unasked`), or one of a relation's ends,
have no vote on it, unless it is in their answer all the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, TypeVar

from biorat_al.corpus.model.document import UNDISPUTED, Annotation, Concept, ConceptRelation, Disputed, Entity, Relation
from biorat_al.corpus.model.identity import MentionKey, RelationKey, mention_key, relation_key
from biorat_al.corpus.model.unasked import Unasked
from biorat_al.store.consensus.extras import agreed_extras, document_extras

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Tie:
    """A mention, relation or concept that exactly half of the annotators have.

    :param kind: ``entity``, ``relation``, ``concept relation``, or ``concept`` for a concept of a mention.
    :param entities: the mention, or the two related mentions, in the version of one annotator who has them; empty for a
        relation between concepts.
    :param voters: annotators who have it, by their place among the annotations.
    :param kept: whether it is kept because the preferred annotator has it.
    :param among: annotators who could have it: for a concept, those who have the mention; empty means everybody.
    """

    kind: str
    label: str
    entities: tuple[Entity, ...]
    voters: tuple[int, ...]
    kept: bool
    among: tuple[int, ...] = ()


@dataclass(frozen=True)
class Majority:
    """The annotation that was decided on, and the annotators who have each part of it.

    :param entities: each annotator's version of a mention, by the mention's id in `annotation` and the annotator's
        place.
    :param relations: each annotator's version of a relation, in the same way.
    :param concept_relations: places of the annotators who have each relation between concepts.
    :param outvoted: number of mentions and relations that only a minority has.
    :param disputed: what is left out without being decided to be absent; see the module.
    :param disputed_concepts: number of undecided concepts of mentions that are kept.
    :param left_out: number of further properties (``extras``) on which annotators do not agree, by name.
    """

    annotation: Annotation
    entities: Mapping[str, Mapping[int, Entity]]
    relations: Mapping[str, Mapping[int, Relation]]
    concept_relations: Mapping[ConceptRelation, tuple[int, ...]]
    ties: tuple[Tie, ...] = ()
    outvoted: int = 0
    disputed: Disputed = UNDISPUTED
    disputed_concepts: int = 0
    left_out: Counter[str] = field(default_factory=Counter)


def alone(annotation: Annotation) -> Majority:
    """Return the only annotation of a document as the decision, unchanged."""
    return Majority(
        annotation,
        {entity.id: {0: entity} for entity in annotation.entities},
        {relation.id: {0: relation} for relation in annotation.relations},
        dict.fromkeys(annotation.concept_relations, (0,)),
    )


def majority(
    annotations: Sequence[Annotation], preferred: int | None = None, unasked: Sequence[Unasked] = ()
) -> Majority:
    """Decide between the annotations of several people.

    A kept mention is the version of the first annotator who has it (the preferred annotator's before all others), with
    the same id unless two ids clash.

    :param annotations: one for each annotator, in the order in which their versions are taken.
    :param preferred: place of the annotator who decides ties; None leaves ties out.
    :param unasked: what each annotator could not choose; empty: all could choose everything.
    """
    ballot = _Ballot(len(annotations), preferred, tuple(unasked) if any(unasked) else ())
    keys = [{entity.id: mention_key(entity) for entity in annotation.entities} for annotation in annotations]
    entities: dict[str, Mapping[int, Entity]] = {}
    ids: dict[MentionKey, str] = {}
    kept: list[Entity] = []
    lost: dict[MentionKey, Mapping[int, Entity]] = {}
    votes = _votes(annotations, lambda place, one: ((keys[place][entity.id], entity) for entity in one.entities))
    for key, voters in votes.items():
        first = ballot.first(voters)
        if ballot.passes("entity", key[0], voters, (first,)):
            ids[key] = _free(first.id, entities)
            entities[ids[key]] = voters
            concepts, extras = ballot.concepts(first, voters), ballot.extras(voters)
            kept.append(replace(first, id=ids[key], concepts=concepts, extras=extras))
        else:
            lost[key] = voters
    kept.sort(key=lambda entity: (entity.start, entity.end, entity.label, entity.id))
    relations: dict[str, Mapping[int, Relation]] = {}
    decided: list[Relation] = []
    lost_relations: dict[RelationKey, tuple[Mapping[int, Relation], tuple[Entity, Entity]]] = {}

    of_relations = _votes(
        annotations, lambda place, one: ((relation_key(relation, keys[place]), relation) for relation in one.relations)
    )
    for relation_id, voters_of_relation in of_relations.items():
        place, relation = ballot.place(voters_of_relation), ballot.first(voters_of_relation)
        by_id = {entity.id: entity for entity in annotations[place].entities}
        ends = by_id[relation.head], by_id[relation.tail]
        if ballot.passes("relation", relation.label, voters_of_relation, ends, relation.label):
            ident = _free(relation.id, relations)
            relations[ident] = voters_of_relation
            # an annotator who has a relation has its ends, so these were kept as well
            head, tail = (ids[mention_key(end)] for end in ends)
            properties = ballot.extras(voters_of_relation)
            decided.append(replace(relation, id=ident, head=head, tail=tail, extras=properties))
        else:
            lost_relations[relation_id] = voters_of_relation, ends
    concept_relations: dict[ConceptRelation, tuple[int, ...]] = {}
    lost_concept_relations: dict[ConceptRelation, Mapping[int, ConceptRelation]] = {}
    of_concepts = _votes(annotations, lambda place, one: ((stated, stated) for stated in one.concept_relations))
    for stated, voters_of_concepts in of_concepts.items():
        label = f"{stated.label}({stated.head}, {stated.tail})"
        if ballot.passes("concept relation", label, voters_of_concepts, (), stated.label):
            concept_relations[stated] = tuple(voters_of_concepts)
        else:
            lost_concept_relations[stated] = voters_of_concepts
    beyond = document_extras(annotations, keys, ids, preferred, ballot.left_out)
    annotation = Annotation(tuple(kept), tuple(decided), tuple(concept_relations), beyond)
    return Majority(
        annotation,
        entities,
        relations,
        concept_relations,
        tuple(ballot.ties),
        ballot.outvoted,
        _disputed(ballot, ids, lost, lost_relations, lost_concept_relations),
        ballot.disputed_concepts,
        ballot.left_out,
    )


class _Topic(NamedTuple):
    """What is voted on.

    :param labels: of the mention, or of both ends of the relation.
    :param relation: the relation's label; None for a mention.
    """

    labels: tuple[str, ...]
    relation: str | None = None


@dataclass
class _Ballot:
    """A count of votes, which records what could not be decided."""

    voters: int
    preferred: int | None
    unasked: tuple[Unasked, ...] = ()
    ties: list[Tie] = field(default_factory=list)
    outvoted: int = 0
    disputed_concepts: int = 0
    left_out: Counter[str] = field(default_factory=Counter)

    def place(self, votes: Mapping[int, T]) -> int:
        """Return the place of the annotator whose version counts: the preferred annotator, else the first."""
        return self.preferred if self.preferred in votes and self.preferred is not None else min(votes)

    def first(self, votes: Mapping[int, T]) -> T:
        """Return the version that counts."""
        return votes[self.place(votes)]

    def passes(
        self, kind: str, label: str, votes: Mapping[int, T], entities: tuple[Entity, ...], relation: str | None = None
    ) -> bool:
        """Return whether it is kept; count it if it is outvoted, record it if it is a tie.

        :param relation: label of the relation; None for a mention.
        """
        among = self.among(votes, _Topic(tuple(entity.label for entity in entities), relation))
        if 2 * len(votes) != len(among):
            passed = 2 * len(votes) > len(among)
            self.outvoted += not passed
            return passed
        kept = self.preferred in votes
        self.ties.append(Tie(kind, label, entities, tuple(votes), kept, among if len(among) < self.voters else ()))
        return kept

    def among(self, votes: Collection[int], topic: _Topic) -> tuple[int, ...]:
        """Return the places of those who could have it."""
        everybody = tuple(range(self.voters))
        if not self.unasked:
            return everybody
        return tuple(place for place in everybody if place in votes or not self.unasked[place].concerns(*topic))

    def concepts(self, mention: Entity, versions: Mapping[int, Entity]) -> tuple[Concept, ...]:
        """Return the concepts that more than half of the annotators of a mention have; record the ties."""
        voters: dict[Concept, list[int]] = {}
        for place, version in versions.items():
            for concept in dict.fromkeys(version.concepts):
                voters.setdefault(concept, []).append(place)
        kept = []
        for concept, having in voters.items():
            is_kept = 2 * len(having) > len(versions)
            if 2 * len(having) == len(versions):
                is_kept = self.preferred in having
                self.disputed_concepts += self.preferred not in versions
                among = tuple(sorted(versions))
                self.ties.append(Tie("concept", ":".join(concept), (mention,), tuple(having), is_kept, among))
            if is_kept:
                kept.append(concept)
        return tuple(kept)

    def extras(self, versions: Mapping[int, Entity] | Mapping[int, Relation]) -> dict[str, Any]:
        """Return the further properties (``extras``) that are kept; count the others."""
        first = self.place(versions)
        ordered = sorted(versions, key=lambda place: place != first)
        return agreed_extras({place: versions[place].extras for place in ordered}, self.preferred, self.left_out)

    def undecided(
        self, lost: Mapping[K, Collection[int]], same: Callable[[K, K], bool], topic: Callable[[K], _Topic]
    ) -> list[K]:
        """Return what is disputed among what was left out, before the ends of relations are considered.

        :param lost: annotators who have each thing that was left out.
        :param same: whether two of these are versions of one thing.
        :param topic: which labels it is about.
        """
        found: list[K] = []
        if not self.unasked and 2 * len({voter for voters in lost.values() for voter in voters}) < self.voters:
            return found
        for key, voters in lost.items():
            among = self.among(voters, topic(key))
            if 2 * len(voters) == len(among):
                is_disputed = self.preferred is None or self.preferred not in among
            else:
                having = {
                    voter for other, others in lost.items() if other == key or same(key, other) for voter in others
                }
                is_disputed = 2 * len(having.intersection(among)) >= len(among)
            if is_disputed:
                found.append(key)
        return found


def _disputed(
    ballot: _Ballot,
    kept: Mapping[MentionKey, str],
    mentions: Mapping[MentionKey, Mapping[int, Entity]],
    relations: Mapping[RelationKey, tuple[Mapping[int, Relation], tuple[Entity, Entity]]],
    concept_relations: Mapping[ConceptRelation, Mapping[int, ConceptRelation]],
) -> Disputed:
    """Return what is disputed among what was left out, as the module defines it.

    :param kept: ids of the mentions that were kept.
    :param mentions: annotators who have each mention that was left out; `relations` (with their ends) and
        `concept_relations` in the same way.
    """
    ids = dict(kept)
    taken = dict.fromkeys(ids.values())
    entities = []
    for key in ballot.undecided(mentions, same_mention, lambda key: _Topic((key[0],))):
        first = ballot.first(mentions[key])
        ids[key] = _free(first.id, taken)
        taken[ids[key]] = None
        entities.append(replace(first, id=ids[key]))
    entities.sort(key=lambda entity: (entity.start, entity.end, entity.label, entity.id))
    ends = {key: tuple(map(mention_key, of_relation)) for key, (_, of_relation) in relations.items()}
    undecided = ballot.undecided(
        {key: voters for key, (voters, _) in relations.items()},
        lambda one, other: set(ends[one]) == set(ends[other]),
        lambda key: _Topic(tuple(label for label, _ in ends[key]), key[0]),
    )
    # a relation with a disputed end cannot be decided independently of it
    undecided += [key for key, pair in ends.items() if any(end in ids and end not in kept for end in pair)]
    between = []
    names = dict[str, None]()
    for relation_id in dict.fromkeys(undecided):
        relation = ballot.first(relations[relation_id][0])
        head, tail = (ids.get(end) for end in ends[relation_id])
        if head is not None and tail is not None:
            ident = _free(relation.id, names)
            names[ident] = None
            between.append(replace(relation, id=ident, head=head, tail=tail))
    stated = ballot.undecided(
        concept_relations,
        lambda one, other: {one.head, one.tail} == {other.head, other.tail},
        lambda key: _Topic((), key.label),
    )
    return Disputed(tuple(entities), tuple(between), tuple(stated))


def same_mention(one: MentionKey, other: MentionKey) -> bool:
    """Return whether two mentions can be versions of one: same place, or same label and a common character."""
    if one[1] == other[1]:
        return True
    return one[0] == other[0] and any(a.start < b.end and b.start < a.end for a in one[1] for b in other[1])


def _votes(
    annotations: Sequence[Annotation], items: Callable[[int, Annotation], Iterable[tuple[K, T]]]
) -> dict[K, dict[int, T]]:
    """Return who has what; the same thing twice in one annotation counts once."""
    votes: dict[K, dict[int, T]] = {}
    for place, annotation in enumerate(annotations):
        for key, item in items(place, annotation):
            votes.setdefault(key, {}).setdefault(place, item)
    return votes


def _free(ident: str, taken: Mapping[str, object]) -> str:
    if ident not in taken:
        return ident
    number = 2
    while f"{ident}-{number}" in taken:
        number += 1
    return f"{ident}-{number}"
