"""Entities to regions and back, for any text; and answers that are not what they should be."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biorat_al.corpus.model import Annotation, Entity, Relation, Span
from biorat_al.desk.labelstudio.conversion import ORIGINS, annotation_of, regions_of
from tests.support.labelstudio import drawn

LABELS = ("Chemical", "Disease", 'A "quoted" <label> & more')
TEXT = "Breast and ovarian cancer, 😀 coma."

# what goes wrong where characters are counted otherwise
_PIECES = st.sampled_from(
    ["\r\n", "\r", "\n", "😀", "👩‍🔬", "e\u0301", "\u00a0", "\u200b", "\ufeff", "<b>", "&amp;", "\t", "  "]
)
TEXTS = (
    st.lists(
        st.one_of(_PIECES, st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5)),
        min_size=1,
        max_size=12,
    )
    .map("".join)
    .filter(bool)
)

_IDS = st.one_of(
    st.from_regex(r"[A-Za-z]\d{1,3}", fullmatch=True),
    st.from_regex(r"[a-z]--\d", fullmatch=True),
    st.sampled_from(
        ["a", "a--0", "a--1", "a--1--2", "a--", "--1", "a+1", "é--3", "a\n--1", "a b", "a:1", "😀", "a.b/c"]
    ),
    st.sampled_from(["_", "_x7e_", "~", "_x_", "a_x5f_b", "~x7e~", "__", "_x110000_", "_x7e", "x7e_"]),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6),
)


@st.composite
def texts_with_entities(draw: st.DrawFn) -> tuple[str, tuple[Entity, ...]]:
    """A text and entities on it: overlapping, nested, in one place, discontinuous."""
    text = draw(TEXTS)
    spans = st.tuples(st.integers(0, len(text) - 1), st.integers(1, len(text))).map(
        lambda pair: Span(min(pair[0], pair[1] - 1), max(pair[0] + 1, pair[1]))
    )
    entities = draw(
        st.lists(
            st.builds(
                Entity,
                id=_IDS,
                label=st.sampled_from(LABELS),
                spans=st.lists(spans, min_size=1, max_size=3).map(tuple),
                score=st.none() | st.floats(0, 1),
                origin=st.sampled_from([None, *ORIGINS]),
            ),
            max_size=8,
            unique_by=lambda entity: entity.id,
        )
    )
    return text, tuple(entities)


@given(texts_with_entities())
def test_entities_come_back_as_they_went(case: tuple[str, tuple[Entity, ...]]) -> None:
    text, entities = case
    # through JSON, as on the wire
    regions = json.loads(json.dumps(regions_of(entities, text, "label", "text")))
    assert len({region["id"] for region in regions}) == len(regions)
    # anything else makes a region that nobody can see: the front end puts its id into a style sheet
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+", region["id"]) for region in regions)
    for region in regions:
        value = region["value"]
        assert text[value["start"] : value["end"]] == value["text"]
    annotation, problems = annotation_of(regions, text, "label", LABELS)
    assert problems == ()
    assert annotation == Annotation(entities)


@given(texts_with_entities(), st.randoms(use_true_random=False))
def test_the_order_of_regions_does_not_matter(case: tuple[str, tuple[Entity, ...]], random: Any) -> None:
    text, entities = case
    regions = regions_of(entities, text, "label", "text")
    random.shuffle(regions)
    annotation, _ = annotation_of(regions, text, "label", LABELS)
    assert {entity.id: entity for entity in annotation.entities} == {entity.id: entity for entity in entities}


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=5), children, max_size=3),
    max_leaves=8,
)
_KEYS = st.sampled_from(
    ["id", "type", "value", "from_name", "labels", "start", "end", "score", "origin", "from_id", "to_id", "direction"]
)
_VALUES = st.one_of(
    _JSON,
    st.sampled_from(["labels", "relation", "label", "text", "left", "bi", "e1"]),
    st.dictionaries(_KEYS, _JSON | st.integers(0, 9) | st.just(["Chemical"]), max_size=4),
)


@given(st.lists(st.one_of(_JSON, st.dictionaries(_KEYS, _VALUES, max_size=6)), max_size=5) | _JSON)
def test_whatever_the_server_sends_is_read_or_told(result: Any) -> None:
    annotation, problems = annotation_of(result, TEXT)
    for entity in annotation.entities:
        assert all(0 <= start < end <= len(TEXT) for start, end in entity.spans)
    ids = [entity.id for entity in annotation.entities]
    assert len(set(ids)) == len(ids)
    for relation in annotation.relations:
        assert {relation.head, relation.tail} <= set(ids)
    understood = len(annotation.entities) + len(annotation.relations)
    if isinstance(result, list):
        assert understood or problems or not result
    else:
        assert problems


def region(region_id: str = "e1", start: Any = 0, end: Any = 6, labels: Any = ("Disease",), **rest: Any) -> Any:
    """A region as the front end writes it."""
    value = {"start": start, "end": end, "text": "not to be trusted", "labels": list(labels)}
    return {"id": region_id, "from_name": "label", "to_name": "text", "type": "labels", "value": value, **rest}


def relation(head: str, tail: str, **rest: Any) -> Any:
    """A relation as the front end writes it."""
    return {"type": "relation", "from_id": head, "to_id": tail, "direction": "right", "labels": ["treats"], **rest}


@pytest.mark.parametrize("region_id", ["V1StGXR8_Z", "a_b-c", "_x", "_xyz_", "x7e", "0", "_xffffff_"])
def test_ids_that_the_front_end_made_stay_as_they_are(region_id: str) -> None:
    annotation, _ = annotation_of([region(region_id)], TEXT)
    assert annotation.entities[0].id == region_id


def test_the_surface_is_never_taken_from_the_region() -> None:
    text = "two\r\nlines"
    annotation, problems = annotation_of([drawn(text, 0, 10, "Disease")], text, "label")
    assert problems == ()
    assert annotation.entities[0].surface(text) == "two\r\nlines"


def test_offsets_may_be_written_as_text() -> None:
    annotation, problems = annotation_of([region(start="0", end="6"), region("e2", 7.0, 10.0)], TEXT)
    assert problems == ()
    assert [entity.spans for entity in annotation.entities] == [(Span(0, 6),), (Span(7, 10),)]


@pytest.mark.parametrize(
    ("start", "end"), [(0, 99), (6, 6), (7, 6), (-1, 3), (None, 3), ("x", 3), (0.5, 3), (True, 3), (0, [3])]
)
def test_offsets_that_are_none_are_told_and_the_rest_is_read(start: Any, end: Any) -> None:
    annotation, problems = annotation_of([region("bad", start, end), region("good")], TEXT)
    assert [entity.id for entity in annotation.entities] == ["good"]
    (problem,) = problems
    assert "'bad'" in problem


def test_another_control_is_told() -> None:
    annotation, problems = annotation_of([region(from_name="sentiment")], TEXT, "label")
    assert annotation.entities == ()
    assert "'sentiment'" in problems[0]


def test_another_kind_of_answer_is_told() -> None:
    choice = {"id": "c", "type": "choices", "from_name": "q", "to_name": "text", "value": {"choices": ["yes"]}}
    annotation, problems = annotation_of([choice], TEXT, "label")
    assert annotation == Annotation()
    assert "'choices'" in problems[0]


def test_a_region_without_a_label_is_told() -> None:
    annotation, problems = annotation_of([region(labels=())], TEXT)
    assert annotation.entities == ()
    assert "no label" in problems[0]


def test_a_label_that_the_project_does_not_know_is_kept_and_told() -> None:
    annotation, problems = annotation_of([region(labels=["Disorder"])], TEXT, "label", ("Disease",))
    assert annotation.entities[0].label == "Disorder"
    assert "'Disorder'" in problems[0]


def test_a_region_with_two_labels_becomes_two_entities() -> None:
    annotation, problems = annotation_of([region(labels=["Disease", "Chemical", "Disease"])], TEXT)
    assert problems == ()
    assert [(entity.id, entity.label) for entity in annotation.entities] == [("e1", "Disease"), ("e1+1", "Chemical")]
    assert {entity.spans for entity in annotation.entities} == {(Span(0, 6),)}


def test_two_regions_of_one_id_stay_two_and_are_told() -> None:
    annotation, problems = annotation_of([region(), region(start=7, end=10)], TEXT)
    assert len({entity.id for entity in annotation.entities}) == 2
    assert "shares its id" in problems[0]


def test_a_region_without_an_id_gets_one() -> None:
    annotation, _ = annotation_of([region(None), region(None, 7, 10)], TEXT)  # type: ignore[arg-type]
    assert [entity.id for entity in annotation.entities] == ["0-6", "7-10"]


def test_pieces_of_a_mention_that_were_taken_apart_stay_apart() -> None:
    entity = Entity("e", "Disease", (Span(0, 6), Span(19, 25)), score=0.5)
    one, two = regions_of([entity], TEXT, "label", "text")
    two["value"]["labels"] = ["Chemical"]
    annotation, problems = annotation_of([one, two], TEXT)
    assert problems == ()
    assert [(e.label, e.spans) for e in annotation.entities] == [
        ("Disease", (Span(0, 6),)),
        ("Chemical", (Span(19, 25),)),
    ]
    assert len({e.id for e in annotation.entities}) == 2


def test_a_mention_of_which_one_piece_was_removed_keeps_the_other() -> None:
    entity = Entity("e", "Disease", (Span(0, 6), Span(19, 25)))
    _, two = regions_of([entity], TEXT, "label", "text")
    annotation, _ = annotation_of([two], TEXT)
    assert [(e.id, e.spans) for e in annotation.entities] == [("e", (Span(19, 25),))]


@pytest.mark.parametrize(
    ("origins", "whole"),
    [
        (("prediction", "prediction"), "prediction"),
        (("prediction", "prediction-changed"), "prediction-changed"),
        (("prediction", "manual"), "prediction-changed"),
        ((None, None), None),
    ],
)
def test_a_mention_is_accepted_only_if_all_its_pieces_are(origins: tuple[str | None, ...], whole: str | None) -> None:
    pieces = regions_of([Entity("e", "Disease", (Span(0, 6), Span(19, 25)))], TEXT, "label", "text")
    annotation, _ = annotation_of([{**p, "origin": o} for p, o in zip(pieces, origins, strict=True)], TEXT)
    assert annotation.entities[0].origin == whole


def test_relations_are_read_in_their_direction() -> None:
    regions = [region("a"), region("b", 7, 10)]
    drawn_ones = [
        relation("a", "b"),
        relation("a", "b", direction="left"),
        relation("a", "b", direction="bi"),
        relation("a", "b", labels=["treats", "causes"]),
    ]
    # relations may stand before their regions
    annotation, problems = annotation_of([*drawn_ones, *regions], TEXT)
    assert problems == ()
    assert annotation.relations == (
        Relation("r1", "treats", "a", "b"),
        Relation("r2", "treats", "b", "a"),
        Relation("r3", "treats", "a", "b", directed=False),
        Relation("r4", "treats", "a", "b", extras={"labels": ["treats", "causes"]}),
    )


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"type": "relation", "from_id": "a", "to_id": "b", "direction": "right"}, "no label"),
        (relation("a", "b", labels=7), "no label"),
        (relation("a", "b", labels=[]), "no label"),
        (relation("a", "nowhere"), "no entity"),
    ],
)
def test_a_relation_that_cannot_be_read_is_told(wrong: Any, why: str) -> None:
    annotation, problems = annotation_of([region("a"), region("b", 7, 10), wrong], TEXT)
    assert annotation.relations == ()
    assert why in problems[0]


def test_a_direction_that_nobody_knows_is_told_and_the_relation_kept() -> None:
    annotation, problems = annotation_of([region("a"), region("b", 7, 10), relation("a", "b", direction="up")], TEXT)
    assert len(annotation.relations) == 1
    assert "'up'" in problems[0]


def test_a_relation_to_a_piece_is_one_to_the_mention() -> None:
    pieces = regions_of([Entity("e", "Disease", (Span(0, 6), Span(19, 25)))], TEXT, "label", "text")
    annotation, problems = annotation_of([*pieces, region("b", 7, 10), relation("b", "e--2")], TEXT)
    assert problems == ()
    assert (annotation.relations[0].head, annotation.relations[0].tail) == ("b", "e")
