"""Conditions under which a round waits."""

from __future__ import annotations

from typing import Any

import pytest

from biorat_al.rounds import readiness
from biorat_al.rounds.readiness import reason_to_wait, settings_of
from biorat_al.settings import make_settings
from biorat_al.store.tables import RoundRow

READY: dict[str, Any] = {"open_tasks": 0, "partial": False, "labelled": True, "left": True, "changed": True}


@pytest.mark.parametrize(
    ("number", "changes", "expected"),
    [
        (1, {}, None),
        (1, {"open_tasks": 3}, "open tasks"),
        (1, {"open_tasks": 3, "labelled": False, "left": False, "changed": False}, "open tasks"),
        (1, {"open_tasks": 3, "partial": True}, None),
        (1, {"open_tasks": 3, "partial": True, "labelled": False}, "no labels"),
        (1, {"labelled": False}, None),
        (1, {"left": False}, None),
        (1, {"changed": False}, None),
        (1, {"left": False, "changed": False}, "nothing left"),
        (0, {"left": False, "changed": False}, None),
        (1, {"left": False, "changed": False, "open_tasks": 1, "partial": True}, None),
    ],
)
def test_a_round_waits_only_where_it_has_nothing_to_go_on(
    number: int, changes: dict[str, Any], expected: str | None
) -> None:
    assert reason_to_wait(number, **READY | changes) == expected


def test_a_round_that_was_begun_with_a_number_that_never_ends_can_be_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "models_of", lambda session, number: {"rat": "trained"})
    current = make_settings({"name": "trial", "entities": [{"name": "Disease"}], "training": {"epochs": 2}})
    kept = current.model_dump(mode="json")
    kept["selection"]["mc_passes"] = 10**23
    kept["training"]["epochs"] = 5
    row = RoundRow(number=1, settings=kept)
    found = settings_of(None, row, current)  # type: ignore[arg-type]
    assert found.selection == current.selection
    assert found.training.epochs == 5
