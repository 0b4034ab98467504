"""All places of the strings that are marked somewhere."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from biorat_al.people.audit.annotated import Worded
from biorat_al.people.audit.shares import NO_PLACES, Count

LONGEST = 8
"""Most words of a string whose other places are looked up."""

Key = tuple[str, ...]
"""A string, as the keys of its words."""


class StringPlace(NamedTuple):
    """A place of a string.

    :param document: number of the document.
    :param first: number of its first word; `end` is one past that of its last.
    :param labels: labels with which exactly this place is marked; empty if nothing covers any of its words.
    """

    document: int
    first: int
    end: int
    labels: tuple[str, ...]


@dataclass
class StringPlaces:
    """The places of one string.

    Places where it is part of a longer mention, or where only a part of it is marked, say nothing on whether it is
    a mention. They are not among `places`.

    :param labels: number of mentions by label.
    :param inside: where only a part is marked: first word and end of the part, counted from the first word.
    """

    labels: Counter[str] = field(default_factory=Counter)
    places: list[StringPlace] = field(default_factory=list)
    all: Count = NO_PLACES
    by_document: defaultdict[int, Count] = field(default_factory=lambda: defaultdict(lambda: NO_PLACES))
    inside: Counter[tuple[int, int]] = field(default_factory=Counter)

    def add(self, place: StringPlace) -> None:
        """Add a place that is marked or free."""
        self.places.append(place)
        self.all = self.all.plus(bool(place.labels), 1)
        self.by_document[place.document] = self.by_document[place.document].plus(bool(place.labels), 1)

    def others(self, place: StringPlace) -> tuple[Count, Count]:
        """Return how many places are marked in other documents, and how many other ones in the same document."""
        own = self.by_document[place.document]
        return self.all.minus(*own), own.minus(bool(place.labels), 1)


def find_places(corpus: Sequence[Worded]) -> Mapping[Key, StringPlaces]:
    """Return the places of each string that is marked somewhere, by its key."""
    spreads: dict[Key, StringPlaces] = {}
    lengths: defaultdict[str, set[int]] = defaultdict(set)
    for worded in corpus:
        for mark in worded.marks:
            if mark.exact and mark.end - mark.first <= LONGEST:
                key = worded.key(mark.first, mark.end)
                spreads.setdefault(key, StringPlaces()).labels[mark.label] += 1
                lengths[key[0]].add(len(key))
    for number, worded in enumerate(corpus):
        for first, word in enumerate(worded.keys):
            for length in lengths.get(word, ()):
                spread = spreads.get(worded.key(first, first + length))
                if spread is not None and first + length <= len(worded.keys):
                    _add(spread, worded, StringPlace(number, first, first + length, ()))
    return spreads


def _add(spread: StringPlaces, worded: Worded, place: StringPlace) -> None:
    _, first, end, _ = place
    labels = sorted({mark.label for mark in worded.exactly(first, end)})
    if labels:
        spread.add(place._replace(labels=tuple(labels)))
    elif not worded.is_free(first, end):
        covering = {(mark.first, mark.end) for number in range(first, end) for mark in worded.covering[number]}
        spread.inside.update((one - first, other - first) for one, other in covering if first <= one and other <= end)
    elif worded.annotated.unasked.labels.isdisjoint(spread.labels):
        spread.add(place)
