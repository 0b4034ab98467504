"""Settlements: what people were asked again, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from biorat_al.corpus.model.role import SettlingRole
from biorat_al.store.tables import SettlementRow

_KEY = 16
"""Characters of a digest in the key of a task."""


@dataclass(frozen=True, slots=True)
class Wording:
    """What is asked of a document.

    :param digest: changes with what is asked; a document is asked once for each digest.
    :param shown: what is shown, as JSON values.
    """

    digest: str
    shown: dict[str, Any] = field(default_factory=dict)


def task_key(document: str, digest: str) -> str:
    """Return the key of the task that asks for a document, by the document's id and the digest of what is asked."""
    return f"{document} {digest[:_KEY]}"


def key_parts(key: str) -> tuple[str, str]:
    """Return the document's id and the beginning of the digest, from the key of a task."""
    document, _, digest = key.rpartition(" ")
    return document, digest


def settlements(session: Session, kind: SettlingRole) -> list[SettlementRow]:
    """Return everything that was asked, in the order in which it was first asked."""
    return list(session.scalars(select(SettlementRow).where(SettlementRow.kind == kind).order_by(SettlementRow.id)))


def answered_digests(rows: Iterable[SettlementRow]) -> dict[int, set[str]]:
    """Return the digests of what was asked and answered, by row id of the document; others are left out."""
    found: dict[int, set[str]] = {}
    for row in rows:
        if row.state == "answered":
            found.setdefault(row.document_id, set()).add(row.digest)
    return found


def intend(session: Session, kind: SettlingRole, wanted: Mapping[int, Wording], at: datetime) -> None:
    """Record that tasks are about to be pushed, by row id of the document; what was deleted is asked once more."""
    known = {(row.document_id, row.digest): row for row in settlements(session, kind)}
    for document_id, wording in wanted.items():
        row = known.get((document_id, wording.digest))
        if row is None:
            row = SettlementRow(document_id=document_id, kind=kind, digest=wording.digest)
            session.add(row)
        row.state, row.shown, row.intent_at, row.desk_task_id, row.pushed_at = "pushing", wording.shown, at, None, None


def confirm(session: Session, kind: SettlingRole, arrived: Mapping[tuple[int, str], str], at: datetime) -> None:
    """Record the desk's ids of tasks that have arrived, by document row id and digest."""
    for row in settlements(session, kind):
        task_id = arrived.get((row.document_id, row.digest))
        if row.state == "pushing" and task_id is not None:
            row.state, row.desk_task_id, row.pushed_at = "open", task_id, at


def give_up(session: Session, kind: SettlingRole, row_ids: Iterable[int]) -> None:
    """Record that tasks of these settlements no longer exist, or never arrived; what was answered stays answered."""
    gone = set(row_ids)
    for row in settlements(session, kind):
        if row.id in gone and row.state != "answered":
            # with SQLite, Label Studio gives the id of a deleted task to the next one
            row.state, row.desk_task_id = "deleted", None
