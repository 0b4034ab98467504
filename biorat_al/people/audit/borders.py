"""Borders that are drawn elsewhere in another way: leading articles, trailing punctuation, "patients with …".

A word at a border is in the mention, as its first or last word, or beside it. How often it is in, over all mentions and
next to the same neighbour, tells which side it belongs on (:mod:`biorat_al.people.audit.shares`). No list of words is
needed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from biorat_al.people.audit.annotated import MarkedWords, Worded
from biorat_al.people.audit.findings import FLOOR, Evidence, Finding, excerpt, quoted, suggestion
from biorat_al.people.audit.places import Key, StringPlaces
from biorat_al.people.audit.shares import ERRORS, EVEN, NO_PLACES, Count, fit, posterior

RATE = ERRORS / 4
"""How often one border of a mention is a word too far out, and how often a word too far in."""

_REACH = 2
"""Words on each side by which a longer string may exceed a mention."""


BRACKETS = {"(": ")", "[": "]", "{": "}"}
CLOSING = {close: opening for opening, close in BRACKETS.items()}


class _Edge(NamedTuple):
    """A word at a border of a mention.

    :param number: number of the word; `neighbour` is that of the word beside it, towards the mention's middle.
    :param inside: whether the mention holds the word.
    :param first: with `end`, the mention's range of words if the border were on the other side of the word.
    """

    number: int
    neighbour: int
    inside: bool
    first: int
    end: int


def border_findings(corpus: Sequence[Worded], spreads: Mapping[Key, StringPlaces]) -> Iterator[Finding]:
    """Yield the mentions whose borders are unlike those of other mentions."""
    for side in (-1, 1):
        yield from _edge_findings(corpus, side)
    for worded in corpus:
        for mark in worded.marks:
            if mark.exact:
                yield from _shorter(worded, mark, spreads)
                yield from _longer(worded, mark, spreads)


def _edge_findings(corpus: Sequence[Worded], side: int) -> Iterator[Finding]:
    """Yield the mentions with a word on the wrong side of one border: the left one (-1) or the right one (1)."""
    words: defaultdict[str, Count] = defaultdict(lambda: NO_PLACES)
    pairs: defaultdict[tuple[str, str], Count] = defaultdict(lambda: NO_PLACES)
    for worded in corpus:
        for mark in worded.marks:
            for edge in _edges(worded, mark, side):
                word, pair = worded.keys[edge.number], (worded.keys[edge.number], worded.keys[edge.neighbour])
                words[word] = words[word].plus(edge.inside, 1)
                pairs[pair] = pairs[pair].plus(edge.inside, 1)
    prior = fit(words.values())
    for worded in corpus:
        for mark in worded.marks:
            for edge in _edges(worded, mark, side):
                word, pair = worded.keys[edge.number], (worded.keys[edge.number], worded.keys[edge.neighbour])
                near = pairs[pair].minus(edge.inside, 1)
                far = words[word].minus(edge.inside, 1).minus(*near)
                share = prior.share_near(far, near)
                score = posterior(1 - share if edge.inside else share, RATE)
                both = far.plus(*near)
                # a word that is at no other border is no evidence, whatever is usual for words
                if both.places and score >= FLOOR and not _unbalances(worded, mark, edge):
                    where = "it is in the mention" if edge.inside else "it is beside the mention"
                    sentence = (
                        f"{quoted(worded.words[edge.number])} belongs to the mention in {both.marked:,} of "
                        f"{both.places:,} other places at {'the beginning' if side < 0 else 'the end'} of a mention, "
                        f"here {where}"
                    )
                    evidence = Evidence("border", sentence, score)
                    yield _finding(worded, mark, edge.first, edge.end, evidence)


def _edges(worded: Worded, mark: MarkedWords, side: int) -> Iterator[_Edge]:
    """Yield the last word inside one border of a mention, unless it is the only one, and the first word outside."""
    if not mark.exact:
        return
    first, end = mark.first, mark.end
    if end - first > 1:
        number, shorter = (first, (first + 1, end)) if side < 0 else (end - 1, (first, end - 1))
        yield _Edge(number, number - side, True, *shorter)
    number, longer = (first - 1, (first - 1, end)) if side < 0 else (end, (first, end + 1))
    if 0 <= number < len(worded.keys) and worded.is_free(number, number + 1):
        yield _Edge(number, number - side, False, *longer)


def unpaired(text: str) -> list[tuple[int, str]]:
    """Return the brackets without a partner, with their places in the text."""
    waiting: list[tuple[int, str]] = []
    for place, one in enumerate(text):
        if one in CLOSING and waiting and waiting[-1][1] == CLOSING[one]:
            waiting.pop()
        elif one in BRACKETS or one in CLOSING:
            waiting.append((place, one))
    return waiting


def _unbalances(worded: Worded, mark: MarkedWords, edge: _Edge) -> bool:
    """Return whether moving the border would part a pair of brackets."""
    if worded.words[edge.number] not in BRACKETS and worded.words[edge.number] not in CLOSING:
        return False
    return bool(unpaired(worded.surface(edge.first, edge.end)))


def _shorter(worded: Worded, mark: MarkedWords, spreads: Mapping[Key, StringPlaces]) -> Iterator[Finding]:
    """Yield a finding if in other places of the mention's string only a part of it is marked."""
    spread = spreads.get(worded.key(mark.first, mark.end))
    if spread is None or not spread.inside:
        return
    (first, end), parts = max(spread.inside.items(), key=lambda item: (item[1], item[0]))
    whole = spread.all.marked - 1
    score = posterior(EVEN.share(Count(parts, parts + whole)), RATE)
    if score >= FLOOR:
        first, end = mark.first + first, mark.first + end
        text, part = (
            quoted(worded.text[slice(*worded.span(*span))]) for span in ((mark.first, mark.end), (first, end))
        )
        sentence = f"in {parts:,} of {parts + whole:,} other places of {text}, only {part} is marked"
        yield _finding(worded, mark, first, end, Evidence("string", sentence, score))


def _longer(worded: Worded, mark: MarkedWords, spreads: Mapping[Key, StringPlaces]) -> Iterator[Finding]:
    """Yield findings for longer strings around the mention that are marked as a whole in other places."""
    for left in range(_REACH + 1):
        for right in range(_REACH + 1):
            first, end = mark.first - left, mark.end + right
            if (first, end) == (mark.first, mark.end) or first < 0 or end > len(worded.keys):
                continue
            spread = spreads.get(worded.key(first, end))
            if spread is None or worded.exactly(first, end):
                continue
            whole, parts = spread.all.marked, spread.inside[left, left + mark.end - mark.first] - 1
            score = posterior(EVEN.share(Count(whole, whole + parts)), RATE)
            if score >= FLOOR:
                text = quoted(worded.surface(first, end))
                sentence = f"{text} is marked as a whole in {whole:,} of {whole + parts:,} other places"
                yield _finding(worded, mark, first, end, Evidence("string", sentence, score))


def _finding(worded: Worded, mark: MarkedWords, first: int, end: int, evidence: Evidence) -> Finding:
    place = excerpt(worded, mark.entity.start, mark.entity.end)
    suggested = suggestion(worded, mark.label, first, end)
    return Finding("borders", place, mark.label, suggested, (evidence,), worded.annotators)
