"""The test documents in other words: with typing errors, with changed case, with entities swapped for others.

What a model loses on them against the documents as they are says how robust it is; all that is measured stays paired,
since each document is changed in the same way for every model. The gold mentions, and the disputed ones, move with the
text.

A word is here a stretch of letters. A mention's border inside of one cuts it in two, so that no change reaches across a
border, and no mention is ever changed into nothing. The conditions:

``typos``
    Typing errors, inside and outside of mentions. Each word of four letters or more gets one with probability
    `TYPO_RATE`: two neighbouring letters change places, one is left out, doubled, or becomes its neighbour on an
    English keyboard. Its first and its last letter stay, so that people can still read it. Kinds and rule are those of
    Pruthi, Dhingra & Lipton 2019 (swap, drop, add, keyboard; internal letters only), but drawn at random, as the noise
    of Belinkov & Bisk 2018 is, and not against the model; the letter that is added is one that was struck twice.
``case``
    Each word is, with probability `CASE_RATE`, written in upper case, in lower case, or with a capital, in a way other
    than its own; compare Bodapati, Yun & Al-Onaizan 2019 on capitalisation errors. To an encoder that knows lower
    case only (PubMedBERT and MiniLM are such) the words stay what they are; all that can change is where a sentence is
    thought to end. A report on such an encoder should say so.
``swap``
    Each mention is replaced by another one of the same label, from another of the documents: whether a model has learnt
    contexts or names, after Lin et al. 2021 (RockNER, the entity level), who take the other entities from Wikidata. One
    name is replaced by one name throughout a document. Each document has, for each of its names, an order of the others
    by hash, and takes the first; so one more name, in a further document, changes few of the swaps. Mentions of several
    pieces, and mentions that share a character with another or with a disputed one, stay as they are, as do those of a
    label for which other documents have no other name.
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
    """A stretch of text and what stands there instead, which is never empty."""

    start: int
    end: int
    text: str


def perturbed(examples: Sequence[Example], condition: str, seed: int) -> list[Example]:
    """The same documents under a condition, with the gold mentions where they are then.

    A mention keeps its id and its label alone: concepts and the like may not be those of the new text. What becomes of
    a document depends on its id, its text, its mentions and the seed; with ``swap`` on the other documents, too.

    :param condition: one of `CONDITIONS`.
    :param seed: of the project; not of a round, so that all rounds measure on the same documents.
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
    """`word` with one typing error between its first and its last letter."""
    inside = range(1, len(word) - 1)
    ways = [
        [word[:at] + word[at + 1] + word[at] + word[at + 2 :] for at in inside[:-1] if word[at] != word[at + 1]],
        [word[:at] + word[at + 1 :] for at in inside],
        [word[:at] + word[at] + word[at:] for at in inside],
        [word[:at] + key + word[at + 1 :] for at in inside for key in _NEIGHBOURS.get(word[at], "")],
    ]
    # first the kind, so that it does not depend on how many places there are for it
    return random.choice(random.choice([way for way in ways if way]))


def _neighbours() -> dict[str, str]:
    """The keys beside each letter, in its own row and, half a key further right or left, in the rows around it."""
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
            # a form that is another word (the Turkish i without its dot) is none of its forms
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
    """A random order of names, each one's place in which does not depend on what others there are."""
    begun = blake2b("\0".join((str(seed), *purpose, "")).encode(), digest_size=8)

    def rank(name: str) -> bytes:
        hashed = begun.copy()
        hashed.update(name.encode())
        return hashed.digest()

    return rank


def _alone(entities: Sequence[Entity], disputed: Sequence[Entity]) -> list[Entity]:
    """The mentions of one piece that share no character with another or a disputed one, in the order of the text."""
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
"""What is measured besides the documents as they are."""


def _words(example: Example) -> Iterator[Span]:
    """The stretches of letters, cut at the borders of mentions."""
    mentions = (*example.entities, *example.disputed.entities)
    borders = sorted({border for entity in mentions for span in entity.spans for border in span})
    for match in _LETTERS.finditer(example.document.text):
        inside = borders[bisect_right(borders, match.start()) : bisect_left(borders, match.end())]
        yield from (Span(*ends) for ends in pairwise((match.start(), *inside, match.end())))


def _random(seed: int, *purpose: str | int) -> Random:
    """Draws of their own for each word or name: one more mention elsewhere in a document changes none of them."""
    return Random("\0".join(map(str, (seed, *purpose))))  # noqa: S311 (no secret)


def _edited(example: Example, edits: Sequence[Edit]) -> Example:
    """`example` with `edits` made, which are in order and apart, and inside of which no mention begins or ends."""
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
            # a passage's border: it stays as far behind the edit's beginning as the new text reaches
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
