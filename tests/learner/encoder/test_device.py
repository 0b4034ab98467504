from __future__ import annotations

import numpy as np
import pytest
import torch

from biorat_al.errors import LearnerError
from biorat_al.learner.encoder import device as module
from biorat_al.learner.encoder.device import Device, pick_device, pick_devices


@pytest.fixture(autouse=True)
def _bare_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with nothing but an old processor; each test adds what it needs."""
    monkeypatch.delenv("BIORAT_DEVICE", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True, "avx512_f": True}, raising=False)
    for name in ("avx512_bf16", "amx_tile"):
        monkeypatch.setattr(torch.cpu, f"_is_{name}_supported", lambda: False, raising=False)


def with_cuda(monkeypatch: pytest.MonkeyPatch, *, bf16: bool, count: int = 1) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: bf16 or including_emulation)


def test_an_old_processor_computes_in_32_bits() -> None:
    device = pick_device()
    assert device == Device("cpu", bf16=False)
    assert device.dtype is torch.float32


@pytest.mark.parametrize("capability", ["avx512_bf16", "amx_bf16", "arm_bf16"])
def test_a_processor_with_instructions_for_it_computes_in_bf16(
    monkeypatch: pytest.MonkeyPatch, capability: str
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True, capability: True}, raising=False)
    assert pick_device() == Device("cpu", bf16=True)
    assert pick_device().dtype is torch.bfloat16


def test_an_older_torch_is_asked_by_its_own_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert pick_device().bf16 is False
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True, raising=False)
    assert pick_device().bf16 is True


@pytest.mark.parametrize("bf16", [True, False])
def test_a_gpu_comes_first_and_emulated_bf16_does_not_count(monkeypatch: pytest.MonkeyPatch, bf16: bool) -> None:
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    with_cuda(monkeypatch, bf16=bf16)
    assert pick_device() == Device("cuda", bf16=bf16)


def test_apple_comes_second_in_32_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert pick_device() == Device("mps", bf16=False)


def test_the_environment_forces_a_device(monkeypatch: pytest.MonkeyPatch) -> None:
    with_cuda(monkeypatch, bf16=True, count=2)
    monkeypatch.setenv("BIORAT_DEVICE", "cpu")
    assert pick_device().name == "cpu"
    monkeypatch.setenv("BIORAT_DEVICE", "CUDA:1 ")
    assert pick_device() == Device("cuda:1", bf16=True)
    assert pick_device().kind == "cuda"
    monkeypatch.setenv("BIORAT_DEVICE", "")
    assert pick_device().name == "cuda"


@pytest.mark.parametrize("name", ["tpu", "cuda:x", "cpu:1"])
def test_a_name_that_is_no_device_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("BIORAT_DEVICE", name)
    with pytest.raises(LearnerError, match="BIORAT_DEVICE"):
        pick_device()


@pytest.mark.parametrize("name", ["cuda", "mps", "cuda:2"])
def test_a_device_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    if name == "cuda:2":
        with_cuda(monkeypatch, bf16=True, count=2)
    with pytest.raises(LearnerError, match=f"{name}, which this machine does not have"):
        pick_device(name)


def test_matrix_products_are_in_bf16_under_autocast_only_where_the_hardware_has_it() -> None:
    a = torch.ones(4, 4)
    with Device("cpu", bf16=True).autocast():
        assert (a @ a).dtype is torch.bfloat16
    with Device("cpu", bf16=False).autocast():
        assert (a @ a).dtype is torch.float32


def test_attention_and_batches_follow_the_hardware() -> None:
    assert (Device("cpu", True).training_attention, Device("cuda:0", True).training_attention) == ("eager", None)
    assert Device("cpu", True).batch_tokens < Device("cuda", True).batch_tokens


def test_tensors_hold_the_values_of_the_array() -> None:
    array = np.arange(6).reshape(2, 3)[:, ::-1]
    assert Device("cpu", False).tensor(array).tolist() == array.tolist()


def test_the_real_probes_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert isinstance(module._cpu_has_bf16(), bool)
    assert isinstance(module._has_cuda(), bool)
    assert isinstance(module._has_mps(), bool)
    assert pick_device("cpu").name == "cpu"


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (None, ["cuda:0", "cuda:1", "cuda:2"]),
        ("cuda", ["cuda:0", "cuda:1", "cuda:2"]),
        ("cuda:1", ["cuda:1"]),
        ("cpu", ["cpu"]),
    ],
)
def test_several_gpus_work_side_by_side_unless_one_device_is_named(
    monkeypatch: pytest.MonkeyPatch, asked: str | None, expected: list[str]
) -> None:
    with_cuda(monkeypatch, bf16=True, count=3)
    assert [device.name for device in pick_devices(asked)] == expected
    if asked != "cpu":
        assert all(device.bf16 for device in pick_devices(asked))


def test_a_single_gpu_and_a_machine_without_one_keep_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    assert pick_devices() == (Device("cpu", bf16=False),)
    with_cuda(monkeypatch, bf16=True)
    assert pick_devices() == (Device("cuda", bf16=True),)
