"""A round whose cluster has lost its last node ends with a sentence, instead of waiting without end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from types import SimpleNamespace
from typing import Any

import pytest

from biorat_al.cluster import watch
from biorat_al.cluster.connection import Connected
from biorat_al.cluster.needs import TaskNeeds
from biorat_al.cluster.watch import NodeWatch
from biorat_al.errors import ClusterError
from biorat_al.learner.encoder.encoder import Encoder
from biorat_al.progress import SILENT
from biorat_al.rounds.computing import on_ray, pool_on_ray
from biorat_al.rounds.computing.compute import Chunks
from tests.rounds.computing.orders import order

NEEDS = TaskNeeds(cpus=1, gpus=0.0, memory=1, threads=1)


class _Ray:
    """Ray without a node: whatever it is asked for waits."""

    exceptions = SimpleNamespace(RayError=RuntimeError)

    def __init__(self) -> None:
        self.cancelled = 0

    def nodes(self) -> list[Any]:
        return [{"Alive": False, "Resources": {"CPU": 1.0, "memory": 1.0}}]

    def remote(self, function: object) -> Any:
        return SimpleNamespace(options=lambda **_: SimpleNamespace(remote=lambda *_: "task"))

    def wait(self, tasks: list[Any], timeout: float) -> tuple[list[Any], list[Any]]:
        return [], tasks

    def get(self, asked: object) -> list[Any]:
        return []

    def cancel(self, task: object, force: bool) -> None:
        self.cancelled += 1


class _Post:
    def __getattr__(self, name: str) -> Any:
        return SimpleNamespace(remote=lambda *_: None)


@contextmanager
def _office(ray: object) -> Iterator[_Post]:
    yield _Post()


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "_EVERY", 0.0)
    monkeypatch.setattr(watch, "_ALONE_FOR", 0.1)
    monkeypatch.setattr(on_ray, "post_office", _office)


def test_arms_that_no_node_can_train(tmp_path: Path) -> None:
    ray = _Ray()
    compute = on_ray.OnRay(Connected(ray, "h:1"), NEEDS, NEEDS)
    with pytest.raises(ClusterError, match="no node of the Ray cluster at h:1 is left"):
        list(compute.train([order(tmp_path)], Encoder("tiny", "tiny"), SILENT))
    assert ray.cancelled == 1


def test_chunks_that_no_node_can_predict() -> None:
    ray = _Ray()
    nodes = NodeWatch(Connected(ray, "h:1"), NEEDS)
    with pytest.raises(ClusterError, match="no node of the Ray cluster at h:1 is left"):
        pool_on_ray._next(ray, _Post(), Chunks(1, lambda place: []), Queue(), nodes)
