"""Rounds and their steps."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from biorat_al.store.tables import (
    AnnotationRow,
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


def changed_since(session: Session, round_number: int, began: datetime) -> bool:
    """Return whether a round has fetched an answer that is new, edited or deleted."""
    recent = or_(AnnotationRow.fetched_round == round_number, AnnotationRow.deleted_at >= began)
    return bool(session.scalar(select(exists().where(recent, AnnotationRow.made_from.is_(None)))))
