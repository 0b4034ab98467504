"""Which labels annotators could choose when they gave an answer.

A label can be added to a project after documents have been annotated. Whether those documents contain it is then
unknown. So each answer is matched with the labels that the desk offered when the answer was given.

The last step of a round brings the labelling configuration of each of the desk's projects up to date. An answer that is
first fetched in round *f* was therefore given under the configuration that round *f* - 1 left, or, if it was given
while round *f* - 1 was running, under the one before. If round *f* - 1 itself asked for the document, it was the new
one. Otherwise the time of the answer is compared with the time of the change, both by the desk's clock.

A label that was added later counts as asked for once somebody submits the answer again, changed or not. Gold
annotations came with the documents; they can have the labels that the first round asked for.

In the same way each answer is matched with the version of the guidelines that was shown when it was given.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from biorat_al.corpus.model.role import ROLES
from biorat_al.corpus.model.unasked import Unasked
from biorat_al.store.database.json_values import SHAPE_ERRORS, other_shape
from biorat_al.store.tables import RoundRow, StepRow, TaskRow

OFFERED = "offered"
"""Where the counts of a step ``push`` say what annotators can choose since then, by role."""


GUIDELINES = "guidelines"
"""Where the counts of a step ``push`` have the digest of the guidelines that annotators see since then, by role."""


class Offer(NamedTuple):
    """What annotators can choose.

    :param labels: entity labels; `relations` likewise.
    """

    labels: frozenset[str] = frozenset()
    relations: frozenset[str] = frozenset()

    @classmethod
    def of(cls, labels: Collection[str], relations: Collection[str]) -> Offer:
        """Return an offer of these labels."""
        return cls(frozenset(labels), frozenset(relations))

    def lacks(self, other: Offer) -> Unasked:
        """Return the labels that the other offers and this one does not."""
        return Unasked(other.labels - self.labels, other.relations - self.relations)


@dataclass(frozen=True, slots=True)
class Given:
    """When an answer was given.

    :param role: of the project that it was given in.
    :param fetched: round that fetched it first; None where that is not known.
    :param asked: round that asked for the document.
    :param at: by the desk's clock.
    """

    role: str
    fetched: int | None
    asked: int | None
    at: datetime | None


@dataclass(frozen=True, slots=True)
class _Configured:
    """What a project of the desk offers after a round.

    :param at: when that was last changed, by the desk's clock where it is known; None: it is as it was before.
    """

    offer: Offer
    at: datetime | None


class _Shown(NamedTuple):
    """The guidelines that a project of the desk shows after a round.

    :param at: when the round began to bring the project up to date.
    """

    digest: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Offers:
    """What the projects of the desk offered, round after round.

    :param ever: all that any round asked for.
    :param first: what the first round asked for.
    """

    ever: Offer
    first: Offer
    _after: Mapping[str, Mapping[int, _Configured]]
    _guidelines: Mapping[str, Mapping[int, _Shown]]

    @classmethod
    def read(cls, session: Session) -> Offers:
        """Read what the rounds asked for."""
        rounds = session.execute(select(RoundRow.number, RoundRow.settings).order_by(RoundRow.number)).all()
        wanted = {number: offer_of_values(settings) for number, settings in rounds}
        pushes = {row.round_number: row for row in session.scalars(select(StepRow).where(StepRow.name == "push"))}
        tested = set(session.scalars(select(TaskRow.round_number).where(TaskRow.role == "test").distinct()))
        after: dict[str, dict[int, _Configured]] = {role: {} for role in ROLES}
        for number, offer in wanted.items():
            push = pushes.get(number)
            if push is None or push.state != "done":
                continue
            for role in ROLES:
                if written := push.counts.get(OFFERED, {}).get(role):
                    after[role][number] = _written(written, push.started_at)
                elif role == "pool" or number in tested:
                    # an earlier version of the program brought the test project up to date only where it had to
                    after[role][number] = _Configured(offer, push.started_at)
        ever = Offer.of(
            {label for offer in wanted.values() for label in offer.labels},
            {label for offer in wanted.values() for label in offer.relations},
        )
        return cls(ever, next(iter(wanted.values()), Offer()), after, _shown(pushes))

    def newest(self, role: str) -> Offer | None:
        """Return what the project of a role offers now; None where it was never brought up to date."""
        found = self._before(role, max(self._after[role], default=-1))
        return found[1].offer if found else None

    def unasked(self, given: Given | None) -> Unasked:
        """Return the labels that some round asked for and the author of an answer could not choose.

        :param given: None for gold annotations.
        """
        return self._offer(given).lacks(self.ever)

    def guidelines(self, given: Given) -> str | None:
        """Return the digest of the guidelines that the author of an answer saw; None if that is not known."""
        fetched = given.fetched if given.fetched is not None else (given.asked or 0) + 1
        shown = sorted((one for one in self._guidelines.get(given.role, {}).items() if one[0] < fetched), reverse=True)
        if not shown:
            return None
        number, newest = shown[0]
        # given while the round was running that showed another version
        early = given.at is not None and newest.at is not None and given.at < newest.at
        if len(shown) > 1 and number == fetched - 1 and given.asked != number and early:
            return shown[1][1].digest
        return newest.digest

    def _offer(self, given: Given | None) -> Offer:
        if given is None:
            return self.first
        fetched = given.fetched if given.fetched is not None else (given.asked if given.asked is not None else 0) + 1
        found = self._before(given.role, fetched - 1)
        if found is None:
            # it was asked for in this very round, or before there were rounds
            return self.ever
        number, configured = found
        earlier = self._before(given.role, number - 1)
        if number < fetched - 1 or earlier is None or given.asked == number:
            return configured.offer
        if not earlier[1].offer.lacks(configured.offer):
            return configured.offer
        since = configured.at
        return earlier[1].offer if given.at is None or since is None or given.at < since else configured.offer

    def _before(self, role: str, last: int) -> tuple[int, _Configured] | None:
        """Return the newest round up to `last` that brought the project of a role up to date, and how it left it."""
        number = max((number for number in self._after[role] if number <= last), default=None)
        return None if number is None else (number, self._after[role][number])


def _shown(pushes: Mapping[int, StepRow]) -> dict[str, dict[int, _Shown]]:
    """Return the guidelines that each round showed, by role and number of the round."""
    shown: dict[str, dict[int, _Shown]] = {}
    for number, push in pushes.items():
        for role, digest in push.counts.get(GUIDELINES, {}).items():
            shown.setdefault(role, {})[number] = _Shown(digest, push.started_at)
    return shown


def written_offer(offer: Offer, at: datetime | None) -> dict[str, Any]:
    """Return an offer as the counts of a step have it (JSON values).

    :param at: when it was made, by the desk's clock.
    """
    return {
        "labels": sorted(offer.labels),
        "relations": sorted(offer.relations),
        "at": None if at is None else at.isoformat(),
    }


def _written(values: Mapping[str, Any], started_at: datetime | None) -> _Configured:
    at = values.get("at")
    offer = Offer.of(values.get("labels", ()), values.get("relations", ()))
    try:
        return _Configured(offer, datetime.fromisoformat(at) if at else started_at)
    except SHAPE_ERRORS as error:
        raise other_shape("what a round offered to annotators") from error


def offer_of_values(settings: Mapping[str, Any]) -> Offer:
    """Return what settings ask for, as a round keeps them (JSON values)."""
    names = ([one["name"] for one in settings.get(part) or ()] for part in ("entities", "relations"))
    return Offer.of(*names)
