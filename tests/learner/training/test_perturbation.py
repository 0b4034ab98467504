from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from biorat_al.learner.training.perturbation import Ball, Norm, PerturbationSize, Scope, unit_of
from biorat_al.settings import AdversarialSettings

NORMS: list[Norm] = ["l2", "linf", "l1"]
SCOPES: list[Scope] = ["token", "sequence", "batch"]
ORDER = {"l2": 2.0, "linf": math.inf, "l1": 1.0}
DUAL = {"l2": 2.0, "linf": 1.0, "l1": math.inf}

INSIDE = torch.tensor([[False, True, True, True, False], [False, True, True, False, False]])
"""Two windows of three and two words, between special tokens; the second is padded."""


def sizes(tensor: torch.Tensor, scope: Scope, order: float) -> torch.Tensor:
    """Return the norm of each token inside, each sequence, or the batch."""
    if scope == "token":
        return torch.linalg.vector_norm(tensor[INSIDE], order, dim=1)
    if scope == "sequence":
        return torch.stack([torch.linalg.vector_norm(row.flatten(), order) for row in tensor])
    return torch.linalg.vector_norm(tensor.flatten(), order)[None]


def gradients(seed: int = 0) -> torch.Tensor:
    return torch.randn(2, 5, 4, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("scope", SCOPES)
def test_the_steepest_perturbation_has_the_norm_asked_for_in_its_scope(norm: Norm, scope: Scope) -> None:
    ball = Ball(norm, scope, 0.7)
    moved = ball.steepest(gradients(), INSIDE)
    assert sizes(moved, scope, ORDER[norm]).tolist() == pytest.approx([0.7] * len(sizes(moved, scope, 1)), rel=1e-5)
    assert not moved[~INSIDE].any()
    half = ball.steepest(gradients(), INSIDE, 0.35)
    torch.testing.assert_close(half, moved / 2)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("scope", SCOPES)
def test_its_gain_is_epsilon_times_the_dual_norm_and_no_other_gains_as_much(norm: Norm, scope: Scope) -> None:
    ball, gradient = Ball(norm, scope, 0.7), gradients()
    gain = float((gradient * ball.steepest(gradient, INSIDE)).sum())
    inside = torch.where(INSIDE[..., None], gradient, 0.0)
    assert gain == pytest.approx(0.7 * float(sizes(inside, scope, DUAL[norm]).sum()), rel=1e-5)
    for seed in range(1, 20):
        assert float((gradient * ball.steepest(gradients(seed), INSIDE)).sum()) <= gain * (1 + 1e-6)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("value", [0.0, float("nan"), float("inf")])
def test_a_gradient_without_direction_gives_no_perturbation(norm: Norm, value: float) -> None:
    gradient = torch.ones(2, 3, 4)
    gradient[1] = value
    moved = Ball(norm, "sequence", 1.0).steepest(gradient, torch.ones(2, 3, dtype=torch.bool))
    assert float(torch.linalg.vector_norm(moved[0], ORDER[norm])) == pytest.approx(1.0)
    assert not moved[1].any()


@pytest.mark.parametrize("norm", NORMS)
def test_what_is_not_a_number_at_a_masked_position_does_no_harm(norm: Norm) -> None:
    gradient = gradients()
    gradient[~INSIDE] = float("nan")
    moved = Ball(norm, "batch", 1.0).steepest(gradient, INSIDE)
    assert torch.equal(moved, Ball(norm, "batch", 1.0).steepest(gradients(), INSIDE))


def test_tiny_gradients_keep_their_direction() -> None:
    gradient = torch.full((1, 2, 2), 1e-30)
    moved = Ball("l2", "sequence", 1.0).steepest(gradient, torch.ones(1, 2, dtype=torch.bool))
    assert moved.flatten().tolist() == pytest.approx([0.5] * 4)


@pytest.mark.slow
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("scope", SCOPES)
@given(seed=st.integers(0, 10_000), scale=st.floats(0.01, 5))
def test_projection_gives_the_nearest_point_of_the_ball(norm: Norm, scope: Scope, seed: int, scale: float) -> None:
    ball = Ball(norm, scope, 0.7)
    outside = torch.where(INSIDE[..., None], scale * gradients(seed), 0.0)
    nearest = ball.project(outside)
    assert (sizes(nearest, scope, ORDER[norm]) <= 0.7 * (1 + 1e-5)).all()
    torch.testing.assert_close(ball.project(nearest), nearest)
    # the nearest point of a convex set is the one from which no other of its points lies towards what is projected
    for other in range(5):
        point = ball.project(torch.where(INSIDE[..., None], 3 * gradients(seed + 1 + other), 0.0))
        assert float(((outside - nearest) * (point - nearest)).sum()) <= 1e-4 * max(1.0, scale)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("scope", SCOPES)
def test_a_point_in_the_ball_is_projected_on_itself(norm: Norm, scope: Scope) -> None:
    inside = Ball(norm, scope, 0.7).random(INSIDE, 4, torch.Generator().manual_seed(0))
    assert torch.equal(Ball(norm, scope, 0.7).project(inside), inside)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("scope", SCOPES)
def test_a_random_start_fills_the_ball_without_leaving_it(norm: Norm, scope: Scope) -> None:
    starts = [Ball(norm, scope, 0.7).random(INSIDE, 4, torch.Generator().manual_seed(seed)) for seed in range(200)]
    for start in starts:
        assert (sizes(start, scope, ORDER[norm]) <= 0.7).all()
        assert not start[~INSIDE].any()
    # one component of the first window: uniform between plus and minus the radius by the norm of N ones
    components = {"token": 4, "sequence": 3 * 4, "batch": 5 * 4}[scope]
    most = 0.7 / components ** {"l2": 0.5, "linf": 0.0, "l1": 1.0}[norm]
    values = torch.stack([start[0, 1, 0] for start in starts])
    assert 0.95 * most < float(values.abs().max()) <= most
    assert float(values.mean()) == pytest.approx(0.0, abs=4 * most / math.sqrt(3 * 200))
    assert float(values.var()) == pytest.approx(most**2 / 3, rel=0.25)


@pytest.mark.parametrize("norm", NORMS)
def test_a_part_of_the_batch_has_its_part_of_the_batchs_norm(norm: Norm) -> None:
    evenly = torch.full((8, 3, 2), 0.5)
    order = ORDER[norm]
    whole = Ball(norm, "batch", float(torch.linalg.vector_norm(evenly, order)))
    assert whole.part(3 / 8).radius == pytest.approx(float(torch.linalg.vector_norm(evenly[:3], order)))
    assert Ball(norm, "sequence", 0.7).part(3 / 8) == Ball(norm, "sequence", 0.7)


def table(words: int = 40, dimension: int = 4) -> nn.Embedding:
    embedding = nn.Embedding(words, dimension)
    with torch.no_grad():
        embedding.weight.normal_(generator=torch.Generator().manual_seed(1))
    return embedding


def root_mean_square(moved: torch.Tensor) -> float:
    """The root mean square L2 shift of the vectors that may move."""
    return float(moved[INSIDE].square().sum(dim=1).mean().sqrt())


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("scope", SCOPES)
def test_another_norm_or_scope_does_not_move_the_words_farther(norm: Norm, scope: Scope) -> None:
    size = PerturbationSize.of(AdversarialSettings(shift=0.2, norm=norm, scope=scope), table())
    moved = size.ball(INSIDE).steepest(gradients(), INSIDE)
    assert root_mean_square(moved) == pytest.approx(0.2 * unit_of(table()), rel=1e-5)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("scope", SCOPES)
def test_a_window_moves_as_far_whatever_its_length_and_its_batch(norm: Norm, scope: Scope) -> None:
    size = PerturbationSize.of(AdversarialSettings(shift=0.2, norm=norm, scope=scope), table())
    evenly = torch.ones(2, 5, 4)
    both = size.ball(INSIDE).steepest(evenly, INSIDE)
    alone = size.ball(INSIDE[1:], 0.5).steepest(evenly[1:], INSIDE[1:])
    if norm != "l1" or scope == "token":
        torch.testing.assert_close(both[1:], alone)
    assert root_mean_square(both) == pytest.approx(0.2 * unit_of(table()), rel=1e-5)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("scope", SCOPES)
def test_projection_and_random_starts_keep_to_the_size_of_each_window(norm: Norm, scope: Scope) -> None:
    size = PerturbationSize.of(AdversarialSettings(shift=0.2, norm=norm, scope=scope), table())
    ball = size.ball(INSIDE)
    limit = sizes(ball.steepest(gradients(), INSIDE), scope, ORDER[norm])
    start = ball.random(INSIDE, 4, torch.Generator().manual_seed(3))
    assert (sizes(start, scope, ORDER[norm]) <= limit * (1 + 1e-5)).all()
    far = ball.project(torch.where(INSIDE[..., None], 5 * gradients(2), 0.0))
    assert sizes(far, scope, ORDER[norm]).tolist() == pytest.approx(limit.tolist(), rel=1e-4)


def test_a_project_with_epsilon_is_perturbed_as_before() -> None:
    size = PerturbationSize.of(AdversarialSettings(epsilon=0.3, norm="linf", scope="batch"), table())
    assert size.ball(INSIDE) == Ball("linf", "batch", 0.3 * unit_of(table(), "linf"))
    by_sequence = PerturbationSize.of(AdversarialSettings(epsilon=0.3), table())
    assert by_sequence.ball(INSIDE, 0.5) == Ball("l2", "sequence", 0.3 * unit_of(table()))


def test_two_sizes_at_once_are_refused() -> None:
    with pytest.raises(ValueError, match="keep one of them"):
        AdversarialSettings(epsilon=0.3, shift=0.1)


@pytest.mark.parametrize(("norm", "unit"), [("l2", 3.0), ("linf", 2.5), ("l1", 4.0)])
def test_the_unit_is_the_mean_norm_of_the_word_vectors_without_padding(norm: Norm, unit: float) -> None:
    table = nn.Embedding(3, 2)
    with torch.no_grad():
        table.weight.copy_(torch.tensor([[0.0, 0.0], [3.0, -4.0], [0.0, 1.0]]))
    assert unit_of(table, norm) == pytest.approx(unit)
