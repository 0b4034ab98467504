"""Do pre-labels bias people? Answers with and without pre-labels, compared within the rounds that asked for both.

Documents of different rounds are different documents, so only rounds count that asked for some documents with and for
some without pre-labels. Where a group has `without_pre_labels`, the program has drawn these at random from the
documents for one annotator; then only these count, each as it was drawn, and the difference is due to the pre-labels
(or to chance). Agreement is compared on documents for two annotators, of which `double_pre_labels` draws some for both
to get with pre-labels. Elsewhere people have begun some answers anew, or pre-labels were missing; that is said.

All figures are rates: minutes per document, mentions per 100 words, shared mentions per mention of two people.
Rounds are pooled as strata by the Mantel-Haenszel rate difference (Greenland and Robins 1985, "Estimation of a common
effect parameter from sparse follow-up data", Biometrics 41:55, section 3); the rates beside it have the same weights.
Intervals are by bootstrap over documents (:mod:`biorat_al.people.bootstrap`), as wide as the smaller of the two groups
asks for. ``benchmarks/interval_coverage.py --pre-labels`` measures their coverage.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Literal, NamedTuple

import numpy as np

from biorat_al.people.bootstrap import Array, Interval, interval
from biorat_al.wording import plural

Quantity = Literal["minutes", "minutes_per_100_words", "mentions_per_100_words", "agreement"]

QUANTITIES: dict[Quantity, str] = {
    "minutes": "minutes per document",
    "minutes_per_100_words": "minutes per 100 words",
    "mentions_per_100_words": "mentions per 100 words",
    "agreement": "agreement with others (F1 of 100)",
}
"""What is compared."""

BREAK = 10
"""An answer that took this many times as long as the median was interrupted by a break; its time is left out."""

SHARE = 0.2
"""Difference, as a share of the rate, for which the number of documents that would tell it is stated."""

POINTS = 0.05
"""The same for agreement: a difference in F1."""

_POWER = (1.96 + 0.84) / 1.96
"""A true difference of this many half intervals is told from none in four of five projects (power of 80 %)."""

WITHOUT, WITH = 0, 1
"""Place of the answers without and with pre-labels in the sums."""


class Sums(NamedTuple):
    """A quantity's amount and what it is divided by, for one document: for minutes per document, minutes and 1.

    :param round: number of the round that asked for the document.
    :param shown: whether there were pre-labels.
    """

    document: int
    round: int
    shown: bool
    amount: float
    exposure: float


@dataclass(frozen=True, slots=True)
class BiasFigure:
    """One quantity with and without pre-labels.

    :param with_pre_labels: its rate with pre-labels, weighted like the difference; None if it is not known.
    :param without: its rate without them.
    :param difference: the first minus the second; `interval` is its 95 % interval.
    :param documents: number of documents without and with pre-labels behind it.
    :param sought: a difference that is worth knowing.
    :param needed: number of documents, in all, with which it would be told from none; None if that is not known.
    """

    quantity: Quantity
    with_pre_labels: float | None
    without: float | None
    difference: float | None
    interval: Interval | None
    documents: tuple[int, int]
    sought: float | None = None
    needed: int | None = None

    @property
    def is_told(self) -> bool:
        """Whether the interval does not hold 0."""
        return self.interval is not None and not self.interval[0] <= 0 <= self.interval[1]

    @property
    def sentence(self) -> str:
        """The difference with its interval, or that it cannot be told and how many documents would tell."""
        name = QUANTITIES[self.quantity]
        if self.difference is None or self.interval is None or self.with_pre_labels is None or self.without is None:
            return f"{name}: cannot be told yet{self._would_tell}."
        low, high = (self._text(end, "+") for end in self.interval)
        rates = f"{self._text(self.with_pre_labels)} with pre-labels, {self._text(self.without)} without"
        said = f"{name}: {rates}; difference {self._text(self.difference, '+')} (95 % interval {low} to {high})"
        if self.is_told:
            return f"{said}."
        if self.needed is not None and self.needed <= sum(self.documents):
            return f"{said}. None could be shown; one of {self._text(self.sought or 0.0)} should have shown."
        return f"{said}. Whether there is one cannot be told yet{self._would_tell}."

    @property
    def _would_tell(self) -> str:
        if self.needed is None or self.sought is None:
            return ""
        now = sum(self.documents)
        without = "half of them" if self.difference is None else "as many of them as now"
        return (
            f"; a difference of {self._text(self.sought)} would show with about "
            f"{plural(self.needed, 'document')} ({now:,} so far), {without} without pre-labels"
        )

    def _text(self, value: float, sign: str = "") -> str:
        number = 100 * value if self.quantity == "agreement" else value
        return f"{number:{sign}.{1 if self.quantity == 'agreement' else 2}f}"

    def as_dict(self) -> dict[str, Any]:
        """Return JSON values; agreement is a fraction."""
        return {
            "with_pre_labels": self.with_pre_labels,
            "without": self.without,
            "difference": self.difference,
            "interval": self.interval,
            "documents": {"with_pre_labels": self.documents[WITH], "without": self.documents[WITHOUT]},
            "sought": self.sought,
            "documents_needed": self.needed,
        }


@dataclass(frozen=True, slots=True)
class PreLabelBias:
    """What pre-labels do to people.

    :param drawn: whether the documents without pre-labels were drawn at random; `pairs_drawn` is the same for the
        documents on which agreement is compared.
    :param breaks: answers whose time is left out because they took far too long.
    :param why_not: why nothing can be compared, as a sentence; empty if something can.
    """

    figures: tuple[BiasFigure, ...]
    drawn: bool = False
    breaks: int = 0
    why_not: str = ""
    pairs_drawn: bool = False

    @property
    def sentences(self) -> list[str]:
        """What is known in sentences: first how the comparison came about, then each quantity."""
        first = self.why_not
        if not first and self.drawn:
            first = "The documents without pre-labels were drawn at random, so a difference is due to the pre-labels."
        elif not first:
            first = (
                "Which documents had no pre-labels was not drawn at random, so a difference may also be due to the "
                "documents; without_pre_labels in [team] draws them."
            )
        left_out = f" Left out: the time of {plural(self.breaks, 'answer')} with a break." if self.breaks else ""
        said = [
            f"{one.sentence}{self._of_pairs(one)}"
            for one in self.figures
            if not self.why_not or one.needed is not None or one.difference is not None
        ]
        return [f"{first}{left_out}", *(f"{one[0].upper()}{one[1:]}" for one in said)]

    def _of_pairs(self, figure: BiasFigure) -> str:
        """Return what differs in how the comparison of agreement came about; empty for the other quantities."""
        if figure.quantity != "agreement":
            return ""
        if figure.difference is None:
            return " For a group, double_pre_labels in [team] gives a share of the documents for two with pre-labels."
        if self.pairs_drawn and (self.why_not or not self.drawn):
            return " Which documents both people had pre-labels on was drawn at random."
        if self.drawn and not self.pairs_drawn:
            return " Which documents both people had pre-labels on was not drawn at random."
        return ""

    def as_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "drawn_at_random": self.drawn,
            "agreement_drawn_at_random": self.pairs_drawn,
            "breaks": self.breaks,
            **{one.quantity: one.as_dict() for one in self.figures},
            "sentences": self.sentences,
        }


@dataclass(slots=True)
class GivenAnswer:
    """One person's answer to a document of the pool.

    :param round: number of the round that asked for it.
    :param shown: whether there were pre-labels.
    :param words: words of the document.
    :param mentions: number of mentions in the answer.
    :param seconds: time that the desk recorded; None if it recorded none.
    """

    document: int
    round: int
    shown: bool
    words: int
    mentions: int
    seconds: float | None


@dataclass(slots=True)
class ComparedAnswers:
    """Answers to be compared.

    :param pairs: of two answers to a document, the mentions that both have, counted on either side, and all of theirs.
    :param drawn: whether the answers without pre-labels were drawn at random; `pairs_drawn` is the same for the pairs.
    :param why_not: why nothing can be compared; empty if something can.
    """

    answers: Sequence[GivenAnswer]
    pairs: Sequence[Sums] = field(default=())
    drawn: bool = False
    why_not: str = ""
    pairs_drawn: bool = False


def compare_answers(given: ComparedAnswers) -> PreLabelBias:
    """Compare the answers with pre-labels to those without."""
    timed = [(one, one.seconds) for one in given.answers if one.seconds is not None]
    usual = median(seconds for _, seconds in timed) if timed else 0.0
    kept = [(one, seconds / 60) for one, seconds in timed if seconds <= BREAK * usual]
    sums: Mapping[Quantity, list[Sums]] = {
        "minutes": [Sums(one.document, one.round, one.shown, minutes, 1) for one, minutes in kept],
        "minutes_per_100_words": [
            Sums(one.document, one.round, one.shown, minutes, one.words / 100) for one, minutes in kept
        ],
        "mentions_per_100_words": [
            Sums(one.document, one.round, one.shown, one.mentions, one.words / 100) for one in given.answers
        ],
        "agreement": list(given.pairs),
    }
    figures = [compare_sums(quantity, some) for quantity, some in sums.items()]
    return PreLabelBias(tuple(figures), given.drawn, len(timed) - len(kept), given.why_not, given.pairs_drawn)


def compare_sums(quantity: Quantity, sums: Sequence[Sums]) -> BiasFigure:
    """Return a quantity with and without pre-labels; only rounds with both kinds of documents count."""
    used = [one for one in sums if one.exposure > 0]
    kinds: defaultdict[int, set[bool]] = defaultdict(set)
    for one in used:
        kinds[one.round].add(one.shown)
    both = [one for one in used if len(kinds[one.round]) == 2]
    documents = _documents(both)
    if min(documents) < 2:
        return BiasFigure(quantity, None, None, None, None, documents, *_by_spread(quantity, used))
    table = _table(both)
    without, shown, difference = (float(one[0]) for one in pooled(table.sum(0)[None]))
    between = interval(table, lambda drawn: pooled(drawn)[2], documents=min(documents))
    sought = POINTS if quantity == "agreement" else SHARE * (without + shown) / 2
    needed = None
    if between is not None and sought > 0:
        half = (between[1] - between[0]) / 2
        needed = round(sum(documents) * (_POWER * half / sought) ** 2)
    return BiasFigure(quantity, shown, without, difference, between, documents, sought or None, needed)


def pooled(table: Array) -> tuple[Array, Array, Array]:
    """Return the rates without and with pre-labels, pooled over rounds, and their difference; NaN if undefined.

    :param table: shape (samples, rounds, 2, 2): without and with pre-labels; amount and exposure.
    """
    amount, exposure = table[..., 0], table[..., 1]
    total = exposure.sum(-1)
    # a round whose documents of one kind were not drawn has no weight
    share = np.divide(exposure[..., ::-1], total[..., None], out=np.zeros_like(exposure), where=total[..., None] > 0)
    weight = (exposure[..., WITH] * share[..., WITH]).sum(-1)
    rates = np.full((*weight.shape, 2), np.nan)
    np.divide((amount * share).sum(-2), weight[..., None], out=rates, where=weight[..., None] > 0)
    return rates[..., WITHOUT], rates[..., WITH], rates[..., WITH] - rates[..., WITHOUT]


def _table(sums: Sequence[Sums]) -> Array:
    """Return the sums by document, shape (documents, rounds, 2, 2)."""
    documents = {key: place for place, key in enumerate(dict.fromkeys(one.document for one in sums))}
    rounds = {key: place for place, key in enumerate(dict.fromkeys(one.round for one in sums))}
    table = np.zeros((len(documents), len(rounds), 2, 2))
    for one in sums:
        table[documents[one.document], rounds[one.round], int(one.shown)] += (one.amount, one.exposure)
    return table


def _documents(sums: Sequence[Sums]) -> tuple[int, int]:
    """Return the numbers of documents without and with pre-labels."""
    without, shown = (len({one.document for one in sums if one.shown == kind}) for kind in (False, True))
    return without, shown


def _by_spread(quantity: Quantity, sums: Sequence[Sums]) -> tuple[float | None, int | None]:
    """Return a difference worth knowing, and the documents that would tell it, from the spread of those known."""
    by_document: defaultdict[int, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for one in sums:
        by_document[one.document][0] += one.amount
        by_document[one.document][1] += one.exposure
    parts = np.array(list(by_document.values())).reshape(-1, 2)
    if len(parts) < 2 or parts[:, 0].sum() == 0:
        return None, None
    rate = parts[:, 0].sum() / parts[:, 1].sum()
    spread = np.sqrt(((parts[:, 0] - rate * parts[:, 1]) ** 2).sum() / (len(parts) - 1)) / parts[:, 1].mean()
    sought = POINTS if quantity == "agreement" else SHARE * rate
    # two groups of the same size
    return float(sought), round(4 * (_POWER * 1.96 * spread / sought) ** 2)
