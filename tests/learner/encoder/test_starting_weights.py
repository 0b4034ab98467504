"""Training begins from the weights of another model: the encoder's, and the head's where both have a label."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from biorat_al.errors import LearnerError
from biorat_al.learner.encoder.encoder import Encoder
from biorat_al.learner.encoder.saved_model import write_model
from biorat_al.learner.encoder.starting_weights import StartingWeights
from biorat_al.learner.entities.network import TAGS, TaggingNetwork
from biorat_al.learner.entities.saved_tagger import Behaviour


def saved(encoder: Encoder, folder: Path, labels: tuple[str, ...]) -> tuple[StartingWeights, TaggingNetwork]:
    """Write a model whose weights are not those of the encoder."""
    network = drawn(encoder, labels, seed=5)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.5)
    tokenizer = encoder.tokenizer
    behaviour = Behaviour(labels, 1.0, tokenizer.pad, tokenizer.max_length)
    place, sha256 = write_model(folder, "start", network, tokenizer, behaviour, {})
    return StartingWeights(place, sha256, labels), network


def drawn(encoder: Encoder, labels: tuple[str, ...], seed: int) -> TaggingNetwork:
    network = TaggingNetwork(encoder.network(), len(labels))
    network.initialise_head(torch.Generator().manual_seed(seed))
    return network


def test_each_label_takes_its_part_of_the_head_wherever_it_is(encoder: Encoder, tmp_path: Path) -> None:
    start, theirs = saved(encoder, tmp_path, ("Disease", "Gene"))
    labels = ("Chemical", "Gene", "Disease")
    ours = drawn(encoder, labels, seed=7)
    fresh = ours.head.weight.detach().clone()
    start.load_into(ours, labels)
    for name, tensor in theirs.base.state_dict().items():
        assert torch.equal(ours.base.state_dict()[name], tensor), name
    assert torch.equal(ours.head.weight[:TAGS], fresh[:TAGS])
    assert torch.equal(ours.head.weight[TAGS : 2 * TAGS], theirs.head.weight[TAGS:])
    assert torch.equal(ours.head.weight[2 * TAGS :], theirs.head.weight[:TAGS])
    assert torch.equal(ours.head.bias[2 * TAGS :], theirs.head.bias[:TAGS])


def test_nothing_of_the_random_state_is_used_up(encoder: Encoder, tmp_path: Path) -> None:
    start, _ = saved(encoder, tmp_path, ("Disease",))
    network = drawn(encoder, ("Disease",), seed=7)
    before = torch.random.get_rng_state()
    start.load_into(network, ("Disease",))
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_model_of_another_encoder_is_refused(encoder: Encoder, tmp_path: Path) -> None:
    from tests.support.encoders import make_tiny_encoder

    start, _ = saved(encoder, tmp_path / "models", ("Disease",))
    other = Encoder("other", str(make_tiny_encoder(tmp_path / "other", hidden=16)))
    with pytest.raises(LearnerError, match="does not have the shape of the base encoder"):
        start.load_into(drawn(other, ("Disease",), seed=7), ("Disease",))
