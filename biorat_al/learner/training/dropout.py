"""Dropout that is cheap on a CPU, with masks that depend on the seed and on no other random numbers.

On a CPU, torch draws one number per element from a serial generator, which takes up to a quarter of a training step of
a small encoder. Here, masks are made from random bytes, so the rate is a multiple of 1/256.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from biorat_al.learner.encoder.device import Device
from biorat_al.learner.encoder.windows import SomeWindows


class MaskDraws:
    """The random numbers of the dropout masks of one training run.

    :meth:`begin` is called before each pass. Two passes that begin with the same numbers get the same masks, so the
    adversarial pass sees the same thinned network as the clean one. In a pass over some windows of a batch, each window
    has the mask that it has in a pass over the whole batch (unless an encoder drops something of another shape than
    windows × length × anything, which gets separate masks).
    """

    def __init__(self, device: Device) -> None:
        self._on_cpu = device.kind == "cpu"
        self._bytes = np.random.Generator(np.random.SFC64(0))
        self._generator = None if self._on_cpu else torch.Generator(device.name)
        self._part: SomeWindows | None = None

    def begin(self, *numbers: int, part: SomeWindows | None = None) -> None:
        """Start the draws that belong to `numbers` (the seed and the step).

        :param part: the windows that the pass sees; None means the whole batch.
        """
        self._part = part
        seeds = np.random.SeedSequence(numbers)
        self._bytes = np.random.Generator(np.random.SFC64(seeds))
        if self._generator is not None:
            self._generator.manual_seed(int(seeds.generate_state(1, np.uint64)[0] >> np.uint64(1)))

    def keep(self, like: torch.Tensor, threshold: int) -> torch.Tensor:
        """Draw a mask of the shape of `like` whose elements are true with probability 1 - threshold / 256."""
        part = self._part
        if part is not None and tuple(like.shape[:2]) == (len(part.rows), part.length):
            return part.tensor(self._draw(torch.Size((*part.shape, *like.shape[2:])), like.device)) >= threshold
        return self._draw(like.shape, like.device) >= threshold

    def _draw(self, shape: torch.Size, device: torch.device) -> torch.Tensor:
        if self._generator is None:
            drawn = torch.frombuffer(bytearray(self._bytes.bytes(shape.numel())), dtype=torch.uint8)
            return drawn.view(shape)
        return torch.randint(0, 256, shape, generator=self._generator, device=device)


class Dropout(nn.Module):
    """A replacement for :class:`torch.nn.Dropout`."""

    def __init__(self, p: float, draws: MaskDraws) -> None:
        super().__init__()
        self.p = p
        self._threshold = max(round(p * 256), 1)
        self._scale = 256 / (256 - self._threshold)
        self._draws = draws

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training:
            return x
        return x * self._draws.keep(x, self._threshold).to(x.dtype).mul_(self._scale)


def replace_dropout(network: nn.Module, draws: MaskDraws) -> None:
    """Replace each :class:`torch.nn.Dropout` in `network` that has a rate above 0 by :class:`Dropout`."""
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if type(child) is nn.Dropout and child.p > 0:
                setattr(module, name, Dropout(child.p, draws))
