"""The whole audit."""

from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from biorat_al.corpus.model.document import Annotation, Entity, Span
from biorat_al.people.audit.annotated import AnnotatedDocument
from biorat_al.people.audit.audit import audit
from biorat_al.people.audit.findings import FLOOR
from tests.support.audited import corpus_of, written

NAMES = {"gout": "Disease", "asthma": "Disease", "lithium": "Chemical", "IL-2": "Chemical"}
WORDS = ["we", "saw", "the", "effect", "of", ",", "and", "."]


@st.composite
def corpora(draw: st.DrawFn) -> list[AnnotatedDocument]:
    """Draw documents in which each name is marked in all its places, always with the same label."""
    documents = []
    for number in range(draw(st.integers(1, 6))):
        words = draw(st.lists(st.sampled_from([*NAMES, *WORDS]), min_size=1, max_size=12))
        text = " ".join(f"[{NAMES[word]}|{word}]" if word in NAMES else word for word in words)
        documents.append(written(str(number), text))
    return documents


@st.composite
def damaged(draw: st.DrawFn) -> list[AnnotatedDocument]:
    """Draw documents of which some mentions are gone, or have another label or place."""
    documents = []
    for one in draw(corpora()):
        entities = []
        for entity in one.annotation.entities:
            label = draw(st.sampled_from(["Disease", "Chemical", None]))
            start = draw(st.integers(0, entity.start))
            if label is not None:
                entities.append(Entity(entity.id, label, (Span(start, entity.end),)))
        documents.append(replace(one, annotation=Annotation(tuple(entities))))
    return documents


@given(corpora())
@settings(deadline=None, max_examples=60)
def test_a_consistent_corpus_has_no_finding_about_strings(documents: list[AnnotatedDocument]) -> None:
    found = audit(documents).findings
    assert [one for one in found if one.kind in ("missed", "extra", "label")] == []


@given(damaged(), st.randoms())
@settings(deadline=None, max_examples=60)
def test_the_order_of_documents_and_mentions_does_not_matter(
    documents: list[AnnotatedDocument], shuffler: random.Random
) -> None:
    shuffled = []
    for one in documents:
        entities = list(one.annotation.entities)
        shuffler.shuffle(entities)
        shuffled.append(replace(one, annotation=Annotation(tuple(entities))))
    shuffler.shuffle(shuffled)
    assert audit(shuffled) == audit(documents)


@given(damaged())
@settings(deadline=None, max_examples=60)
def test_findings_are_sorted_apart_and_in_the_text(documents: list[AnnotatedDocument]) -> None:
    texts = {one.document.id: one.document.text for one in documents}
    findings = audit(documents).findings
    scores = [one.score for one in findings]
    assert scores == sorted(scores, reverse=True)
    assert all(FLOOR <= score <= 1 for score in scores)
    taken: set[tuple[str, int]] = set()
    for one in findings:
        place, text = one.excerpt, texts[one.excerpt.document]
        assert text[place.start : place.end] == place.text
        if one.suggested is not None:
            assert text[one.suggested.start : one.suggested.end] == one.suggested.text
        assert [number for number in range(place.start, place.end) if (place.document, number) in taken] == []
        taken.update((place.document, number) for number in range(place.start, place.end))


def test_evidence_for_the_same_suggestion_is_put_together() -> None:
    documents = corpus_of(*["An [Disease|acute renal failure]."] * 40, "An acute [Disease|renal failure].")
    (finding,) = audit(documents).findings
    assert len(finding.evidence) > 1
    assert finding.score == max(one.score for one in finding.evidence)


def test_a_limit_counts_what_it_leaves_out() -> None:
    documents = corpus_of(*["A [Disease|gout] by [Chemical|lead]."] * 9, "No gout.", "No lead.")
    everything = audit(documents)
    assert (len(everything.findings), everything.left_out) == (2, 0)
    first = everything.only(limit=1)
    assert (len(first.findings), first.left_out) == (1, 1)
    chemical = everything.only(label="Chemical")
    assert ([one.excerpt.document for one in chemical.findings], chemical.left_out) == (["11"], 0)


def test_nothing_annotated() -> None:
    assert audit([]).findings == ()
    assert audit(corpus_of("", "Nothing here.")).findings == ()
