"""How much of what annotators disagree on is settled, and how much is open."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy.orm import Session

from biorat_al.people.disputes import Disputes
from biorat_al.people.settling.contested import contested
from biorat_al.store.answers import adjudicated_documents
from biorat_al.store.settling.settlements import answered_digests, settlements
from biorat_al.wording import are, plural


@dataclass(frozen=True, slots=True)
class SettlingProgress:
    """How far disputes are settled, and findings of an audit reviewed.

    :param disputed: number of documents, and of sentences, on which annotators disagree, settled or not.
    :param settled: number of these that somebody has settled.
    :param open: number of documents that wait for an adjudicator.
    :param outdated: number of adjudicated documents whose annotators have changed their answers since.
    :param review_open: number of documents that wait for a reviewer; `reviewed` were answered.
    """

    disputed: int = 0
    settled: int = 0
    open: int = 0
    outdated: int = 0
    review_open: int = 0
    reviewed: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return asdict(self)

    @property
    def sentence(self) -> str:
        """What is settled and what is open, as one line of text."""
        parts = []
        if self.disputed:
            waiting = f"{self.open:,} with an adjudicator" if self.open else "none with an adjudicator"
            part = f"{self.settled:,} of {plural(self.disputed, 'document')} with disputes settled, {waiting}"
            if self.settled < self.disputed and not self.open:
                part += " (biorat-al adjudicate)"
            parts.append(part)
        if self.outdated:
            parts.append(f"{are(self.outdated, 'adjudicated document')} to look at again, since annotators changed it")
        if self.review_open or self.reviewed:
            parts.append(f"reviewed after an audit: {self.reviewed:,}, {self.review_open:,} open")
        return "; ".join(parts)


def settling_progress(session: Session, disputes: Disputes | None) -> SettlingProgress | None:
    """Return how far disputes are settled; None if there were none, and nobody was asked again.

    :param disputes: what is disputed and not settled, by :func:`~biorat_al.people.disputes.find_disputes`; only what
        somebody has settled is compared again.
    """
    asked, reviews = settlements(session, "disputes"), settlements(session, "review")
    answered, settled = answered_digests(asked), set(adjudicated_documents(session))
    again = list(contested(session, settled | answered.keys()))
    disputed = {one.document_id for one in again if one.compared.disputed}
    disputed |= set() if disputes is None else disputes.contested
    if not disputed and not asked and not reviews:
        return None
    return SettlingProgress(
        len(disputed),
        len(disputed & settled),
        sum(row.state == "open" for row in asked),
        sum(one.digest not in answered.get(one.document_id, {one.digest}) for one in again),
        sum(row.state == "open" for row in reviews),
        len({row.document_id for row in reviews if row.state == "answered"}),
    )
