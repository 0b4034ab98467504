"""Several runs of a simulation at the same time, on the machines of a Ray cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from biorat_al.cluster.checks import check_nodes
from biorat_al.cluster.connection import Connected, connected
from biorat_al.cluster.needs import TaskNeeds, task_needs
from biorat_al.cluster.packing import pack
from biorat_al.cluster.tasks import PATIENCE, is_loss
from biorat_al.cluster.watch import NodeWatch
from biorat_al.efficiency.simulation.grid import Trial
from biorat_al.efficiency.simulation.scheduling import RunEvent, SimulationJob, TrialRunner
from biorat_al.efficiency.simulation.sending import SentBack, keep_run, keep_state, make_sent_trial, sent_trial
from biorat_al.efficiency.simulation.trial import CORPUS
from biorat_al.errors import LearnerError
from biorat_al.progress import Progress
from biorat_al.wording import plural


class RayRunner(TrialRunner):
    """Makes each run as a task of a Ray cluster.

    Documents and models travel through Ray's object store. A run whose worker or node is lost goes on elsewhere after
    the last round that has arrived here.

    :param needs: what each run asks for.
    """

    def __init__(self, job: SimulationJob, connection: Connected, needs: TaskNeeds, progress: Progress) -> None:
        self.title = f"Simulating on {connection.place}"
        # Ray lets runs wait until there is room, also on nodes that join later
        self.places = job.workers or len(list(job.grid.trials()))
        self._job = job
        self._connection = connection
        self._needs = needs
        self._progress = progress
        self._corpus = connection.ray.put(pack(job.folder / CORPUS))
        self._task = connection.ray.remote(make_sent_trial)
        self._running: dict[Any, Trial] = {}
        self._losses: dict[str, int] = {}
        self._told: dict[str, int] = {}
        self._watch = NodeWatch(connection, needs)

    def start(self, trial: Trial) -> None:
        """Begin a run, or go on with it."""
        job = self._job
        sent = sent_trial(job.folder, job.settings, job.grid, trial, self._needs)
        options = self._needs.options() | {"num_returns": "streaming", "name": trial.id}
        self._running[self._task.options(**options).remote(sent, self._corpus)] = trial

    def events(self, seconds: float) -> list[RunEvent]:
        """Return what has happened since the last call.

        :raises LearnerError: a run failed, or was lost too often.
        :raises ClusterError: no node is left.
        """
        ready, _ = self._connection.ray.wait(list(self._running), num_returns=1, timeout=seconds)
        if not ready:
            self._watch.look()
        return [event for stream in ready for event in self._next(stream)]

    def _next(self, stream: Any) -> list[RunEvent]:
        """Take the next thing that a run has sent back; go on with the run elsewhere if it was lost."""
        trial, folder = self._running[stream], self._job.folder
        try:
            back: SentBack = self._connection.ray.get(next(stream))
        except StopIteration:
            self._go_on(stream, "it ended too soon")
            return []
        except Exception as error:  # a task raises whatever its libraries raise
            reason = (str(error).strip() or type(error).__name__).splitlines()[0][:300]
            if not is_loss(error):
                raise LearnerError(f"the run {trial.id} failed: {reason}") from error
            self._go_on(stream, reason)
            return []
        if back.failure is not None:
            raise LearnerError(f"the run {trial.id} failed: {back.failure}")
        self._losses.pop(trial.id, None)
        if back.run is not None:
            del self._running[stream]
            keep_run(folder, trial, back.run)
            return [RunEvent(trial.id, None)]
        keep_state(folder, trial, back.state)
        if back.round is None or back.round <= self._told.get(trial.id, -1):
            # a run that is lost at its very end repeats the end of its last round
            return []
        self._told[trial.id] = back.round
        return [RunEvent(trial.id, back.round)]

    def _go_on(self, stream: Any, reason: str) -> None:
        """Start a lost run again from what has arrived.

        :raises LearnerError: it has been lost too often since its last round.
        """
        trial = self._running.pop(stream)
        losses = self._losses[trial.id] = self._losses.get(trial.id, 0) + 1
        if losses >= PATIENCE:
            raise LearnerError(
                f"the run {trial.id} was lost {plural(losses, 'time')} before its next round was done, the last time "
                f"for this reason: {reason.rstrip('.')}; run the same command again when the cause is gone: it goes on "
                "where it stopped"
            )
        self._progress.say(f"The worker of {trial.id} was lost; the run goes on after its last finished round")
        self.start(trial)


@contextmanager
def ray_runner(job: SimulationJob, address: str, progress: Progress) -> Iterator[RayRunner]:
    """Connect to a cluster, and check that its nodes can make the runs of a simulation.

    :param address: empty: the address in the settings, or else Ray on this machine.
    :raises ClusterError: it does not answer, or its nodes lack something.
    """
    settings = job.settings
    threads = job.threads or settings.cluster.threads or 1
    others = dict.fromkeys(encoder for _, encoder in job.grid.passive if encoder is not None)
    encoders = [settings.encoder, *(settings.encoder.model_copy(update={"name": name}) for name in others)]
    with connected(address or settings.cluster.address, threads) as connection:
        needs = task_needs(connection, settings, threads)
        nodes = check_nodes(connection, needs, encoders, progress)
        room = plural(sum(node.places for node in nodes), "run")
        progress.say(f"There is room for {room} at a time on {connection.place} ({plural(len(nodes), 'node')})")
        yield RayRunner(job, connection, needs, progress)
