"""Diagnosis of a loss that is no longer a number: too large a learning rate is only one of several causes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import nn

from biorat_al.errors import LearnerError
from biorat_al.learner.encoder.device import VARIABLE, Device
from biorat_al.settings import USUAL_SHIFT

_RISEN = 2.0
"""A loss above this many times the first loss counts as rising."""

_LARGE = 10.0
"""A setting above this many times the usual value counts as large."""

_USUAL_SIZES = {"shift": USUAL_SHIFT, "epsilon": 0.3}
"""Usual values of the settings that give the size of a perturbation."""


@dataclass(slots=True)
class Losses:
    """The losses of a run that are kept for the diagnosis.

    :param first: loss of the first step, left on the device so that the step need not wait for it.
    :param last: the last loss that was read and was a number, and its step.
    """

    first: torch.Tensor | None = None
    last: tuple[float, int] | None = None


@dataclass(frozen=True, slots=True)
class Sizes:
    """Settings that can make a loss diverge, each with its usual value.

    :param perturbation: setting that gives the size of the perturbation, and its value; None if nothing is perturbed.
    """

    learning_rate: float
    usual_rate: float
    perturbation: tuple[str, float] | None = None


def check_weights(network: nn.Module) -> None:
    """Check before the first step that all weights are finite numbers.

    :raises LearnerError: a weight is not; the message names it.
    """
    for name, weights in network.named_parameters():
        if not bool(torch.isfinite(weights).all()):
            raise LearnerError(
                f"the encoder's weights are damaged: {name} holds values that are not numbers, before any training; "
                "put its files back as they were published, or choose another encoder"
            )


def explain(losses: Losses, step: int, sizes: Sizes, device: Device) -> str:
    """Return the likely reason why the loss is no longer a number by `step`, and what to do about it."""
    first = math.nan if losses.first is None else float(losses.first)
    rate = f"learning_rate is {sizes.learning_rate:g}, {sizes.usual_rate:g} is usual"
    size, value = sizes.perturbation or ("shift", 0.0)
    if value > _LARGE * _USUAL_SIZES[size]:
        also = " and a smaller learning_rate" if sizes.learning_rate > _LARGE * sizes.usual_rate else ""
        return (
            f"training diverged by step {step}: set a smaller adversarial.{size} (it is {value:g}, "
            f"{_USUAL_SIZES[size]:g} is usual){also}, and run it again"
        )
    if not math.isfinite(first):
        return (
            f"the loss is not a number from the first step on, before anything was learnt, though all weights are: "
            f"what the encoder computes leaves the range of {_arithmetic(device)}; {_elsewhere(device)}choose another "
            "encoder"
        )
    last, when = losses.last or (first, 1)
    if last > _RISEN * first or sizes.learning_rate > _LARGE * sizes.usual_rate:
        return (
            f"training diverged by step {step} (loss {first:.3g} at first, {last:.3g} in step {when}): set a smaller "
            f"learning_rate ({rate}) and run it again"
        )
    return (
        f"the loss is not a number by step {step}, though it was {last:.3g} in step {when} and had not risen, and the "
        f"learning rate is not large ({rate}): an overflow in {_arithmetic(device)}, or a fault of the hardware or its "
        f"driver; run it again, and if it stops at the same step, {_elsewhere(device)}choose another encoder or "
        "another seed"
    )


def _arithmetic(device: Device) -> str:
    return f"{'bf16' if device.bf16 else '32-bit floats'} on {device.name}"


def _elsewhere(device: Device) -> str:
    return "" if device.kind == "cpu" else f"set {VARIABLE}=cpu, or "
