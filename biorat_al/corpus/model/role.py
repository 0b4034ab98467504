"""The role of a document in a project: it belongs to the pool or to the test set."""

from __future__ import annotations

from typing import Literal

Role = Literal["pool", "test"]
"""``pool``: documents with pre-labels. ``test``: the blind held-out documents, without pre-labels."""

ROLES: tuple[Role, ...] = ("pool", "test")
