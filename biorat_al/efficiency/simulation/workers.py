"""Several runs of a simulation at the same time, each in its own process of this machine."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from queue import Empty
from typing import Any

from biorat_al.efficiency.simulation.grid import Grid, Trial
from biorat_al.efficiency.simulation.scheduling import RunEvent, SimulationJob, TrialRunner
from biorat_al.efficiency.simulation.trial import run_trial
from biorat_al.errors import BioratError, LearnerError
from biorat_al.learner.encoder.device import pick_device
from biorat_al.learner.encoder.memory import available_memory, memory_to_train, total_memory
from biorat_al.processes import computing_processes
from biorat_al.settings import Settings


class ProcessPool(TrialRunner):
    """Makes each run in a process of this machine.

    :param number: number of processes.
    """

    def __init__(self, job: SimulationJob, pool: ProcessPoolExecutor, reports: Any, number: int) -> None:
        self.title = f"Simulating, {number} side by side"
        self.places = number
        self._job = job
        self._pool = pool
        self._reports = reports
        self._running: dict[Future[None], str] = {}

    def start(self, trial: Trial) -> None:
        """Begin a run, or go on with it."""
        job = self._job
        self._running[self._pool.submit(_run, job.folder, job.settings, job.grid, trial)] = trial.id

    def events(self, seconds: float) -> list[RunEvent]:
        """Return what has happened since the last call.

        :raises LearnerError: a run failed, or a process was killed, most likely because memory ran out.
        """
        done, _ = wait(self._running, timeout=seconds, return_when=FIRST_COMPLETED)
        events = _news(self._reports)
        try:
            for future in done:
                future.result()
                events.append(RunEvent(self._running.pop(future), None))
        except BrokenProcessPool as error:
            raise LearnerError(
                "a run was killed, most likely for want of memory; run the same command again with fewer --workers: "
                "it goes on where it stopped"
            ) from error
        return events


@contextmanager
def process_pool(job: SimulationJob, runs: int) -> Iterator[ProcessPool]:
    """Start the processes for some runs, and end them afterwards.

    :param runs: number of runs that are missing. There are as many processes as the job says, or else as cores and
        memory allow. Without a number of threads, they share the cores evenly.
    """
    number = min(job.workers or default_workers(job.settings), runs)
    threads = job.threads or max(1, (os.cpu_count() or 1) // number)
    reports: Any = multiprocessing.get_context("spawn").Queue()
    with computing_processes(number, threads, _begin, reports) as pool:
        yield ProcessPool(job, pool, reports, number)


def default_workers(settings: Settings) -> int:
    """Return how many processes to use: one per core if memory allows, and only one with a GPU."""
    return _fitting(settings, available_memory())


def threads_of_a_run(settings: Settings, runs: int) -> int:
    """Return how many threads each run of a new simulation uses.

    With another number of threads, sums differ in their last bits, and so do the models. The number must therefore not
    depend on anything that can change from one command to the next, such as ``--workers`` or the free memory. It is the
    number of cores per run when as many runs go at the same time as the machine allows.

    :param runs: number of runs of the simulation.
    """
    return max(1, (os.cpu_count() or 1) // min(_fitting(settings, total_memory()), max(1, runs)))


def _fitting(settings: Settings, memory: float) -> int:
    """Return how many processes the cores and `memory` bytes allow; one with a GPU, which they would share."""
    if pick_device().kind != "cpu":
        return 1
    return max(1, int(min(os.cpu_count() or 1, memory / memory_to_train(settings))))


_reports: Any = None


def _begin(reports: Any) -> None:
    """Set up a worker: the queue to which it reports."""
    global _reports
    _reports = reports


def _run(folder: Path, settings: Settings, grid: Grid, trial: Trial) -> None:
    """Make one run in a worker.

    :raises LearnerError: the run failed; the message names it.
    """
    try:
        run_trial(folder, settings, grid, trial, lambda number: _reports.put((trial.id, number)))
    except BioratError as error:
        # names the run, and can be sent to the parent process
        raise LearnerError(f"the run {trial.id} failed: {error}") from None


def _news(reports: Any) -> list[RunEvent]:
    """Return the finished rounds that the workers reported since the last call."""
    news = []
    while True:
        try:
            news.append(RunEvent(*reports.get_nowait()))
        except Empty:
            return news
