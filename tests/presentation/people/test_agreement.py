"""The text of ``agreement``: it fits into 80 columns, whatever people and labels are called."""

from __future__ import annotations

from dataclasses import replace

import pytest

from biorat_al.people.agreement_report import agreement_report
from biorat_al.presentation.people.agreement import agreement_text
from tests.people.factories import double, marked, mention

DRUG, NAUSEA = mention("Chemical", (0, 7)), mention("Disease or phenotype", (35, 41))
LONG = mention("Disease or phenotype", (8, 53))

ANNOTATORS = {
    "annotator-8": marked(DRUG, NAUSEA, adverse_effect_of=(NAUSEA, DRUG)),
    "annotator-9": marked(DRUG, NAUSEA),
    "annotator-10": marked(LONG),
}


def flat(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture
def text() -> str:
    return agreement_text(agreement_report([double(ANNOTATORS, number) for number in range(1, 1201)]), 2)


def test_every_line_fits(text: str) -> None:
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text.partition("for example")[0], "nothing is cut off"


def test_pairs_are_in_the_order_of_their_numbers(text: str) -> None:
    assert "annotator-8 1,200 2,400" in flat(text)
    places = [flat(text).index(name) for name in ("annotator-8 1,200", "annotator-9 2,400", "annotator-10 1,200")]
    assert places == sorted(places)


def test_what_only_one_of_a_pair_marked_is_told_apart_and_long_examples_are_cut(text: str) -> None:
    shown = flat(text)
    assert "missed 2,400 marked by the first annotator only" in shown
    assert "boundary 2,400 the same label on other spans" in shown
    assert "relation 1,200 a relation between mentions of both that only one has, or has otherwise" in shown
    assert "annotator-8: Chemical “Aspirin” (0–7); annotator-10: nothing" in shown
    assert "annotator-8: adverse_effect_of “nausea → Aspirin” (35–41, 0–7); annotator-9: nothing" in shown


def test_a_report_says_what_it_counts_and_what_it_leaves_out() -> None:
    one = agreement_report([double(ANNOTATORS)])
    assert "Left out" not in agreement_text(one, 0)
    assert "Left out: 3 texts without two answers that began without a pre-label" in flat(
        agreement_text(replace(one, not_blind=3), 0)
    )
    assert "this flatters the agreement" in agreement_text(replace(one, blind=False), 0)
    assert "3 annotators on 1 document and 2 sentences that" in agreement_text(replace(one, sentences=2), 0)


def test_a_label_alone_has_no_figures_of_all_labels() -> None:
    one = agreement_report([double(ANNOTATORS)]).only("adverse_effect_of")
    shown = flat(agreement_text(one, 1))
    assert "All pairs (F1" not in shown
    assert "agreed mentions end to end" in shown
    assert "Chemical" not in shown
