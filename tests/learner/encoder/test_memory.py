from __future__ import annotations

import sys

import numpy as np
import pytest

from biorat_al.learner.encoder.device import Device
from biorat_al.learner.encoder.memory import PeakMemory

MIB = 2**20


def test_the_peak_holds_what_was_given_back(cpu: Device) -> None:
    peak = PeakMemory(cpu)
    before = peak.bytes()
    assert before > 10 * MIB
    block = np.ones(40 * MIB, dtype=np.uint8)
    del block
    assert before + 30 * MIB < peak.bytes() < before + 200 * MIB


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux starts the count anew")
def test_an_earlier_peak_does_not_count(cpu: Device) -> None:
    peak = PeakMemory(cpu)
    if not peak._own:
        pytest.skip("this system does not let a process start the count anew")
    block = np.ones(40 * MIB, dtype=np.uint8)
    del block
    with_block = peak.bytes()
    assert PeakMemory(cpu).bytes() < with_block - 30 * MIB


def test_a_device_that_does_not_say_gives_0() -> None:
    assert PeakMemory(Device("mps", False)).bytes() == 0
