"""Entities to regions and back, for any text; and answers that are not what they should be."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biorat_al.corpus.formats.label_studio.regions import annotation_of, regions_of
from biorat_al.corpus.model.checks import ORIGINS
from biorat_al.corpus.model.document import Annotation, Entity, Relation, Span
from biorat_al.settings import SAME_MENTION, RelationType
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
    st.from_regex(r"[a-z]--j?\d", fullmatch=True),
    st.sampled_from(
        ["a", "a--0", "a--1", "a--1--2", "a--", "--1", "a+1", "é--3", "a\n--1", "a b", "a:1", "😀", "a.b/c"]
    ),
    st.sampled_from(["_", "_x7e_", "~", "_x_", "a_x5f_b", "~x7e~", "__", "_x110000_", "_x7e", "x7e_"]),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6),
)


@st.composite
def texts_with_entities(draw: st.DrawFn) -> tuple[str, tuple[Entity, ...]]:
    """Return a text and entities on it: overlapping, nested, in one place, discontinuous."""
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


TYPES = (
    RelationType(name="causes", head="Chemical", tail="Disease"),
    RelationType(name="causes", head="Disease", tail="Disease"),
    RelationType(name="treats", head="Chemical", tail="Disease"),
    RelationType(name="interacts", head="Chemical", tail="Chemical", symmetric=True),
    RelationType(name="occurs with", head="Disease", tail=LABELS[2], symmetric=True),
)


def _ends(relation: Relation) -> tuple[str, str, str]:
    return relation.label, relation.head, relation.tail


@st.composite
def annotations(draw: st.DrawFn) -> tuple[str, Annotation]:
    """Return a text, entities on it, and relations that the project's types permit, each once."""
    text, entities = draw(texts_with_entities())
    possible = [
        Relation("", relation.name, head.id, tail.id, not relation.symmetric)
        for relation in TYPES
        for head in entities
        for tail in entities
        if head.id != tail.id and relation.joins(head.label, tail.label)
        # of two that may be exchanged, one is enough
        if not (relation.symmetric and relation.joins(tail.label, head.label) and head.id > tail.id)
    ]
    chosen = draw(st.lists(st.sampled_from(possible), max_size=4, unique_by=_ends)) if possible else []
    scores = draw(st.lists(st.none() | st.floats(0, 1), min_size=len(chosen), max_size=len(chosen)))
    relations = [
        replace(relation, id=f"r{number}", extras={} if score is None else {"score": score})
        for number, (relation, score) in enumerate(zip(chosen, scores, strict=True), start=1)
    ]
    return text, Annotation(entities, tuple(relations))


@pytest.mark.slow
@given(annotations(), st.booleans())
def test_annotations_come_back_as_they_went(case: tuple[str, Annotation], joined: bool) -> None:
    text, annotation = case
    # through JSON, as on the wire
    made = regions_of(annotation.entities, text, "label", "text", annotation.relations, joined=joined)
    result = json.loads(json.dumps(made))
    regions = {region["id"]: region for region in result if region["type"] != "relation"}
    drawn_relations = [region for region in result if region["type"] == "relation"]
    assert len(regions) + len(drawn_relations) == len(result)
    # anything else makes a region that nobody can see: the front end puts its id into a style sheet
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+", name) for name in regions)
    for region in regions.values():
        value = region["value"]
        assert text[value["start"] : value["end"]] == value["text"]
    assert all({relation["from_id"], relation["to_id"]} <= set(regions) for relation in drawn_relations)
    assert joined or all(relation["labels"] != [SAME_MENTION] for relation in drawn_relations)
    assert annotation_of(result, text, "label", LABELS, TYPES) == (annotation, ())


@pytest.mark.slow
@given(texts_with_entities(), st.randoms(use_true_random=False))
def test_the_order_of_regions_does_not_matter(case: tuple[str, tuple[Entity, ...]], random: Any) -> None:
    text, entities = case
    regions = regions_of(entities, text, "label", "text")
    # a relation may stand before its regions
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


