"""Settings that were edited between the rounds of a project."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def flat_settings(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the settings by their full names, such as ``training.epochs``."""
    found: dict[str, Any] = {}
    for name, value in settings.items():
        found |= flat_settings(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value}
    return found


def changed_settings(rounds: Mapping[int, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the settings that differ between rounds: full name → round → value.

    :param rounds: settings by round. A setting that a round lacks (an older version did not know it) is not a change.
    """
    by_name: dict[str, dict[str, Any]] = {}
    for number, settings in rounds.items():
        for name, value in flat_settings(settings).items():
            by_name.setdefault(name, {})[str(number)] = value
    return {name: values for name, values in by_name.items() if differ(values)}


def differ(values: Mapping[str, Any]) -> bool:
    """Return whether the values, written as JSON, are not all the same."""
    return len({json.dumps(value) for value in values.values()}) > 1
