"""Annotated documents as the training loop wants them: windows with tags, in batches of like length."""

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

from biorat_al.learner.encoder.device import Device, put
from biorat_al.learner.encoder.tokenizing import Pieces, Tokenizer
from biorat_al.learner.entities.encoding import IGNORED, encode_tags, windows
from biorat_al.learner.entities.inference import pad
from biorat_al.learner.entities.network import tagging_loss
from biorat_al.learner.types import Example

BUCKET = 8
"""Batches' worth of windows that are sorted by length together: enough to save most padding, few enough to mix well."""


class Row(NamedTuple):
    """One window.

    :param ids: word pieces without special tokens, shape (pieces,).
    :param tags: shape (pieces, labels).
    :param words: whether the tags of a word are taken from the piece, shape (pieces,).
    """

    ids: NDArray[np.int64]
    tags: NDArray[np.int64]
    words: NDArray[np.bool_]


class Batch(NamedTuple):
    """Windows on the device.

    :param ids: word pieces with special tokens and padding, shape (windows, length).
    :param mask: 1 where there is a piece, same shape; None where nothing is padded.
    :param tags: shape (windows, length, labels).
    :param inside: true at the text's own pieces, false at special tokens and padding, shape (windows, length).
    :param words: true where the tags of a word are taken, known or not, shape (windows, length).
    :param lengths: the text's own pieces of each window, shape (windows,); on the CPU.
    """

    ids: torch.Tensor
    mask: torch.Tensor | None
    tags: torch.Tensor
    inside: torch.Tensor
    words: torch.Tensor
    lengths: NDArray[np.int64]

    def scores(self, network: nn.Module) -> torch.Tensor:
        """The logits of a tagging network, shape (windows, length, labels, 3)."""
        logits: torch.Tensor = network(self.ids, self.mask)
        return logits

    def loss(self, logits: torch.Tensor) -> torch.Tensor:
        """Cross-entropy of the tags, averaged over the scored words."""
        return tagging_loss(logits, self.tags)

    def scored(self) -> torch.Tensor:
        """The number of words that the loss is averaged over, one at least."""
        return (self.tags != IGNORED).any(dim=-1).sum().clamp(min=1)

    def take(self, part: Part) -> Batch:
        """The windows of `part`."""
        lengths = self.lengths[part.chosen]
        mask = part.mask(self.mask, lengths)
        ids, tags, inside, words = map(part.tensor, (self.ids, self.tags, self.inside, self.words))
        return Batch(ids, mask, tags, inside, words, lengths)


class Part(NamedTuple):
    """Some windows of a batch.

    :param rows: their numbers, shape (chosen,), on the device.
    :param length: of the longest of them, special tokens included.
    :param chosen: whether each window of the batch is one of them, shape (windows,); on the CPU.
    :param shape: of the batch: windows, length.
    """

    rows: torch.Tensor
    length: int
    chosen: NDArray[np.bool_]
    shape: tuple[int, int]

    @classmethod
    def of(cls, ids: torch.Tensor, lengths: NDArray[np.int64], chosen: NDArray[np.bool_]) -> Part:
        """The `chosen` windows, one at least, of a batch.

        :param ids: of the batch, shape (windows, length).
        :param lengths: of its windows, without special tokens and padding, shape (windows,).
        """
        windows, length = ids.shape
        rows = put(torch.from_numpy(np.flatnonzero(chosen)), ids.device)
        # the padding behind the longest of them is cropped
        spare = lengths.max() - lengths[chosen].max()
        return cls(rows, length - int(spare), chosen, (windows, length))

    def tensor(self, tensor: torch.Tensor) -> torch.Tensor:
        """Their part of `tensor`, shape (windows, length, …)."""
        return tensor[:, : self.length].index_select(0, self.rows)

    def mask(self, mask: torch.Tensor | None, lengths: NDArray[np.int64]) -> torch.Tensor | None:
        """Their part of a batch's `mask`; None where they are all of one length, and nothing is padded.

        :param lengths: of the chosen windows, shape (chosen,).
        """
        return None if mask is None or (lengths == lengths.max()).all() else self.tensor(mask)


