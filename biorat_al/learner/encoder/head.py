"""An encoder with a linear head: what every network here is."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

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
