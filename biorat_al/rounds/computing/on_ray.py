"""A Ray cluster on which arms are trained side by side and the pool is predicted.

Everything travels through Ray's object store: documents and weights to the workers, trained models and predictions
back. So no folder and no database has to be shared, and only the process that the user started writes to the project.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biorat_al.cluster.checks import check_nodes
from biorat_al.cluster.connection import Connected, connected
from biorat_al.cluster.needs import TaskNeeds, task_needs
from biorat_al.cluster.packing import pack, unpack
from biorat_al.cluster.tasks import PATIENCE, begin_task, is_loss
from biorat_al.cluster.watch import NodeWatch
from biorat_al.errors import BioratError, ClusterError
from biorat_al.learner.types import Prediction, TrainedModel
from biorat_al.progress import Progress
from biorat_al.rounds.computing.arm_order import ArmOrder, train_arm
from biorat_al.rounds.computing.compute import Chunks, Compute
from biorat_al.rounds.computing.messages import Heard, SendingProgress
from biorat_al.rounds.computing.pool_on_ray import predicted_on_ray
from biorat_al.rounds.computing.post import post_office
from biorat_al.rounds.computing.this_machine import training_threads
from biorat_al.rounds.context import settings_of
from biorat_al.settings import Settings
from biorat_al.store.models import models_of
from biorat_al.store.rounds import newest_round
from biorat_al.store.store import Store

if TYPE_CHECKING:
    from biorat_al.learner.encoder.encoder import Encoder

_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class SentModel:
    """A trained model as a worker sends it.

    :param packed: its folder.
    """

    version: str
    sha256: str
    summary: dict[str, Any]
    packed: bytes


@dataclass(frozen=True, slots=True)
class OnRay(Compute):
    """A Ray cluster.

    :param training: what each task that trains an arm asks for.
    :param predicting: what each process that predicts asks for.
    """

    connection: Connected
    training: TaskNeeds
    predicting: TaskNeeds

    def train(
        self, orders: Sequence[ArmOrder], encoder: Encoder, progress: Progress
    ) -> Generator[TrainedModel, None, None]:
        from biorat_al.learner.encoder.saved_model import remove_leftovers

        for models_dir in {order.models_dir for order in orders}:
            remove_leftovers(models_dir)
        ray = self.connection.ray
        remote = ray.remote(train_in_worker).options(**self.training.options())
        names = ", ".join(order.arm for order in orders)
        title = f"training {names} on {self.connection.place}"
        with post_office(ray) as post, progress.bar(title, len(orders), "arm") as bar:
            heard = Heard(bar, progress.say)

            def submit(place: int) -> Any:
                order = orders[place]
                start = None if order.start is None else pack(order.start.folder)
                return remote.remote(order, encoder, start, self.training, post)

            running = {submit(place): place for place in range(len(orders))}
            trained: dict[int, SentModel] = {}
            losses = Counter[int]()
            watch = NodeWatch(self.connection, self.training)
            place = 0
            try:
                while place < len(orders):
                    ended, _ = ray.wait(list(running), timeout=_SECONDS) if running else ([], [])
                    if not ended:
                        watch.look()
                    # nothing but the bar suffers if its messages are lost
                    with suppress(ray.exceptions.RayError):
                        for message in ray.get(post.news.remote()):
                            heard.hear(*message)
                    for reference in ended:
                        number = running.pop(reference)
                        try:
                            trained[number] = ray.get(reference)
                        except ray.exceptions.RayError as error:
                            if not is_loss(error):
                                raise _cause(error) from error
                            losses[number] += 1
                            _check_patience(losses[number], f"the training of {orders[number].arm}", error)
                            progress.say(f"The worker that trained {orders[number].arm} was lost; it is trained again.")
                            running[submit(number)] = number
                    while place in trained:
                        heard.forget(orders[place].arm)
                        yield _put_down(trained.pop(place), orders[place].models_dir)
                        bar.advance()
                        place += 1
            finally:
                for reference in running:
                    ray.cancel(reference, force=True)

    def predict(self, folder: Path, chunks: Chunks) -> Generator[list[Prediction], None, None]:
        done, losses = 0, 0
        while done < chunks.number:
            left = _left(chunks, done)
            try:
                for predictions in predicted_on_ray(self.connection, self.predicting, folder, left):
                    yield predictions
                    done, losses = done + 1, 0
            except self.connection.ray.exceptions.RayError as error:
                if not is_loss(error):
                    raise _cause(error) from error
                losses += 1
                _check_patience(losses, "the prediction of the pool", error)


@contextmanager
def on_cluster(settings: Settings, store: Store, address: str | None, progress: Progress) -> Iterator[OnRay]:
    """Connect to a Ray cluster for a round, and check that its nodes have what the round needs.

    Arms are trained with as many threads as on this machine without Ray, and the pool is predicted with as many: on a
    CPU, other numbers would give other last digits. A round that was cut off goes on with the encoder and the number of
    threads that its models were trained with.

    :param address: of the cluster; None takes that of the settings, or else starts Ray on this machine.
    :raises ClusterError: the cluster does not answer, or a node lacks something.
    """
    import torch

    kept = None
    with store.read() as session:
        row = newest_round(session)
        if row is not None and row.state == "running":
            settings = settings_of(session, row, settings)
            for model in models_of(session, row.number).values():
                kept = model.summary.get("threads", kept)
    to_predict = settings.cluster.threads or torch.get_num_threads()
    to_train = int(kept or settings.cluster.threads or training_threads(settings))
    # libraries are told the larger number when a worker starts, and the number of its task after that
    with connected(address or settings.cluster.address, max(to_train, to_predict)) as connection:
        training = task_needs(connection, settings, to_train)
        predicting = training.with_threads(to_predict, settings)
        check_nodes(connection, max(training, predicting, key=lambda needs: needs.cpus), [settings.encoder], progress)
        yield OnRay(connection, training, predicting)


def train_in_worker(order: ArmOrder, encoder: Encoder, start: bytes | None, needs: TaskNeeds, post: Any) -> SentModel:
    """Train an arm in a worker, in a folder that is removed.

    :param start: the packed folder of the model to begin from.
    :param post: the :class:`~biorat_al.rounds.computing.post.Post` that messages go to.
    """
    begin_task(needs)
    from biorat_al.learner.encoder.device import pick_device

    def send(name: str, text: str, percent: int | None) -> None:
        post.tell.remote(name, text, percent)

    with tempfile.TemporaryDirectory(prefix="biorat-") as room:
        there = replace(order, models_dir=Path(room) / "models")
        if start is not None and order.start is not None:
            place = Path(room) / order.start.folder.name
            unpack(start, place)
            there = replace(there, start=replace(order.start, folder=place))
        model = train_arm(there, encoder, pick_device(), SendingProgress(order.arm, send))
        return SentModel(model.version, model.sha256, dict(model.summary), pack(model.folder))


def _put_down(sent: SentModel, models_dir: Path) -> TrainedModel:
    """Write a model that a worker sent.

    :raises LearnerError: the disk is full or cannot be written to; no half model is left behind.
    """
    from biorat_al.learner.encoder.saved_model import placing

    folder = models_dir / sent.version
    # one that a killed run left has the same weights, but perhaps another relation model
    with placing(folder, f"the model {sent.version}") as partial:
        unpack(sent.packed, partial)
        for path in partial.rglob("*"):
            if path.is_file():
                with path.open("rb") as file:
                    os.fsync(file.fileno())
    return TrainedModel(sent.version, folder, sent.sha256, sent.summary)


def _left(chunks: Chunks, done: int) -> Chunks:
    """Return chunks without the first ones, which are done."""
    return Chunks(chunks.number - done, lambda place: chunks.read(done + place))


def _cause(error: Exception) -> Exception:
    """Return the error that a worker raised on purpose, or else what Ray raised."""
    found = getattr(error, "cause", None)
    return found if isinstance(found, BioratError) else error


def _check_patience(losses: int, what: str, error: Exception) -> None:
    """Give up on work that was lost too often.

    :raises ClusterError: it was.
    """
    if losses >= PATIENCE:
        words = " ".join(str(error).split())[:200]
        raise ClusterError(
            f"{what} was lost {losses} times in a row, for want of memory as a rule: ask for more under [cluster] in "
            f"the settings, and run the same command again. The reason given: {words}"
        ) from error
