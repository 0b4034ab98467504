"""Adversarial steps: their passes, the perturbed vectors of each pass, and what is learnt from it.

Within a step, all passes over a window have the same dropout masks, because the perturbation was computed for that
thinned network. This holds for a pass over some windows of the batch, too.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import torch
from numpy.typing import NDArray

from biorat_al.learner.encoder.device import put
from biorat_al.learner.training.draws import attack_steps
from biorat_al.learner.training.passes import Passes, UnlabelledInputs, View
from biorat_al.learner.training.perturbation import Ball, PerturbationSize
from biorat_al.settings import AdversarialSettings


class Attack(ABC):
    """A kind of adversarial step, which adds its gradients to those of the weights.

    :param size: the size of the perturbations.
    :param settings: number and size of the ascent steps.
    :param seed: seed of random starts.
    """

    def __init__(self, size: PerturbationSize, settings: AdversarialSettings, seed: int) -> None:
        self._size = size
        self._steps = attack_steps(settings)
        # in units of the radius; with 2.5 / K the far side of the ball can be reached (Madry et al. 2018, appendix)
        self._step_size = settings.step_size or 2.5 / self._steps
        self._seed = seed

    @property
    def unlabelled(self) -> int:
        """Number of unlabelled windows per step, for which it is also drawn whether they are adversarial."""
        return 0

    @abstractmethod
    def step(self, passes: Passes, whole: View, drawn: NDArray[np.bool_]) -> torch.Tensor:
        """Make the passes of a step with adversarial windows.

        :param whole: the batch.
        :param drawn: whether each of its windows, and then each unlabelled one, is adversarial; at least one is.
        :returns: the loss at the start of the step.
        """

    def _ascend(self, ball: Ball, view: View, shift: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
        """Make one step of projected gradient ascent; return the new perturbation."""
        return ball.project(shift + ball.steepest(gradient, view.batch.inside, self._step_size * ball.radius))

    def _generator(self, view: View) -> torch.Generator:
        """Return a separate random generator for each step."""
        seeds = np.random.SeedSequence([self._seed, 0xF1, *view.key])
        return torch.Generator().manual_seed(int(seeds.generate_state(1, np.uint64)[0] >> np.uint64(1)))


class SingleStep(Attack):
    """Learn from the clean vectors, and from those moved along the gradient of the clean pass (FGM, FGSM)."""

    def step(self, passes: Passes, whole: View, drawn: NDArray[np.bool_]) -> torch.Tensor:
        loss, gradient = _learn_clean(passes, whole)
        view = whole.take(drawn)
        # from the gradient of the whole batch, so that a window's perturbation does not depend on the other draws
        shift = view.same(self._size.ball(whole.batch.inside).steepest(gradient, whole.batch.inside))
        passes.backward(view, view.loss(passes.forward(view, shift), whole))
        return loss


class ProjectedGradient(Attack):
    """Learn from the clean vectors, and from those after K steps of projected gradient ascent (PGD).

    Madry et al. 2018, "Towards Deep Learning Models Resistant to Adversarial Attacks", section 2.1, but starting from
    the clean vectors, as Kurakin, Goodfellow & Bengio 2017, "Adversarial Examples in the Physical World", section 2.2.
    The clean pass, which is made anyway, then gives the first of the K gradients.
    """

    def step(self, passes: Passes, whole: View, drawn: NDArray[np.bool_]) -> torch.Tensor:
        loss, gradient = _learn_clean(passes, whole)
        view = whole.take(drawn)
        ball = self._size.ball(view.batch.inside, float(drawn.mean()))
        of_batch = self._size.ball(whole.batch.inside)
        first = of_batch.steepest(gradient, whole.batch.inside, self._step_size * of_batch.radius)
        shift = ball.project(view.same(first))
        for _ in range(self._steps - 1):
            shift.requires_grad_()
            gradient = passes.gradient(view, view.loss(passes.forward(view, shift), whole), shift)
            shift = self._ascend(ball, view, shift.detach(), gradient)
        passes.backward(view, view.loss(passes.forward(view, shift), whole))
        return loss


class Free(Attack):
    """Learn from the vectors of each step: the mean gradient of K ascent steps from a random start (FreeLB).

    Zhu et al. 2020, "FreeLB: Enhanced Adversarial Training for Natural Language Understanding", algorithm 1. These
    passes replace the clean one, so windows that were not drawn get a separate pass.
    """

    def step(self, passes: Passes, whole: View, drawn: NDArray[np.bool_]) -> torch.Tensor:
        losses = []
        if not drawn.all():
            clean = whole.take(~drawn)
            losses.append(clean.loss(passes.forward(clean), whole))
            passes.backward(clean, losses[-1])
        view = whole.take(drawn)
        share = float(drawn.mean())
        ball = self._size.ball(view.batch.inside, share)
        # drawn for the whole batch, so that a window's start does not depend on the other draws
        start = self._size.ball(whole.batch.inside, share)
        shift = view.same(start.random(whole.batch.inside, passes.dimension, self._generator(whole)))
        for k in range(self._steps):
            is_last = k == self._steps - 1
            loss = view.loss(passes.forward(view, shift, listen=not is_last), whole)
            passes.backward(view, loss / self._steps)
            if k == 0:
                losses.append(loss)
            if not is_last:
                shift = self._ascend(ball, view, shift, passes.heard())
        return torch.stack(losses).detach().sum()


class Virtual(Attack):
    """Learn from the labels at the clean vectors, and learn to stay close to the clean output around them (VAT).

    Miyato et al. 2019, "Virtual Adversarial Training: A Regularization Method for Supervised and Semi-Supervised
    Learning", section 3 and algorithm 1, with α = 1. Power iteration finds the perturbation in the ball that changes
    the output most, by the Kullback-Leibler divergence from the clean output. The divergence is averaged over the words
    of labelled and unlabelled windows; it does not depend on the labels.

    The finite difference ξ of the power iteration is the radius itself: a much smaller one, as in the paper, is lost in
    the rounding of bf16.

    :param pool: windows without labels that take part; None if there are none.
    """

    def __init__(
        self, size: PerturbationSize, settings: AdversarialSettings, seed: int, pool: UnlabelledInputs | None
    ) -> None:
        super().__init__(size, settings, seed)
        self._pool = pool

    @property
    def unlabelled(self) -> int:
        return self._pool.size if self._pool else 0

    def step(self, passes: Passes, whole: View, drawn: NDArray[np.bool_]) -> torch.Tensor:
        logits = passes.forward(whole)
        loss = whole.loss(logits, whole)
        passes.backward(whole, loss)
        labelled, others = np.split(drawn, [len(whole.batch.ids)])
        # as for the loss of the labels, count the words of all windows, drawn or not
        words = whole.batch.words.sum()
        if self._pool is not None:
            unlabelled = View(self._pool.next(), (*whole.key, 1), share=self._pool.share)
            words = words + unlabelled.batch.words.sum()
        if labelled.any():
            view = whole.take(labelled)
            self._learn(passes, whole, labelled, view.same(logits.detach()), words)
        if others.any():
            with torch.no_grad():
                clean = passes.forward(unlabelled.take(others))
            self._learn(passes, unlabelled, others, clean, words)
        return loss.detach()

    def _learn(
        self, passes: Passes, whole: View, drawn: NDArray[np.bool_], clean: torch.Tensor, words: torch.Tensor
    ) -> None:
        """Learn to stay close to the `clean` output, shape (drawn windows, length, labels, 3).

        :param whole: the batch, or all unlabelled windows.
        :param words: number of words that the divergence is averaged over.
        """
        view = whole.take(drawn)
        inside = view.batch.inside
        ball = self._size.ball(inside, float(drawn.mean()))
        noise = torch.randn((*whole.batch.ids.shape, passes.dimension), generator=self._generator(whole))
        shift = ball.steepest(view.same(put(noise, inside.device)), inside)
        for _ in range(self._steps):
            shift.requires_grad_()
            away = divergence(clean, passes.forward(view, shift), view.batch.words) / words
            shift = ball.steepest(passes.gradient(view, away, shift), inside)
        passes.backward(view, divergence(clean, passes.forward(view, shift), view.batch.words) / words)


def divergence(clean: torch.Tensor, logits: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
    """Return the Kullback-Leibler divergence of a perturbed output from the clean one, summed over words and types.

    :param clean: logits of the clean pass, shape (windows, length, labels, 3).
    :param logits: logits of the perturbed pass, same shape.
    :param words: true at the words that count, shape (windows, length).
    :returns: nats; not negative, except by rounding.
    """
    log_p, log_q = clean.log_softmax(dim=-1), logits.log_softmax(dim=-1)
    by_word = (log_p.exp() * (log_p - log_q)).sum(dim=(-2, -1))
    return torch.where(words, by_word, 0.0).sum()


def make_attack(
    size: PerturbationSize, settings: AdversarialSettings, seed: int, pool: UnlabelledInputs | None = None
) -> Attack:
    """Return the attack that the settings name.

    :param pool: windows without labels, for ``vat``.
    """
    if settings.attack == "vat":
        return Virtual(size, settings, seed, pool)
    kinds: dict[str, type[SingleStep | ProjectedGradient | Free]]
    kinds = {"single-step": SingleStep, "pgd": ProjectedGradient, "freelb": Free}
    return kinds[settings.attack](size, settings, seed)


def learn_plainly(passes: Passes, whole: View) -> torch.Tensor:
    """Make the single pass of a plain step and return its loss."""
    loss = whole.loss(passes.forward(whole), whole)
    passes.backward(whole, loss)
    return loss.detach()


def _learn_clean(passes: Passes, whole: View) -> tuple[torch.Tensor, torch.Tensor]:
    """Make the clean pass; return its loss and its gradient by the word vectors."""
    loss = whole.loss(passes.forward(whole, listen=True), whole)
    passes.backward(whole, loss)
    return loss.detach(), passes.heard()
