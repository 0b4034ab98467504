"""The pool documents that a round works on."""

from __future__ import annotations

from sqlalchemy.orm import Session

from biorat_al.store.answers import answers
from biorat_al.store.picks import never_asked_documents
from biorat_al.store.tasks import tasks_in_state


def unanswered_documents(session: Session, *, without_gold: bool) -> list[int]:
    """Return the sorted row ids of the pool's documents without an answer: those never asked for, and open tasks.

    :param without_gold: leave out documents that came with gold annotations, since nobody needs to annotate them.
    """
    return sorted({*never_asked_documents(session, without_gold=without_gold), *_waiting(session)})


def asked_documents(session: Session, *, with_gold: bool) -> list[int]:
    """Return the sorted row ids of the pool's documents that are annotated or still with the annotators.

    :param with_gold: gold annotations count as answers.
    """
    answered = (answer.document_id for answer in answers(session, "pool", with_gold=with_gold))
    return sorted({*answered, *_waiting(session)})


def _waiting(session: Session) -> list[int]:
    return [task.document_id for task in tasks_in_state(session, "pool", "open", "pushing")]
