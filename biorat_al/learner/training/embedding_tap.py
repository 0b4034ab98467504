"""A hook on the word embedding, through which adversarial passes perturb what the encoder reads.

The output of the word embedding is perturbed, before positions are added, as in Miyato, Dai & Goodfellow 2017
("Adversarial Training Methods for Semi-Supervised Text Classification", section 3). They normalise the word vectors;
here ε is measured in units of their mean norm, so that it means the same for every encoder. The perturbations are in
:mod:`biorat_al.learner.training.perturbation`, the passes made with them in :mod:`biorat_al.learner.training.attacks`.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any

import torch
from torch import nn


class EmbeddingTap:
    """A hook that reads the gradient at the output of a word embedding, and shifts that output.

    It is a context manager, which removes the hook at its end. The embedding table is never written to.
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
        """Return the gradient by the vectors of the last pass with :attr:`listen`, shape (windows, length, dimension).

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
