"""The runner of rounds: begins a round or resumes it where it stopped, step by step."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from biorat_al.acquisition.stopping import StoppingAdvice
from biorat_al.corpus.model.role import LEARNT_ROLES
from biorat_al.desk.base import Desk
from biorat_al.errors import LockedError, NothingToDoYet, UsageError
from biorat_al.people.disputes import find_disputes
from biorat_al.progress import SILENT, Progress
from biorat_al.rounds.completing import completable
from biorat_al.rounds.computing.compute import Compute
from biorat_al.rounds.computing.this_machine import of_project
from biorat_al.rounds.context import Context, Finish, RoundRequest, settings_of
from biorat_al.rounds.lock import round_lock
from biorat_al.rounds.models.replacement import ModelReplaced
from biorat_al.rounds.notes import finding_notes
from biorat_al.rounds.pool import never_asked
from biorat_al.rounds.pre_labels.kept import kept_files
from biorat_al.rounds.readiness import has_begun, in_words, reason_to_wait, what_next
from biorat_al.rounds.steps import compare, evaluate, predict, pull, push, select, train
from biorat_al.rounds.stopping_advice import stopping_verdicts
from biorat_al.rounds.team.assigning import check_group
from biorat_al.rounds.unasked import has_new_labels
from biorat_al.rounds.unit import unit_of
from biorat_al.settings import SETTINGS_FILE, Settings
from biorat_al.store.answers import answers, learnt_answers
from biorat_al.store.database.integrity import add_missing_checksums, check_rows
from biorat_al.store.findings import findings
from biorat_al.store.parts.segments import without_segments
from biorat_al.store.picks import count_never_asked
from biorat_al.store.rounds import changed_since, newest_round, steps_of
from biorat_al.store.store import Store, now
from biorat_al.store.tables import RoundRow, StepRow
from biorat_al.store.tasks import count_seats, count_tasks
from biorat_al.store.team.seats import to_answer
from biorat_al.version import __version__

STEPS: dict[str, Callable[[Context], Finish]] = {
    "pull": pull.run,
    "train": train.run,
    "compare": compare.run,
    "predict": predict.run,
    "select": select.run,
    "push": push.run,
    "evaluate": evaluate.run,
}
"""All steps in their order: what annotators wait for comes first. Not every round has ``compare``."""

UNTIL_PUSHED = ("pull", "train", "compare", "predict", "select", "push")
"""The steps after which annotators have their tasks; see :func:`run_round`."""

UNTIL_MEASURED = ("pull", "train", "compare", "evaluate")
"""The steps after which a round's models are measured, if nothing more is to be asked for."""


def order_of(settings: Settings) -> tuple[str, ...]:
    """Return the names of the steps in the order in which a round with these settings runs them.

    Only where files or dictionaries could pre-label the batch are they compared with the model, before the push.
    """
    return tuple(name for name in STEPS if name != "compare" or kept_files(settings))


@dataclass(frozen=True)
class StepReport:
    """Outcome of a step. `state` is ``done`` or ``skipped``; a skipped step says why in `counts`.

    :param seconds: duration of the last attempt.
    :param attempts: how often it was begun; one that was cut off is begun again.
    :param ended_at: when it ended, in UTC.
    """

    name: str
    state: str
    seconds: float
    counts: dict[str, Any]
    attempts: int = 1
    ended_at: datetime | None = None


@dataclass(frozen=True)
class RoundReport:
    """Outcome of a round.

    :param resumed: an earlier run was interrupted, and this one resumed the round.
    :param verdicts: verdicts of the stopping criteria that can be judged; the program never acts on this advice.
    """

    number: int
    resumed: bool
    request: dict[str, Any]
    steps: tuple[StepReport, ...] = field(default=())
    verdicts: tuple[StoppingAdvice, ...] = ()

    def step(self, name: str) -> StepReport:
        """Return the report of a step."""
        return next(step for step in self.steps if step.name == name)


