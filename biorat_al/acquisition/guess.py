"""A cheap guess of a measure of uncertainty, for documents that the model has not predicted.

Of a large pool the model predicts a random sample first. A linear function of cheap features is fitted to the square
root of what it measured there (ridge regression: Hoerl and Kennard 1970, *Technometrics* 12), and gives a guess for
every other document; those with the highest are then predicted as well. The features: the words of the text (hashed),
its length, how many of its characters are capitals, digits or punctuation, the lengths of its words, and what an
earlier round's model measured, if one did.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from biorat_al.acquisition.similarity import word_sets

_WORD = re.compile(r"\w+")
_CAPITALS = re.compile(r"[A-Z]")
_DIGITS = re.compile(r"[0-9]")
_PUNCTUATION = re.compile(r"[^\w\s]")

LONG = 10
"""Letters from which on a word counts as long."""

STRENGTH = 1.0
"""Weight of the ridge penalty."""

_NUMBERS = 0.3  # weight of each feature that is a number, beside a vector of words of length 1
_DECIMALS = 6  # another number of threads may change the last bits, which must not change an order


class Guess:
    """A guess of a measure, fitted to documents of which it is known.

    :param texts: their texts, at least one.
    :param earlier: what an earlier model measured of each, shape (n,); NaN where none did.
    :param measured: what the newest model measured, at least 0, shape (n,).
    """

    def __init__(self, texts: Sequence[str], earlier: NDArray[np.float64], measured: NDArray[np.float64]) -> None:
        from scipy.sparse.linalg import lsqr

        numbers = _numbers(texts, earlier)
        self._earlier = float(np.nanmean(numbers[:, -1])) if np.isfinite(numbers[:, -1]).any() else 0.0
        filled = self._filled(numbers)
        self._mean, spread = filled.mean(axis=0), filled.std(axis=0)
        self._spread = np.where(spread > 0, spread, 1.0)
        wanted = np.sqrt(measured)
        deviation = float(wanted.std())
        wanted = (wanted - wanted.mean()) / (deviation if deviation > 0 else 1.0)
        self._weights: NDArray[np.float64] = lsqr(self._features(texts, filled), wanted, damp=STRENGTH**0.5)[0]

    def of(self, texts: Sequence[str], earlier: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the guess of other documents, shape (n,): on a scale of its own, higher is less sure.

        :param earlier: what an earlier model measured of each, shape (n,); NaN where none did.
        """
        if not len(texts):
            return np.zeros(0)
        guessed = self._features(texts, self._filled(_numbers(texts, earlier))) @ self._weights
        rounded: NDArray[np.float64] = np.round(guessed, _DECIMALS)
        return rounded

    def _filled(self, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        """Put the mean where no model has measured anything, and add a column that says so."""
        unknown = np.isnan(numbers[:, -1])
        numbers = np.column_stack([numbers, unknown])
        numbers[unknown, -2] = self._earlier
        return numbers

    def _features(self, texts: Sequence[str], filled: NDArray[np.float64]) -> Any:
        from scipy.sparse import csr_matrix, hstack

        scaled = _NUMBERS * (filled - self._mean) / self._spread
        return hstack([csr_matrix(scaled), word_sets(texts)], dtype=np.float64).tocsr()


def highest(guessed: NDArray[np.float64], number: int) -> NDArray[np.int64]:
    """Return the positions of the highest guesses, in order of position; the first of those that are equal.

    :param number: how many; all, if there are no more.
    """
    return np.sort(np.argsort(-guessed, kind="stable")[:number])


def _numbers(texts: Sequence[str], earlier: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the features of texts that are numbers, shape (n, features); the last one may be NaN."""
    rows = np.array([_of_text(text) for text in texts], dtype=np.float64)
    return np.column_stack([rows, np.sqrt(earlier)])


def _of_text(text: str) -> tuple[float, ...]:
    words = [len(word) for word in _WORD.findall(text)]
    number, characters = max(len(words), 1), max(len(text), 1)
    return (
        float(np.log1p(len(words))),
        1 / number,
        float(np.log1p(len(text))),
        sum(words) / number,
        sum(length >= LONG for length in words) / number,
        len(_CAPITALS.findall(text)) / characters,
        len(_DIGITS.findall(text)) / characters,
        len(_PUNCTUATION.findall(text)) / characters,
    )
