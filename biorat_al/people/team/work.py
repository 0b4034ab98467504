"""What each person of a group was asked for and has done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from biorat_al.acquisition.price.answered import answered_work
from biorat_al.acquisition.price.estimate import TimeWorked, time_worked
from biorat_al.corpus.formats.bigbio.details import AgreementF1
from biorat_al.corpus.model.identity import mention_key
from biorat_al.desk.base import Person
from biorat_al.learner.counts import Counts
from biorat_al.people.agreement import agreement_f1
from biorat_al.people.doubles import Double, read_doubles, several_answers
from biorat_al.people.pseudonyms import pseudonyms
from biorat_al.people.team.names import as_known
from biorat_al.settings import Settings
from biorat_al.store.answers import annotators
from biorat_al.store.tables import AnnotationRow, MemberRow, SeatRow
from biorat_al.store.team.members import members
from biorat_al.store.team.seats import TO_COME

NOT_A_MEMBER = "not in the team"

_NO_TIME = TimeWorked()


@dataclass(frozen=True, slots=True)
class PersonWork:
    """One person's part in a project.

    :param pseudonym: what exports call the person; empty for one who has not answered yet.
    :param role: ``annotator``, ``adjudicator``, or :data:`NOT_A_MEMBER` for somebody who has only answered.
    :param has_left: whether the person gets no more tasks.
    :param has_account: whether the desk knows the person; None if it was not asked.
    :param assigned: number of documents (and sentences) that the person was asked for, without those moved to others.
    :param open: of these, number still to be answered.
    :param done: number of documents (and sentences) that the person has answered, whether or not they were assigned.
    :param skipped: number of those that the person skipped.
    :param time: how long the person worked.
    :param seen: when the person was last active on the desk, or else gave the last answer; None: never.
    :param agreement: strict span F1 against the others, on documents that both annotated independently and without
        pre-labels; None if there are none.
    """

    name: str
    pseudonym: str
    role: str
    has_left: bool
    has_account: bool | None
    assigned: int = 0
    open: int = 0
    done: int = 0
    skipped: int = 0
    time: TimeWorked = _NO_TIME
    seen: datetime | None = None
    agreement: AgreementF1 | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        values = asdict(self)
        del values["time"], values["agreement"]
        values |= {
            "seen": None if self.seen is None else self.seen.isoformat(),
            "seconds": round(self.time.seconds, 1),
            "timed_answers": self.time.answers,
            "breaks": self.time.breaks,
            "untimed_answers": self.time.untimed,
            "agreement": None,
        }
        if (found := self.agreement) is not None:
            interval = None if found.interval is None else list(found.interval)
            values["agreement"] = {"f1": found.f1, "interval": interval, "documents": found.documents}
        return values


def team_work(session: Session, settings: Settings, people: Mapping[str, Person] | None) -> list[PersonWork]:
    """Return what each member did, in the order in which they joined, and then everybody else who has answered.

    :param people: everybody who can work on the desk; None if it was not asked.
    """
    rows = members(session, with_left=True)
    names = annotators(session)
    hidden = pseudonyms(names)
    seats = _seats(session)
    answers = _answers(session)
    times = time_worked(answered_work(session), settings)
    agreement = _agreement(session)
    found = []
    for name, row in _everybody(rows, names):
        own = answers.get(name, _NO_ANSWERS)
        states = seats.get(row.id, Counter()) if row is not None else Counter()
        person = as_known(name, people) if people is not None else None
        times_seen = [at for at in (person.seen if person else None, own.newest) if at is not None]
        found.append(
            PersonWork(
                name,
                hidden.get(name, ""),
                NOT_A_MEMBER if row is None else row.role,
                has_left=row is not None and row.left_at is not None,
                has_account=None if people is None else person is not None,
                assigned=sum(states.values()) - states["moved"] - states["deleted"],
                open=sum(states[state] for state in TO_COME),
                done=own.done,
                skipped=own.skipped,
                time=times.get(name, _NO_TIME),
                seen=max(times_seen, default=None),
                agreement=agreement.get(hidden.get(name, "")),
            )
        )
    return found


@dataclass(frozen=True, slots=True)
class _Answers:
    done: int = 0
    skipped: int = 0
    newest: datetime | None = None


_NO_ANSWERS = _Answers()


def _everybody(rows: Iterable[MemberRow], names: Iterable[str]) -> list[tuple[str, MemberRow | None]]:
    """Return the names of members as they appear in answers, and of all others who have answered."""
    spelt = {name.casefold(): name for name in names}
    found: list[tuple[str, MemberRow | None]] = [(spelt.pop(row.name.casefold(), row.name), row) for row in rows]
    return [*found, *((name, None) for name in spelt.values())]


def _seats(session: Session) -> dict[int, Counter[str]]:
    """Count the seats of each member by state."""
    counts: dict[int, Counter[str]] = {}
    rows = session.execute(
        select(SeatRow.member_id, SeatRow.state, func.count()).group_by(SeatRow.member_id, SeatRow.state)
    )
    for member_id, state, number in rows:
        counts.setdefault(member_id, Counter())[state] = number
    return counts


def _answers(session: Session) -> dict[str, _Answers]:
    """Count what each person has answered and skipped, each document once."""
    number = func.count(AnnotationRow.document_id.distinct())
    rows = session.execute(
        select(AnnotationRow.annotator, AnnotationRow.skipped, number, func.max(AnnotationRow.updated_at))
        .where(
            AnnotationRow.source == "person",
            AnnotationRow.current.is_(True) | AnnotationRow.superseded.is_(True),
            AnnotationRow.made_from.is_(None),
        )
        .group_by(AnnotationRow.annotator, AnnotationRow.skipped)
    )
    found: dict[str, _Answers] = {}
    for name, skipped, count, newest in rows:
        if name is None:
            continue
        before = found.get(name, _NO_ANSWERS)
        times = [at for at in (before.newest, newest) if at is not None]
        counted = replace(before, skipped=count) if skipped else replace(before, done=count)
        found[name] = replace(counted, newest=max(times, default=None))
    return found


def _agreement(session: Session) -> dict[str, AgreementF1]:
    """Return the agreement of each person with all others together, by pseudonym; intervals are over documents."""
    counts: dict[str, dict[int, Counts]] = {}
    chosen = several_answers(session).chosen
    for double in read_doubles(session, chosen, pre_labelled=False):
        for name, part in _against_others(double).items():
            of_person = counts.setdefault(name, {})
            of_person[double.drawn_with] = of_person.get(double.drawn_with, Counts()) + part
    return {name: agreement_f1(list(parts.values())) for name, parts in counts.items()}


def _against_others(double: Double) -> dict[str, Counts]:
    """Compare each person's mentions with those of every other person."""
    marked = {name: {mention_key(one) for one in given.entities} for name, given in double.given.items()}
    if len(marked) < 2:
        return {}
    return {
        name: sum(
            (
                Counts(len(own & theirs), len(own - theirs), len(theirs - own))
                for other, theirs in marked.items()
                if other != name
            ),
            Counts(),
        )
        for name, own in marked.items()
    }
