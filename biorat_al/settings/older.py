"""Settings as an older version of the program wrote them: what it did not know yet has the meaning it had then.

A default that changes must change new projects only. The settings file that ``init`` writes names every setting, and so
does the record of a round. One without ``training.committee`` comes from before committees, one without
``training.sentence_rules`` from before there were several, one without ``selection.score_all`` from before large pools
were predicted in part, one without ``computing`` from before a CPU trained arms side by side, and with the older
defaults below it goes on as it did.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_BEFORE_COMMITTEES: dict[str, Any] = {"committee": False, "min_steps": 120, "dev_share": 0.1}
"""The defaults of training before there was a committee."""

_BEFORE_SENTENCE_RULES: dict[str, Any] = {"sentence_rules": 1}
"""The defaults of training before there were several sets of rules for sentences."""

_BEFORE_CANDIDATES: dict[str, Any] = {"score_all": 1_000_000_000}
"""The defaults of selection when every pool was predicted as a whole."""

_BEFORE_SIDE_BY_SIDE: dict[str, Any] = {"side_by_side": False}
"""The default of computing when a CPU trained one arm after the other: other threads give other last bits."""

_LATER: Mapping[str, Any] = {"context": "sentence", **_BEFORE_SENTENCE_RULES}
"""What training did before it had a setting for it."""


def with_older_defaults(values: dict[str, Any]) -> dict[str, Any]:
    """Return settings with the older defaults filled in, if an older version wrote them; the values stay unchanged."""
    training, selection = values.get("training", {}), values.get("selection", {})
    if not isinstance(training, dict):
        return values
    if isinstance(selection, dict):
        values = values | {"selection": _BEFORE_CANDIDATES | selection}
    if isinstance(computing := values.get("computing", {}), dict):
        values = values | {"computing": _BEFORE_SIDE_BY_SIDE | computing}
    had_committee = "committee" in training
    training = (_BEFORE_SENTENCE_RULES if had_committee else _BEFORE_SENTENCE_RULES | _BEFORE_COMMITTEES) | training
    relations = values.get("relation_extraction", {})
    if isinstance(relations, dict) and not had_committee:
        # relation models kept back what the others did
        relations = {"dev_share": training["dev_share"]} | relations
        return values | {"training": training, "relation_extraction": relations}
    return values | {"training": training}


def without_later(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values of training without the later ones that say what was done before.

    So what is trained as by an older version keeps its name and digest.

    >>> without_later({"epochs": 3, "context": "sentence"}), without_later({"context": "document"})
    ({'epochs': 3}, {'context': 'document'})
    """
    return {name: value for name, value in values.items() if name not in _LATER or value != _LATER[name]}
