"""The device that networks run on, and what it can do; no other module asks the hardware.

It is CUDA with bf16 where there is a GPU, Apple's MPS, or the CPU. A CPU uses bf16 only if the processor has
instructions for it (AVX512-BF16, AMX or Arm's): without them, bf16 is emulated and slower than 32-bit floats.
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from biorat_al.errors import LearnerError

VARIABLE = "BIORAT_DEVICE"


@dataclass(frozen=True, slots=True)
class Device:
    """Where the network runs.

    :param name: as torch writes it: ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
    :param bf16: whether the hardware computes in bf16.
    """

    name: str
    bf16: bool

    @property
    def kind(self) -> str:
        """``cpu``, ``cuda`` or ``mps``."""
        return self.name.partition(":")[0]

    @property
    def dtype(self) -> torch.dtype:
        """The type of a network's weights at prediction."""
        return torch.bfloat16 if self.bf16 else torch.float32

    @property
    def batch_tokens(self) -> int:
        """Word pieces per batch at prediction: enough to fill the hardware, few enough to leave little padding."""
        return 2048 if self.kind == "cpu" else 32768

    @property
    def training_attention(self) -> str | None:
        """The attention that trains fastest, as transformers names it; None selects the best one that the encoder has.

        On a CPU, fused attention has a slower backward pass than plain attention.
        """
        return "eager" if self.kind == "cpu" else None

    def autocast(self) -> AbstractContextManager[Any]:
        """Compute matrix products in bf16 if the hardware can; the weights stay 32-bit floats."""
        return torch.autocast(self.kind, torch.bfloat16) if self.bf16 else nullcontext()

    def tensor(self, array: NDArray[Any]) -> torch.Tensor:
        """Move an array to the device; to a GPU from pinned memory, without waiting."""
        return put(torch.from_numpy(np.ascontiguousarray(array)), self.name)


def put(tensor: torch.Tensor, device: torch.device | str) -> torch.Tensor:
    """Move a tensor from the CPU to `device`; to a GPU from pinned memory, without waiting."""
    if str(device).startswith("cuda"):
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


def pick_device(forced: str | None = None) -> Device:
    """Return the device that the user asked for, or else the best one of this machine.

    :param forced: ``cpu``, ``cuda``, ``cuda:<n>`` or ``mps``; None reads the environment variable ``BIORAT_DEVICE``,
        and selects the best device if that is not set.
    :raises LearnerError: unknown name, or a device that this machine does not have.
    """
    name = (forced or os.environ.get(VARIABLE) or "").strip().lower()
    if not name:
        name = "cuda" if _has_cuda() else "mps" if _has_mps() else "cpu"
    kind, _, number = name.partition(":")
    if kind not in ("cpu", "cuda", "mps") or (number and not (kind == "cuda" and number.isdecimal())):
        raise LearnerError(f"{VARIABLE} names no device: {name!r}; it may be cpu, cuda, cuda:<number> or mps")
    there = _has_cuda() if kind == "cuda" else _has_mps() if kind == "mps" else True
    if not there or (number and int(number) >= torch.cuda.device_count()):
        raise LearnerError(
            f"{VARIABLE} asks for the device {name}, which this machine does not have: unset it to use the best"
        )
    return Device(name, bf16=_cuda_has_bf16() if kind == "cuda" else kind == "cpu" and _cpu_has_bf16())


def pick_devices(forced: str | None = None) -> tuple[Device, ...]:
    """Return the devices that can work side by side: all GPUs that CUDA sees if there are several, else the best one.

    The environment variable ``CUDA_VISIBLE_DEVICES`` limits what CUDA sees.

    :param forced: as for :func:`pick_device`; ``cuda`` stands for all GPUs, ``cuda:<n>`` for one.
    :raises LearnerError: unknown name, or a device that this machine does not have.
    """
    best = pick_device(forced)
    if best.name != "cuda" or torch.cuda.device_count() < 2:
        return (best,)
    return tuple(Device(f"cuda:{number}", best.bf16) for number in range(torch.cuda.device_count()))


def _has_cuda() -> bool:
    return torch.cuda.is_available()


def _has_mps() -> bool:
    return torch.backends.mps.is_available()


def _cuda_has_bf16() -> bool:
    return bool(torch.cuda.is_bf16_supported(including_emulation=False))


def _cpu_has_bf16() -> bool:
    capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    if any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16", "arm_bf16", "bf16")):
        return True
    # older torch: the same question under earlier names
    probes = (getattr(torch.cpu, f"_is_{name}_supported", None) for name in ("avx512_bf16", "amx_tile"))
    return any(probe() for probe in probes if probe is not None)
