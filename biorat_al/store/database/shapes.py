"""Shapes of the JSON objects that the program reads entry by entry: of a model's summary, of a step's counts and so on.

Only what is read by name is listed, and every entry may be missing, since earlier versions wrote fewer.
"""

from __future__ import annotations

from typing import Any

from biorat_al.store.database.json_values import Check


def is_number(value: Any) -> bool:
    """Return whether a value is a number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_whole(value: Any) -> bool:
    """Return whether a value is a whole number."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_text(value: Any) -> bool:
    """Return whether a value is a text."""
    return isinstance(value, str)


def optional(check: Check) -> Check:
    """Return a check that also takes nothing."""
    return lambda value: value is None or check(value)


def list_of(check: Check) -> Check:
    """Return a check for a list of values of one shape."""
    return lambda value: isinstance(value, list) and all(map(check, value))


def object_of(check: Check) -> Check:
    """Return a check for an object whose values all have one shape."""
    return lambda value: isinstance(value, dict) and all(map(check, value.values()))


def with_entries(**checks: Check) -> Check:
    """Return a check for an object in which some entries, where they are there, have certain shapes."""
    return lambda value: (
        isinstance(value, dict) and all(check(value[name]) for name, check in checks.items() if name in value)
    )


is_object = with_entries()

_NAMED = list_of(with_entries(name=is_text))
_RELATION = with_entries(
    sha256=optional(is_text), reason=is_text, not_candidates=object_of(is_whole), cut_documents=is_whole
)
_START = with_entries(version=is_text, compared_in=optional(is_whole), comparison=optional(object_of(is_number)))
_MEASURED = list_of(
    with_entries(title=is_text, version=is_text, documents=is_whole, f1=is_number, model_f1=is_number, low=is_number,
                 high=is_number)
)  # fmt: skip
_OFFERED = object_of(with_entries(labels=list_of(is_text), relations=list_of(is_text), at=optional(is_text)))

REQUEST: dict[str, Check] = {
    "size": optional(is_whole),
    "tokens": optional(is_whole),
    "strategy": optional(is_text),
    "partial": lambda value: isinstance(value, bool),
    "documents": optional(list_of(is_text)),
    "unit": optional(is_text),
    "complete": lambda value: isinstance(value, bool),
}
"""Shape of the request of a round."""

SETTINGS: dict[str, Check] = {
    "encoder": with_entries(name=is_text),
    **dict.fromkeys(("training", "adversarial", "selection", "borrow", "relation_extraction"), is_object),
    "team": with_entries(ties=is_text),
    "entities": _NAMED,
    "relations": _NAMED,
    "pre_labels": _NAMED,
    "dictionary": _NAMED,
    "seed": is_whole,
}
"""Shape of the settings of a round; what it goes on with is compared with all that settings may be."""

COUNTS: dict[str, Check] = {
    **dict.fromkeys(
        (
            "new", "changed", "revised", "deleted", "skipped", "deleted_tasks", "unattended", "drafts",
            "unknown_tasks", "documents", "empty_documents", "mentions", "relations", "of", "tokens", "drawn",
            "tasks", "pre_labelled", "relabelled", "test_tasks", "cut_documents", "sentences",
        ),
        is_whole,
    ),
    **dict.fromkeys(("calibrated_on", "uncertainty", "change"), optional(is_number)),
    **dict.fromkeys(("strategy", "instead_of", "reason", "no_relation_model", "relation_level", "unit"), is_text),
    **dict.fromkeys(("unrepresentable", "not_candidates"), object_of(is_whole)),
    "f1": object_of(optional(is_number)),
    "models": object_of(is_text),
    "notices": list_of(is_text),
    "settled": object_of(is_whole),
    "last_model": with_entries(documents=is_whole, f1=optional(is_number)),
    "start": _START,
    "offered": _OFFERED,
    "frame": with_entries(model=is_text, words=is_whole, expected=object_of(is_number)),
    "pre_labels_of": is_text,
    "pre_label_files": object_of(is_text),
    "guidelines": object_of(is_text),
    "pre_labellers": with_entries(model=is_text, level=is_number, measured=_MEASURED, winner=optional(is_text)),
}  # fmt: skip
"""Shape of the counts of a step."""

SUMMARY: dict[str, Check] = {
    **dict.fromkeys(("documents", "dev_documents", "seed", "threads"), is_whole),
    **dict.fromkeys(
        ("steps", "adversarial_steps", "forward_passes", "backward_passes", "passes", "tokens", "seconds",
         "peak_memory", "temperature", "offset"),
        is_number,
    ),
    **dict.fromkeys(("device", "dtype", "training_data_sha256"), optional(is_text)),
    **dict.fromkeys(("kind", "name", "file", "label"), is_text),
    "labels": list_of(is_text),
    "unrepresentable": object_of(is_whole),
    "relations": _RELATION,
    "members": list_of(with_entries(arm=is_text, version=is_text)),
    "encoder": with_entries(name=is_text),
    "replaces": list_of(with_entries(version=is_text)),
}  # fmt: skip
"""Shape of the summary of a model."""
