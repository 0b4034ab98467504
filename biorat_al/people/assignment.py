"""Assignment: which annotator of a group is asked for which document.

A document goes to one person, or, if it was drawn for that, to two. Work is spread by expected seconds, together with
what each person still has to answer. The longest documents are given first, each to the person with the least work:
the loads of two people who began alike then differ by at most one document. Documents for two people are given before
the others. Of all pairs, the one that has had the fewest documents together gets the next, so that pairs rotate and
each pair's agreement is measured on about as many documents.

Sentences of one document go to the same people, so that nobody has to read into it twice: those for two people to one
pair, and the others to one of these two.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Assignable:
    """A document to give to annotators.

    :param document: its row id.
    :param seconds: that it is expected to take one person.
    :param double: whether two people get it.
    :param part_of: for a sentence, the row id of its document.
    """

    document: int
    seconds: float
    double: bool = False
    part_of: int | None = None


@dataclass(frozen=True, slots=True)
class Assigned:
    """A document that one person is asked for; a double appears once for each of its two people.

    :param pre_labels: whether the person sees pre-labels.
    """

    document: int
    person: int
    seconds: float
    double: bool
    pre_labels: bool


@dataclass(frozen=True, slots=True)
class GroupLoad:
    """The annotators among whom documents are spread.

    :param people: their numbers, in any order.
    :param seconds: what each of them still has to answer, by number.
    :param paired: how many documents each pair has had together, the lower number first.
    """

    people: Sequence[int]
    seconds: Mapping[int, float]
    paired: Mapping[Pair, int]


def assign(
    documents: Iterable[Assignable],
    group: GroupLoad,
    *,
    seed: int,
    without_pre_labels: float = 0.0,
    double_pre_labels: float = 0.0,
) -> list[Assigned]:
    """Spread documents over a group, in the order of their row ids.

    The same documents, group and seed give the same assignment, in whatever order they come. Whoever is asked for a
    document together with somebody else sees no pre-labels, since these make annotators more alike than they are, but
    for the share of such documents that shows by how much.

    :param seed: decides ties, and which documents are given with or without pre-labels.
    :param without_pre_labels: share of the documents for one person that are given without pre-labels.
    :param double_pre_labels: share of the whole documents for two people that both get with pre-labels. A part of a
        document is rounded up or down by chance, so that the share is kept over many small batches. Sentences for two
        people are always given without, since what pre-labels do is measured on documents.
    :raises ValueError: the group is empty, or has one person and a document is for two.
    """
    wanted = sorted(documents, key=lambda one: one.document)
    generator = np.random.default_rng(seed)
    # which of two equally loaded people comes first changes from batch to batch
    people = [int(one) for one in generator.permutation(sorted(group.people))]
    if not people or (len(people) < 2 and any(one.double for one in wanted)):
        raise ValueError(f"{len(people)} annotators cannot be given these documents")
    place = {person: number for number, person in enumerate(people)}
    loads = {person: group.seconds.get(person, 0.0) for person in people}
    paired = Counter(dict(group.paired))
    ties = {one.document: rank for one, rank in zip(wanted, generator.permutation(len(wanted)).tolist(), strict=True)}
    given: dict[int, tuple[int, ...]] = {}
    units: dict[int, list[Assignable]] = {}
    for one in wanted:
        units.setdefault(one.document if one.part_of is None else one.part_of, []).append(one)
    for some in sorted(units.values(), key=lambda some: (*_size(some), ties[some[0].document])):
        doubles = [one for one in some if one.double]
        who: Sequence[int] = people
        if doubles:
            two = min(
                combinations(sorted(people), 2),
                key=lambda pair: (
                    paired[pair],
                    sum(loads[person] for person in pair),
                    sorted(place[person] for person in pair),
                ),
            )
            paired[two] += len(doubles)
            for person in two:
                loads[person] += sum(one.seconds for one in doubles)
            given |= {one.document: two for one in doubles}
            who = two
        alone = min(who, key=lambda person: (loads[person], place[person]))
        for one in some:
            if not one.double:
                given[one.document] = (alone,)
                loads[alone] += one.seconds
    single = [one.document for one in wanted if not one.double]
    blind = set(generator.permutation(single)[: round(len(single) * without_pre_labels)].tolist())
    for_two = generator.permutation([one.document for one in wanted if one.double and one.part_of is None])
    shown = set(for_two[: int(len(for_two) * double_pre_labels + generator.random())].tolist())
    return [
        Assigned(
            one.document,
            person,
            one.seconds,
            one.double,
            one.document in shown if one.double else one.document not in blind,
        )
        for one in wanted
        for person in given[one.document]
    ]


def _size(some: Sequence[Assignable]) -> tuple[bool, float]:
    """Return what sorts the sentences of documents, or whole documents, for two people first, then the longest ones."""
    return not any(one.double for one in some), -sum(one.seconds for one in some)


def assign_second(
    documents: Iterable[Assignable], group: GroupLoad, known_to: Mapping[int, Collection[int]]
) -> list[Assigned]:
    """Give each document that one person has annotated to another, who sees no pre-labels.

    Of those who can, whoever has had the fewest documents together with that person gets it, and of these the one with
    the least work. The longest documents are given first. A document that everybody knows is given to nobody.

    :param known_to: numbers of those who know an answer to a document, by row id; none if nobody in the group does.
    """
    loads = {person: group.seconds.get(person, 0.0) for person in group.people}
    paired = Counter(dict(group.paired))
    given = []
    for one in sorted(documents, key=lambda one: (-one.seconds, one.document)):
        pairs = {
            person: [(min(person, other), max(person, other)) for other in known_to[one.document]]
            for person in group.people
            if person not in known_to[one.document]
        }
        if not pairs:
            continue
        chosen = min(pairs, key=lambda person: (sum(paired[two] for two in pairs[person]), loads[person], person))
        paired.update(pairs[chosen])
        loads[chosen] += one.seconds
        given.append(Assigned(one.document, chosen, one.seconds, double=True, pre_labels=False))
    return sorted(given, key=lambda one: one.document)


def draw_share(documents: Sequence[int], share: float, *, seed: int) -> set[int]:
    """Draw a share of the documents at random, rounded to the nearest number.

    :param documents: row ids; their order makes no difference.
    :param share: between 0 and 1.
    """
    order = np.random.default_rng(seed).permutation(sorted(documents))
    return {int(one) for one in order[: round(len(documents) * share)]}
