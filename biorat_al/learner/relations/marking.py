"""Candidates as the encoder reads them: the text around the two mentions, with typed entity markers.

The markers are punctuation that every vocabulary has, so that no new token has to be learnt: ``@ * chemical * aspirin
@`` around the head and ``# ^ disease ^ ulcer #`` around the tail (Zhou & Chen 2022, "An Improved Baseline for
Sentence-level Relation Extraction", section 3.2, typed entity marker with punctuation).

The markers are put at the borders of the word pieces that cover a mention, from the first to the last piece of a
discontinuous one. Of nested mentions, the outer one gets the outer markers. As much text is read as there is room for:

- The text between the mentions, and equally much on either side, from the beginning of a sentence if possible.
- If there is too much text between them, the surroundings of each, with a separator in the gap.
- If the mentions themselves are too long, their beginnings and ends, with a separator in each gap.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from biorat_al.corpus.model.document import Document, Entity
from biorat_al.errors import LearnerError
from biorat_al.learner.encoder.tokenizing import Pieces, Tokenizer
from biorat_al.learner.relations.candidates import Candidate

Ids = NDArray[np.int64]

Reach = tuple[int, int]
"""First piece, and one past the last; both are equal for a mention without pieces."""

TYPE_SHARE = 8
"""The name of a type takes at most one part in this many of the room."""


class MarkedPair(NamedTuple):
    """A candidate in word pieces, without the special tokens around the text.

    :param ids: ids in the encoder's vocabulary, shape (n,).
    :param inside: true at pieces of the text, false at markers, type names and separators, shape (n,).
    :param head: position of the head's opening marker in `ids`.
    :param tail: position of the tail's opening marker in `ids`.
    """

    ids: Ids
    inside: NDArray[np.bool_]
    head: int
    tail: int


class _Mark(NamedTuple):
    """A marker, and the piece before which it is put."""

    place: int
    ids: Ids


class PairMarker:
    """A callable that marks candidates for one tokenizer.

    :param max_length: longest input in word pieces, special tokens included; the tokenizer's own limit applies, too.
    :raises LearnerError: the vocabulary lacks a marker, or the markers leave no room for mentions.
    """

    def __init__(self, tokenizer: Tokenizer, max_length: int) -> None:
        self._tokenizer = tokenizer
        self._room = min(max_length, tokenizer.max_length) - len(tokenizer.before) - len(tokenizer.after)
        self._longest_type = max(self._room // TYPE_SHARE, 1)
        self._types: dict[str, Ids] = {}
        self._around_head, self._around_head_type = self._sign("@"), self._sign("*")
        self._around_tail, self._around_tail_type = self._sign("#"), self._sign("^")
        self._separator = np.array(tokenizer.after[:1], dtype=np.int64) if tokenizer.after else self._sign("…")
        signs = (self._around_head, self._around_head_type, self._around_tail, self._around_tail_type)
        # room for the first and the last piece of both mentions, and the gaps between these four
        needed = 2 * sum(map(len, signs)) + 2 * self._longest_type + 4 + 3 * len(self._separator)
        if self._room < needed:
            raise LearnerError(
                f"two marked mentions need at least {needed} word pieces, but the encoder reads only {self._room} at "
                "once: raise max_length, or choose another encoder"
            )

    def __call__(self, document: Document, pieces: Pieces, candidates: Sequence[Candidate]) -> list[MarkedPair]:
        """Mark candidates of `document`.

        :param pieces: word pieces of its text.
        :returns: a marked pair for each candidate, no longer than the room between the special tokens.
        """
        ends = np.maximum.accumulate(pieces.ends)
        borders = np.flatnonzero(pieces.sentences)
        reaches: dict[str, Reach] = {}
        for entity in {entity.id: entity for pair in candidates for entity in (pair.head, pair.tail)}.values():
            first = int(np.searchsorted(ends, entity.start, side="right"))
            last = int(np.searchsorted(pieces.starts, entity.end, side="left"))
            reaches[entity.id] = first, last
        return [self._mark(pieces, borders, pair, reaches[pair.head.id], reaches[pair.tail.id]) for pair in candidates]

    def _mark(self, pieces: Pieces, borders: Ids, pair: Candidate, head: Reach, tail: Reach) -> MarkedPair:
        head_marks = self._marks(head, pair.head, self._around_head, self._around_head_type)
        tail_marks = self._marks(tail, pair.tail, self._around_tail, self._around_tail_type)
        # the outer mention begins first, or else is longer; the head if both are the same
        swapped = (tail[0], -tail[1]) < (head[0], -head[1])
        outer, inner = (tail, head) if swapped else (head, tail)
        (opening, closing), (inner_opening, inner_closing) = (
            (tail_marks, head_marks) if swapped else (head_marks, tail_marks)
        )
        if inner[0] >= outer[1]:
            marks = [opening, closing, inner_opening, inner_closing]
        elif inner[1] <= outer[1]:
            marks = [opening, inner_opening, inner_closing, closing]
        else:
            marks = [opening, inner_opening, closing, inner_closing]
        room = self._room - sum(len(mark.ids) for mark in marks)
        stretches = _stretches(outer, inner, room, len(self._separator), len(pieces), borders)
        ids: list[Ids] = []
        inside: list[NDArray[np.bool_]] = []
        openings: list[int] = []

        def put(part: Ids, own: bool) -> None:
            ids.append(part)
            inside.append(np.full(len(part), own))

        for number, (start, end) in enumerate(stretches):
            if number:
                put(self._separator, False)
            position = start
            for mark in marks:
                if start <= mark.place <= end:
                    put(pieces.ids[position : mark.place], True)
                    if mark is head_marks[0] or mark is tail_marks[0]:
                        openings.append(sum(map(len, ids)))
                    put(mark.ids, False)
                    position = mark.place
            put(pieces.ids[position:end], True)
        first, second = openings
        return MarkedPair(
            np.concatenate(ids), np.concatenate(inside), second if swapped else first, first if swapped else second
        )

    def _marks(self, reach: Reach, entity: Entity, around: Ids, around_type: Ids) -> tuple[_Mark, _Mark]:
        name = self._types.get(entity.label)
        if name is None:
            words = re.findall(r"[^\W_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", entity.label))
            name = self._pieces(" ".join(words).lower() or entity.label)[: self._longest_type]
            self._types[entity.label] = name
        opening = np.concatenate([around, around_type, name, around_type])
        return _Mark(reach[0], opening), _Mark(reach[1], around)

    def _sign(self, sign: str) -> Ids:
        ids = self._pieces(sign)
        if not len(ids):
            raise LearnerError(
                f"the encoder's tokenizer has no word piece for {sign!r}, with which mentions are marked: "
                "choose another encoder"
            )
        return ids

    def _pieces(self, words: str) -> Ids:
        # with a blank before them, as inside a text, because byte-level tokenizers give other pieces at the beginning
        return self._tokenizer([f" {words}"])[0].ids


def _stretches(outer: Reach, inner: Reach, room: int, gap: int, length: int, borders: Ids) -> list[Reach]:
    """Return the stretches to read of a text of `length` pieces, in order, none touching the next.

    :param outer: the mention that begins first.
    :param room: number of pieces for text and separators.
    :param gap: number of pieces of a separator.
    :param borders: pieces at which sentences begin.
    """
    start, end = outer[0], max(outer[1], inner[1])
    if end - start <= room:
        return [_widened((start, end), (0, length), room - (end - start), borders)]
    sizes = outer[1] - outer[0], inner[1] - inner[0]
    spare = room - gap - sum(sizes)
    if inner[0] >= outer[1] and spare >= 0:
        # there are more pieces between them than to spare, so the two cannot meet
        return [
            _widened(outer, (0, inner[0]), spare // 2, borders),
            _widened(inner, (outer[1], length), spare - spare // 2, borders),
        ]
    room -= 3 * gap
    share = min(sizes[1], max(room // 2, room - sizes[0]))
    return _joined([*_cut(outer, room - share), *_cut(inner, share)])


def _widened(reach: Reach, bounds: Reach, spare: int, borders: Ids) -> Reach:
    """Widen `reach` by `spare` pieces, equally on either side, within `bounds`.

    If a sentence begins among the added pieces on the left, the stretch begins there.
    """
    start, end = reach
    left, right = start - bounds[0], bounds[1] - end
    left = min(left, spare - min(right, spare - min(left, spare // 2)))
    following = borders[np.searchsorted(borders, start - left) :]
    if len(following) and following[0] <= start:
        left = start - int(following[0])
    return start - left, end + min(right, spare - left)


def _cut(reach: Reach, size: int) -> list[Reach]:
    """Return `reach`, or, if it has more than `size` pieces, its beginning and its end."""
    start, end = reach
    if end - start <= size:
        return [reach]
    return [(start, start + size - size // 2), (end - size // 2, end)]


def _joined(stretches: Iterable[Reach]) -> list[Reach]:
    """Sort stretches, and join those that touch."""
    joined: list[Reach] = []
    for start, end in sorted(stretches):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined
