"""Candidates: the pairs of a document that could be related, and the gold relations that they express.

An ordered pair is a candidate if a relation type joins the types of its two ends in this order, and both ends are
within the window of sentences. Labels that join the same types share a candidate. A symmetric type has one candidate
for two ends: with the type's head first, or, if both ends have the same type, with the first in the text first.

At level ``mention``, the ends are mentions. At level ``document``, they are concepts: all mentions of one type that are
linked to the same entry. A mention with several concepts belongs to each of them. A mention without concepts is grouped
with those of its type that have the same spelling. Concepts with exactly the same mentions cannot be told apart and are
one end. Two ends are read at their closest mentions: fewest sentences between, then fewest characters, then first in
the text. By the same measure, a document with more than :data:`MOST_CANDIDATES` pairs keeps only the nearest ones as
candidates.

Gold relations that no candidate can express are counted, each once, in :attr:`LabelledCandidates.counts`:

- ``outside_window``: the types permit it, but its ends are too far apart.
- ``too_many``: its ends are within the window, but the document has enough candidates that are closer.
- ``other_types``: no relation type of that label joins its ends, or only in the other direction.
- ``other_label``: its label is not asked for.
- ``several_labels``: a further label on the same pair; the first in the order of the settings is kept.
- ``unlinked``: a relation between concepts, one of which no mention is linked to.
- ``to_itself``: both ends are the same.

At level ``mention``, a relation between concepts is learnt on all pairs of their mentions that are candidates
(:mod:`biorat_al.corpus.model.concept_relations`); it counts as learnt if there is at least one.

A disputed mention cannot be the end of a candidate. A disputed relation masks the candidates on which it would be
learnt, unless the same label is decided there: masked candidates are left out of the loss, neither related nor
unrelated. At level ``document``, a disputed mention still belongs to its concepts, so that a relation with a disputed
mention masks a pair of concepts.

If nobody was asked for a relation label (:class:`~biorat_al.corpus.model.unasked.Unasked`), a candidate that could have
it and has no relation may have it. Such a candidate is learnt as having none of the labels that were asked for; if none
of its labels was asked for, it is left out.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from heapq import merge
from itertools import islice, product
from types import MappingProxyType
from typing import Literal, NamedTuple

from biorat_al.corpus.model.document import Concept, Document, Entity, Span
from biorat_al.corpus.sentences import FIRST_RULES, sentence_ends
from biorat_al.learner.types import Example
from biorat_al.settings import RelationSettings, RelationType

Name = tuple[str, ...]
"""The identity of a mention in its document: a :class:`~biorat_al.corpus.model.document.Concept`, or its type and
spelling."""

Ends = tuple[int, int]

NOBODY: Mapping[str, Sequence[int]] = MappingProxyType({})
"""No mention, so no end."""

MOST_CANDIDATES = 10_000
"""Most candidates of one document. Their number grows with the square of the number of mentions, and the encoder reads
each candidate: without a limit, an article with 1,600 mentions takes, with the window ``document``, as long as about a
thousand abstracts. No document of ChemProt, BC5CDR and DDI reaches the limit within sentences (at most 7,129, from a
list of drugs in DDI), and no abstract does with the window ``document`` (at most 1,716, in ChemProt)."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An ordered pair that could be related, with the mentions at which it is read.

    :param head: the mention at which the head is read.
    :param tail: the mention at which the tail is read.
    :param labels: relation labels whose types permit the pair, in the order of the settings; never empty.
    :param heads: ids of all mentions of the head, in text order (at level ``mention``, only `head`).
    :param tails: ids of all mentions of the tail, likewise.
    """

    head: Entity
    tail: Entity
    labels: tuple[str, ...]
    heads: tuple[str, ...]
    tails: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LabelledCandidates:
    """The candidates of an example, with what is learnt from each.

    :param targets: relation label of each candidate; None if it has no relation.
    :param counts: numbers of gold relations that cannot be learnt, by the module's reasons; only reasons that occur.
    :param cut: whether there would be more than :data:`MOST_CANDIDATES`.
    :param masked: whether each candidate is left out of the loss because the annotators disagree on it.
    :param unasked: labels that each candidate may have because nobody was asked for them; empty if its label is
        known.
    """

    candidates: tuple[Candidate, ...]
    targets: tuple[str | None, ...]
    counts: Mapping[str, int]
    cut: bool
    masked: tuple[bool, ...]
    unasked: tuple[tuple[str, ...], ...]


class _End(NamedTuple):
    """A possible end of a relation.

    :param mentions: indices of its mentions, in text order.
    :param concepts: the concepts that they are linked to.
    """

    label: str
    mentions: tuple[int, ...]
    concepts: tuple[Concept, ...]


class _Sentences:
    """The sentences of mentions.

    :param mentions: mentions in text order.
    :param window: as in the settings.
    """

    def __init__(self, text: str, mentions: Sequence[Entity], window: int | Literal["document"]) -> None:
        borders = sentence_ends(text, rules=FIRST_RULES)
        self._first = [bisect_right(borders, mention.start) for mention in mentions]
        self._last = [bisect_right(borders, mention.end - 1) for mention in mentions]
        self._window = len(borders) + 1 if window == "document" else window

    def between(self, before: int, behind: int) -> int | None:
        """Count the sentence borders between two mentions, given in text order; None if outside the window."""
        borders = max(self._first[behind] - self._last[before], 0)
        return borders if borders < self._window else None


class _Pairs(NamedTuple):
    """The candidates of a document.

    :param mentions: mentions in text order.
    :param places: index of the candidate that joins two ends.
    :param cut: whether there would be more than :data:`MOST_CANDIDATES`.
    """

    mentions: Sequence[Entity]
    ends: Sequence[_End]
    sentences: _Sentences
    candidates: tuple[Candidate, ...]
    places: Mapping[Ends, int]
    cut: bool

    def allows(self, ends: Ends, label: str) -> bool:
        """Return whether there is a candidate from the first end to the second that can have this label."""
        return ends in self.places and label in self.candidates[self.places[ends]].labels

    def are_within(self, ends: Ends) -> bool:
        """Return whether two ends are within the window; with too many pairs, they may still be no candidate."""
        mentions = product(*(self.ends[end].mentions for end in ends))
        return any(self.sentences.between(min(pair), max(pair)) is not None for pair in mentions)


class _Statement(NamedTuple):
    """A gold relation.

    :param heads: ends at which it may begin.
    :param tails: ends at which it may end.
    :param unlearnable: why it cannot be learnt if there is no head or no tail.
    """

    label: str
    heads: Sequence[int]
    tails: Sequence[int]
    directed: bool
    unlearnable: str


def find_candidates(
    document: Document, entities: Sequence[Entity], types: Sequence[RelationType], settings: RelationSettings
) -> tuple[Candidate, ...]:
    """Find the candidates of a document.

    The time grows with the number of pairs of mentions within the window, up to :data:`MOST_CANDIDATES`.

    :param entities: mentions, in any order.
    :returns: candidates in text order.
    """
    return _pairs(document, entities, types, settings).candidates


def label_candidates(example: Example, types: Sequence[RelationType], settings: RelationSettings) -> LabelledCandidates:
    """Find the candidates of an example, and label them by its gold relations.

    If the type of an undirected gold relation has a direction, the relation is taken in a direction that the types
    permit.
    """
    pairs = _pairs(example.document, example.entities, types, settings)
    targets: list[str | None] = [None] * len(pairs.candidates)
    counts = Counter[str]()
    rank = {label: number for number, label in enumerate(relation_labels(types))}
    # the first label in the order of the settings takes the candidate
    for statement in sorted(_statements(example, pairs), key=lambda statement: rank.get(statement.label, len(rank))):
        if reason := _learn(statement, pairs, types, targets):
            counts[reason] += 1
    masked = set[int]()
    for statement in _disputes(example, pairs, settings.level):
        own = [one for one in types if one.name == statement.label]
        places = (_candidate(ways, statement.label, pairs) for ways in _ways(statement, own))
        masked |= {place for place in places if place is not None and targets[place] != statement.label}
    return LabelledCandidates(
        pairs.candidates,
        tuple(targets),
        dict(counts),
        pairs.cut,
        tuple(number in masked for number in range(len(targets))),
        tuple(_unasked(one, target, example) for one, target in zip(pairs.candidates, targets, strict=True)),
    )


def _unasked(candidate: Candidate, target: str | None, example: Example) -> tuple[str, ...]:
    """Return the labels that a candidate may have because nobody was asked for them; none if its label is known."""
    if target is not None or not example.unasked.relations:
        return ()
    return tuple(label for label in candidate.labels if label in example.unasked.relations)


def relation_labels(types: Sequence[RelationType]) -> tuple[str, ...]:
    """Return the labels of `types` in their order, each once."""
    return tuple(dict.fromkeys(one.name for one in types))


def names_of(entity: Entity, text: str) -> tuple[Name, ...]:
    """Return the names of a mention in its document: its concepts, or else its type and spelling."""
    if entity.concepts:
        return tuple(dict.fromkeys(entity.concepts))
    return (("", *spelling_of(entity, text)),)


def spelling_of(entity: Entity, text: str) -> tuple[str, str]:
    """Return the type and the text of a mention, with case folded and white space normalised."""
    return entity.label, " ".join(entity.surface(text).casefold().split())


def spellings(concept: Concept) -> tuple[str, str]:
    """Return the spellings by which a relation between concepts may name a concept."""
    return concept.identifier, ":".join(concept)


def _pairs(
    document: Document, entities: Sequence[Entity], types: Sequence[RelationType], settings: RelationSettings
) -> _Pairs:
    mentions = sorted(entities, key=_place)
    ends = _ends(mentions, document.text, settings.level)
    sentences = _Sentences(document.text, mentions, settings.window)
    permitted = _permitted(types)

    def labels(begin: int, end: int, in_order: bool) -> tuple[str, ...]:
        return permitted.get((ends[begin].label, ends[end].label, in_order), ())

    ways = (
        (i, j, one, other, in_order)
        for i, j, one, other in _nearest(mentions, ends, types, sentences)
        for in_order in (True, False)
        if labels(*((one, other) if in_order else (other, one)), in_order)
    )
    nearest = list(islice(ways, MOST_CANDIDATES + 1))
    candidates: list[Candidate] = []
    places: dict[Ends, int] = {}
    for i, j, one, other, in_order in sorted(nearest[:MOST_CANDIDATES], key=lambda way: (*way[:4], not way[4])):
        head, tail, begin, end = (i, j, one, other) if in_order else (j, i, other, one)
        places[begin, end] = len(candidates)
        heads, tails = (tuple(mentions[n].id for n in ends[k].mentions) for k in (begin, end))
        candidates.append(Candidate(mentions[head], mentions[tail], labels(begin, end, in_order), heads, tails))
    return _Pairs(mentions, ends, sentences, tuple(candidates), places, len(nearest) > MOST_CANDIDATES)


def _place(entity: Entity) -> tuple[int, int, tuple[Span, ...], str, str]:
    return entity.start, entity.end, entity.spans, entity.label, entity.id


def _ends(mentions: Sequence[Entity], text: str, level: Literal["mention", "document"]) -> list[_End]:
    if level == "mention":
        return [_End(mention.label, (number,), mention.concepts) for number, mention in enumerate(mentions)]
    names: defaultdict[tuple[int, ...], list[Name]] = defaultdict(list)
    for (_, name), numbers in _members(mentions, text).items():
        names[tuple(numbers)].append(name)
    return [
        _End(mentions[numbers[0]].label, numbers, tuple(name for name in named if isinstance(name, Concept)))
        for numbers, named in names.items()
    ]


def _members(mentions: Sequence[Entity], text: str) -> Mapping[tuple[str, Name], Sequence[int]]:
    """Group the indices of mentions by label and name."""
    members: defaultdict[tuple[str, Name], list[int]] = defaultdict(list)
    for number, mention in enumerate(mentions):
        for name in names_of(mention, text):
            members[mention.label, name].append(number)
    return members


def _permitted(types: Sequence[RelationType]) -> dict[tuple[str, str, bool], tuple[str, ...]]:
    """Return the labels that lead from one entity type to another, by whether the head is first in the text."""
    permitted: dict[tuple[str, str, bool], tuple[str, ...]] = {}
    order = relation_labels(types)
    for head, tail in {(one.head, one.tail) for one in types}:
        for in_order in (True, False):
            names = {
                one.name
                for one in types
                if (one.head, one.tail) == (head, tail) and (in_order or not one.symmetric or head != tail)
            }
            permitted[head, tail, in_order] = tuple(label for label in order if label in names)
    return permitted


def _nearest(
    mentions: Sequence[Entity], ends: Sequence[_End], types: Sequence[RelationType], sentences: _Sentences
) -> Iterator[tuple[int, int, int, int]]:
    """Yield each pair of ends that a type may join within the window, at its closest mentions; closest pairs first.

    :returns: indices of two mentions in text order, and of the ends that they belong to.
    """
    partners: defaultdict[str, set[str]] = defaultdict(set)
    for one in types:
        partners[one.head].add(one.tail)
        partners[one.tail].add(one.head)
    belongs: list[list[int]] = [[] for _ in mentions]
    for number, end in enumerate(ends):
        for mention in end.mentions:
            belongs[mention].append(number)

    def onwards(i: int) -> Iterator[tuple[int, ...]]:
        # mentions are in text order, so each is at least as far away as the one before: ascending order
        before = mentions[i]
        wanted = partners.get(before.label, ())
        for j in range(i + 1, len(mentions)) if wanted else ():
            between = sentences.between(i, j)
            if between is None:
                break
            if mentions[j].label in wanted:
                apart = max(mentions[j].start - before.end, 0)
                yield from ((between, apart, i, j, a, b) for a, b in product(belongs[i], belongs[j]) if a != b)

    seen: set[Ends] = set()
    for _, _, i, j, a, b in merge(*map(onwards, range(len(mentions)))):
        pair = (min(a, b), max(a, b))
        if pair not in seen:
            seen.add(pair)
            yield i, j, a, b


def _statements(
    example: Example, pairs: _Pairs, stand_ins: Mapping[str, Sequence[int]] = NOBODY
) -> Iterator[_Statement]:
    """Yield the relations of an example, with the ends that they may join.

    :param stand_ins: ends for mentions that belong to no end, by mention id.
    """
    of_mention: defaultdict[str, list[int]] = defaultdict(list)
    named: defaultdict[str, list[int]] = defaultdict(list)
    for number, end in enumerate(pairs.ends):
        for mention in end.mentions:
            of_mention[pairs.mentions[mention].id].append(number)
        for spelling in {spelling for concept in end.concepts for spelling in spellings(concept)}:
            named[spelling].append(number)
    for relation in example.relations:
        heads, tails = (of_mention.get(ident) or stand_ins.get(ident, ()) for ident in (relation.head, relation.tail))
        yield _Statement(relation.label, heads, tails, relation.directed, "other_types")
    for between in example.concept_relations:
        heads, tails = (named.get(name, ()) for name in (between.head, between.tail))
        yield _Statement(between.label, heads, tails, True, "unlinked")


def _disputes(example: Example, pairs: _Pairs, level: Literal["mention", "document"]) -> Iterator[_Statement]:
    """Yield the disputed relations of an example, with the ends that they may join."""
    disputed, text = example.disputed, example.document.text
    if not (disputed.relations or disputed.concept_relations):
        return
    stand_ins: dict[str, list[int]] = {}
    if level == "document":
        members = _members(pairs.mentions, text)
        number_of = {(end.label, end.mentions): number for number, end in enumerate(pairs.ends)}
        for entity in disputed.entities:
            alike = (members.get((entity.label, name), ()) for name in names_of(entity, text))
            stand_ins[entity.id] = [number_of[entity.label, tuple(numbers)] for numbers in alike if numbers]
    of_disputes = replace(example, relations=disputed.relations, concept_relations=disputed.concept_relations)
    yield from _statements(of_disputes, pairs, stand_ins)


def _ways(statement: _Statement, own: Sequence[RelationType]) -> Iterator[list[Ends]]:
    """Yield each pair of ends that a relation may join, in the directions in which it may be learnt.

    :param own: the relation types of its label; without any, nothing is yielded.
    """
    for head, tail in product(statement.heads, statement.tails) if own else ():
        if head != tail:
            either_way = own[0].symmetric or not statement.directed
            yield [(head, tail), (tail, head)] if either_way else [(head, tail)]


def _candidate(ways: Sequence[Ends], label: str, pairs: _Pairs) -> int | None:
    """Return the index of the candidate on which a relation is learnt, or would be; None without a candidate."""
    return next((pairs.places[way] for way in ways if pairs.allows(way, label)), None)


def _learn(
    statement: _Statement, pairs: _Pairs, types: Sequence[RelationType], targets: list[str | None]
) -> str | None:
    """Set the targets that `statement` determines.

    :returns: why it cannot be learnt; None if it can.
    """
    label = statement.label
    own = [one for one in types if one.name == label]
    if not own:
        return "other_label"
    if not statement.heads or not statement.tails:
        return statement.unlearnable
    reason, learnt = "to_itself", False
    for ways in _ways(statement, own):
        number = _candidate(ways, label, pairs)
        if number is None:
            kinds = [(pairs.ends[begin].label, pairs.ends[end].label) for begin, end in ways]
            if not any(one.joins(*pair) for one in own for pair in kinds):
                why = "other_types"
            else:
                why = "too_many" if pairs.cut and pairs.are_within(ways[0]) else "outside_window"
            reason = max(reason, why, key=_REASONS.index)
        elif targets[number] in (None, label):
            targets[number] = label
            learnt = True
        else:
            reason = "several_labels"
    return None if learnt else reason


# ascending: for a relation that could be learnt on several pairs, the last reason in this order is counted
_REASONS = ("to_itself", "other_types", "outside_window", "too_many", "several_labels")
