from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
import torch

from biorat_al.learner.encoder.encoder import Encoder
from biorat_al.learner.entities.batching import Batch, EncodedPart, encode_part
from biorat_al.learner.training.attacks import Virtual, divergence
from biorat_al.learner.training.draws import passes_per_step
from biorat_al.learner.training.embedding_tap import EmbeddingTap
from biorat_al.learner.training.passes import Passes, View
from biorat_al.learner.training.perturbation import Ball, unit_of
from biorat_al.learner.types import Example
from tests.learner.training.factories import (
    LABELS,
    attack_gradients,
    loss_gradients,
    make_fit,
    run_steps,
    same_weights,
    shifted_loss,
    vector_gradient,
)

ALL = [True] * 6
SOME = [False, True, False, False, True, False]

PGD = {"attack": "pgd", "steps": 3, "step_size": 0.6}
FREELB = {"attack": "freelb", "steps": 3, "step_size": 0.6}

Gradients = dict[str, torch.Tensor]


@pytest.fixture
def pool(encoder: Encoder, make_examples: Callable[[int], list[Example]]) -> EncodedPart:
    return encode_part(make_examples(9), encoder.tokenizer, LABELS)


def assert_same(one: Gradients, other: Gradients) -> None:
    assert set(one) == set(other)
    for name, gradient in one.items():
        torch.testing.assert_close(gradient, other[name], rtol=1e-3, atol=1e-6, msg=lambda m, name=name: f"{name}: {m}")


def total(*terms: tuple[float, Gradients]) -> Gradients:
    """Return a weighted sum."""
    return {name: sum(weight * term[name] for weight, term in terms) for name in terms[0][1]}  # type: ignore[misc]


ATTACKS = ["single-step", "pgd", "freelb", "vat"]


@pytest.mark.slow
@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("draw", ["batch", "example"])
def test_probability_0_is_bit_for_bit_the_plain_arm(encoder: Encoder, batch: Batch, draw: str, attack: str) -> None:
    plain = run_steps(make_fit(encoder, "none"), [batch] * 4)
    random = run_steps(make_fit(encoder, "rat", probability=0.0, draw=draw, attack=attack), [batch] * 4)
    assert same_weights(plain, random)
    assert (random.outcome.cost.passes, random.outcome.adversarial_steps) == (4, 0)


@pytest.mark.slow
@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("draw", ["batch", "example"])
def test_probability_1_is_bit_for_bit_full_adversarial_training(
    encoder: Encoder, batch: Batch, draw: str, attack: str
) -> None:
    full = run_steps(make_fit(encoder, "at", probability=0.2, attack=attack), [batch] * 4)
    random = run_steps(make_fit(encoder, "rat", probability=1.0, draw=draw, attack=attack), [batch] * 4)
    assert same_weights(full, random)
    passes = {"single-step": 2, "pgd": 4, "freelb": 3, "vat": 3}[attack]
    assert (random.outcome.cost.passes, random.outcome.adversarial_steps) == (4 * passes, 4)
    assert not same_weights(full, run_steps(make_fit(encoder, "none"), [batch] * 4))


def test_the_gradient_of_a_step_is_the_sum_of_both_passes(encoder: Encoder, batch: Batch) -> None:
    fit = make_fit(encoder, "at")
    shift = fit._attack._size.ball(batch.inside).steepest(
        vector_gradient(fit, batch, torch.zeros(*batch.ids.shape, 32)), batch.inside
    )
    both = total((1, loss_gradients(fit, batch)), (1, loss_gradients(fit, batch, shift)))
    assert_same(attack_gradients(fit, batch, ALL), both)


