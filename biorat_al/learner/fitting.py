"""The training loop: one arm on encoded documents."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from biorat_al.corpus.model import Entity
from biorat_al.errors import LearnerError
from biorat_al.learner.adversarial import BernoulliDraws, EmbeddingTap, passes_per_step
from biorat_al.learner.attacks import learn_plainly, make_attack
from biorat_al.learner.batching import Batch, EncodedPart, UnlabelledWindows, batch_order, make_batch
from biorat_al.learner.calibration import fit_temperature
from biorat_al.learner.decoding import decode
from biorat_al.learner.device import Device
from biorat_al.learner.dropout import Draws, replace_dropout
from biorat_al.learner.encoding import decode_mentions
from biorat_al.learner.inference import document_logits
from biorat_al.learner.network import TaggingNetwork, tagging_loss
from biorat_al.learner.passes import Cost, Passes, View
from biorat_al.learner.perturbation import Ball, unit_of
from biorat_al.learner.scoring import score
from biorat_al.learner.tokenizing import Tokenizer
from biorat_al.learner.vocabulary import WordsInUse
from biorat_al.progress import Progress
from biorat_al.settings import AdversarialSettings, Arm, TrainingSettings

SMALL_ENCODER = 50_000_000
"""Parameters up to which an encoder takes the higher of the two learning rates."""

EVALUATIONS = 10
"""Times that the development part is looked at where an epoch is shorter than a tenth of the training."""

LARGEST_GRADIENT = 1.0
"""L2 norm to which the gradient of a step is clipped."""


@dataclass(slots=True)
class Outcome:
    """What a training run came to.

    :param adversarial_steps: steps with a batch, or with a window at least, that was drawn.
    :param cost: passes and word pieces, clean and adversarial.
    :param epochs: passes over the training part.
    :param best_step: the step whose weights were kept.
    :param temperature: fitted on the development part; 1 without one.
    :param dev: loss and strict span scores of the development part at the best step; None without one.
    """

    steps: int = 0
    adversarial_steps: int = 0
    cost: Cost = field(default_factory=Cost)
    epochs: float = 0.0
    best_step: int = 0
    temperature: float = 1.0
    dev: dict[str, Any] | None = None


@dataclass
class Fit:
    """One training run. Dropout in the network is replaced by our own (:mod:`biorat_al.learner.dropout`).

    :param unlabelled: documents that nobody has annotated, for virtual adversarial training; None where there are none.
    :param words: ids of all word pieces that will be seen; the vectors of others stay as they are. None: any may be.
    """

    network: TaggingNetwork
    tokenizer: Tokenizer
    labels: Sequence[str]
    arm: Arm
    training: TrainingSettings
    adversarial: AdversarialSettings
    seed: int
    device: Device
    unlabelled: EncodedPart | None = None
    words: NDArray[np.int64] | None = None
    outcome: Outcome = field(default_factory=Outcome)

    def __post_init__(self) -> None:
        self._draws = Draws(self.device)
        replace_dropout(self.network.base, self._draws)
        self._bernoulli = BernoulliDraws(self.arm, self.adversarial, self.seed)
        unit = unit_of(self.network.word_embedding, self.adversarial.norm)
        ball = Ball(self.adversarial.norm, self.adversarial.scope, self.adversarial.epsilon * unit)
        self._attack = make_attack(ball, self.adversarial, self.seed, self._unlabelled_windows())
        # the unit is that of the whole table, so that it does not depend on the documents
        self._words = None if self.words is None else WordsInUse(self.network, self.words)
        self._optimizer = make_optimizer(self.network, self.training, self.device)
        self._peak = [group["lr"] for group in self._optimizer.param_groups]

    def run(self, learn: EncodedPart, dev: EncodedPart, progress: Progress) -> Outcome:
        """Train on `learn`; stop early and calibrate on `dev`, if there is any.

        :raises LearnerError: the loss is no longer a number.
        """
        rows = learn.rows(self.tokenizer.window_length)
        per_epoch = -(-len(rows) // self.training.batch_size)
        total = self.steps(per_epoch)
        between_evaluations = max(per_epoch, -(-total // EVALUATIONS))
        watch = _Watch(self, dev)
        order = batch_order([len(row.ids) for row in rows], self.training.batch_size, self.seed)
        self.network.train()
        with (
            EmbeddingTap(self.network.word_embedding) as tap,
            progress.bar(f"training {self.arm}", total, "step") as bar,
        ):
            for members in islice(order, total):
                self._set_learning_rate(total)
                # the middle of the step, so that the mean over all steps of a schedule in a line is that of its ends
                done = (self.outcome.steps + 0.5) / total
                loss = self.step(make_batch([rows[n] for n in members], self.tokenizer, self.device), tap, done)
                if not math.isfinite(loss):
                    raise LearnerError(
                        f"training diverged in step {self.outcome.steps}: set a smaller learning_rate and run it again"
                    )
                bar.advance()
                bar.note(f"loss {loss:.3f}")
                steps = self.outcome.steps
                if dev.examples and (steps % between_evaluations == 0 or steps == total) and watch.should_stop():
                    break
        watch.restore_best()
        if self._words is not None:
            self._words.give_back()
        self.outcome.epochs = self.outcome.steps / per_epoch
        return self.outcome

    def steps(self, per_epoch: int) -> int:
        """Optimizer steps to make at most.

        The arm ``matched`` makes as many plain ones as have, in expectation, the passes of ``rat`` at these settings.
        """
        steps = max(self.training.epochs * per_epoch, self.training.min_steps)
        if self.arm == "matched":
            # the pool may hold fewer windows than were asked for
            settings = self.adversarial.model_copy(update={"unlabelled": self._attack.unlabelled})
            return round(steps * passes_per_step("rat", settings, self.training.batch_size))
        return steps

    def step(self, batch: Batch, tap: EmbeddingTap, done: float = 0.5) -> float:
        """Make one optimizer step, adversarial or not, and return the loss that it began with.

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
        return float(loss)

    def logits(self, part: EncodedPart) -> list[NDArray[np.float32]]:
        """The logits at the words of `part`, without dropout."""
        self.network.eval()
        with self.device.autocast():
            logits = document_logits(self.network, part.pieces, self.tokenizer, self.device)
        self.network.train()
        return logits

    def _unlabelled_windows(self) -> UnlabelledWindows | None:
        size, batch_size = self.adversarial.unlabelled, self.training.batch_size
        if not size or self.unlabelled is None or not any(len(pieces) for pieces in self.unlabelled.pieces):
            return None
        return UnlabelledWindows(
            self.unlabelled, self.tokenizer, self.device, size=size, batch_size=batch_size, seed=self.seed
        )

    def _set_learning_rate(self, total: int) -> None:
        factor = learning_rate_factor(self.outcome.steps, total, self.training.warmup)
        for group, rate in zip(self._optimizer.param_groups, self._peak, strict=True):
            group["lr"] = rate * factor


