"""Rounds and their steps."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from biorat_al.store.tables import (
    RoundRow,
    StepRow,
)


def newest_round(session: Session) -> RoundRow | None:
    """Return the round with the highest number."""
    return session.scalar(select(RoundRow).order_by(RoundRow.number.desc()).limit(1))


def all_rounds(session: Session) -> list[RoundRow]:
    """Return all rounds in order."""
    return list(session.scalars(select(RoundRow).order_by(RoundRow.number)))


def steps_of(session: Session, number: int) -> list[StepRow]:
    """Return the steps of a round in order."""
    return list(session.scalars(select(StepRow).where(StepRow.round_number == number).order_by(StepRow.position)))
