"""Batches of windows of word pieces, of similar length, for every kind of network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Sized
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from biorat_al.learner.encoder.device import put
from biorat_al.learner.encoder.tokenizing import Tokenizer

BUCKET = 8
"""Batches whose windows are sorted by length together: enough to avoid most padding, few enough to mix well."""


class Padded(NamedTuple):
    """Windows of similar length in one array.

    :param ids: word pieces with special tokens and padding, shape (windows, length).
    :param mask: 1 at pieces, 0 at padding, shape (windows, length); None if nothing is padded.
    """

    ids: NDArray[np.int64]
    mask: NDArray[np.int64] | None


def pad(rows: Sequence[NDArray[np.int64]], tokenizer: Tokenizer) -> Padded:
    """Put the special tokens around each row of pieces, and padding after it."""
    before, after = len(tokenizer.before), len(tokenizer.after)
    lengths = [len(row) + before + after for row in rows]
    ids = np.full((len(rows), max(lengths)), tokenizer.pad, dtype=np.int64)
    for target, row, length in zip(ids, rows, lengths, strict=True):
        target[:before] = tokenizer.before
        target[before : length - after] = row
        target[length - after : length] = tokenizer.after
    if min(lengths) == max(lengths):
        return Padded(ids, None)
    return Padded(ids, (np.arange(max(lengths)) < np.asarray(lengths)[:, None]).astype(np.int64))


def batches(cut: Sequence[Sized], tokens: int) -> Iterator[list[int]]:
    """Group the indices of windows, from the longest window to the shortest.

    :param tokens: most pieces in a batch, padding included; a batch has at least one window all the same.
    """
    order = sorted(range(len(cut)), key=lambda n: (-len(cut[n]), n))
    while order:
        size = max(1, tokens // len(cut[order[0]]))
        yield order[:size]
        order = order[size:]


class SomeWindows(NamedTuple):
    """Some windows of a batch.

    :param rows: their indices in the batch, shape (chosen,), on the device.
    :param length: length of the longest of them, special tokens included.
    :param chosen: whether each window of the batch is chosen, shape (windows,), on the CPU.
    :param shape: number of windows of the batch, and its length.
    """

    rows: torch.Tensor
    length: int
    chosen: NDArray[np.bool_]
    shape: tuple[int, int]

    @classmethod
    def of(cls, ids: torch.Tensor, lengths: NDArray[np.int64], chosen: NDArray[np.bool_]) -> SomeWindows:
        """Select the `chosen` windows, at least one, of a batch.

        :param ids: ids of the batch, shape (windows, length).
        :param lengths: lengths of its windows without special tokens and padding, shape (windows,).
        :param chosen: shape (windows,).
        """
        windows, length = ids.shape
        rows = put(torch.from_numpy(np.flatnonzero(chosen)), ids.device)
        # crop the padding after the longest of them
        spare = lengths.max() - lengths[chosen].max()
        return cls(rows, length - int(spare), chosen, (windows, length))

    def tensor(self, tensor: torch.Tensor) -> torch.Tensor:
        """Return their part of a tensor of the batch, shape (windows, length, …)."""
        return tensor[:, : self.length].index_select(0, self.rows)

    def mask(self, mask: torch.Tensor | None, lengths: NDArray[np.int64]) -> torch.Tensor | None:
        """Return their part of the batch's mask; None if they all have the same length, so that nothing is padded.

        :param lengths: lengths of the chosen windows, shape (chosen,).
        """
        return None if mask is None or (lengths == lengths.max()).all() else self.tensor(mask)


def epoch_batches(
    shuffled: Sequence[int], lengths: Sequence[int], batch_size: int, generator: np.random.Generator
) -> Iterator[list[int]]:
    """Yield one epoch's batches of shuffled windows, as lists of indices.

    Windows are sorted by length within buckets, so that batches hold little padding; then the batches are shuffled.

    :param lengths: lengths of all windows, by index.
    """
    batches: list[list[int]] = []
    for start in range(0, len(shuffled), BUCKET * batch_size):
        bucket = sorted(shuffled[start : start + BUCKET * batch_size], key=lambda n: -lengths[n])
        batches.extend(bucket[k : k + batch_size] for k in range(0, len(bucket), batch_size))
    for k in generator.permutation(len(batches)):
        yield batches[k]
