"""Whether all models of a project started from the same encoder, whose files may be changed or replaced meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from biorat_al.store.tables import ModelRow


def changed_encoder(session: Session, number: int) -> str | None:
    """Say that the files of the encoder have changed since an earlier model was trained; return None if they have not.

    Another encoder by its name is the user's choice, and is not mentioned.

    :param number: the round whose models are compared with all models before.
    """
    found = session.execute(
        select(ModelRow.round_number, ModelRow.summary)
        .where(ModelRow.round_number <= number)
        .order_by(ModelRow.round_number.desc(), ModelRow.created_at.desc())
    ).all()
    # pre-labels from files and dictionaries have none
    rows = [row for row in found if _encoder(row.summary)]
    newest = _encoder(rows[0].summary) if rows else {}
    for row in rows:
        before = _encoder(row.summary)
        same_name = before.get("name") == newest.get("name")
        if same_name and before.get("fingerprint") != newest.get("fingerprint"):
            return (
                f"the files of the encoder {newest.get('name')} are not the ones that the models of round "
                f"{row.round_number} started from (another sha256): F1 before and after cannot be compared; put the "
                "files back, or go on and mind the change"
            )
    return None


def _encoder(summary: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = summary.get("encoder") or {}
    return found
