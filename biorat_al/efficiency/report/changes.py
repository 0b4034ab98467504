"""Sentences on settings that were changed between rounds."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from biorat_al.efficiency.report.tables import words
from biorat_al.efficiency.runs.changed_settings import differ
from biorat_al.efficiency.runs.model import Run
from biorat_al.wording import inflected

_NOTED = ("seed", "encoder.", "training.", "adversarial.", "team.")


_SAID_ELSEWHERE = ("training.arms", "training.selecting_arm")


def changes_noted(runs: Sequence[Run]) -> list[str]:
    """Say in a sentence which settings of training changed between the rounds of these points; empty if none did."""
    shown = {str(point.round) for run in runs for point in run.points}
    texts: dict[str, None] = {}
    for run in runs:
        for name, values in run.provenance.get("changed_settings", {}).items():
            here = {number: value for number, value in values.items() if number in shown}
            if name.startswith(_NOTED) and name not in _SAID_ELSEWHERE and differ(here):
                texts[f"{name} ({by_rounds(here)})"] = None
    if not texts:
        return []
    return [
        "Settings were changed between rounds, so the curves follow these changes as well as the labels: "
        f"{'; '.join(texts)}."
    ]


def by_rounds(values: Mapping[str, Any]) -> str:
    """Return a setting's values with their rounds: ``3 in rounds 1 and 2, 6 in round 3``."""
    rounds: dict[str, list[str]] = {}
    for number, value in values.items():
        rounds.setdefault(json.dumps(value, ensure_ascii=False), []).append(number)
    return ", ".join(
        f"{value} in {inflected(len(numbers), 'round')} {words(numbers)}" for value, numbers in rounds.items()
    )
