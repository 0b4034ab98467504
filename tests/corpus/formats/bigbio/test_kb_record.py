from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from biorat_al.corpus.formats.bigbio.kb_record import JoinedPassages, KbRecords
from biorat_al.corpus.model.document import (
    Annotation,
    Concept,
    ConceptRelation,
    Document,
    Entity,
    Passage,
    Relation,
    Span,
)
from biorat_al.errors import CorpusError, OffsetError
from tests.corpus.generators import annotated


def passages_of(record: dict[str, Any]) -> list[tuple[str, str, list[int]]]:
    return [(passage["type"], passage["text"][0], passage["offsets"][0]) for passage in record["passages"]]


def made(text: str, passages: tuple[Passage, ...] = (), *spans: tuple[int, int]) -> dict[str, Any]:
    entities = tuple(Entity(f"T{n}", "X", (Span(*span),)) for n, span in enumerate(spans))
    return KbRecords().record(Document("1", text, passages), Annotation(entities))


def places(record: dict[str, Any]) -> list[tuple[list[str], list[list[int]]]]:
    return [(entity["text"], entity["offsets"]) for entity in record["entities"]]


def test_passages_one_space_apart_stay_where_they_are() -> None:
    record = made("A title An abstract", (Passage("title", 0, 7), Passage("abstract", 8, 19)), (2, 7), (8, 19), (5, 13))
    assert passages_of(record) == [("title", "A title", [0, 7]), ("abstract", "An abstract", [8, 19])]
    assert places(record) == [(["title"], [[2, 7]]), (["An abstract"], [[8, 19]]), (["le An ab"], [[5, 13]])]


@pytest.mark.parametrize(("gap", "moved"), [("", 1), (" ", 0), ("\n", 0), ("\r\n", -1), ("\n\n   ", -4)])
def test_other_gaps_move_the_offsets(gap: str, moved: int) -> None:
    start = 7 + len(gap)
    text = f"A title{gap}An abstract"
    passages = (Passage("title", 0, 7), Passage("abstract", start, start + 11))
    record = made(text, passages, (0, 7), (start, start + 2), (start + 3, start + 11), (2, start + 2))
    assert passages_of(record) == [("title", "A title", [0, 7]), ("abstract", "An abstract", [8, 19])]
    assert places(record) == [
        (["A title"], [[0, 7]]),
        (["An"], [[8, 10]]),
        (["abstract"], [[11, 19]]),
        (["title An"], [[2, 10]]),
    ]
    assert start + moved == 8
    # a mention that ends where the gap does takes the one space with it
    if gap:
        touching = made(text, passages, (2, start), (7, start + 2))
        assert places(touching) == [(["title "], [[2, 8]]), ([" An"], [[7, 10]])]


def test_text_outside_of_the_passages_becomes_passages() -> None:
    record = made("0. one -- two (end)", (Passage("a", 3, 6), Passage("b", 10, 13)), (0, 1), (3, 6), (10, 13), (15, 18))
    assert passages_of(record) == [
        ("other", "0. ", [0, 3]),
        ("a", "one", [4, 7]),
        ("other", " -- ", [8, 12]),
        ("b", "two", [13, 16]),
        ("other", " (end)", [17, 23]),
    ]
    assert places(record) == [(["0"], [[0, 1]]), (["one"], [[4, 7]]), (["two"], [[13, 16]]), (["end"], [[19, 22]])]


def test_white_space_outside_of_the_passages_stays_only_where_a_mention_needs_it() -> None:
    passages = (Passage("a", 2, 5), Passage("b", 8, 11))
    assert passages_of(made("  one   two ", passages, (2, 11))) == [("a", "one", [0, 3]), ("b", "two", [4, 7])]
    inside = made("  one   two ", passages, (2, 7), (1, 3), (8, 12))
    assert [kind for kind, _, _ in passages_of(inside)] == ["other", "a", "other", "b", "other"]
    assert [text for text, _ in places(inside)] == [["one   "], ["  o"], ["two  "]]


def test_a_document_without_passages_is_one() -> None:
    record = made(" all\n of it ", (), (1, 4))
    assert passages_of(record) == [("document", " all\n of it ", [0, 12])]
    assert places(record) == [(["all"], [[1, 4]])]
    assert passages_of(made("")) == [("document", "", [0, 0])]


def test_an_empty_passage_stays() -> None:
    record = made("A title ", (Passage("title", 0, 7), Passage("abstract", 8, 8)), (2, 7))
    assert passages_of(record) == [("title", "A title", [0, 7]), ("abstract", "", [8, 8])]
    assert places(record) == [(["title"], [[2, 7]])]


