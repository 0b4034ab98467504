"""Counts of right, wrong and missed mentions or relations, and the scores computed from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Counts:
    """True positives, false positives and false negatives.

    Scores are fractions in [0, 1]. A score with nothing to divide by (no mention predicted, or none in the gold) is 0.
    If there is neither, all three scores are 1: there was nothing to find, and nothing was predicted.
    """

    tp: int = 0
    fp: int = 0
    fn: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.tp + other.tp, self.fp + other.fp, self.fn + other.fn)

    @property
    def precision(self) -> float:
        """Share of the predicted mentions that are right."""
        return self._share(self.tp + self.fp)

    @property
    def recall(self) -> float:
        """Share of the gold mentions that were found."""
        return self._share(self.tp + self.fn)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall: 2tp / (2tp + fp + fn)."""
        total = 2 * self.tp + self.fp + self.fn
        return 2 * self.tp / total if total else 1.0

    def as_dict(self) -> dict[str, Any]:
        """Return counts and scores as JSON values."""
        return {
            "tp": self.tp,
            "fp": self.fp,
            "fn": self.fn,
            "precision": self.precision,
            "recall": self.recall,
            "f1": self.f1,
        }

    def _share(self, of: int) -> float:
        if not self.tp + self.fp + self.fn:
            return 1.0
        return self.tp / of if of else 0.0


@dataclass(frozen=True, slots=True)
class Scores:
    """Strict span scores of one set of documents.

    :param overall: all labels together (micro average).
    :param by_label: each label alone, in the order of the labels.
    :param by_document: all labels together, by document; confidence intervals resample these.

    >>> from biorat_al import score
    >>> scores = score({"17": []}, {"17": []}, labels=["Chemical"])
    >>> scores.overall.f1, list(scores.by_label), list(scores.by_document)
    (1.0, ['Chemical'], ['17'])
    """

    overall: Counts
    by_label: Mapping[str, Counts]
    by_document: Mapping[str, Counts]

    def as_dict(self) -> dict[str, Any]:
        """Return the overall scores and those of each label as JSON values."""
        return {
            "overall": self.overall.as_dict(),
            "by_label": {label: counts.as_dict() for label, counts in self.by_label.items()},
        }