@pytest.mark.slow
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
    assert annotation_of(result, TEXT, relations=TYPES)[0].entities == annotation.entities
    if isinstance(result, list):
        assert understood or problems or not result
    else:
        assert problems


def region(region_id: str = "e1", start: Any = 0, end: Any = 6, labels: Any = ("Disease",), **rest: Any) -> Any:
    """Return a region as the front end writes it."""
    value = {"start": start, "end": end, "text": "not to be trusted", "labels": list(labels)}
    return {"id": region_id, "from_name": "label", "to_name": "text", "type": "labels", "value": value, **rest}


def relation(head: str, tail: str, **rest: Any) -> Any:
    """Return a relation as the front end writes it."""
    return {"type": "relation", "from_id": head, "to_id": tail, "direction": "right", "labels": ["treats"], **rest}


def joint(one: str, other: str) -> Any:
    """Return a relation that makes one mention of two regions."""
    return relation(one, other, labels=[SAME_MENTION])


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


DISCONTINUOUS = Entity("e", "Disease", (Span(0, 6), Span(11, 18), Span(19, 25)), score=0.5)


def pieces(joined: bool = True) -> list[Any]:
    """Return the regions of a mention of three pieces and, if they are joined, two relations."""
    return regions_of([DISCONTINUOUS], TEXT, "label", "text", joined=joined)


def spans(annotation: Annotation) -> list[tuple[str, list[tuple[int, int]]]]:
    """Return what an annotation says, without ids."""
    return [(entity.label, [tuple(span) for span in entity.spans]) for entity in annotation.entities]


def test_pieces_go_out_joined_in_a_row() -> None:
    *regions, one, two = pieces()
    assert [region["id"] for region in regions] == ["e--j1", "e--j2", "e--j3"]
    assert [(one["from_id"], one["to_id"]), (two["from_id"], two["to_id"])] == [("e--j1", "e--j2"), ("e--j2", "e--j3")]
    assert one["labels"] == two["labels"] == [SAME_MENTION]


def test_a_piece_that_nothing_joins_any_more_is_a_mention_of_its_own() -> None:
    *regions, one, _ = pieces()
    annotation, problems = annotation_of([*regions, one], TEXT)
    assert problems == ()
    assert spans(annotation) == [("Disease", [(0, 6), (11, 18)]), ("Disease", [(19, 25)])]
    assert len({entity.id for entity in annotation.entities}) == 2


def test_without_the_relation_in_the_configuration_the_ids_hold_pieces_together() -> None:
    regions = pieces(joined=False)
    assert [region["id"] for region in regions] == ["e--1", "e--2", "e--3"]
    annotation, problems = annotation_of(regions, TEXT)
    assert problems == ()
    assert annotation.entities == (DISCONTINUOUS,)


def test_somebody_joins_regions_of_his_own() -> None:
    drawn_ones = [region("x", 19, 25), region("y", 0, 6), region("z", 11, 18)]
    annotation, problems = annotation_of([joint("x", "y"), *drawn_ones, joint("z", "y")], TEXT)
    assert problems == ()
    assert spans(annotation) == [("Disease", [(0, 6), (11, 18), (19, 25)])]


def test_somebody_adds_a_piece_to_a_mention() -> None:
    regions = [*pieces(), region("new", 29, 33), joint("new", "e--j2")]
    annotation, problems = annotation_of(regions, TEXT)
    assert problems == ()
    assert [entity.id for entity in annotation.entities] == ["e"]
    assert spans(annotation) == [("Disease", [(0, 6), (11, 18), (19, 25), (29, 33)])]


def test_a_relation_between_pieces_that_lost_its_label_still_joins_them() -> None:
    # so the front end sends it where the configuration has no such label any more
    *regions, one, two = pieces()
    annotation, problems = annotation_of([*regions, one | {"labels": []}, two | {"labels": []}], TEXT)
    assert problems == ()
    assert annotation.entities == (DISCONTINUOUS,)


