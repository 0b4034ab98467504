"""A round whose choice of documents would take too long can be ended."""

from __future__ import annotations

from typing import Any

import pytest

from biorat_al.project import Project
from biorat_al.rounds import runner
from biorat_al.rounds.steps import select
from biorat_al.settings import Settings, make_settings


def with_passes(settings: Settings, passes: int) -> Settings:
    return make_settings({**settings.model_dump(), "selection": {"size": 3, "strategy": "bald", "mc_passes": passes}})


@pytest.mark.slow
def test_a_round_that_would_choose_for_weeks_goes_on_with_the_number_of_passes_that_the_user_lowered(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.round()
    project.settings = with_passes(project.settings, 1000)

    def interrupted(context: Any) -> Any:
        assert context.settings.selection.mc_passes == 1000
        raise KeyboardInterrupt

    with monkeypatch.context() as patches:
        patches.setitem(runner.STEPS, "select", interrupted)
        with pytest.raises(KeyboardInterrupt):
            project.round()
    project.settings = with_passes(project.settings, 2)
    seen = []
    ask = select.ask

    def asked(probe: Any, needs: Any, documents: Any, settings: Settings, *others: Any) -> Any:
        seen.append(settings.selection.mc_passes)
        return ask(probe, needs, documents, settings, *others)

    monkeypatch.setattr(select, "ask", asked)
    report = project.round()
    assert report.resumed
    assert report.step("push").counts["tasks"] == 3
    assert seen == [2]


@pytest.mark.slow
def test_the_record_of_a_choice_keeps_the_passes_that_it_was_made_with(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    from biorat_al.store.tables import RoundRow

    project.round()
    project.settings = with_passes(project.settings, 3)

    def interrupted(context: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patches:
        patches.setitem(runner.STEPS, "push", interrupted)
        with pytest.raises(KeyboardInterrupt):
            project.round()
    project.settings = with_passes(project.settings, 2)
    project.round()
    with project.store.read() as session:
        assert session.get_one(RoundRow, 1).settings["selection"]["mc_passes"] == 3
