"""Runs side by side on a Ray cluster: as alone, also when workers and nodes are lost in the middle."""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from biorat_al.cluster import watch
from biorat_al.cluster.connection import Connected
from biorat_al.cluster.needs import TaskNeeds
from biorat_al.efficiency.runs.model import Run, read_runs
from biorat_al.efficiency.runs.of_project import live_runs
from biorat_al.efficiency.simulation.grid import Grid, Trial, trial_settings
from biorat_al.efficiency.simulation.on_ray import RayRunner, ray_runner
from biorat_al.efficiency.simulation.options import simulation_grid
from biorat_al.efficiency.simulation.scheduling import SimulationJob, TrialRunner
from biorat_al.efficiency.simulation.simulation import read_simulation
from biorat_al.efficiency.simulation.trial import CORPUS, run_trial, trained_rounds
from biorat_al.errors import ClusterError
from biorat_al.progress import SILENT
from biorat_al.settings import Settings
from biorat_al.store.store import Store
from tests.efficiency.simulation.contract import (
    QUICK,
    TrialRunnerContract,
    comparable,
    documents,
    job_in,
    settings_with,
)
from tests.support.commands import call, one_sentence
from tests.support.ray_cluster import HEAD, SECOND, TwoNodes, ended, kill_all, ray_settings

__all__ = ["documents"]

STEPS = "training.min_steps=40"
"""So many that a test finds the time to kill somebody."""

_SECONDS = 120


class TestRayRunner(TrialRunnerContract):
    def opened(self, job: SimulationJob) -> AbstractContextManager[TrialRunner]:
        return self._on_this_machine(job)

    @contextmanager
    def _on_this_machine(self, job: SimulationJob) -> Iterator[TrialRunner]:
        pytest.importorskip("ray", reason="Ray is missing: pip install -e '.[cluster]'")
        with ray_settings(), ray_runner(job, "", SILENT) as runner:
            yield runner


def test_runs_that_no_node_can_make_do_not_wait_without_end(
    tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "_EVERY", 0.0)
    monkeypatch.setattr(watch, "_ALONE_FOR", 0.1)
    (tmp_path / CORPUS).mkdir()
    ray = SimpleNamespace(put=len, remote=lambda task: task, wait=lambda runs, **_: ([], runs), nodes=list)
    job = SimulationJob(
        tmp_path, settings_with(tiny_encoder), simulation_grid(["none"], ["random"], seeds=1, rounds=1), 1, 1
    )
    needs = TaskNeeds(cpus=1, gpus=0.0, memory=1, threads=1)
    runner = RayRunner(job, Connected(ray, "h:1"), needs, SILENT)
    with pytest.raises(ClusterError, match="no node of the Ray cluster at h:1 is left on which a task fits"):
        until(lambda: bool(runner.events(0.0)))


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + _SECONDS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture
def study(tmp_path: Path, tiny_encoder: Path, documents: tuple[Path, Path]) -> tuple[Settings, Grid, list[str | Path]]:
    """Return settings and grid of a simulation, and the words of the command for it, without its folder."""
    settings = settings_with(tiny_encoder, STEPS)
    words: list[str | Path] = [
        *("simulate", "--documents", documents[0], "--test-documents", documents[1], "--entity", "Disease"),
        *("--entity", "Chemical"),
        *("--arm", "none", "--strategy", "mnlp", "--seeds", "3", "--rounds", "3", "--size", "4", "--name", "demo"),
        *("--encoder", tiny_encoder, *(word for change in (*QUICK, STEPS) for word in ("--set", change))),
        *("--set", "cluster.threads=1"),
    ]
    return settings, simulation_grid(["none"], ["mnlp"], seeds=3, rounds=3), words


def begun(folder: Path, trials: list[Trial], cluster: TwoNodes, host: str) -> Trial | None:
    """Return a trial that a node is at work on, and of which a model has arrived; None if there is none now."""
    return next(
        (trial for trial in trials if trained_rounds(folder, trial) >= 1 and cluster.workers(host, trial.id)), None
    )


def first_point(folder: Path, trial: Trial, settings: Settings, copy: Path) -> dict[str, float]:
    """Return how long each step of the first round with a model took, from what has arrived of a run."""
    shutil.copytree(folder / "work" / trial.id, copy)
    store = Store.open("sqlite", copy)
    try:
        (run,) = live_runs(store, trial_settings(trial, settings, 20))
    finally:
        store.close()
    return dict(run.points[0].seconds)


