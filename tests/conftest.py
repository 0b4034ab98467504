"""What every part of the suite shares."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# before any library reads it: processes side by side share the cores
if "PYTEST_XDIST_WORKER_COUNT" in os.environ:
    _threads = (os.cpu_count() or 1) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, _threads)))

# speed is never asserted in a test: the machines that run them are shared
settings.register_profile("shared-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared-machine")

pytest_plugins = [
    "tests.support.browser",
    "tests.support.databases",
    "tests.support.encoders",
    "tests.support.labelstudio",
]

CORPORA = Path(__file__).parent.parent.parent / "shared" / "corpora"


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The folder of real corpora (BC5CDR, NCBI disease, …); tests that need them skip where they are absent."""
    if not CORPORA.is_dir():
        pytest.skip(f"the corpora are missing: {CORPORA}")
    return CORPORA
