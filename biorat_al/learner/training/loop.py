"""The training loop of every network: draws, attacks, learning rate, counted cost."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from biorat_al.errors import LearnerError
from biorat_al.learner.encoder.device import Device
from biorat_al.learner.encoder.head import EncoderNetwork
from biorat_al.learner.scaling import UNCALIBRATED, Scaling
from biorat_al.learner.training.attacks import learn_plainly, make_attack
from biorat_al.learner.training.broken_loss import Losses, Sizes, check_weights, explain
from biorat_al.learner.training.draws import BernoulliDraws, passes_per_step
from biorat_al.learner.training.dropout import MaskDraws, replace_dropout
from biorat_al.learner.training.embedding_tap import EmbeddingTap
from biorat_al.learner.training.job import TrainingJob
from biorat_al.learner.training.passes import Cost, Inputs, Passes, UnlabelledInputs, View
from biorat_al.learner.training.perturbation import PerturbationSize
from biorat_al.learner.training.vocabulary import WordsInUse
from biorat_al.progress import Progress
from biorat_al.settings import Arm, TrainingSettings

SMALL_ENCODER = 50_000_000
"""An encoder with fewer parameters gets the higher of the two learning rates."""

READ_EVERY = 16
"""Steps between two readings of the loss on a GPU: reading it waits until all queued steps are done."""

FEWEST_STEPS_SMALL, FEWEST_STEPS = 450, 120
"""Least numbers of optimizer steps unless the settings say it, for small encoders and for larger ones.

With 30 abstracts of NCBI disease and MiniLM, 6 epochs (about 450 steps) gave 2.6 points of F1 more than 3 (two seeds:
2.8 and 2.5); for larger encoders nothing has been measured.
"""

LARGEST_GRADIENT = 1.0
"""L2 norm to which the gradient of a step is clipped."""


@dataclass(slots=True)
class Outcome:
    """The outcome of a training run.

    :param adversarial_steps: steps in which the batch, or at least one window, was adversarial.
    :param cost: passes and word pieces, clean and adversarial.
    :param epochs: passes over the training part.
    :param best_step: the step whose weights were kept.
    :param scaling: calibration fitted on the development part; that of the job if there is no such part.
    :param dev: scores of the development part at the best step; None if there is no such part.
    """

    steps: int = 0
    adversarial_steps: int = 0
    cost: Cost = field(default_factory=Cost)
    epochs: float = 0.0
    best_step: int = 0
    scaling: Scaling = UNCALIBRATED
    dev: dict[str, Any] | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the outcome as a model's summary states it (JSON values)."""
        return {
            "steps": self.steps,
            "adversarial_steps": self.adversarial_steps,
            "forward_passes": round(self.cost.forward_passes, 4),
            "backward_passes": round(self.cost.backward_passes, 4),
            "passes": round(self.cost.passes, 4),
            "tokens": self.cost.tokens,
            "epochs": round(self.epochs, 3),
            "best_step": self.best_step,
            "dev": self.dev,
            **self.scaling._asdict(),
        }


