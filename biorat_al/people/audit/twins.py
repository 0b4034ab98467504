"""Near-duplicate documents that are annotated differently where their texts are the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

import numpy as np

from biorat_al.acquisition.similarity import NEAR_DUPLICATE, cosines, word_sets
from biorat_al.people.audit.annotated import MarkedWords, Worded
from biorat_al.people.audit.findings import FLOOR, Evidence, Finding, Kind, excerpt, quoted, suggestion
from biorat_al.people.audit.places import Key, StringPlaces
from biorat_al.people.audit.shares import EVEN, NO_PLACES, Count

SAME = 0.9
"""How often the same mention in the same words is taken to need the same annotation in two documents."""

_AROUND = 2
"""Words on each side that have to be the same as well."""

_BLOCK = 500


class Twins(NamedTuple):
    """Two documents, by number, and the cosine of their sets of words."""

    one: int
    other: int
    likeness: float


def find_twins(texts: Sequence[str]) -> list[Twins]:
    """Return each near-duplicate of an earlier text, with the earlier one that it resembles most.

    So a form of which there are a thousand copies gives a thousand pairs, not half a million. See
    :data:`biorat_al.acquisition.similarity.NEAR_DUPLICATE`.
    """
    if not texts:
        return []
    rows = word_sets(texts)
    closest: dict[int, Twins] = {}
    for start in range(0, len(texts), _BLOCK):
        likeness = cosines(rows[start : start + _BLOCK], rows[start:])
        # a text without words has a null vector, which is like nothing
        for one, other in zip(*np.nonzero(likeness >= NEAR_DUPLICATE), strict=True):
            pair = Twins(start + int(one), start + int(other), float(likeness[one, other]))
            if one < other and (pair.other not in closest or pair.likeness > closest[pair.other].likeness):
                closest[pair.other] = pair
    return list(closest.values())


def twin_findings(
    corpus: Sequence[Worded], spreads: Mapping[Key, StringPlaces], twins: Sequence[Twins]
) -> Iterator[Finding]:
    """Yield the mentions that a near-duplicate has otherwise: once, in the document that seems to be wrong."""
    for pair in twins:
        one, other = corpus[pair.one], corpus[pair.other]
        blocks = SequenceMatcher(None, one.keys, other.keys, autojunk=False).get_matching_blocks()
        same = {(block.a + number): block.b + number for block in blocks for number in range(block.size)}
        back = {there: here for here, there in same.items()}
        yield from _differences(one, other, same, spreads)
        yield from _differences(other, one, back, spreads, only_free=True)


def _differences(
    one: Worded, other: Worded, same: Mapping[int, int], spreads: Mapping[Key, StringPlaces], *, only_free: bool = False
) -> Iterator[Finding]:
    """Yield a finding for each mention of one document that the other has otherwise.

    :param same: number of the same word in the other document, by number of the word.
    :param only_free: leave out what is marked in the other document too, in another way.
    """
    for mark in one.marks:
        there = _same_range(one, other, mark, same)
        if not mark.exact or there is None or not other.masked.isdisjoint(range(*there)):
            continue
        if mark.label in other.annotated.unasked.labels or mark.label in one.annotated.unasked.labels:
            continue
        exact = other.exactly(*there)
        if any(twin.label == mark.label for twin in exact):
            continue
        if other.is_free(*there):
            yield from _missed_or_extra(one, other, mark, there, spreads)
        elif not only_free and exact:
            yield from _otherwise(one, other, mark, exact[0], there, spreads)
        elif not only_free:
            covering = [twin for number in range(*there) for twin in other.covering[number] if twin.exact]
            if covering and covering[0].label == mark.label:
                yield from _otherwise(one, other, mark, covering[0], there, spreads)


def _same_range(one: Worded, other: Worded, mark: MarkedWords, same: Mapping[int, int]) -> tuple[int, int] | None:
    """Return the range of words of the other document that is the same as a mention, with the words around it."""
    if mark.first not in same:
        return None
    shift = same[mark.first] - mark.first
    around = range(max(mark.first - _AROUND, 0), min(mark.end + _AROUND, len(one.keys)))
    if any(same.get(number) != number + shift for number in around):
        return None
    return mark.first + shift, mark.end + shift


def _missed_or_extra(
    one: Worded, other: Worded, mark: MarkedWords, there: tuple[int, int], spreads: Mapping[Key, StringPlaces]
) -> Iterator[Finding]:
    spread = spreads.get(one.key(mark.first, mark.end))
    # without these two places
    count = spread.all.minus(1, 2) if spread is not None and spread.all.places > 1 else NO_PLACES
    share = EVEN.share(count)
    text = quoted(one.surface(mark.first, mark.end))
    kind: Kind = "missed" if share >= 0.5 else "extra"
    score = SAME * max(share, 1 - share)
    if score < FLOOR:
        return
    if kind == "missed":
        sentence = f"in the near-duplicate {one.id} {text} is marked as {mark.label} in the same words, here not"
        place, suggested = excerpt(other, *other.span(*there)), suggestion(other, mark.label, *there)
        yield Finding(kind, place, None, suggested, (Evidence("twin", sentence, score),), other.annotators)
    else:
        sentence = f"in the near-duplicate {other.id} {text} is not marked in the same words, here it is"
        place = excerpt(one, *one.span(mark.first, mark.end))
        yield Finding(kind, place, mark.label, None, (Evidence("twin", sentence, score),), one.annotators)


def _otherwise(
    one: Worded,
    other: Worded,
    mark: MarkedWords,
    twin: MarkedWords,
    there: tuple[int, int],
    spreads: Mapping[Key, StringPlaces],
) -> Iterator[Finding]:
    """Yield the rarer one of two different mentions in the same words, with the other as the suggestion.

    :param twin: the mention in the other document; `there` is the first one's range of words in that document.
    """
    shift = there[0] - mark.first
    here = twin.first - shift, twin.end - shift
    if here[0] < 0 or one.key(*here) != other.key(twin.first, twin.end):
        return
    often, twin_often = _others(one, mark, spreads), _others(other, twin, spreads)
    share = EVEN.share(Count(twin_often, often + twin_often))
    # of two that are equally frequent, the later document's
    if share > 0.5:
        worded, wrong, near, right, (first, end) = one, mark, other, twin, here
    else:
        worded, wrong, near, right, (first, end) = other, twin, one, mark, there
    kind: Kind = "label" if wrong.label != right.label else "borders"
    text = quoted(near.surface(right.first, right.end))
    sentence = f"in the near-duplicate {near.id} {text} is marked as {right.label} in the same words"
    place = excerpt(worded, *worded.span(wrong.first, wrong.end))
    evidence = (Evidence("twin", sentence, SAME * max(share, 1 - share)),)
    yield Finding(kind, place, wrong.label, suggestion(worded, right.label, first, end), evidence, worded.annotators)


def _others(worded: Worded, mark: MarkedWords, spreads: Mapping[Key, StringPlaces]) -> int:
    """Return how many other mentions have the string and the label of one."""
    spread = spreads.get(worded.key(mark.first, mark.end))
    return spread.labels[mark.label] - 1 if spread is not None else 0
