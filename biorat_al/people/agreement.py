"""Inter-annotator agreement: strict span F1 of each pair, with confidence intervals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import combinations

import numpy as np

from biorat_al.corpus.formats.bigbio.details import AgreementF1, PairAgreement
from biorat_al.corpus.model.document import Annotation
from biorat_al.corpus.model.identity import mention_key
from biorat_al.learner.counts import Counts
from biorat_al.people.bootstrap import interval, ratio
from biorat_al.people.pseudonyms import number_of

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
            for pair in combinations(sorted(marked, key=number_of), 2):
                gold, other = (marked[name] for name in pair)
                same = len(gold & other)
                of_pairs[pair] += Counts(same, len(other) - same, len(gold) - same)
        for pair, counts in of_pairs.items():
            self.counts[pair].append(counts)
        self._all_pairs.append(sum(of_pairs.values(), Counts()))

    @property
    def overall(self) -> AgreementF1 | None:
        """Agreement over all pairs together; None without documents."""
        return agreement_f1(self._all_pairs) if self.documents else None

    @property
    def of_label(self) -> AgreementF1:
        """The same where mentions of one label alone were added, which somebody used."""
        return agreement_f1(self._all_pairs, empty=float("nan"))

    def pairs(self) -> Iterator[PairAgreement]:
        """Yield the agreement of each pair, in the order of the pseudonyms."""
        for pair in sorted(self.counts, key=lambda pair: tuple(map(number_of, pair))):
            counts = sum(self.counts[pair], Counts())
            mentions = counts.tp + counts.fn, counts.tp + counts.fp
            yield PairAgreement(*pair, mentions, agreement_f1(self.counts[pair]))


def f1_interval(documents: Sequence[Counts], *, empty: float = 1.0) -> tuple[float, float] | None:
    """Return a confidence interval for F1 by bootstrap over documents (:mod:`biorat_al.people.bootstrap`).

    :param documents: counts of each document.
    :param empty: F1 of a sample in which nobody marked anything: 1, as in ``Counts.f1``, or NaN, which leaves it out.
    :returns: lower and upper end, as fractions; None with fewer than two documents, which show no spread.
    """
    parts = np.array([(2 * one.tp, 2 * one.tp + one.fp + one.fn) for one in documents], dtype=np.float64)
    return interval(parts, partial(ratio, empty=empty))


def agreement_f1(documents: Sequence[Counts], *, empty: float = 1.0) -> AgreementF1:
    """Return F1 over documents with its interval.

    :param documents: counts of each document.
    :param empty: as for :func:`f1_interval`.
    """
    return AgreementF1(len(documents), sum(documents, Counts()).f1, f1_interval(documents, empty=empty))
