"""The relation network: one encoder, and a linear head over the opening markers of the two mentions."""

from __future__ import annotations

from typing import Any

import torch

from biorat_al.learner.encoder.head import EncoderNetwork


class RelationNetwork(EncoderNetwork):
    """Scores what a pair of marked mentions has to do with each other.

    The head is given the vectors at the two opening markers, side by side (Baldini Soares et al. 2019, "Matching the
    Blanks", section 3.2, entity start).

    :param classes: relation labels, and one more for no relation, the first.
    """

    kind = "relation_head"

    def __init__(self, base: Any, classes: int) -> None:
        super().__init__(base, 2 * base.config.hidden_size, classes)

    def forward(
        self, ids: torch.Tensor, mask: torch.Tensor | None, heads: torch.Tensor, tails: torch.Tensor
    ) -> torch.Tensor:
        """Score the classes.

        :param ids: word pieces with special tokens and padding, shape (pairs, length).
        :param mask: 1 where there is a piece, 0 at padding; None where nothing is padded.
        :param heads: place of the head's opening marker, shape (pairs,).
        :param tails: likewise of the tail's.
        :returns: logits, shape (pairs, classes), 32-bit floats.
        """
        hidden = self.base(input_ids=ids, attention_mask=self.attention_mask(mask)).last_hidden_state
        rows = torch.arange(len(ids), device=ids.device)
        logits: torch.Tensor = self.head(torch.cat([hidden[rows, heads], hidden[rows, tails]], dim=-1))
        return logits.float()
