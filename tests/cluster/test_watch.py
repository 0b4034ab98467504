"""A command does not wait without end for a node that will not come."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from biorat_al.cluster import watch as module
from biorat_al.cluster.connection import Connected
from biorat_al.cluster.needs import TaskNeeds
from biorat_al.cluster.watch import NodeWatch
from biorat_al.errors import ClusterError

LARGE = {"Alive": True, "Resources": {"CPU": 2.0, "memory": 9.0}}
SMALL = {"Alive": True, "Resources": {"CPU": 1.0, "memory": 9.0}}
LOST = LARGE | {"Alive": False}


def test_a_cluster_without_a_node_for_a_task_is_an_error_after_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(module.time, "monotonic", lambda: now)
    nodes: list[Any] = [SMALL, LARGE]
    asked: list[float] = []

    def told() -> list[Any]:
        asked.append(now)
        return nodes

    watch = NodeWatch(Connected(SimpleNamespace(nodes=told), "h:1"), TaskNeeds(cpus=2, gpus=0.0, memory=9, threads=2))

    def seconds(number: int) -> None:
        nonlocal now
        for _ in range(number):
            now += 1
            watch.look()

    seconds(100)
    assert len(asked) == 10
    nodes[:] = [SMALL, LOST]
    seconds(60)
    nodes[:] = [SMALL, LARGE]
    seconds(10)
    nodes[:] = [SMALL, LOST]
    seconds(60)
    with pytest.raises(ClusterError, match=r"^no node of the Ray cluster at h:1 is left on which a task fits; add one"):
        seconds(10)
