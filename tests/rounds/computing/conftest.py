"""The encoder and the model of the tests of all places that compute."""

from __future__ import annotations

from pathlib import Path

import pytest

from biorat_al.learner.encoder.device import pick_device
from biorat_al.learner.encoder.encoder import Encoder, resolve_encoder
from biorat_al.learner.types import TrainedModel
from biorat_al.progress import SILENT
from biorat_al.rounds.computing.arm_order import train_arm
from tests.rounds.computing.orders import order


@pytest.fixture(scope="session")
def encoder(tiny_encoder: Path) -> Encoder:
    return resolve_encoder(str(tiny_encoder))


@pytest.fixture(scope="session")
def model(encoder: Encoder, tmp_path_factory: pytest.TempPathFactory) -> TrainedModel:
    """Return a model with relations, trained in this process."""
    made = order(tmp_path_factory.mktemp("models"), related=True)
    return train_arm(made, encoder, pick_device(), SILENT)
