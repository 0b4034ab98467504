"""Several runs of a simulation at the same time, each in its own process."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from queue import Empty
from typing import Any

from biorat_al.efficiency.simulation.grid import Grid, Trial
from biorat_al.efficiency.simulation.trial import run_trial
from biorat_al.errors import BioratError, LearnerError
from biorat_al.learner.encoder.device import pick_device
from biorat_al.learner.encoder.encoder import resolve_encoder
from biorat_al.learner.encoder.memory import memory_to_train
from biorat_al.progress import Progress
from biorat_al.settings import Settings


@dataclass(frozen=True)
class Work:
    """A trial, the estimated work of each of its rounds, and how many of the rounds are finished already."""

    trial: Trial
    rounds: tuple[float, ...]
    made: int = 0


@dataclass(frozen=True, slots=True)
class Workload:
    """Everything that a simulation has to do.

    :param missing: trials that still have to run.
    :param finished: work of the runs that already exist, so that the progress bar goes on where it was.
    """

    missing: Sequence[Work]
    finished: float = 0.0

    @property
    def total(self) -> float:
        """Work of all trials."""
        return self.finished + sum(sum(work.rounds) for work in self.missing)

    @property
    def done(self) -> float:
        """Work done before, in finished runs and in finished rounds of the others."""
        return self.finished + sum(sum(work.rounds[: work.made]) for work in self.missing)


def run_side_by_side(
    folder: Path,
    settings: Settings,
    grid: Grid,
    workload: Workload,
    workers: int | None,
    progress: Progress,
    *,
    threads: int | None,
) -> None:
    """Make the runs in several processes; a passive run starts after the run that it follows.

    :param workers: number of processes; None: as many as cores and memory allow.
    :param threads: number of threads of each run; None: the processes share the cores evenly.
    :raises LearnerError: a run failed, or a process was killed, most likely because memory ran out.
    """
    work = workload.missing
    if not work:
        return
    number = workers or default_workers(settings)
    number = min(number, len(work))
    if threads is None:
        threads = max(1, (os.cpu_count() or 1) // number)
    context = multiprocessing.get_context("spawn")
    reports: Any = context.Queue()
    amount = {one.trial.id: one.rounds for one in work}
    waiting = list(work)
    running: dict[Future[None], str] = {}
    # libraries read this when they are loaded
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = str(threads)
    pool = ProcessPoolExecutor(number, mp_context=context, initializer=_begin, initargs=(threads, reports))
    try:
        begun = workload.done
        title = f"Simulating, {number} side by side"
        with progress.bar(title, total=round(workload.total), unit="pass of documents", done=int(begun)) as bar:
            left = begun - int(begun)
            while waiting or running:
                busy = set(running.values()) | {one.trial.id for one in waiting}
                for one in [one for one in waiting if one.trial.of not in busy]:
                    if len(running) == number:
                        break
                    waiting.remove(one)
                    running[pool.submit(_run, folder, settings, grid, one.trial)] = one.trial.id
                done, _ = wait(running, timeout=0.5, return_when=FIRST_COMPLETED)
                for trial_id, round_number in _news(reports):
                    # round 0 trains nothing
                    left += amount[trial_id][round_number - 1] if round_number else 0.0
                    bar.advance(int(left))
                    left -= int(left)
                    bar.note(f"{trial_id}, round {round_number}")
                for future in done:
                    future.result()
                    progress.say(f"{running.pop(future)} is done; {len(waiting) + len(running)} left")
    except BrokenProcessPool as error:
        raise LearnerError(
            "a run was killed, most likely for want of memory; run the same command again with fewer --workers: "
            "it goes on where it stopped"
        ) from error
    finally:
        for process in list((pool._processes or {}).values()):
            process.terminate()
        pool.shutdown(cancel_futures=True)
        if before is None:
            os.environ.pop("OMP_NUM_THREADS", None)
        else:
            os.environ["OMP_NUM_THREADS"] = before


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
    return max(1, (os.cpu_count() or 1) // min(_fitting(settings, _memory("MemTotal")), max(1, runs)))


def available_memory() -> float:
    """Return the bytes of memory that are available; infinite if the system does not report it."""
    return _memory("MemAvailable")


def _fitting(settings: Settings, memory: float) -> int:
    """Return how many processes the cores and `memory` bytes allow; one with a GPU, which they would share."""
    if pick_device().kind != "cpu":
        return 1
    network = resolve_encoder(settings.encoder.name, settings.encoder.max_length).network()
    return max(1, int(min(os.cpu_count() or 1, memory / memory_to_train(network))))


def _memory(name: str) -> float:
    """Return an entry of ``/proc/meminfo`` in bytes; infinite if the system does not report it."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return 1024.0 * next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
    except (OSError, StopIteration, ValueError):
        return float("inf")


_reports: Any = None


def _begin(threads: int, reports: Any) -> None:
    """Set up a worker: its number of threads, and the queue to which it reports."""
    global _reports
    import torch

    # Ctrl-C reaches the whole process group; the parent ends the workers
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()

    torch.set_num_threads(threads)
    _reports = reports


def _end_with_parent() -> None:
    """End this process when the parent has been killed; the next command repeats its work."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _run(folder: Path, settings: Settings, grid: Grid, trial: Trial) -> None:
    """Make one run in a worker.

    :raises LearnerError: the run failed; the message names it.
    """
    try:
        run_trial(folder, settings, grid, trial, lambda number: _reports.put((trial.id, number)))
    except BioratError as error:
        # names the run, and can be sent to the parent process
        raise LearnerError(f"the run {trial.id} failed: {error}") from None


def _news(reports: Any) -> list[tuple[str, int]]:
    """Return the finished rounds that the workers reported since the last call, as (id of the trial, round)."""
    news = []
    while True:
        try:
            news.append(reports.get_nowait())
        except Empty:
            return news
