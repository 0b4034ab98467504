"""What an annotator does, counted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Work:
    """The work of one task, or of several together.

    :param words: words read; see :func:`words_in`.
    :param added: mentions that the annotator marked without a pre-label.
    :param changed: pre-labels that got another label or other borders.
    :param removed: pre-labels that were deleted.
    :param confirmed: pre-labels that were left as they were.
    :param tasks: tasks opened and submitted.

    >>> from biorat_al.acquisition.price.work import Work
    >>> Work(words=200, added=3, tasks=1) + Work(words=100, confirmed=2, tasks=1)
    Work(words=300, added=3, changed=0, removed=0, confirmed=2, tasks=2)
    """

    words: float = 0
    added: float = 0
    changed: float = 0
    removed: float = 0
    confirmed: float = 0
    tasks: float = 0

    def __add__(self, other: Work) -> Work:
        return Work(*(one + two for one, two in zip(astuple(self), astuple(other), strict=True)))

    def __mul__(self, factor: float) -> Work:
        return Work(*(factor * one for one in astuple(self)))

    @property
    def mentions(self) -> float:
        """Number of mentions in the answers: those added, changed and confirmed."""
        return self.added + self.changed + self.confirmed

    def vector(self) -> NDArray[np.float64]:
        """Return the counts in the order of :data:`KINDS`, shape (6,)."""
        return np.array(astuple(self), dtype=np.float64)


KINDS = tuple(field.name for field in fields(Work))
"""What is counted, in the order of the vectors of work and price."""


def total(works: Iterable[Work]) -> Work:
    """Return the sum of several counts of work."""
    return sum(works, Work())


def words_in(text: str) -> int:
    """Count the words of a text: runs of characters without white space."""
    return len(text.split())
