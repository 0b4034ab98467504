"""Settings for work on a Ray cluster: where it is, and what each task asks for."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from biorat_al.settings.base import Place, SettingsPart


def _whole_or_share(gpus: float) -> float:
    if gpus > 1 and gpus % 1:
        raise ValueError("more than one GPU must be a whole number; a share of one is less than 1")
    return gpus


class ClusterSettings(SettingsPart):
    """The Ray cluster of commands that are called with ``--ray``, and what each of their tasks asks for.

    :param address: address of the cluster's head node, ``HOST:PORT``, or ``auto`` for the cluster that this machine is
        a node of; if unset, Ray is started on this machine for the time of the command.
    :param cpus: cores that a task asks for; if unset, as many as it has threads.
    :param gpus: GPUs that a task asks for, or the share of one; if unset, one where the cluster has any, and none
        elsewhere.
    :param memory: gigabytes of memory that a task asks for; if unset, an estimate from the size of the encoder.
    :param threads: threads of each task; if unset, as many as the same work has without a cluster: a simulated run,
        the training of an arm, the prediction of the pool. Another number of threads gives another model, so a
        simulation keeps the number that it began with.
    """

    address: Place | None = None
    cpus: Annotated[int, Field(ge=1, le=10_000)] | None = None
    gpus: Annotated[float, Field(ge=0, le=64), AfterValidator(_whole_or_share)] | None = None
    memory: Annotated[float, Field(gt=0, le=100_000)] | None = None
    threads: Annotated[int, Field(ge=1, le=10_000)] | None = None
