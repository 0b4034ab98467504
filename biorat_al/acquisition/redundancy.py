"""Detection of near-duplicates, so that a batch does not ask for the same thing twice."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from biorat_al.acquisition.similarity import NEAR_DUPLICATE, cosines, word_sets

_WINDOW = 200  # documents of the ranking that are converted to vectors at once
_BLOCK = 500  # documents of the batch with which a new window is compared at once


class PutOff(NamedTuple):
    """A candidate that stays out of the batch as long as other candidates are left.

    :param twin: position of the document in the batch that it resembles most.
    :param exact: whether the two texts are the same, character by character.
    """

    position: int
    twin: int
    exact: bool


class Distinct:
    """Go through a ranking in its order, and put off documents that are nearly the same as one already taken.

    Two documents are nearly the same if the cosine of their word sets reaches
    :data:`~biorat_al.acquisition.similarity.NEAR_DUPLICATE`, or if their texts are the same. Shen, Zhang, Su, Zhou and
    Tan 2004, *Multi-criteria-based active learning for named entity recognition* (ACL), section 2.3.2, call this the
    local consideration of diversity.

    A batch is deliberately not spread over topics. Maximal marginal relevance (Carbonell and Goldstein 1998), weighted
    k-means among uncertain documents (Zhdanov 2019) and facility location among them (Wei et al. 2015) were tried on
    abstracts. None made a difference that could be distinguished from chance, and they choose documents of which the
    model is surer.

    :param texts: texts of all documents.
    :param ranking: positions in `texts`, best first.
    """

    def __init__(self, texts: Sequence[str], ranking: NDArray[np.int64]) -> None:
        self._group = _groups(texts)
        self._texts = texts
        self._taken: list[int] = []
        self._taken_rows: list[Any] = []
        self._waiting = ranking
        self._window: NDArray[np.int64] = ranking[:0]
        self._rows: Any = None
        self.put_off: list[PutOff] = []

    def next(self) -> int | None:
        """Return the position of the next document; None if only documents that were put off are left."""
        while not len(self._window):
            if not len(self._waiting):
                return None
            self._window, self._waiting = self._waiting[:_WINDOW], self._waiting[_WINDOW:]
            self._rows = word_sets([self._texts[position] for position in self._window.tolist()])
            self._compare_with_batch()
        return int(self._window[0])

    def take(self) -> int:
        """Put the document that :meth:`next` returned into the batch; return its position."""
        position, row = int(self._window[0]), self._rows[0]
        self._taken.append(position)
        self._taken_rows.append(row)
        self._window, self._rows = self._window[1:], self._rows[1:]
        self._compare(row, np.array([position]))
        return position

    def drop(self, unwanted: NDArray[np.bool_]) -> bool:
        """Forget the documents for which `unwanted`, shape (all documents,), is true; return whether there were any."""
        before = len(self._window) + len(self._waiting)
        self._keep(~unwanted[self._window])
        self._waiting = self._waiting[~unwanted[self._waiting]]
        return len(self._window) + len(self._waiting) < before

    def _compare_with_batch(self) -> None:
        from scipy import sparse

        taken = np.array(self._taken, dtype=np.int64)
        for start in range(0, len(taken), _BLOCK):
            self._compare(sparse.vstack(self._taken_rows[start : start + _BLOCK]), taken[start : start + _BLOCK])

    def _compare(self, rows: Any, positions: NDArray[np.int64]) -> None:
        """Put off documents of the window that nearly equal one at `positions`; `rows` are the vectors of these."""
        if not len(self._window):
            return
        likeness = cosines(self._rows, rows)
        # 2.0 is above every cosine; it also matches two copies of a text without words, whose vectors are null
        likeness[self._group[self._window][:, None] == self._group[positions]] = 2.0
        duplicates = likeness.max(axis=1) >= NEAR_DUPLICATE
        for place in np.flatnonzero(duplicates).tolist():
            position, twin = int(self._window[place]), int(positions[likeness[place].argmax()])
            self.put_off.append(PutOff(position, twin, bool(self._group[position] == self._group[twin])))
        self._keep(~duplicates)

    def _keep(self, wanted: NDArray[np.bool_]) -> None:
        if not wanted.all():
            self._window = self._window[wanted]
            self._rows = self._rows[np.flatnonzero(wanted)]


def _groups(texts: Sequence[str]) -> NDArray[np.int64]:
    """Return a number for each text, the same for the same texts, shape (n,)."""
    # digests instead of texts: the texts may be read one by one
    digests = (blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest() for text in texts)
    groups: NDArray[np.int64] = np.unique(np.fromiter(digests, "V16", len(texts)), return_inverse=True)[1]
    return groups
