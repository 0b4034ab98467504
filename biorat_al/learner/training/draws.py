"""Random adversarial training: what is adversarial is drawn from a Bernoulli distribution.

RanAT4BIE (arXiv 2509.11191) draws so as to pay for a part of the adversarial passes only; its abstract leaves the
norm, the size and the unit of the draw open. So they are settings here.

What is perturbed is the output of the word embedding, before positions are added, as in Miyato, Dai & Goodfellow 2017
("Adversarial Training Methods for Semi-Supervised Text Classification", section 3). Instead of normalising the word
vectors, ε is measured in units of their mean norm, so that it means the same for every encoder. The perturbations
themselves are in :mod:`biorat_al.learner.training.perturbation`, the passes made with them in
:mod:`biorat_al.learner.training.attacks`.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from biorat_al.settings import AdversarialSettings, Arm


class BernoulliDraws:
    """Decides what is adversarial: each step, or each window of it.

    :param arm: ``none`` and ``matched`` never are, ``at`` always, ``rat`` with the settings' probability.
    """

    def __init__(self, arm: Arm, settings: AdversarialSettings, seed: int) -> None:
        mean = mean_probability(arm, settings)
        ends = max(0.0, 2 * mean - 1), min(1.0, 2 * mean)
        self._first, self._last = {"constant": (mean, mean), "rising": ends, "falling": ends[::-1]}[settings.schedule]
        self._by_example = settings.draw == "example"
        # a stream of its own: drawing does not shift any other random choice
        self._generator = np.random.default_rng([seed, 0xAD])

    def probability(self, done: float) -> float:
        """p when a share `done` of the training is done."""
        return self._first + (self._last - self._first) * done

    def next(self, windows: int, done: float = 0.5) -> NDArray[np.bool_]:
        """Draw for the next step; the draws lie in [0, 1), so p = 0 is never and p = 1 is always.

        :returns: whether each of the `windows` is adversarial; all or none of them where the draw is by batch.
        """
        values = self._generator.random(windows if self._by_example else 1)
        return np.broadcast_to(values < self.probability(done), windows)


def mean_probability(arm: Arm, settings: AdversarialSettings) -> float:
    """p of an arm, averaged over the schedule."""
    return {"none": 0.0, "matched": 0.0, "rat": settings.probability, "at": 1.0}[arm]


def passes_per_step(arm: Arm, settings: AdversarialSettings, batch_size: int) -> float:
    """Expected passes of an optimizer step of `arm`, in units of a plain step's forward and backward pass.

    Passes count by the windows in them, so that it makes no difference to the mean whether batches are drawn or
    windows. A backward pass is taken for two forward ones, as by Kaplan et al. 2020, "Scaling Laws for Neural Language
    Models", section 2.1.

    :param batch_size: windows per step; against it the unlabelled windows of ``vat`` are measured.
    """
    p = mean_probability(arm, settings)
    steps = attack_steps(settings)
    if settings.attack == "pgd":
        return 1 + p * steps
    if settings.attack == "freelb":
        return 1 - p + p * steps
    if settings.attack == "vat":
        # unlabelled windows have no clean pass for the labels' sake; a forward pass gives the output to stay close to
        unlabelled = settings.unlabelled / batch_size
        return 1 + p * (steps + 1 + unlabelled * (1 / 3 + steps + 1))
    return 1 + p


def attack_steps(settings: AdversarialSettings) -> int:
    """K of ``pgd`` and ``freelb``, power iterations of ``vat``, 1 of ``single-step``.

    Three steps are what Zhu et al. 2020 ("FreeLB") mostly take, one iteration what Miyato et al. 2019 ("Virtual
    Adversarial Training") do.
    """
    return settings.steps or (3 if settings.attack in ("pgd", "freelb") else 1)


class EmbeddingTap:
    """Reads the gradient at the output of a word embedding, and shifts that output.

    Used as a context manager; outside of it the embedding is as it was. The table itself is never written to.
    """

    def __init__(self, embedding: nn.Embedding) -> None:
        self._embedding = embedding
        self._output: torch.Tensor | None = None
        self.listen = False
        self.shift: torch.Tensor | None = None

    def __enter__(self) -> EmbeddingTap:
        self._handle = self._embedding.register_forward_hook(self._hook)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._handle.remove()
        self._output = self.shift = None

    def gradient(self) -> torch.Tensor:
        """The gradient by the vectors that the last pass with :attr:`listen` saw, shape (windows, length, dimension).

        The gradient by the shift is the same.
        """
        gradient = None if self._output is None else self._output.grad
        if gradient is None:
            raise RuntimeError("no pass was listened to")
        self._output = None
        return gradient

    def _hook(self, module: nn.Module, arguments: Any, output: torch.Tensor) -> torch.Tensor:
        # the development part is predicted between steps, without gradients
        if self.listen and output.requires_grad:
            output.retain_grad()
            self._output = output
        return output if self.shift is None else output + self.shift
