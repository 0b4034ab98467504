"""What every part of the suite shares."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from biorat_al import redaction
from tests.support.memory import folder_in_memory

# before any library reads it: processes side by side share the cores
if "PYTEST_XDIST_WORKER_COUNT" in os.environ:
    _threads = (os.cpu_count() or 1) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, _threads)))

# pytest makes the folders of all tests there, and removes those of tests that passed
if (_folder := folder_in_memory()) is not None:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_folder))

# speed is never asserted in a test: the machines that run them are shared; and the same examples in every run, so that
# a change fails for what it changed
settings.register_profile(
    "shared-machine", deadline=None, max_examples=40, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
# pytest --hypothesis-profile=thorough, where somebody has the time: more examples, and other ones each time
settings.register_profile("thorough", settings.get_profile("shared-machine"), max_examples=1_000, derandomize=False)
settings.load_profile("shared-machine")

pytest_plugins = [
    "tests.support.browser",
    "tests.support.databases",
    "tests.support.encoders",
    "tests.support.labelstudio",
    "tests.support.processes",
    "tests.support.ray_cluster",
    "tests.support.threads",
]

SECONDS = 3
"""How long a test with the marker ``slow`` takes, if the marker does not say so."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the files with the longest tests first, then those that need a Label Studio, then all others.

    Of several processes, the first begins with the first tests, and each takes over tests from the end of another's
    queue when its own is empty. So no process waits for one long test at the end, and few of them start a server.
    """
    places: dict[Path, tuple[float, bool]] = {}
    for item in items:
        slow = item.get_closest_marker("slow")
        seconds = (slow.args[0] if slow.args else SECONDS) if slow else 0
        place = (-seconds, item.get_closest_marker("labelstudio") is None)
        places[item.path] = min(place, places.get(item.path, place))
    items.sort(key=lambda item: places[item.path])


@pytest.fixture(autouse=True)
def no_kept_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every test begin without secrets: those of another one may be words of a sentence that it expects."""
    monkeypatch.setattr(redaction, "_kept", set())


CORPORA = Path(__file__).parent.parent.parent / "shared" / "corpora"


@pytest.fixture(scope="session")
def corpora() -> Path:
    """Return the folder of real corpora (BC5CDR, NCBI disease, …); tests that need them skip where they are absent."""
    if not CORPORA.is_dir():
        pytest.skip(f"the corpora are missing: {CORPORA}")
    return CORPORA
