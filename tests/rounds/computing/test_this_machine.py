"""One device in this process, several in a process each, and a CPU that is divided.

Processors stand for the GPUs that a test machine lacks.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import torch

from biorat_al.corpus.model.document import Document
from biorat_al.errors import LearnerError
from biorat_al.learner.encoder import device as device_module
from biorat_al.learner.encoder import memory
from biorat_al.learner.encoder.device import Device, pick_device
from biorat_al.learner.encoder.encoder import Encoder
from biorat_al.learner.types import TrainedModel
from biorat_al.progress import SILENT
from biorat_al.rounds.computing import this_machine
from biorat_al.rounds.computing.this_machine import ThisMachine, parts_of_a_cpu
from biorat_al.rounds.steps import predict, train
from biorat_al.settings import ComputingSettings
from tests.rounds.computing.contract import ComputeContract
from tests.rounds.computing.orders import chunked, order
from tests.support.rounds import make_project, picture_of, settings_for

pytestmark = pytest.mark.slow


class TestOneDevice(ComputeContract):
    """A machine with one device: nothing is started."""

    @pytest.fixture
    def compute(self, monkeypatch: pytest.MonkeyPatch) -> ThisMachine:
        monkeypatch.setattr(this_machine, "_processes", _never)
        return ThisMachine()


@pytest.mark.usefixtures("one_thread", "forked_processes")
class TestDividedCpu(ComputeContract):
    """A CPU that two processes share for training."""

    @pytest.fixture
    def compute(self, monkeypatch: pytest.MonkeyPatch) -> ThisMachine:
        devices_of = ThisMachine._devices

        def with_two_threads(*given: Any) -> Any:
            with monkeypatch.context() as patched:
                patched.setattr(torch, "get_num_threads", lambda: 2)
                return devices_of(*given)

        monkeypatch.setattr(ThisMachine, "_devices", with_two_threads)
        return ThisMachine(parts=lambda: 2)


@pytest.mark.usefixtures("one_thread", "forked_processes")
class TestSeveralDevices(ComputeContract):
    """A machine with two devices."""

    @pytest.fixture
    def compute(self) -> ThisMachine:
        return ThisMachine((pick_device(), pick_device()))


def _never(*arguments: object) -> Any:
    raise AssertionError("a process was started")


def test_work_is_spread_over_the_devices_in_turn(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    devices = tuple(Device(f"cuda:{number}", bf16=True) for number in range(2))
    given: list[tuple[str, str]] = []
    monkeypatch.setattr(this_machine, "_processes", _recorded(given))
    orders = [order(tmp_path, arm) for arm in ("rat", "none", "at")]
    list(ThisMachine(devices).train(orders, Encoder("tiny", "tiny"), SILENT))
    assert given == [("cuda:0", "rat"), ("cuda:1", "none"), ("cuda:0", "at")]
    given.clear()
    documents = [Document(str(number), "Aspirin.") for number in range(3)]
    list(ThisMachine(devices).predict(tmp_path, chunked(documents, 1)))
    assert given == [("cuda:0", "0"), ("cuda:1", "1"), ("cuda:0", "2")]


@pytest.mark.parametrize(
    ("kind", "cores", "parts", "number", "expected"),
    [
        ("cpu", 8, 2, 2, (2, 4)),
        ("cpu", 3, 2, 9, (2, 1)),
        # what is left of a command that was cut off is trained with as many threads as the rest was
        ("cpu", 8, 2, 1, (1, 4)),
        # no thread can be divided
        ("cpu", 1, 2, 2, (1, 0)),
        ("cpu", 2, 4, 4, (2, 1)),
        ("cpu", 8, 1, 2, (1, 0)),
        ("mps", 8, 2, 2, (1, 0)),
    ],
)
def test_a_cpu_is_divided_into_processes_with_a_share_of_its_threads(
    monkeypatch: pytest.MonkeyPatch, kind: str, cores: int, parts: int, number: int, expected: tuple[int, int]
) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: cores)
    monkeypatch.setattr(device_module, "pick_device", lambda _=None: Device(kind, bf16=False))
    devices, threads = ThisMachine()._devices(number, lambda: parts)
    assert (len(devices), threads) == expected


def test_a_part_is_for_each_member_of_a_committee_if_the_machine_has_the_memory(
    monkeypatch: pytest.MonkeyPatch, tiny_encoder: Path
) -> None:
    settings = settings_for(tiny_encoder, training={"arms": ["rat", "none", "at"], "committee": True})
    assert parts_of_a_cpu(settings) == 3
    for change in (
        {"computing": ComputingSettings(side_by_side=False)},
        {"training": settings.training.model_copy(update={"committee": False})},
        {"training": settings.training.model_copy(update={"arms": ("rat",)})},
    ):
        assert parts_of_a_cpu(settings.model_copy(update=change)) == 1
    for gigabytes, parts in ((4.0, 2), (0.1, 1)):
        monkeypatch.setattr(memory, "total_memory", lambda gigabytes=gigabytes: gigabytes * 1e9)
        assert parts_of_a_cpu(settings) == parts


def test_one_piece_of_work_stays_in_this_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[Device] = []
    monkeypatch.setattr(this_machine, "train_arm", lambda order, encoder, device, progress: asked.append(device))
    monkeypatch.setattr(device_module, "pick_device", lambda: Device("cuda", bf16=True))
    monkeypatch.setattr(device_module, "pick_devices", lambda: _never())
    list(ThisMachine().train([order(tmp_path)], Encoder("tiny", "tiny"), SILENT))
    assert asked == [Device("cuda", bf16=True)]


def _recorded(given: list[tuple[str, str]]) -> Any:
    """Return a stand-in for the processes that notes which device is given which work."""
    from concurrent.futures import Future
    from contextlib import contextmanager
    from queue import Queue

    class Pool:
        def __init__(self, device: Device) -> None:
            self._device = device

        def submit(self, work: object, what: Any, more: Any) -> Future[Any]:
            name = what.arm if hasattr(what, "arm") else more[0].id
            given.append((self._device.name, name))
            future: Future[Any] = Future()
            future.set_result(None)
            return future

    @contextmanager
    def processes(devices: Sequence[Device], threads: int) -> Any:
        yield [Pool(device) for device in devices], Queue()

    return processes


@pytest.mark.usefixtures("forked_processes")
def test_a_process_that_is_killed_is_an_error_and_the_others_end(model: TrainedModel) -> None:
    documents = [Document(str(number), "Aspirin helps against headache.") for number in range(60)]
    with closing(ThisMachine((pick_device(), pick_device())).predict(model.folder, chunked(documents, 1))) as predicted:
        next(predicted)
        os.kill(multiprocessing.active_children()[0].pid or 0, signal.SIGKILL)
        with pytest.raises(LearnerError, match="most likely for want of memory; run the same command again"):
            list(predicted)
    _all_have_ended()


def _all_have_ended() -> None:
    end = time.monotonic() + 20
    while multiprocessing.active_children() and time.monotonic() < end:
        time.sleep(0.1)
    assert multiprocessing.active_children() == []


@pytest.mark.usefixtures("one_thread")
@pytest.mark.slow(30)
def test_a_round_on_several_devices_is_that_of_one(
    tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predict, "CHUNK", 7)
    pictures = []
    for number in (1, 2):
        settings = settings_for(tiny_encoder, training={"epochs": 1, "min_steps": 3, "committee": True})
        with make_project(tmp_path / str(number), settings, pool=30, test=3) as project:
            project.round()
            monkeypatch.setattr(device_module, "pick_devices", lambda number=number: (pick_device(),) * number)
            report = project.round()
            assert report.step("predict").counts["documents"] == 24
            pictures.append(picture_of(project))
    assert pictures[0] == pictures[1]


@pytest.mark.usefixtures("two_threads")
def test_a_round_that_is_cut_off_between_two_arms_ends_as_if_it_had_not_been(
    tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_for(tiny_encoder, training={"epochs": 1, "min_steps": 3, "committee": True})
    pictures = []
    for cut in (False, True):
        with make_project(tmp_path / str(cut), settings, pool=30, test=3) as project:
            project.round()
            if cut:
                with monkeypatch.context() as patched:
                    patched.setattr(train, "record_model", _until_the_second(train.record_model))
                    with pytest.raises(RuntimeError, match="power cut"):
                        project.round()
            assert project.round().resumed == cut
            pictures.append(picture_of(project))
    assert pictures[0] == pictures[1]


def _until_the_second(record: Any) -> Any:
    """Return what records the first model that it is given, and fails at the next."""
    calls: list[str] = []

    def recorded(context: Any, model: TrainedModel, arm: str) -> None:
        calls.append(arm)
        if len(calls) == 2:
            raise RuntimeError("power cut")
        record(context, model, arm)

    return recorded
