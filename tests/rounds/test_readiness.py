"""Conditions under which a round waits."""

from __future__ import annotations

from typing import Any

import pytest

from biorat_al.rounds.readiness import reason_to_wait

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
