"""What annotators differ on in a document, and what an adjudicator finds marked.

What all annotators have who could have it is agreed. Everything else is a **difference**: a version of a mention or
of a relation, with those who have it. Versions of one mention (:mod:`biorat_al.store.consensus.majority` says which
are) are one **place**, and so are relations between the same two places.

Annotators are the sides A, B, … of the document. Who is A changes from document to document, so that an adjudicator
does not come to prefer a person.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from string import ascii_uppercase
from typing import Any, TypeVar

from biorat_al.corpus.model.document import Annotation, Entity, Relation
from biorat_al.corpus.model.identity import MentionKey, RelationKey, mention_key, relation_key, relation_keys
from biorat_al.corpus.model.notes import NOTE, joined_notes, note_of
from biorat_al.corpus.model.unasked import EVERYTHING_ASKED, Unasked
from biorat_al.store.consensus.majority import majority, same_mention

AGREED, DISPUTED = 1.0, 0.5
"""Scores of what is marked beforehand: of what all have, and of the rest."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class MentionVersion:
    """A mention that not all annotators have.

    :param by: sides that have it.
    """

    entity: Entity
    by: frozenset[str]

    @property
    def key(self) -> MentionKey:
        """The identity of the mention."""
        return mention_key(self.entity)


@dataclass(frozen=True, slots=True)
class RelationVersion:
    """A relation that not all annotators have.

    :param head: the mention at its beginning; `tail` is the one at its end.
    :param by: sides that have it.
    """

    relation: Relation
    head: Entity
    tail: Entity
    by: frozenset[str]

    @property
    def ends(self) -> tuple[MentionKey, MentionKey]:
        """The identities of head and tail."""
        return mention_key(self.head), mention_key(self.tail)

    @property
    def key(self) -> RelationKey:
        """The identity of the relation."""
        one = self.relation
        return one.label, one.directed, self.ends if one.directed else frozenset(self.ends)


@dataclass(frozen=True, slots=True)
class Differences:
    """What the annotators of a document differ on.

    :param sides: pseudonym of each annotator, by letter.
    :param agreed: mentions that all have.
    """

    sides: Mapping[str, str]
    agreed: tuple[Entity, ...] = ()
    mentions: tuple[MentionVersion, ...] = ()
    relations: tuple[RelationVersion, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.mentions or self.relations)

    def mention_places(self) -> list[tuple[MentionVersion, ...]]:
        """Return the versions of each place, in the order of the text."""
        places = _joined(self.mentions, lambda one, other: same_mention(one.key, other.key))
        return sorted(places, key=lambda some: min((one.entity.start, one.entity.end) for one in some))

    def relation_places(self) -> list[tuple[RelationVersion, ...]]:
        """Return the relations between each pair of places, in the order of the text."""
        at: dict[MentionKey, Hashable] = {}
        for number, some in enumerate(self.mention_places()):
            at |= {one.key: number for one in some}

        def between(one: RelationVersion) -> Hashable:
            return frozenset(at.get(end, end) for end in one.ends)

        places: dict[Hashable, list[RelationVersion]] = {}
        for one in self.relations:
            places.setdefault(between(one), []).append(one)
        return sorted(map(tuple, places.values()), key=lambda some: (some[0].head.start, some[0].tail.start))


@dataclass(frozen=True, slots=True)
class Compared:
    """The answers to a document, compared.

    :param marked: what an adjudicator finds marked: everything but what is outvoted. Scores and notes say what is
        agreed, and who has the rest.
    :param disputed: number of places that no majority decides.
    """

    differences: Differences
    marked: Annotation
    disputed: int


def sides_of(document: str, annotators: Iterable[str]) -> dict[str, str]:
    """Return the letter of each annotator, in an order that changes from document to document.

    :param document: the document's id.
    :param annotators: their pseudonyms.
    """
    order = sorted(set(annotators), key=lambda name: hashlib.sha256(f"{document}\n{name}".encode()).digest())
    return {name: _letter(number) for number, name in enumerate(order)}


