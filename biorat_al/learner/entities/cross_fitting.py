"""Models that learn from some documents to read others, which they have not seen."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from biorat_al.corpus.model.document import Document
from biorat_al.learner.entities.tagger import Tagger, UncalibratedReading
from biorat_al.learner.entities.training import train
from biorat_al.learner.training.job import TrainingJob
from biorat_al.learner.types import Example


def read_held_out(
    learn: Sequence[Example], held_out: Sequence[Document], job: TrainingJob, *, labels: Sequence[str], room: Path
) -> list[UncalibratedReading]:
    """Train a model on some documents, and return what it makes of the others, in their order.

    :param labels: labels that the model learns.
    :param room: a folder for the model, which is removed.
    :raises NotEnoughLabelsError: there is no text to learn from.
    :raises LearnerError: the loss is no longer a number, or the model cannot be saved.
    """
    try:
        model = train(learn, job, labels=labels, models_dir=room, prefix="held-out")
        return list(Tagger.load(model.folder, job.device).read(held_out))
    finally:
        shutil.rmtree(room, ignore_errors=True)
