"""The annotators' seconds for one more document of the pool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from biorat_al.acquisition.price.answered import AnsweredWork
from biorat_al.acquisition.price.estimate import PriceEstimate
from biorat_al.acquisition.price.work import Work
from biorat_al.corpus.model.role import LEARNT_ROLES

ENOUGH = 20
"""Documents whose work stands for that of the next ones; pre-labels get better, so the newest are taken."""


@dataclass(frozen=True)
class Pace:
    """Seconds of annotation for one more document, drawn from what is known.

    :param draws: mean seconds of a document, all its answers together, shape (draws,).
    :param note: a sentence on what the price rests on, if times of this project are not in it; else empty.
    :param factors: what the seconds are multiplied by if one price is halved or doubled, by the name of the change.
    """

    draws: NDArray[np.float64]
    note: str = ""
    factors: Mapping[str, float] = field(default_factory=dict)

    @property
    def extremes(self) -> tuple[float, float]:
        """The least and the most that the seconds are multiplied by if one price is halved or doubled."""
        return min(self.factors.values(), default=1.0), max(self.factors.values(), default=1.0)

    def times(self, factor: float) -> Pace:
        """Return the pace if every document took `factor` times the seconds."""
        return Pace(factor * self.draws, self.note)


def pace_of(
    answers: Sequence[AnsweredWork], price: PriceEstimate, seed: int = 0, *, shares: Mapping[int, float] | None = None
) -> Pace | None:
    """Estimate the seconds of one more document; return None if nothing of the pool has been answered.

    The work of a document is that of the newest rounds, as many as it takes for :data:`ENOUGH` documents. A sentence
    that was asked for by itself counts as the share of its document that it is. Draws combine the price's uncertainty
    with that of the mean work of a document (the Bayesian bootstrap, Rubin 1981, Annals of Statistics 9:130).

    :param shares: of the characters of its document that each sentence has, by row id.
    """
    work: dict[int, NDArray[np.float64]] = {}
    fetched: dict[int, int] = {}
    for one in answers:
        if one.split in LEARNT_ROLES:
            work[one.document_id] = work.get(one.document_id, 0.0) + one.work.vector()
            fetched[one.document_id] = min(fetched.get(one.document_id, one.fetched or 0), one.fetched or 0)
    if not work:
        return None
    share = dict.fromkeys(work, 1.0) | {row_id: part for row_id, part in (shares or {}).items() if row_id in work}
    chosen: list[int] = []
    for number in sorted(set(fetched.values()), reverse=True):
        chosen += [document for document in work if fetched[document] == number]
        if sum(share[document] for document in chosen) >= ENOUGH:
            break
    counts = np.array([work[document] for document in chosen])
    weights = np.random.default_rng([seed, 3]).dirichlet(np.ones(len(chosen)), size=len(price.draws))
    seconds = ((weights @ counts) * price.draws).sum(axis=1)
    mean = counts.mean(axis=0)
    documents = np.array([share[document] for document in chosen])
    if (documents < 1).any():
        seconds, mean = seconds / (weights @ documents), mean / documents.mean()
    note = ""
    if not price.is_fitted and not price.is_written:
        note = "The hours are by published prices: no answer of this project has a recorded time yet."
    one_more = Work(*mean.tolist())
    usual = price.price.seconds(one_more)
    varied = price.price.variations().items() if usual else ()
    return Pace(seconds, note, {name: other.seconds(one_more) / usual for name, other in varied})
