"""The loop of all trainings: when it looks at the loss, and what it says of one that is no number."""

from __future__ import annotations

from itertools import repeat
from typing import Any

import pytest
import torch

from biorat_al.errors import LearnerError
from biorat_al.learner.encoder.device import Device
from biorat_al.learner.encoder.encoder import Encoder
from biorat_al.learner.entities.batching import Batch
from biorat_al.learner.entities.fitting import Fit
from biorat_al.learner.entities.network import TaggingNetwork
from biorat_al.learner.training.job import TrainingJob
from biorat_al.learner.training.loop import READ_EVERY
from biorat_al.progress import SILENT
from biorat_al.settings import AdversarialSettings, Arm, TrainingSettings


@pytest.fixture
def fit(encoder: Encoder, network: TaggingNetwork, cpu: Device) -> Fit:
    training = TrainingSettings(learning_rate=1e-5)
    return Fit(
        network,
        ["a", "b"],
        TrainingJob(
            encoder=encoder, arm="none", training=training, adversarial=AdversarialSettings(), seed=13, device=cpu
        ),
    )


def break_in_step(fit: Fit, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the loss of a step (counted from 1) be no number, and of all after it."""
    step = fit.step

    def broken(*arguments: Any) -> torch.Tensor:
        loss = step(*arguments)
        return loss if fit.outcome.steps < number else loss * float("nan")

    monkeypatch.setattr(fit, "step", broken)


def test_a_loss_that_is_no_number_ends_the_training_with_a_sentence(
    fit: Fit, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_in_step(fit, 3, monkeypatch)
    with pytest.raises(
        LearnerError, match=r"^the loss is not a number by step 3, though it was [\d.]+ in step 2 and had not risen"
    ):
        fit.make(repeat(batch), 5, SILENT, "training")


@pytest.mark.parametrize(("broken", "told"), [(3, READ_EVERY), (READ_EVERY + 2, READ_EVERY + 4)])
def test_a_gpu_is_not_waited_for_in_every_step(
    fit: Fit, batch: Batch, monkeypatch: pytest.MonkeyPatch, broken: int, told: int
) -> None:
    fit._read_every = READ_EVERY
    break_in_step(fit, broken, monkeypatch)
    # at the latest after the last step
    with pytest.raises(LearnerError, match=f"^the loss is not a number by step {told}, "):
        fit.make(repeat(batch), READ_EVERY + 4, SILENT, "training")


def test_a_training_that_stops_early_is_looked_at_before_its_model_is_kept(
    fit: Fit, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit._read_every = READ_EVERY
    break_in_step(fit, 2, monkeypatch)
    with pytest.raises(LearnerError, match=r"^the loss is not a number by step 4, "):
        fit.make(repeat(batch), 9, SILENT, "training", lambda: fit.outcome.steps == 4)


def test_a_step_gives_its_loss_without_the_graph_behind_it(fit: Fit, batch: Batch) -> None:
    fit.make(repeat(batch), 1, SILENT, "training")
    from biorat_al.learner.training.embedding_tap import EmbeddingTap

    with EmbeddingTap(fit.network.word_embedding) as tap:
        loss = fit.step(batch, tap)
    assert not loss.requires_grad
    assert float(loss) > 0


def fit_of(network: TaggingNetwork, encoder: Encoder, cpu: Device, arm: Arm = "none", **changes: float) -> Fit:
    training = TrainingSettings(learning_rate=changes.pop("learning_rate", 1e-5))
    return Fit(
        network,
        ["a", "b"],
        TrainingJob(
            encoder=encoder, arm=arm, training=training, adversarial=AdversarialSettings(**changes), seed=13, device=cpu
        ),
    )


def test_broken_weights_are_not_called_a_learning_rate(
    network: TaggingNetwork, encoder: Encoder, cpu: Device, batch: Batch
) -> None:
    with torch.no_grad():
        network.base.encoder.layer[0].output.dense.weight[0, 0] = float("nan")
    with pytest.raises(LearnerError, match=r"weights are damaged: .*layer\.0\.output\.dense\.weight holds") as caught:
        fit_of(network, encoder, cpu).make(repeat(batch), 5, SILENT, "training")
    assert "learning_rate" not in str(caught.value)


def test_an_encoder_that_leaves_the_range_of_floats_is_not_called_a_learning_rate(
    network: TaggingNetwork, encoder: Encoder, cpu: Device, batch: Batch
) -> None:
    with torch.no_grad():
        network.head.weight.fill_(3e38)
    with pytest.raises(LearnerError, match="not a number from the first step on") as caught:
        fit_of(network, encoder, cpu).make(repeat(batch), 5, SILENT, "training")
    assert "learning_rate" not in str(caught.value)
    assert "32-bit floats on cpu; choose another encoder" in str(caught.value)


def test_a_perturbation_that_is_too_large_is_named(
    network: TaggingNetwork, encoder: Encoder, cpu: Device, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit = fit_of(network, encoder, cpu, "at", epsilon=900)
    break_in_step(fit, 3, monkeypatch)
    with pytest.raises(LearnerError, match=r"smaller adversarial\.epsilon \(it is 900, 0\.3 is usual\)") as caught:
        fit.make(repeat(batch), 5, SILENT, "training")
    assert "learning_rate" not in str(caught.value)


def test_a_loss_that_rose_before_it_broke_is_a_learning_rate(
    fit: Fit, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = fit.step

    def rising(*arguments: Any) -> torch.Tensor:
        loss = step(*arguments)
        return loss * (10.0**fit.outcome.steps if fit.outcome.steps < 4 else float("inf"))

    monkeypatch.setattr(fit, "step", rising)
    with pytest.raises(
        LearnerError, match=r"^training diverged by step 4 \(.* in step 3\): set a smaller learning_rate"
    ):
        fit.make(repeat(batch), 5, SILENT, "training")
