"""Who has annotated how much, by pseudonym: answers, mentions, recorded time, and what is still open for each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from biorat_al.acquisition.price.answered import AnsweredWork
from biorat_al.corpus.model.role import ROLES
from biorat_al.people.pseudonyms import pseudonyms
from biorat_al.store.answers import annotators
from biorat_al.store.team.members import members
from biorat_al.store.team.seats import to_answer


@dataclass(slots=True)
class WorkOfAnnotator:
    """What one person has annotated.

    :param name: a pseudonym; empty for answers whose author the desk does not name, and for people of the team who have
        not answered anything yet.
    :param answers: number of answers that count, by role of the document.
    :param mentions: number of mentions in them.
    :param seconds: time that the desk recorded for `timed` of these answers.
    :param open: documents that the person was given and has not answered; None in a project without a team.
    :param people: number of people, which is more than one only where they have not answered anything yet.
    """

    name: str
    answers: Counter[str] = field(default_factory=Counter)
    mentions: int = 0
    seconds: float = 0.0
    timed: int = 0
    open: int | None = None
    people: int = 1


def work_by_annotator(session: Session, answers: Sequence[AnsweredWork]) -> list[WorkOfAnnotator]:
    """Return everybody's work in the order of the pseudonyms; those who have not answered anything come last.

    :param answers: all answers of the project.
    """
    names = pseudonyms(annotators(session))
    by_member = {name.casefold(): pseudonym for name, pseudonym in names.items()}
    found = {name: WorkOfAnnotator(name) for name in names.values()}
    for one in answers:
        name = names.get(one.annotator or "", "")
        person = found.setdefault(name, WorkOfAnnotator(name))
        person.answers[one.split] += 1
        person.mentions += round(one.work.mentions)
        if one.seconds is not None:
            person.seconds += one.seconds
            person.timed += 1
    waiting = WorkOfAnnotator("", people=0)
    for member, count in _open_seats(session).items():
        if member.casefold() in by_member:
            found[by_member[member.casefold()]].open = count
        else:
            waiting.people += 1
            waiting.open = (waiting.open or 0) + count
    return [*found.values(), *([waiting] if waiting.people else [])]


def _open_seats(session: Session) -> dict[str, int]:
    """Return the number of documents that each annotator of the team has still to answer, by name."""
    counts = to_answer(session, *ROLES)
    return {name: counts.get(name, 0) for name in sorted(row.name for row in members(session, "annotator"))}
