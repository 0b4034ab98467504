"""What a task asks for, and how many tasks fit on a node."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biorat_al.cluster.connection import Connected
from biorat_al.cluster.needs import TaskNeeds, task_needs
from biorat_al.settings import Settings, make_settings

CPUS, SHARES = st.integers(1, 64), st.sampled_from([0.0, 0.25, 1 / 3, 0.5, 1.0, 2.0])


def needs(connection_gpus: float, encoder: Path, threads: int = 3, **cluster: Any) -> TaskNeeds:
    ray = SimpleNamespace(cluster_resources=lambda: {"CPU": 8.0, "GPU": connection_gpus})
    return task_needs(Connected(ray, "h:1"), settings(encoder, **cluster), threads)


def settings(encoder: Path, **cluster: Any) -> Settings:
    entities = [{"name": "Disease"}]
    return make_settings({"name": "t", "entities": entities, "encoder": {"name": str(encoder)}, "cluster": cluster})


def test_what_is_unset_follows_from_threads_encoder_and_cluster(
    tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BIORAT_DEVICE", raising=False)
    plain = needs(0, tiny_encoder)
    assert (plain.cpus, plain.gpus, plain.threads) == (3, 0.0, 3)
    assert 1.7e9 < plain.memory < 1.8e9
    assert needs(4, tiny_encoder).gpus == 1.0
    monkeypatch.setenv("BIORAT_DEVICE", "cpu")
    assert needs(4, tiny_encoder).gpus == 0.0


def test_what_is_set_is_asked_for(tiny_encoder: Path) -> None:
    asked = needs(4, tiny_encoder, cpus=2, gpus=0.5, memory=1.25)
    assert asked == TaskNeeds(cpus=2, gpus=0.5, memory=1_250_000_000, threads=3)
    assert asked.options() == {"num_cpus": 2, "num_gpus": 0.5, "memory": 1_250_000_000, "max_retries": 0}


@given(CPUS, SHARES, st.integers(1, 10**10), CPUS, st.integers(0, 8), st.integers(0, 10**11))
def test_a_task_fits_where_nothing_is_lacking(
    cpus: int, gpus: float, memory: int, has_cpus: int, has_gpus: int, has_memory: int
) -> None:
    asked = TaskNeeds(cpus=cpus, gpus=gpus, memory=memory, threads=1)
    node = {"CPU": float(has_cpus), "GPU": float(has_gpus), "memory": float(has_memory)}
    places = asked.places(node)
    assert (places >= 1) == (asked.lacking(node) is None)
    assert places * cpus <= has_cpus
    assert places * gpus <= has_gpus + 1e-6
    assert places * memory <= has_memory * (1 + 1e-5)
