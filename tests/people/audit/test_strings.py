"""The same string, marked or labelled in two ways."""

from __future__ import annotations

from biorat_al.corpus.model.document import Entity, Span
from biorat_al.corpus.model.unasked import Unasked
from biorat_al.people.audit.annotated import AnnotatedDocument, Worded
from biorat_al.people.audit.findings import Finding
from biorat_al.people.audit.places import find_places
from biorat_al.people.audit.strings import string_findings
from tests.support.audited import CONSISTENT, corpus_of


def findings_in(documents: list[AnnotatedDocument]) -> list[Finding]:
    corpus = [Worded(one) for one in documents]
    return sorted(string_findings(corpus, find_places(corpus)), key=lambda finding: -finding.score)


def test_a_string_that_is_marked_everywhere_but_here() -> None:
    documents = corpus_of(*CONSISTENT, *["We saw [Disease|Renal  failure]."] * 8, "No renal failure was seen.")
    first = findings_in(documents)[0]
    assert (first.kind, first.excerpt.document, first.excerpt.start, first.excerpt.end) == ("missed", "17", 3, 16)
    assert first.suggested is not None
    assert first.suggested[:3] == ("Disease", 3, 16)
    assert first.evidence[0].sentence == "“renal failure” is marked in 8 of 8 other places, here not"
    assert first.suggestion == "mark it as Disease"
    assert first.score > 0.5


def test_a_string_that_is_marked_nowhere_but_here() -> None:
    documents = corpus_of(*CONSISTENT, *["The patients were well."] * 60, "The [Disease|patients] had [Disease|gout].")
    first = findings_in(documents)[0]
    assert (first.kind, first.label, first.suggested, first.excerpt.text) == ("extra", "Disease", None, "patients")
    assert first.evidence[0].sentence == "“patients” is marked in 0 of 60 other places, here it is"
    assert first.suggestion == "do not mark it as Disease"


def test_a_string_with_two_labels() -> None:
    documents = corpus_of(*["Of [Chemical|lithium]."] * 6, "Of [Disease|lithium].")
    first = findings_in(documents)[0]
    assert (first.kind, first.label, first.suggestion) == ("label", "Disease", "label it Chemical instead of Disease")
    assert first.evidence[0].sentence == "“lithium” is labelled Chemical in 6 of 6 other mentions, here Disease"
    # the others are right
    assert [one.excerpt.document for one in findings_in(documents)] == ["7"]


def test_more_places_make_a_finding_surer() -> None:
    few = findings_in(corpus_of(*CONSISTENT, *["A [Disease|gout]."] * 3, "No gout."))[0]
    many = findings_in(corpus_of(*CONSISTENT, *["A [Disease|gout]."] * 30, "No gout."))[0]
    assert few.score < many.score


def test_what_the_same_document_says_counts_for_more() -> None:
    apart = corpus_of(*CONSISTENT, *["A [Disease|gout]."] * 20, "No gout.", "No gout.")
    together = corpus_of(*CONSISTENT, *["A [Disease|gout]."] * 20, "No gout. No gout. No [Disease|gout].")
    assert findings_in(together)[0].score < findings_in(apart)[0].score
    assert "(1 of 2 in this document)" in findings_in(together)[0].evidence[0].sentence


def test_places_inside_longer_mentions_say_nothing() -> None:
    documents = corpus_of(*["A [Disease|failure]."] * 8, "An [Disease|acute failure].", "[Disease|Acute failure].")
    assert findings_in(documents) == []


def test_nothing_is_said_of_disputed_places_and_labels_that_nobody_was_asked_for() -> None:
    marked = corpus_of(*["A [Disease|gout]."] * 8)
    (bare,) = corpus_of("No gout.")
    document, annotation = bare.document, bare.annotation
    disputed = AnnotatedDocument(document, annotation, disputed=(Entity("T1", "Disease", (Span(3, 7),)),))
    unasked = AnnotatedDocument(document, annotation, unasked=Unasked(frozenset({"Disease"})))
    assert findings_in([*marked[1:], bare]) != []
    assert findings_in([*marked[1:], disputed]) == []
    assert findings_in([*marked[1:], unasked]) == []


def test_labels_between_which_the_context_decides_are_hardly_reported() -> None:
    names = ("gout", "asthma", "sepsis", "angina", "edema", "ataxia")
    mixed = [f"The [Disease|{name}] and [Modifier|{name}] risk." for name in names] * 4
    wrong = [*["A [Disease|lupus]."] * 4, "A [Modifier|lupus]."]
    clear, unclear = findings_in(corpus_of(*CONSISTENT, *wrong)), findings_in(corpus_of(*CONSISTENT, *mixed, *wrong))
    assert clear[0].kind == "label"
    assert max((one.score for one in unclear if one.kind == "label"), default=0) < clear[0].score / 3
