"""What a task asks a cluster for."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from biorat_al.cluster.connection import Connected
from biorat_al.learner.encoder.device import VARIABLE
from biorat_al.learner.encoder.memory import memory_to_train
from biorat_al.settings import Settings


@dataclass(frozen=True, slots=True)
class TaskNeeds:
    """What each task asks for.

    :param cpus: cores.
    :param gpus: GPUs; below 1, tasks share one.
    :param memory: bytes.
    :param threads: threads of each computation.
    """

    cpus: int
    gpus: float
    memory: int
    threads: int

    def with_threads(self, threads: int, settings: Settings) -> TaskNeeds:
        """Return what the same task asks for with another number of threads."""
        return replace(self, cpus=settings.cluster.cpus or threads, threads=threads)

    def options(self) -> dict[str, Any]:
        """Return Ray's options for such a task. Ray does not repeat a task: the caller does, from where it stopped."""
        return {"num_cpus": self.cpus, "num_gpus": self.gpus, "memory": self.memory, "max_retries": 0}

    def places(self, resources: Mapping[str, float]) -> int:
        """Return how many tasks fit at once on a node with these resources."""
        shares = [resources.get("CPU", 0.0) / self.cpus, resources.get("memory", 0.0) / self.memory]
        if self.gpus:
            shares.append(resources.get("GPU", 0.0) / self.gpus)
        # a third of a GPU fits three times
        return math.floor(min(shares) + 1e-6)

    def lacking(self, resources: Mapping[str, float]) -> str | None:
        """Return what such a node has too little of, in words; None if a task fits."""
        if (has := resources.get("CPU", 0.0)) < self.cpus:
            return f"it has {has:g} cores for tasks, and a task asks for {self.cpus}"
        if (has := resources.get("GPU", 0.0)) < self.gpus:
            return f"it has {has:g} GPUs, and a task asks for {self.gpus:g}"
        if (has := resources.get("memory", 0.0)) < self.memory:
            return f"it has {has / 1e9:.1f} GB of memory for tasks, and a task asks for {self.memory / 1e9:.1f}"
        return None


def task_needs(connection: Connected, settings: Settings, threads: int) -> TaskNeeds:
    """Return what each task asks for: what the settings say, or else what the encoder and the cluster suggest.

    :param threads: number of threads of each task.
    """
    wanted = settings.cluster
    memory = wanted.memory
    if memory is None:
        memory = memory_to_train(settings) / 1e9
    return TaskNeeds(
        cpus=wanted.cpus or threads,
        gpus=wanted.gpus if wanted.gpus is not None else _gpus(connection),
        memory=int(memory * 1e9),
        threads=threads,
    )


def _gpus(connection: Connected) -> float:
    """Return 1 if the cluster has GPUs and the user has not chosen the CPU."""
    if os.environ.get(VARIABLE, "").strip().lower() == "cpu":
        return 0.0
    return 1.0 if connection.ray.cluster_resources().get("GPU") else 0.0
