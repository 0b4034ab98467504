"""What models make of documents that they have not learnt from.

The documents are cut into parts. For each part, a plain model is trained on the documents of all others and
reads it. What it has read is kept under the digest of everything that it depends on, so that only what is missing is
trained.

The confidences of mentions and of words are calibrated on all parts together, by the annotations that are audited.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from biorat_al.corpus.model.document import Document
from biorat_al.errors import UsageError
from biorat_al.learner.scaling import OF_ONE_MODEL, UNCALIBRATED, Scaling, fit_scaling
from biorat_al.learner.types import Example
from biorat_al.people.audit.predictions import HeldOut, Predicted, WordChances
from biorat_al.progress import Titled
from biorat_al.rounds.out_of_fold.folds import folds_of
from biorat_al.rounds.out_of_fold.kept import kept_readings, make_folder, remove_others, write_readings
from biorat_al.settings import without_later
from biorat_al.wording import plural

if TYPE_CHECKING:
    from biorat_al.learner.entities.tagger import UncalibratedReading
    from biorat_al.learner.training.job import TrainingJob

_FORMAT = 1
"""Changes when files of an earlier version must not be read."""


@dataclass(frozen=True, slots=True)
class CrossFit:
    """What is cut into parts, and how a model is trained on all but one of them.

    :param examples: the documents that models learn from.
    :param documents: the documents that are read; each id occurs once.
    :param wholes: id of the document that a segment is a part of, by the segment's id.
    :param labels: labels that the models learn.
    :param room: a folder for models, each of which is removed after it has read its part.
    :param kept: the folder in which what they have read is kept.
    """

    examples: Sequence[Example]
    documents: Sequence[Document]
    wholes: Mapping[str, str]
    labels: tuple[str, ...]
    job: TrainingJob
    room: Path
    kept: Path

    def read(self, folds: int) -> HeldOut:
        """Return what the models make of all documents; train those of which nothing is kept.

        :param folds: number of parts.
        :raises UsageError: there are fewer documents than parts, or all that models learn from are in one part.
        :raises NotEnoughLabelsError: the documents of all parts but one have no text.
        :raises ProjectError: what models have read cannot be kept.
        """
        parts = folds_of(self.documents, self.wholes, folds, self.job.seed)
        learnt = [self._learnt(part) for part in parts]
        if not all(learnt):
            raise UsageError(
                f"only one of {folds} parts has documents that models learn from ({len(self.examples):,} in all), so "
                "that one model would have nothing to learn: annotate more documents of the pool"
            )
        keys = [self._key(some, part) for some, part in zip(learnt, parts, strict=True)]
        found = [kept_readings(self.kept, key, self.labels) for key in keys]
        if missing := sum(one is None for one in found):
            make_folder(self.kept)
            self.job.progress.say(
                f"Training {plural(missing, 'model')} for the audit, each without one of {folds} parts of the "
                f"documents. What {'it finds' if missing == 1 else 'they find'} is kept until annotations change."
            )
        readings: list[UncalibratedReading] = []
        for number, part in enumerate(parts):
            kept = found[number]
            readings += kept if kept is not None else self._read_anew(learnt[number], part, keys[number], number, folds)
        remove_others(self.kept, keys)
        return self._calibrated(readings, folds)

    def _learnt(self, part: Sequence[Document]) -> list[Example]:
        left_out = {document.id for document in part}
        return [example for example in self.examples if example.document.id not in left_out]

    def _read_anew(
        self, learn: Sequence[Example], part: Sequence[Document], key: str, number: int, folds: int
    ) -> list[UncalibratedReading]:
        from biorat_al.learner.entities.cross_fitting import read_held_out

        progress = Titled(self.job.progress, f"training without part {number + 1} of {folds}")
        readings = read_held_out(learn, part, replace(self.job, progress=progress), labels=self.labels, room=self.room)
        write_readings(self.kept, key, readings, self.labels)
        return readings

    def _key(self, learn: Sequence[Example], part: Sequence[Document]) -> str:
        """Return the digest of everything that a part's readings depend on, besides the machine."""
        from biorat_al.learner.entities.training import EntityTraining

        job = self.job
        training = EntityTraining(job=job, labels=self.labels, unlabelled=())
        values = {
            "format": _FORMAT,
            "learnt": training.fingerprint(sorted(learn, key=lambda one: (one.document.id, training.content(one)))),
            "read": [[document.id, document.text] for document in part],
            "labels": self.labels,
            "encoder": job.encoder.fingerprint,
            "max_length": job.encoder.tokenizer.max_length,
            "start": None if job.start is None else job.start.sha256,
            "training": without_later(job.training.model_dump(mode="json")),
            "seed": job.seed,
        }
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()

    def _calibrated(self, readings: Sequence[UncalibratedReading], folds: int) -> HeldOut:
        """Calibrate the readings on the documents that models learn from."""
        from biorat_al.learner.entities.fitting import fitted_scaling

        by_id = {one.document_id: one for one in readings}
        chances = {name: WordChances(self.labels, one.starts, one.ends, one.inside) for name, one in by_id.items()}
        examples = [example for example in self.examples if example.document.id in by_id]
        proposed = [by_id[example.document.id].entities for example in examples]
        of_mentions = fitted_scaling(proposed, examples, OF_ONE_MODEL)
        of_words = word_scaling((chances[example.document.id], example) for example in examples)
        model = f"a model of {folds - 1} of {folds} parts"
        predicted = {}
        for name, one in by_id.items():
            scores = of_mentions.apply([entity.score or 0.0 for entity in one.entities]).tolist()
            entities = tuple(replace(entity, score=score) for entity, score in zip(one.entities, scores, strict=True))
            words = replace(chances[name], inside=of_words.apply(one.inside))
            predicted[name] = Predicted(model, entities, words=words)
        return HeldOut(folds, predicted)


def word_scaling(words: Iterable[tuple[WordChances, Example]]) -> Scaling:
    """Fit the calibration of the probability that a word is in a mention, to what is annotated.

    Labels that nobody was asked for in a document are left out, and so are words of disputed mentions.
    """
    probabilities, right = [], []
    for chances, example in words:
        given = np.zeros(chances.inside.shape, dtype=bool)
        known = np.ones(chances.inside.shape, dtype=bool)
        for column, label in enumerate(chances.labels):
            known[:, column] = label not in example.unasked.labels
            for entities, table, value in ((example.entities, given, True), (example.disputed.entities, known, False)):
                for entity in entities:
                    if entity.label == label:
                        table[chances.words_in(entity.spans), column] = value
        probabilities.append(chances.inside[known])
        right.append(given[known])
    if not probabilities:
        return UNCALIBRATED
    return fit_scaling(np.concatenate(probabilities), np.concatenate(right), UNCALIBRATED)
