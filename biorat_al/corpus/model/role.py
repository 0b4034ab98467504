"""The role of a text in a project: it belongs to the pool or to the test set, or is a segment of a pool document."""

from __future__ import annotations

from typing import Literal

Role = Literal["pool", "segment", "test"]
"""``pool``: documents with pre-labels. ``segment``: parts of these documents that are asked for by themselves.
``test``: the blind held-out documents, without pre-labels."""

ROLES: tuple[Role, ...] = ("pool", "segment", "test")

LEARNT_ROLES: tuple[Role, ...] = ("pool", "segment")
"""The roles whose answers models learn from."""

SettlingRole = Literal["disputes", "review"]
"""``disputes``: documents on which annotators disagree. ``review``: documents in which an audit found something.
In both, people are asked again, and their answer is the document's truth."""

SETTLING_ROLES: tuple[SettlingRole, ...] = ("disputes", "review")

DeskRole = Role | SettlingRole
"""The role of a project on the desk."""

DESK_ROLES: tuple[DeskRole, ...] = (*ROLES, *SETTLING_ROLES)
