"""The peak of the memory that a piece of work takes."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from biorat_al.learner.encoder.device import Device

_CLEAR = Path("/proc/self/clear_refs")
_STATUS = Path("/proc/self/status")


class PeakMemory:
    """Watches from now on.

    On CUDA it is what tensors took on the device (``torch.cuda.max_memory_allocated``). On a CPU it is the resident set
    of the whole process, documents and libraries included: where Linux lets the process start its count anew, the peak
    since then; elsewhere the peak of the process's whole life (``getrusage``), which an earlier piece of work may have
    set. On other devices, and where the system does not say, it is not known.
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
        """The peak so far; 0 where it is not known."""
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
