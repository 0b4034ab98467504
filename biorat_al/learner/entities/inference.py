"""The network run over many documents: windows in batches of like length, put together to documents again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Sized
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from biorat_al.learner.encoder.device import Device
from biorat_al.learner.encoder.tokenizing import Pieces, Tokenizer
from biorat_al.learner.entities.encoding import windows
from biorat_al.learner.entities.network import TAGS, TaggingNetwork


class Padded(NamedTuple):
    """Windows of like length in one array.

    :param ids: word pieces with special tokens and padding, shape (windows, length).
    :param mask: 1 where there is a piece, shape (windows, length); None where nothing is padded.
    """

    ids: NDArray[np.int64]
    mask: NDArray[np.int64] | None


def pad(rows: Sequence[NDArray[np.int64]], tokenizer: Tokenizer) -> Padded:
    """Put the special tokens around each row of pieces, and padding behind it."""
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
    """Group windows (by index) from the longest to the shortest, so that a batch has `tokens` pieces, padding included,
    at most (one window at least)."""
    order = sorted(range(len(cut)), key=lambda n: (-len(cut[n]), n))
    while order:
        size = max(1, tokens // len(cut[order[0]]))
        yield order[:size]
        order = order[size:]


def document_logits(
    network: TaggingNetwork,
    pieces: Sequence[Pieces],
    tokenizer: Tokenizer,
    device: Device,
    done: Callable[[int], None] | None = None,
) -> list[NDArray[np.float32]]:
    """Score the tags of documents.

    :param done: told the number of documents' windows that each batch finished.
    :returns: for each document the logits at its words, shape (words, labels, 3).
    """
    logits = [np.zeros((len(document), network.labels, TAGS), dtype=np.float32) for document in pieces]
    cut = windows(pieces, tokenizer.window_length)
    offset = len(tokenizer.before)
    with torch.inference_mode():
        for members in batches(cut, device.batch_tokens):
            rows = [pieces[cut[n].document].ids[cut[n].start : cut[n].end] for n in members]
            ids, mask = pad(rows, tokenizer)
            scored = network(device.tensor(ids), None if mask is None else device.tensor(mask)).cpu().numpy()
            for row, n in zip(scored, members, strict=True):
                window = cut[n]
                shift = offset - window.start
                logits[window.document][window.first : window.last] = row[window.first + shift : window.last + shift]
            if done is not None:
                done(len(members))
    return [scores[document.heads] for scores, document in zip(logits, pieces, strict=True)]
