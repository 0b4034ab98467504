"""The test documents with changed words: typing errors, changed case, or entities swapped for others.

The drop in a model's scores on them, against the unchanged documents, shows how robust it is. Comparisons stay paired,
because each document is changed in the same way for every model. Gold and disputed mentions move with the text.

A word is a stretch of letters here. A mention's border inside a word cuts the word in two, so that no change crosses a
border, and no mention ever becomes empty. The conditions:

``typos``
    Typing errors, inside and outside mentions. Each word of four letters or more gets one with probability `TYPO_RATE`:
    two neighbouring letters are swapped, or a letter is dropped, doubled, or replaced by its neighbour on an English
    keyboard. The first and the last letter stay, so that people can still read the word. The kinds and the rule are
    those of Pruthi, Dhingra & Lipton 2019 (swap, drop, add, keyboard; internal letters only). But they are drawn at
    random, as the noise of Belinkov & Bisk 2018, and not against the model; and an added letter doubles its neighbour.
``case``
    With probability `CASE_RATE`, a word is written in another case than its own: upper case, lower case, or with a
    capital; compare Bodapati, Yun & Al-Onaizan 2019 on capitalisation errors. For an uncased encoder (such as
    PubMedBERT and MiniLM) the words stay the same; only the places where sentences seem to end can change. A report on
    such an encoder should say so.
``swap``
    Each mention is replaced by another one of the same label, from another document. This tests whether a model has
    learnt contexts or names, after Lin et al. 2021 (RockNER, the entity level), who take the other entities from
    Wikidata. Within a document, each name is always replaced by the same name. The document orders the candidates for
    each name by hash and takes the first, so that one more name, in another document, changes few of the swaps.
    Unchanged are mentions of several pieces, mentions that share a character with another or with a disputed one, and
    mentions of a label for which the other documents have no other name.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from hashlib import blake2b
from itertools import accumulate, pairwise
from random import Random
from typing import NamedTuple

from biorat_al.corpus.model.document import Disputed, Entity, Span
from biorat_al.learner.types import Example

TYPO_RATE = 0.1
CASE_RATE = 0.5

_LETTERS = re.compile(r"[^\W\d_]+")
_SHORTEST = 4
_KEYBOARD = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


class Edit(NamedTuple):
    """A stretch of text and its replacement, which is never empty."""

    start: int
    end: int
    text: str


def perturbed(examples: Sequence[Example], condition: str, seed: int) -> list[Example]:
    """Change documents as a condition says, and move the gold mentions with the text.

    A mention keeps only its id and its label, because its concepts and the like may not fit the new text. The result
    for a document depends on its id, its text, its mentions and the seed; with ``swap`` also on the other documents.

    :param condition: one of `CONDITIONS`.
    :param seed: the project's seed, not a round's, so that all rounds measure on the same documents.
    """
    edits = CONDITIONS[condition](examples, seed)
    return [_edited(example, of_example) for example, of_example in zip(examples, edits, strict=True)]


def _typos(examples: Sequence[Example], seed: int) -> Iterator[list[Edit]]:
    for example in examples:
        document, edits = example.document, []
        for start, end in _words(example):
            random = _random(seed, "typos", document.id, start)
            word = document.text[start:end]
            if len(word) >= _SHORTEST and random.random() < TYPO_RATE:
                edits.append(Edit(start, end, _misspelt(word, random)))
        yield edits


def _misspelt(word: str, random: Random) -> str:
    """Put one typing error between the first and the last letter of a word."""
    inside = range(1, len(word) - 1)
    ways = [
        [word[:at] + word[at + 1] + word[at] + word[at + 2 :] for at in inside[:-1] if word[at] != word[at + 1]],
        [word[:at] + word[at + 1 :] for at in inside],
        [word[:at] + word[at] + word[at:] for at in inside],
        [word[:at] + key + word[at + 1 :] for at in inside for key in _NEIGHBOURS.get(word[at], "")],
    ]
    # draw the kind first, so that it does not depend on how many places a kind has
    return random.choice(random.choice([way for way in ways if way]))


def _neighbours() -> dict[str, str]:
    """Return the keys next to each letter: in its own row and, half a key to the left or right, in the rows around."""
    places = {key: (column + row / 2, row) for row, keys in enumerate(_KEYBOARD) for column, key in enumerate(keys)}
    beside = {
        key: "".join(
            other for other, (x, y) in places.items() if other != key and abs(x - column) <= 1 and abs(y - row) <= 1
        )
        for key, (column, row) in places.items()
    }
    return beside | {key.upper(): keys.upper() for key, keys in beside.items()}


_NEIGHBOURS = _neighbours()


def _case(examples: Sequence[Example], seed: int) -> Iterator[list[Edit]]:
    for example in examples:
        document, edits = example.document, []
        for start, end in _words(example):
            random = _random(seed, "case", document.id, start)
            word = document.text[start:end]
            # drop a form that is another word (the Turkish i without its dot)
            forms = [
                form
                for form in dict.fromkeys((word.upper(), word.lower(), word.capitalize()))
                if form != word and form.casefold() == word.casefold()
            ]
            if forms and random.random() < CASE_RATE:
                edits.append(Edit(start, end, random.choice(forms)))
        yield edits


def _swap(examples: Sequence[Example], seed: int) -> Iterator[list[Edit]]:
    alone = [_alone(example.entities, example.disputed.entities) for example in examples]
    homes: dict[str, dict[str, set[str]]] = {}
    for example, entities in zip(examples, alone, strict=True):
        for entity in entities:
            home = homes.setdefault(entity.label, {})
            home.setdefault(entity.surface(example.document.text), set()).add(example.document.id)
    for example, entities in zip(examples, alone, strict=True):
        document, edits = example.document, []
        instead: dict[tuple[str, str], str | None] = {}
        for entity in entities:
            name, home = entity.surface(document.text), homes[entity.label]
            if (entity.label, name) not in instead:
                others = (
                    other for other in home if other.casefold() != name.casefold() and home[other] != {document.id}
                )
                rank = _ranking(seed, "swap", document.id, entity.label, name)
                instead[entity.label, name] = min(others, key=rank, default=None)
            other = instead[entity.label, name]
            if other is not None:
                edits.append(Edit(entity.start, entity.end, other))
        yield edits


def _ranking(seed: int, *purpose: str) -> Callable[[str], bytes]:
    """Return a sort key for a random order of names, in which a name's key does not depend on the other names."""
    begun = blake2b("\0".join((str(seed), *purpose, "")).encode(), digest_size=8)

    def rank(name: str) -> bytes:
        hashed = begun.copy()
        hashed.update(name.encode())
        return hashed.digest()

    return rank


