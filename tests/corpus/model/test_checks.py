from __future__ import annotations

import pytest
from hypothesis import given

from biorat_al.corpus.model.checks import annotation_errors, check_annotation, check_document, check_mention
from biorat_al.corpus.model.document import Annotation, ConceptRelation, Document, Entity, Passage, Relation, Span
from biorat_al.errors import FormatError, OffsetError
from tests.corpus.generators import annotated

DOCUMENT = Document("1", "Ocular and auditory toxicity")
ENTITY = Entity("T1", "Disease", (Span(0, 6), Span(20, 28)))


@pytest.mark.slow
@given(annotated())
def test_what_is_sound_has_no_error(pair: tuple[Document, Annotation]) -> None:
    document, annotation = pair
    check_document(document)
    check_annotation(document, annotation)
    for entity in annotation.entities:
        check_mention(document, entity, entity.surface(document.text))


def test_every_error_is_found_and_names_its_place() -> None:
    annotation = Annotation(
        (
            ENTITY,
            Entity("T2", "Disease", (Span(0, 29),)),
            Entity("T3", "Disease", (Span(0, 6), Span(9, 9))),
            Entity("T1", "Disease", (Span(0, 6),)),
            Entity("", "Disease", (Span(0, 6),)),
            Entity("T4", "", (Span(0, 6),)),
            Entity("T5", "Disease", ()),
            Entity("T6", "Disease", (Span(0, 6),), score=-0.1),
            Entity("T7", "Disease", (Span(0, 6),), score=float("nan")),
            Entity("T8", "Disease", (Span(0, 6),), origin="guess"),
        ),
        (
            Relation("R1", "r", "T1", "T9"),
            Relation("R2", "r", "T9", "T1"),
            Relation("R2", "r", "T1", "T1"),
            Relation("", "r", "T1", "T1"),
            Relation("R3", "", "T1", "T1"),
            Relation("R4", "r", "T1", "T1"),
        ),
        (ConceptRelation("", "a", "b"), ConceptRelation("r", "a", ""), ConceptRelation("r", "a", "b")),
    )
    errors = list(annotation_errors(DOCUMENT, annotation, source="file:3"))
    assert [str(error).removeprefix("file:3, document 1: ") for error in errors] == [
        "the span 0-29 is not inside the text of 28 characters",
        "the span 9-9 is empty: it holds no character",
        "two entities have the id 'T1'",
        "an entity's id is empty",
        "the entity 'T4' has no label",
        "the entity 'T5' has no span",
        "the score -0.1 of the entity 'T6' is not between 0 and 1",
        "the score nan of the entity 'T7' is not between 0 and 1",
        "the origin 'guess' of the entity 'T8' is not one of prediction, prediction-changed, manual",
        "the relation 'R1' refers to the entity 'T9', which is not there",
        "the relation 'R2' refers to the entity 'T9', which is not there",
        "two relations have the id 'R2'",
        "a relation's id is empty",
        "the relation 'R3' has no label",
        "a relation between concepts lacks its label or one of its ends: (a, b)",
        "a relation between concepts lacks its label or one of its ends: r(a, )",
    ]
    assert [type(error) for error in errors[:3]] == [OffsetError, OffsetError, FormatError]
    with pytest.raises(OffsetError, match="the span 0-29"):
        check_annotation(DOCUMENT, annotation)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (Document("", "a"), "the document's id is empty"),
        (Document(" \t", "a"), "the document's id is empty"),
        (Document("1", "abc", (Passage("t", 0, 4),)), "the passage 't' at 0-4 is not inside the text"),
        (Document("1", "abc", (Passage("t", -1, 2),)), "the passage 't' at -1-2 is not inside"),
        (Document("1", "abc", (Passage("t", 2, 1),)), "the passage 't' at 2-1 is not inside"),
        (Document("1", "abc", (Passage("t", 0, 2), Passage("u", 1, 3))), "the passage 'u' begins at 1, before the end"),
    ],
)
def test_documents(document: Document, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        check_document(document)


def test_a_mention_is_compared_piece_by_piece() -> None:
    check_mention(DOCUMENT, ENTITY, "Ocular toxicity")
    with pytest.raises(OffsetError, match="the text at 0-6, 20-28 is 'Ocular toxicity', but the annotation says 'x'"):
        check_mention(DOCUMENT, ENTITY, "x")
