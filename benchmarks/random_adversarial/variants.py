"""Ways of adversarial training: those of the program, and others that are not in it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from biorat_al.learner.entities.encoding import B, I
from biorat_al.learner.entities.fitting import Fit
from biorat_al.learner.training.attacks import Attack, Virtual
from biorat_al.learner.training.passes import Passes, View
from biorat_al.settings import Arm

Combination = Literal["sum", "mean", "clip"]


class Variant(NamedTuple):
    """A way of training.

    :param adversarial: settings of the perturbation.
    :param combination: how the gradients of the clean and the adversarial pass are joined: their ``sum`` (the program's
        way), their ``mean``, or their sum after the adversarial one is clipped to the norm of the clean one (``clip``).
    :param attack: None selects that of the settings; ``creat`` and ``seqvat`` are defined here.
    :param seed: added to the seed of a training, for a second model of the same kind.
    """

    arm: Arm
    adversarial: Mapping[str, Any] = MappingProxyType({})
    combination: Combination = "sum"
    attack: Literal["creat", "seqvat"] | None = None
    seed: int = 0


VARIANTS = {
    "none": Variant("none"),
    "none, other seed": Variant("none", seed=500),
    "rat": Variant("rat"),
    "rat, other seed": Variant("rat", seed=500),
    "matched": Variant("matched"),
    "matched 0.5": Variant("matched", {"probability": 0.5}),
    "matched 1": Variant("matched", {"probability": 1.0}),
    "rat mean": Variant("rat", combination="mean"),
    "rat clip": Variant("rat", combination="clip"),
    "rat clip by example": Variant("rat", {"draw": "example"}, "clip"),
    "rat clip 0.02": Variant("rat", {"shift": 0.02}, "clip"),
    "rat clip 0.12": Variant("rat", {"shift": 0.12}, "clip"),
    "rat clip 0.25": Variant("rat", {"shift": 0.25}, "clip"),
    "rat clip 0.5": Variant("rat", {"shift": 0.5}, "clip"),
    "rat clip, p 0.1": Variant("rat", {"probability": 0.1}, "clip"),
    "rat clip, p 0.5": Variant("rat", {"probability": 0.5}, "clip"),
    "rat clip 0.12, p 0.5": Variant("rat", {"probability": 0.5, "shift": 0.12}, "clip"),
    "at clip": Variant("at", combination="clip"),
    "at clip 0.12": Variant("at", {"shift": 0.12}, "clip"),
    "at": Variant("at"),
    "creat": Variant("rat", {"probability": 0.5, "shift": 0.12}, "clip", "creat"),
    "vat": Variant("rat", {"probability": 0.5, "shift": 0.12, "attack": "vat", "unlabelled": 4}),
    "seqvat": Variant("rat", {"probability": 0.5, "shift": 0.12, "attack": "vat", "unlabelled": 4}, attack="seqvat"),
}


def change(fit: Fit, variant: Variant) -> None:
    """Put a variant that the program does not have into a training run."""
    old = fit._attack
    if variant.attack == "creat":
        fit._attack = Contextual(fit, old)
    elif variant.attack == "seqvat":
        assert isinstance(old, Virtual)
        fit._attack = SequenceVirtual(old._size, fit.adversarial, fit.seed, old._pool)
    elif variant.combination != "sum":
        fit._attack = Joined(fit, old, variant.combination)


class Joined(Attack):
    """Learn from the clean vectors and along their gradient, with the two gradients joined in another way."""

    def __init__(self, fit: Fit, old: Attack, combination: Combination) -> None:
        super().__init__(old._size, fit.adversarial, fit.seed)
        self._weights = list(fit.network.parameters())
        self._combination = combination

    def step(self, passes: Passes, whole: View, drawn: NDArray[np.bool_]) -> torch.Tensor:
        loss = whole.loss(passes.forward(whole, listen=True), whole)
        passes.backward(whole, loss)
        gradient = passes.heard()
        shift = self._size.ball(whole.batch.inside).steepest(gradient, whole.batch.inside)
        clean = [None if one.grad is None else one.grad.clone() for one in self._weights]
        for one in self._weights:
            one.grad = None
        view = whole.take(drawn)
        passes.backward(view, view.loss(passes.forward(view, view.same(shift)), whole))
        self._join(clean)
        return loss.detach()

    def _join(self, clean: list[torch.Tensor | None]) -> None:
        factor = torch.tensor(0.5 if self._combination == "mean" else 1.0)
        adversarial = factor
        if self._combination == "clip":
            here, there = _norm(clean), _norm([one.grad for one in self._weights])
            adversarial = (here / there.clamp(min=1e-12)).clamp(max=1.0)
        for one, before in zip(self._weights, clean, strict=True):
            if one.grad is not None:
                one.grad.mul_(adversarial)
            if before is not None:
                one.grad = before.mul_(factor) if one.grad is None else one.grad.add_(before * factor)


class Contextual(Joined):
    """Attack what the encoder makes of the words instead of the loss.

    After Wu et al. 2023, "Toward Adversarial Training on Contextualized Language Representation" (CreAT, ICLR): the
    perturbation turns the last hidden vectors away from the clean ones (cosine), by one step from a random start. As
    here, the loss at the perturbed vectors is then added to the clean one. Not taken over: their second term in the
    attack, which is the loss.
    """

    def __init__(self, fit: Fit, old: Attack) -> None:
        super().__init__(fit, old, "clip")
        self._hidden: torch.Tensor | None = None
        fit.network.head.register_forward_pre_hook(self._keep)

    def _keep(self, module: torch.nn.Module, arguments: tuple[torch.Tensor, ...]) -> None:
        self._hidden = arguments[0]

    def step(self, passes: Passes, whole: View, drawn: NDArray[np.bool_]) -> torch.Tensor:
        loss = whole.loss(passes.forward(whole), whole)
        assert self._hidden is not None
        before = self._hidden.detach().float()
        passes.backward(whole, loss)
        view = whole.take(drawn)
        inside = view.batch.inside
        ball = self._size.ball(inside)
        shift = ball.random(inside, passes.dimension, self._generator(whole)).requires_grad_()
        passes.forward(view, shift)
        turned = torch.nn.functional.cosine_similarity(self._hidden.float(), view.same(before), dim=-1)
        away = torch.where(inside, 1 - turned, 0.0).sum() / inside.sum()
        found = ball.steepest(passes.gradient(view, away, shift), inside)
        clean = [None if one.grad is None else one.grad.clone() for one in self._weights]
        for one in self._weights:
            one.grad = None
        passes.backward(view, view.loss(passes.forward(view, found), whole))
        self._join(clean)
        self._hidden = None
        return loss.detach()


class SequenceVirtual(Virtual):
    """Virtual adversarial training on whole labellings.

    After Chen et al. 2020, "SeqVAT: Virtual Adversarial Training for Semi-Supervised Sequence Labeling" (ACL): the
    divergence is that of the probabilities of the k best labellings of each window under the clean output, and of all
    others together. Labellings obey the rule that I follows only B or I.
    """

    def _learn(
        self, passes: Passes, whole: View, drawn: NDArray[np.bool_], clean: torch.Tensor, words: torch.Tensor
    ) -> None:
        view = whole.take(drawn)
        inside = view.batch.inside
        ball = self._size.ball(inside, float(drawn.mean()))
        noise = torch.randn((*whole.batch.ids.shape, passes.dimension), generator=self._generator(whole))
        shift = ball.steepest(view.same(noise), inside)
        best = [
            [best_labellings(row[at][:, label].log_softmax(-1)) for label in range(clean.shape[2])]
            for row, at in zip(clean.float(), view.batch.words, strict=True)
        ]
        for _ in range(self._steps):
            shift.requires_grad_()
            away = _divergence(clean, passes.forward(view, shift), view.batch.words, best)
            shift = ball.steepest(passes.gradient(view, away, shift), inside)
        away = _divergence(clean, passes.forward(view, shift), view.batch.words, best)
        # as the clean loss: a sum over the windows, divided by the number of words
        passes.backward(view, away / whole.batch.scored())


def best_labellings(logs: torch.Tensor, k: int = 5) -> torch.Tensor:
    """Return the k best labellings under the rule that I follows only B or I, shape (k or fewer, words).

    :param logs: log-probabilities of O, B and I, shape (words, 3).
    """
    paths: list[tuple[float, tuple[int, ...]]] = [(0.0, ())]
    for scores in logs.tolist():
        longer = [
            (score + scores[tag], (*path, tag))
            for score, path in paths
            for tag in range(3)
            if tag != I or (path and path[-1] in (B, I))
        ]
        paths = sorted(longer, reverse=True)[:k]
    return torch.tensor([path for _, path in paths], dtype=torch.long).reshape(len(paths), len(logs))


def _divergence(
    clean: torch.Tensor, logits: torch.Tensor, words: torch.Tensor, best: list[list[torch.Tensor]]
) -> torch.Tensor:
    total = logits.new_zeros(())
    for n, at in enumerate(words):
        if not at.any():
            continue
        for label, labellings in enumerate(best[n]):
            p = _probabilities(clean[n][at][:, label].float(), labellings)
            q = _probabilities(logits[n][at][:, label].float(), labellings)
            total = total + (p * (p.clamp(min=1e-9).log() - q.clamp(min=1e-9).log())).sum()
    return total


def _probabilities(logits: torch.Tensor, labellings: torch.Tensor) -> torch.Tensor:
    """Return the probabilities of labellings and of all others together, which sum to 1."""
    logs = logits.log_softmax(-1)
    each = logs.gather(1, labellings.T).sum(dim=0).exp()
    return torch.cat([each, (1 - each.sum()).clamp(min=1e-9)[None]])


def _norm(gradients: list[torch.Tensor | None]) -> torch.Tensor:
    return torch.linalg.vector_norm(torch.stack([one.norm() for one in gradients if one is not None]))
