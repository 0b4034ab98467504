from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from biorat_al.learner.adversarial import EmbeddingTap, StepDraws, fgm, unit_of
from biorat_al.learner.batching import Batch, encode_part, make_batch
from biorat_al.learner.device import Device
from biorat_al.learner.encoder import Encoder
from biorat_al.learner.fitting import Fit
from biorat_al.learner.network import TaggingNetwork, tagging_loss
from biorat_al.learner.types import Example
from biorat_al.settings import AdversarialSettings, Arm, TrainingSettings

Examples = Callable[[int], list[Example]]


@pytest.fixture
def network(encoder: Encoder) -> TaggingNetwork:
    network = TaggingNetwork(encoder.network(), 2)
    network.initialise_head(torch.Generator().manual_seed(0))
    return network.eval()


@pytest.fixture
def batch(encoder: Encoder, cpu: Device, make_examples: Examples) -> Batch:
    rows = encode_part(make_examples(6), encoder.tokenizer, ["Chemical", "Disease"]).rows(62)
    return make_batch(rows, encoder.tokenizer, cpu)


def clean_gradient(network: TaggingNetwork, batch: Batch) -> tuple[float, torch.Tensor]:
    with EmbeddingTap(network.word_embedding) as tap:
        tap.listen = True
        loss = tagging_loss(network(batch.ids, batch.mask), batch.tags)
        loss.backward()
        return float(loss.detach()), tap.gradient()


def shifted_loss(network: TaggingNetwork, batch: Batch, shift: torch.Tensor) -> float:
    with EmbeddingTap(network.word_embedding) as tap, torch.no_grad():
        tap.shift = shift
        return float(tagging_loss(network(batch.ids, batch.mask), batch.tags))


def test_the_perturbation_of_each_sequence_has_the_norm_asked_for(network: TaggingNetwork, batch: Batch) -> None:
    _, gradient = clean_gradient(network, batch)
    perturbation = fgm(gradient, batch.inside, 0.7)
    assert perturbation.norm(dim=(1, 2)).tolist() == pytest.approx([0.7] * len(batch.ids), rel=1e-5)


def test_padding_and_special_tokens_stay_where_they_are(network: TaggingNetwork, batch: Batch) -> None:
    _, gradient = clean_gradient(network, batch)
    perturbation = fgm(gradient, batch.inside, 0.7)
    assert batch.mask is not None
    assert (~batch.inside).sum() > 2 * len(batch.ids), "the batch should have padding"
    assert not perturbation[~batch.inside].any()
    assert perturbation[batch.inside].abs().sum(dim=-1).all()
    assert not batch.inside[:, 0].any(), "the first token is special"


def test_the_loss_rises_as_the_first_order_says(network: TaggingNetwork, batch: Batch) -> None:
    clean, gradient = clean_gradient(network, batch)
    size = 1e-2
    perturbation = fgm(gradient, batch.inside, size)
    rise = shifted_loss(network, batch, perturbation) - clean
    first_order = float((gradient * perturbation).sum())
    moved = torch.where(batch.inside[..., None], gradient, 0.0)
    assert first_order == pytest.approx(size * float(moved.norm(dim=(1, 2)).sum()), rel=1e-4)
    assert rise == pytest.approx(first_order, rel=0.05)
    assert rise > 0


def test_no_other_direction_of_that_norm_raises_the_loss_as_much(network: TaggingNetwork, batch: Batch) -> None:
    clean, gradient = clean_gradient(network, batch)
    size = 1e-2
    worst = shifted_loss(network, batch, fgm(gradient, batch.inside, size)) - clean
    generator = torch.Generator().manual_seed(0)
    for _ in range(10):
        random = fgm(torch.randn(gradient.shape, generator=generator), batch.inside, size)
        assert shifted_loss(network, batch, random) - clean < worst


@pytest.mark.parametrize("value", [0.0, float("nan"), float("inf")])
def test_a_gradient_without_direction_gives_no_perturbation(value: float) -> None:
    gradient = torch.ones(2, 3, 4)
    gradient[1] = value
    perturbation = fgm(gradient, torch.ones(2, 3, dtype=torch.bool), 1.0)
    assert float(perturbation[0].norm()) == pytest.approx(1.0)
    assert not perturbation[1].any()


def test_tiny_gradients_keep_their_direction() -> None:
    gradient = torch.full((1, 2, 2), 1e-30)
    assert fgm(gradient, torch.ones(1, 2, dtype=torch.bool), 1.0).flatten().tolist() == pytest.approx([0.5] * 4)


