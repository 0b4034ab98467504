"""A project with an oracle and a very small encoder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from biorat_al.project import Project
from tests.support.rounds import make_project, settings_for


@pytest.fixture
def project(tmp_path: Path, tiny_encoder: Path) -> Iterator[Project]:
    with make_project(tmp_path / "trial", settings_for(tiny_encoder)) as project:
        yield project