def test_entities_and_relations() -> None:
    document = Document("PMID1", "Ocular and auditory toxicity by lead")
    annotation = Annotation(
        (
            Entity("b", "Disease", (Span(0, 6), Span(20, 28)), (Concept("MESH", "D1"), Concept("OMIM", "2"))),
            Entity("a", "Chemical", (Span(32, 36),)),
        ),
        (Relation("r", "caused by", "b", "a"),),
    )
    records = KbRecords()
    assert records.record(document, annotation) == {
        "id": "1",
        "document_id": "PMID1",
        "passages": [{"id": "2", "type": "document", "text": [document.text], "offsets": [[0, 36]]}],
        "entities": [
            {
                "id": "3",
                "type": "Disease",
                "text": ["Ocular", "toxicity"],
                "offsets": [[0, 6], [20, 28]],
                "normalized": [{"db_name": "MESH", "db_id": "D1"}, {"db_name": "OMIM", "db_id": "2"}],
            },
            {"id": "4", "type": "Chemical", "text": ["lead"], "offsets": [[32, 36]], "normalized": []},
        ],
        "events": [],
        "coreferences": [],
        "relations": [{"id": "5", "type": "caused by", "arg1_id": "3", "arg2_id": "4", "normalized": []}],
    }
    assert records.record(document, Annotation())["id"] == "6"
    assert records.not_represented == {}


def test_relations_between_concepts_become_relations_between_their_mentions() -> None:
    def linked(ident: str, *concepts: str) -> Entity:
        return Entity(ident, "X", (Span(0, 1),), tuple(Concept("MESH", concept) for concept in concepts))

    entities = (linked("a", "D1"), linked("b", "D2"), linked("c", "D1", "D2"), linked("d"), linked("e", "D1"))
    relations = (ConceptRelation("CID", "D1", "MESH:D2"), ConceptRelation("CID", "D9", "D2"))
    records = KbRecords()
    record = records.record(Document("1", "x"), Annotation(entities, (), relations))
    names = {entity["id"]: ident for entity, ident in zip(record["entities"], "abcde", strict=True)}
    assert [(names[relation["arg1_id"]], names[relation["arg2_id"]]) for relation in record["relations"]] == [
        ("a", "b"),
        ("a", "c"),
        ("c", "b"),
        ("e", "b"),
        ("e", "c"),
    ]
    assert records.not_represented == {"relations between concepts that no two mentions are linked to": 1}


def test_what_cannot_be_represented_is_counted() -> None:
    document = Document("1", "abc", (), {"journal": "J"})
    annotation = Annotation(
        (
            Entity("a", "X", (Span(0, 1),), score=0.5, origin="manual", extras={"x": 1}),
            Entity("b", "X", (Span(0, 1),), score=0.0),
        ),
        (Relation("r", "r", "a", "b", directed=False, extras={"x": 1}),),
        (),
        {"events": []},
    )
    records = KbRecords()
    records.record(document, annotation)
    records.record(document, annotation)
    assert records.not_represented == {
        "metadata of documents": 2,
        "confidence scores of mentions": 4,
        "histories of mentions (accepted, changed, made by hand)": 2,
        "further properties of mentions": 2,
        "relations marked as undirected": 2,
        "further properties of relations": 2,
        "further annotations of documents": 2,
    }


def test_what_cannot_stand_is_refused() -> None:
    with pytest.raises(OffsetError):
        made("abc", (), (2, 4))
    with pytest.raises(CorpusError):
        made("abc", (Passage("a", 0, 2), Passage("b", 1, 3)))


def bare(text: str) -> str:
    return "".join(text.split())


@pytest.mark.slow
@given(annotated())
def test_nothing_is_lost_and_every_mention_keeps_its_place(pair: tuple[Document, Annotation]) -> None:
    document, annotation = pair
    spans = [span for entity in annotation.entities for span in entity.spans]
    layout = JoinedPassages(document, spans)
    pieces = [layout.text[start:end] for _, (start, end) in layout.passages()]
    assert " ".join(pieces) == layout.text
    assert bare(layout.text) == bare(document.text)
    for passage, (start, end) in layout.passages():
        assert document.text[passage.start : passage.end] == layout.text[start:end]
    if not document.passages:
        assert layout.text == document.text
    for span in spans:
        start, end = layout.moved(span)
        assert 0 <= start < end <= len(layout.text)
        surface, moved = document.text[span.start : span.end], layout.text[start:end]
        # the same characters that are not white space, and as many of them before
        assert bare(moved) == bare(surface)
        if bare(surface):
            assert bare(layout.text[:start]) == bare(document.text[: span.start])
        parts = document.passages or (Passage("", 0, len(document.text)),)
        if any(part.start <= span.start and span.end <= part.end for part in parts):
            assert moved == surface
