"""Whether a round has begun for good, with which settings it goes on, and whether there is work for it."""

from __future__ import annotations

from typing import Literal

from sqlalchemy.orm import Session

from biorat_al.errors import SettingsError
from biorat_al.settings import Settings, make_settings
from biorat_al.store.models import models_of
from biorat_al.store.rounds import steps_of
from biorat_al.store.tables import RoundRow
from biorat_al.wording import are, plural

Wait = Literal["open tasks", "no labels", "nothing left"]
"""Why a round waits: the last batch is not finished, nobody has annotated anything yet, or the pool is used up."""


def has_begun(session: Session, number: int) -> bool:
    """Whether a round is past its first step, so that it keeps to what it was asked."""
    return any(step.name == "train" and step.state != "pending" for step in steps_of(session, number))


def settings_of(session: Session, row: RoundRow, current: Settings) -> Settings:
    """The settings with which a round goes on that was cut off: those that its models were trained with.

    Where the round has no model yet, nothing depends on them, and the current ones count: what made the training fail
    (an encoder that is not there, say) can be changed. Desk and database are the current ones always, since they are
    open already. What an older version did not write has its default.

    :raises SettingsError: a newer version wrote them, and this one does not know one of them.
    """
    if not models_of(session, row.number):
        return current
    source = f"the settings of round {row.number}"
    try:
        kept = make_settings(row.settings, source)
    except SettingsError:
        # an older version took numbers without a bound, such as mc_passes, which the models do not depend on
        kept = make_settings(row.settings | {"selection": current.selection.model_dump(mode="json")}, source)
    return kept.model_copy(update={"desk": current.desk, "database": current.database})


def in_words(wait: Wait, open_tasks: int, of: int | None = None, seats: int | None = None) -> str:
    """Say why a round waits.

    :param of: tasks that have been asked for, where the number is known.
    :param seats: answers that are still to come to the open tasks, where several people answer the same one.
    """
    if wait == "open tasks":
        more = f" and want {plural(seats, 'answer')}" if seats is not None and seats != open_tasks else ""
        if of is not None:
            return f"{open_tasks:,} of {plural(of, 'task')} are still open{more}"
        return f"{are(open_tasks, 'task')} still open{more}"
    if wait == "no labels":
        return "nobody has annotated anything yet"
    return "the pool is used up and nothing has changed since the last round"


def reason_to_wait(
    number: int, *, open_tasks: int, partial: bool, labelled: bool, left: bool, changed: bool
) -> Wait | None:
    """Say why a round waits instead of going on behind its first step, or None.

    :param number: of the round; the first one always has work.
    :param open_tasks: of the pool; one that wants a further answer is open, whoever has answered it before.
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
