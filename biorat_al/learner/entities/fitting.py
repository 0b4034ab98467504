"""One training run of a tagging network on encoded documents."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from biorat_al.corpus.model.document import Entity
from biorat_al.corpus.model.identity import mention_key
from biorat_al.learner.disputes import Undecided
from biorat_al.learner.entities.batching import EncodedPart, UnlabelledWindows, batch_order, make_batch, usual_words
from biorat_al.learner.entities.decoding import decode
from biorat_al.learner.entities.encoding import decode_mentions
from biorat_al.learner.entities.inference import document_logits
from biorat_al.learner.entities.network import TaggingNetwork, tagging_loss
from biorat_al.learner.entities.scoring import score
from biorat_al.learner.scaling import OF_ONE_MODEL, Scaling, fit_scaling
from biorat_al.learner.training.job import TrainingJob
from biorat_al.learner.training.loop import Loop, Outcome
from biorat_al.learner.types import Example
from biorat_al.progress import Progress

EVALUATIONS = 10
"""Evaluations on the development part if an epoch is shorter than a tenth of the training."""


class Fit(Loop):
    """One training run of a tagging network.

    :param job: how it is trained; here `batch_size` and `unlabelled` count windows, whatever the context is.
    :param unlabelled: documents that nobody has annotated, for virtual adversarial training; None if there are none.
    :param words: ids of all word pieces that the network will see; the vectors of others stay unchanged. None allows
        any word piece.
    """

    network: TaggingNetwork

    def __init__(
        self,
        network: TaggingNetwork,
        labels: Sequence[str],
        job: TrainingJob,
        *,
        unlabelled: EncodedPart | None = None,
        words: NDArray[np.int64] | None = None,
    ) -> None:
        super().__init__(network, job, unlabelled=_unlabelled_windows(unlabelled, job), words=words)
        self.tokenizer = job.encoder.tokenizer
        self.labels = labels
        self.outcome.scaling = job.scaling

    def run(self, learn: EncodedPart, dev: EncodedPart, progress: Progress) -> Outcome:
        """Train on `learn`; stop early and calibrate on `dev`, if that has any examples.

        :raises LearnerError: the loss is no longer a number.
        """
        rows = learn.rows(self.tokenizer.window_length, self.training.context)
        per_epoch = -(-len(rows) // self.training.batch_size)
        total = self.steps(per_epoch)
        between_evaluations = max(per_epoch, -(-total // EVALUATIONS))
        watch = _Watch(self, dev)

        def should_stop() -> bool:
            steps = self.outcome.steps
            return bool(dev.examples) and (steps % between_evaluations == 0 or steps == total) and watch.should_stop()

        order = batch_order([len(row.ids) for row in rows], self.training.batch_size, self.seed)
        usual = usual_words(rows, self.training.batch_size)
        batches = (make_batch([rows[n] for n in members], self.tokenizer, self.device, usual) for members in order)
        self.make(batches, total, progress, f"training {self.arm}", should_stop)
        watch.restore_best()
        self.give_words_back()
        self.outcome.epochs = self.outcome.steps / per_epoch
        return self.outcome

    def logits(self, part: EncodedPart) -> list[NDArray[np.floating]]:
        """Compute the logits at the words of `part`, without dropout; shape (words, labels, 3) for each example."""
        self.network.eval()
        with self.device.autocast():
            logits = document_logits(
                self.network, part.pieces, self.tokenizer, self.device, context=self.training.context
            )
        self.network.train()
        return logits


def _unlabelled_windows(documents: EncodedPart | None, job: TrainingJob) -> UnlabelledWindows | None:
    size, training = job.adversarial.unlabelled, job.training
    if not size or documents is None or not any(len(pieces) for pieces in documents.pieces):
        return None
    return UnlabelledWindows(
        documents,
        job.encoder.tokenizer,
        job.device,
        size=size,
        batch_size=training.batch_size,
        seed=job.seed,
        context=training.context,
    )


class _Watch:
    """Early stopping on the development part, with the best weights kept.

    A later evaluation counts as better than an earlier one unless its strict span F1 is lower by more than two standard
    errors of a score on so small a sample. With a falling learning rate, later weights are better on the whole, and the
    development part is too small to show the opposite, except if training breaks down. The loss cannot show it either:
    it is best long before the tags are. On 100 abstracts of NCBI disease, weights chosen by the loss had an F1 three
    points lower.
    """

    def __init__(self, fit: Fit, dev: EncodedPart) -> None:
        self._fit = fit
        self._dev = dev
        self._best = 0.0
        self._worse = 0
        self._weights: dict[str, torch.Tensor] = {}

    def should_stop(self) -> bool:
        """Evaluate, and return whether the score has been clearly worse than the best for too long."""
        outcome, dev, training = self._fit.outcome, self._dev, self._fit.training
        logits = self._fit.logits(dev)
        proposed = [
            decode_mentions(example.document, pieces, decoded.mentions, self._fit.labels)
            for example, pieces, decoded in zip(dev.examples, dev.pieces, decode(logits), strict=True)
        ]
        # by index, because a document may occur twice, from two annotators
        gold = {str(n): example.entities for n, example in enumerate(dev.examples)}
        disputed = {str(n): example.disputed.entities for n, example in enumerate(dev.examples)}
        predicted = {str(n): entities for n, entities in enumerate(proposed)}
        unasked = {str(n): example.unasked.labels for n, example in enumerate(dev.examples)}
        counts = score(gold, predicted, self._fit.labels, disputed, unasked).overall
        if counts.f1 < self._best - 2 * _standard_error(self._best, counts.tp + counts.fn):
            self._worse += 1
            return self._worse >= training.patience and outcome.steps >= self._fit.fewest_steps
        self._best, self._worse = max(self._best, counts.f1), 0
        self._weights = {name: tensor.clone() for name, tensor in self._fit.network.state_dict().items()}
        outcome.best_step = outcome.steps
        outcome.scaling = fitted_scaling(proposed, dev.examples, OF_ONE_MODEL)
        outcome.dev = {"loss": _loss(logits, dev.word_tags), **counts.as_dict()}
        return False

    def restore_best(self) -> None:
        """Load the best weights into the network; without a development part, the last ones count as the best."""
        if self._weights:
            self._fit.network.load_state_dict(self._weights)
        else:
            self._fit.outcome.best_step = self._fit.outcome.steps


def fitted_scaling(proposed: Sequence[Sequence[Entity]], examples: Sequence[Example], expected: Scaling) -> Scaling:
    """Fit a calibration to the scores of the proposed mentions and to what was right, document by document.

    :param proposed: mentions with uncalibrated scores, for each of the `examples`.
    :param expected: the calibration without any mentions.

    Proposed mentions that count neither as right nor as wrong are left out.
    """
    probabilities, right = [], []
    for ours, example in zip(proposed, examples, strict=True):
        known = {mention_key(entity) for entity in example.entities}
        undecided = Undecided(example.entities, example.disputed.entities, example.unasked.labels)
        for entity in ours:
            if mention_key(entity) not in undecided:
                probabilities.append(entity.score or 0.0)
                right.append(mention_key(entity) in known)
    return fit_scaling(probabilities, right, expected)


def _loss(logits: Sequence[NDArray[np.floating]], tags: Sequence[NDArray[np.int64]]) -> float:
    """Return the training loss over all words of a part, in nats; 0 if there are no words."""
    words = torch.from_numpy(np.concatenate(logits)), torch.from_numpy(np.concatenate(tags))
    return float(tagging_loss(*words))


def _standard_error(share: float, number: int) -> float:
    """Return the standard error of a share of `number`, with one hit and one miss added so that it is never 0."""
    smoothed = (share * number + 1) / (number + 2)
    return math.sqrt(smoothed * (1 - smoothed) / (number + 2))
