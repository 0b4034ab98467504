"""How probable an error is, where something is marked in some of its places and not in others.

A string is marked in a share p of its places, which differs from string to string as a beta distribution does. Its two
parameters are fitted to the corpus by maximum likelihood (beta-binomial: Griffiths 1973, *Maximum likelihood estimation
for the beta-binomial distribution*, Biometrics 29(4)). Most strings are marked nearly always or nearly never, so both
parameters come out well below 1, and few places are enough to tell which.

If k of n other places are marked, the expected share is ``(k + a) / (n + a + b)``. That this place, which is not
marked, should be then has the odds ``p e : (1 - p)`` by Bayes' rule, where e is the share of mentions that annotators
miss. It cannot be estimated without a second look at the documents, so it is an assumption: :data:`ERRORS`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

ERRORS = 0.02
"""Share of mentions that annotators are taken to miss; the same share has a wrong label, and wrong borders."""

_OWN_WEIGHT = 2.0
_LEAST, _MOST = 0.02, 5.0
_UNINFORMED = 0.5


class Count(NamedTuple):
    """How many of some places are marked."""

    marked: int
    places: int

    def plus(self, marked: int, places: int) -> Count:
        """Return the count with further places."""
        return Count(self.marked + marked, self.places + places)

    def minus(self, marked: int, places: int) -> Count:
        """Return the count without some of the places."""
        return Count(self.marked - marked, self.places - places)


NO_PLACES = Count(0, 0)
"""The count of no place."""


class SharePrior(NamedTuple):
    """The beta distribution of the share of places that are marked."""

    a: float
    b: float

    def share(self, count: Count) -> float:
        """Return the expected share, given how many of some places are marked."""
        return (count.marked + self.a) / (count.places + self.a + self.b)

    def share_near(self, far: Count, near: Count) -> float:
        """Return the expected share where `near` places say more than `far` ones.

        What one document means by a string need not be what others mean by it. The expected share of the far places
        counts as much as two near places.
        """
        return (near.marked + _OWN_WEIGHT * self.share(far)) / (near.places + _OWN_WEIGHT)


EVEN = SharePrior(_UNINFORMED, _UNINFORMED)
"""A prior for what cannot be fitted (Jeffreys' prior of a binomial share)."""


def fit(counts: Iterable[Count], *, truncated: bool = True) -> SharePrior:
    """Fit the prior to strings.

    A weak normal prior on the logarithms of the
    parameters, around 0.5, decides where there are hardly any strings.

    :param counts: of each string; those with fewer than two places say nothing.
    :param truncated: only strings that are marked at least once are counted. That they are is part of the likelihood.
    """
    from scipy.optimize import minimize
    from scipy.special import betaln

    several = [count for count in counts if count.places > 1 and (count.marked or not truncated)]
    if not several:
        return EVEN
    distinct, times = np.unique(np.array(several, dtype=np.float64), axis=0, return_counts=True)
    marked, places = distinct.T

    def loss(logs: NDArray[np.float64]) -> float:
        a, b = np.exp(logs)
        whole = betaln(a, b)
        likelihood = betaln(marked + a, places - marked + b) - whole
        if truncated:
            likelihood -= np.log1p(-np.exp(betaln(a, places + b) - whole))
        return float(-(times * likelihood).sum() + 0.5 * ((logs - np.log(_UNINFORMED)) ** 2).sum())

    bounds = [(np.log(_LEAST), np.log(_MOST))] * 2
    best = minimize(loss, np.log([_UNINFORMED, _UNINFORMED]), method="L-BFGS-B", bounds=bounds)
    a, b = np.exp(best.x)
    return SharePrior(float(a), float(b))


def posterior(share: float, rate: float) -> float:
    """Return the probability of an error at one place.

    :param share: the expected share of places that are not as this one is.
    :param rate: how often an error makes a place be as this one is.
    """
    return share * rate / (share * rate + 1 - share)
