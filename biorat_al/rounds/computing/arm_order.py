"""All that defines the training of one arm in a round, so that it can be trained in another process."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biorat_al.corpus.model.document import Document
from biorat_al.errors import NotEnoughLabelsError
from biorat_al.learner.types import Example, TrainedModel
from biorat_al.progress import Progress
from biorat_al.settings import AdversarialSettings, Arm, RelationSettings, RelationType, TrainingSettings

if TYPE_CHECKING:
    from biorat_al.learner.encoder.device import Device
    from biorat_al.learner.encoder.encoder import Encoder
    from biorat_al.learner.encoder.starting_weights import StartingWeights
    from biorat_al.learner.scaling import Scaling
    from biorat_al.learner.training.job import TrainingJob


@dataclass(frozen=True, slots=True, kw_only=True)
class RelationOrder:
    """What an arm's relation model learns.

    :param types: the types that can be learnt; if there is none, no relation model is trained.
    :param examples: the annotated documents.
    """

    types: Sequence[RelationType]
    settings: RelationSettings
    examples: Sequence[Example]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmOrder:
    """Everything that decides what an arm's models are, except the encoder's files and the device.

    :param seed: the same for all arms of a round.
    :param scaling: calibration of an entity model that has no development part to fit it on.
    :param start: the model to begin from; None begins from the base encoder.
    :param labels: entity types, in the order of the network's outputs.
    :param examples: the annotated documents for the entity model.
    :param unlabelled: documents that nobody has annotated, for training without labels.
    :param relations: None if the project has no relations.
    :param models_dir: the folder that the model's own folder is made in.
    :param prefix: the beginning of the name of that folder.
    :param provenance: facts on the model's origin for its folder (JSON values).
    """

    arm: Arm
    training: TrainingSettings
    adversarial: AdversarialSettings
    seed: int
    scaling: Scaling
    start: StartingWeights | None
    labels: Sequence[str]
    examples: Sequence[Example]
    unlabelled: Sequence[Document]
    relations: RelationOrder | None
    models_dir: Path
    prefix: str
    provenance: Mapping[str, Any]

    def job(self, encoder: Encoder, device: Device, progress: Progress) -> TrainingJob:
        """Return how the entity model is trained with an encoder on a device."""
        from biorat_al.learner.training.job import TrainingJob

        return TrainingJob(
            encoder=encoder,
            arm=self.arm,
            training=self.training,
            adversarial=self.adversarial,
            seed=self.seed,
            scaling=self.scaling,
            device=device,
            progress=progress,
            start=self.start,
        )


def train_arm(order: ArmOrder, encoder: Encoder, device: Device, progress: Progress) -> TrainedModel:
    """Train the models of an arm; return the entity model, with a summary of all models.

    :param encoder: the base encoder.
    :raises NotEnoughLabelsError: there is nothing to learn.
    :raises LearnerError: the loss is no longer a number, or the model cannot be saved.
    """
    from biorat_al.learner.entities.training import train
    from biorat_al.learner.relations.training import relation_folders

    job = order.job(encoder, device, progress)
    model = train(
        order.examples,
        job,
        labels=order.labels,
        models_dir=order.models_dir,
        prefix=order.prefix,
        provenance=order.provenance,
        unlabelled=order.unlabelled,
    )
    for stale in relation_folders(model.folder):
        # a killed run may have trained it with other settings
        shutil.rmtree(stale)
    if order.relations is None:
        return model
    related = _train_relations(order, order.relations, job, model.folder)
    return replace(model, summary={**model.summary, "relations": related})


def _train_relations(order: ArmOrder, relations: RelationOrder, job: TrainingJob, folder: Path) -> dict[str, Any]:
    """Train an arm's relation model into the folder of its entity model; return its summary, or why it has none."""
    from biorat_al.learner.relations.training import train_relations
    from biorat_al.learner.scaling import UNCALIBRATED

    if not relations.types:
        return {"reason": "no document that was annotated was asked for any relation", "not_candidates": {}}
    try:
        summary = train_relations(
            relations.examples,
            replace(job, scaling=UNCALIBRATED, start=None),
            types=relations.types,
            relations=relations.settings,
            folder=folder,
            provenance=order.provenance,
        )
    except NotEnoughLabelsError as error:
        return {"reason": str(error), "not_candidates": error.not_candidates}
    return dict(summary)