def test_pieces_with_different_labels_are_two_mentions_and_told() -> None:
    regions = [region("x"), region("y", 19, 25, ["Chemical"])]
    annotation, problems = annotation_of([*regions, joint("x", "y")], TEXT)
    assert spans(annotation) == [("Disease", [(0, 6)]), ("Chemical", [(19, 25)])]
    assert annotation.relations == ()
    (problem,) = problems
    assert "'same mention' from 'Breast' to 'cancer'" in problem


def test_regions_with_several_labels_are_joined_by_those_that_they_share() -> None:
    regions = [region("x", labels=["Chemical", "Disease"]), region("y", 19, 25)]
    annotation, problems = annotation_of([*regions, joint("x", "y")], TEXT)
    assert problems == ()
    assert spans(annotation) == [("Chemical", [(0, 6)]), ("Disease", [(0, 6), (19, 25)])]


def test_a_joint_whose_region_was_deleted_is_told() -> None:
    annotation, problems = annotation_of([region("x"), joint("x", "gone")], TEXT)
    assert spans(annotation) == [("Disease", [(0, 6)])]
    (problem,) = problems
    assert "from 'Breast' to the region 'gone'" in problem


@pytest.mark.parametrize("joined", [True, False])
def test_pieces_of_a_mention_that_were_given_other_labels_stay_apart(joined: bool) -> None:
    regions = pieces(joined)
    regions[2]["value"]["labels"] = ["Chemical"]
    annotation, problems = annotation_of(regions, TEXT)
    assert len(problems) == joined
    assert spans(annotation) == [("Disease", [(0, 6), (11, 18)]), ("Chemical", [(19, 25)])]
    assert len({e.id for e in annotation.entities}) == 2


@pytest.mark.parametrize("joined", [True, False])
def test_a_mention_of_which_pieces_were_removed_keeps_the_other(joined: bool) -> None:
    annotation, problems = annotation_of(pieces(joined)[2:3], TEXT)
    assert problems == ()
    assert [(e.id, e.spans) for e in annotation.entities] == [("e", (Span(19, 25),))]


@pytest.mark.parametrize(
    ("origins", "whole"),
    [
        (("prediction", "prediction", "prediction"), "prediction"),
        (("prediction", "prediction-changed", "prediction"), "prediction-changed"),
        (("prediction", "manual", "manual"), "prediction-changed"),
        ((None, None, None), None),
    ],
)
def test_a_mention_is_accepted_only_if_all_its_pieces_are(origins: tuple[str | None, ...], whole: str | None) -> None:
    *regions, one, two = pieces()
    regions = [region | {"origin": origin} for region, origin in zip(regions, origins, strict=True)]
    annotation, _ = annotation_of([*regions, one, two], TEXT)
    assert [entity.origin for entity in annotation.entities] == [whole]


def test_a_relation_to_a_piece_is_one_to_the_mention() -> None:
    annotation, problems = annotation_of([*pieces(), region("b", 7, 10), relation("b", "e--j2")], TEXT)
    assert problems == ()
    assert (annotation.relations[0].head, annotation.relations[0].tail) == ("b", "e")


def test_relations_are_kept_where_no_types_are_known() -> None:
    regions = [region("a"), region("b", 7, 10)]
    drawn_ones = [
        relation("a", "b"),
        relation("a", "b", direction="left"),
        relation("a", "b", direction="bi"),
        relation("a", "b", labels=["treats", "causes", "treats"]),
        relation("a", "a"),
    ]
    annotation, problems = annotation_of([*drawn_ones, *regions], TEXT)
    assert problems == ()
    assert annotation.relations == (
        Relation("r1", "treats", "a", "b"),
        Relation("r2", "treats", "b", "a"),
        Relation("r3", "treats", "a", "b", directed=False),
        Relation("r4", "treats", "a", "b"),
        Relation("r5", "causes", "a", "b"),
        Relation("r6", "treats", "a", "a"),
    )
