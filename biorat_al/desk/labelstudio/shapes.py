"""The shapes of Label Studio's answers, and checks of what came against them before it is used.

Only the fields that the program reads are checked, and only their types: another version of the server may send more.
Strings that no database can keep are repaired here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from biorat_al.errors import DeskError

_LARGEST_ID, _LARGEST_COUNT = 2**63 - 1, 2**31 - 1

_MAY_BE_BAD = re.compile(rb"\\u(?:0000|[dD][89abAB])")
_BAD = re.compile("[\0\ud800-\udfff]")

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


class UnexpectedAnswerError(DeskError):
    """An answer that does not have the shape of Label Studio's answers."""


def mended(content: bytes, value: Any) -> tuple[Any, int]:
    """Replace the characters in an answer's strings that no database can keep: NUL, and halves of surrogate pairs.

    :param content: the answer as it came, to see quickly whether there is anything to replace.
    :returns: the answer, and how many characters were replaced.
    """
    if not _MAY_BE_BAD.search(content):
        return value, 0
    replaced = 0

    def mend(part: Any) -> Any:
        nonlocal replaced
        if isinstance(part, str):
            text, number = _BAD.subn(REPLACEMENT, part)
            replaced += number
            return text
        if isinstance(part, list):
            return [mend(item) for item in part]
        if isinstance(part, dict):
            return {mend(key): mend(item) for key, item in part.items()}
        return part

    return mend(value), replaced


def is_id(value: Any) -> bool:
    """Return whether `value` can be an id in Label Studio."""
    return _is_number(value, _LARGEST_ID)


def tasks_of(answer: Any, fields: str, server: str) -> tuple[list[dict[str, Any]], int]:
    """Return the tasks of a page, and the number of tasks on all pages.

    :param fields: the fields that were requested, separated by commas.
    :raises UnexpectedAnswerError: `answer` is not a page of tasks.
    """
    page = mapping(answer, "a list of tasks", server)
    tasks, total = page.get("tasks"), page.get("total")
    if not isinstance(tasks, list) or not isinstance(total, int) or not _is_count(total):
        where = ("total", total) if isinstance(tasks, list) else ("tasks", tasks)
        raise _wrong("a list of tasks", f"{where[0]} is {_kind(where[1])}", server)
    wanted = set(fields.split(",")) if fields else set()
    for task in tasks:
        _check(mapping(task, "a task", server), _TASK, wanted | {"id"}, "a task", server)
        for name, shape in (("annotations", _ANNOTATION), ("predictions", _PREDICTION)):
            if name in wanted:
                for item in task[name]:
                    _check(mapping(item, f"a task's {name}", server), shape, set(shape), f"a task's {name}", server)
    if len(tasks) > total or (total and not tasks):
        raise _wrong("a list of tasks", f"{len(tasks)} of {total} tasks", server)
    return tasks, total


def project_settings_of(answer: Any, server: str, fields: str = "id,title,label_config") -> dict[str, Any]:
    """Return a project's settings.

    :param fields: the fields that it must have, separated by commas.
    :raises UnexpectedAnswerError: a field is missing or has the wrong type.
    """
    settings = mapping(answer, "a project", server)
    _check(settings, _PROJECT, set(fields.split(",")) | (set(settings) & set(_PROJECT)), "a project", server)
    return settings


def mapping(value: Any, what: str, server: str) -> dict[str, Any]:
    """Return `value`, which must be a JSON object.

    :raises UnexpectedAnswerError: it is not an object.
    """
    if not isinstance(value, dict):
        raise _wrong(what, f"it is {_kind(value)}", server)
    return value


def mappings(value: Any, what: str, server: str) -> list[dict[str, Any]]:
    """Return `value`, which must be a list of JSON objects.

    :raises UnexpectedAnswerError: it is not a list of objects.
    """
    if not isinstance(value, list):
        raise _wrong(what, f"it is {_kind(value)}", server)
    return [mapping(item, what, server) for item in value]


def _check(
    value: Mapping[str, Any],
    shape: Mapping[str, Callable[[Any], bool]],
    wanted: Collection[str],
    what: str,
    server: str,
) -> None:
    for name, fits in shape.items():
        if name in wanted and not fits(value.get(name)):
            raise _wrong(what, f"{name} is {_kind(value.get(name)) if name in value else 'missing'}", server)


def _wrong(what: str, found: str, server: str) -> UnexpectedAnswerError:
    return UnexpectedAnswerError(
        f"{server} gave {what} in another form than Label Studio does ({found}): see whether something in front of it "
        "changes its answers, and whether its version is one that biorat-al knows; then run the same command again"
    )


_KINDS = {dict: "an object", list: "a list", str: "a text", bool: "true or false", int: "a number", float: "a number"}


def _kind(value: Any) -> str:
    return _KINDS.get(type(value), "empty")


def _is_number(value: Any, largest: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= largest


def _is_count(value: Any) -> bool:
    return _is_number(value, _LARGEST_COUNT)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _is_time(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        # times in the extreme years cannot be converted to another time zone
        return 1900 < datetime.fromisoformat(value).astimezone(UTC).year < 9999
    except (ValueError, OverflowError):
        return False


def _is_seconds(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e15


def _or_none(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or fits(value)


_TASK: Mapping[str, Callable[[Any], bool]] = {
    "id": is_id,
    "data": lambda value: isinstance(value, dict),
    "updated_at": _is_time,
    "created_at": _or_none(_is_time),
    "total_annotations": _is_count,
    "cancelled_annotations": _is_count,
    "overlap": _or_none(_is_count),
    "annotations": _is_list,
    "predictions": _is_list,
}

_ANNOTATION: Mapping[str, Callable[[Any], bool]] = {
    "id": is_id,
    "created_at": _or_none(_is_time),
    "updated_at": _or_none(_is_time),
    "lead_time": _or_none(_is_seconds),
    "parent_prediction": _or_none(is_id),
    "parent_annotation": _or_none(is_id),
}

_PREDICTION: Mapping[str, Callable[[Any], bool]] = {
    "id": is_id,
    "model_version": _or_none(_is_text),
    "created_at": _or_none(_is_time),
}

_PROJECT: Mapping[str, Callable[[Any], bool]] = {
    "id": is_id,
    "title": _is_text,
    "label_config": _is_text,
    "description": _or_none(_is_text),
    "expert_instruction": _or_none(_is_text),
    "color": _or_none(_is_text),
    "task_number": _or_none(_is_count),
}
