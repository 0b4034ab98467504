"""Results of the statistics: amounts, estimates with intervals, components of variance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Unit = Literal["hours", "mentions", "tokens", "documents"]
"""The unit in which labels are counted. A strategy may pick longer documents, so savings differ by unit. Hours are
those of annotators at a price (:func:`biorat_al.efficiency.runs.model.priced`)."""

UNIT_NAMES = {"hours": "hours", "mentions": "mentions", "tokens": "word pieces", "documents": "documents"}
"""The name of each unit in texts for users."""


def labels_in(unit: Unit) -> str:
    """Return what is counted in a unit: ``annotated documents``, ``hours of annotation``."""
    return "hours of annotation" if unit == "hours" else f"annotated {UNIT_NAMES[unit]}"


def counted(labels: float, unit: Unit) -> str:
    """Return a number of labels with its unit: ``1,200 word pieces``, ``3.4 hours``."""
    return f"{labels:,.{1 if unit == 'hours' else 0}f} {UNIT_NAMES[unit]}"


Censoring = Literal["exactly", "more than", "at least", "less than", "at most"]
"""How an amount relates to the value that was observed; anything but ``exactly`` is a censored observation."""

LEVEL = 0.95
"""Confidence level of an interval, unless another one is given."""


@dataclass(frozen=True, slots=True)
class Amount:
    """An observed number, or a bound on a number that was not observed (a censored observation).

    :param relation: ``exactly``: the value itself; ``more than``: the curve ends below its target; ``at most``: the
        curve begins above its target. A ratio of two such amounts can also be ``less than`` or ``at least``.
    """

    value: float
    relation: Censoring = "exactly"

    @property
    def is_exact(self) -> bool:
        """Whether the value itself was observed."""
        return self.relation == "exactly"

    def text(self, digits: int = 0) -> str:
        """Return the amount in words: ``120``, ``more than 300``."""
        number = f"{self.value:,.{digits}f}"
        return number if self.is_exact else f"{self.relation} {number}"


@dataclass(frozen=True, slots=True)
class Components:
    """Components of variance of one observation (one seed, one test document), in the two-way crossed layout.

    :param seed: variance between seeds, common to all documents. More seeds reduce it.
    :param document: variance between test documents, common to all seeds. More seeds do not reduce it.
    :param residual: the remaining variance. More seeds and more documents both reduce it.
    :param seeds: number of seeds from which the components were estimated.
    :param documents: number of test documents.
    """

    seed: float
    document: float
    residual: float
    seeds: int
    documents: int

    def variance(self, seeds: int | None = None) -> float:
        """Return the variance of the mean over `seeds` seeds (None: as many as observed) and the same documents."""
        count = self.seeds if seeds is None else seeds
        return self.seed / count + self.document / self.documents + self.residual / (count * self.documents)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean, a difference or a ratio with its confidence interval.

    The interval is for the expectation over seeds and over test documents like these. With one seed it is over test
    documents alone, for the models of that seed.

    :param value: None if the data do not even give a bound (neither curve reaches the target).
    :param low: lower end; None if the data give no lower bound.
    :param high: upper end; None if the data give no upper bound.
    :param level: confidence level of the interval, 0.95 unless another one was given or it was adjusted.
    :param p_value: two-sided, for the hypothesis of no difference (or a ratio of 1); None if it cannot be computed. In
        an adjusted comparison it is adjusted by Holm's method.
    :param standard_error: standard error of the mean or difference; for a ratio, of its logarithm.
    :param degrees: Satterthwaite's degrees of freedom of the standard error, for orientation; the interval does not
        use them.
    :param components: components of variance on the same scale; None with one seed.
    :param seeds: number of seeds (in a comparison, of pairs).
    """

    value: Amount | None
    low: float | None
    high: float | None
    seeds: int
    level: float = LEVEL
    p_value: float | None = None
    standard_error: float | None = None
    degrees: float | None = None
    components: Components | None = None
