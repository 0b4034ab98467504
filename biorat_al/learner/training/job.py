"""How one arm is trained: everything but the documents."""

from __future__ import annotations

from dataclasses import dataclass, field

from biorat_al.learner.encoder.device import Device, pick_device
from biorat_al.learner.encoder.encoder import Encoder
from biorat_al.progress import SILENT, Progress
from biorat_al.settings import AdversarialSettings, Arm, TrainingSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingJob:
    """How one arm is trained, whether on entities or on relations.

    :param encoder: the base encoder that training starts from.
    :param seed: decides the development part, the order of batches, the first head and the dropout masks.
    :param device: the best that there is unless given.
    """

    encoder: Encoder
    arm: Arm
    training: TrainingSettings
    adversarial: AdversarialSettings
    seed: int
    device: Device = field(default_factory=pick_device)
    progress: Progress = SILENT
