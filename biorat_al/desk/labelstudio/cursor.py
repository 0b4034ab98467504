"""How far a project has been read, as a text that the caller keeps."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

OVERLAP = timedelta(minutes=5)
"""A task is stamped before its transaction ends, so one with an earlier stamp may still come into sight."""


@dataclass(frozen=True)
class Cursor:
    """Where the last pull stood.

    :param newest: the newest stamp that was seen.
    :param seen: tasks stamped within the overlap before it, with a checksum of their answers: they will be read again,
        and dropped unless something in them is new.
    :param labels: the labels in the project's labelling configuration.
    """

    newest: datetime | None = None
    seen: Mapping[str, str] = field(default_factory=dict)
    labels: tuple[str, ...] | None = None

    @classmethod
    def parse(cls, text: str | None) -> Cursor:
        """Read a cursor; one that cannot be understood means: from the beginning, which does no harm."""
        try:
            values = json.loads(text or "")
            return cls(
                newest=parse_time(values["newest"]) if values["newest"] else None,
                seen={str(task): str(checksum) for task, checksum in values["seen"].items()},
                labels=None if values["labels"] is None else tuple(values["labels"]),
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            return cls()

    def text(self) -> str:
        """The cursor as text."""
        values = {
            "newest": None if self.newest is None else format_time(self.newest),
            "seen": dict(self.seen),
            "labels": None if self.labels is None else list(self.labels),
        }
        return json.dumps(values, separators=(",", ":"))

    @property
    def since(self) -> str | None:
        """From where to read on, as Label Studio wants it."""
        return None if self.newest is None else format_time(self.newest - OVERLAP)


def checksum(task: Mapping[str, Any]) -> str:
    """A short checksum of a task's answers; empty where there are none."""
    answers = task.get("annotations")
    if not answers:
        return ""
    return hashlib.sha256(json.dumps(answers, sort_keys=True).encode()).hexdigest()[:12]


def parse_time(text: str) -> datetime:
    """Read a point in time as Label Studio writes it."""
    return datetime.fromisoformat(text).astimezone(UTC)


def format_time(time: datetime) -> str:
    """Write a point in time as Label Studio's filters want it; any other form makes them fail."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
