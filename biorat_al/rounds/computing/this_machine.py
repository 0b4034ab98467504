"""The devices of this machine: one works in this process, several work side by side in a process each.

Arms are spread over the devices in turn, so that an arm is always trained on the same one, and chunks of the pool are
too. Each process has its own random state, so arms that are trained side by side are those that are trained one after
another with as many threads. On a machine with one GPU nothing is started, and all is done in this process.

For training, a CPU counts as several devices, each with a share of the threads, if the settings say so. Two small
networks with one thread each get on faster than one after the other with two, because much of a step is work that
threads cannot share.
"""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache, partial
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
from biorat_al.settings import Settings

if TYPE_CHECKING:
    from biorat_al.learner.encoder.device import Device
    from biorat_al.learner.encoder.encoder import Encoder

AHEAD = 2
"""Chunks that each device is given before its first one is done, so that it need not wait for the next."""

_SECONDS = 0.5


def _undivided() -> int:
    return 1


@dataclass(frozen=True, slots=True)
class ThisMachine(Compute):
    """The devices of this machine.

    :param devices: None takes those of :func:`~biorat_al.learner.encoder.device.pick_devices`.
    :param parts: returns into how many parts a CPU is divided for training; see :func:`parts_of_a_cpu`.
    """

    devices: Sequence[Device] | None = None
    parts: Callable[[], int] = _undivided

    def train(
        self, orders: Sequence[ArmOrder], encoder: Encoder, progress: Progress
    ) -> Generator[TrainedModel, None, None]:
        devices, threads = self._devices(len(orders), self.parts)
        if threads:
            yield from _trained_side_by_side(orders, encoder, devices, threads, progress)
            return
        for order in orders:
            yield train_arm(order, encoder, devices[0], progress)

    def predict(self, folder: Path, chunks: Chunks) -> Generator[list[Prediction], None, None]:
        from biorat_al.learner.predictor import Predictor

        if not chunks.number:
            return
        # the large batches of prediction leave less for other threads to wait for, and processes take a while to start
        devices, threads = self._devices(chunks.number, _undivided)
        if threads:
            yield from _predicted_side_by_side(folder, chunks, devices, threads)
            return
        predictor = Predictor.load(folder, devices[0])
        for place in range(chunks.number):
            yield list(predictor.predict(chunks.read(place)))

    def _devices(self, number: int, parts_of_cpu: Callable[[], int]) -> tuple[Sequence[Device], int]:
        """Return the devices for a number of pieces of work: at least one, and no more than there are pieces.

        :return: and the threads of the process of each; 0: there is one device, which works in this process.
        """
        import torch

        from biorat_al.learner.encoder.device import pick_device, pick_devices

        number, threads = max(number, 1), torch.get_num_threads()
        devices = self.devices
        if devices is None:
            device = pick_device()
            parts = _parts(parts_of_cpu, threads) if device.kind == "cpu" else 1
            if parts > 1:
                # also for what a command that was cut off has left, which may be one piece: others give other models
                return (device,) * min(number, parts), threads // parts
            # alone, a device has the name that it has on a machine with one
            devices = (device,) if number < 2 else pick_devices()
        devices = devices[:number]
        return devices, max(1, threads // len(devices)) if len(devices) > 1 else 0


def of_project(settings: Settings) -> ThisMachine:
    """Return this machine as a project's settings divide it."""
    return ThisMachine(parts=cache(partial(parts_of_a_cpu, settings)))


def training_threads(settings: Settings) -> int:
    """Return with how many threads this machine's CPU trains each arm of a project."""
    import torch

    threads = torch.get_num_threads()
    return threads // _parts(partial(parts_of_a_cpu, settings), threads)


def _parts(parts_of_cpu: Callable[[], int], threads: int) -> int:
    """Return into how many parts a CPU is divided: none has less than a thread."""
    return min(parts_of_cpu(), threads) if threads > 1 else 1


def parts_of_a_cpu(settings: Settings) -> int:
    """Return into how many parts a CPU is divided for training: one for each member of a committee, memory allowing.

    The memory is that of the whole machine, so that the number does not change from one command to the next.
    """
    training = settings.training
    if not (settings.computing.side_by_side and training.has_committee):
        return 1
    from biorat_al.learner.encoder.memory import memory_to_train, total_memory

    return max(1, min(len(training.arms), int(total_memory() / memory_to_train(settings))))


def _trained_side_by_side(
    orders: Sequence[ArmOrder], encoder: Encoder, devices: Sequence[Device], threads: int, progress: Progress
) -> Iterator[TrainedModel]:
    names = ", ".join(order.arm for order in orders)
    with (
        _processes(devices, threads) as (pools, messages),
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
    folder: Path, chunks: Chunks, devices: Sequence[Device], threads: int
) -> Generator[list[Prediction], None, None]:
    with _processes(devices, threads) as (pools, _):
        ahead: deque[Future[list[Prediction]]] = deque()
        for place in range(chunks.number):
            pool = pools[place % len(pools)]
            ahead.append(pool.submit(device_process.predicted, folder, chunks.read(place)))
            if len(ahead) == AHEAD * len(pools):
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


@contextmanager
def _processes(devices: Sequence[Device], threads: int) -> Iterator[tuple[list[ProcessPoolExecutor], Any]]:
    """Start a process for each device, and end them all; yield a pool of one process for each, and their messages.

    :param threads: of each process.
    :raises LearnerError: a process was killed.
    """
    messages: Any = multiprocessing.get_context("spawn").Queue()
    try:
        with ExitStack() as stack:
            started = (computing_processes(1, threads, device_process.begin, device, messages) for device in devices)
            yield [stack.enter_context(one) for one in started], messages
    except BrokenProcessPool as error:
        raise LearnerError(
            "a process that trained or predicted was killed, most likely for want of memory; run the same command "
            "again: it goes on where it stopped. On a CPU, side_by_side = false under [computing] in the settings "
            "takes less memory from the next round on"
        ) from error


def _hear(messages: Any, heard: Heard) -> None:
    """Take in all messages that have arrived."""
    while True:
        try:
            heard.hear(*messages.get_nowait())
        except Empty:
            return