def test_a_pass_over_drawn_windows_has_their_part_of_the_whole_batchs_gradient(encoder: Encoder, batch: Batch) -> None:
    """Cropped, with the dropout masks of the clean pass, divided by the words of all windows."""
    fit = make_fit(encoder, "rat", draw="example")
    shift = fit._attack._size.ball(batch.inside).steepest(
        vector_gradient(fit, batch, torch.zeros(*batch.ids.shape, 32)), batch.inside
    )
    # the explicit formula: the pass over the whole batch, with the tags of the others left out of the sum
    scored = (batch.tags != -100).any(dim=-1)
    others = batch.tags.clone()
    others[[not one for one in SOME]] = -100
    share = float((others != -100).any(dim=-1).sum() / scored.sum())
    adversarial = loss_gradients(fit, batch._replace(tags=others), shift)
    assert_same(attack_gradients(fit, batch, SOME), total((1, loss_gradients(fit, batch)), (share, adversarial)))


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [{"scope": "token"}, {"scope": "sequence"}, {"scope": "batch"}, PGD, FREELB, {"attack": "vat"}],
    ids=["token", "sequence", "batch", "pgd", "freelb", "vat"],
)
def test_the_mean_over_draws_of_windows_is_the_mean_over_draws_of_batches(
    encoder: Encoder, batch: Batch, changes: dict[str, Any]
) -> None:
    """Over all 64 draws of six windows, with their probabilities; exactly, for what is measured by window."""
    p = 0.3
    fit = make_fit(encoder, "rat", draw="example", **changes)
    clean = loss_gradients(fit, batch)
    by_batch = total((1 - p, clean), (p, attack_gradients(fit, batch, ALL)))
    terms = []
    for drawn in product([False, True], repeat=6):
        likely = p ** sum(drawn) * (1 - p) ** (6 - sum(drawn))
        terms.append((likely, attack_gradients(fit, batch, drawn) if any(drawn) else clean))
    assert_same(by_batch, total(*terms))


def test_the_embedding_is_moved_by_the_optimizer_alone(encoder: Encoder, batch: Batch) -> None:
    fit = make_fit(encoder, "at")
    before = fit.network.word_embedding.weight.detach().clone()
    attack_gradients(fit, batch, ALL)
    assert torch.equal(fit.network.word_embedding.weight, before)


@pytest.mark.slow
@pytest.mark.parametrize("draw", ["batch", "example"])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"attack": "pgd", "steps": 2},
        {"attack": "freelb"},
        {"attack": "freelb", "steps": 1},
        {"attack": "vat"},
        {"attack": "vat", "steps": 2, "unlabelled": 3},
    ],
    ids=["single-step", "pgd", "freelb", "freelb of one step", "vat", "vat with unlabelled windows"],
)
def test_counted_passes_come_to_the_expected_ones(
    encoder: Encoder, batch: Batch, pool: EncodedPart, draw: str, changes: dict[str, Any]
) -> None:
    fit = make_fit(encoder, "rat", probability=0.3, draw=draw, unlabelled_part=pool, **changes)
    run_steps(fit, [batch] * 40)
    drawn = fit.outcome.cost.passes / 40
    expected = passes_per_step("rat", fit.adversarial, 6)
    # windows are drawn 240 times, batches 40 times; the cost of a step is in a line with the share that was drawn
    slope = passes_per_step("at", fit.adversarial, 6) - 1
    spread = slope * (0.3 * 0.7 / (240 if draw == "example" else 40)) ** 0.5
    assert drawn == pytest.approx(expected, abs=3 * spread + 1e-9)
    full = run_steps(make_fit(encoder, "at", draw=draw, unlabelled_part=pool, **changes), [batch] * 3)
    assert full.outcome.cost.passes / 3 == pytest.approx(passes_per_step("at", fit.adversarial, 6))
    assert passes_per_step("none", fit.adversarial, 6) == passes_per_step("matched", fit.adversarial, 6) == 1


def test_windows_that_are_passed_are_counted_with_their_word_pieces(encoder: Encoder, batch: Batch) -> None:
    fit = make_fit(encoder, "rat", draw="example")
    attack_gradients(fit, batch, SOME)
    cost = fit.outcome.cost
    assert cost.forward_passes == cost.backward_passes == pytest.approx(1 + 2 / 6)
    assert cost.tokens == batch.lengths.sum() + batch.lengths[SOME].sum()


