"""Keeping a batch from asking the same thing twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from biorat_al.acquisition.similarity import NEAR_DUPLICATE, TextVectors, cosines

_COUNTED_ON = 2_000  # texts on which the document frequencies are counted; more would hardly change them
_BLOCK = 500  # documents of the batch with which a new shortlist is compared at once


class PutOff(NamedTuple):
    """A candidate that stays out of the batch while there are others.

    :param twin: the document of the batch that it resembles.
    :param exact: whether the texts are the same, character by character.
    """

    position: int
    twin: int
    exact: bool


class Spread:
    """Hands out the documents of a ranking one by one, each unlike those that were taken before.

    Maximal marginal relevance: of the `width` highest-ranked documents, the next one is that with the greatest
    *merit* − `weight` × *likeness*. Merit falls evenly from 1 (highest rank) to 0 along those documents, so it does not
    depend on a score's scale; likeness is the cosine (TF-IDF) with the most similar document that was taken. With a
    weight of 0 it is the ranking itself. Documents whose likeness reaches
    :data:`~biorat_al.acquisition.similarity.NEAR_DUPLICATE` are put off. When all `width` documents are used up, the
    next ones of the ranking are looked at.

    Carbonell and Goldstein 1998, *The use of MMR, diversity-based reranking* (SIGIR); the limit on likeness within a
    batch is the local consideration of Shen et al. 2004, *Multi-criteria-based active learning for named entity
    recognition* (ACL), section 2.3.2; looking at a multiple of the batch's size only is the pre-filter of Zhdanov 2019,
    *Diverse mini-batch active learning* (arXiv 1901.05954).

    :param texts: of all documents.
    :param ranking: positions in `texts`, best first.
    """

    def __init__(self, texts: Sequence[str], ranking: NDArray[np.int64], *, width: int, weight: float) -> None:
        groups: dict[str, int] = {}
        self._group = np.fromiter((groups.setdefault(text, len(groups)) for text in texts), np.int64, len(texts))
        self._texts = texts
        self._weight = weight
        self._width = width
        counted_on = np.linspace(0, len(texts) - 1, min(len(texts), _COUNTED_ON)).astype(np.int64)
        self._vectors = TextVectors([texts[position] for position in counted_on.tolist()])
        self._waiting = ranking[width:]
        self._taken: list[int] = []
        self._taken_rows: list[Any] = []
        self.put_off: list[PutOff] = []
        self._look_at(ranking[:width])

    def next(self) -> int | None:
        """Return the position of the document that is to come next; None if only those are left that were put off."""
        while not len(self._window):
            if not len(self._waiting):
                return None
            waiting = self._waiting
            self._waiting = waiting[self._width :]
            self._look_at(waiting[: self._width])
        return int(self._window[np.argmax(self._merit - self._weight * self._likeness)])

    def take(self, position: int) -> None:
        """Put the document that :meth:`next` named into the batch."""
        row = self._rows[np.flatnonzero(self._window == position)[0]]
        self._taken.append(position)
        self._taken_rows.append(row)
        self._keep(self._window != position)
        self._compare(row, np.array([position]))

    def drop(self, unwanted: NDArray[np.bool_]) -> bool:
        """Forget the documents for which `unwanted`, shape (all documents,), is true; return whether there were any."""
        before = len(self._window) + len(self._waiting)
        self._keep(~unwanted[self._window])
        self._waiting = self._waiting[~unwanted[self._waiting]]
        return len(self._window) + len(self._waiting) < before

    def _look_at(self, window: NDArray[np.int64]) -> None:
        self._window: NDArray[np.int64] = window
        self._merit: NDArray[np.float64] = 1.0 - np.arange(len(window)) / max(1, len(window))
        self._likeness: NDArray[np.float32] = np.zeros(len(window), dtype=np.float32)
        self._twin: NDArray[np.int64] = np.zeros(len(window), dtype=np.int64)  # without meaning while the likeness is 0
        self._rows: Any = self._vectors([self._texts[position] for position in window.tolist()])
        if self._taken:
            self._compare_with_batch()

    def _compare_with_batch(self) -> None:
        from scipy import sparse

        taken = np.array(self._taken, dtype=np.int64)
        for start in range(0, len(taken), _BLOCK):
            self._compare(sparse.vstack(self._taken_rows[start : start + _BLOCK]), taken[start : start + _BLOCK])

    def _compare(self, rows: Any, positions: NDArray[np.int64]) -> None:
        """Take account of documents of the batch: `rows` are their vectors."""
        if not len(self._window):
            return
        likenesses = cosines(self._rows, rows)
        # above every cosine; and a text without any word, which has the null vector, is like another copy of itself
        likenesses[self._group[self._window][:, None] == self._group[positions]] = 2.0
        closest = likenesses.argmax(axis=1)
        likeness = likenesses.max(axis=1)
        closer = likeness > self._likeness
        self._likeness = np.where(closer, likeness, self._likeness)
        self._twin = np.where(closer, positions[closest], self._twin)
        duplicates = self._likeness >= NEAR_DUPLICATE
        for place in np.flatnonzero(duplicates).tolist():
            position, twin = int(self._window[place]), int(self._twin[place])
            self.put_off.append(PutOff(position, twin, bool(self._group[position] == self._group[twin])))
        self._keep(~duplicates)

    def _keep(self, wanted: NDArray[np.bool_]) -> None:
        if not wanted.all():
            self._window, self._merit = self._window[wanted], self._merit[wanted]
            self._likeness, self._twin = self._likeness[wanted], self._twin[wanted]
            self._rows = self._rows[np.flatnonzero(wanted)]
