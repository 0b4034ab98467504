"""The relation network, an encoder with a linear head over the opening markers of the two mentions."""

from __future__ import annotations

from typing import Any

import torch

from biorat_al.learner.encoder.head import EncoderNetwork


class RelationNetwork(EncoderNetwork):
    """A network that scores the relation of a pair of marked mentions.

    The head's input is the concatenation of the vectors at the two opening markers (Baldini Soares et al. 2019,
    "Matching the Blanks", section 3.2, entity start).

    :param classes: number of relation labels, plus one: the first class is no relation.
    """

    kind = "relation_head"

    def __init__(self, base: Any, classes: int) -> None:
        super().__init__(base, 2 * base.config.hidden_size, classes)

    def forward(
        self, ids: torch.Tensor, mask: torch.Tensor | None, heads: torch.Tensor, tails: torch.Tensor
    ) -> torch.Tensor:
        """Score the classes.

        :param ids: word pieces with special tokens and padding, shape (pairs, length).
        :param mask: 1 at pieces, 0 at padding, same shape; None if nothing is padded.
        :param heads: position of the head's opening marker, shape (pairs,).
        :param tails: position of the tail's opening marker, shape (pairs,).
        :returns: logits, shape (pairs, classes), 32-bit floats.
        """
        hidden = self.base(input_ids=ids, attention_mask=self.attention_mask(mask)).last_hidden_state
        rows = torch.arange(len(ids), device=ids.device)
        logits: torch.Tensor = self.head(torch.cat([hidden[rows, heads], hidden[rows, tails]], dim=-1))
        return logits.float()