def test_projected_gradient_ascent_is_the_explicit_formula(encoder: Encoder, batch: Batch) -> None:
    fit = make_fit(encoder, "at", **PGD)
    ball = fit._attack._size.ball(batch.inside)
    shift = torch.zeros(*batch.ids.shape, 32)
    for _ in range(3):
        direction = ball.steepest(vector_gradient(fit, batch, shift), batch.inside, 0.6 * ball.radius)
        shift = ball.project(shift + direction)
    assert_same(
        attack_gradients(fit, batch, ALL),
        total((1, loss_gradients(fit, batch)), (1, loss_gradients(fit, batch, shift))),
    )
    assert fit.outcome.cost.forward_passes == fit.outcome.cost.backward_passes == 4


@pytest.mark.parametrize("norm", ["l2", "linf", "l1"])
def test_projected_gradient_ascent_of_one_step_is_the_single_step(encoder: Encoder, batch: Batch, norm: str) -> None:
    once = attack_gradients(make_fit(encoder, "at", norm=norm), batch, ALL)
    assert_same(attack_gradients(make_fit(encoder, "at", norm=norm, attack="pgd", steps=1), batch, ALL), once)


def test_more_steps_of_ascent_find_a_higher_loss(encoder: Encoder, batch: Batch) -> None:
    fit = make_fit(encoder, "at", dropout=False)
    ball = Ball("l2", "sequence", 2.0)
    shift = torch.zeros(*batch.ids.shape, 32)
    single = ball.steepest(vector_gradient(fit, batch, shift), batch.inside)
    for _ in range(8):
        shift = ball.project(shift + ball.steepest(vector_gradient(fit, batch, shift), batch.inside, 0.5))
    assert shifted_loss(fit.network, batch, shift) > shifted_loss(fit.network, batch, single)


def test_freelb_learns_from_the_mean_gradient_of_its_steps(encoder: Encoder, batch: Batch) -> None:
    fit = make_fit(encoder, "at", **FREELB)
    attack, ball = fit._attack, fit._attack._size.ball(batch.inside)
    shift = ball.random(batch.inside, 32, attack._generator(View(batch, (fit.seed, 0))))
    assert shift.any()
    terms = []
    for _ in range(3):
        terms.append((1 / 3, loss_gradients(fit, batch, shift)))
        direction = ball.steepest(vector_gradient(fit, batch, shift), batch.inside, 0.6 * ball.radius)
        shift = ball.project(shift + direction)
    assert_same(attack_gradients(fit, batch, ALL), total(*terms))
    assert fit.outcome.cost.forward_passes == fit.outcome.cost.backward_passes == 3


@pytest.mark.parametrize("norm", ["l2", "linf", "l1"])
def test_epsilon_is_in_units_of_the_mean_norm_of_the_word_vectors(encoder: Encoder, batch: Batch, norm: str) -> None:
    fit = make_fit(encoder, "rat", norm=norm, epsilon=0.3)
    unit = unit_of(fit.network.word_embedding, fit.adversarial.norm)
    assert unit != pytest.approx(1.0, rel=0.01)
    assert fit._attack._size.ball(batch.inside) == Ball(
        fit.adversarial.norm, fit.adversarial.scope, pytest.approx(0.3 * unit)
    )


@pytest.mark.parametrize(("changes", "size"), [({}, 2.5 / 3), ({"steps": 5}, 0.5), ({"step_size": 0.6}, 0.6)])
def test_a_step_of_ascent_is_2_5_over_k_of_the_radius_unless_set(
    encoder: Encoder, changes: dict[str, Any], size: float
) -> None:
    assert make_fit(encoder, "at", attack="pgd", **changes)._attack._step_size == pytest.approx(size)


