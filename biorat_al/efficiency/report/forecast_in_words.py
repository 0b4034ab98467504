"""The forecast of a project in a sentence, which `status` shows; it imports no more than that needs."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from biorat_al.acquisition.price.answered import AnsweredWork, answered_work
from biorat_al.acquisition.price.estimate import estimate_price
from biorat_al.acquisition.price.pace import Pace, pace_of
from biorat_al.efficiency.report.study import comparable, selecting_run, tested_mentions
from biorat_al.efficiency.runs.of_project import live_runs
from biorat_al.efficiency.statistics.forecast import forecast
from biorat_al.efficiency.statistics.next_hour import next_hour_sentence
from biorat_al.settings import Settings
from biorat_al.store.parts.segments import shares_of
from biorat_al.store.store import Store


def project_forecast(settings: Settings, store: Store, target: float, left: int | None = None) -> str | None:
    """Say how many more hours and labels the target F1 takes, and what the next hour brings; None if not known yet.

    :param target: F1, a fraction.
    :param left: documents of the pool that are still to be annotated.
    """
    run = selecting_run(comparable(live_runs(store, settings, fingerprints=False))[0])
    # without a mention in the test documents F1 is 1 or 0, whatever the model has learnt
    if run is None or not tested_mentions([run]):
        return None
    with store.read() as session:
        pace = seconds_per_document(session, settings, answered_work(session))
    found = forecast(run.points, target, pace)
    if found.is_above:
        return found.sentence()
    if found.outcome == "cannot be told":
        return None
    return f"{found.sentence(left)} {next_hour_sentence(run.points, pace, left)}".strip()


def seconds_per_document(session: Session, settings: Settings, answers: Sequence[AnsweredWork]) -> Pace | None:
    """Return the seconds of annotation for one more document; None if no document has been answered."""
    shares = shares_of(session, sorted({one.document_id for one in answers if one.split == "segment"}))
    return pace_of(answers, estimate_price(answers, settings), settings.seed, shares=shares)
