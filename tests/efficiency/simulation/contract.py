"""What everything that makes the runs of a simulation has to do; each inherits these tests."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from biorat_al.corpus.sources import Sources
from biorat_al.efficiency.runs.model import Run, read_runs
from biorat_al.efficiency.simulation.grid import Grid
from biorat_al.efficiency.simulation.options import simulation_grid, simulation_settings
from biorat_al.efficiency.simulation.scheduling import RunEvent, SimulationJob, TrialRunner
from biorat_al.efficiency.simulation.simulation import Simulation
from biorat_al.efficiency.simulation.trial import run_file, run_trial
from biorat_al.errors import LearnerError
from biorat_al.settings import Settings
from tests.support.rounds import demo_files

QUICK = ("training.epochs=1", "training.min_steps=3", "training.batch_size=4", "evaluation.robustness=false")


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return demo_files(tmp_path_factory.mktemp("documents"), pool=20, test=4)


def settings_with(encoder: Path, *changes: str) -> Settings:
    return simulation_settings(
        "demo", ["Disease", "Chemical"], encoder=str(encoder), size=4, changes=(*QUICK, *changes)
    )


def job_in(folder: Path, settings: Settings, grid: Grid, documents: tuple[Path, Path]) -> SimulationJob:
    """Create a simulation; return what its runs have in common."""
    simulation = Simulation.create(folder, settings, grid, Sources([documents[0]], [documents[1]]))
    return SimulationJob(folder, simulation.settings, grid, workers=2, threads=1)


def comparable(run: Run) -> dict[str, Any]:
    """Return all of a run but times and memory, which no two runs share: picks, scores, hashes of the weights."""
    values = run.model_dump(mode="json")
    for point in values["points"]:
        del point["seconds"]
        for name in ("seconds", "peak_memory"):
            del point["cost"][name]
    return values


class Cut(Exception):
    """The moment at which a run is cut off."""


def after_one_round(number: int) -> None:
    if number == 1:
        raise Cut


def followed(runner: TrialRunner, trials: set[str]) -> list[RunEvent]:
    """Return the events until all trials are done."""
    events: list[RunEvent] = []
    while trials - {event.trial_id for event in events if event.round is None}:
        events += runner.events(0.5)
    return events


class TrialRunnerContract:
    """The tests of everything that makes runs side by side."""

    def opened(self, job: SimulationJob) -> AbstractContextManager[TrialRunner]:
        """Open what is tested."""
        raise NotImplementedError

    @pytest.mark.slow(30)
    @pytest.mark.usefixtures("one_thread")
    def test_runs_are_what_they_are_alone_and_a_cut_off_one_goes_on(
        self, tmp_path: Path, tiny_encoder: Path, documents: tuple[Path, Path]
    ) -> None:
        settings = settings_with(tiny_encoder)
        grid = simulation_grid(["none"], ["random"], seeds=2, rounds=2, passive=["rat"])
        alone = job_in(tmp_path / "alone", settings, grid, documents)
        expected = {trial.id: comparable(run_trial(alone.folder, settings, grid, trial)) for trial in grid.trials()}
        job = job_in(tmp_path / "job", settings, grid, documents)
        first, passive, second, _ = grid.trials()
        with pytest.raises(Cut):
            run_trial(job.folder, settings, grid, second, after_one_round)
        with self.opened(job) as runner:
            assert runner.title.startswith("Simulating")
            assert runner.places >= 2
            runner.start(first)
            runner.start(second)
            events = followed(runner, {first.id, second.id})
            runner.start(passive)
            events += followed(runner, {passive.id})
        assert [event.round for event in events if event.trial_id == first.id] == [0, 1, 2, None]
        assert [event.round for event in events if event.trial_id == second.id] == [2, None]
        assert [event.round for event in events if event.trial_id == passive.id] == [0, 1, 2, None]
        for trial in (first, passive, second):
            assert comparable(read_runs(run_file(job.folder, trial))[0]) == expected[trial.id]
        assert list((job.folder / "work").iterdir()) == []

    @pytest.mark.slow(20)
    def test_a_run_that_fails_is_named(self, tmp_path: Path, tiny_encoder: Path, documents: tuple[Path, Path]) -> None:
        grid = simulation_grid(["none"], ["random"], seeds=1, rounds=1, passive=["rat"])
        job = job_in(tmp_path / "job", settings_with(tiny_encoder), grid, documents)
        first, passive = grid.trials()
        file = run_file(job.folder, first)
        file.parent.mkdir()
        file.write_text("not a run\n", encoding="utf-8")
        with self.opened(job) as runner:
            runner.start(passive)
            with pytest.raises(LearnerError, match=f"^the run {passive.id} failed: "):
                followed(runner, {passive.id})
