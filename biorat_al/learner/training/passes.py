"""Forward and backward passes over a batch or a part of it, with a count of their cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from biorat_al.learner.encoder.device import Device
from biorat_al.learner.encoder.head import EncoderNetwork
from biorat_al.learner.encoder.windows import SomeWindows
from biorat_al.learner.training.dropout import MaskDraws
from biorat_al.learner.training.embedding_tap import EmbeddingTap


@dataclass(slots=True)
class Cost:
    """The passes and word pieces of a training run so far.

    :param forward_passes: forward passes over batches; a pass over a part of a batch counts as that fraction.
    :param backward_passes: backward passes, counted likewise; one that stops at the word vectors counts in full.
    :param tokens: word pieces of text in all forward passes, without padding and special tokens.
    """

    forward_passes: float = 0.0
    backward_passes: float = 0.0
    tokens: int = 0

    @property
    def passes(self) -> float:
        """Cost in units of one forward and one backward pass, where a backward pass counts as two forward passes."""
        return (self.forward_passes + 2 * self.backward_passes) / 3


class Inputs(Protocol):
    """A batch as passes need it: a network's input, and what the network is to learn.

    :ivar ids: word pieces with special tokens and padding, shape (windows, length).
    :ivar inside: true where a word vector may be perturbed, shape (windows, length).
    :ivar words: true where a score counts; shape of the scores without their last two dimensions.
    :ivar lengths: lengths of windows without special tokens and padding, shape (windows,), on the CPU.
    """

    @property
    def ids(self) -> torch.Tensor: ...

    @property
    def inside(self) -> torch.Tensor: ...

    @property
    def words(self) -> torch.Tensor: ...

    @property
    def lengths(self) -> NDArray[np.int64]: ...

    def scores(self, network: nn.Module) -> torch.Tensor:
        """Return the logits, shape (windows, places, labels, classes)."""

    def loss(self, logits: torch.Tensor) -> torch.Tensor:
        """Return the loss over all that is scored, summed and divided by :meth:`scored`."""

    def scored(self) -> torch.Tensor:
        """Return the number of scored items that the loss is divided by, at least 1."""

    def take(self, part: SomeWindows) -> Inputs:
        """Return the batch of the windows in `part`."""


class UnlabelledInputs(Protocol):
    """A source of windows of documents that nobody has annotated.

    :ivar size: windows per draw.
    :ivar share: windows per draw, per labelled window of a full batch.
    """

    size: int
    share: float

    def next(self) -> Inputs:
        """Draw :attr:`size` different windows."""


class View(NamedTuple):
    """The input of a pass: a batch, or some of its windows.

    :param batch: the windows.
    :param key: numbers that determine the dropout masks.
    :param part: which windows of the batch they are; None means all.
    :param share: its number of windows, divided by that of a full batch.
    """

    batch: Inputs
    key: tuple[int, ...]
    part: SomeWindows | None = None
    share: float = 1.0

    def take(self, chosen: NDArray[np.bool_]) -> View:
        """Return a view of the `chosen` windows, cropped to the longest, with the dropout masks of this view."""
        if chosen.all():
            return self
        part = SomeWindows.of(self.batch.ids, self.batch.lengths, chosen)
        return View(self.batch.take(part), self.key, part, self.share * float(chosen.mean()))

    def same(self, tensor: torch.Tensor) -> torch.Tensor:
        """Return this view's part of a tensor of the whole batch, shape (windows, length, …)."""
        return tensor if self.part is None else self.part.tensor(tensor)

    def loss(self, logits: torch.Tensor, whole: View) -> torch.Tensor:
        """Return the loss of this view, as a part of the loss of the `whole` batch.

        The sum is divided by the number of items that the loss of the whole batch is divided by, not by those in this
        view. Each window then has the
        same weight, regardless of the other draws. If each window is drawn with probability p, the expected loss is p
        times that of the whole batch, just as if batches are drawn. Divided by the number in the drawn windows, a
        window that is drawn alone would weigh as much as a whole batch.
        """
        loss = self.batch.loss(logits)
        return loss if self.part is None else loss * (self.batch.scored() / whole.batch.scored())


class Passes:
    """The passes of one network, with a count of their cost.

    :param draws: draws of the network's dropout masks.
    :param tap: tap at its word embedding.
    :param cost: where the cost is added.
    """

    def __init__(
        self, network: EncoderNetwork, device: Device, draws: MaskDraws, tap: EmbeddingTap, cost: Cost
    ) -> None:
        self._network = network
        self._device = device
        self._draws = draws
        self._tap = tap
        self._cost = cost

    @property
    def dimension(self) -> int:
        """Length of a word vector."""
        return self._network.word_embedding.embedding_dim

    def forward(self, view: View, shift: torch.Tensor | None = None, *, listen: bool = False) -> torch.Tensor:
        """Compute the network's scores, shape (windows, places, labels, classes).

        :param shift: shift of the word vectors, shape (windows, length, dimension).
        :param listen: keep the gradient by the word vectors in the backward pass, for :meth:`heard`.
        """
        self._draws.begin(*view.key, part=view.part)
        self._tap.listen, self._tap.shift = listen, shift
        with self._device.autocast():
            logits = view.batch.scores(self._network)
        self._tap.listen, self._tap.shift = False, None
        self._cost.forward_passes += view.share
        self._cost.tokens += int(view.batch.lengths.sum())
        return logits

    def backward(self, view: View, loss: torch.Tensor) -> None:
        """Add the gradients of `loss` to those of the weights."""
        loss.backward()  # type: ignore[no-untyped-call]
        self._cost.backward_passes += view.share

    def heard(self) -> torch.Tensor:
        """Return the gradient by the word vectors, from the backward pass after a forward pass with `listen`."""
        return self._tap.gradient()

    def gradient(self, view: View, loss: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
        """Return the gradient of `loss` by `shift`, and leave the gradients of the weights unchanged."""
        (gradient,) = torch.autograd.grad(loss, shift)
        self._cost.backward_passes += view.share
        return gradient
