"""Assignment: which annotator of a group is asked for which document.

A document goes to one person, or, if it was drawn for that, to two. Work is spread by expected seconds, together with
what each person still has to answer. The longest documents are given first, each to the person with the least work:
the loads of two people who began alike then differ by at most one document. Documents for two people are given before
the others. Of all pairs, the one that has had the fewest documents together gets the next, so that pairs rotate and
each pair's agreement is measured on about as many documents.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
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
    """

    document: int
    seconds: float
    double: bool = False


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
    documents: Iterable[Assignable], group: GroupLoad, *, seed: int, without_pre_labels: float = 0.0
) -> list[Assigned]:
    """Spread documents over a group, in the order of their row ids.

    The same documents, group and seed give the same assignment, in whatever order they come. Whoever is asked for a
    document together with somebody else sees no pre-labels, since these make annotators more alike than they are.

    :param seed: decides ties, and which single documents are given without pre-labels.
    :param without_pre_labels: share of the documents for one person that are given without pre-labels.
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
    for one in sorted(wanted, key=lambda one: (not one.double, -one.seconds, ties[one.document])):
        if one.double:
            pair = min(
                combinations(sorted(people), 2),
                key=lambda two: (
                    paired[two],
                    sum(loads[person] for person in two),
                    sorted(place[person] for person in two),
                ),
            )
            paired[pair] += 1
            chosen: tuple[int, ...] = pair
        else:
            chosen = (min(people, key=lambda person: (loads[person], place[person])),)
        for person in chosen:
            loads[person] += one.seconds
        given[one.document] = chosen
    single = [one.document for one in wanted if not one.double]
    blind = set(generator.permutation(single)[: round(len(single) * without_pre_labels)].tolist())
    return [
        Assigned(one.document, person, one.seconds, one.double, not one.double and one.document not in blind)
        for one in wanted
        for person in given[one.document]
    ]


def draw_share(documents: Sequence[int], share: float, *, seed: int) -> set[int]:
    """Draw a share of the documents at random, rounded to the nearest number.

    :param documents: row ids; their order makes no difference.
    :param share: between 0 and 1.
    """
    order = np.random.default_rng(seed).permutation(sorted(documents))
    return {int(one) for one in order[: round(len(documents) * share)]}
