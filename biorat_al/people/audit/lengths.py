"""Mentions that are far longer than others: a paragraph marked by a triple click, two mentions that became one.

A mention that goes on beyond the end of a sentence, or has more than twice the words of nearly all others with its
label, looks wrong where hardly any other mention does so.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence

from biorat_al.corpus.sentences import sentence_ends
from biorat_al.people.audit.annotated import MarkedWords, Worded
from biorat_al.people.audit.borders import RATE
from biorat_al.people.audit.findings import FLOOR, Evidence, Finding, excerpt
from biorat_al.people.audit.shares import EVEN, Count, posterior
from biorat_al.wording import plural

_SHORT = 5
"""Words that no mention is too long with."""


def length_findings(corpus: Sequence[Worded]) -> Iterator[Finding]:
    """Yield the mentions of one piece that go on beyond a sentence, or are more than twice as long as others."""
    lengths: defaultdict[str, list[int]] = defaultdict(list)
    over: list[tuple[Worded, MarkedWords]] = []
    mentions = 0
    for worded in corpus:
        ends = sentence_ends(worded.text) if worded.marks else []
        for mark in worded.in_one_piece:
            mentions += 1
            lengths[mark.label].append(_words(worded, mark))
            if _goes_beyond(worded, mark, ends):
                over.append((worded, mark))
    others = Count(len(over) - 1, mentions - 1)
    for worded, mark in over:
        sentence = f"it goes on beyond the end of a sentence, as {others.marked:,} of {others.places:,} other mentions"
        yield from _finding(worded, mark, sentence, others)
    ordered = {label: sorted(numbers) for label, numbers in lengths.items()}
    for worded in corpus:
        for mark in worded.in_one_piece:
            yield from _longest(worded, mark, ordered[mark.label])


def _longest(worded: Worded, mark: MarkedWords, lengths: Sequence[int]) -> Iterator[Finding]:
    """Yield a finding if hardly any other mention of the label has more than half as many words.

    :param lengths: words of all mentions of the label, ascending.
    """
    words = _words(worded, mark)
    if words <= _SHORT:
        return
    near = len(lengths) - bisect_right(lengths, words // 2) - 1
    others = Count(near, len(lengths) - 1)
    sentence = (
        f"it has {plural(words, 'word')}, and {near:,} of {others.places:,} other mentions of {mark.label} "
        f"{'has' if near == 1 else 'have'} more than half as many"
    )
    yield from _finding(worded, mark, sentence, others)


def _finding(worded: Worded, mark: MarkedWords, sentence: str, others: Count) -> Iterator[Finding]:
    score = posterior(1 - EVEN.share(others), RATE)
    if score >= FLOOR:
        place = excerpt(worded, mark.entity.start, mark.entity.end)
        evidence = (Evidence("shape", sentence, score),)
        yield Finding("extra", place, mark.label, None, evidence, worded.annotators)


def _words(worded: Worded, mark: MarkedWords) -> int:
    """Return how many words between blanks a mention has: the name of a chemical has many parts."""
    return len(worded.text[mark.entity.start : mark.entity.end].split())


def _goes_beyond(worded: Worded, mark: MarkedWords, ends: Sequence[int]) -> bool:
    """Return whether words of a mention are on both sides of the end of a sentence."""
    place = bisect_right(ends, worded.starts[mark.first])
    return place < len(ends) and ends[place] <= worded.starts[mark.end - 1]
