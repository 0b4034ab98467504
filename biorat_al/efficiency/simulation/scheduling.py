"""Which runs of a simulation go on at the same time, whoever makes them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from biorat_al.efficiency.simulation.grid import Grid, Trial
from biorat_al.progress import Progress
from biorat_al.settings import Settings


@dataclass(frozen=True, slots=True)
class SimulationJob:
    """What all runs of a call have in common.

    :param folder: folder of the simulation.
    :param workers: largest number of runs at the same time; None: as many as there is room for.
    :param threads: number of threads of each run; None: an older version of the program did not keep it.
    """

    folder: Path
    settings: Settings
    grid: Grid
    workers: int | None
    threads: int | None


@dataclass(frozen=True)
class TrialWork:
    """A trial, the estimated work of each of its rounds, and how many of the rounds are finished already."""

    trial: Trial
    rounds: tuple[float, ...]
    made: int = 0


@dataclass(frozen=True, slots=True)
class Workload:
    """Everything that a simulation has to do.

    :param missing: trials that still have to run.
    :param finished: work of the runs that already exist, so that the progress bar goes on where it was.
    :param shared: returns the folder that the first run of a trial's seed makes, and all others of the seed begin from;
        None: runs share nothing.
    """

    missing: Sequence[TrialWork]
    finished: float = 0.0
    shared: Callable[[Trial], Path] | None = None

    @property
    def total(self) -> float:
        """Work of all trials."""
        return self.finished + sum(sum(work.rounds) for work in self.missing)

    @property
    def done(self) -> float:
        """Work done before, in finished runs and in finished rounds of the others."""
        return self.finished + sum(sum(work.rounds[: work.made]) for work in self.missing)

    def can_start(self, trial: Trial, running: Collection[Trial], waiting: Collection[Trial]) -> bool:
        """Return whether a run would find everything that other runs make for it.

        :param running: trials whose runs are under way.
        :param waiting: trials whose runs have not begun.
        """
        if any(trial.of == other.id for other in (*running, *waiting)):
            return False
        if self.shared is None or self.shared(trial).is_dir():
            return True
        return all(trial.seed != other.seed for other in running)


@dataclass(frozen=True, slots=True)
class RunEvent:
    """A run has got on.

    :param trial_id: id of its trial.
    :param round: number of the round that it has finished; None: the whole run is finished, and in its file.
    """

    trial_id: str
    round: int | None


class TrialRunner(ABC):
    """Makes runs side by side: in processes of this machine, or on a cluster.

    A run that was cut off goes on with the round in which it was, whoever made its first rounds.

    :ivar title: what it does, for the progress bar.
    :ivar places: number of runs that may be under way at the same time.
    """

    title: str
    places: int

    @abstractmethod
    def start(self, trial: Trial) -> None:
        """Begin a run, or go on with it."""

    @abstractmethod
    def events(self, seconds: float) -> list[RunEvent]:
        """Wait until a run gets on, but not much longer than `seconds`; return what has happened since the last call.

        :raises LearnerError: a run failed, or was lost for good; the message names it.
        """


def run_side_by_side(
    open_runner: Callable[[], AbstractContextManager[TrialRunner]], workload: Workload, progress: Progress
) -> None:
    """Make all missing runs; a passive run starts after the run that it follows.

    Where runs of a seed share something, the others wait until the first has made it; else each would make it anew.

    :raises LearnerError: a run failed.
    :raises ClusterError: the cluster cannot make them.
    """
    waiting = [one.trial for one in workload.missing]
    if not waiting:
        return
    amount = {one.trial.id: one.rounds for one in workload.missing}
    running: dict[str, Trial] = {}
    begun = workload.done
    with (
        open_runner() as runner,
        progress.bar(runner.title, total=round(workload.total), unit="pass of documents", done=int(begun)) as bar,
    ):
        left = begun - int(begun)
        while waiting or running:
            for trial in tuple(waiting):
                if len(running) == runner.places:
                    break
                if workload.can_start(trial, running.values(), waiting):
                    waiting.remove(trial)
                    runner.start(trial)
                    running[trial.id] = trial
            for event in runner.events(0.5):
                if event.round is None:
                    del running[event.trial_id]
                    progress.say(f"{event.trial_id} is done; {len(waiting) + len(running)} left")
                    continue
                # round 0 trains nothing
                left += amount[event.trial_id][event.round - 1] if event.round else 0.0
                bar.advance(int(left))
                left -= int(left)
                bar.note(f"{event.trial_id}, round {event.round}")