@pytest.mark.slow(90)
@pytest.mark.usefixtures("one_thread")
def test_runs_survive_the_loss_of_a_worker_and_then_of_a_node(
    two_nodes: TwoNodes,
    study: tuple[Settings, Grid, list[str | Path]],
    documents: tuple[Path, Path],
    tmp_path: Path,
) -> None:
    settings, grid, words = study
    folder, trials = tmp_path / "study", list(grid.trials())
    command = two_nodes.start(*words, "--ray", two_nodes.address, "--output", folder)
    try:
        found: list[Trial] = []

        def found_on(host: str) -> bool:
            found.extend(filter(None, [begun(folder, trials, two_nodes, host)]))
            return bool(found)

        until(lambda: found_on(HEAD))
        (worker,) = two_nodes.workers(HEAD, found[0].id)
        kept = first_point(folder, found[0], settings, tmp_path / "copy")
        worker.kill()
        until(lambda: bool(two_nodes.workers(SECOND, "-s")))
        two_nodes.kill_node(SECOND)
        outcome = ended(command)
    finally:
        kill_all(command)
        if SECOND not in two_nodes.nodes:
            two_nodes.start_node(SECOND)
    assert outcome.code == 0, outcome
    lost = [line.split()[3] for line in outcome.err.splitlines() if line.startswith("The worker of ")]
    # Ray may tell of both at once, in either order
    assert found[0].id in lost
    assert len(lost) == 2, outcome.err
    runs = {run.id: run for run in read_simulation(folder)}
    # the run went on after the round that had arrived
    assert dict(runs[found[0].id].points[0].seconds) == kept
    expected = alone(tmp_path / "alone", settings, grid, documents)
    assert {name: comparable(run) for name, run in runs.items()} == expected
    assert list((folder / "work").iterdir()) == []


def alone(folder: Path, settings: Settings, grid: Grid, documents: tuple[Path, Path]) -> dict[str, object]:
    """Make the runs here, one after the other."""
    job_in(folder, settings, grid, documents)
    runs: list[Run] = [run_trial(folder, settings, grid, trial) for trial in grid.trials()]
    return {run.id: comparable(run) for run in runs}


@pytest.mark.slow(20)
@pytest.mark.usefixtures("one_thread")
def test_a_command_that_is_killed_can_be_repeated_without_ray(
    two_nodes: TwoNodes,
    study: tuple[Settings, Grid, list[str | Path]],
    documents: tuple[Path, Path],
    tmp_path: Path,
) -> None:
    settings, _, words = study
    grid = simulation_grid(["none"], ["mnlp"], seeds=1, rounds=2)
    words += ["--seeds", "1", "--rounds", "2"]
    folder, trials = tmp_path / "study", list(grid.trials())
    command = two_nodes.start(*words, "--ray", two_nodes.address, "--output", folder)
    until(lambda: any(trained_rounds(folder, trial) >= 1 for trial in trials))
    command.send_signal(signal.SIGKILL)
    command.communicate()
    until(lambda: not two_nodes.workers(HEAD, "-s") and not two_nodes.workers(SECOND, "-s"))
    outcome = call(*words, "--workers", "1", "--output", folder)
    assert outcome.code == 0, outcome
    runs = {path.stem: comparable(read_runs(path)[0]) for path in (folder / "runs").iterdir()}
    assert runs == alone(tmp_path / "alone", settings, grid, documents)


@pytest.mark.slow(10)
def test_what_a_cluster_lacks_ends_the_command_with_a_sentence(
    two_nodes: TwoNodes, study: tuple[Settings, Grid, list[str | Path]], tmp_path: Path
) -> None:
    _, _, words = study
    words = [*words, "--output", tmp_path / "study", "--ray"]
    line = one_sentence(call(*words, "127.0.0.9:6380"))
    assert line.startswith("Error: no Ray cluster answers at 127.0.0.9:6380 (Connection refused): ")
    there = ("--set", f"cluster.address={two_nodes.address}")
    line = one_sentence(two_nodes.run(*words, *there, "--set", "cluster.cpus=3"))
    assert f"no node of the Ray cluster at {two_nodes.address} is large enough" in line
    assert "it has 1 cores for tasks, and a task asks for 3" in line
    line = one_sentence(call(*words[:-1], "--set", "cluster.threads=2"), code=2)
    assert "leave cluster.threads out" in line
    assert not (tmp_path / "study" / "runs").exists()
