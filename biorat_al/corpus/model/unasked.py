"""What nobody was asked for in a document: labels that the project got after its answers had been given."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unasked:
    """Labels of which it is not known whether a document has any: nobody who answered could choose them.

    :param labels: entity labels.
    :param relations: relation labels.
    """

    labels: frozenset[str] = frozenset()
    relations: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.labels or self.relations)

    def __and__(self, other: Unasked) -> Unasked:
        return Unasked(self.labels & other.labels, self.relations & other.relations)

    def __or__(self, other: Unasked) -> Unasked:
        return Unasked(self.labels | other.labels, self.relations | other.relations)

    def among(self, labels: Collection[str], relations: Collection[str]) -> Unasked:
        """Return those of these entity labels and relation labels."""
        return Unasked(self.labels & frozenset(labels), self.relations & frozenset(relations))

    def concerns(self, labels: Iterable[str], relation: str | None = None) -> bool:
        """Return whether a mention of one of these labels, or a relation between such mentions, could not be chosen."""
        return relation in self.relations or not self.labels.isdisjoint(labels)


EVERYTHING_ASKED = Unasked()
"""Every label was asked for."""