def _alone(entities: Sequence[Entity], disputed: Sequence[Entity]) -> list[Entity]:
    """Return the mentions of one piece that share no character with another or a disputed one, in text order."""
    of_number = [*entities, *disputed]
    pieces = sorted((span, number) for number, entity in enumerate(of_number) for span in entity.spans)
    shared: set[int] = set()
    reach, owner = 0, -1
    for (start, end), number in pieces:
        if start < reach:
            shared |= {number, owner}
        if end > reach:
            reach, owner = end, number
    return [
        entities[number]
        for _, number in pieces
        if number < len(entities) and number not in shared and not entities[number].is_discontinuous
    ]


CONDITIONS: dict[str, Callable[[Sequence[Example], int], Iterator[list[Edit]]]] = {
    "typos": _typos,
    "case": _case,
    "swap": _swap,
}
"""The conditions under which models are measured besides the unchanged documents."""


def _words(example: Example) -> Iterator[Span]:
    """Yield the stretches of letters, cut at the borders of mentions."""
    mentions = (*example.entities, *example.disputed.entities)
    borders = sorted({border for entity in mentions for span in entity.spans for border in span})
    for match in _LETTERS.finditer(example.document.text):
        inside = borders[bisect_right(borders, match.start()) : bisect_left(borders, match.end())]
        yield from (Span(*ends) for ends in pairwise((match.start(), *inside, match.end())))


def _random(seed: int, *purpose: str | int) -> Random:
    """Return a separate generator for a word or name, so that one more mention elsewhere changes no draws."""
    return Random("\0".join(map(str, (seed, *purpose))))  # noqa: S311 (no secret)


def _edited(example: Example, edits: Sequence[Edit]) -> Example:
    """Apply `edits` to an example.

    :param edits: in text order, not overlapping; no mention begins or ends inside one.
    """
    document, pieces, after = example.document, [], 0
    for start, end, text in edits:
        pieces += [document.text[after:start], text]
        after = end
    text = "".join([*pieces, document.text[after:]])
    starts = [edit.start for edit in edits]
    shifts = list(accumulate((len(edit.text) - edit.end + edit.start for edit in edits), initial=0))

    def moved(offset: int) -> int:
        number = bisect_left(starts, offset)
        if number and offset < edits[number - 1].end:
            # a passage's border inside an edit keeps its distance from the edit's start, within the new text
            start, _, instead = edits[number - 1]
            return start + shifts[number - 1] + min(offset - start, len(instead))
        return offset + shifts[number]

    def carried(entities: Iterable[Entity]) -> tuple[Entity, ...]:
        return tuple(
            Entity(entity.id, entity.label, tuple(Span(moved(start), moved(end)) for start, end in entity.spans))
            for entity in entities
        )

    passages = (replace(passage, start=moved(passage.start), end=moved(passage.end)) for passage in document.passages)
    return Example(
        replace(document, text=text, passages=tuple(passages)),
        carried(example.entities),
        disputed=Disputed(carried(example.disputed.entities)),
        unasked=example.unasked,
    )
