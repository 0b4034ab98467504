"""Agreement on tokens, corrected for chance: Cohen's kappa for two annotators, Krippendorff's alpha for any number.

A token is a run of letters, digits and underscores, or any other single character that is not white space. Its category
is the set of the labels of all mentions that cover one of its characters; for most tokens it is empty (*outside*). So a
token in overlapping mentions of two labels has a category of its own, and two annotators agree on it only if both gave
it both labels. Where a mention begins is not compared. The figures of one label have two categories: with the label and
without.

*Chance* is what two annotators would agree on who deal out the categories at random, independently of the text and of
each other: for kappa, each as often as that annotator did; for alpha, both as often as all annotators together did.

- Cohen 1960, "A coefficient of agreement for nominal scales", Educational and Psychological Measurement 20:37.
- Krippendorff 2011, "Computing Krippendorff's alpha-reliability", for nominal data with missing values: texts that only
  some annotators annotated count for these.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from biorat_al.corpus.model.document import Entity
from biorat_al.people.bootstrap import Array

Category = frozenset[str]

Cell = tuple[Category, Category]

_TOKEN = re.compile(r"\w+|[^\w\s]")


def tokens(text: str) -> list[tuple[int, int]]:
    """Return the offsets of the tokens of a text, in order."""
    return [match.span() for match in _TOKEN.finditer(text)]


def categories(places: Sequence[tuple[int, int]], entities: Iterable[Entity]) -> list[Category]:
    """Return the category of each token.

    :param places: offsets of the tokens, as :func:`tokens` returns them.
    """
    labels: list[set[str]] = [set() for _ in places]
    ends = [end for _, end in places]
    for entity in entities:
        for span in entity.spans:
            number = bisect_right(ends, span.start)
            while number < len(places) and places[number][0] < span.end:
                labels[number].add(entity.label)
                number += 1
    return [frozenset(found) for found in labels]


def contingency(first: Iterable[Category], second: Iterable[Category]) -> Counter[Cell]:
    """Count the tokens by the categories that two annotators gave them."""
    return Counter(zip(first, second, strict=True))


def coincidences(given: Sequence[Sequence[Category]]) -> dict[Cell, float]:
    """Count the pairs of categories that any two annotators gave the same token, in both orders.

    Each token counts as often as it has annotators, so a pair counts 1 / (annotators - 1) (Krippendorff 2011, step 2).

    :param given: the tokens' categories by each annotator, at least two.
    """
    found: defaultdict[Cell, float] = defaultdict(float)
    share = 1 / (len(given) - 1)
    for of_token, number in Counter(zip(*given, strict=True)).items():
        for place, one in enumerate(of_token):
            for other in (*of_token[:place], *of_token[place + 1 :]):
                found[one, other] += share * number
    return found


def table(counts: Sequence[Mapping[Cell, float]]) -> tuple[list[Category], Array]:
    """Return the categories that occur, and the counts of each document, shape (documents, categories, categories)."""
    known = sorted({category for one in counts for cell in one for category in cell}, key=sorted)
    index = {category: place for place, category in enumerate(known)}
    cells = np.zeros((len(counts), len(known), len(known)))
    for place, one in enumerate(counts):
        for (first, second), number in one.items():
            cells[place, index[first], index[second]] = number
    return known, cells


def only(label: str, known: Sequence[Category], cells: Array) -> Array:
    """Return counts by whether a category has a label: first without, then with it, shape (…, 2, 2)."""
    member = np.array([[label not in category, label in category] for category in known], dtype=np.float64)
    return member.T @ cells @ member


def kappa(cells: Array) -> Array:
    """Return Cohen's kappa of tables of counts; NaN where it is undefined, because all tokens have one category.

    :param cells: shape (…, categories, categories).
    """
    total = cells.sum((-2, -1))
    observed = np.trace(cells, axis1=-2, axis2=-1)
    expected = (cells.sum(-1) * cells.sum(-2)).sum(-1)
    # numerator and denominator multiplied by the square of the total
    return _quotient(observed * total - expected, total * total - expected, total)


def alpha(cells: Array) -> Array:
    """Return Krippendorff's alpha of matrices of coincidences; NaN where it is undefined, as in :func:`kappa`.

    :param cells: shape (…, categories, categories).
    """
    total = cells.sum((-2, -1))
    disagreed = total - np.trace(cells, axis1=-2, axis2=-1)
    expected = total * total - (cells.sum(-1) ** 2).sum(-1)
    return 1 - _quotient((total - 1) * disagreed, expected, total)


def _quotient(above: Array, below: Array, total: Array) -> Array:
    # a difference of large sums is not always exactly 0
    quotient: Array = np.divide(above, below, out=np.full(np.shape(below), np.nan), where=below > 1e-9 * total * total)
    return quotient
