"""The calibration of a committee, fitted to its own proposals on documents that no member was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from biorat_al.learner.committee.members import CommitteeTagger
from biorat_al.learner.encoder.device import Device, pick_device
from biorat_al.learner.entities.fitting import fitted_scaling
from biorat_al.learner.entities.tagger import Tagger
from biorat_al.learner.scaling import OF_A_COMMITTEE, UNCALIBRATED, Scaling
from biorat_al.learner.types import Example


def committee_scaling(members: Sequence[Path], held_back: Sequence[Example], device: Device | None = None) -> Scaling:
    """Return the scaling that calibrates the mean of some models' probabilities.

    :param members: the folders of the models.
    :param held_back: examples that none of them was trained on, at least one.
    :param device: None selects the best device.
    :raises LearnerError: a folder is not a complete model.
    """
    device = device or pick_device()
    committee = CommitteeTagger("committee", [Tagger.load(folder, device) for folder in members], UNCALIBRATED)
    predicted = committee.predict(example.document for example in held_back)
    return fitted_scaling([prediction.entities for prediction in predicted], held_back, OF_A_COMMITTEE)
