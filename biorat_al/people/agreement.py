"""Inter-annotator agreement: strict span F1 of each pair, with confidence intervals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from biorat_al.corpus.formats.bigbio.details import AgreementF1, PairAgreement
from biorat_al.corpus.model.document import Annotation
from biorat_al.corpus.model.identity import mention_key
from biorat_al.learner.counts import Counts

LEVEL = 0.95
"""Confidence level of the intervals."""

DRAWS = 2000
"""Bootstrap samples for an interval."""

Pair = tuple[str, str]


@dataclass
class Agreement:
    """Strict span counts of each pair of annotators, document by document.

    :param documents: number of documents that several people annotated.
    :param counts: for each pair, the counts of each document that both annotated; the first annotator is taken as gold.
    """

    documents: int = 0
    counts: defaultdict[Pair, list[Counts]] = field(default_factory=lambda: defaultdict(list))
    _all_pairs: list[Counts] = field(default_factory=list)

    def add(self, names: Sequence[str], annotations: Sequence[Annotation]) -> None:
        """Count a document that several people annotated.

        :param names: pseudonyms of the annotators, in the order of `annotations`.
        """
        self.add_parts([(names, annotations)])

    def add_parts(self, parts: Iterable[tuple[Sequence[str], Sequence[Annotation]]]) -> None:
        """Count a document of which several people annotated some parts.

        :param parts: names and annotations for each part, as for :meth:`add`.
        """
        self.documents += 1
        of_pairs: defaultdict[Pair, Counts] = defaultdict(Counts)
        for names, given in parts:
            marked = {
                name: {mention_key(entity) for entity in annotation.entities}
                for name, annotation in zip(names, given, strict=True)
            }
            for pair in combinations(sorted(marked, key=_number), 2):
                gold, other = (marked[name] for name in pair)
                same = len(gold & other)
                of_pairs[pair] += Counts(same, len(other) - same, len(gold) - same)
        for pair, counts in of_pairs.items():
            self.counts[pair].append(counts)
        self._all_pairs.append(sum(of_pairs.values(), Counts()))

    @property
    def overall(self) -> AgreementF1 | None:
        """Agreement over all pairs together; None without documents."""
        return _agreement(self._all_pairs) if self.documents else None

    def pairs(self) -> Iterator[PairAgreement]:
        """Yield the agreement of each pair, in the order of the pseudonyms."""
        for pair in sorted(self.counts, key=lambda pair: tuple(map(_number, pair))):
            counts = sum(self.counts[pair], Counts())
            mentions = counts.tp + counts.fn, counts.tp + counts.fp
            yield PairAgreement(*pair, mentions, _agreement(self.counts[pair]))


def f1_interval(documents: Sequence[Counts]) -> tuple[float, float] | None:
    """Return a confidence interval for F1 over documents.

    This is the percentile bootstrap (Efron & Tibshirani 1993, "An Introduction to the Bootstrap", section 13.3):
    documents are resampled with replacement, and the counts of each sample are summed. The samples are the same in
    every call. With few documents such an interval is too narrow.

    :param documents: counts of each document.
    :returns: lower and upper end, as fractions; None with fewer than two documents, which show no spread.
    """
    number = len(documents)
    if number < 2:
        return None
    parts = np.array([(2 * one.tp, 2 * one.tp + one.fp + one.fn) for one in documents], dtype=np.float64)
    drawn = np.random.default_rng(0).multinomial(number, np.full(number, 1 / number), DRAWS) @ parts
    # if neither marked anything, they agree, as in Counts.f1
    f1 = np.divide(drawn[:, 0], drawn[:, 1], out=np.ones(DRAWS), where=drawn[:, 1] > 0)
    low, high = np.quantile(f1, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return float(low), float(high)


def _agreement(documents: Sequence[Counts]) -> AgreementF1:
    return AgreementF1(len(documents), sum(documents, Counts()).f1, f1_interval(documents))


def _number(pseudonym: str) -> int:
    return int(pseudonym.rpartition("-")[2] or 0)