def compare(
    given: Mapping[str, Annotation], names: Mapping[str, str], unasked: Mapping[str, Unasked] | None = None
) -> Compared:
    """Compare the answers to a document.

    :param given: each annotator's annotation, by side.
    :param names: each annotator's pseudonym, by side.
    :param unasked: labels that an annotator could not choose, by side.
    """
    sides = sorted(given)
    silent = {side: (unasked or {}).get(side, EVERYTHING_ASKED) for side in sides}
    mentions: dict[MentionKey, dict[str, Entity]] = {}
    relations: dict[RelationKey, dict[str, tuple[Relation, Entity, Entity]]] = {}
    for side in sides:
        by_id = {entity.id: entity for entity in given[side].entities}
        for entity in by_id.values():
            mentions.setdefault(mention_key(entity), {}).setdefault(side, entity)
        keys = relation_keys(given[side])
        for relation in given[side].relations:
            ends = by_id[relation.head], by_id[relation.tail]
            relations.setdefault(keys[relation.id], {}).setdefault(side, (relation, *ends))

    def have_all(having: Mapping[str, object], labels: tuple[str, ...], relation: str | None = None) -> bool:
        return all(side in having or silent[side].concerns(labels, relation) for side in sides)

    agreed = [_first(having) for key, having in mentions.items() if have_all(having, (key[0],))]
    versions = [
        MentionVersion(_first(having), frozenset(having))
        for key, having in mentions.items()
        if not have_all(having, (key[0],))
    ]
    related = [RelationVersion(*_first(having), frozenset(having)) for having in relations.values()]
    differences = Differences(
        {side: names[side] for side in sides},
        tuple(sorted(agreed, key=_place)),
        tuple(sorted(versions, key=lambda one: _place(one.entity))),
        tuple(
            one
            for one in sorted(related, key=lambda one: (_place(one.head), _place(one.tail), one.relation.label))
            if not have_all(dict.fromkeys(one.by), (one.head.label, one.tail.label), one.relation.label)
        ),
    )
    decided = majority([given[side] for side in sides], None, [silent[side] for side in sides])
    left, disputed = decided.annotation, decided.disputed
    ids = {one.id: mention_key(one) for one in (*left.entities, *disputed.entities)}
    open_mentions = {mention_key(one) for one in disputed.entities}
    open_relations = {relation_key(one, ids) for one in disputed.relations}
    left_relations = open_relations | {relation_key(one, ids) for one in left.relations}
    marked = _marked(differences, set(ids.values()), [one for one in related if one.key in left_relations])
    number = sum(any(one.key in open_mentions for one in some) for some in differences.mention_places())
    number += sum(any(one.key in open_relations for one in some) for some in differences.relation_places())
    return Compared(differences, marked, number)


def digest_of(given: Mapping[str, Annotation]) -> str:
    """Return a digest that changes with what the annotators have marked, and with nothing else.

    :param given: each annotator's annotation, by side.
    """
    values = {side: _content(annotation) for side, annotation in given.items()}
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def holders_note(by: Iterable[str]) -> str:
    """Return the note on a mention that not all have: ``marked by A and C``."""
    return f"marked by {' and '.join(sorted(by))}"


def _marked(differences: Differences, left: Collection[MentionKey], related: Sequence[RelationVersion]) -> Annotation:
    """Return what is marked beforehand.

    :param left: mentions that are marked; `related` are the relations.
    """
    shown = [(entity, AGREED, "") for entity in differences.agreed]
    shown += [(one.entity, DISPUTED, holders_note(one.by)) for one in differences.mentions if one.key in left]
    ids: dict[MentionKey, str] = {}
    entities = []
    for number, (entity, score, note) in enumerate(sorted(shown, key=lambda one: _place(one[0])), start=1):
        ids[mention_key(entity)] = f"m{number}"
        notes = joined_notes([note, note_of(entity.extras)])
        extras = {NOTE: notes} if notes else {}
        entities.append(replace(entity, id=f"m{number}", score=score, origin=None, extras=extras))
    between = [
        replace(one.relation, id=f"r{number}", head=ids[one.ends[0]], tail=ids[one.ends[1]], extras={})
        for number, one in enumerate(related, start=1)
        if one.ends[0] in ids and one.ends[1] in ids
    ]
    return Annotation(tuple(entities), tuple(between))


def _content(annotation: Annotation) -> list[list[Any]]:
    mentions = {entity.id: _plain(entity) for entity in annotation.entities}
    relations = (
        [one.label, one.directed, *(ends if one.directed else sorted(ends))]
        for one in annotation.relations
        for ends in [[mentions[one.head], mentions[one.tail]]]
    )
    # the same thing twice says no more than once
    return [
        sorted(dict.fromkeys(mentions.values())),
        sorted(map(list, {json.dumps(one): one for one in relations}.values())),
    ]


def _plain(entity: Entity) -> str:
    return json.dumps([entity.label, sorted(set(entity.spans))])


def _place(entity: Entity) -> tuple[Any, ...]:
    return entity.start, entity.end, entity.label, sorted(entity.spans)


def _first(having: Mapping[str, T]) -> T:
    return next(iter(having.values()))


def _joined(
    versions: Sequence[MentionVersion], same: Callable[[MentionVersion, MentionVersion], bool]
) -> list[tuple[MentionVersion, ...]]:
    """Return groups in which each version is the same as another one of the group."""
    groups: list[list[MentionVersion]] = []
    for one in versions:
        touching = [group for group in groups if any(same(one, other) for other in group)]
        groups = [group for group in groups if group not in touching]
        groups.append([one, *(other for group in touching for other in group)])
    return [tuple(sorted(group, key=lambda one: _place(one.entity))) for group in groups]


def _letter(number: int) -> str:
    """Return A to Z, then A2, B2, and so on."""
    again, place = divmod(number, len(ascii_uppercase))
    return f"{ascii_uppercase[place]}{again + 1 if again else ''}"
