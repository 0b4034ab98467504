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

FIRST_RULES = 1
"""The rules of what was cut before rules had numbers."""

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
    r"""(?<![.?!…])(?P<mark>[.?!…]++)(?P<closing>[)\]}"'’”»]*+)"""
    # a citation: [12] or, behind a word, 12; not the digits behind a decimal point
    r"""(?P<cited>(?:\s?\[\d[\d,;\s–-]*+\]|(?<=[^\W\d_][^\W\d_][.?!)\]])\d{1,3}(?:[,–-]\d{1,3})*+(?=\s+[A-Z]))?)"""
    r"""(?=\s+(?P<opening>[(\[{"'‘“«]*)(?P<next>[*†‡§•]|[-–—](?=\s)|\w[\w'’.–-]*+)(?P<after>[),]?))"""
    r"""|(?P<empty>(?<=\n)[^\S\n]*+(?=\n))"""
)
_FILLED = re.compile(r"\S")
_LAST_WORD = re.compile(r"[^\s()\[\]{}\"“”‘«»,;/]*+(?=\s?\Z)")
_WORD_BEFORE = re.compile(r"(\w+)\s*\Z")
_NUMBER_BEFORE = re.compile(r"\d\s*\Z")
_FAR = 40
"""Characters before a full stop in which its word is looked for."""

_INITIALS = re.compile(r"[^\W\d_](?:[.-]+[^\W\d_])*+")
_ITEM = re.compile(r"[(\[]?(?:[^\W\d_](?:[–-][^\W\d_])?|\d{1,2}|[ivxIVX]{1,5})[)\]]?")
_LONGEST_ITEM = 7
_KEY = re.compile(r"[a-z](?:[–-][a-z])?|[ivx]{1,4}")
_KEY_WITH_STOP = re.compile(r"(?:[a-z]|[ivx]{1,4})[.]")
_LONGEST_SHORT_FORM = 3
_GENE = re.compile(r"[a-z]+-?[A-Z0-9]|[α-ωϑϕ]")  # mRNA, c-Myc, p53, α-synuclein
_LONGEST_NUMBER = 2
_ENZYME = re.compile(r"\bEC[\s\d.]*+\Z")  # EC 1.1. 1. 49


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# what no sentence ends with: a number or a name follows
_NEVER_LAST = _words(
    "approx cf chr dept dr drs e.g eg eq eqs fig figs i.e ie mr mrs ms ph pp prof ref refs st str subsp supp suppl "
    "univ var viz vol vs"
)
# what a sentence ends with only if the next word is one that sentences begin with
_SELDOM_LAST = _words("al ca cat co corp inc ltd no nos resp sp spp")
# what has a single letter as its name: "hepatitis B. Patients", but "J. Smith"
_LETTERED = _words(
    "allele amphotericin annexin antigen box cathepsin chain ciclosporin class coenzyme complex cyclosporin "
    "cyclosporine cytochrome domain factor figure form gene genes grade group groups hepatitis influenza isoform "
    "lane line metaphase panel panels phase prophase protein region series site stage strain substance subtype "
    "subunit subunits table toxin type types virus vitamin"
)
_STARTERS = _words(
    "a additionally after all also although among an and another any as at because before both but by compared "
    "conversely despite during each even finally first following for from further furthermore given he hence here "
    "how however if in indeed instead interestingly it its moreover most neither nevertheless no none notably of on "
    "once one only other our overall patients previous recent recently results second several she similarly since so "
    "some specifically such taken that the their then there therefore these they this those three thus to together "
    "two under unlike upon using we what when where whereas whether which while who with within without yet"
)


def _reader_ends(text: str) -> list[int]:
    ends: list[int] = []
    begun = len(text) - len(text.lstrip())
    for match in _CANDIDATE.finditer(text):
        if match["empty"] is not None or _ends(text, match, begun):
            ends.append(match.end())
            if match.end() > begun:  # else it is one of several empty lines
                filled = _FILLED.search(text, match.end())
                begun = filled.start() if filled else len(text)
    return ends


def _ends(text: str, match: re.Match[str], begun: int) -> bool:
    """Return whether the sentence that begins at `begun` ends at a candidate."""
    following = match["next"]
    stop = match.start()
    if stop - begun <= _LONGEST_ITEM and _ITEM.fullmatch(text, begun, stop):
        return False  # "A. The first …", "2. The second …"
    if following[0].islower() and not _GENE.match(following) and not _is_key(match):
        return False
    if match["mark"] != "." or match["closing"]:
        return True
    found = _LAST_WORD.search(text, max(stop - _FAR, begun), stop)
    word = found[0] if found else ""
    short = word[:1].lower() + word[1:]  # "Fig" and "fig", but "VS" is not "vs"
    if short in _NEVER_LAST:
        return False
    starts = following[0].isupper() and following.lower() in _STARTERS
    if short in _SELDOM_LAST:
        return starts
    if found and _INITIALS.fullmatch(word):
        before = text[max(begun, found.start() - _FAR) : found.start()]
        return starts or (following[0].isupper() and len(word) == 1 and _is_name_or_unit(word, before))
    if following[0].isdigit():
        number = word.isdigit() and len(word) <= _LONGEST_NUMBER
        return not (number or _ENZYME.search(text, max(stop - _FAR, begun), stop))
    return True


def _is_key(match: re.Match[str]) -> bool:
    """Return whether a key in small letters begins behind a candidate: "(b) Cells", "b. Cells", "pe, epithelium"."""
    following = match["next"]
    if match["after"] == ")":
        return bool(match["opening"] and _KEY.fullmatch(following))
    if match["opening"]:
        return False
    short = match["after"] == "," and len(following) <= _LONGEST_SHORT_FORM
    return short or _KEY_WITH_STOP.fullmatch(following) is not None


def _is_name_or_unit(letter: str, before: str) -> bool:
    """Return whether a letter is what is called so, "vitamin C", or a unit, "4 h" and "g/L", and no initial."""
    if before.endswith("/") or (letter.islower() and _NUMBER_BEFORE.search(before)):
        return True
    named = _WORD_BEFORE.search(before)
    return named is not None and named[1].lower() in _LETTERED
