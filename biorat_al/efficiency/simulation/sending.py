"""The files of a run, sent to another machine and back, so that the two need not share a folder.

A run that is made elsewhere gets the documents, what earlier rounds left behind, the borrowed start and the picks that
it follows. After each round it sends back the folder of its project. So it can go on from there on any machine.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from biorat_al.claims import clear_partials
from biorat_al.cluster.needs import TaskNeeds
from biorat_al.cluster.packing import pack, unpack
from biorat_al.cluster.tasks import begin_task
from biorat_al.disk import writing
from biorat_al.efficiency.runs.model import Run, write_runs
from biorat_al.efficiency.simulation.grid import Grid, Trial
from biorat_al.efficiency.simulation.trial import CORPUS, run_file, share_start, start_folder, trial_rounds
from biorat_al.errors import BioratError, ProjectError
from biorat_al.files import replacing_folder
from biorat_al.settings import Settings


@dataclass(frozen=True, slots=True)
class SentTrial:
    """A trial with all that another machine needs to make its run, besides the documents.

    :param state: packed folder of its project after some rounds; None: it has not begun.
    :param start: packed folder of what the runs of its seed begin from; None: nothing is borrowed, or it is not made.
    :param followed: content of the file of the run that it follows, if it does.
    """

    settings: Settings
    grid: Grid
    trial: Trial
    needs: TaskNeeds
    state: bytes | None
    start: bytes | None
    followed: bytes | None


@dataclass(frozen=True, slots=True)
class SentBack:
    """What a run sends back: a finished round with its project's packed folder, the finished run, or why it failed."""

    round: int | None = None
    state: bytes = b""
    run: Run | None = None
    failure: str | None = None


def sent_trial(folder: Path, settings: Settings, grid: Grid, trial: Trial, needs: TaskNeeds) -> SentTrial:
    """Return what another machine needs to begin a run, or to go on with it.

    :param folder: folder of the simulation.
    """
    work, start = folder / "work" / trial.id, start_folder(folder, trial)
    followed = None if trial.of is None else (folder / "runs" / f"{trial.of}.jsonl").read_bytes()
    return SentTrial(
        settings,
        grid,
        trial,
        needs,
        state=pack(work) if work.is_dir() else None,
        start=pack(start) if start.is_dir() else None,
        followed=followed,
    )


def make_sent_trial(sent: SentTrial, corpus: bytes) -> Iterator[SentBack]:
    """Make a run on this machine from what was sent, and yield what is to be sent back, round by round.

    :param corpus: packed folder of the simulation's documents.
    """
    begin_task(sent.needs)
    trial = sent.trial
    with tempfile.TemporaryDirectory(prefix="biorat-") as name:
        folder = Path(name)
        work = folder / "work" / trial.id
        unpack(corpus, folder / CORPUS)
        if sent.state is not None:
            unpack(sent.state, work)
        if sent.start is not None:
            unpack(sent.start, start_folder(folder, trial))
        if trial.of is not None and sent.followed is not None:
            file = folder / "runs" / f"{trial.of}.jsonl"
            file.parent.mkdir()
            file.write_bytes(sent.followed)
        try:
            rounds = trial_rounds(folder, sent.settings, sent.grid, trial)
            while True:
                try:
                    number = next(rounds)
                except StopIteration as end:
                    yield SentBack(run=end.value)
                    return
                yield SentBack(round=number, state=pack(work))
        except BioratError as error:
            yield SentBack(failure=str(error))


def keep_state(folder: Path, trial: Trial, state: bytes) -> None:
    """Replace the folder of a run's project by the one that was sent back, and share its borrowed start.

    :param folder: folder of the simulation.
    :raises CorpusError: the folder cannot be written.
    """
    work = folder / "work" / trial.id
    with replacing_folder(work) as arriving:
        unpack(state, arriving)
    share_start(work, start_folder(folder, trial))


def restore_state(folder: Path, trial: Trial) -> None:
    """Put back the folder of a run's project if the program was killed while it replaced it."""
    clear_partials(folder / "work" / trial.id)


def keep_run(folder: Path, trial: Trial, run: Run) -> None:
    """Write a finished run that was sent back to its file, and remove what it was made from."""
    target = run_file(folder, trial)
    with writing(target, ProjectError):
        target.parent.mkdir(exist_ok=True)
    write_runs(target, [run])
    shutil.rmtree(folder / "work" / trial.id, ignore_errors=True)
