"""The documents, or the segments of documents, of the pool that a round works on."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from biorat_al.corpus.model.role import LEARNT_ROLES
from biorat_al.settings import AskedUnit
from biorat_al.store.answers import learnt_answers
from biorat_al.store.parts.segments import never_asked_segments
from biorat_al.store.picks import never_asked_documents
from biorat_al.store.rounds import steps_of
from biorat_al.store.tasks import tasks_in_state

SAMPLE = "sample"
"""Entry of the counts of the step ``predict`` about a random sample, if the pool was not predicted as a whole."""


def never_asked(session: Session, unit: AskedUnit, *, without_gold: bool) -> list[int]:
    """Return the row ids of what a round can ask for, in order.

    :param unit: whether rounds ask for documents or for their sentences.
    :param without_gold: leave out documents that came with gold annotations, since nobody needs to annotate them.
    """
    if unit == "sentence":
        return never_asked_segments(session, without_gold=without_gold)
    return never_asked_documents(session, without_gold=without_gold)


def unanswered_documents(session: Session, unit: AskedUnit, *, without_gold: bool) -> list[int]:
    """Return the sorted row ids of what has no answer: what a round can ask for, and open tasks.

    :param unit: as for :func:`never_asked`, like `without_gold`.
    """
    return sorted({*never_asked(session, unit, without_gold=without_gold), *waiting(session)})


def asked_documents(session: Session, *, with_gold: bool) -> list[int]:
    """Return the sorted row ids of the pool's documents and segments that are annotated or with the annotators.

    :param with_gold: gold annotations count as answers.
    """
    answered = (answer.document_id for answer in learnt_answers(session, with_gold=with_gold))
    return sorted({*answered, *waiting(session)})


def waiting(session: Session) -> list[int]:
    """Return the row ids of the documents and segments that are with the annotators."""
    return [task.document_id for role in LEARNT_ROLES for task in tasks_in_state(session, role, "open", "pushing")]


def predicted_sample(session: Session, number: int) -> dict[str, Any] | None:
    """Return what a round noted about its random sample; None if it predicted the whole pool, or nothing."""
    found = next((step.counts for step in steps_of(session, number) if step.name == "predict"), {})
    return found.get(SAMPLE)
