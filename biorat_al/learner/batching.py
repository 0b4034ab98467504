"""Annotated documents as the training loop wants them: windows with tags, in batches of like length."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from biorat_al.learner.device import Device
from biorat_al.learner.encoding import IGNORED, encode_tags, windows
from biorat_al.learner.inference import pad
from biorat_al.learner.tokenizing import Pieces, Tokenizer
from biorat_al.learner.types import Example

BUCKET = 8
"""Batches' worth of windows that are sorted by length together: enough to save most padding, few enough to mix well."""


class Row(NamedTuple):
    """One window.

    :param ids: word pieces without special tokens, shape (pieces,).
    :param tags: shape (pieces, labels).
    """

    ids: NDArray[np.int64]
    tags: NDArray[np.int64]


class Batch(NamedTuple):
    """Windows on the device.

    :param ids: word pieces with special tokens and padding, shape (windows, length).
    :param mask: 1 where there is a piece, same shape; None where nothing is padded.
    :param tags: shape (windows, length, labels).
    :param inside: true at the text's own pieces, false at special tokens and padding, shape (windows, length).
    """

    ids: torch.Tensor
    mask: torch.Tensor | None
    tags: torch.Tensor
    inside: torch.Tensor


@dataclass(frozen=True, slots=True)
class EncodedPart:
    """The training or the development part.

    :param pieces: word pieces of each example.
    :param tags: tags of each example, shape (pieces, labels).
    :param unrepresentable: what the tags cannot say, as :mod:`biorat_al.learner.encoding` counts it.
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
            tags = self.tags[window.document][window.start : window.end].copy()
            tags[: window.first - window.start] = IGNORED
            tags[window.last - window.start :] = IGNORED
            rows.append(Row(self.pieces[window.document].ids[window.start : window.end], tags))
        return rows


def encode_part(examples: Sequence[Example], tokenizer: Tokenizer, labels: Sequence[str]) -> EncodedPart:
    """Tokenize and tag `examples`."""
    pieces = tokenizer([example.document.text for example in examples])
    tags, unrepresentable = [], Counter[str]()
    for example, cut in zip(examples, pieces, strict=True):
        encoded, counts = encode_tags(cut, example.entities, labels)
        tags.append(encoded)
        unrepresentable += counts
    return EncodedPart(examples, pieces, tags, unrepresentable)


def make_batch(rows: Sequence[Row], tokenizer: Tokenizer, device: Device) -> Batch:
    """Pad `rows` to the longest of them and move them to the device."""
    ids, mask = pad([row.ids for row in rows], tokenizer)
    tags = np.full((*ids.shape, rows[0].tags.shape[1]), IGNORED, dtype=np.int64)
    inside = np.zeros(ids.shape, dtype=np.bool_)
    for n, row in enumerate(rows):
        at = slice(len(tokenizer.before), len(tokenizer.before) + len(row.ids))
        tags[n, at] = row.tags
        inside[n, at] = True
    on_device = device.tensor
    return Batch(on_device(ids), None if mask is None else on_device(mask), on_device(tags), on_device(inside))


def batch_order(lengths: Sequence[int], batch_size: int, seed: int) -> Iterator[list[int]]:
    """Batches of window numbers without end, each window once per epoch; the same for the same seed.

    Windows are shuffled, then sorted by length within buckets, so that batches hold little padding; the batches are
    shuffled again.
    """
    epoch = 0
    while True:
        generator = np.random.default_rng([seed, epoch])
        shuffled = generator.permutation(len(lengths)).tolist()
        batches: list[list[int]] = []
        for start in range(0, len(shuffled), BUCKET * batch_size):
            bucket = sorted(shuffled[start : start + BUCKET * batch_size], key=lambda n: -lengths[n])
            batches.extend(bucket[k : k + batch_size] for k in range(0, len(bucket), batch_size))
        for k in generator.permutation(len(batches)):
            yield batches[k]
        epoch += 1
