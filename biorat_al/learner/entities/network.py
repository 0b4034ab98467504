"""Networks: an encoder and a linear head. The tagging network's scores O, B and I for each entity type."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from biorat_al.learner.entities.encoding import IGNORED, O

TAGS = 3

OUTSIDE = 2.0
"""First bias of the tag O; with 0 for B and I, its probability is about 0.8."""


_TAKES_WHOLE_MASKS = ("bert", "roberta", "xlm-roberta", "camembert", "electra")
"""Kinds of encoders with full attention and one mask for all layers."""


class EncoderNetwork(nn.Module):
    """An encoder with a linear head.

    :param base: a network that transformers' Auto classes made.
    :param inputs: length of the vectors that the head is given.
    :param outputs: scores that it gives for each.
    :cvar kind: what the head's tensors are called on disk.
    """

    kind: str

    def __init__(self, base: Any, inputs: int, outputs: int) -> None:
        super().__init__()
        self.base = base
        self.head = nn.Linear(inputs, outputs)

    def initialise_head(self, generator: torch.Generator) -> None:
        """Draw the head's weights from `generator`, with the encoder's own spread, so that arms start equal."""
        spread = getattr(self.base.config, "initializer_range", 0.02)
        with torch.no_grad():
            self.head.weight.copy_(torch.randn(self.head.weight.shape, generator=generator) * spread)
            self.head.bias.zero_()

    @property
    def word_embedding(self) -> nn.Embedding:
        """The table of word vectors."""
        table: nn.Embedding = self.base.get_input_embeddings()
        return table

    def attention_mask(self, mask: torch.Tensor | None) -> torch.Tensor | None:
        """Return a mask as the encoder is to be given it.

        Of a mask of two dimensions, transformers asks whether all of it is true, and a GPU is waited for in every pass.
        One of four dimensions, as it would be made of it, is taken as it is.

        :param mask: 1 where there is a piece, shape (windows, length); None where nothing is padded.
        """
        config = self.base.config
        if mask is None or config.model_type not in _TAKES_WHOLE_MASKS or config._attn_implementation != "sdpa":
            return mask
        return mask.bool()[:, None, None, :].expand(-1, 1, mask.shape[1], -1)


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

        The biases say that most words are outside of any mention, so that the first steps need not learn that (the
        prior of Lin et al. 2017, "Focal Loss for Dense Object Detection", section 3.3).
        """
        super().initialise_head(generator)
        with torch.no_grad():
            self.head.bias.view(self.labels, TAGS)[:, O] = OUTSIDE

    def forward(self, ids: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        """Score tags.

        :param ids: word pieces with special tokens and padding, shape (batch, length).
        :param mask: 1 where there is a piece, 0 at padding; None where nothing is padded.
        :returns: logits, shape (batch, length, labels, 3), 32-bit floats.
        """
        hidden = self.base(input_ids=ids, attention_mask=self.attention_mask(mask)).last_hidden_state
        logits: torch.Tensor = self.head(hidden)
        return logits.float().view(*ids.shape, self.labels, TAGS)


def tagging_loss(logits: torch.Tensor, tags: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of the tags, summed over the entity types and averaged over the words that are scored.

    :param logits: shape (batch, length, labels, 3).
    :param tags: shape (batch, length, labels); ``IGNORED`` is left out.
    """
    total = nn.functional.cross_entropy(
        logits.reshape(-1, TAGS), tags.reshape(-1), ignore_index=IGNORED, reduction="sum"
    )
    words = (tags != IGNORED).any(dim=-1).sum().clamp(min=1)
    return total / words
