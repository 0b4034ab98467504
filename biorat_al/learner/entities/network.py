"""The tagging network, an encoder whose linear head scores O, B and I for each entity type, and its loss."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from biorat_al.learner.encoder.head import EncoderNetwork
from biorat_al.learner.entities.encoding import IGNORED, O

TAGS = 3

OUTSIDE = 2.0
"""Initial bias of the tag O; with 0 for B and I, the probability of O is about 0.8."""


class TaggingNetwork(EncoderNetwork):
    """An encoder with a linear head at every word piece.

    :param labels: number of entity types.
    """

    kind = "tagging_head"

    def __init__(self, base: Any, labels: int) -> None:
        super().__init__(base, base.config.hidden_size, TAGS * labels)
        self.labels = labels

    def initialise_head(self, generator: torch.Generator) -> None:
        """Draw the head's weights.

        The biases start with most words outside mentions, so that the first steps need not learn that (the prior of Lin
        et al. 2017, "Focal Loss for Dense Object Detection", section 3.3).
        """
        super().initialise_head(generator)
        with torch.no_grad():
            self.head.bias.view(self.labels, TAGS)[:, O] = OUTSIDE

    def forward(self, ids: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        """Score tags.

        :param ids: word pieces with special tokens and padding, shape (batch, length).
        :param mask: 1 at pieces, 0 at padding, same shape; None if nothing is padded.
        :returns: logits, shape (batch, length, labels, 3), 32-bit floats.
        """
        hidden = self.base(input_ids=ids, attention_mask=self.attention_mask(mask)).last_hidden_state
        logits: torch.Tensor = self.head(hidden)
        return logits.float().view(*ids.shape, self.labels, TAGS)


def tagging_loss(logits: torch.Tensor, tags: torch.Tensor, words: float | None = None) -> torch.Tensor:
    """Return the cross-entropy of the tags, summed over words and entity types, and divided by a number of words.

    :param logits: logits, shape (batch, length, labels, 3).
    :param tags: tags, shape (batch, length, labels); ``IGNORED`` is left out.
    :param words: the number of words to divide by; None divides by the number of scored words.
    """
    total = nn.functional.cross_entropy(
        logits.reshape(-1, TAGS), tags.reshape(-1), ignore_index=IGNORED, reduction="sum"
    )
    return total / (scored_words(tags) if words is None else words)


def scored_words(tags: torch.Tensor) -> torch.Tensor:
    """Return the number of words with a tag to learn, at least 1."""
    return (tags != IGNORED).any(dim=-1).sum().clamp(min=1)
