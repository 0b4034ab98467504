"""Rules for where sentences end, numbered, so that what was cut by one set of rules is cut the same way for ever.

A set of rules never changes once a release has it: segments that people annotated and the windows of saved models
depend on it. Better rules get the next number.

1. Cautious: a sentence ends only where all signs agree, so that no mention is cut in two. Two sentences together do no
   harm in the windows that an encoder reads.
2. As a reader would cut: made for abstracts and full text of biomedicine, where sentences are what people annotate.
   They know abbreviations, initials and species names, and sentences that begin with a digit, a Greek letter or the
   name of a gene (p53, mRNA); a citation after the full stop ("…cells.12 The") belongs to the sentence before it.

Both end a sentence at an empty line, and at every border of a passage.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from biorat_al.corpus.model.document import Passage, Span

RULES: tuple[int, ...] = (1, 2)
"""The numbers of all sets of rules."""

NEWEST_RULES = 2
"""The rules by which new segments are cut."""


def sentences(text: str, passages: Sequence[Passage] = (), *, rules: int = NEWEST_RULES) -> list[Span]:
    """Return the sentences of a text in order, without the blanks around them.

    They do not overlap, and hold every character that is not blank. None crosses the border of a passage.

    :param passages: the text's passages; what is in none of them is cut too.
    :param rules: one of :data:`RULES`.
    :raises ValueError: unknown rules.

    >>> from biorat_al.corpus.sentences import sentences
    >>> text = "E. coli grew (Fig. 2). p53 did not."
    >>> [text[start:end] for start, end in sentences(text)]
    ['E. coli grew (Fig. 2).', 'p53 did not.']
    """
    borders = {0, len(text), *sentence_ends(text, rules=rules)}
    for passage in passages:
        borders |= {min(max(passage.start, 0), len(text)), min(max(passage.end, 0), len(text))}
    return [
        Span(end - len(text[start:end].lstrip()), start + len(text[start:end].rstrip()))
        for start, end in pairwise(sorted(borders))
        if not text[start:end].isspace()
    ]


def sentence_ends(text: str, *, rules: int = NEWEST_RULES) -> list[int]:
    """Return the offsets (code points) just after each sentence, ascending, without the end of the text.

    :param rules: one of :data:`RULES`.
    :raises ValueError: unknown rules.
    """
    if rules == 1:
        return _cautious_ends(text)
    if rules == 2:
        return _reader_ends(text)
    raise ValueError(f"there are no rules {rules!r} for sentences; known are {', '.join(map(str, RULES))}")


# Rules 1

# a full stop and closing brackets or quotes, a blank, then the beginning of a sentence; or an empty line
_END = re.compile(
    r"""[.?!][)\]"'’”]*(?=\s+[(\["'‘“]*[A-Z0-9])"""
    r"""|(?<=\n)[ \t\r]*(?=\n)"""
)
_ABBREVIATED = re.compile(
    r"(?:\b[A-Za-z]|\b(?:e\.g|i\.e|vs|cf|al|ca|Dr|Mr|Mrs|Prof|St|Figs?|Refs?|Eqs?|[Nn]os?|spp?|subsp|var|approx|resp|Ltd))\.$"
)
_NUMBERED = re.compile(r"\d\.\s+\d")  # EC 1. 1. 1. 49


def _cautious_ends(text: str) -> list[int]:
    return [match.end() for match in _END.finditer(text) if not _is_inside(text, match.start())]


def _is_inside(text: str, stop: int) -> bool:
    """Return whether the full stop at `stop` belongs to an abbreviation or a number."""
    return bool(_ABBREVIATED.search(text, max(stop - 8, 0), stop + 1) or (stop and _NUMBERED.match(text, stop - 1)))


# Rules 2

_CANDIDATE = re.compile(
    r"""(?P<mark>[.?!…]+)(?P<closing>[)\]}"'’”»]*)(?P<cited>(?:\[\d[\d,;–-]*\]|\d{1,3}(?:[,–-]\d{1,3})*)?)"""
    r"""(?=\s+[(\[{"'‘“«]*(?P<next>\w[\w'’.-]*))"""
    r"""|(?P<empty>(?<=\n)[ \t\r]*(?=\n))"""
)
_LAST_WORD = re.compile(r"[^\s()\[\]{}\"“”‘«»,;/]*$")
_LONGEST_WORD = 40


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_INSIDE = _words(
    "e.g i.e eg ie vs cf viz dr mr mrs ms prof st fig figs eq eqs ref refs ca approx subsp var resp suppl no nos "
    "vol pp al spp sp ltd inc co corp"
)
_STARTERS = _words(
    "the this these those that there then thus therefore their they it its in on at as an a after although all "
    "also among and additionally another any because before both but by conversely compared despite during each "
    "even finally first following for from further furthermore given here hence how however if indeed instead "
    "interestingly moreover most neither none nevertheless notably of once one only our other overall patients "
    "previous recent recently results second several she he similarly since so some specifically such taken to "
    "together two three under unlike upon using we what when where whereas whether which while who with within "
    "without yet"
)


def _reader_ends(text: str) -> list[int]:
    return [match.end() for match in _CANDIDATE.finditer(text) if match["empty"] is not None or _ends(text, match)]


def _ends(text: str, match: re.Match[str]) -> bool:
    """Return whether a sentence ends at a candidate."""
    following = match["next"]
    if following[0].islower() and following.isalpha() and following.islower():
        return False
    if match["mark"] != "." or match["closing"]:
        return True
    found = _LAST_WORD.search(text, max(match.start() - _LONGEST_WORD, 0), match.start())
    word = found[0] if found else ""
    starts = following.lower() in _STARTERS and not following.islower()
    if (len(word) == 1 and word.isalpha()) or word.lower() in _INSIDE:
        return starts and word.lower() not in ("fig", "e.g", "i.e", "vs", "dr")
    return not (following[0].isdigit() and word.isdigit() and len(word) < 3)
