"""Runs side by side in processes of this machine."""

from __future__ import annotations

from contextlib import AbstractContextManager

import pytest

from biorat_al.efficiency.simulation.scheduling import SimulationJob, TrialRunner
from biorat_al.efficiency.simulation.workers import process_pool
from tests.efficiency.simulation.contract import TrialRunnerContract, documents

__all__ = ["documents"]


@pytest.mark.usefixtures("forked_processes")
class TestProcessPool(TrialRunnerContract):
    def opened(self, job: SimulationJob) -> AbstractContextManager[TrialRunner]:
        return process_pool(job, runs=2)
