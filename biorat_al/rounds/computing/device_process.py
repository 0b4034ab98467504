"""What a process does that trains arms and predicts chunks on one device."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biorat_al.corpus.model.document import Document
from biorat_al.learner.types import Prediction, TrainedModel
from biorat_al.rounds.computing.arm_order import ArmOrder, train_arm
from biorat_al.rounds.computing.messages import SendingProgress

if TYPE_CHECKING:
    from biorat_al.learner.encoder.device import Device
    from biorat_al.learner.encoder.encoder import Encoder
    from biorat_al.learner.predictor import Predictor

_device: Device
_messages: Any = None
_predictors: dict[Path, Predictor] = {}


def begin(device: Device, messages: Any) -> None:
    """Set up the process: its device, and the queue that its messages go to."""
    global _device, _messages
    if device.kind == "cuda" and device.name != "cuda":
        import torch

        # else pinned memory would take room on the first GPU
        torch.cuda.set_device(device.name)
    _device, _messages = device, messages


def trained(order: ArmOrder, encoder: Encoder) -> TrainedModel:
    """Train an arm on the device of this process."""
    return train_arm(order, encoder, _device, SendingProgress(order.arm, _send))


def predicted(folder: Path, documents: Sequence[Document]) -> list[Prediction]:
    """Predict documents with the model in `folder`, which the process loads once."""
    from biorat_al.learner.predictor import Predictor

    if folder not in _predictors:
        _predictors[folder] = Predictor.load(folder, _device)
    return list(_predictors[folder].predict(documents))


def _send(name: str, text: str, percent: int | None) -> None:
    _messages.put((name, text, percent))
