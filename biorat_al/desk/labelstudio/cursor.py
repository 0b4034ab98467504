"""The cursor: how far a project has been read, as a text that the caller keeps.

No two clocks are compared, nor whether a time is later than another: a task has changed if the server's time stamp of
it, or its number of answers, differs from last time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple


class Seen(NamedTuple):
    """A task as it was when it was read.

    :param stamp: the server's time of its last change, as the server wrote it; empty if it must be read again.
    :param answers: how many answers the server counted, skips included.
    :param checksum: checksum of its answers.
    """

    stamp: str
    answers: int
    checksum: str


@dataclass(frozen=True)
class Cursor:
    """The state of a project at the last pull.

    :param tasks: all tasks that existed, by id.
    :param labels: the labels in the project's labelling configuration.
    """

    tasks: Mapping[str, Seen] = field(default_factory=dict)
    labels: tuple[str, ...] | None = None

    @classmethod
    def parse(cls, text: str | None) -> Cursor:
        """Parse a cursor; if `text` cannot be understood, return an empty one: reading all again does no harm."""
        try:
            values = json.loads(text or "")
            labels = None if values["labels"] is None else tuple(map(str, values["labels"]))
            # an earlier version kept no tasks
            tasks = values.get("tasks", {})
            return cls({str(task): Seen(str(a), int(b), str(c)) for task, (a, b, c) in tasks.items()}, labels)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return cls()

    def text(self) -> str:
        """Return the cursor as text."""
        values = {
            "tasks": {task: list(seen) for task, seen in self.tasks.items()},
            "labels": None if self.labels is None else list(self.labels),
        }
        return json.dumps(values, separators=(",", ":"))


def checksum(task: Mapping[str, Any]) -> str:
    """Return a short checksum of a task's answers; empty if it has no answers."""
    answers = task.get("annotations")
    if not answers:
        return ""
    return hashlib.sha256(json.dumps(answers, sort_keys=True).encode()).hexdigest()[:12]


def parse_time(text: str) -> datetime:
    """Parse a time as Label Studio writes it; return it in UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)