@pytest.mark.parametrize("attack", ["pgd", "freelb", "vat"])
@pytest.mark.parametrize("norm", ["l2", "l1"])
def test_some_windows_of_a_batch_are_moved_by_their_part_of_its_norm(
    encoder: Encoder, batch: Batch, monkeypatch: pytest.MonkeyPatch, norm: str, attack: str
) -> None:
    fit = make_fit(encoder, "rat", draw="example", scope="batch", norm=norm, attack=attack)
    order, moved = {"l2": 2.0, "l1": 1.0}[norm], []
    forward = Passes.forward

    def recording(
        passes: Passes, view: View, shift: torch.Tensor | None = None, *, listen: bool = False
    ) -> torch.Tensor:
        if shift is not None:
            moved.append(float(torch.linalg.vector_norm(shift.detach().flatten(), order)))
        return forward(passes, view, shift, listen=listen)

    monkeypatch.setattr(Passes, "forward", recording)
    attack_gradients(fit, batch, SOME)
    # two of six windows
    part = fit._attack._size.radius * (2 / 6) ** (1 / order)
    assert max(moved) == pytest.approx(part, rel=1e-3)


def test_random_starts_differ_between_steps_and_follow_from_the_seed(encoder: Encoder, batch: Batch) -> None:
    attack = make_fit(encoder, "at", **FREELB)._attack
    other = make_fit(encoder, "at", seed=8, **FREELB)._attack
    one, another = (torch.randn(4, generator=which._generator(View(batch, (7, 0)))) for which in (attack, other))
    assert not torch.equal(one, another)
    starts = [torch.randn(4, generator=attack._generator(View(batch, (7, step)))) for step in (0, 1, 0)]
    assert torch.equal(starts[0], starts[2])
    assert not torch.equal(starts[0], starts[1])


@pytest.mark.parametrize("unlabelled", [0, 4])
def test_virtual_training_at_size_0_is_plain_training(
    encoder: Encoder, batch: Batch, pool: EncodedPart, unlabelled: int
) -> None:
    """There the divergence and its gradient are zero, with dropout too: every pass of a window has the same masks."""
    fit = make_fit(encoder, "at", attack="vat", epsilon=0.0, unlabelled=unlabelled, unlabelled_part=pool)
    assert_same(attack_gradients(fit, batch, ALL + [True] * unlabelled), loss_gradients(fit, batch))


def test_the_divergence_is_zero_where_nothing_changes_and_positive_elsewhere() -> None:
    clean = torch.randn(2, 3, 2, 3, generator=torch.Generator().manual_seed(0))
    moved = clean + torch.randn(clean.shape, generator=torch.Generator().manual_seed(1))
    words = torch.tensor([[True, True, False], [True, False, False]])
    assert float(divergence(clean, clean, words)) == 0.0
    assert float(divergence(clean, clean + 5.0, words)) == pytest.approx(0.0, abs=1e-5), "logits count up to a constant"
    p, q = clean.softmax(-1), moved.softmax(-1)
    by_word = (p * (p / q).log()).sum(dim=(-2, -1))
    assert float(divergence(clean, moved, words)) == pytest.approx(float(by_word[words].sum()))
    # what is not a word does not count
    moved[0, 2] += 100.0
    assert float(divergence(clean, moved, words)) == pytest.approx(float(by_word[words].sum()))


def test_virtual_training_needs_no_labels(encoder: Encoder, batch: Batch) -> None:
    """With other tags, or none, the part of the gradient that comes from the divergence is the same."""
    fit = make_fit(encoder, "at", attack="vat")
    from_divergence = []
    for tags in (batch.tags, batch.tags.flip(0), torch.full_like(batch.tags, -100)):
        one = batch._replace(tags=tags)
        from_divergence.append(total((1, attack_gradients(fit, one, ALL)), (-1, loss_gradients(fit, one))))
    assert any(gradient.abs().max() > 1e-4 for gradient in from_divergence[0].values())
    for other in from_divergence[1:]:
        assert_same(other, from_divergence[0])


