"""One annotation out of those of several annotators: what more than half of them have.

When two annotators have the same mention or relation, :mod:`biorat_al.corpus.same` says. What exactly half of them have
is a tie: it is left out, unless the preferred annotator has it. A mention's concepts are decided in the same way, by
those who have the mention; of a tie the first of them decides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from biorat_al.corpus.model import Annotation, Concept, ConceptRelation, Entity, Relation
from biorat_al.corpus.same import MentionKey, mention_key, relation_key

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Tie:
    """What exactly half of the annotators have.

    :param kind: ``entity``, ``relation`` or ``concept relation``.
    :param entities: the mention, or the two that are related, in the words of one who has them; empty for concepts.
    :param voters: who has it, by their place among the annotations.
    :param kept: whether it stays since the preferred annotator has it.
    """

    kind: str
    label: str
    entities: tuple[Entity, ...]
    voters: tuple[int, ...]
    kept: bool


@dataclass(frozen=True)
class Majority:
    """The annotation that was decided on, and who stands behind each part of it.

    :param entities: by id in `annotation`, each annotator's own version of the mention, by their place.
    :param relations: the same for relations.
    :param concept_relations: who has each, by their place.
    :param outvoted: how many mentions and relations only a minority has.
    """

    annotation: Annotation
    entities: Mapping[str, Mapping[int, Entity]]
    relations: Mapping[str, Mapping[int, Relation]]
    concept_relations: Mapping[ConceptRelation, tuple[int, ...]]
    ties: tuple[Tie, ...] = ()
    outvoted: int = 0


def alone(annotation: Annotation) -> Majority:
    """The one annotation that there is, as it is."""
    return Majority(
        annotation,
        {entity.id: {0: entity} for entity in annotation.entities},
        {relation.id: {0: relation} for relation in annotation.relations},
        dict.fromkeys(annotation.concept_relations, (0,)),
    )


def majority(annotations: Sequence[Annotation], preferred: int | None = None) -> Majority:
    """Decide between the annotations of several people.

    A mention that is kept is the first annotator's who has it (the preferred one's before all others), ids included
    unless two clash. What is said of a document as a whole (extras) cannot be voted on and is left out.

    :param annotations: one for each annotator, those first whose words are to be taken.
    :param preferred: place of the annotator who decides ties; None leaves ties out.
    """
    ballot = _Ballot(len(annotations), preferred)
    keys = [{entity.id: mention_key(entity) for entity in annotation.entities} for annotation in annotations]
    entities: dict[str, Mapping[int, Entity]] = {}
    ids: dict[MentionKey, str] = {}
    kept: list[Entity] = []
    votes = _votes(annotations, lambda place, one: ((keys[place][entity.id], entity) for entity in one.entities))
    for key, voters in votes.items():
        first = ballot.first(voters)
        if ballot.passes("entity", key[0], voters, (first,)):
            ids[key] = _free(first.id, entities)
            entities[ids[key]] = voters
            kept.append(replace(first, id=ids[key], concepts=_concepts(list(voters.values()), first)))
    kept.sort(key=lambda entity: (entity.start, entity.end, entity.label, entity.id))
    relations: dict[str, Mapping[int, Relation]] = {}
    decided: list[Relation] = []

    of_relations = _votes(
        annotations, lambda place, one: ((relation_key(relation, keys[place]), relation) for relation in one.relations)
    )
    for voters_of_relation in of_relations.values():
        place, relation = ballot.place(voters_of_relation), ballot.first(voters_of_relation)
        by_id = {entity.id: entity for entity in annotations[place].entities}
        ends = by_id[relation.head], by_id[relation.tail]
        if ballot.passes("relation", relation.label, voters_of_relation, ends):
            ident = _free(relation.id, relations)
            relations[ident] = voters_of_relation
            # whoever has a relation has its ends, so these were kept as well
            head, tail = (ids[mention_key(end)] for end in ends)
            decided.append(replace(relation, id=ident, head=head, tail=tail))
    concept_relations = {
        stated: tuple(voters_of_concepts)
        for stated, voters_of_concepts in _votes(
            annotations, lambda place, one: ((stated, stated) for stated in one.concept_relations)
        ).items()
        if ballot.passes("concept relation", f"{stated.label}({stated.head}, {stated.tail})", voters_of_concepts, ())
    }
    annotation = Annotation(tuple(kept), tuple(decided), tuple(concept_relations))
    return Majority(annotation, entities, relations, concept_relations, tuple(ballot.ties), ballot.outvoted)


@dataclass
class _Ballot:
    """Counts votes, and keeps what could not be decided."""

    voters: int
    preferred: int | None
    ties: list[Tie] = field(default_factory=list)
    outvoted: int = 0

    def place(self, votes: Mapping[int, T]) -> int:
        """Whose version counts: the preferred annotator's, else the first's."""
        return self.preferred if self.preferred in votes and self.preferred is not None else min(votes)

    def first(self, votes: Mapping[int, T]) -> T:
        """The version that counts."""
        return votes[self.place(votes)]

    def passes(self, kind: str, label: str, votes: Mapping[int, T], entities: tuple[Entity, ...]) -> bool:
        """Whether it is kept."""
        if 2 * len(votes) != self.voters:
            passed = 2 * len(votes) > self.voters
            self.outvoted += not passed
            return passed
        kept = self.preferred in votes
        self.ties.append(Tie(kind, label, entities, tuple(votes), kept))
        return kept


def _votes(
    annotations: Sequence[Annotation], items: Callable[[int, Annotation], Iterable[tuple[K, T]]]
) -> dict[K, dict[int, T]]:
    """Who has what; the same thing twice in one annotation counts once."""
    votes: dict[K, dict[int, T]] = {}
    for place, annotation in enumerate(annotations):
        for key, item in items(place, annotation):
            votes.setdefault(key, {}).setdefault(place, item)
    return votes


def _concepts(versions: Sequence[Entity], first: Entity) -> tuple[Concept, ...]:
    counts = Counter(concept for version in versions for concept in dict.fromkeys(version.concepts))
    return tuple(
        concept
        for concept, count in counts.items()
        if 2 * count > len(versions) or (2 * count == len(versions) and concept in first.concepts)
    )


def _free(ident: str, taken: Mapping[str, object]) -> str:
    if ident not in taken:
        return ident
    number = 2
    while f"{ident}-{number}" in taken:
        number += 1
    return f"{ident}-{number}"
