"""How far a project has been read, as a text that the caller keeps.

No clock is compared with another, and no time with a later one: a task has changed if the server's stamp of it, or its
number of answers, is another than it was.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple


class Seen(NamedTuple):
    """A task as it was read.

    :param stamp: the server's time of its last change, as the server wrote it; empty if it is to be read again.
    :param answers: how many answers the server counted, skips included.
    :param checksum: of its answers.
    """

    stamp: str
    answers: int
    checksum: str


@dataclass(frozen=True)
class Cursor:
    """Where the last pull stood.

    :param tasks: all tasks that were there, by id.
    :param labels: the labels in the project's labelling configuration.
    """

    tasks: Mapping[str, Seen] = field(default_factory=dict)
    labels: tuple[str, ...] | None = None

    @classmethod
    def parse(cls, text: str | None) -> Cursor:
        """Read a cursor; one that cannot be understood means: from the beginning, which does no harm."""
        try:
            values = json.loads(text or "")
            labels = None if values["labels"] is None else tuple(map(str, values["labels"]))
            # an earlier version kept no tasks
            tasks = values.get("tasks", {})
            return cls({str(task): Seen(str(a), int(b), str(c)) for task, (a, b, c) in tasks.items()}, labels)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return cls()

    def text(self) -> str:
        """The cursor as text."""
        values = {
            "tasks": {task: list(seen) for task, seen in self.tasks.items()},
            "labels": None if self.labels is None else list(self.labels),
        }
        return json.dumps(values, separators=(",", ":"))


def checksum(task: Mapping[str, Any]) -> str:
    """A short checksum of a task's answers; empty where there are none."""
    answers = task.get("annotations")
    if not answers:
        return ""
    return hashlib.sha256(json.dumps(answers, sort_keys=True).encode()).hexdigest()[:12]


def parse_time(text: str) -> datetime:
    """Read a point in time as Label Studio writes it."""
    return datetime.fromisoformat(text).astimezone(UTC)
