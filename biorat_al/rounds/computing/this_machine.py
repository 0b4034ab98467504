"""The devices of this machine: one works in this process, several work side by side in a process each.

Arms are spread over the devices in turn, so that an arm is always trained on the same one, and chunks of the pool are
too. Each process has its own random state, so arms that are trained side by side are those that are trained one after
another. On a machine with one device nothing is started, and all is done in this process.
"""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Empty
from typing import TYPE_CHECKING, Any

from biorat_al.errors import LearnerError
from biorat_al.learner.types import Prediction, TrainedModel
from biorat_al.processes import computing_processes
from biorat_al.progress import Progress
from biorat_al.rounds.computing import device_process
from biorat_al.rounds.computing.arm_order import ArmOrder, train_arm
from biorat_al.rounds.computing.compute import Chunks, Compute
from biorat_al.rounds.computing.messages import Heard

if TYPE_CHECKING:
    from biorat_al.learner.encoder.device import Device
    from biorat_al.learner.encoder.encoder import Encoder

AHEAD = 2
"""Chunks that each device is given before its first one is done, so that it need not wait for the next."""

_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class ThisMachine(Compute):
    """The devices of this machine.

    :param devices: None takes those of :func:`~biorat_al.learner.encoder.device.pick_devices`.
    """

    devices: Sequence[Device] | None = None

    def train(
        self, orders: Sequence[ArmOrder], encoder: Encoder, progress: Progress
    ) -> Generator[TrainedModel, None, None]:
        devices = self._devices(len(orders))
        if len(devices) > 1:
            yield from _trained_side_by_side(orders, encoder, devices, progress)
            return
        for order in orders:
            yield train_arm(order, encoder, devices[0], progress)

    def predict(self, folder: Path, chunks: Chunks) -> Generator[list[Prediction], None, None]:
        from biorat_al.learner.predictor import Predictor

        if not chunks.number:
            return
        devices = self._devices(chunks.number)
        if len(devices) > 1:
            yield from _predicted_side_by_side(folder, chunks, devices)
            return
        predictor = Predictor.load(folder, devices[0])
        for place in range(chunks.number):
            yield list(predictor.predict(chunks.read(place)))

    def _devices(self, number: int) -> Sequence[Device]:
        """Return the devices for a number of pieces of work: at least one, and no more than there are pieces."""
        from biorat_al.learner.encoder.device import pick_device, pick_devices

        if self.devices is not None:
            return self.devices[: max(number, 1)]
        # alone, a device has the name that it has on a machine with one
        return (pick_device(),) if number < 2 else pick_devices()[:number]


def _trained_side_by_side(
    orders: Sequence[ArmOrder], encoder: Encoder, devices: Sequence[Device], progress: Progress
) -> Iterator[TrainedModel]:
    names = ", ".join(order.arm for order in orders)
    with (
        _processes(devices) as (pools, messages),
        progress.bar(f"training {names} side by side", len(orders), "arm") as bar,
    ):
        heard = Heard(bar, progress.say)
        futures = [
            pools[place % len(pools)].submit(device_process.trained, order, encoder)
            for place, order in enumerate(orders)
        ]
        for order, future in zip(orders, futures, strict=True):
            while not future.done():
                wait([future], timeout=_SECONDS)
                _hear(messages, heard)
            heard.forget(order.arm)
            yield future.result()
            bar.advance()


def _predicted_side_by_side(
    folder: Path, chunks: Chunks, devices: Sequence[Device]
) -> Generator[list[Prediction], None, None]:
    with _processes(devices) as (pools, _):
        ahead: deque[Future[list[Prediction]]] = deque()
        for place in range(chunks.number):
            pool = pools[place % len(pools)]
            ahead.append(pool.submit(device_process.predicted, folder, chunks.read(place)))
            if len(ahead) == AHEAD * len(pools):
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


@contextmanager
def _processes(devices: Sequence[Device]) -> Iterator[tuple[list[ProcessPoolExecutor], Any]]:
    """Start a process for each device, and end them all; yield a pool of one process for each, and their messages.

    :raises LearnerError: a process was killed.
    """
    import torch

    threads = max(1, torch.get_num_threads() // len(devices))
    messages: Any = multiprocessing.get_context("spawn").Queue()
    try:
        with ExitStack() as stack:
            started = (computing_processes(1, threads, device_process.begin, device, messages) for device in devices)
            yield [stack.enter_context(one) for one in started], messages
    except BrokenProcessPool as error:
        raise LearnerError(
            "a process that trained or predicted on one of the devices was killed, most likely for want of memory; run "
            "the same command again: it goes on where it stopped"
        ) from error


def _hear(messages: Any, heard: Heard) -> None:
    """Take in all messages that have arrived."""
    while True:
        try:
            heard.hear(*messages.get_nowait())
        except Empty:
            return
