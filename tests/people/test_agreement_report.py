"""The report on agreement, against what can be had by hand."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from itertools import combinations, permutations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biorat_al.corpus.model.document import Annotation, Entity, Span
from biorat_al.errors import ProjectError, UsageError
from biorat_al.learner.counts import Counts
from biorat_al.people.agreement import Agreement
from biorat_al.people.agreement_figures import ComparedAnnotators, Measured
from biorat_al.people.agreement_report import ALL_PAIRS, COLUMNS, AgreementReport, agreement_report
from biorat_al.people.compared_text import MEASURES, Marked
from tests.people.factories import (
    DRUG,
    HEADACHE,
    NAUSEA,
    ONE,
    SEVERE,
    SYMPTOM,
    TEXT,
    THREE,
    TWO,
    double,
    marked,
    mention,
    mentions,
)

FIRST = marked(DRUG, HEADACHE, NAUSEA, causes=(DRUG, NAUSEA))
SECOND = marked(DRUG, SEVERE, SYMPTOM)
THIRD = marked(DRUG, NAUSEA, treats=(DRUG, NAUSEA))


def values(measured: Mapping[str, Measured]) -> dict[str, float | None]:
    return {name: None if one.value is None else round(one.value, 6) for name, one in measured.items()}


def overall(scope: ComparedAnnotators) -> dict[str, float | None]:
    assert scope.overall is not None
    return values(scope.overall.measured)


def test_two_annotators_of_one_document_by_hand() -> None:
    report = agreement_report([double({ONE: FIRST, TWO: SECOND})])
    (pair,) = report.pairs
    assert overall(pair) == {
        "strict": round(2 / 6, 6),  # the drug
        "overlap": round(4 / 6, 6),  # and the headache
        "place": round(4 / 6, 6),  # the drug and the nausea
        "label": round(2 / 4, 6),  # of these two places, the drug
        "document": round(2 / 6, 6),
        # 7 of 9 tokens agree; by chance: 1 * 1 as Chemical, 2 * 2 as Disease, 6 * 5 outside, of 81
        "kappa": round((7 / 9 - 35 / 81) / (1 - 35 / 81), 6),
        # one of the two has no relation
        "relations_on_agreed_mentions": None,
        "relations": 0.0,
    }
    assert values(pair.by_label["Disease"].measured) == {
        "strict": 0.0,
        "overlap": round(2 / 3, 6),
        "place": round(1 / 3, 6),
        "label": 0.0,
        "document": 0.0,
        # 7 of 9; 2 * 2 with the label and 7 * 7 without
        "kappa": round((7 / 9 - 53 / 81) / (1 - 53 / 81), 6),
    }
    assert pair.by_label["Disease"].marked == {ONE: 2, TWO: 1}
    assert values(pair.by_relation["causes"].measured) == {"relations_on_agreed_mentions": None, "relations": 0.0}
    assert pair.by_relation["causes"].marked == {ONE: 1, TWO: 0}
    assert {kind: number for kind, number in pair.differences.items() if number} == {"boundary": 1, "label": 1}
    assert dict(pair.confusion) == {
        ("Chemical", "Chemical"): 1, ("Disease", "Disease"): 1, ("Disease", "Symptom"): 1,
    }  # fmt: skip
    assert pair.overall is not None
    assert {one.interval for one in pair.overall.measured.values()} == {None}, "one document shows no spread"


def test_all_pairs_are_the_sums_over_pairs_and_alpha_is_over_all_annotators() -> None:
    report = agreement_report([double({ONE: FIRST, TWO: SECOND, THREE: THIRD}), double({ONE: FIRST, TWO: FIRST}, 2)])
    assert [pair.annotators for pair in report.pairs] == [(ONE, TWO), (ONE, THREE), (TWO, THREE)]
    assert [pair.texts for pair in report.pairs] == [2, 1, 1]
    assert (report.documents, report.sentences, report.all_pairs.texts) == (2, 0, 2)
    figures = overall(report.all_pairs)
    # tp of the pairs: 1, 2 and 1 in the first document, 3 in the second; mentions 6, 5, 5 and 6
    assert figures["strict"] == round(2 * 7 / 22, 6)
    assert figures["overlap"] == round(2 * 8 / 22, 6)
    assert figures["relations"] == round(2 / 6, 6)
    # between mentions of both: none, one of each of two, one of the third, and one of both in the second document
    assert figures["relations_on_agreed_mentions"] == round(2 / 4, 6)
    # 27 values in the first document, of nine tokens with three each, and 18 in the second, all of these agreed;
    # nausea is D, S, D, severe O, D, O, headache D, D, O: of their six ordered pairs four, four and four differ
    counts = {"O": 3 * 5 + 2 + 1 + 2 * 6, "C": 3 + 2, "D": 1 + 2 + 2 + 2 * 2, "S": 1}
    assert sum(counts.values()) == 45
    expected = 1 - 44 * (12 / 2) / (45**2 - sum(number**2 for number in counts.values()))
    assert figures["alpha"] == round(expected, 6)
    assert "kappa" not in figures
    # the same sums, of the pairs that each is one of
    assert {name: one.value for name, one in report.people.items()} == {
        ONE: pytest.approx(2 * (1 + 2 + 3) / (6 + 5 + 6)),
        TWO: pytest.approx(2 * (1 + 1 + 3) / (6 + 5 + 6)),
        THREE: pytest.approx(2 * (2 + 1) / (5 + 5)),
    }
    assert report.only("Disease").people == {}
    # the order of two labels has no meaning here
    assert report.all_pairs.confusion["Disease", "Symptom"] == 2
    assert report.all_pairs.confusion["Disease", None] == 2
    assert report.all_pairs.differences["missed"] == 2


def test_a_relation_between_mentions_of_both_is_one_difference_with_what_the_other_has_between_them() -> None:
    report = agreement_report([double({ONE: FIRST, TWO: THIRD})])
    (found,) = [one for one in report.disagreements if one.difference == "relation"]
    spans = (Span(0, 7), Span(35, 41))
    assert (found.first, found.second) == (
        Marked("causes", "Aspirin → nausea", spans), Marked("treats", "Aspirin → nausea", spans),
    )  # fmt: skip
    assert found.document == "d1"
    assert found.annotators == (ONE, TWO)
    # a relation whose end only one has marked follows from that
    apart = agreement_report([double({ONE: FIRST, TWO: marked(DRUG)})])
    assert apart.all_pairs.differences["relation"] == 0
    turned = agreement_report([double({ONE: FIRST, TWO: marked(DRUG, NAUSEA, causes=(NAUSEA, DRUG))})])
    assert turned.all_pairs.differences["relation"] == 1
    assert overall(turned.all_pairs)["relations_on_agreed_mentions"] == 0.0


def test_names_of_a_document_count_once_wherever_they_are() -> None:
    text_twice = marked(mention("Disease", (35, 41)), mention("Disease", (22, 30)))
    moved = Annotation((Entity("a", "Disease", (Span(35, 41),)), Entity("b", "Disease", (Span(22, 30),))))
    assert overall(agreement_report([double({ONE: text_twice, TWO: moved})]).all_pairs)["document"] == 1.0
    # "in" is twice in the text: in "Aspirin" and as a word
    first, second = marked(mention("Disease", (5, 7))), marked(mention("Disease", (42, 44)))
    figures = overall(agreement_report([double({ONE: first, TWO: second})]).all_pairs)
    assert (figures["strict"], figures["document"]) == (0.0, 1.0)


def test_nothing_marked_is_agreement_and_says_nothing_of_labels_and_tokens() -> None:
    report = agreement_report([double({ONE: marked(), TWO: marked()}, number) for number in (1, 2)])
    assert overall(report.all_pairs) == {
        "strict": 1.0, "overlap": 1.0, "place": 1.0, "label": None, "document": 1.0, "alpha": None,
    }  # fmt: skip
    assert report.all_pairs.by_label == report.all_pairs.by_relation == {}
    assert report.disagreements == ()


def test_segments_of_one_document_are_drawn_together() -> None:
    apart = [double({ONE: FIRST, TWO: SECOND}, 1), double({ONE: FIRST, TWO: FIRST}, 2)]
    together = [double(one.given, number, role="segment", drawn_with=9) for number, one in enumerate(apart, start=1)]
    first, second = agreement_report(apart), agreement_report(together)
    assert (second.documents, second.sentences) == (0, 2)
    assert overall(first.all_pairs) == overall(second.all_pairs)
    assert first.all_pairs.overall is not None
    assert second.all_pairs.overall is not None
    assert first.all_pairs.overall.measured["strict"].interval is not None
    assert second.all_pairs.overall.measured["strict"].interval is None


def test_a_report_on_one_label_has_what_concerns_it() -> None:
    report = agreement_report([double({ONE: FIRST, TWO: SECOND, THREE: THIRD})])
    of_symptoms = report.only("Symptom")
    assert list(of_symptoms.all_pairs.by_label) == ["Symptom"]
    assert of_symptoms.all_pairs.overall is None
    assert {kind: number for kind, number in of_symptoms.all_pairs.differences.items() if number} == {"label": 2}
    assert set(of_symptoms.all_pairs.confusion) == {("Disease", "Symptom")}
    assert [pair.differences["label"] for pair in of_symptoms.pairs] == [1, 0, 1]
    assert list(report.only("treats").all_pairs.by_relation) == ["treats"]
    with pytest.raises(UsageError, match=r"'Gene' .*Chemical, Disease, Symptom, causes, treats"):
        report.only("Gene")


def test_examples_are_spread_over_the_texts() -> None:
    report = agreement_report([double({ONE: FIRST, TWO: THIRD}, number) for number in range(1, 11)])
    missed = [one.document for one in report.examples(3) if one.difference == "missed"]
    assert missed == ["d1", "d4", "d7"]
    assert len(report.examples(100)) == len(report.disagreements) == 20
    assert report.examples(0) == []


def test_json_and_csv_have_all_figures_with_their_intervals(tmp_path: Path) -> None:
    report = agreement_report([double({ONE: FIRST, TWO: SECOND}, 1), double({ONE: FIRST, TWO: THIRD}, 2)])
    values = json.loads(json.dumps(report.as_dict(examples=1)))
    assert set(values["measures"]) == set(MEASURES)
    strict = values["all_pairs"]["overall"]["strict"]
    assert report.all_pairs.overall is not None
    measured = report.all_pairs.overall.measured["strict"]
    assert strict == {"value": measured.value, "interval": list(measured.interval or ())}
    assert values["pairs"][0]["by_label"]["Disease"]["marked"] == {ONE: 4, TWO: 2}
    assert {one["difference"] for one in values["examples"]} == {"boundary", "label", "missed", "relation"}
    file = tmp_path / "agreement.csv"
    report.write_csv(file)
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert tuple(rows[0]) == COLUMNS
    first = rows[0]
    assert (first["first"], first["second"], first["label"], first["measure"]) == (ALL_PAIRS, "", "", "strict")
    assert [float(first[key]) for key in ("value", "low", "high")] == [measured.value, *(measured.interval or ())]
    expected = [
        (scope.annotators, label, measure)
        for scope in (report.all_pairs, *report.pairs)
        for label, figures in scope.parts()
        for measure in figures.measured
    ]
    assert len(rows) == len(expected)
    assert rows[-1]["first"] == ONE
    with pytest.raises(ProjectError, match="already exists"):
        report.write_csv(file)
    report.write_csv(file, force=True)


annotations = mentions(length=len(TEXT), size=5).map(lambda found: Annotation(tuple(found)))
answers = st.lists(annotations, min_size=3, max_size=3)


@given(st.lists(answers, min_size=1, max_size=3), st.data())
def test_who_is_first_and_the_order_of_overlapping_mentions_do_not_matter(
    texts: list[list[Annotation]], data: st.DataObject
) -> None:
    order = data.draw(st.sampled_from(list(permutations(range(3)))))
    names = (ONE, TWO, THREE)

    def report(order: tuple[int, ...], *, shuffle: bool) -> AgreementReport:
        doubles = []
        for number, of_text in enumerate(texts, start=1):
            given_by = [of_text[place] for place in order]
            if shuffle:
                given_by = [Annotation(tuple(data.draw(st.permutations(one.entities)))) for one in given_by]
            doubles.append(double(dict(zip(names, given_by, strict=True)), number))
        return agreement_report(doubles)

    first, second = report((0, 1, 2), shuffle=False), report(order, shuffle=True)
    assert first.all_pairs.overall is not None
    assert second.all_pairs.overall is not None
    assert _rounded(first.all_pairs.overall.measured) == _rounded(second.all_pairs.overall.measured)
    for label, figures in first.all_pairs.by_label.items():
        assert _rounded(figures.measured) == _rounded(second.all_pairs.by_label[label].measured)
    assert first.all_pairs.confusion == second.all_pairs.confusion
    alone = [{"missed", "extra"}, {"boundary"}, {"label"}, {"label and boundary"}]
    for kinds in alone:
        sums = [sum(one.all_pairs.differences[kind] for kind in kinds) for one in (first, second)]  # type: ignore[index]
        assert sums[0] == sums[1]


def _rounded(measured: Mapping[str, Measured]) -> dict[str, tuple[float | None, ...]]:
    return {
        name: tuple(None if value is None else round(value, 9) for value in (one.value, *(one.interval or ())))
        for name, one in measured.items()
    }


@given(st.lists(answers, min_size=1, max_size=4))
def test_strict_f1_is_that_of_status_report_and_data_card(texts: list[list[Annotation]]) -> None:
    names = (ONE, TWO, THREE)
    agreement = Agreement()
    for of_text in texts:
        agreement.add(names, of_text)
    found = agreement_report(
        [double(dict(zip(names, of_text, strict=True)), number) for number, of_text in enumerate(texts, start=1)]
    )
    assert found.all_pairs.overall is not None
    assert agreement.overall is not None
    assert found.all_pairs.overall.measured["strict"] == (agreement.overall.f1, agreement.overall.interval)
    for pair, expected in zip(found.pairs, agreement.pairs(), strict=True):
        assert pair.overall is not None
        assert pair.overall.measured["strict"] == (expected.agreement.f1, expected.agreement.interval)
        assert tuple(pair.overall.marked.values()) == expected.mentions
        # what is compared less strictly agrees at least as well
        strict = pair.overall.measured["strict"].value or 0.0
        assert all((pair.overall.measured[name].value or 0.0) >= strict for name in ("overlap", "place"))


def test_the_sums_of_pairs_are_counts_of_each_pair() -> None:
    given_by = {ONE: FIRST, TWO: SECOND, THREE: THIRD}
    report = agreement_report([double(given_by)])
    sums = sum(
        (
            Counts(len(a & b), len(b - a), len(a - b))
            for a, b in combinations([{one.id for one in side.entities} for side in given_by.values()], 2)
        ),
        Counts(),
    )
    assert overall(report.all_pairs)["strict"] == round(sums.f1, 6)
