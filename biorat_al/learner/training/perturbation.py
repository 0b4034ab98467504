"""Perturbations of word vectors: the steepest one of a given size, projection onto a ball, a random start.

Perturbations are measured in one of three norms, separately for each token, for each sequence, or for the whole batch.
The steepest perturbation maximises the linearised loss gᵀr subject to ‖r‖ ≤ ε; its gain is ε times the dual norm of the
gradient g:

- ``l2``: r = ε · g / ‖g‖₂ (Miyato, Dai & Goodfellow 2017, "Adversarial Training Methods for Semi-Supervised Text
  Classification", equation 5; FGM), dual ‖g‖₂;
- ``linf``: r = ε · sign(g) (Goodfellow, Shlens & Szegedy 2015, "Explaining and Harnessing Adversarial Examples",
  section 4; FGSM), dual ‖g‖₁;
- ``l1``: all of ε in the one component with the largest gradient, dual ‖g‖∞.

Padding and special tokens are never moved.

A size means the same in every norm and scope if it is given as the root mean square L2 shift of a word vector
(:class:`PerturbationSize`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import nn

from biorat_al.learner.encoder.device import put
from biorat_al.settings import AdversarialSettings

Norm = Literal["l2", "linf", "l1"]
Scope = Literal["token", "sequence", "batch"]


@dataclass(frozen=True, slots=True)
class Ball:
    """The perturbations ‖r‖ ≤ radius.

    :param norm: the norm that measures size.
    :param scope: whether each token, each sequence or the whole batch has one norm.
    :param radius: radius in the units of the word vectors; or one for each token, each sequence or the batch, shape
        (groups, 1).
    """

    norm: Norm
    scope: Scope
    radius: float | torch.Tensor

    def part(self, share: float) -> Ball:
        """Return the ball for a `share` of the batch's windows.

        Norms by token or sequence do not change. The norm of a whole batch shrinks as if the perturbation were spread
        evenly.
        """
        if self.scope != "batch" or self.norm == "linf":
            return self
        return replace(self, radius=self.radius * (share if self.norm == "l1" else share**0.5))

    def steepest(
        self, gradient: torch.Tensor, inside: torch.Tensor, size: float | torch.Tensor | None = None
    ) -> torch.Tensor:
        """Return the perturbation of a given size that raises the linearised loss most.

        :param gradient: gradient of the loss by the word vectors, shape (windows, length, dimension).
        :param inside: true where a vector may be moved, shape (windows, length).
        :param size: norm of the perturbation; None means the radius.
        :returns: perturbation of the gradient's shape, 32-bit floats; zero for a token, sequence or batch whose
            gradient is zero or not finite.
        """
        flat = self._groups(torch.where(inside[..., None], gradient.float(), 0.0))
        largest, place = flat.abs().max(dim=1, keepdim=True)
        if self.norm == "l2":
            # divide by the largest element first, so that the squares of tiny gradients do not underflow
            direction = flat / largest
            direction = direction / direction.norm(dim=1, keepdim=True)
        elif self.norm == "linf":
            direction = flat.sign()
        else:
            direction = torch.zeros_like(flat).scatter_(1, place, flat.gather(1, place).sign())
        size = self.radius if size is None else size
        moved = torch.where(torch.isfinite(largest) & (largest > 0), size * direction, 0.0)
        return moved.view(gradient.shape)

    def project(self, perturbation: torch.Tensor) -> torch.Tensor:
        """Return the nearest perturbation in the ball, by Euclidean distance; same shape."""
        flat = self._groups(perturbation)
        if self.norm == "linf":
            radius = torch.as_tensor(self.radius, dtype=flat.dtype, device=flat.device)
            projected = flat.clamp(-radius, radius)
        elif self.norm == "l2":
            norm = flat.norm(dim=1, keepdim=True)
            projected = torch.where(norm > self.radius, flat * (self.radius / norm), flat)
        else:
            projected = self._project_l1(flat)
        return projected.view(perturbation.shape)

    def random(self, inside: torch.Tensor, dimension: int, generator: torch.Generator) -> torch.Tensor:
        """Draw a start inside the ball: each component uniform in ±radius / N^(1/q), for N components in norm q.

        For ``l2`` that is line 4 of algorithm 1 of Zhu et al. 2020, "FreeLB".

        :param generator: a generator on the CPU, so that all devices get the same start.
        """
        drawn = put(torch.rand((*inside.shape, dimension), generator=generator), inside.device) * 2 - 1
        drawn = torch.where(inside[..., None], drawn, 0.0)
        components = self._groups(inside[..., None].expand_as(drawn)).sum(dim=1, keepdim=True).clamp(min=1)
        power = {"l2": 0.5, "linf": 0.0, "l1": 1.0}[self.norm]
        return (self._groups(drawn) * self.radius / components**power).view(drawn.shape)

    def _groups(self, tensor: torch.Tensor) -> torch.Tensor:
        """Reshape a tensor so that each row holds the components that share one norm."""
        windows, length, _ = tensor.shape
        rows = {"token": windows * length, "sequence": windows, "batch": 1}[self.scope]
        return tensor.reshape(rows, -1)

    def _project_l1(self, flat: torch.Tensor) -> torch.Tensor:
        """Project rows by the method of Duchi et al. 2008, "Efficient Projections onto the l1-Ball", figure 1."""
        sizes = flat.abs()
        falling = sizes.sort(dim=1, descending=True).values
        excess = falling.cumsum(dim=1) - self.radius
        ranks = torch.arange(1, flat.shape[1] + 1, device=flat.device)
        kept = (falling * ranks > excess).sum(dim=1, keepdim=True).clamp(min=1)
        threshold = excess.gather(1, kept - 1) / kept
        shrunk = flat.sign() * (sizes - threshold).clamp(min=0)
        return torch.where(sizes.sum(dim=1, keepdim=True) > self.radius, shrunk, flat)


@dataclass(frozen=True, slots=True)
class PerturbationSize:
    """The size of a perturbation as settings state it, from which the ball of each batch follows.

    Of n words with vectors of d components, the steepest perturbation moves each vector by s (root mean square of the
    L2 shifts) if its norm is s √n in ``l2``, s / √d in ``linf``, and s √n in ``l1``, where one component has all of it.

    :param shift: root mean square L2 shift of a word vector, in the units of the word vectors; None if `radius` counts.
    :param radius: the norm itself, the same for windows of any length.
    """

    norm: Norm
    scope: Scope
    shift: float | None = None
    radius: float = 0.0

    @classmethod
    def of(cls, settings: AdversarialSettings, embedding: nn.Embedding, scope: Scope | None = None) -> PerturbationSize:
        """Return the size that settings give for an encoder.

        :param scope: None selects that of the settings.
        """
        scope = scope or settings.scope
        if settings.epsilon is not None:
            return cls(settings.norm, scope, radius=settings.epsilon * unit_of(embedding, settings.norm))
        shift = settings.shift * unit_of(embedding)
        if settings.norm == "linf":
            return cls(settings.norm, scope, radius=shift / embedding.embedding_dim**0.5)
        return cls(settings.norm, scope, shift=shift)

    def ball(self, inside: torch.Tensor, share: float = 1.0) -> Ball:
        """Return the ball for a batch, or for some of its windows.

        :param inside: true where a vector may be moved, shape (windows, length).
        :param share: its number of windows, as a share of the batch.
        """
        if self.shift is None:
            return Ball(self.norm, self.scope, self.radius).part(share)
        windows, length = inside.shape
        rows = {"token": windows * length, "sequence": windows, "batch": 1}[self.scope]
        words = inside.reshape(rows, -1).sum(dim=1, keepdim=True)
        return Ball(self.norm, self.scope, self.shift * words.sqrt())


def unit_of(embedding: nn.Embedding, norm: Norm = "l2") -> float:
    """Return the mean norm of the word vectors, without those that are all zero (padding)."""
    vectors = embedding.weight.detach().float()
    order = {"l2": 2.0, "linf": float("inf"), "l1": 1.0}[norm]
    sizes = torch.linalg.vector_norm(vectors, order, dim=1)
    return float(sizes[sizes > 0].mean())
