"""Sure predictions that annotators have not marked."""

from __future__ import annotations

import pytest

from biorat_al.corpus.model.document import Entity, Span
from biorat_al.corpus.model.identity import mention_key
from biorat_al.people.audit.annotated import AnnotatedDocument, Worded
from biorat_al.people.audit.findings import Finding
from biorat_al.people.audit.predictions import Predicted, model_findings
from tests.support.audited import corpus_of

TEXTS = ("Some [Disease|gout].", "Some [Disease|asthma].", "Some eczema.")


def predicted(label: str, start: int, end: int, score: float, *, seen: bool = False) -> Predicted:
    entity = Entity("P1", label, (Span(start, end),), score=score)
    return Predicted("trial-r1", (entity,), frozenset([mention_key(entity)] if seen else []))


def findings_in(documents: list[AnnotatedDocument], predictions: dict[str, Predicted]) -> list[Finding]:
    return list(model_findings([Worded(one) for one in documents], predictions))


CONFIRMED = {"1": predicted("Disease", 5, 9, 0.9), "2": predicted("Disease", 5, 11, 0.8)}
"""The mean confidence of what annotators confirm is 0.85."""


def test_a_sure_prediction_that_nobody_marked() -> None:
    (finding,) = findings_in(corpus_of(*TEXTS), CONFIRMED | {"3": predicted("Disease", 5, 11, 0.95)})
    assert (finding.kind, finding.excerpt.text, finding.suggestion) == ("missed", "eczema", "mark it as Disease")
    assert finding.score == pytest.approx(0.95 * 0.02 / (0.95 * 0.02 + 0.05))
    assert "trial-r1, which had not learnt from this document, predicted Disease" in finding.evidence[0].sentence


def test_a_prediction_below_the_mean_of_the_confirmed_ones_is_not_sure() -> None:
    assert findings_in(corpus_of(*TEXTS), CONFIRMED | {"3": predicted("Disease", 5, 11, 0.84)}) == []


def test_a_prediction_that_the_annotator_saw_and_removed_says_less() -> None:
    unseen, seen = (
        findings_in(corpus_of(*TEXTS), CONFIRMED | {"3": predicted("Disease", 5, 11, 0.99, seen=shown)})[0]
        for shown in (False, True)
    )
    assert seen.score < unseen.score
    assert "which the annotator saw" in seen.evidence[0].sentence


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Some [Chemical|eczema].", "label"),
        ("[Disease|Some eczema].", "borders"),
        ("[Chemical|Some eczema].", None),
        ("Some [Disease|eczema].", None),
    ],
)
def test_a_prediction_against_what_is_marked(text: str, kind: str | None) -> None:
    found = findings_in(corpus_of(*TEXTS[:2], text), CONFIRMED | {"3": predicted("Disease", 5, 11, 0.99)})
    assert [one.kind for one in found] == ([kind] if kind else [])


def test_a_label_that_nobody_confirmed_has_no_sure_prediction() -> None:
    assert findings_in(corpus_of(*TEXTS), CONFIRMED | {"3": predicted("Gene", 5, 11, 1.0)}) == []