def test_the_unit_is_the_mean_norm_of_the_word_vectors_without_padding() -> None:
    table = nn.Embedding(3, 2)
    with torch.no_grad():
        table.weight.copy_(torch.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]]))
    assert unit_of(table) == pytest.approx(3.0)


def test_the_embedding_is_as_it_was_afterwards(network: TaggingNetwork, batch: Batch) -> None:
    before = network.word_embedding.weight.detach().clone()
    _, gradient = clean_gradient(network, batch)
    shifted_loss(network, batch, fgm(gradient, batch.inside, 5.0))
    assert torch.equal(network.word_embedding.weight, before)
    with torch.no_grad():
        output = network.word_embedding(batch.ids)
    assert torch.equal(output, before[batch.ids])
    assert not network.word_embedding._forward_hooks


def test_a_gradient_that_nobody_listened_to_is_an_error(network: TaggingNetwork) -> None:
    with EmbeddingTap(network.word_embedding) as tap, pytest.raises(RuntimeError, match="listened"):
        tap.gradient()


@pytest.mark.parametrize("p", [0.0, 0.3, 0.5, 1.0])
def test_the_number_of_adversarial_steps_follows_the_law(p: float) -> None:
    draws = StepDraws("rat", AdversarialSettings(probability=p), seed=13)
    number = sum(draws.next() for _ in range(2000))
    # four standard deviations of the binomial distribution
    assert abs(number - 2000 * p) <= 4 * (2000 * p * (1 - p)) ** 0.5


def test_the_draws_follow_from_the_seed_and_leave_global_state_alone() -> None:
    def draw(seed: int, arm: Arm = "rat") -> list[bool]:
        draws = StepDraws(arm, AdversarialSettings(probability=0.5), seed)
        return [draws.next() for _ in range(64)]

    before = torch.get_rng_state(), np.random.get_state()[1].tolist()
    assert draw(1) == draw(1)
    assert draw(1) != draw(2)
    assert draw(1, "none") == [False] * 64
    assert draw(1, "at") == [True] * 64
    assert torch.equal(before[0], torch.get_rng_state())
    assert np.random.get_state()[1].tolist() == before[1]


def fit_steps(encoder: Encoder, batch: Batch, arm: Arm, probability: float, epsilon: float = 0.5) -> Fit:
    device = Device("cpu", bf16=False)
    network = TaggingNetwork(encoder.network(), 2)
    network.initialise_head(torch.Generator().manual_seed(0))
    settings = AdversarialSettings(probability=probability, epsilon=epsilon)
    fit = Fit(network, encoder.tokenizer, ["Chemical", "Disease"], arm, TrainingSettings(), settings, 7, device)
    network.train()
    with EmbeddingTap(network.word_embedding) as tap:
        for _ in range(4):
            fit.step(batch, tap)
    return fit


def same_weights(one: Fit, other: Fit) -> bool:
    pairs = zip(one.network.state_dict().values(), other.network.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_probability_0_is_bit_for_bit_the_plain_arm(encoder: Encoder, batch: Batch) -> None:
    plain, random = (fit_steps(encoder, batch, arm, 0.0) for arm in ("none", "rat"))
    assert same_weights(plain, random)
    assert (random.outcome.passes, random.outcome.adversarial_steps) == (4, 0)


def test_probability_1_is_bit_for_bit_full_adversarial_training(encoder: Encoder, batch: Batch) -> None:
    full, random = fit_steps(encoder, batch, "at", 0.2), fit_steps(encoder, batch, "rat", 1.0)
    assert same_weights(full, random)
    assert (random.outcome.passes, random.outcome.adversarial_steps) == (8, 4)
    assert not same_weights(full, fit_steps(encoder, batch, "none", 0.2))


def test_the_gradient_of_an_adversarial_step_is_the_sum_of_both_passes(
    encoder: Encoder, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, list[torch.Tensor]] = {}
    for arm in ("none", "at"):
        monkeypatch.setattr(
            torch.nn.utils,
            "clip_grad_norm_",
            lambda parameters, _, arm=arm: seen.setdefault(
                arm, [p.grad.clone() for p in parameters if p.grad is not None]
            ),
        )
        # with a perturbation of size 0, the adversarial pass is the clean one once more, dropout masks included
        fit_steps(encoder, batch, arm, 0.5, epsilon=0.0)
    for clean, both in zip(seen["none"], seen["at"], strict=True):
        torch.testing.assert_close(both, 2 * clean)
