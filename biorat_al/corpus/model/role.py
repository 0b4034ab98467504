"""The role of a text in a project: it belongs to the pool or to the test set, or is a segment of a pool document."""

from __future__ import annotations

from typing import Literal

Role = Literal["pool", "segment", "test"]
"""``pool``: documents with pre-labels. ``segment``: parts of these documents that are asked for by themselves.
``test``: the blind held-out documents, without pre-labels."""

ROLES: tuple[Role, ...] = ("pool", "segment", "test")

LEARNT_ROLES: tuple[Role, ...] = ("pool", "segment")
"""The roles whose answers models learn from."""
