"""What the statistics of label efficiency come to: amounts, estimates with intervals, components of variance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Unit = Literal["documents", "tokens", "mentions"]
"""What labels are counted in. Documents that a strategy picks are longer, so savings differ by unit."""

UNIT_NAMES = {"documents": "documents", "tokens": "word pieces", "mentions": "mentions"}
"""How each unit is called in what people read."""

Censoring = Literal["exactly", "more than", "at least", "less than", "at most"]

LEVEL = 0.95
"""Level of an interval that nothing else is said of."""


@dataclass(frozen=True, slots=True)
class Amount:
    """A number that was observed, or that only a bound is known of (a censored observation).

    :param relation: ``exactly`` the value; ``more than`` it where a curve ends below its target, ``at most`` it where a
        curve begins above; in a ratio of two such amounts also ``less than`` or ``at least``.
    """

    value: float
    relation: Censoring = "exactly"

    @property
    def is_exact(self) -> bool:
        """Whether the value itself was observed."""
        return self.relation == "exactly"

    def text(self, digits: int = 0) -> str:
        """``120``, ``more than 300``."""
        number = f"{self.value:,.{digits}f}"
        return number if self.is_exact else f"{self.relation} {number}"


@dataclass(frozen=True, slots=True)
class Components:
    """Components of variance of one observation (one seed, one test document), in the two-way crossed layout.

    :param seed: between seeds: what every document shares. Shrinks with more seeds.
    :param document: between test documents: what every seed shares. Does not shrink with more seeds.
    :param residual: the rest, of both together. Shrinks with either.
    :param seeds: number of seeds that they were estimated from.
    :param documents: number of test documents.
    """

    seed: float
    document: float
    residual: float
    seeds: int
    documents: int

    def variance(self, seeds: int | None = None) -> float:
        """Variance of the mean over `seeds` seeds (None: as many as there were) and the same number of documents."""
        count = self.seeds if seeds is None else seeds
        return self.seed / count + self.document / self.documents + self.residual / (count * self.documents)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean, a difference or a ratio with its confidence interval.

    The interval is one for the expectation over seeds and over test documents like these, unless `seeds` is 1: then
    it is one over test documents alone, for the models of that one seed.

    :param value: None where the data do not even bound it (neither curve reaches the target).
    :param low: lower end; None: open, the data put no bound there.
    :param high: upper end; None: open.
    :param level: confidence level of the interval, 0.95 unless it was asked for otherwise or adjusted.
    :param p_value: two-sided, of no difference (or a ratio of 1); None where it cannot be had. Adjusted by Holm's
        method in an adjusted comparison.
    :param standard_error: of the mean or difference; of the ratio's logarithm where it is a ratio.
    :param degrees: degrees of freedom of that by Satterthwaite's formula, for orientation; the interval needs none.
    :param components: components of variance, on the same scale; None where there is one seed.
    :param seeds: number of seeds (of pairs, in a comparison).
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
