"""The memory that training needs, that of the machine, and the peak memory of a piece of work."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from biorat_al.learner.encoder.device import Device
from biorat_al.learner.encoder.encoder import resolve_encoder
from biorat_al.settings import Settings

_CLEAR = Path("/proc/self/clear_refs")
_STATUS = Path("/proc/self/status")
_MACHINE = Path("/proc/meminfo")

_LIBRARIES = 1.7e9
"""Bytes that a process needs besides the encoder: for the libraries and for the batches of training."""

_PER_PARAMETER = 28
"""Bytes per parameter of the encoder: 4 each for weights, gradients, two moments, the best weights, and the model that
is read back for prediction; plus bf16 copies."""


def memory_to_train(settings: Settings) -> float:
    """Estimate the bytes that a process needs in order to train a project's encoder and to predict with it.

    :raises EncoderNotFoundError: the encoder cannot be loaded.
    """
    network: torch.nn.Module = resolve_encoder(settings.encoder.name, settings.encoder.max_length).network()
    return _LIBRARIES + _PER_PARAMETER * sum(parameter.numel() for parameter in network.parameters())


def total_memory() -> float:
    """Return the bytes of memory of this machine; infinite if the system does not report it."""
    return _entry("MemTotal")


def available_memory() -> float:
    """Return the bytes of memory that are available; infinite if the system does not report it."""
    return _entry("MemAvailable")


def _entry(name: str) -> float:
    """Return an entry of ``/proc/meminfo`` in bytes; infinite if the system does not report it."""
    try:
        lines = _MACHINE.read_text(encoding="ascii").splitlines()
        return 1024.0 * next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
    except (OSError, StopIteration, ValueError):
        return float("inf")


class PeakMemory:
    """The peak memory from now on, in bytes.

    On CUDA this is the memory of tensors on the device (``torch.cuda.max_memory_allocated``). On a CPU it is the
    resident set of the whole process, documents and libraries included: the peak since now if Linux lets the process
    reset its count; otherwise the peak over the process's whole life (``getrusage``), which earlier work may have
    reached. On other devices, and if the system does not report it, it is unknown.
    """

    def __init__(self, device: Device) -> None:
        self._device = device
        self._own = False
        if device.kind == "cuda":
            torch.cuda.reset_peak_memory_stats(device.name)
        elif device.kind == "cpu":
            try:
                _CLEAR.write_text("5")  # proc(5): resets the peak resident set size
                self._own = True
            except OSError:
                pass

    def bytes(self) -> int:
        """Return the peak so far; 0 if it is unknown."""
        if self._device.kind == "cuda":
            return int(torch.cuda.max_memory_allocated(self._device.name))
        if self._device.kind != "cpu":
            return 0
        return (_peak_of_linux() if self._own else None) or _peak_of_the_process()


def _peak_of_linux() -> int | None:
    try:
        lines = _STATUS.read_text().splitlines()
    except OSError:
        return None
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), None)


def _peak_of_the_process() -> int:
    try:
        import resource
    except ImportError:  # Windows
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
