"""All that defines the training of one arm, except the documents."""

from __future__ import annotations

from dataclasses import dataclass, field

from biorat_al.learner.encoder.device import Device, pick_device
from biorat_al.learner.encoder.encoder import Encoder
from biorat_al.learner.encoder.starting_weights import StartingWeights
from biorat_al.learner.scaling import UNCALIBRATED, Scaling
from biorat_al.progress import SILENT, Progress
from biorat_al.settings import AdversarialSettings, Arm, TrainingSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingJob:
    """The encoder, settings, seed and device with which one arm is trained, on entities or on relations.

    :param encoder: the base encoder that training starts from.
    :param start: a model to begin from instead, trained from the same encoder; for entities only. None begins from the
        base encoder.
    :param seed: decides the development part, the order of batches, the first head and the dropout masks.
    :param scaling: calibration of an entity model that has no development part to fit it on.
    :param device: the best device by default.
    """

    encoder: Encoder
    arm: Arm
    training: TrainingSettings
    adversarial: AdversarialSettings
    seed: int
    scaling: Scaling = UNCALIBRATED
    device: Device = field(default_factory=pick_device)
    progress: Progress = SILENT
    start: StartingWeights | None = None
