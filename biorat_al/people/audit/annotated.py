"""An annotated document as an audit sees it: its words, and its mentions as ranges of words."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from biorat_al.corpus.model.document import Annotation, Document, Entity
from biorat_al.corpus.model.identity import mention_key
from biorat_al.corpus.model.unasked import EVERYTHING_ASKED, Unasked
from biorat_al.dictionary.spelling import words_of

_AS_WRITTEN = 5
"""Longest word in capitals that is only the same word in capitals (``AS`` is not ``as``)."""


class OwnAnswer(NamedTuple):
    """The answer that one annotator gave, under a pseudonym."""

    annotator: str
    annotation: Annotation


@dataclass(frozen=True, slots=True)
class AnnotatedDocument:
    """A document with the annotation that counts.

    :param disputed: mentions that its annotators could not settle; nothing is reported where they are.
    :param unasked: labels that nobody was asked for; nothing is reported on them.
    :param answers: the answers of its annotators, for what is counted by annotator.
    """

    document: Document
    annotation: Annotation
    disputed: tuple[Entity, ...] = ()
    unasked: Unasked = EVERYTHING_ASKED
    answers: tuple[OwnAnswer, ...] = ()


class MarkedWords(NamedTuple):
    """A mention as a range of words.

    :param first: number of its first word.
    :param end: one past the number of its last word.
    :param exact: whether it is one piece that begins and ends where words do.
    """

    label: str
    first: int
    end: int
    exact: bool
    entity: Entity


class Worded:
    """The words of an annotated document.

    :ivar keys: how each word is compared with others: without case, apart from short words in capitals.
    :ivar marks: its mentions, in the order of the text.
    :ivar covering: the marks that cover each word.
    :ivar masked: the words that a disputed mention covers.
    """

    def __init__(self, annotated: AnnotatedDocument) -> None:
        self.annotated = annotated
        self.text = annotated.document.text
        self.starts, self.ends, self.words = words_of(self.text)
        self.keys = [word_key(word) for word in self.words]
        self.covering: list[list[MarkedWords]] = [[] for _ in self.words]
        # a document may have the same mention twice
        once = {mention_key(entity): entity for entity in annotated.annotation.entities}
        marks = map(self._mark, once.values())
        self.marks = sorted((mark for mark in marks if mark is not None), key=lambda mark: (*mark[1:3], mark.label))
        for mark in self.marks:
            for number in self.words_in(mark.entity):
                self.covering[number].append(mark)
        self.masked = {number for entity in annotated.disputed for number in self.words_in(entity)}

    @property
    def id(self) -> str:
        """The document's id."""
        return self.annotated.document.id

    def key(self, first: int, end: int) -> tuple[str, ...]:
        """Return the keys of a range of words."""
        return tuple(self.keys[first:end])

    def span(self, first: int, end: int) -> tuple[int, int]:
        """Return the offsets of a range of words."""
        return self.starts[first], self.ends[end - 1]

    def surface(self, first: int, end: int) -> str:
        """Return the text of a range of words."""
        return self.text[slice(*self.span(first, end))]

    @property
    def annotators(self) -> tuple[str, ...]:
        """Pseudonyms of those who annotated the document."""
        return tuple(answer.annotator for answer in self.annotated.answers)

    @property
    def in_one_piece(self) -> list[MarkedWords]:
        """The mentions that are not in several pieces, in the order of the text."""
        return [mark for mark in self.marks if not mark.entity.is_discontinuous]

    def exactly(self, first: int, end: int) -> list[MarkedWords]:
        """Return the mentions of exactly this range of words."""
        return [mark for mark in self.covering[first] if mark.exact and (mark.first, mark.end) == (first, end)]

    def is_free(self, first: int, end: int) -> bool:
        """Return whether no mention and no dispute covers any word of a range."""
        return not any(self.covering[first:end]) and self.masked.isdisjoint(range(first, end))

    def _mark(self, entity: Entity) -> MarkedWords | None:
        covered = self.words_in(entity)
        if not covered:
            return None
        first, end = covered[0], covered[-1] + 1
        exact = not entity.is_discontinuous and self.span(first, end) == (entity.start, entity.end)
        return MarkedWords(entity.label, first, end, exact, entity)

    def words_in(self, entity: Entity) -> list[int]:
        """Return the numbers of the words of which an entity covers a character."""
        return sorted({number for span in entity.spans for number in self._between(*span)})

    def _between(self, start: int, end: int) -> Iterable[int]:
        return range(bisect_right(self.ends, start), bisect_left(self.starts, end))


def word_key(word: str) -> str:
    """Return how a word is compared: without case, apart from short words in capitals."""
    return word if len(word) <= _AS_WRITTEN and word.isupper() and len(word) > 1 else word.casefold()