class Loop:
    """One training run of one arm.

    The network's dropout is replaced by that of :mod:`biorat_al.learner.training.dropout`.

    :param unlabelled: windows without labels, for virtual adversarial training; None if there are none.
    :param words: ids of all word pieces that the network will see; the vectors of others stay unchanged. None allows
        any word piece.
    """

    def __init__(
        self,
        network: EncoderNetwork,
        job: TrainingJob,
        *,
        unlabelled: UnlabelledInputs | None = None,
        words: NDArray[np.int64] | None = None,
    ) -> None:
        arm, adversarial, seed, device = job.arm, job.adversarial, job.seed, job.device
        self.network = network
        self.arm: Arm = arm
        self.training = job.training
        self.adversarial = adversarial
        self.seed = seed
        self.device = device
        self.outcome = Outcome()
        self._draws = MaskDraws(device)
        replace_dropout(network.base, self._draws)
        self._bernoulli = BernoulliDraws(arm, adversarial, seed)
        size = PerturbationSize.of(adversarial, network.word_embedding)
        self._attack = make_attack(size, adversarial, seed, unlabelled)
        # the unit of the size is that of the whole table, so that it does not depend on the documents
        self._words = None if words is None else WordsInUse(network, words)
        self._optimizer = make_optimizer(network, job.training, device)
        self._read_every = READ_EVERY if device.kind == "cuda" else 1
        self._peak = [group["lr"] for group in self._optimizer.param_groups]
        self._losses = Losses()

    @property
    def fewest_steps(self) -> int:
        """The least number of optimizer steps."""
        fewest = self.training.min_steps
        return fewest if fewest is not None else FEWEST_STEPS_SMALL if is_small(self.network) else FEWEST_STEPS

    def steps(self, per_epoch: int) -> int:
        """Return the largest number of optimizer steps.

        The arm ``matched`` makes plain steps, as many as cost the expected passes of ``rat`` with these settings.

        :param per_epoch: steps in an epoch.
        """
        steps = max(self.training.epochs * per_epoch, self.fewest_steps)
        if self.arm == "matched":
            # the pool may hold fewer windows than were asked for
            settings = self.adversarial.model_copy(update={"unlabelled": self._attack.unlabelled})
            return round(steps * passes_per_step("rat", settings, self.training.batch_size))
        return steps

    def make(
        self,
        batches: Iterable[Inputs],
        total: int,
        progress: Progress,
        title: str,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> None:
        """Make `total` steps, one for each of the first `batches`.

        :param should_stop: called after each step; training ends early if it returns true.
        :raises LearnerError: the loss, or a weight before the first step, is not a number; the message says why.
        """
        check_weights(self.network)
        self.network.train()
        with EmbeddingTap(self.network.word_embedding) as tap, progress.bar(title, total, "step") as bar:
            for batch in islice(batches, total):
                self._set_learning_rate(total)
                # the middle of the step, so that the mean of a linear schedule over all steps is the mean of its ends
                loss = self.step(batch, tap, (self.outcome.steps + 0.5) / total)
                bar.advance()
                steps = self.outcome.steps
                self._losses.first = loss if self._losses.first is None else self._losses.first
                if steps % self._read_every == 0 or steps == total:
                    bar.note(f"loss {self._checked(loss):.3f}")
                if should_stop():
                    self._checked(loss)
                    break

    def step(self, batch: Inputs, tap: EmbeddingTap, done: float = 0.5) -> torch.Tensor:
        """Make one optimizer step, adversarial or not, and return the loss at its start, on the device.

        :param done: share of the training that is done, for the schedule of the draws.
        """
        passes = Passes(self.network, self.device, self._draws, tap, self.outcome.cost)
        whole = View(batch, (self.seed, self.outcome.steps))
        drawn = self._bernoulli.next(len(batch.ids) + self._attack.unlabelled, done)
        loss = self._attack.step(passes, whole, drawn) if drawn.any() else learn_plainly(passes, whole)
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), LARGEST_GRADIENT)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        self.outcome.steps += 1
        self.outcome.adversarial_steps += bool(drawn.any())
        return loss.detach()

    def _checked(self, loss: torch.Tensor) -> float:
        """Read a loss.

        :raises LearnerError: it is no longer a number.
        """
        value = float(loss)
        if not math.isfinite(value):
            raise LearnerError(explain(self._losses, self.outcome.steps, self._sizes(), self.device))
        self._losses.last = (value, self.outcome.steps)
        return value

    def _sizes(self) -> Sizes:
        usual = usual_rate(self.network)
        if self.arm in ("none", "matched"):
            return Sizes(self._peak[0], usual)
        return Sizes(self._peak[0], usual, self.adversarial.size)

    def give_words_back(self) -> None:
        """Put the whole table of word vectors back into the network."""
        if self._words is not None:
            self._words.give_back()

    def _set_learning_rate(self, total: int) -> None:
        factor = learning_rate_factor(self.outcome.steps, total, self.training.warmup)
        for group, rate in zip(self._optimizer.param_groups, self._peak, strict=True):
            group["lr"] = rate * factor


def make_optimizer(network: EncoderNetwork, training: TrainingSettings, device: Device) -> torch.optim.AdamW:
    """Return AdamW (Loshchilov & Hutter 2019), without decay on biases and normalisation."""
    rate = training.learning_rate or usual_rate(network)
    groups = [
        {"params": [p for p in network.parameters() if p.ndim > 1], "weight_decay": training.weight_decay},
        {"params": [p for p in network.parameters() if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=rate, fused=device.kind in ("cpu", "cuda"))


def usual_rate(network: EncoderNetwork) -> float:
    """Return the default peak learning rate of a tagging network."""
    return 2e-4 if is_small(network) else 3e-5


def is_small(network: EncoderNetwork) -> bool:
    """Return whether an encoder is small enough for the higher learning rate."""
    return sum(parameter.numel() for parameter in network.parameters()) < SMALL_ENCODER


def learning_rate_factor(step: int, total: int, warmup: float) -> float:
    """Return the share of the peak learning rate in a step (from 0): a linear rise, then a linear fall towards 0.

    :param warmup: share of the steps in which it rises.
    """
    rising = warmup * total
    if step < rising:
        return (step + 1) / (rising + 1)
    return (total - step) / (total - rising)
