"""Which spellings of a dictionary's name count.

A text and a name are compared word by word. A word is a run of letters and digits, or one other sign; white space only
separates. So ``IL-2`` is found in "IL - 2", but not in "IL-21". It makes no difference whether an accent is a separate
character. Each name has one of two rules:

- *as written*: names of up to `SHORT` characters, and single words without a lower-case letter (``COPD``, ``HIV-1``).
  A short name in lower case may also begin with a capital (``gout``, "Gout").
- *in any case*: all others.

A final plural is optional: ``kidney stone`` is found in "kidney stones", ``peptic ulcers`` in "peptic ulcer" and
``rash`` in "rashes". It is ``es`` after s, x, z, ch and sh, and ``s`` otherwise. A name as written takes a small ``s``
(``NSAID``, "NSAIDs") if it has at least three characters and ends in a letter. Words in -ss, -us and -is are not
plurals.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from unicodedata import is_normalized, normalize

SHORT = 4
"""Most characters of a name that counts as written only."""

BORDER = "\0"
"""Stands between the words of a joined text, and around it."""

# the blocks of combining marks: accents and the like that are separate characters
_MARKS = "\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_WORD = re.compile(rf"[^\W_](?:[^\W_]|[{_MARKS}])*|[^\w\s]|_")
_HISSING = ("s", "x", "z", "ch", "sh")


class Words(NamedTuple):
    """The words of a text.

    :param starts: offset of each word in the text.
    :param ends: offset of the end of each word; a word may have fewer characters than the text has there.
    :param words: the words themselves, each accent one character with its letter where there is such a character.
    """

    starts: list[int]
    ends: list[int]
    words: list[str]


class Spelling(NamedTuple):
    """A spelling of a name.

    :param key: its words in lower case, joined with borders: what is searched for.
    :param exact: its words as they must be written, joined in the same way; None in any case.
    :param is_derived: whether it is another number than that of the name.
    """

    key: str
    exact: str | None
    is_derived: bool = False


def words_of(text: str) -> Words:
    """Return the words of a text with their offsets."""
    starts: list[int] = []
    ends: list[int] = []
    words: list[str] = []
    for found in _WORD.finditer(text):
        starts.append(found.start())
        ends.append(found.end())
        words.append(found[0])
    return Words(starts, ends, words if is_normalized("NFC", text) else [normalize("NFC", word) for word in words])


def joined(words: list[str]) -> str:
    """Return words joined with borders, with a border before the first and after the last."""
    return f"{BORDER}{BORDER.join(words)}{BORDER}"


def in_lower_case(text: str) -> str:
    """Return a text in lower case, character by character, so that offsets stay what they are."""
    lower = text.lower().replace("ς", "σ")
    # a few capitals have a lower case of two characters
    return lower if len(lower) == len(text) else "".join(one.lower() if len(one.lower()) == 1 else one for one in text)


def spellings(name: str) -> list[Spelling]:
    """Return the spellings that count as a name; an empty list if it has fewer than two characters, or no letter.

    >>> [(one.exact or one.key).strip(BORDER) for one in spellings("NSAID")]
    ['NSAID', 'NSAIDs']
    >>> [(one.exact or one.key).strip(BORDER) for one in spellings("Rash")]
    ['Rash', 'Rashes']
    """
    name = normalize("NFC", name)
    words = words_of(name).words
    if sum(map(len, words)) < 2 or not any(one.isalpha() for one in name):
        return []
    is_capitals = len(name.split()) == 1 and not any(one.islower() for one in name)
    if len(name) > SHORT and not is_capitals:
        return [Spelling(in_lower_case(joined(one)), None, one is not words) for one in _numbers(words)]
    variants = _numbers(words) if not is_capitals else [words, *_small_plural(words)]
    found = []
    for variant in variants:
        exact = joined(variant)
        found.append(Spelling(in_lower_case(exact), exact, variant is not words))
        if name.islower() and name[0].isalpha():
            capital = joined([variant[0][0].upper() + variant[0][1:], *variant[1:]])
            if len(capital) == len(exact):
                found.append(Spelling(in_lower_case(capital), capital, variant is not words))
    return found


def _numbers(words: list[str]) -> list[list[str]]:
    """Return the words in singular and plural, the given number first."""
    *before, last = words
    lower = last.lower()
    if len(last) < 3 or not last.isalpha():
        return [words]
    if lower.endswith("es") and lower[:-2].endswith(_HISSING) and len(last) > 4:
        # diseases is disease with an s, rashes is rash with es: both are tried
        return [words, [*before, last[:-2]], [*before, last[:-1]]]
    if lower.endswith("s") and not lower.endswith(("ss", "us", "is")):
        return [words, [*before, last[:-1]]]
    return [words, [*before, last + ("es" if lower.endswith(_HISSING) else "s")]]


def _small_plural(words: list[str]) -> list[list[str]]:
    """Return the words of a name in capitals with a small s, if it can have one."""
    *before, last = words
    if sum(map(len, words)) < 3 or not last[-1].isalpha():
        return []
    return [[*before, f"{last}s"]]
