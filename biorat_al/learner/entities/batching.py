"""Annotated documents for the training loop: windows with tags, in batches of similar length."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from biorat_al.corpus.sentences import FIRST_RULES
from biorat_al.learner.encoder.device import Device
from biorat_al.learner.encoder.tokenizing import Pieces, Tokenizer
from biorat_al.learner.encoder.windows import SomeWindows, epoch_batches, pad
from biorat_al.learner.entities.encoding import IGNORED, encode_tags, windows
from biorat_al.learner.entities.network import scored_words, tagging_loss
from biorat_al.learner.types import Example
from biorat_al.settings import TextContext


class Row(NamedTuple):
    """One window.

    :param ids: word pieces without special tokens, shape (pieces,).
    :param tags: tags, shape (pieces, labels).
    :param words: whether each piece carries the tags of a word, shape (pieces,).
    """

    ids: NDArray[np.int64]
    tags: NDArray[np.int64]
    words: NDArray[np.bool_]


class Batch(NamedTuple):
    """Windows on the device.

    :param ids: word pieces with special tokens and padding, shape (windows, length).
    :param mask: 1 at pieces, 0 at padding, same shape; None if nothing is padded.
    :param tags: tags, shape (windows, length, labels).
    :param inside: true at pieces of the text, false at special tokens and padding, shape (windows, length).
    :param words: true at pieces that carry the tags of a word, known or not, shape (windows, length).
    :param lengths: number of pieces of the text in each window, shape (windows,), on the CPU.
    :param usual: number of scored words that the loss is divided by, the same for all batches of a training, so that a
        word weighs the same in a batch of short sentences as in one of long ones; None divides by this batch's own.
    """

    ids: torch.Tensor
    mask: torch.Tensor | None
    tags: torch.Tensor
    inside: torch.Tensor
    words: torch.Tensor
    lengths: NDArray[np.int64]
    usual: float | None = None

    def scores(self, network: nn.Module) -> torch.Tensor:
        """Compute the logits of a tagging network, shape (windows, length, labels, 3)."""
        logits: torch.Tensor = network(self.ids, self.mask)
        return logits

    def loss(self, logits: torch.Tensor) -> torch.Tensor:
        """Return the cross-entropy of the tags, summed and divided by :meth:`scored`."""
        return tagging_loss(logits, self.tags, self.usual)

    def scored(self) -> torch.Tensor:
        """Return the number of words that the loss is divided by, at least 1."""
        if self.usual is not None:
            return torch.tensor(self.usual, device=self.tags.device)
        return scored_words(self.tags)

    def take(self, part: SomeWindows) -> Batch:
        """Return the batch of the windows in `part`."""
        lengths = self.lengths[part.chosen]
        mask = part.mask(self.mask, lengths)
        ids, tags, inside, words = map(part.tensor, (self.ids, self.tags, self.inside, self.words))
        return Batch(ids, mask, tags, inside, words, lengths, self.usual)


@dataclass(frozen=True, slots=True)
class EncodedPart:
    """The training or the development part, encoded.

    :param pieces: word pieces of each example.
    :param tags: tags of each example, shape (pieces, labels).
    :param unrepresentable: what the tags cannot represent, as counted by :mod:`biorat_al.learner.entities.encoding`.
    """

    examples: Sequence[Example]
    pieces: Sequence[Pieces]
    tags: Sequence[NDArray[np.int64]]
    unrepresentable: Counter[str]

    @property
    def word_tags(self) -> list[NDArray[np.int64]]:
        """The tags at the words, shape (words, labels) for each example."""
        return [tags[pieces.heads] for tags, pieces in zip(self.tags, self.pieces, strict=True)]

    def rows(self, longest: int, context: TextContext = "sentence") -> list[Row]:
        """Cut the part into windows; each word's tag is learnt in the window where the word has most context.

        :param longest: most word pieces in a window.
        :param context: what a window is; see :func:`~biorat_al.learner.entities.encoding.windows`.
        """
        rows = []
        for window in windows(self.pieces, longest, context):
            place, pieces = slice(window.start, window.end), self.pieces[window.document]
            own = np.zeros(len(window), dtype=np.bool_)
            own[window.first - window.start : window.last - window.start] = True
            tags = np.where(own[:, None], self.tags[window.document][place], IGNORED)
            rows.append(Row(pieces.ids[place], tags, own & pieces.heads[place]))
        return rows

    def windows_of(self, sentences: int, longest: int, context: TextContext) -> int:
        """Return how many windows hold about as many sentences, at least one.

        So a step learns from about as many words whatever the context is, and an epoch takes about as many steps.

        :param sentences: with sentence context, this number is returned as it is.
        :param longest: most word pieces in a window.
        """
        if context == "sentence":
            return sentences
        number = len(windows(self.pieces, longest, context))
        return max(1, round(sentences * number / max(1, sum(int(pieces.sentences.sum()) for pieces in self.pieces))))


def encode_part(
    examples: Sequence[Example], tokenizer: Tokenizer, labels: Sequence[str], *, sentence_rules: int = FIRST_RULES
) -> EncodedPart:
    """Tokenize and tag `examples`.

    :param sentence_rules: the rules for where sentences end, at which windows are cut.
    """
    pieces = tokenizer([example.document.text for example in examples], sentence_rules=sentence_rules)
    tags, unrepresentable = [], Counter[str]()
    for example, cut in zip(examples, pieces, strict=True):
        encoded, counts = encode_tags(cut, example.entities, labels, example.disputed.entities, example.unasked.labels)
        tags.append(encoded)
        unrepresentable += counts
    return EncodedPart(examples, pieces, tags, unrepresentable)


def usual_words(rows: Sequence[Row], batch_size: int) -> float:
    """Return the expected number of scored words in a batch of `batch_size` of these rows, at least 1."""
    words = sum(int((row.tags != IGNORED).any(axis=-1).sum()) for row in rows)
    return max(1.0, words / max(1, len(rows)) * batch_size)


def make_batch(rows: Sequence[Row], tokenizer: Tokenizer, device: Device, usual: float | None = None) -> Batch:
    """Pad `rows` to the longest of them and move them to the device.

    :param usual: see :class:`Batch`.
    """
    ids, mask = pad([row.ids for row in rows], tokenizer)
    tags = np.full((*ids.shape, rows[0].tags.shape[1]), IGNORED, dtype=np.int64)
    inside, words = np.zeros(ids.shape, dtype=np.bool_), np.zeros(ids.shape, dtype=np.bool_)
    for n, row in enumerate(rows):
        at = slice(len(tokenizer.before), len(tokenizer.before) + len(row.ids))
        tags[n, at] = row.tags
        inside[n, at] = True
        words[n, at] = row.words
    lengths = np.array([len(row.ids) for row in rows])
    put = device.tensor
    return Batch(put(ids), None if mask is None else put(mask), put(tags), put(inside), put(words), lengths, usual)


class UnlabelledWindows:
    """Windows of documents that nobody has annotated, drawn at random for steps that learn without labels.

    :param documents: the documents, encoded; their tags are not used.
    :param context: what a window is, as for the labelled windows.
    :param size: windows per draw; if there are fewer windows, all of them.
    :param batch_size: labelled windows per step.
    """

    def __init__(
        self,
        documents: EncodedPart,
        tokenizer: Tokenizer,
        device: Device,
        *,
        size: int,
        batch_size: int,
        seed: int,
        context: TextContext = "sentence",
    ) -> None:
        rows = documents.rows(tokenizer.window_length, context)
        self._rows = [row._replace(tags=np.full_like(row.tags, IGNORED)) for row in rows]
        self._tokenizer = tokenizer
        self._device = device
        self.size = min(size, len(rows))
        self.share = self.size / batch_size
        # a separate stream, so that these draws shift no other random choice
        self._generator = np.random.default_rng([seed, 0x0B])

    def next(self) -> Batch:
        """Draw :attr:`size` different windows."""
        numbers = self._generator.choice(len(self._rows), self.size, replace=False)
        return make_batch([self._rows[n] for n in numbers], self._tokenizer, self._device)


def batch_order(lengths: Sequence[int], batch_size: int, seed: int) -> Iterator[list[int]]:
    """Yield batches of window indices without end, each window once per epoch; the same for the same seed."""
    for epoch in count():
        generator = np.random.default_rng([seed, epoch])
        yield from epoch_batches(generator.permutation(len(lengths)).tolist(), lengths, batch_size, generator)
