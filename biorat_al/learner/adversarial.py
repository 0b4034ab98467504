"""Random adversarial training: whether a step is adversarial is drawn from a Bernoulli distribution.

RanAT4BIE (arXiv 2509.11191) draws so as to pay for a part of the adversarial passes only; its abstract leaves the
norm, the size and the unit of the draw open. Here the draw is made per step, and probability and size are settings.
The perturbation is that of Miyato, Dai & Goodfellow 2017 ("Adversarial Training Methods for Semi-Supervised Text
Classification", section 3), also called FGM: r = ε · g / ‖g‖₂, with g the gradient of the loss by the word vectors of
one sequence, taken from the clean pass; the loss at the perturbed vectors is added to the clean one.

What is perturbed is the output of the word embedding, before positions are added, as in that paper. Instead of
normalising the word vectors, ε is measured in units of their mean norm, so that it means the same for every encoder.
Padding and special tokens are not perturbed.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any

import numpy as np
import torch
from torch import nn

from biorat_al.settings import AdversarialSettings, Arm


class StepDraws:
    """Decides step by step whether it is adversarial.

    :param arm: ``none`` never is, ``at`` always, ``rat`` with the settings' probability.
    """

    def __init__(self, arm: Arm, settings: AdversarialSettings, seed: int) -> None:
        self.probability = {"none": 0.0, "matched": 0.0, "rat": settings.probability, "at": 1.0}[arm]
        # a stream of its own: drawing does not shift any other random choice
        self._generator = np.random.default_rng([seed, 0xAD])

    def next(self) -> bool:
        """Draw for the next step; the draw lies in [0, 1), so 0 is never and 1 is always."""
        return float(self._generator.random()) < self.probability


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
        """The gradient by the vectors that the last pass with :attr:`listen` saw, shape (batch, length, size)."""
        gradient = None if self._output is None else self._output.grad
        if gradient is None:
            raise RuntimeError("no pass was listened to")
        self._output = None
        return gradient

    def _hook(self, module: nn.Module, arguments: Any, output: torch.Tensor) -> torch.Tensor:
        if self.shift is not None:
            return output + self.shift
        # the development part is predicted between steps, without gradients
        if self.listen and output.requires_grad:
            output.retain_grad()
            self._output = output
        return output


def fgm(gradient: torch.Tensor, inside: torch.Tensor, size: float) -> torch.Tensor:
    """The perturbation of Miyato et al. 2017, equation 5: along the gradient, with a fixed L2 norm per sequence.

    :param gradient: of the loss by the word vectors, shape (batch, length, dimension).
    :param inside: true where a vector may be moved, shape (batch, length).
    :param size: norm of each sequence's perturbation, in the units of the vectors.
    :returns: of the gradient's shape, 32-bit floats; zero for a sequence whose gradient is zero or not finite.
    """
    gradient = torch.where(inside[..., None], gradient.float(), 0.0)
    largest = gradient.abs().amax(dim=(1, 2), keepdim=True)
    # by the largest element first, so that the squares of tiny gradients do not vanish
    direction = gradient / largest
    direction = size * direction / direction.norm(dim=(1, 2), keepdim=True)
    return torch.where(torch.isfinite(largest) & (largest > 0), direction, 0.0)


def unit_of(embedding: nn.Embedding) -> float:
    """Mean L2 norm of the word vectors, those that are all zero (padding) left out."""
    norms = embedding.weight.detach().float().norm(dim=1)
    return float(norms[norms > 0].mean())
