"""Documents as words."""

from __future__ import annotations

from dataclasses import replace

from biorat_al.corpus.model.document import Annotation, Document, Entity, Span
from biorat_al.people.audit.annotated import AnnotatedDocument, Worded, word_key
from tests.support.audited import written


def test_mentions_are_ranges_of_words() -> None:
    worded = Worded(written("1", "An [Disease|acute renal failure] by [Chemical|IL-2]."))
    assert [(mark.label, mark.first, mark.end, mark.exact) for mark in worded.marks] == [
        ("Disease", 1, 4, True),
        ("Chemical", 5, 8, True),
    ]
    assert worded.surface(1, 4) == "acute renal failure"
    assert worded.is_free(4, 5)
    assert not worded.is_free(3, 5)


def test_a_mention_that_cuts_a_word_or_has_pieces_is_not_exact() -> None:
    text = "breast and ovarian cancer"
    pieces = Entity("T1", "Disease", (Span(0, 6), Span(19, 25)))
    cut = Entity("T2", "Disease", (Span(11, 24),))
    worded = Worded(AnnotatedDocument(Document("1", text), Annotation((pieces, cut))))
    assert [(mark.first, mark.end, mark.exact) for mark in worded.marks] == [(0, 4, False), (2, 4, False)]
    # the word between the pieces is not covered
    assert worded.is_free(1, 2)


def test_the_same_mention_counts_once() -> None:
    entity = Entity("T1", "Disease", (Span(0, 4),))
    twice = Annotation((entity, replace(entity, id="T2")))
    assert len(Worded(AnnotatedDocument(Document("1", "gout"), twice)).marks) == 1


def test_disputed_words_are_not_free() -> None:
    disputed = (Entity("T1", "Disease", (Span(0, 4),)),)
    assert not Worded(AnnotatedDocument(Document("1", "gout here"), Annotation(), disputed)).is_free(0, 1)


def test_short_words_in_capitals_are_only_the_same_in_capitals() -> None:
    assert word_key("AS") != word_key("as") == word_key("As")
    assert word_key("PROTEINURIA") == word_key("proteinuria")
    assert word_key("A") == word_key("a")
