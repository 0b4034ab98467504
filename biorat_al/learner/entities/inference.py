"""Logits of whole documents: windows are scored in batches of similar length, then joined to documents."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from biorat_al.learner.encoder.device import Device
from biorat_al.learner.encoder.tokenizing import Pieces, Tokenizer
from biorat_al.learner.encoder.windows import batches, pad
from biorat_al.learner.entities.encoding import windows
from biorat_al.learner.entities.network import TAGS, TaggingNetwork
from biorat_al.settings import TextContext


def document_logits(
    network: TaggingNetwork,
    pieces: Sequence[Pieces],
    tokenizer: Tokenizer,
    device: Device,
    done: Callable[[int], None] | None = None,
    *,
    context: TextContext = "sentence",
) -> list[NDArray[np.floating]]:
    """Score the tags of documents.

    :param done: called after each batch with its number of windows.
    :param context: that with which the network was trained.
    :returns: for each document, the logits at its words, shape (words, labels, 3).
    """
    logits = [np.zeros((len(document), network.labels, TAGS), dtype=np.float32) for document in pieces]
    cut = windows(pieces, tokenizer.window_length, context)
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
