"""Segments cover a document, and what is annotated in them comes back to its place in the document."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biorat_al.corpus.model.document import Annotation, Document, Entity, Passage, Relation, Span
from biorat_al.corpus.segments import (
    PartOfDocument,
    annotation_of_parts,
    annotation_within,
    segment_document,
    segments,
    surroundings,
    uncovered,
)

TEXTS = st.text(st.sampled_from("aB .\n\r\t𝄞é1?(") | st.characters(exclude_categories=["Cs"]), max_size=80)


@st.composite
def documents(draw: st.DrawFn) -> Document:
    text = draw(TEXTS)
    border = draw(st.integers(0, len(text)))
    passages = (Passage("title", 0, border), Passage("abstract", border, len(text))) if draw(st.booleans()) else ()
    return Document("17", text, passages)


@st.composite
def annotated(draw: st.DrawFn) -> tuple[Document, Annotation]:
    """A document with mentions that each lie within one sentence, some of them in several pieces, and relations."""
    document = draw(documents())
    entities: list[Entity] = []
    for segment in segments(document):
        for _ in range(draw(st.integers(0, 2))):
            start = draw(st.integers(segment.span.start, segment.span.end - 1))
            end = draw(st.integers(start + 1, segment.span.end))
            pieces: tuple[Span, ...] = (Span(start, end),)
            if end + 1 < segment.span.end and draw(st.booleans()):
                pieces += (Span(end + 1, segment.span.end),)
            entities.append(Entity(f"T{len(entities)}", draw(st.sampled_from("AB")), pieces))
    relations: list[Relation] = []
    for segment in segments(document):
        inside = [one.id for one in entities if segment.span.start <= one.start and one.end <= segment.span.end]
        if len(inside) > 1:
            relations.append(Relation(f"R{len(relations)}", "r", inside[0], inside[-1]))
    return document, Annotation(tuple(entities), tuple(relations))


@given(documents())
def test_every_character_that_is_not_blank_is_in_exactly_one_segment(document: Document) -> None:
    found = [segment.span for segment in segments(document)]
    assert found == sorted(found)
    assert all(one.end <= other.start for one, other in pairwise(found))
    assert uncovered(document, found) == []
    assert all(document.text[start:end] == document.text[start:end].strip() != "" for start, end in found)


@given(documents())
def test_no_segment_crosses_the_border_of_a_passage(document: Document) -> None:
    for start, end in (segment.span for segment in segments(document)):
        assert all(not start < border < end for passage in document.passages for border in (passage.start, passage.end))


@given(documents())
def test_the_text_of_a_segment_is_that_part_of_the_document(document: Document) -> None:
    for segment in segments(document):
        part = segment_document(document, segment.span, "17#1")
        of = PartOfDocument(document, segment.span)
        assert of.before + part.text + of.after == document.text
        assert all(
            part.text[passage.start : passage.end] in document.text
            and 0 <= passage.start < passage.end <= len(part.text)
            for passage in part.passages
        )


@given(annotated())
def test_what_was_cut_into_segments_comes_back_to_its_place(given_: tuple[Document, Annotation]) -> None:
    document, annotation = given_
    parts = [(one.span, annotation_within(annotation, one.span)) for one in segments(document)]
    for span, part in parts:
        text = document.text[span.start : span.end]
        assert all(one.surface(text) for one in part.entities)
    whole = annotation_of_parts(parts)
    assert sorted((one.label, one.spans, one.surface(document.text)) for one in whole.entities) == sorted(
        (one.label, one.spans, one.surface(document.text)) for one in annotation.entities
    )
    places = {one.id: one.spans for one in whole.entities}
    before = {one.id: one.spans for one in annotation.entities}
    assert sorted((places[one.head], places[one.tail]) for one in whole.relations) == sorted(
        (before[one.head], before[one.tail]) for one in annotation.relations
    )


def test_a_mention_that_crosses_a_border_is_in_no_segment() -> None:
    annotation = Annotation((Entity("T1", "A", (Span(2, 9),)), Entity("T2", "A", (Span(6, 8),))))
    assert [one.id for one in annotation_within(annotation, Span(5, 12)).entities] == ["T2"]


def test_ids_that_occur_in_two_segments_get_a_number() -> None:
    one = Annotation(
        (Entity("1", "A", (Span(0, 2),)), Entity("2", "A", (Span(3, 4),))), (Relation("R", "r", "1", "2"),)
    )
    whole = annotation_of_parts([(Span(10, 20), one), (Span(0, 9), one)])
    assert [(entity.id, entity.start) for entity in whole.entities] == [("1", 0), ("2", 3), ("1-2", 10), ("2-2", 13)]
    assert [(relation.id, relation.head, relation.tail) for relation in whole.relations] == [
        ("R", "1", "2"),
        ("R-2", "1-2", "2-2"),
    ]


def test_the_words_of_the_neighbouring_sentences_are_counted() -> None:
    document = Document("17", "One two three. Four five. Six. Seven eight nine ten.")
    assert [segment.context_words for segment in segments(document)] == [2, 4, 6, 1]


def test_what_no_segment_covers_is_unknown() -> None:
    document = Document("17", "One two.  Three four. Five.")
    assert uncovered(document, [Span(10, 21)]) == [Span(0, 8), Span(22, 27)]


@pytest.mark.parametrize("text", ["", " ", "\n\r\n"])
def test_a_document_without_words_has_no_segment(text: str) -> None:
    assert segments(Document("17", text)) == []


@given(documents(), st.integers(1, 30))
def test_the_text_around_a_segment_is_the_documents_own_and_no_longer_than_allowed(
    document: Document, most: int
) -> None:
    for segment in segments(document):
        part = PartOfDocument(document, segment.span)
        before, after = surroundings(part, most)
        whole_before, whole_after = part.before.strip(), part.after.strip()
        if len(whole_before) <= most:
            assert before == whole_before
        else:
            shown = before.removeprefix("…").lstrip()
            assert before.startswith("…")
            assert whole_before.endswith(shown)
            assert len(shown) < most
        if len(whole_after) <= most:
            assert after == whole_after
        else:
            shown = after.removesuffix("…").rstrip()
            assert after.endswith("…")
            assert whole_after.startswith(shown)
            assert len(shown) < most


def test_long_text_around_a_segment_is_cut_between_sentences() -> None:
    document = Document("17", "One two. Three four. Five.\nSix seven? Asked here. Eight. Nine ten. Eleven twelve.")
    start = document.text.index("Asked")
    part = PartOfDocument(document, Span(start, start + len("Asked here.")))
    assert surroundings(part, 100) == ("One two. Three four. Five.\nSix seven?", "Eight. Nine ten. Eleven twelve.")
    assert surroundings(part, 28) == ("… Five.\nSix seven?", "Eight. Nine ten. …")
    assert surroundings(part, 17) == ("… Six seven?", "Eight. …")
    # not one whole sentence fits: it is cut between words
    assert surroundings(part, 9) == ("… seven?", "Eight. …")
    assert surroundings(part, 3) == ("…", "…")


def test_the_first_and_the_last_sentence_have_nothing_before_and_after() -> None:
    document = Document("17", "  One two. Three four.\n")
    first, last = (PartOfDocument(document, one.span) for one in segments(document))
    assert (surroundings(first, 50), surroundings(last, 50)) == (("", "Three four."), ("One two.", ""))
