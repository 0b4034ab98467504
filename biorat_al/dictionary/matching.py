"""The names of a dictionary in a text, found with an Aho–Corasick automaton.

All places where a spelling of a name begins and ends on word borders are found in one pass (Aho & Corasick 1975,
Communications of the ACM 18:333). Of those that overlap, the longest counts, then the leftmost.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from biorat_al.corpus.model.concepts import parse_identifiers
from biorat_al.corpus.model.document import Concept, Entity, Span
from biorat_al.dictionary.reading import Name
from biorat_al.dictionary.spelling import Spelling, in_lower_case, joined, spellings, words_of

if TYPE_CHECKING:
    from ahocorasick_rs import AhoCorasick


class Match(NamedTuple):
    """A name in a text.

    :param concepts: what it stands for; empty if the dictionary does not say, or says two things.
    """

    start: int
    end: int
    concepts: tuple[Concept, ...]


@dataclass(slots=True)
class _Entry:
    """What is known about one key: concepts by spelling as written, and by None for any case.

    A spelling that stands for two things has None instead of concepts.

    :param own: spellings of names as the dictionary has them; they count before those that are derived.
    """

    own: dict[str | None, tuple[Concept, ...] | None] = field(default_factory=dict)
    derived: dict[str | None, tuple[Concept, ...] | None] = field(default_factory=dict)

    def add(self, spelling: Spelling, concepts: tuple[Concept, ...]) -> bool:
        """Add a spelling; return whether it is a name's own and now stands for two things."""
        table, exact = self.derived if spelling.is_derived else self.own, spelling.exact
        known = table.setdefault(exact, concepts)
        if known is None or known == concepts or not concepts:
            return False
        table[exact] = concepts if known == () else None
        return known != () and not spelling.is_derived

    def find(self, exact: str) -> tuple[Concept, ...] | None:
        """Return what a spelling stands for, empty if that is not known; None if it is no spelling of a name."""
        for table in (self.own, self.derived):
            for written in (exact, None):
                if written in table:
                    return table[written] or ()
        return None


class Matcher:
    """Finds the names of a dictionary.

    :param label: label of the mentions.
    :ivar names: names that can be found.
    :ivar unusable: names that cannot: they have fewer than two characters, or no letter.
    :ivar ambiguous: names whose identifiers contradict those before; they are found, and no concept is proposed.

    >>> from biorat_al.dictionary.reading import Name
    >>> matcher = Matcher([Name("aspirin", "MESH:D001241"), Name("aspirin resistance", "")], "Chemical")
    >>> [(match.start, match.end) for match in matcher.find("Aspirin, and aspirin resistance")]
    [(0, 7), (13, 31)]
    """

    def __init__(self, names: Iterable[Name], label: str) -> None:
        from ahocorasick_rs import AhoCorasick

        self.label = label
        self.names = 0
        self.unusable = 0
        self.ambiguous = 0
        entries: dict[str, _Entry] = {}
        seen: set[Name] = set()
        for name in names:
            if name in seen:
                continue
            seen.add(name)
            found = spellings(name.name)
            self.names += bool(found)
            self.unusable += not found
            concepts = parse_identifiers(name.identifier, label) if name.identifier else ()
            clashes = [entries.setdefault(one.key, _Entry()).add(one, concepts) for one in found]
            self.ambiguous += any(clashes)
        self._entries = list(entries.values())
        self._automaton: AhoCorasick | None = AhoCorasick(list(entries)) if entries else None

    def find(self, text: str) -> list[Match]:
        """Return the names in a text, in its order, without overlaps."""
        if self._automaton is None:
            return []
        starts, ends, words = words_of(text)
        written = joined(words)
        # where each word begins in the joined text
        places = list(accumulate((len(word) + 1 for word in words), initial=1))
        found: list[tuple[int, int, int, tuple[Concept, ...]]] = []
        for number, begin, end in self._automaton.find_matches_as_indexes(in_lower_case(written), overlapping=True):
            concepts = self._entries[number].find(written[begin:end])
            if concepts is None:
                continue
            first, last = bisect_left(places, begin + 1), bisect_left(places, end) - 1
            start, stop = starts[first], ends[last]
            found.append((start - stop, start, stop, concepts))
        taken: list[Match] = []
        taken_to: list[int] = []
        for _, start, stop, concepts in sorted(found):
            # those taken so far are in the order of the text and do not overlap
            place = bisect_left(taken_to, start + 1)
            if place < len(taken) and taken[place].start < stop:
                continue
            taken.insert(place, Match(start, stop, concepts))
            taken_to.insert(place, stop)
        return taken

    def entities(self, text: str) -> tuple[Entity, ...]:
        """Return the names in a text as mentions."""
        return tuple(
            Entity(f"d{number}", self.label, (Span(match.start, match.end),), match.concepts)
            for number, match in enumerate(self.find(text), start=1)
        )