@dataclass(frozen=True, slots=True)
class EncodedPart:
    """The training or the development part.

    :param pieces: word pieces of each example.
    :param tags: tags of each example, shape (pieces, labels).
    :param unrepresentable: what the tags cannot say, as :mod:`biorat_al.learner.entities.encoding` counts it.
    """

    examples: Sequence[Example]
    pieces: Sequence[Pieces]
    tags: Sequence[NDArray[np.int64]]
    unrepresentable: Counter[str]

    @property
    def word_tags(self) -> list[NDArray[np.int64]]:
        """The tags at the words, shape (words, labels) for each example."""
        return [tags[pieces.heads] for tags, pieces in zip(self.tags, self.pieces, strict=True)]

    def rows(self, longest: int) -> list[Row]:
        """Cut the part into windows; each word's tag is learnt in the one window where it has most context."""
        rows = []
        for window in windows(self.pieces, longest):
            place, pieces = slice(window.start, window.end), self.pieces[window.document]
            own = np.zeros(len(window), dtype=np.bool_)
            own[window.first - window.start : window.last - window.start] = True
            tags = np.where(own[:, None], self.tags[window.document][place], IGNORED)
            rows.append(Row(pieces.ids[place], tags, own & pieces.heads[place]))
        return rows


def encode_part(examples: Sequence[Example], tokenizer: Tokenizer, labels: Sequence[str]) -> EncodedPart:
    """Tokenize and tag `examples`."""
    pieces = tokenizer([example.document.text for example in examples])
    tags, unrepresentable = [], Counter[str]()
    for example, cut in zip(examples, pieces, strict=True):
        encoded, counts = encode_tags(cut, example.entities, labels, example.disputed.entities)
        tags.append(encoded)
        unrepresentable += counts
    return EncodedPart(examples, pieces, tags, unrepresentable)


def make_batch(rows: Sequence[Row], tokenizer: Tokenizer, device: Device) -> Batch:
    """Pad `rows` to the longest of them and move them to the device."""
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
    return Batch(put(ids), None if mask is None else put(mask), put(tags), put(inside), put(words), lengths)


class UnlabelledWindows:
    """Windows of documents that nobody has annotated, drawn at random for the steps that learn without labels.

    :param documents: encoded; what their tags say is not looked at.
    :param size: windows per draw; fewer where there are not so many.
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
    ) -> None:
        rows = documents.rows(tokenizer.window_length)
        self._rows = [row._replace(tags=np.full_like(row.tags, IGNORED)) for row in rows]
        self._tokenizer = tokenizer
        self._device = device
        self.size = min(size, len(rows))
        self.share = self.size / batch_size
        # a stream of its own: drawing does not shift any other random choice
        self._generator = np.random.default_rng([seed, 0x0B])

    def next(self) -> Batch:
        """Draw :attr:`size` different windows."""
        numbers = self._generator.choice(len(self._rows), self.size, replace=False)
        return make_batch([self._rows[n] for n in numbers], self._tokenizer, self._device)


def batch_order(lengths: Sequence[int], batch_size: int, seed: int) -> Iterator[list[int]]:
    """Batches of window numbers without end, each window once per epoch; the same for the same seed."""
    for epoch in count():
        generator = np.random.default_rng([seed, epoch])
        yield from epoch_batches(generator.permutation(len(lengths)).tolist(), lengths, batch_size, generator)


def epoch_batches(
    shuffled: Sequence[int], lengths: Sequence[int], batch_size: int, generator: np.random.Generator
) -> Iterator[list[int]]:
    """One epoch's batches of windows that have been shuffled.

    They are sorted by length within buckets, so that batches hold little padding; the batches are shuffled again.

    :param lengths: of all windows, by number.
    """
    batches: list[list[int]] = []
    for start in range(0, len(shuffled), BUCKET * batch_size):
        bucket = sorted(shuffled[start : start + BUCKET * batch_size], key=lambda n: -lengths[n])
        batches.extend(bucket[k : k + batch_size] for k in range(0, len(bucket), batch_size))
    for k in generator.permutation(len(batches)):
        yield batches[k]
