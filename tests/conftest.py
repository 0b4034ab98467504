"""What every part of the suite shares."""

from __future__ import annotations

from pathlib import Path

import pytest

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