class _Watch:
    """Looks at the development part now and then, stops a training that goes wrong, and keeps the best weights.

    A later evaluation counts as better than an earlier one unless its strict span F1 is lower by more than two standard
    errors of a score of so few mentions: with a falling learning rate, later weights are better on the whole, and the
    development part is too small to say otherwise but where something breaks. Nor does the loss say it: it is at its
    best long before the tags are. On 100 abstracts of NCBI disease, weights chosen by it had an F1 three points lower.
    """

    def __init__(self, fit: Fit, dev: EncodedPart) -> None:
        self._fit = fit
        self._dev = dev
        self._best = 0.0
        self._worse = 0
        self._weights: dict[str, torch.Tensor] = {}

    def should_stop(self) -> bool:
        """Evaluate; true if the score was clearly worse than the best for too long."""
        outcome, dev, training = self._fit.outcome, self._dev, self._fit.training
        logits = self._fit.logits(dev)
        proposed = [
            decode_mentions(example.document, pieces, found.mentions, self._fit.labels)
            for example, pieces, found in zip(dev.examples, dev.pieces, decode(logits), strict=True)
        ]
        # by number: a document may be there twice, from two annotators
        gold = {str(n): example.entities for n, example in enumerate(dev.examples)}
        counts = score(gold, {str(n): entities for n, entities in enumerate(proposed)}, self._fit.labels).overall
        if counts.f1 < self._best - 2 * _standard_error(self._best, counts.tp + counts.fn):
            self._worse += 1
            return self._worse >= training.patience and outcome.steps >= training.min_steps
        self._best, self._worse = max(self._best, counts.f1), 0
        self._weights = {name: tensor.clone() for name, tensor in self._fit.network.state_dict().items()}
        outcome.best_step = outcome.steps
        outcome.temperature = _temperature(proposed, [example.entities for example in dev.examples])
        outcome.dev = {"loss": _loss(logits, dev.word_tags), **counts.as_dict()}
        return False

    def restore_best(self) -> None:
        """Give the network its best weights back; without a development part the last ones are the best."""
        if self._weights:
            self._fit.network.load_state_dict(self._weights)
        else:
            self._fit.outcome.best_step = self._fit.outcome.steps


def _temperature(proposed: Sequence[Sequence[Entity]], gold: Sequence[Sequence[Entity]]) -> float:
    """The temperature that fits the scores of the proposed mentions to what was right, document by document."""
    probabilities, right = [], []
    for ours, theirs in zip(proposed, gold, strict=True):
        known = {(entity.label, frozenset(entity.spans)) for entity in theirs}
        for entity in ours:
            probabilities.append(entity.score or 0.0)
            right.append((entity.label, frozenset(entity.spans)) in known)
    return fit_temperature(probabilities, right)


def _loss(logits: Sequence[NDArray[np.float32]], tags: Sequence[NDArray[np.int64]]) -> float:
    """The training loss over all words of a part, in nats; 0 where there is none."""
    words = torch.from_numpy(np.concatenate(logits)), torch.from_numpy(np.concatenate(tags))
    return float(tagging_loss(*words))


def _standard_error(share: float, number: int) -> float:
    """Of a share of `number`, as if there were one more hit and one more miss, so that it is never 0."""
    smoothed = (share * number + 1) / (number + 2)
    return math.sqrt(smoothed * (1 - smoothed) / (number + 2))


def make_optimizer(network: TaggingNetwork, training: TrainingSettings, device: Device) -> torch.optim.AdamW:
    """AdamW (Loshchilov & Hutter 2019), without decay on biases and normalisation."""
    rate = training.learning_rate
    if rate is None:
        is_small = sum(parameter.numel() for parameter in network.parameters()) < SMALL_ENCODER
        rate = 2e-4 if is_small else 3e-5
    groups = [
        {"params": [p for p in network.parameters() if p.ndim > 1], "weight_decay": training.weight_decay},
        {"params": [p for p in network.parameters() if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=rate, fused=device.kind in ("cpu", "cuda"))


def learning_rate_factor(step: int, total: int, warmup: float) -> float:
    """Share of the peak learning rate in a step (counted from 0): up in a line, then down in a line towards 0."""
    rising = warmup * total
    if step < rising:
        return (step + 1) / (rising + 1)
    return (total - step) / (total - rising)
