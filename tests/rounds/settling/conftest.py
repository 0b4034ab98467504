"""A project with disputes, for the tests of what people are asked again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from biorat_al.project import Project
from tests.support.settling import disputed_project


@pytest.fixture
def project(tmp_path: Path, tiny_encoder: Path) -> Iterator[Project]:
    with disputed_project(tmp_path / "trial", tiny_encoder) as made:
        yield made
