"""Relations as annotators leave them: what was meant comes back, or is told."""

from __future__ import annotations

from typing import Any

import pytest

from biorat_al.corpus.formats.label_studio.regions import annotation_of
from biorat_al.corpus.formats.label_studio.relations import WITHOUT_LABEL
from biorat_al.settings import RelationType

TEXT = "Naloxone reverses coma in rats."
CID = RelationType(name="CID", head="Chemical", tail="Disease")
TREATS = RelationType(name="treats", head="Chemical", tail="Disease")
SEEN_IN = RelationType(name="seen in", head="Disease", tail="Species")
INTERACTS = RelationType(name="interacts", head="Disease", tail="Disease", symmetric=True)
LEADS_TO = RelationType(name="leads to", head="Disease", tail="Disease")


def region(name: str, surface: str, *labels: str) -> dict[str, Any]:
    start = TEXT.index(surface)
    value = {"start": start, "end": start + len(surface), "labels": list(labels)}
    return {"id": name, "from_name": "label", "to_name": "text", "type": "labels", "value": value}


CHEMICAL, DISEASE = region("c", "Naloxone", "Chemical"), region("d", "coma", "Disease")
OTHER = region("o", "reverses", "Disease")
SPECIES = region("s", "rats", "Species")
REGIONS = (CHEMICAL, DISEASE, OTHER, SPECIES)


def drawn(start: str, end: str, *labels: str, direction: str = "right") -> dict[str, Any]:
    """Return what the front end sends: without a label it leaves out the key."""
    chosen = {"labels": list(labels)} if labels else {}
    return {"type": "relation", "from_id": start, "to_id": end, "direction": direction, **chosen}


def read(types: tuple[RelationType, ...], *links: dict[str, Any]) -> tuple[list[tuple[Any, ...]], tuple[str, ...]]:
    """Return each relation as (label, head, tail, directed), and the problems."""
    annotation, problems = annotation_of([*REGIONS, *links], TEXT, relations=types)
    return [(r.label, r.head, r.tail, r.directed) for r in annotation.relations], problems


@pytest.mark.parametrize(
    ("types", "link", "meant"),
    [
        pytest.param((CID,), drawn("c", "d", "CID"), ("CID", "c", "d", True), id="as it was drawn"),
        pytest.param((CID,), drawn("d", "c", "CID", direction="left"), ("CID", "c", "d", True), id="left"),
        pytest.param((CID,), drawn("d", "c", "CID"), ("CID", "c", "d", True), id="against its types"),
        pytest.param((CID,), drawn("c", "d", "CID", direction="left"), ("CID", "c", "d", True), id="left against them"),
        pytest.param((CID,), drawn("d", "c", "CID", direction="bi"), ("CID", "c", "d", True), id="bi, one possible"),
        pytest.param((CID, SEEN_IN), drawn("c", "d"), ("CID", "c", "d", True), id="one label fits"),
        pytest.param((CID, SEEN_IN), drawn("d", "c"), ("CID", "c", "d", True), id="one label fits, turned"),
        pytest.param((CID, SEEN_IN), drawn("s", "d", direction="bi"), ("seen in", "d", "s", True), id="one fits, bi"),
        pytest.param((INTERACTS,), drawn("d", "o"), ("interacts", "d", "o", False), id="one fits, symmetric"),
        pytest.param((INTERACTS,), drawn("d", "o", "interacts"), ("interacts", "d", "o", False), id="symmetric"),
        pytest.param((LEADS_TO,), drawn("d", "o", "leads to"), ("leads to", "d", "o", True), id="same types"),
        pytest.param(
            (LEADS_TO,), drawn("d", "o", "leads to", direction="left"), ("leads to", "o", "d", True), id="same, left"
        ),
    ],
)
def test_what_was_meant(types: tuple[RelationType, ...], link: dict[str, Any], meant: tuple[Any, ...]) -> None:
    assert read(types, link) == ([meant], ())


