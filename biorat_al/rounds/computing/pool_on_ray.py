"""The prediction of the pool by Ray Data: streamed, in order, with one loaded model in each worker.

The dataset holds nothing but the places of the chunks. A worker asks for the documents of its chunk, cuts them into
batches by word pieces as one process would, and sends the predictions. If the user's process is slow to store them, Ray
Data holds the workers up.
"""

from __future__ import annotations

import logging
import pickle
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from queue import Empty, Queue
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from biorat_al.cluster.connection import Connected
from biorat_al.cluster.needs import TaskNeeds
from biorat_al.cluster.packing import pack, unpack
from biorat_al.cluster.tasks import begin_task
from biorat_al.cluster.watch import NodeWatch
from biorat_al.errors import BioratError
from biorat_al.learner.types import Prediction
from biorat_al.rounds.computing.compute import Chunks
from biorat_al.rounds.computing.post import post_office

if TYPE_CHECKING:
    from biorat_al.learner.predictor import Predictor

_SECONDS = 0.2
_AHEAD = 2
"""Predicted chunks that wait in this process until they are stored."""
_TO_END = 60.0
"""Seconds in which the workers have to end if the caller wants no more predictions."""


class PoolWorker:
    """A worker that predicts chunks; it loads the model when it gets its first one.

    :param needs: what the worker has asked for.
    :param name: name of the model's folder.
    :param post: a handle of the :class:`~biorat_al.rounds.computing.post.Post`.
    """

    def __init__(self, needs: TaskNeeds, name: str, post: Any) -> None:
        begin_task(needs)
        self._name = name
        self._post = post
        self._predictor: Predictor | None = None

    def __call__(self, rows: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Predict the chunks whose places are in `rows`.

        :return: for each place, the pickled predictions, or the error that says why there are none.
        """
        found = [pickle.dumps(self._predicted(int(place))) for place in rows["item"]]
        return {"found": np.array(found, dtype=object)}

    def _predicted(self, place: int) -> list[Prediction] | BioratError:
        import ray

        documents = ray.get(ray.get(self._post.ask.remote(place))[0])
        try:
            if self._predictor is None:
                self._predictor = self._loaded(ray.get(ray.get(self._post.model.remote())[0]))
            return list(self._predictor.predict(documents))
        except BioratError as error:
            # an exception would be taken for that of a broken worker
            return error

    def _loaded(self, packed: bytes) -> Predictor:
        from biorat_al.learner.encoder.device import pick_device
        from biorat_al.learner.predictor import Predictor

        with tempfile.TemporaryDirectory(prefix="biorat-") as room:
            unpack(packed, Path(room))
            return Predictor.load(Path(room) / self._name, pick_device())


def predicted_on_ray(
    connection: Connected, needs: TaskNeeds, folder: Path, chunks: Chunks
) -> Iterator[list[Prediction]]:
    """Predict chunks with the model in `folder`; yield the predictions in order.

    :raises LearnerError: the model cannot be loaded.
    :raises ClusterError: no node is left.
    :raises RayError: (of Ray) a worker or a node was lost.
    """
    ray = connection.ray
    results: Queue[bytes | Exception] = Queue(_AHEAD)
    over = threading.Event()
    with post_office(ray) as post:
        model = ray.put(_packed_model(folder))
        ray.get(post.keep.remote([model]))
        places = sum(needs.places(node["Resources"]) for node in ray.nodes() if node["Alive"])
        dataset = _dataset(needs, folder.name, post, chunks.number, max(1, min(places, chunks.number)))
        thread = threading.Thread(target=_collect, args=(dataset, results, over), daemon=True)
        thread.start()
        watch = NodeWatch(connection, needs)
        try:
            for _ in range(chunks.number):
                yield _next(ray, post, chunks, results, watch)
        finally:
            over.set()
            # workers that wait for documents fail now, and so the thread ends; without any node it would not
            ray.kill(post)
            end = time.monotonic() + _TO_END
            while thread.is_alive() and time.monotonic() < end:
                _emptied(results)
                thread.join(_SECONDS)


def _dataset(needs: TaskNeeds, name: str, post: Any, chunks: int, workers: int) -> Any:
    """Return the dataset of all chunks' predictions; its blocks are in order."""
    import ray.data

    # what it says while it works is for those who develop with it
    logging.getLogger("ray.data").setLevel(logging.CRITICAL + 1)
    with warnings.catch_warnings():
        # the copy reads its own deprecated settings
        warnings.simplefilter("ignore", DeprecationWarning)
        context = ray.data.DataContext.get_current().copy()
    context.execution_options.preserve_order = True
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    options = {name: value for name, value in needs.options().items() if name != "max_retries"}
    with ray.data.DataContext.current(context):
        places = ray.data.from_items(list(range(chunks)), override_num_blocks=chunks)
        return places.map_batches(
            PoolWorker,
            fn_constructor_args=(needs, name, post),
            batch_size=1,
            batch_format="numpy",
            compute=ray.data.ActorPoolStrategy(size=workers, max_tasks_in_flight_per_actor=1),
            # a worker that is lost might never find a place again; the caller begins again with what is left
            max_restarts=0,
            **options,
        )


def _collect(dataset: Any, results: Queue[bytes | Exception], over: threading.Event) -> None:
    """Put the pickled predictions of a dataset into a queue, and then the error that ended it, if there was one."""
    try:
        for batch in dataset.iter_batches(batch_size=1, batch_format="numpy", prefetch_batches=0):
            for one in batch["found"]:
                results.put(one)
            if over.is_set():
                return
    except Exception as error:  # whatever Ray raises is for the caller to judge
        results.put(error)


def _next(ray: Any, post: Any, chunks: Chunks, results: Queue[bytes | Exception], watch: NodeWatch) -> list[Prediction]:
    """Return the predictions of the next chunk, and give workers the documents that they ask for meanwhile."""
    while True:
        for place in ray.get(post.asked.remote(_SECONDS if results.empty() else 0.0)):
            post.give.remote(place, [ray.put(list(chunks.read(place)))])
        try:
            result = results.get_nowait()
        except Empty:
            watch.look()
            continue
        if isinstance(result, Exception):
            raise result
        found: list[Prediction] | BioratError = pickle.loads(result)  # noqa: S301 (from our own worker)
        if isinstance(found, BioratError):
            raise found
        return found


def _packed_model(folder: Path) -> bytes:
    """Return the folder of a model, and those of its members if it is a committee, packed."""
    from biorat_al.learner.committee.saved import is_committee, member_folders

    members = member_folders(folder) if is_committee(folder) else []
    return pack(folder.parent, [folder.name, *(member.name for member in members)])


def _emptied(results: Queue[bytes | Exception]) -> None:
    """Take everything out of a queue, so that nobody waits to put more into it."""
    while True:
        try:
            results.get_nowait()
        except Empty:
            return
