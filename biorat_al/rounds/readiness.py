"""Whether a round has begun for good, and whether there is work for it."""

from __future__ import annotations

from typing import Literal

from sqlalchemy.orm import Session

from biorat_al.store.rounds import steps_of

Wait = Literal["open tasks", "no labels", "nothing left"]
"""Why a round waits: the last batch is not finished, nobody has annotated anything yet, or the pool is used up."""


def has_begun(session: Session, number: int) -> bool:
    """Whether a round is past its first step, so that it keeps to what it was asked."""
    return any(step.name == "train" and step.state != "pending" for step in steps_of(session, number))


def reason_to_wait(
    number: int, *, open_tasks: int, partial: bool, labelled: bool, left: bool, changed: bool
) -> Wait | None:
    """Say why a round waits instead of going on behind its first step, or None.

    :param number: of the round; the first one always has work.
    :param open_tasks: of the pool.
    :param partial: go on although tasks are open.
    :param labelled: somebody has annotated something.
    :param left: there are documents that were never asked for.
    :param changed: answers have come, changed or gone since the last round.
    """
    if open_tasks and not partial:
        return "open tasks"
    if open_tasks and not labelled:
        return "no labels"
    if number > 0 and not (left or changed or open_tasks):
        return "nothing left"
    return None
