"""Checks before a round goes on: whether it has passed its first step, with which settings, and what it waits for."""

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
    """Return whether a round has passed its first step; from then on it keeps its original request."""
    return any(step.name == "train" and step.state != "pending" for step in steps_of(session, number))


def settings_of(session: Session, row: RoundRow, current: Settings) -> Settings:
    """Return the settings with which an interrupted round goes on: those that its models were trained with.

    If the round has no model yet, nothing depends on them and the current settings are used, so that the user can
    correct what made the training fail (a missing encoder, for example). Until the documents are chosen, the same holds
    of the two numbers that decide how long choosing takes, ``mc_passes`` and ``subsample``: a number that is too large
    must not keep a round from ever ending. Desk and database always come from the current settings, since they are open
    already. Settings that an older version did not write take their defaults.

    :raises SettingsError: a newer version wrote the settings, and this version does not know one of them.
    """
    if not models_of(session, row.number):
        return current
    source = f"the settings of round {row.number}"
    try:
        kept = make_settings(row.settings, source)
    except SettingsError:
        # older versions did not limit some numbers, such as mc_passes; the models do not depend on them
        kept = make_settings(row.settings | {"selection": current.selection.model_dump(mode="json")}, source)
    else:
        if any(step.name == "select" and step.state != "done" for step in steps_of(session, row.number)):
            costs = {name: getattr(current.selection, name) for name in ("mc_passes", "subsample")}
            kept = kept.model_copy(update={"selection": kept.selection.model_copy(update=costs)})
    return kept.model_copy(update={"desk": current.desk, "database": current.database})


def in_words(wait: Wait, open_tasks: int, of: int | None = None, seats: int | None = None) -> str:
    """Return a sentence that says why a round waits.

    :param of: number of tasks asked for; None if unknown.
    :param seats: number of answers still to come to the open tasks, if several people answer the same task.
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
    """Return why a round waits after its first step; None if it can go on.

    :param number: number of the round; the first round always has work.
    :param open_tasks: number of open tasks in the pool; a task that needs a further answer is open.
    :param partial: go on although tasks are open.
    :param labelled: somebody has annotated something.
    :param left: some documents were never asked for.
    :param changed: answers were added, changed or deleted since the last round.
    """
    if open_tasks and not partial:
        return "open tasks"
    if open_tasks and not labelled:
        return "no labels"
    if number > 0 and not (left or changed or open_tasks):
        return "nothing left"
    return None
