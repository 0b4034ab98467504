"""The number of threads that this process computes with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Compute with one thread, as the processes that a test compares with do."""
    with _computing_with(1):
        yield


@pytest.fixture
def two_threads() -> Iterator[None]:
    """Compute with two threads, which two processes can share."""
    with _computing_with(2):
        yield


@contextmanager
def _computing_with(threads: int) -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    yield
    torch.set_num_threads(before)