@pytest.mark.parametrize(
    ("types", "link", "kept", "why"),
    [
        pytest.param(
            (CID,), drawn("d", "s", "CID"), [("CID", "d", "s", True)], "between 'Disease' and 'Species'", id="types"
        ),
        pytest.param(
            (INTERACTS,), drawn("d", "s", "interacts"), [("interacts", "d", "s", False)], "'coma' to 'rats'", id="sym"
        ),
        pytest.param(
            (CID,), drawn("c", "d", "cures"), [("cures", "c", "d", True)], "'cures', which the project", id="unknown"
        ),
        pytest.param(
            (LEADS_TO,), drawn("d", "o", "leads to", direction="bi"), [("leads to", "d", "o", False)], "either", id="bi"
        ),
        pytest.param((CID,), drawn("c", "c", "CID"), [("CID", "c", "c", True)], "with itself", id="itself"),
        pytest.param(
            (CID,), drawn("c", "d", "CID", direction="up"), [("CID", "c", "d", True)], "direction 'up'", id="direction"
        ),
        pytest.param((CID,), drawn("c", "gone", "CID"), [], "'CID' from 'Naloxone' to the region 'gone'", id="deleted"),
        pytest.param((CID,), drawn("gone", "d"), [], "from the region 'gone' to 'coma'", id="deleted, no label"),
    ],
)
def test_what_cannot_be_told_is_kept_where_it_can_be_and_reported(
    types: tuple[RelationType, ...], link: dict[str, Any], kept: list[tuple[Any, ...]], why: str
) -> None:
    relations, problems = read(types, link)
    assert relations == kept
    (problem,) = problems
    assert why in problem


@pytest.mark.parametrize(
    ("types", "link"), [((CID, TREATS), drawn("d", "c")), ((CID,), drawn("d", "s")), ((), drawn("d", "c"))]
)
def test_without_a_label_and_not_to_be_told_it_is_kept_aside(
    types: tuple[RelationType, ...], link: dict[str, Any]
) -> None:
    annotation, problems = annotation_of([*REGIONS, link], TEXT, relations=types)
    assert annotation.relations == ()
    assert annotation.extras == {WITHOUT_LABEL: [{"head": link["from_id"], "tail": link["to_id"]}]}
    (problem,) = problems
    assert "from 'coma' to" in problem
    assert "no label" in problem


def test_several_labels_are_several_relations() -> None:
    relations, problems = read((CID, TREATS), drawn("d", "c", "CID", "treats"))
    assert problems == ()
    assert relations == [("CID", "c", "d", True), ("treats", "c", "d", True)]


def test_the_same_relation_twice_is_one() -> None:
    links = [drawn("c", "d", "CID"), drawn("d", "c", "CID", direction="left"), drawn("d", "c")]
    assert read((CID,), *links) == ([("CID", "c", "d", True)], ())
    both_ways = [drawn("d", "o", "interacts"), drawn("o", "d", "interacts")]
    assert read((INTERACTS,), *both_ways) == ([("interacts", "d", "o", False)], ())
    two = [drawn("d", "o", "leads to"), drawn("o", "d", "leads to")]
    assert read((LEADS_TO,), *two)[0] == [("leads to", "d", "o", True), ("leads to", "o", "d", True)]


@pytest.mark.parametrize("labels", [("Disease", "Chemical"), ("Chemical", "Disease"), ("Species", "Chemical")])
def test_of_a_region_with_several_labels_the_one_that_fits_is_meant(labels: tuple[str, ...]) -> None:
    two = region("c", "Naloxone", *labels)
    annotation, problems = annotation_of([two, DISEASE, drawn("d", "c", "CID")], TEXT, relations=(CID,))
    assert problems == ()
    (relation,) = annotation.relations
    by_id = {entity.id: entity.label for entity in annotation.entities}
    assert (by_id[relation.head], by_id[relation.tail]) == ("Chemical", "Disease")


def test_a_relation_name_may_join_several_pairs_of_types() -> None:
    types = (CID, RelationType(name="CID", head="Chemical", tail="Species"))
    relations, problems = read(types, drawn("s", "c", "CID"), drawn("d", "c", "CID"))
    assert problems == ()
    assert relations == [("CID", "c", "s", True), ("CID", "c", "d", True)]


def test_a_score_that_came_with_it_is_kept() -> None:
    annotation, _ = annotation_of([*REGIONS, drawn("c", "d", "CID") | {"score": 0.25}], TEXT, relations=(CID,))
    assert annotation.relations[0].extras == {"score": 0.25}


@pytest.mark.parametrize(
    ("types", "direction", "meant"),
    [
        ((), "right", ("c", "d", ["D009270", "D003128"])),
        ((), "left", ("d", "c", ["D003128", "D009270"])),
        # against its types nobody can have turned it
        ((CID,), "left", ("c", "d", ["D009270", "D003128"])),
    ],
)
def test_the_concepts_of_a_relation_are_turned_with_its_ends(
    types: tuple[RelationType, ...], direction: str, meant: tuple[str, str, list[str]]
) -> None:
    link = drawn("c", "d", "CID", direction=direction) | {"concepts": ["D009270", "D003128"]}
    (relation,) = annotation_of([*REGIONS, link], TEXT, relations=types)[0].relations
    assert (relation.head, relation.tail, relation.extras["concepts"]) == meant
