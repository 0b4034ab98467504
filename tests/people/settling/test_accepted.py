"""The adjudicated annotation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biorat_al.corpus.model.document import Annotation, Concept, ConceptRelation, Entity, Span
from biorat_al.corpus.model.identity import mention_key, relation_keys
from biorat_al.people.settling.accepted import accepted, with_rest, without_holders
from biorat_al.people.settling.values import differences_of, differences_values
from tests.people.factories import marked, mention
from tests.people.settling.factories import answers, compared


def content(annotation: Annotation) -> tuple[set[object], set[object]]:
    return set(map(mention_key, annotation.entities)), set(relation_keys(annotation).values())


@given(answers(), st.data())
def test_accepting_an_annotator_gives_that_annotators_answer(given: dict[str, Annotation], data: st.DataObject) -> None:
    found = compared(given)
    side = data.draw(st.sampled_from(sorted(given)))
    assert content(accepted(without_holders(found.marked), found.differences, side)) == content(given[side])


@given(answers(), st.data())
def test_what_is_removed_from_the_differences_makes_no_difference_then(
    given: dict[str, Annotation], data: st.DataObject
) -> None:
    found = compared(given)
    versions = {one.key for one in found.differences.mentions}
    kept = tuple(
        entity for entity in found.marked.entities if mention_key(entity) not in versions or data.draw(st.booleans())
    )
    ids = {entity.id for entity in kept}
    relations = tuple(one for one in found.marked.relations if {one.head, one.tail} <= ids)
    side = data.draw(st.sampled_from(sorted(given)))
    result = accepted(Annotation(kept, relations), found.differences, side)
    assert set(map(mention_key, result.entities)) == set(map(mention_key, given[side].entities))


@given(answers())
def test_differences_come_back_from_json(given: dict[str, Annotation]) -> None:
    differences = compared(given).differences
    assert differences_of(differences_values(differences)) == differences


def test_what_is_drawn_beside_the_differences_stays() -> None:
    pain, severe, new = mention("Disease", (22, 30)), mention("Disease", (15, 30)), mention("Symptom", (35, 41))
    found = compared({"A": marked(pain), "B": marked(severe)})
    result = accepted(marked(new, severe), found.differences, "A")
    assert content(result) == content(marked(pain, new))


def test_an_unknown_annotator_cannot_be_accepted() -> None:
    with pytest.raises(ValueError, match="C is not one of A, B"):
        accepted(marked(), compared({"A": marked(), "B": marked()}).differences, "C")


def test_a_persons_own_note_stays() -> None:
    entity = Entity("m1", "Disease", (Span(0, 1),), extras={"note": "marked by A and C\nsure?\nmarked by hand"})
    (kept,) = without_holders(Annotation((entity,))).entities
    assert kept.extras == {"note": "sure?\nmarked by hand"}


def test_what_annotators_cannot_mark_comes_from_gold() -> None:
    gold = Annotation(
        (Entity("T1", "Disease", (Span(0, 1),), (Concept("MESH", "D1"),), extras={"type": "x"}),),
        (),
        (ConceptRelation("CID", "C1", "D1"),),
        {"events": []},
    )
    result = with_rest(Annotation((Entity("m1", "Disease", (Span(0, 1),)),)), gold)
    assert result.entities[0].concepts == gold.entities[0].concepts
    assert result.entities[0].extras == {"type": "x"}
    assert (result.concept_relations, result.extras) == (gold.concept_relations, gold.extras)
