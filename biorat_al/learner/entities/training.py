"""The training of one arm's entity model, from the base encoder, on everything that people have annotated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from biorat_al.corpus.model.document import Document
from biorat_al.errors import NotEnoughLabelsError
from biorat_al.learner.entities.batching import EncodedPart, encode_part
from biorat_al.learner.entities.fitting import Fit
from biorat_al.learner.entities.network import TaggingNetwork
from biorat_al.learner.entities.saved_tagger import Behaviour
from biorat_al.learner.training.job import TrainingJob
from biorat_al.learner.training.order import Learnt, Training
from biorat_al.learner.types import Example, TrainedModel


def train(
    examples: Sequence[Example],
    job: TrainingJob,
    *,
    labels: Sequence[str],
    models_dir: Path,
    prefix: str,
    provenance: Mapping[str, Any] | None = None,
    unlabelled: Sequence[Document] = (),
) -> TrainedModel:
    """Train one arm and save it as ``<prefix>-<hash of its weights>`` in `models_dir`.

    The order of `examples` and of `unlabelled` does not matter. What the arms of one seed have in common, and when
    results are the same bit for bit, is documented in :class:`~biorat_al.learner.training.order.Training`.

    :param examples: annotated documents, including those without mentions.
    :param labels: entity types, in the order of the network's outputs.
    :param provenance: further facts on its origin for the model's folder (JSON values).
    :param unlabelled: documents that nobody has annotated; used only by ``vat`` with `adversarial.unlabelled` of their
        windows in each adversarial step.
    :raises NotEnoughLabelsError: there is no example, or no example has any text.
    :raises LearnerError: the loss is no longer a number, or the model cannot be saved.
    """
    return EntityTraining(job=job, labels=labels, unlabelled=unlabelled).run(examples, models_dir, prefix, provenance)


@dataclass(frozen=True, kw_only=True)
class EntityTraining(Training[EncodedPart, TaggingNetwork]):
    """The training of an entity model on the mentions of the examples."""

    labels: Sequence[str]
    unlabelled: Sequence[Document]

    def content(self, example: Example) -> list[Any]:
        mentions = sorted([entity.label, *map(list, entity.spans)] for entity in example.entities)
        masked = sorted([entity.label, *map(list, entity.spans)] for entity in example.disputed.entities)
        unasked = sorted(example.unasked.labels.intersection(self.labels))
        # without disputes and unasked labels, the fingerprint stays that of versions that knew neither
        apart = [masked, unasked] if unasked else [masked] if masked else []
        return [example.document.id, example.document.text, mentions, *apart]

    def encode(self, examples: Sequence[Example]) -> EncodedPart:
        rules = self.job.training.sentence_rules
        return encode_part(examples, self.job.encoder.tokenizer, self.labels, sentence_rules=rules)

    def check(self, learn: EncodedPart, dev: EncodedPart) -> None:
        if not learn.examples:
            raise NotEnoughLabelsError("there is no annotated document to train on: annotate at least one")
        if not any(len(pieces) for pieces in learn.pieces):
            raise NotEnoughLabelsError("the annotated documents hold no text to train on: annotate one with text")

    def word_pieces(self, learn: EncodedPart, dev: EncodedPart) -> Iterable[NDArray[np.int64]]:
        return (pieces.ids for part in (learn, dev, self._pool) if part is not None for pieces in part.pieces)

    def network(self, base: Any) -> TaggingNetwork:
        return TaggingNetwork(base, len(self.labels))

    def begin(self, network: TaggingNetwork) -> None:
        if self.job.start is not None:
            self.job.start.load_into(network, self.labels)

    def learn(self, network: TaggingNetwork, learn: EncodedPart, dev: EncodedPart, words: NDArray[np.int64]) -> Learnt:
        tokenizer, pool = self.job.encoder.tokenizer, self._pool
        fit = Fit(network, self.labels, self._job_in_windows(learn), unlabelled=pool, words=words)
        outcome = fit.run(learn, dev, self.job.progress)
        return Learnt(
            outcome,
            Behaviour(
                tuple(self.labels),
                outcome.scaling.temperature,
                tokenizer.pad,
                tokenizer.max_length,
                outcome.scaling.offset,
                self.job.training.context,
                self.job.training.sentence_rules,
            ),
            {"training": self.job.training, "adversarial": self.job.adversarial},
            {
                "labels": list(self.labels),
                "documents": len(learn.examples),
                "dev_documents": len(dev.examples),
                "unlabelled_documents": len(pool.examples) if pool else 0,
                "unrepresentable": dict(learn.unrepresentable + dev.unrepresentable),
            },
        )

    def _job_in_windows(self, learn: EncodedPart) -> TrainingJob:
        """Return the job with numbers of windows where the settings have numbers of sentences."""
        training, adversarial = self.job.training, self.job.adversarial
        longest = self.job.encoder.tokenizer.window_length
        batch_size = learn.windows_of(training.batch_size, longest, training.context)
        if adversarial.unlabelled and self._pool is not None:
            unlabelled = self._pool.windows_of(adversarial.unlabelled, longest, training.context)
            adversarial = adversarial.model_copy(update={"unlabelled": unlabelled})
        return replace(
            self.job, training=training.model_copy(update={"batch_size": batch_size}), adversarial=adversarial
        )

    @cached_property
    def _pool(self) -> EncodedPart | None:
        """The documents that nobody has annotated, encoded; None if they take no part."""
        if not self.job.adversarial.unlabelled or self.job.arm == "none":
            return None
        documents = sorted(self.unlabelled, key=lambda document: (document.id, document.text))
        return self.encode([Example(document, ()) for document in documents])