def test_the_gradient_of_virtual_training_is_the_explicit_formula(
    encoder: Encoder, batch: Batch, pool: EncodedPart
) -> None:
    """Labelled and unlabelled windows: the divergence at the power iteration's vectors, averaged over all words."""
    changes: dict[str, Any] = {"attack": "vat", "steps": 2, "unlabelled": 4, "unlabelled_part": pool}
    fit = make_fit(encoder, "at", **changes)
    found = attack_gradients(fit, batch, ALL + [True] * 4)
    fit = make_fit(encoder, "at", **changes)
    attack = fit._attack
    assert isinstance(attack, Virtual)
    assert attack._pool is not None
    unlabelled = attack._pool.next()
    weights = dict(fit.network.named_parameters())
    words = float(batch.words.sum() + unlabelled.words.sum())
    terms = [(1.0, loss_gradients(fit, batch))]
    for one, key in ((batch, (7, 0)), (unlabelled, (7, 0, 1))):

        def output(shift: torch.Tensor | None, one: Batch = one, key: tuple[int, ...] = key) -> torch.Tensor:
            fit._draws.begin(*key)
            with EmbeddingTap(fit.network.word_embedding) as tap:
                tap.shift = shift
                return fit.network(one.ids, one.mask)

        clean = output(None).detach()
        noise = torch.randn(*one.ids.shape, 32, generator=attack._generator(View(one, key)))
        shift = attack._size.ball(one.inside).steepest(noise, one.inside)
        for _ in range(2):
            shift.requires_grad_()
            (gradient,) = torch.autograd.grad(divergence(clean, output(shift), one.words), shift)
            shift = attack._size.ball(one.inside).steepest(gradient, one.inside)
        away = divergence(clean, output(shift), one.words) / words
        assert float(away.detach()) > 0
        gradients = torch.autograd.grad(away, list(weights.values()), allow_unused=True)
        terms.append((1.0, {name: g for name, g in zip(weights, gradients, strict=True) if g is not None}))
    assert_same(found, total(*terms))


def test_power_iteration_finds_what_changes_the_output_most(encoder: Encoder, batch: Batch) -> None:
    """With many iterations more than any of many random directions, and no less than with one."""
    fit = make_fit(encoder, "at", dropout=False)
    with torch.no_grad():
        clean = fit.network(batch.ids, batch.mask)
    ball = Ball("l2", "sequence", 0.05)
    noise = torch.randn(30, *batch.ids.shape, 32, generator=torch.Generator().manual_seed(0))

    def away(shift: torch.Tensor) -> torch.Tensor:
        with EmbeddingTap(fit.network.word_embedding) as tap:
            tap.shift = shift
            return divergence(clean, fit.network(batch.ids, batch.mask), batch.words)

    shift = ball.steepest(noise[0], batch.inside)
    found = [float(away(shift).detach())]
    for _ in range(6):
        shift.requires_grad_()
        (gradient,) = torch.autograd.grad(away(shift), shift)
        shift = ball.steepest(gradient, batch.inside)
        found.append(float(away(shift).detach()))
    assert found[1] > 2 * found[0]
    assert found == sorted(found)
    assert found[-1] > max(float(away(ball.steepest(one, batch.inside)).detach()) for one in noise)


def test_unlabelled_windows_are_drawn_from_the_pool_without_shifting_anything_else(
    encoder: Encoder, batch: Batch, pool: EncodedPart
) -> None:
    fit = make_fit(encoder, "at", attack="vat", unlabelled=4, unlabelled_part=pool)
    attack = fit._attack
    assert isinstance(attack, Virtual)
    assert attack._pool is not None
    first, second = attack._pool.next(), attack._pool.next()
    assert len(first.ids) == len(second.ids) == attack.unlabelled == 4
    assert (first.tags == -100).all()
    assert first.words.any()
    assert not torch.equal(first.ids, second.ids)
    few = make_fit(encoder, "at", attack="vat", unlabelled=99, unlabelled_part=pool)._attack
    assert few.unlabelled == len(pool.rows(62))
    without = make_fit(encoder, "rat", attack="vat", unlabelled=4)
    plain = make_fit(encoder, "rat", attack="vat")
    assert same_weights(run_steps(without, [batch] * 4), run_steps(plain, [batch] * 4)), "no pool: nothing to take part"
