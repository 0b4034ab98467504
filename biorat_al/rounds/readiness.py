"""Checks before a round goes on: whether it has passed its first step, and what it waits for."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from sqlalchemy.orm import Session

from biorat_al.store.rounds import steps_of
from biorat_al.wording import are, plural

Wait = Literal["open tasks", "no labels", "nothing left", "nothing begun"]
"""Why a round waits: the last batch is not finished, nobody has annotated anything yet, the pool is used up, or no
begun document can be completed."""


def has_begun(session: Session, number: int) -> bool:
    """Return whether a round has passed its first step; from then on it keeps its original request."""
    return any(step.name == "train" and step.state != "pending" for step in steps_of(session, number))


def in_words(
    wait: Wait,
    open_tasks: int,
    of: int | None = None,
    seats: int | None = None,
    missing: Mapping[str, int] = MappingProxyType({}),
) -> str:
    """Return a sentence that says why a round waits.

    :param of: number of tasks asked for; None if unknown.
    :param seats: number of answers still to come to the open tasks, if several people answer the same task.
    :param missing: how many of them each member of a group still has to answer, by name.
    """
    if wait == "open tasks":
        more = f" and want {plural(seats, 'answer')}" if seats is not None and seats != open_tasks else ""
        if missing:
            more += f" ({', '.join(f'{name}: {number:,}' for name, number in missing.items())})"
        if of is not None:
            return f"{open_tasks:,} of {plural(of, 'task')} are still open{more}"
        return f"{are(open_tasks, 'task')} still open{more}"
    if wait == "no labels":
        return "nobody has annotated anything yet"
    if wait == "nothing begun":
        return "no document can be completed: none has some of its sentences annotated and all others free"
    return "the pool is used up and nothing has changed since the last round"


def what_next(wait: Wait, open_tasks: int, blind: int) -> str:
    """Return what people can do about it.

    :param blind: number of open tasks with test documents, for which no round waits, so that they are easily forgotten.
    """
    if wait == "open tasks":
        also = f" (and {plural(blind, 'blind test task')}, with which models are measured)" if blind else ""
        return f"finish them in Label Studio{also}, or go on without them: biorat-al round --partial"
    if wait == "nothing begun":
        return "ask for more: biorat-al round"
    if wait == "no labels":
        return f"{are(open_tasks, 'task')} open"
    return "export the corpus: biorat-al export"


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
