"""Texts cut into word pieces with offsets, in batches, without truncation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from biorat_al.corpus.sentences import FIRST_RULES, sentence_ends

if TYPE_CHECKING:
    from tokenizers import Tokenizer as Backend


_AT_ONCE = 1000
"""Texts per call when pieces are only counted."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """The word pieces of one text, without special tokens.

    :param ids: ids in the encoder's vocabulary, shape (n,).
    :param starts: first code point of each piece in the text, shape (n,); never decreases.
    :param ends: one past the last code point of each piece, shape (n,).
    :param heads: whether each piece begins a word, shape (n,). A word is a stretch of letters and digits, or one other
        character; it also ends where the tokenizer itself splits words (Chinese characters).
    :param sentences: whether each piece begins a sentence, shape (n,); the first piece does.
    """

    ids: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    heads: NDArray[np.bool_]
    sentences: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.ids)


class Tokenizer:
    """A fast tokenizer that neither truncates nor pads, even if its own file says so.

    :param backend: a ``tokenizers.Tokenizer``; it is copied, not changed.
    :param pad: id of the padding token.
    :param max_length: longest input of the encoder in word pieces, special tokens included.
    """

    def __init__(self, backend: Backend, *, pad: int, max_length: int) -> None:
        self._backend = type(backend).from_str(backend.to_str())
        self._backend.no_truncation()
        self._backend.no_padding()
        self.pad = pad
        self.max_length = max_length
        self.before, self.after = self._special_tokens()

    @property
    def window_length(self) -> int:
        """Word pieces of text that fit into a window besides the special tokens."""
        return self.max_length - len(self.before) - len(self.after)

    @property
    def specials(self) -> NDArray[np.int64]:
        """Ids that are added to texts: the special tokens and the padding."""
        return np.array([*self.before, *self.after, self.pad], dtype=np.int64)

    @property
    def uncased(self) -> bool:
        """Whether it ignores case."""
        upper, lower = self(["PAIN Of Dose", "pain of dose"])
        return np.array_equal(upper.ids, lower.ids)

    def __call__(self, texts: Sequence[str], *, sentence_rules: int = FIRST_RULES) -> list[Pieces]:
        """Cut `texts` into word pieces; a text of blanks alone gives arrays of length 0.

        :param sentence_rules: the rules by which a piece begins a sentence (:mod:`biorat_al.corpus.sentences`).
        """
        texts = [_well_formed(text) for text in texts]
        encodings = self._backend.encode_batch(texts, add_special_tokens=False)
        return [
            _pieces(text, encoding.ids, encoding.offsets, encoding.word_ids, sentence_rules)
            for text, encoding in zip(texts, encodings, strict=True)
        ]

    def count(self, texts: Sequence[str]) -> list[int]:
        """Count the word pieces of each text, without special tokens; reads the texts once, in order."""
        counts: list[int] = []
        iterator = iter(texts)
        while chunk := list(islice(iterator, _AT_ONCE)):
            encodings = self._backend.encode_batch_fast(
                [_well_formed(text) for text in chunk], add_special_tokens=False
            )
            counts += [len(encoding) for encoding in encodings]
        return counts

    def to_json(self) -> str:
        """Return the ``tokenizer.json`` from which this tokenizer can be rebuilt."""
        return str(self._backend.to_str())

    def _special_tokens(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        # the tokens that the encoder expects around a text, learnt from a text of at least one piece
        bare = self._backend.encode("a", add_special_tokens=False).ids
        full = self._backend.encode("a", add_special_tokens=True).ids
        for at in range(len(full) - len(bare) + 1):
            if full[at : at + len(bare)] == bare:
                return tuple(full[:at]), tuple(full[at + len(bare) :])
        return (), ()


def _pieces(
    text: str, ids: list[int], offsets: list[tuple[int, int]], word_ids: list[int | None], sentence_rules: int
) -> Pieces:
    if not ids:
        none = np.zeros(0, dtype=np.int64)
        return Pieces(none, none, none, none.astype(np.bool_), none.astype(np.bool_))
    starts, ends = np.asarray(offsets, dtype=np.int64).T.copy()
    letters, blanks = _kinds(text)
    # byte-level and sentence-piece tokenizers include a blank in the piece that follows it
    while (leading := (starts < ends) & blanks[np.minimum(starts, len(text) - 1)]).any():
        starts[leading] += 1
    while (trailing := (starts < ends) & blanks[np.maximum(ends - 1, 0)]).any():
        ends[trailing] -= 1
    words = np.asarray([-1 if word is None else word for word in word_ids], dtype=np.int64)
    filled = starts < ends
    one_word = (
        filled[:-1]
        & (starts[1:] == ends[:-1])
        & (words[1:] == words[:-1])
        & letters[np.maximum(ends[:-1] - 1, 0)]
        & letters[np.minimum(starts[1:], len(text) - 1)]
    )
    heads = filled.copy()  # a piece without characters belongs to the word before it
    heads[1:] &= ~(one_word | (starts[1:] < ends[:-1]))  # several pieces of one character: byte level
    sentences = np.zeros(len(ids), dtype=np.bool_)
    sentences[0] = True
    for end in sentence_ends(text, rules=sentence_rules):
        following = int(np.searchsorted(starts, end))
        if following < len(ids):
            sentences[following] = True
    return Pieces(np.asarray(ids, dtype=np.int64), starts, ends, heads, sentences)


def _kinds(text: str) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return for each code point whether it is a letter or digit, and whether it is blank."""
    codes, places = np.unique(np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32), return_inverse=True)
    characters = [chr(code) for code in codes]
    letters = np.fromiter((character.isalnum() for character in characters), dtype=np.bool_, count=len(characters))
    blanks = np.fromiter((character.isspace() for character in characters), dtype=np.bool_, count=len(characters))
    return letters[places], blanks[places]


def _well_formed(text: str) -> str:
    """Replace lone surrogates, which no tokenizer accepts, one for one."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return "".join("\ufffd" if "\ud800" <= character <= "\udfff" else character for character in text)
    return text
