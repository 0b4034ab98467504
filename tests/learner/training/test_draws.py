from __future__ import annotations

import numpy as np
import pytest
import torch

from biorat_al.learner.entities.batching import Batch
from biorat_al.learner.entities.network import TaggingNetwork, tagging_loss
from biorat_al.learner.training.draws import BernoulliDraws, mean_probability
from biorat_al.learner.training.embedding_tap import EmbeddingTap
from biorat_al.learner.training.perturbation import Ball
from biorat_al.settings import AdversarialSettings, Arm
from tests.learner.training.factories import clean_gradient, shifted_loss


@pytest.mark.parametrize("norm", ["l2", "linf", "l1"])
@pytest.mark.parametrize("scope", ["token", "sequence", "batch"])
def test_the_loss_rises_as_the_first_order_says(network: TaggingNetwork, batch: Batch, norm: str, scope: str) -> None:
    clean, gradient = clean_gradient(network, batch)
    settings = AdversarialSettings(norm=norm, scope=scope)
    # so that the whole batch moves by about as much in each case
    radius = {"l2": 1e-2, "linf": 1e-4, "l1": 3e-2}[norm] / (5 if scope == "token" else 1)
    moved = Ball(settings.norm, settings.scope, radius).steepest(gradient, batch.inside)
    rise = shifted_loss(network, batch, moved) - clean
    inside = torch.where(batch.inside[..., None], gradient, 0.0)
    groups = inside.reshape({"token": batch.ids.numel(), "sequence": len(batch.ids), "batch": 1}[scope], -1)
    dual = {"l2": 2.0, "linf": 1.0, "l1": float("inf")}[norm]
    first_order = radius * float(torch.linalg.vector_norm(groups, dual, dim=1).sum())
    assert rise > 0
    assert rise == pytest.approx(first_order, rel=0.05)


def test_no_other_direction_of_that_norm_raises_the_loss_as_much(network: TaggingNetwork, batch: Batch) -> None:
    clean, gradient = clean_gradient(network, batch)
    ball = Ball("l2", "sequence", 1e-2)
    worst = shifted_loss(network, batch, ball.steepest(gradient, batch.inside)) - clean
    generator = torch.Generator().manual_seed(0)
    for _ in range(10):
        random = ball.steepest(torch.randn(gradient.shape, generator=generator), batch.inside)
        assert shifted_loss(network, batch, random) - clean < worst


def test_the_embedding_is_as_it_was_afterwards(network: TaggingNetwork, batch: Batch) -> None:
    before = network.word_embedding.weight.detach().clone()
    _, gradient = clean_gradient(network, batch)
    shifted_loss(network, batch, Ball("l2", "sequence", 5.0).steepest(gradient, batch.inside))
    assert torch.equal(network.word_embedding.weight, before)
    with torch.no_grad():
        output = network.word_embedding(batch.ids)
    assert torch.equal(output, before[batch.ids])
    assert not network.word_embedding._forward_hooks


def test_the_gradient_by_the_vectors_is_that_by_the_shift(network: TaggingNetwork, batch: Batch) -> None:
    shift = torch.randn(*batch.ids.shape, 32, generator=torch.Generator().manual_seed(0)).requires_grad_()
    with EmbeddingTap(network.word_embedding) as tap:
        tap.listen, tap.shift = True, shift
        tagging_loss(network(batch.ids, batch.mask), batch.tags).backward()
        assert shift.grad is not None
        assert torch.equal(tap.gradient(), shift.grad)


def test_a_gradient_that_nobody_listened_to_is_an_error(network: TaggingNetwork) -> None:
    with EmbeddingTap(network.word_embedding) as tap, pytest.raises(RuntimeError, match="listened"):
        tap.gradient()


@pytest.mark.parametrize("p", [0.0, 0.3, 0.5, 1.0])
def test_the_number_of_adversarial_steps_follows_the_law(p: float) -> None:
    draws = BernoulliDraws("rat", AdversarialSettings(probability=p), seed=13)
    drawn = [draws.next(16) for _ in range(2000)]
    assert all(one.shape == (16,) and one.all() == one.any() for one in drawn), "all windows of a batch or none"
    number = sum(bool(one.any()) for one in drawn)
    # four standard deviations of the binomial distribution
    assert abs(number - 2000 * p) <= 4 * (2000 * p * (1 - p)) ** 0.5


@pytest.mark.parametrize("p", [0.0, 0.25, 1.0])
def test_each_window_is_drawn_by_itself(p: float) -> None:
    draws = BernoulliDraws("rat", AdversarialSettings(probability=p, draw="example"), seed=13)
    drawn = np.array([draws.next(16) for _ in range(1000)])
    number, spread = 16_000 * p, (16_000 * p * (1 - p)) ** 0.5
    assert abs(drawn.sum() - number) <= 4 * spread
    # independent within a batch: the number in a batch is binomial too, with that variance
    assert drawn.sum(axis=1).var() == pytest.approx(16 * p * (1 - p), rel=0.2)


@pytest.mark.parametrize("p", [0.2, 0.5, 0.8])
@pytest.mark.parametrize("schedule", ["rising", "falling"])
def test_a_schedule_keeps_the_mean_and_goes_as_far_as_it_can(p: float, schedule: str) -> None:
    settings = AdversarialSettings.model_validate({"probability": p, "schedule": schedule})
    draws = BernoulliDraws("rat", settings, seed=13)
    steps = 4000
    law = np.array([draws.probability((step + 0.5) / steps) for step in range(steps)])
    assert law.mean() == pytest.approx(p)
    ends = draws.probability(0.0), draws.probability(1.0)
    assert min(ends) == pytest.approx(max(0.0, 2 * p - 1))
    assert max(ends) == pytest.approx(min(1.0, 2 * p))
    assert (ends[0] < ends[1]) == (schedule == "rising")
    drawn = np.array([draws.next(1, (step + 0.5) / steps)[0] for step in range(steps)])
    for quarter in range(4):
        some = slice(quarter * 1000, (quarter + 1) * 1000)
        spread = (law[some] * (1 - law[some])).sum() ** 0.5
        assert abs(drawn[some].sum() - law[some].sum()) <= 4 * spread


@pytest.mark.parametrize("schedule", ["rising", "falling"])
@pytest.mark.parametrize("p", [0.0, 1.0])
def test_a_schedule_without_room_is_constant(schedule: str, p: float) -> None:
    settings = AdversarialSettings.model_validate({"probability": p, "schedule": schedule})
    draws = BernoulliDraws("rat", settings, seed=13)
    assert {draws.probability(done) for done in (0.0, 0.3, 1.0)} == {p}


def test_the_draws_follow_from_the_seed_and_leave_global_state_alone() -> None:
    def draw(seed: int, arm: Arm = "rat") -> list[bool]:
        draws = BernoulliDraws(arm, AdversarialSettings(probability=0.5), seed)
        return [bool(draws.next(3).any()) for _ in range(64)]

    before = torch.get_rng_state(), np.random.get_state()[1].tolist()
    assert draw(1) == draw(1)
    assert draw(1) != draw(2)
    assert draw(1, "none") == draw(1, "matched") == [False] * 64
    assert draw(1, "at") == [True] * 64
    assert torch.equal(before[0], torch.get_rng_state())
    assert np.random.get_state()[1].tolist() == before[1]


def test_the_mean_probability_is_that_of_the_arm() -> None:
    settings = AdversarialSettings(probability=0.3, schedule="falling")
    arms: tuple[Arm, ...] = ("none", "matched", "rat", "at")
    assert [mean_probability(arm, settings) for arm in arms] == [0.0, 0.0, 0.3, 1.0]
