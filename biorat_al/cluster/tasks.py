"""The start of a task in a worker, and whether a task failed by itself or its worker was lost."""

from __future__ import annotations

import os

from biorat_al.cluster.needs import TaskNeeds
from biorat_al.learner.encoder.device import VARIABLE

PATIENCE = 3
"""Losses in a row, without any progress between them, after which a task is given up."""


def begin_task(needs: TaskNeeds) -> None:
    """Prepare the worker's process for a task: its number of threads, and its device.

    Call it first in every task. A task without a GPU does not use one that its node has: Ray may give it to another.
    """
    import torch

    torch.set_num_threads(needs.threads)
    if needs.gpus:
        os.environ.pop(VARIABLE, None)
    else:
        os.environ[VARIABLE] = "cpu"


def is_loss(error: BaseException) -> bool:
    """Return whether the worker, its node or what it sent was lost, so that the task can be repeated elsewhere.

    :param error: what Ray raised. An error of the task itself is no loss, unless it tells of one.
    """
    from ray import exceptions

    if isinstance(error, exceptions.RayTaskError):
        return isinstance(error.cause, exceptions.RayError) and is_loss(error.cause)
    return isinstance(
        error,
        (
            exceptions.WorkerCrashedError,
            exceptions.RayActorError,
            exceptions.NodeDiedError,
            exceptions.ObjectLostError,
            exceptions.OutOfMemoryError,
            exceptions.OutOfDiskError,
            exceptions.RuntimeEnvSetupError,
        ),
    )
