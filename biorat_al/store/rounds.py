"""Rounds, their steps, and what they made: models, predictions, picks."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from biorat_al.store.tables import (
    RoundRow,
    StepRow,
)


def newest_round(session: Session) -> RoundRow | None:
    """The round with the highest number."""
    return session.scalar(select(RoundRow).order_by(RoundRow.number.desc()).limit(1))


def all_rounds(session: Session) -> list[RoundRow]:
    """All rounds in order."""
    return list(session.scalars(select(RoundRow).order_by(RoundRow.number)))


def steps_of(session: Session, number: int) -> list[StepRow]:
    """The steps of a round in order."""
    return list(session.scalars(select(StepRow).where(StepRow.round_number == number).order_by(StepRow.position)))
