"""Training sees the words in use alone, and comes to what it comes to with the whole table."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from biorat_al.learner.encoder.device import Device
from biorat_al.learner.encoder.encoder import Encoder
from biorat_al.learner.entities.batching import encode_part
from biorat_al.learner.entities.fitting import Fit
from biorat_al.learner.entities.network import TaggingNetwork
from biorat_al.learner.training.job import TrainingJob
from biorat_al.learner.training.vocabulary import PartialEmbedding, WordsInUse
from biorat_al.learner.types import Example
from biorat_al.progress import SILENT
from biorat_al.settings import AdversarialSettings, TrainingSettings


def network_of(encoder: Encoder) -> TaggingNetwork:
    network = TaggingNetwork(encoder.network(), 1)
    network.initialise_head(torch.Generator().manual_seed(1))
    return network


def test_rows_are_looked_up_by_the_ids_of_the_whole() -> None:
    whole = torch.nn.Embedding(10, 4, padding_idx=0)
    part = PartialEmbedding(whole, torch.tensor([0, 3, 7]))
    ids = torch.tensor([[7, 3], [0, 0]])
    assert torch.equal(part(ids), whole(ids))
    assert part.weight.shape == (3, 4)
    part(ids).sum().backward()
    assert part.weight.grad is not None
    # padding learns nothing, as in the whole table
    assert part.weight.grad.sum(dim=1).tolist() == [0.0, 4.0, 4.0]
    with pytest.raises(IndexError):
        part(torch.tensor([5]))


def test_the_whole_table_comes_back_with_what_was_learnt(encoder: Encoder) -> None:
    network = network_of(encoder)
    whole, before = network.word_embedding, network.word_embedding.weight.detach().clone()
    words = WordsInUse(network, np.array([9, 9, 12]))
    assert sorted(network.word_embedding.weight.shape) == sorted((3, before.shape[1]))
    with torch.no_grad():
        network.word_embedding.weight += 1.0
    words.give_back()
    assert network.word_embedding is whole
    moved = (whole.weight.detach() - before).abs().sum(dim=1) > 0
    assert moved.nonzero().flatten().tolist() == [0, 9, 12]


@pytest.mark.parametrize("arm", ["none", "at"])
def test_training_comes_to_the_same_as_with_the_whole_table(
    encoder: Encoder, cpu: Device, make_examples: Callable[[int], list[Example]], arm: str
) -> None:
    part, nothing = (encode_part(some, encoder.tokenizer, ["Chemical"]) for some in (make_examples(8), []))
    tokenizer = encoder.tokenizer
    specials = [*tokenizer.before, *tokenizer.after, tokenizer.pad]
    words = np.concatenate([np.array(specials), *(pieces.ids for pieces in part.pieces)])
    # without decay, which would shrink the vectors of words that are not in use
    training = TrainingSettings(epochs=2, min_steps=1, batch_size=4, weight_decay=0.0, learning_rate=1e-3)
    tables, heads = [], []
    for known in (None, words):
        network = network_of(encoder)
        before = network.word_embedding.weight.detach().clone()
        fit = Fit(
            network,
            ["Chemical"],
            TrainingJob(
                encoder=encoder, arm=arm, training=training, adversarial=AdversarialSettings(), seed=13, device=cpu
            ),
            words=known,
        )  # type: ignore[arg-type]
        fit.run(part, nothing, SILENT)
        tables.append(network.word_embedding.weight.detach())
        heads.append(network.head.weight.detach())
        moved = (tables[-1] != before).any(dim=1).nonzero().flatten().tolist()
        assert 0 < len(moved) <= len(set(words.tolist()))
    # not to the bit: norms are summed in another order
    torch.testing.assert_close(tables[0], tables[1], rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(heads[0], heads[1], rtol=1e-3, atol=1e-5)
