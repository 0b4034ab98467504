"""Plan of the next round: what it would do, without doing it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from biorat_al.corpus.model.role import LEARNT_ROLES
from biorat_al.desk.base import Desk
from biorat_al.rounds.completing import COMPLETING, completable
from biorat_al.rounds.context import RoundRequest, settings_of
from biorat_al.rounds.readiness import has_begun, in_words, reason_to_wait
from biorat_al.rounds.team.assigning import check_group
from biorat_al.rounds.team.fetching import look, still_to_answer, united
from biorat_al.rounds.team.places import places_of
from biorat_al.rounds.unasked import has_new_labels
from biorat_al.rounds.unit import unit_of
from biorat_al.settings import AskedUnit, Settings
from biorat_al.store.answers import learnt_answers
from biorat_al.store.parts.segments import never_asked_segments, parents_of, without_segments
from biorat_al.store.picks import count_never_asked
from biorat_al.store.rounds import changed_since, newest_round
from biorat_al.store.store import Store
from biorat_al.wording import plural


@dataclass(frozen=True)
class RoundPlan:
    """What a round would do.

    :param resumes: a round was interrupted and would be finished first.
    :param waits: why it would wait instead; None if it would run.
    :param labelled: documents, and sentences of other ones, with an answer in the store; answers that the round fetches
        are added to these.
    :param left: what can be asked for: documents that were never asked for, sentences, or documents that can be
        completed; see `unit`. Sentences that the round is yet to cut documents into are not counted.
    :param selecting: what chooses and pre-labels: ``committee``, or an arm; empty if it does not matter.
    :param unit: what is asked for.
    :param learnt_sentences: of `labelled`, sentences.
    :param uncut: documents that the round would cut into sentences first.
    """

    number: int
    resumes: bool
    waits: str | None
    labelled: int
    left: int
    arms: tuple[str, ...]
    budget: str
    strategy: str
    selecting: str = ""
    unit: AskedUnit = "document"
    learnt_sentences: int = 0
    uncut: int = 0


def plan_round(settings: Settings, store: Store, desk: Callable[[], Desk], request: RoundRequest) -> RoundPlan:
    """Return what the next round would do, from the store and from the open tasks on the desk.

    :raises UsageError: the query strategy cannot run with the settings.
    """
    with store.read() as session:
        newest = newest_round(session)
        places = [place for role in LEARNT_ROLES for place in places_of(session, role)]
        learnt = learnt_answers(session, with_gold=settings.gold_is_known)
        labelled = len(learnt)
        sentences = len(parents_of(session, [answer.document_id for answer in learnt]))
        # until something has been trained, the newest request counts
        resumes = newest is not None and newest.state == "running" and has_begun(session, newest.number)
        if newest is not None and resumes:
            settings = settings_of(session, newest, settings)
        # a round that has not passed its first step still has to work on what it fetched
        unfinished = newest is not None and newest.state != "done"
        fetched = newest is not None and unfinished and changed_since(session, newest.number, newest.started_at)
        added = newest is not None and has_new_labels(session, settings, newest.number + (newest.state == "done"))
    if newest is not None and resumes:
        request = RoundRequest.from_dict(newest.request)
    request.check(settings)
    if not resumes:
        with store.read() as session:
            check_group(session, settings)
    number = 0 if newest is None else newest.number + (newest.state == "done")
    with store.read() as session:
        unit = "document" if request.complete else unit_of(session, settings, number, request.unit)
        uncut = len(without_segments(session)) if unit == "sentence" else 0
        if request.complete:
            left = len(completable(session, settings))
        elif unit == "sentence":
            left = len(never_asked_segments(session, without_gold=settings.gold_is_known))
        else:
            left = count_never_asked(session, without_gold=settings.gold_is_known)
    waits = None
    finished = 0
    if places and not resumes:
        looked = look(desk(), settings, places)
        pulls = [united([pull for _, pull in some]) for some in looked.values()]
        tasks = [task for pulled in pulls for task in pulled.tasks]
        finished = sum(any(answer.is_an_answer for answer in task.annotations) for task in tasks)
        open_tasks = sum(pulled.open_documents for pulled in pulls)
        wait = reason_to_wait(
            number,
            open_tasks=open_tasks,
            partial=request.partial,
            labelled=labelled + finished > 0,
            left=left + uncut > 0,
            changed=fetched or added or bool(tasks),
        )
        if request.complete and not left and wait in (None, "nothing left"):
            wait = "nothing begun"
        seats, missing = sum(pulled.open_seats for pulled in pulls), still_to_answer(looked)
        waits = in_words(wait, open_tasks, seats=seats, missing=missing) if wait else None
    selection = settings.selection
    size, tokens = request.size, request.tokens
    if request.complete:
        size = size or selection.size
    elif size is None and tokens is None:
        size, tokens = (None, selection.tokens) if selection.tokens is not None else (selection.size, None)
    if tokens is not None:
        budget = f"{tokens:,} word pieces"
    else:
        budget = plural(size or 0, "document")
        budget = f"sentences worth {budget} in time" if unit == "sentence" else budget
    strategy = request.strategy or (selection.seed_strategy if labelled + finished == 0 else selection.strategy)
    return RoundPlan(
        number=number,
        resumes=resumes,
        waits=waits,
        labelled=labelled,
        left=left,
        arms=settings.training.arms,
        budget=budget,
        strategy=COMPLETING if request.complete else strategy,
        selecting=settings.training.selecting,
        unit=unit,
        learnt_sentences=sentences,
        uncut=uncut,
    )
