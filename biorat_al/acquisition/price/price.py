"""Seconds for each kind of work, and what published studies say about them.

Sources of the prior
    Least-squares fits to published tables of annotation times (clinical sentences, people who marked entities without
    pre-labels: Wei et al. 2019, table 4; Chen et al. 2017, tables 10 and 11) gave **0.37 s a word and 4.4 s a
    mention**; other fits to the same tables 0.38 and 5.0, or 0.12 and 4.7 with 3.5 s a sentence; one fit failed. The
    seconds of a mention are stable over these fits, those of a word are not. Annotators differ most (Wei et al. 2018).

What is derived, not measured
    No study that we know gives the seconds of a single correction. *Changed* is set to the 4.4 s of a mention, because
    borders are changed by marking the mention again. *Confirmed* is set to 1.5 s: with pre-labels, studies report 14 to
    26 % less time (Lingren et al. 2014; the EXTRACT tool in BioCreative V; Goel et al. 2023), which at 0.37 s a word,
    4.4 s a mention, one mention in twelve words and six right pre-labels in ten leaves 0.6 to 2.4 s for a confirmed
    mention. *Removed* (a click and a key) and the opening and submitting of a *task* are guesses of 2 s and 3 s. All of
    these are therefore given a wide spread, and every one yields to a project's own times.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass, replace

import numpy as np
from numpy.typing import NDArray

from biorat_al.acquisition.price.work import KINDS, Work


@dataclass(frozen=True, slots=True)
class Price:
    """Seconds of an annotator for each unit of work; the names are those of :class:`Work`.

    >>> from biorat_al.acquisition.price.price import PRIOR
    >>> from biorat_al.acquisition.price.work import Work
    >>> round(PRIOR.price.seconds(Work(words=200, added=10, tasks=1)))
    121
    """

    words: float
    added: float
    changed: float
    removed: float
    confirmed: float
    tasks: float

    def vector(self) -> NDArray[np.float64]:
        """Return the seconds in the order of :data:`~biorat_al.acquisition.price.work.KINDS`, shape (6,)."""
        return np.array(astuple(self), dtype=np.float64)

    def seconds(self, work: Work) -> float:
        """Return the expected seconds of some work."""
        return float(self.vector() @ work.vector())

    def hours(self, work: Work) -> float:
        """Return the expected hours of some work."""
        return self.seconds(work) / 3600

    def variations(self) -> dict[str, Price]:
        """Return the price with each part halved and doubled, by name (``words × 0.5``)."""
        return {
            f"{name} × {factor:g}": replace(self, **{name: factor * getattr(self, name)})
            for name in KINDS
            for factor in (0.5, 2.0)
        }


@dataclass(frozen=True, slots=True)
class PricePrior:
    """What is known about the price before a project has times of its own.

    :param price: medians.
    :param spread: standard deviation of the logarithm of each part; 0.7 is a factor of 2 either way for two thirds, and
        a factor of 4 for 95 %.
    :param speeds: standard deviation of the logarithm of annotators' speeds.
    """

    price: Price
    spread: Mapping[str, float]
    speeds: float


PRIOR = PricePrior(
    Price(words=0.37, added=4.4, changed=4.4, removed=2.0, confirmed=1.5, tasks=3.0),
    {"words": 0.7, "added": 0.5, "changed": 0.8, "removed": 0.8, "confirmed": 0.8, "tasks": 0.9},
    speeds=0.35,
)
"""The published figures with their spread; the module's docstring says where they come from."""

UNIT_OF_WORK = {
    "words": "word read",
    "added": "mention added",
    "changed": "pre-label changed",
    "removed": "pre-label removed",
    "confirmed": "pre-label confirmed",
    "tasks": "task",
}
"""What the seconds of each part are for, in texts for users."""
