"""What a run sends back replaces what was here, and nothing is lost if the program is killed in between."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import pytest

from biorat_al import files
from biorat_al.cluster.needs import TaskNeeds
from biorat_al.cluster.packing import pack
from biorat_al.efficiency.runs.model import read_runs
from biorat_al.efficiency.simulation import sending
from biorat_al.efficiency.simulation.grid import Trial
from biorat_al.efficiency.simulation.options import simulation_grid
from biorat_al.efficiency.simulation.sending import (
    keep_run,
    keep_state,
    make_sent_trial,
    restore_state,
    sent_trial,
)
from biorat_al.efficiency.simulation.trial import CORPUS, run_file
from biorat_al.store.database.engine import SQLITE_FILE
from tests.efficiency.simulation.contract import documents, job_in, settings_with

__all__ = ["documents"]

KILLED = 9
TRIAL = Trial(kind="simulated", arm="none", strategy="random", seed=0)


def state(folder: Path, content: str) -> bytes:
    """Return a packed folder of a project with a file."""
    (folder / "models").mkdir(parents=True)
    (folder / "file").write_text(content, encoding="utf-8")
    return pack(folder)


def content(folder: Path) -> str:
    return (folder / "work" / TRIAL.id / "file").read_text(encoding="utf-8")


def replace_and_die(folder: Path, packed: bytes, renames: int) -> None:
    """Replace a state on a file system that cannot exchange two names, and die after some of the renames."""
    made = 0

    def replace_one(source: str | Path, target: str | Path) -> None:
        nonlocal made
        if made == renames:
            os._exit(KILLED)
        made += 1
        os.rename(source, target)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "swapped", lambda one, other: False)
        patch.setattr(os, "replace", replace_one)
        patch.setattr(sending, "share_start", lambda work, start: os._exit(KILLED))
        keep_state(folder, TRIAL, packed)


def test_the_state_of_a_later_round_replaces_that_of_an_earlier_one(tmp_path: Path) -> None:
    for name in ("early", "late"):
        keep_state(tmp_path / "s", TRIAL, state(tmp_path / name, name))
        assert content(tmp_path / "s") == name
    assert [path.name for path in (tmp_path / "s" / "work").iterdir()] == [TRIAL.id]


@pytest.mark.parametrize(("renames", "kept"), [(0, "early"), (1, "late"), (2, "late")])
def test_a_program_that_is_killed_while_it_replaces_a_state_keeps_one(tmp_path: Path, renames: int, kept: str) -> None:
    keep_state(tmp_path / "s", TRIAL, state(tmp_path / "early", "early"))
    late = state(tmp_path / "late", "late")
    process = multiprocessing.get_context("fork").Process(target=replace_and_die, args=(tmp_path / "s", late, renames))
    process.start()
    process.join()
    assert process.exitcode == KILLED
    restore_state(tmp_path / "s", TRIAL)
    assert content(tmp_path / "s") == kept
    assert [path.name for path in (tmp_path / "s" / "work").iterdir()] == [TRIAL.id]


@pytest.mark.slow(10)
@pytest.mark.usefixtures("one_thread")
def test_a_run_is_made_from_what_was_sent_and_can_be_kept(
    tmp_path: Path, tiny_encoder: Path, documents: tuple[Path, Path]
) -> None:
    grid = simulation_grid(["none"], ["random"], seeds=1, rounds=1)
    job = job_in(tmp_path / "s", settings_with(tiny_encoder), grid, documents)
    needs = TaskNeeds(cpus=1, gpus=0.0, memory=1, threads=1)
    (trial,) = grid.trials()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BIORAT_DEVICE", "cpu")
        sent = sent_trial(job.folder, job.settings, grid, trial, needs)
        assert (sent.state, sent.start, sent.followed) == (None, None, None)
        backs = make_sent_trial(sent, pack(job.folder / CORPUS))
        for number in (0, 1):
            back = next(backs)
            assert back.round == number
            keep_state(job.folder, trial, back.state)
            assert (job.folder / "work" / trial.id / SQLITE_FILE).is_file()
        last = next(backs)
    assert last.run is not None
    keep_run(job.folder, trial, last.run)
    assert read_runs(run_file(job.folder, trial)) == [last.run]
    assert not (job.folder / "work" / trial.id).exists()
