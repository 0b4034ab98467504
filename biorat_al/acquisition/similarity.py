"""Similarity of texts, by the words that they share.

Words are hashed into a fixed number of columns. So no vocabulary is kept, and memory grows with the texts that are
compared, not with the pool (Weinberger et al. 2009, *Feature hashing for large scale multitask learning*, ICML).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

COLUMNS = 2**18
"""Number of columns; large enough that two words of an abstract rarely share one."""

NEAR_DUPLICATE = 0.8
"""Two documents count as near-duplicates if the cosine of their word sets is at least this.

Real pairs are far from it on both sides. The closest two of the 592 training abstracts of the NCBI disease corpus have
0.53, and of the 500 of BC5CDR 0.47. An abstract and its copy with a tenth of the words replaced have 0.83 to 0.94
(first to 90th percentile).
"""

_BLOCK = 500
"""Texts that are compared with all others at once, which bounds the memory."""


def topics(texts: Sequence[str], counted_on: Sequence[str]) -> Any:
    """Return TF-IDF vectors of length 1, in which rare words weigh most, to compare what documents are about.

    A text without any word becomes the null vector, whose cosine with every vector is 0, even with itself.

    :param counted_on: texts in which the document frequencies are counted.
    :return: a sparse matrix of shape (n, :data:`COLUMNS`).
    """
    from sklearn.feature_extraction.text import TfidfTransformer

    words = _hashing(norm=None)
    return (
        TfidfTransformer(sublinear_tf=True).fit(words.transform(counted_on)).transform(words.transform(texts)).tocsr()
    )


def word_sets(texts: Sequence[str]) -> Any:
    """Return vectors of length 1 in which every word of a text weighs the same, to find near-duplicates.

    The cosine of two vectors is the share of words that the texts have in common (Ochiai 1957), and does not depend on
    other texts. With TF-IDF, two copies of a common form would differ as much as the numbers filled in. A text without
    any word becomes the null vector.

    :return: a sparse matrix of shape (n, :data:`COLUMNS`).
    """
    return _hashing(norm="l2", binary=True).transform(texts).tocsr()


def cosines(rows: Any, others: Any) -> NDArray[np.float32]:
    """Return the cosines of each row with each of the others, shape (n, m), clipped to [0, 1]."""
    dense: NDArray[np.float32] = (rows @ others.T).toarray()
    return np.clip(dense, 0.0, 1.0)


def near_duplicate_groups(texts: Sequence[str]) -> list[int]:
    """Return the number of each text's group; near-duplicates, and near-duplicates of these, share a group.

    Groups are numbered by their first text. Texts without any word are in groups of their own.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    if not texts:
        return []
    rows = word_sets(texts)
    pairs = []
    for start in range(0, len(texts), _BLOCK):
        ones, others = np.nonzero(cosines(rows[start : start + _BLOCK], rows[start:]) >= NEAR_DUPLICATE)
        pairs.append((ones + start, others + start))
    ones, others = (np.concatenate(ends) for ends in zip(*pairs, strict=True))
    links = coo_matrix((np.ones(len(ones)), (ones, others)), shape=(len(texts), len(texts)))
    _, found = connected_components(links, directed=False)
    numbers: dict[int, int] = {}
    return [numbers.setdefault(int(group), len(numbers)) for group in found]


def _hashing(**options: Any) -> Any:
    from sklearn.feature_extraction.text import HashingVectorizer

    return HashingVectorizer(
        n_features=COLUMNS, alternate_sign=False, token_pattern=r"(?u)\w+", dtype=np.float32, **options
    )
