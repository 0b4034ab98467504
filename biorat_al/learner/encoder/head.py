"""An encoder with a linear head, the base class of all networks of the learner."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

_TAKES_WHOLE_MASKS = ("bert", "roberta", "xlm-roberta", "camembert", "electra")
"""Encoder types with full attention and one mask for all layers."""


class EncoderNetwork(nn.Module):
    """An encoder with a linear head.

    :param base: a network that transformers' Auto classes made.
    :param inputs: length of the head's input vectors.
    :param outputs: number of scores that the head gives for each vector.
    :cvar kind: name of the head's tensors on disk.
    """

    kind: str

    def __init__(self, base: Any, inputs: int, outputs: int) -> None:
        super().__init__()
        self.base = base
        self.head = nn.Linear(inputs, outputs)

    def initialise_head(self, generator: torch.Generator) -> None:
        """Draw the head's weights from `generator`, with the spread that the encoder was initialised with.

        The same generator gives every arm the same start.
        """
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
        """Return the mask in the form that costs the encoder least.

        With a two-dimensional mask, transformers checks in every pass whether it is true everywhere, and so waits for
        the GPU. It uses a four-dimensional mask as it is; this is the one that it would make itself.

        :param mask: 1 where there is a piece, shape (windows, length); None where nothing is padded.
        """
        config = self.base.config
        if mask is None or config.model_type not in _TAKES_WHOLE_MASKS or config._attn_implementation != "sdpa":
            return mask
        return mask.bool()[:, None, None, :].expand(-1, 1, mask.shape[1], -1)
