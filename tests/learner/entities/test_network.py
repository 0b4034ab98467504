from __future__ import annotations

import numpy as np
import pytest
import torch

from biorat_al.learner.encoder.encoder import Encoder
from biorat_al.learner.entities.encoding import IGNORED
from biorat_al.learner.entities.network import TaggingNetwork, tagging_loss


def test_the_head_starts_from_its_generator_and_mostly_outside(encoder: Encoder) -> None:
    first, second, third = (TaggingNetwork(encoder.network(), 3) for _ in range(3))
    first.initialise_head(torch.Generator().manual_seed(1))
    second.initialise_head(torch.Generator().manual_seed(1))
    third.initialise_head(torch.Generator().manual_seed(2))
    assert torch.equal(first.head.weight, second.head.weight)
    assert not torch.equal(first.head.weight, third.head.weight)
    assert float(first.head.weight.detach().std()) == pytest.approx(0.02, rel=0.2)
    with torch.inference_mode():
        probabilities = first.eval()(torch.tensor([[2, 5, 6, 3]]), None).softmax(dim=-1)
    assert probabilities.shape == (1, 4, 3, 3)
    assert float(probabilities[..., 0].mean()) == pytest.approx(0.79, abs=0.05)


def test_the_loss_is_summed_over_types_and_averaged_over_words() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 3, 2, 3, generator=generator)
    tags = torch.tensor([[[0, 1], [2, IGNORED], [IGNORED, IGNORED]], [[1, 1], [0, 0], [IGNORED, IGNORED]]])
    logs = logits.log_softmax(dim=-1).numpy()
    picked = [-logs[b, n, t, int(tags[b, n, t])] for b, n, t in np.ndindex(2, 3, 2) if int(tags[b, n, t]) != IGNORED]
    assert float(tagging_loss(logits, tags)) == pytest.approx(sum(picked) / 4, rel=1e-5)


def test_the_loss_of_nothing_is_0() -> None:
    assert float(tagging_loss(torch.zeros(1, 2, 1, 3), torch.full((1, 2, 1), IGNORED))) == 0.0


def test_a_word_weighs_the_same_in_a_batch_of_short_sentences_as_in_one_of_long_ones() -> None:
    logits, tags = torch.zeros(1, 12, 1, 3), torch.zeros(1, 12, 1, dtype=torch.int64)
    long, short = (tagging_loss(logits[:, :words], tags[:, :words], 6.0) / words for words in (12, 3))
    assert float(long) == pytest.approx(float(short)) == np.log(3) / 6
