"""Borders unlike those of other mentions."""

from __future__ import annotations

from biorat_al.people.audit.annotated import AnnotatedDocument, Worded
from biorat_al.people.audit.borders import border_findings, unpaired
from biorat_al.people.audit.findings import Finding, merged
from biorat_al.people.audit.places import find_places
from tests.support.audited import corpus_of

NAMES = ["gout", "asthma", "eczema", "sepsis", "anemia", "ascites", "angina", "ataxia"]


def findings_in(documents: list[AnnotatedDocument]) -> list[Finding]:
    corpus = [Worded(one) for one in documents]
    return merged(border_findings(corpus, find_places(corpus)))


def test_a_leading_article() -> None:
    documents = corpus_of(*[f"By the [Disease|{name} attack]." for name in NAMES * 8], "By [Disease|the edema attack].")
    (finding,) = findings_in(documents)
    assert (finding.kind, finding.excerpt.text, finding.suggestion) == (
        "borders", "the edema attack", "mark “edema attack” (7–19) instead",
    )  # fmt: skip
    assert finding.evidence[0].sentence == (
        "“the” belongs to the mention in 0 of 64 other places at the beginning of a mention, here it is in the mention"
    )


def test_a_word_left_out() -> None:
    documents = corpus_of(*[f"With [Disease|{name} syndrome] here." for name in NAMES * 8], "[Disease|Edema] syndrome.")
    (finding,) = findings_in(documents)
    assert finding.suggestion == "mark “Edema syndrome” (0–14) instead"
    assert "“syndrome” belongs to the mention in 64 of 64 other places at the end" in finding.evidence[0].sentence


def test_patients_with() -> None:
    documents = corpus_of(*[f"Patients with [Disease|{name}] came." for name in NAMES * 8], "[Disease|With edema].")
    assert findings_in(documents)[0].suggestion == "mark “edema” (5–10) instead"


def test_a_string_that_is_marked_as_a_whole_elsewhere() -> None:
    documents = corpus_of(*["An [Disease|acute renal failure]."] * 40, "An acute [Disease|renal failure].")
    finding = findings_in(documents)[0]
    assert finding.suggestion == "mark “acute renal failure” (3–22) instead"
    sentences = [one.sentence for one in finding.evidence]
    assert "“acute renal failure” is marked as a whole in 40 of 40 other places" in sentences


def test_a_part_that_is_marked_elsewhere() -> None:
    documents = corpus_of(*["An overt [Disease|gout]."] * 40, "An [Disease|overt gout].")
    finding = findings_in(documents)[0]
    assert finding.suggestion == "mark “gout” (9–13) instead"
    assert "in 40 of 40 other places of “overt gout”, only “gout” is marked" in [
        one.sentence for one in finding.evidence
    ]


def test_borders_that_are_drawn_both_ways_are_not_reported() -> None:
    documents = corpus_of(*["A [Disease|severe gout].", "A severe [Disease|gout]."] * 10)
    assert findings_in(documents) == []


def test_no_bracket_loses_its_partner() -> None:
    documents = corpus_of(*[f"So ([Disease|{name} x])." for name in NAMES * 20], "Of [Chemical|(R)-edema].")
    assert findings_in(documents) == []


def test_brackets_without_a_partner() -> None:
    assert unpaired("(a) [b") == [(4, "[")]
    assert unpaired("a) (b") == [(1, ")"), (3, "(")]
    assert unpaired("((a) {b})") == []


def test_a_word_that_is_at_no_other_border_is_no_evidence() -> None:
    usual = [f"With [Disease|{name} syndrome] here." for name in NAMES * 8]
    assert findings_in(corpus_of(*usual, "Then [Disease|gout] eased.")) == []