_ENDED = ("done", "skipped")

Follow = Callable[[RoundReport], object]
"""Function that is called with the steps that have ended so far, after each step and before the round's end."""


def _ignore(report: RoundReport) -> None:
    """Do nothing: the default where nobody follows a round."""


@dataclass(frozen=True, slots=True)
class Audience:
    """Who learns how a round goes on while it runs.

    :param progress: receives bars and lines.
    :param follow: receives the steps that have ended. It is not called for a round that waits.
    """

    progress: Progress = SILENT
    follow: Follow = _ignore


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How much of a round one call runs, and where.

    :param steps: names of the steps to run, for example those `UNTIL_PUSHED`; None runs all.
    :param compute: where arms are trained and the pool is predicted; None: on this machine, as the settings say.
    """

    steps: Collection[str] | None = None
    compute: Compute | None = None


def run_round(
    folder: Path,
    settings: Settings,
    store: Store,
    desk: Desk,
    request: RoundRequest,
    audience: Audience = Audience(),
    options: RunOptions = RunOptions(),
) -> RoundReport:
    """Run the next round, or finish an interrupted one.

    An interrupted round goes on with the settings that its models were trained with, even if the project's settings
    have changed since.

    The round stays open until all of its steps have ended, and goes on with those that `options` leave out when it is
    run again.

    :raises NothingToDoYet: annotators have not finished the last batch and `request.partial` is not set, nobody has
        annotated anything, or the pool is used up and nothing has changed since.
    :raises LockedError: another process runs a round of this project.
    :raises StoreError: something in the database is not as it was written.
    :raises UsageError: the interrupted round was begun with another request, or the query strategy cannot run with the
        settings.
    """
    with round_lock(folder, store) as lock:
        _check_database(store)
        number, resumed, kept, request = _begin(store, settings, request)
        progress = audience.progress
        compute = options.compute or of_project(kept)
        context = Context(folder, kept, store, desk, number, request, progress, lock.check, compute=compute)

        def follow() -> None:
            audience.follow(RoundReport(number, resumed, request.as_dict(), _ended_steps(store, number)))

        if resumed:
            progress.say(_goes_on(store, number))
        if changed := _differences(kept, settings):
            progress.say(
                f"Round {number} keeps to the settings it was begun with; changes in {SETTINGS_FILE} to "
                f"{', '.join(changed)} count from the next round on."
            )
        while not _run_steps(context, options.steps, follow):
            progress.say(f"Round {number} goes on from there with the model that was trained again.")
        lock.check()
        with store.write() as session:
            if all(step.state in _ENDED for step in steps_of(session, number)):
                row = session.get_one(RoundRow, number)
                row.state, row.ended_at = "done", now()
        return round_report(store, number, resumed=resumed)


def _goes_on(store: Store, number: int) -> str:
    """Return a sentence on where a round goes on that was begun before."""
    with store.read() as session:
        states = {step.name: step.state for step in steps_of(session, number)}
    if states["push"] in _ENDED:
        return f"Round {number} has given annotators their tasks; the rest of it is done now."
    return f"Round {number} was cut off; it goes on where it stopped."


def round_report(store: Store, number: int, *, resumed: bool = False) -> RoundReport:
    """Return what a round did, read from the store."""
    with store.read() as session:
        row = session.get_one(RoundRow, number)
        steps = tuple(map(_step_report, steps_of(session, number)))
        verdicts = stopping_verdicts(session, number)
    return RoundReport(number, resumed, row.request, steps, verdicts)


def _step_report(row: StepRow) -> StepReport:
    return StepReport(row.name, row.state, row.seconds or 0.0, row.counts, row.attempts, row.ended_at)


def _ended_steps(store: Store, number: int) -> tuple[StepReport, ...]:
    with store.read() as session:
        return tuple(_step_report(row) for row in steps_of(session, number) if row.state in _ENDED)


def _begin(store: Store, settings: Settings, request: RoundRequest) -> tuple[int, bool, Settings, RoundRequest]:
    """Resume an interrupted round or create one; return number, whether it resumes, settings, request."""
    with store.write() as session:
        row = newest_round(session)
        if row is not None and row.state == "running" and has_begun(session, row.number):
            request = _same_request(row, request)
            settings = settings_of(session, row, settings)
            request.check(settings)
            row.settings = settings.model_dump(mode="json")
            _compare_before_push(session, row.number, settings)
            return row.number, True, settings, request
        request.check(settings)
        check_group(session, settings)
        if row is None or row.state == "done":
            row = RoundRow(
                number=0 if row is None else row.number + 1,
                state="running",
                request={},
                settings={},
                program_version=__version__,
                started_at=now(),
            )
            session.add(row)
            session.flush()
        # nothing depends on the request or the order yet, so the newest ones count
        _set_order(session, row.number, order_of(settings))
        row.state = "running"
        row.request = request.as_dict()
        row.settings = settings.model_dump(mode="json")
        row.program_version = __version__
        return row.number, False, settings, request


def _set_order(session: Session, number: int, order: Sequence[str]) -> None:
    """Give a round these steps in this order; what is done of them stays done."""
    known = {step.name: step for step in steps_of(session, number)}
    for position, name in enumerate(order):
        if name in known:
            known[name].position = position
        else:
            values = {"position": position, "state": "pending", "counts": {}}
            session.add(StepRow(round_number=number, name=name, **values))
    for name in known.keys() - set(order):
        session.delete(known[name])


def _compare_before_push(session: Session, number: int, settings: Settings) -> None:
    """Let a round that an earlier version began compare before the push, where it would have measured all by then."""
    known = {step.name: step.state for step in steps_of(session, number)}
    if kept_files(settings) and "compare" not in known and known["evaluate"] not in _ENDED:
        _set_order(session, number, order_of(settings))


def _check_database(store: Store) -> None:
    """Check that everything in the database is as it was written, and complete what an earlier version wrote.

    :raises StoreError: something is not.
    """
    with store.read() as session:
        missing = check_rows(session)
    if missing:
        with store.write() as session:
            add_missing_checksums(session)


def _differences(kept: Settings, current: Settings) -> list[str]:
    """Return the names of the settings that differ, as ``part.name``."""
    before, after = kept.model_dump(), current.model_dump()
    names: list[str] = []
    for part, value in before.items():
        if isinstance(value, dict):
            names += [f"{part}.{name}" for name in value if value[name] != after[part][name]]
        elif value != after[part]:
            names.append(part)
    return names


def _same_request(row: RoundRow, request: RoundRequest) -> RoundRequest:
    begun = RoundRequest.from_dict(row.request)
    if request.complete and not begun.complete:
        raise UsageError(
            f"round {row.number} was cut off and was begun without --complete; finish it first, without --complete"
        )
    for name in ("size", "tokens", "strategy", "unit"):
        asked = getattr(request, name)
        if asked is not None and asked != getattr(begun, name):
            raise UsageError(
                f"round {row.number} was cut off and was begun with {name} = "
                f"{getattr(begun, name) or 'as in the settings'}; finish it first, without --{name}"
            )
    return begun


def _run_steps(context: Context, wanted: Collection[str] | None, follow: Callable[[], None]) -> bool:
    """Run the steps that are not done yet, in the round's own order; return False if some must run again.

    :param wanted: the steps to run; None runs all.
    """
    with context.store.read() as session:
        names = [step.name for step in steps_of(session, context.number)]
    try:
        for name in names:
            if wanted is not None and name not in wanted:
                continue
            _run_step(context, name)
            if name == "pull":
                _check_that_there_is_work(context)
            follow()
    except ModelReplaced:
        return False
    return True


def _run_step(context: Context, name: str) -> None:
    store, number = context.store, context.number
    context.check_lock()
    with store.write() as session:
        row = session.get_one(StepRow, (number, name))
        # an interrupted pull fetches again; what it already stored does not change
        if row.state in _ENDED:
            return
        row.state = "running"
        row.attempts += 1
        row.started_at = now()
        attempt = row.attempts
    began = time.monotonic()
    try:
        finish = STEPS[name](context)
    except IntegrityError:
        # either another machine in this round has written the same rows, or this is a bug
        context.check_lock()
        raise
    context.check_lock()
    with store.write() as session:
        row = session.get_one(StepRow, (number, name), with_for_update=True)
        if (row.state, row.attempts) != ("running", attempt):
            raise LockedError(
                f"the step {name!r} of round {number} was done by another process meanwhile; this run was stopped, and "
                "what the other one did is kept"
            )
        result = finish(session)
        row.state = "skipped" if result.skipped else "done"
        row.counts = {"reason": result.skipped} if result.skipped else result.counts
        row.ended_at = now()
        row.seconds = time.monotonic() - began


def _check_that_there_is_work(context: Context) -> None:
    """Let the round wait if it has no work yet.

    The step ``pull`` becomes pending again, so that the next run fetches again; what this run fetched is kept.

    :raises NothingToDoYet: the round waits; the message says why and what to do.
    """
    with context.store.read() as session:
        if has_begun(session, context.number):
            return
        of_roles = [count_tasks(session, role) for role in LEARNT_ROLES]
        counts = {state: sum(counted[state] for counted in of_roles) for state in of_roles[0]}
        seats = sum(count_seats(session, role) for role in LEARNT_ROLES)
        blind = count_tasks(session, "test")["open"]
        began = session.get_one(RoundRow, context.number).started_at
        left = _is_left(context, session)
        wait = reason_to_wait(
            context.number,
            open_tasks=counts["open"],
            partial=context.request.partial,
            labelled=bool(learnt_answers(session, with_gold=context.gold_is_known)),
            left=left,
            changed=changed_since(session, context.number, began)
            or has_new_labels(session, context.settings, context.number),
        )
        missing = to_answer(session, *LEARNT_ROLES)
        fetched = session.get_one(StepRow, (context.number, "pull")).counts
        notes = [*fetched.get("notices", ()), *finding_notes(findings(session)), *_disputed(context, session)]
        if context.request.complete and not left and wait in (None, "nothing left"):
            wait = "nothing begun"
    if wait is None:
        return
    with context.store.write() as session:
        session.get_one(RoundRow, context.number).state = "waiting"
        session.get_one(StepRow, (context.number, "pull")).state = "pending"
    asked = counts["open"] + counts["answered"] + counts["skipped"]
    why = in_words(wait, counts["open"], asked, seats, missing)
    raise NothingToDoYet(f"{why}; {what_next(wait, counts['open'], blind)}", counts["open"], notes)


def _is_left(context: Context, session: Session) -> bool:
    """Return whether something can still be asked for; documents without segments yet have sentences to ask for."""
    if context.request.complete:
        return bool(completable(session, context.settings))
    unit = unit_of(session, context.settings, context.number, context.request.unit)
    if unit == "sentence":
        return bool(without_segments(session) or never_asked(session, unit, without_gold=context.gold_is_known))
    return count_never_asked(session, without_gold=context.gold_is_known) > 0


def _disputed(context: Context, session: Session) -> list[str]:
    """Return a sentence on what annotators dispute, while a round waits for them."""
    prefer = context.settings.team.preferred
    chosen = learnt_answers(session, with_gold=context.gold_is_known, prefer=prefer)
    chosen += answers(session, "test", with_gold=True, prefer=prefer)
    found = find_disputes(session, chosen, prefer)
    return [found.sentence] if found is not None and (found.disputed_documents or found.concepts) else []
