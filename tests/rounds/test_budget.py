"""The budget of a batch: what the request asks for, else what the settings say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from biorat_al.acquisition.base import Budget
from biorat_al.project import Project
from biorat_al.rounds.context import Context, RoundRequest
from biorat_al.rounds.steps.select import budget
from tests.support.rounds import make_project, settings_for


@pytest.mark.slow
@pytest.mark.parametrize(
    ("selection", "request_", "expected"),
    [
        ({"size": 6}, {}, Budget(documents=6)),
        ({"tokens": 300}, {}, Budget(tokens=300)),
        ({"size": 6}, {"size": 2}, Budget(documents=2)),
        ({"size": 6}, {"tokens": 200}, Budget(tokens=200)),
        ({"tokens": 300}, {"size": 2}, Budget(documents=2)),
        ({"tokens": 300}, {"tokens": 200}, Budget(tokens=200)),
    ],
)
def test_a_request_comes_before_the_settings(
    project: Project, selection: dict[str, Any], request_: dict[str, Any], expected: Budget
) -> None:
    settings = project.settings
    settings = settings.model_copy(update={"selection": settings.selection.model_copy(update=selection)})
    context = Context(project.folder, settings, project.store, project.desk, 0, RoundRequest(**request_))
    assert budget(context) == expected


@pytest.mark.slow
def test_a_budget_in_word_pieces_that_the_settings_name_is_kept(tmp_path: Path, tiny_encoder: Path) -> None:
    settings = settings_for(tiny_encoder, selection={"tokens": 300})
    with make_project(tmp_path / "trial", settings) as project:
        assert project.plan().budget == "300 word pieces"
        for _ in range(2):
            counts = project.round().step("select").counts
            assert 0 < counts["tokens"] <= 300
            assert counts["documents"] != settings.selection.size
