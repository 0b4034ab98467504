"""Settings that were changed between the rounds of a project."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def flat_settings(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Settings by their full names, like ``training.epochs``."""
    found: dict[str, Any] = {}
    for name, value in settings.items():
        found |= flat_settings(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value}
    return found


def changed_settings(rounds: Mapping[int, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The settings that are not the same in all rounds: full name → round → value.

    :param rounds: each round's settings; what one does not have, as an older version, is no change.
    """
    by_name: dict[str, dict[str, Any]] = {}
    for number, settings in rounds.items():
        for name, value in flat_settings(settings).items():
            by_name.setdefault(name, {})[str(number)] = value
    return {name: values for name, values in by_name.items() if differ(values)}


def differ(values: Mapping[str, Any]) -> bool:
    return len({json.dumps(value) for value in values.values()}) > 1
