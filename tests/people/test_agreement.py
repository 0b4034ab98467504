"""Agreement between annotators, against what can be had by hand."""

from __future__ import annotations

import pytest
from scipy.stats import binom

from biorat_al.corpus.formats.bigbio.details import AgreementF1, PairAgreement
from biorat_al.corpus.model.document import Annotation
from biorat_al.learner.counts import Counts
from biorat_al.people.agreement import Agreement, f1_interval
from biorat_al.people.bootstrap import tail
from tests.people.factories import marked, mention


def at(*starts: int) -> Annotation:
    return marked(*(mention("Disease", (start, start + 1)) for start in starts))


def test_pairs_and_all_of_them_together() -> None:
    agreement = Agreement()
    agreement.add(["annotator-10", "annotator-2", "annotator-1"], [at(1, 2), at(1), at()])
    agreement.add(["annotator-1", "annotator-2"], [at(3), at(3)])
    assert list(agreement.pairs()) == [
        PairAgreement("annotator-1", "annotator-2", (1, 2), AgreementF1(2, 2 / 3, (0.0, 1.0))),
        PairAgreement("annotator-1", "annotator-10", (0, 2), AgreementF1(1, 0.0, None)),
        PairAgreement("annotator-2", "annotator-10", (1, 2), AgreementF1(1, 2 / 3, None)),
    ]
    # 2 tp + fp + fn of the first document: 1 + 2 + 3 with one mention in common; a draw of two documents in four is
    # of one of them alone
    assert agreement.overall == AgreementF1(2, 4 / 8, (2 / 6, 1.0))


def test_nobody_to_agree_with() -> None:
    assert Agreement().overall is None
    assert list(Agreement().pairs()) == []


@pytest.mark.parametrize(("number", "same"), [(40, 30), (12, 6), (100, 97)])
def test_the_interval_is_binomial_where_each_document_has_one_mention(number: int, same: int) -> None:
    documents = [Counts(1, 0, 0)] * same + [Counts(0, 1, 1)] * (number - same)
    interval = f1_interval(documents)
    # F1 of a draw is the share of documents in it that agree; the ends move by one such document at most
    ends = (tail(number), 1 - tail(number))
    assert interval == pytest.approx(binom.ppf(ends, number, same / number) / number, abs=1.01 / number)
    assert f1_interval(documents) == interval


def test_documents_count_as_a_whole() -> None:
    # two hundred mentions in two documents know no more of other documents than two do
    assert f1_interval([Counts(100, 0, 0), Counts(0, 100, 100)]) == (0.0, 1.0)


def test_nothing_marked_is_agreement() -> None:
    assert f1_interval([Counts(), Counts()]) == (1.0, 1.0)
    assert f1_interval([Counts()]) is None
