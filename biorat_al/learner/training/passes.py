"""Forward and backward passes over a batch or a part of it, each of them counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from biorat_al.learner.encoder.device import Device
from biorat_al.learner.encoder.head import EncoderNetwork
from biorat_al.learner.encoder.windows import Part
from biorat_al.learner.training.draws import EmbeddingTap
from biorat_al.learner.training.dropout import Draws


@dataclass(slots=True)
class Cost:
    """What was spent so far, by counting.

    :param forward_passes: of batches; a pass over a part of a batch's windows counts as that part.
    :param backward_passes: likewise; one that stops at the word vectors counts as well.
    :param tokens: word pieces of text in all forward passes, padding and special tokens not counted.
    """

    forward_passes: float = 0.0
    backward_passes: float = 0.0
    tokens: int = 0

    @property
    def passes(self) -> float:
        """In units of one forward and one backward pass, a backward pass taken for two forward ones."""
        return (self.forward_passes + 2 * self.backward_passes) / 3


class Inputs(Protocol):
    """A batch, as far as passes are concerned: what a network is given, and what it is to learn.

    :ivar ids: word pieces with special tokens and padding, shape (windows, length).
    :ivar inside: true where a word vector may be perturbed, shape (windows, length).
    :ivar words: true where a score counts, of the shape of the scores without their last two dimensions.
    :ivar lengths: windows without special tokens and padding, shape (windows,); on the CPU.
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
        """The logits, shape (windows, places, labels, classes)."""

    def loss(self, logits: torch.Tensor) -> torch.Tensor:
        """The mean loss over what is scored."""

    def scored(self) -> torch.Tensor:
        """What the loss is the mean over: a number, one at least."""

    def take(self, part: Part) -> Inputs:
        """The windows of `part`."""


class UnlabelledInputs(Protocol):
    """Draws windows of documents that nobody has annotated.

    :ivar size: windows per draw.
    :ivar share: windows per draw, per labelled window of a full batch.
    """

    size: int
    share: float

    def next(self) -> Inputs:
        """Draw :attr:`size` different windows."""


class View(NamedTuple):
    """What a pass sees: a batch, or some of its windows.

    :param batch: these windows.
    :param key: numbers that its dropout masks follow from.
    :param part: which windows they are, None for all.
    :param share: windows in it per window of a full batch.
    """

    batch: Inputs
    key: tuple[int, ...]
    part: Part | None = None
    share: float = 1.0

    def take(self, chosen: NDArray[np.bool_]) -> View:
        """The `chosen` windows, with the dropout masks that they have in this view; cropped to the longest of them."""
        if chosen.all():
            return self
        part = Part.of(self.batch.ids, self.batch.lengths, chosen)
        return View(self.batch.take(part), self.key, part, self.share * float(chosen.mean()))

    def same(self, tensor: torch.Tensor) -> torch.Tensor:
        """The part of `tensor`, shape (windows, length, …) of the whole batch, that this view sees."""
        return tensor if self.part is None else self.part.tensor(tensor)

    def loss(self, logits: torch.Tensor, whole: View) -> torch.Tensor:
        """The loss, as a part of that of the `whole` batch.

        It is divided by what is scored in the whole batch, not of the windows at hand: each window then
        weighs the same whoever else was drawn, so that the expectation over draws of each window with probability p is
        p times the loss of the whole batch, as it is where batches are drawn. Divided by what is scored in the drawn
        ones, a window that is drawn alone would weigh as much as a whole batch.
        """
        loss = self.batch.loss(logits)
        return loss if self.part is None else loss * (self.batch.scored() / whole.batch.scored())


class Passes:
    """Makes passes of one network, and counts them.

    :param draws: of the network's dropout masks.
    :param tap: at its word embedding.
    """

    def __init__(self, network: EncoderNetwork, device: Device, draws: Draws, tap: EmbeddingTap, cost: Cost) -> None:
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
        """The network's scores, shape (windows, places, labels, classes).

        :param shift: what is added to the word vectors, shape (windows, length, dimension).
        :param listen: let :meth:`backward` return the gradient by the word vectors.
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
        """Add the gradients of `loss` to the weights'."""
        loss.backward()  # type: ignore[no-untyped-call]
        self._cost.backward_passes += view.share

    def heard(self) -> torch.Tensor:
        """The gradient by the word vectors, from the backward pass after a forward pass with `listen`."""
        return self._tap.gradient()

    def gradient(self, view: View, loss: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
        """The gradient of `loss` by `shift`; the weights' own gradients are not computed, and stay as they are."""
        (gradient,) = torch.autograd.grad(loss, shift)
        self._cost.backward_passes += view.share
        return gradient
