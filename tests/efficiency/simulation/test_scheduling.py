"""The order in which the runs of a simulation begin."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from biorat_al.efficiency.simulation.grid import Trial
from biorat_al.efficiency.simulation.options import simulation_grid
from biorat_al.efficiency.simulation.scheduling import RunEvent, TrialRunner, TrialWork, Workload, run_side_by_side
from biorat_al.efficiency.simulation.trial import start_folder
from biorat_al.progress import SILENT


class RoundByRound(TrialRunner):
    """Finishes a round of each run under way at a time, and makes the shared start in round 1."""

    title = "Simulating"

    def __init__(self, places: int, rounds: int, folder: Path) -> None:
        self.places, self.rounds, self.folder = places, rounds, folder
        self.under_way: dict[Trial, int] = {}
        self.begun: list[str] = []
        self.without_start: list[str] = []

    def start(self, trial: Trial) -> None:
        self.begun.append(trial.id)
        if not start_folder(self.folder, trial).is_dir():
            self.without_start.append(trial.id)
        self.under_way[trial] = -1

    def events(self, seconds: float) -> list[RunEvent]:
        found = []
        for trial, number in list(self.under_way.items()):
            if number == self.rounds:
                del self.under_way[trial]
                found.append(RunEvent(trial.id, None))
                continue
            self.under_way[trial] = number + 1
            if number + 1 == 1:
                start_folder(self.folder, trial).mkdir(parents=True, exist_ok=True)
            found.append(RunEvent(trial.id, number + 1))
        return found


def made(folder: Path, places: int, *, shared: bool) -> RoundByRound:
    """Make the runs of two arms and two seeds, each followed by a passive run."""
    runner = RoundByRound(places, 2, folder)
    grid = simulation_grid(["none", "rat"], ["random"], seeds=2, rounds=2, passive=["at"])
    missing = [TrialWork(trial, (1.0, 2.0)) for trial in grid.trials()]

    @contextmanager
    def opened() -> Iterator[TrialRunner]:
        yield runner

    start_of = partial(start_folder, folder) if shared else None
    run_side_by_side(opened, Workload(missing, shared=start_of), SILENT)
    assert sorted(runner.begun) == sorted(one.trial.id for one in missing)
    return runner


@pytest.mark.parametrize("places", [1, 3, 100])
def test_the_runs_of_a_seed_wait_for_the_first_one_to_make_what_they_share(tmp_path: Path, places: int) -> None:
    runner = made(tmp_path, places, shared=True)
    assert sorted(runner.without_start) == ["none-random-s0", "none-random-s1"]


def test_runs_that_share_nothing_begin_at_once(tmp_path: Path) -> None:
    runner = made(tmp_path, 100, shared=False)
    assert {"none-random-s0", "rat-random-s0", "none-random-s1", "rat-random-s1"} == set(runner.begun[:4])
    assert len(runner.without_start) == 4


@pytest.mark.parametrize("places", [1, 100])
def test_a_run_begins_after_the_one_that_it_follows(tmp_path: Path, places: int) -> None:
    begun = made(tmp_path, places, shared=False).begun
    followers = [one for one in begun if "-for-" in one]
    assert len(followers) == 4
    assert all(begun.index(one.partition("-for-")[0]) < begun.index(one) for one in followers)
