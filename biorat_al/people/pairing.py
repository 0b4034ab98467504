"""Which mention of one annotator answers to which of the other, and how the two differ.

Mentions with the same label and the same spans are the **same**. Of the others, those that share a character are
paired, each at most once, in this order:

1. ``boundary``: the same label, other spans;
2. ``label``: the same spans, another label;
3. ``label and boundary``: another label and other spans.

Among several possible pairs of one kind, those with most characters in common come first, then those that come first in
the text. What remains is marked by one annotator alone: ``missed`` by the second, or ``extra``, marked by the second
only. Neither annotator is taken to be right. The result depends on neither the order of the mentions nor that of the
annotators, except that the latter exchanges ``missed`` and ``extra``. The same mention twice counts once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

from biorat_al.corpus.model.document import Entity, Span
from biorat_al.corpus.model.identity import MentionKey, mention_key

Difference = Literal["boundary", "label", "label and boundary", "missed", "extra", "relation"]
"""How the answers of two annotators differ."""

DIFFERENCES: tuple[Difference, ...] = ("boundary", "label", "label and boundary", "missed", "extra", "relation")

MEANINGS: dict[Difference, str] = {
    "boundary": "the same label on other spans",
    "label": "another label on the same spans",
    "label and boundary": "another label on other spans",
    "missed": "marked by the first annotator only",
    "extra": "marked by the second annotator only",
    "relation": "a relation between mentions of both that only one has, or has otherwise",
}
"""What each difference is."""

_PAIRED: tuple[Difference, ...] = ("boundary", "label", "label and boundary")


class MentionPair(NamedTuple):
    """A mention of either annotator that answer to each other; None where one of them has none.

    :param difference: None if the two are the same.
    """

    first: Entity | None
    second: Entity | None
    difference: Difference | None


def pair_mentions(first: Iterable[Entity], second: Iterable[Entity]) -> list[MentionPair]:
    """Pair the mentions of two annotators of one document, in the order of the text."""
    ours = {mention_key(entity): entity for entity in first}
    theirs = {mention_key(entity): entity for entity in second}
    pairs = [MentionPair(ours[key], theirs[key], None) for key in ours.keys() & theirs.keys()]
    left = [entity for key, entity in ours.items() if key not in theirs]
    right = [entity for key, entity in theirs.items() if key not in ours]
    paired: set[MentionKey] = set()
    for one, other, difference in sorted(_possible(left, right), key=_rank):
        keys = {mention_key(one), mention_key(other)}
        # a key of one annotator is never one of the other here
        if paired.isdisjoint(keys):
            paired |= keys
            pairs.append(MentionPair(one, other, difference))
    pairs += [MentionPair(one, None, "missed") for one in left if mention_key(one) not in paired]
    pairs += [MentionPair(None, one, "extra") for one in right if mention_key(one) not in paired]
    return sorted(pairs, key=_place)


def shared_characters(first: Entity, second: Entity) -> int:
    """Return how many characters two mentions have in common; pieces of one mention are taken not to overlap."""
    return sum(
        max(0, min(one.end, other.end) - max(one.start, other.start)) for one in first.spans for other in second.spans
    )


class _Pair(NamedTuple):
    first: Entity
    second: Entity
    difference: Difference


def _possible(left: Sequence[Entity], right: Sequence[Entity]) -> Iterator[_Pair]:
    """Yield all pairs of mentions that share a character."""
    ordered = sorted(right, key=lambda entity: entity.start)
    for one in left:
        for other in ordered:
            if other.start >= one.end:
                break
            if shared_characters(one, other):
                same_label = one.label == other.label
                same_spans = frozenset(one.spans) == frozenset(other.spans)
                yield _Pair(one, other, "boundary" if same_label else "label" if same_spans else "label and boundary")


_Key = tuple[list[Span], str]


def _key(entity: Entity) -> _Key:
    return sorted(set(entity.spans)), entity.label


def _rank(pair: _Pair) -> tuple[int, int, list[_Key]]:
    """Return the place of a pair among the possible ones; it does not depend on who of the two comes first."""
    both = sorted((_key(pair.first), _key(pair.second)))
    return _PAIRED.index(pair.difference), -shared_characters(pair.first, pair.second), both


def _place(pair: MentionPair) -> list[_Key]:
    return sorted(_key(entity) for entity in (pair.first, pair.second) if entity is not None)
