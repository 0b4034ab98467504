"""What annotators differ on, and what an adjudicator finds marked."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from biorat_al.corpus.model.document import Annotation
from biorat_al.corpus.model.identity import mention_key, relation_keys
from biorat_al.corpus.model.unasked import Unasked
from biorat_al.people.settling.differences import AGREED, DISPUTED, compare, digest_of, sides_of
from biorat_al.store.consensus.majority import majority
from tests.people.factories import marked, mention
from tests.people.settling.factories import answers, compared

ASPIRIN, PAIN, SEVERE = mention("Chemical", (0, 7)), mention("Disease", (22, 30)), mention("Disease", (15, 30))


@given(answers())
def test_what_all_have_is_marked_and_certain(given: dict[str, Annotation]) -> None:
    found = compared(given)
    keys = [{mention_key(entity) for entity in one.entities} for one in given.values()]
    scores = {mention_key(entity): entity.score for entity in found.marked.entities}
    assert {key for key, score in scores.items() if score == AGREED} == set.intersection(*keys)
    assert {score for key, score in scores.items() if key not in set.intersection(*keys)} <= {DISPUTED}
    related = [set(relation_keys(one).values()) for one in given.values()]
    assert set.intersection(*related) <= set(relation_keys(found.marked).values())


@given(answers())
def test_every_difference_is_in_a_place_with_those_who_have_it(given: dict[str, Annotation]) -> None:
    found = compared(given).differences
    versions = {one.key: one.by for some in found.mention_places() for one in some}
    related = {one.key: one.by for some in found.relation_places() for one in some}
    for side, one in given.items():
        for key in map(mention_key, one.entities):
            having = {other for other, of in given.items() if key in map(mention_key, of.entities)}
            assert versions.get(key, set(given)) == having, side
        for key in relation_keys(one).values():
            having = {other for other, of in given.items() if key in relation_keys(of).values()}
            assert related.get(key, set(given)) == having, side


@given(answers())
def test_everything_that_no_majority_decides_is_marked_and_counted(given: dict[str, Annotation]) -> None:
    found = compared(given)
    decided = majority([given[side] for side in sorted(given)])
    left = {mention_key(entity) for entity in (*decided.annotation.entities, *decided.disputed.entities)}
    assert {mention_key(entity) for entity in found.marked.entities} == left
    assert bool(found.disputed) == bool(decided.disputed)
    ids = {entity.id for entity in found.marked.entities}
    assert all({relation.head, relation.tail} <= ids for relation in found.marked.relations)


@given(answers(), st.randoms(use_true_random=False))
def test_ids_and_orders_do_not_change_the_digest(given: dict[str, Annotation], random: object) -> None:
    def shuffled(one: Annotation) -> Annotation:
        entities, relations = list(one.entities), list(one.relations)
        random.shuffle(entities)  # type: ignore[attr-defined]
        random.shuffle(relations)  # type: ignore[attr-defined]
        named = {entity.id: f"x{entity.id}" for entity in entities}
        return Annotation(
            tuple(replace(entity, id=named[entity.id], score=0.5) for entity in entities),
            tuple(replace(one, head=named[one.head], tail=named[one.tail]) for one in relations),
        )

    assert digest_of({side: shuffled(one) for side, one in given.items()}) == digest_of(given)


def test_a_changed_border_changes_the_digest() -> None:
    assert digest_of({"A": marked(PAIN)}) != digest_of({"A": marked(SEVERE)})


def test_borders_of_one_mention_are_one_place() -> None:
    found = compared({"A": marked(ASPIRIN, PAIN), "B": marked(ASPIRIN, SEVERE)})
    (place,) = found.differences.mention_places()
    assert [(one.entity.spans, set(one.by)) for one in place] == [(SEVERE.spans, {"B"}), (PAIN.spans, {"A"})]
    assert found.disputed == 1
    notes = {entity.spans: entity.extras.get("note") for entity in found.marked.entities}
    assert notes == {ASPIRIN.spans: None, SEVERE.spans: "marked by B", PAIN.spans: "marked by A"}


def test_a_relation_to_other_borders_is_a_row_of_the_same_pair() -> None:
    one, other = marked(ASPIRIN, PAIN, treats=(ASPIRIN, PAIN)), marked(ASPIRIN, SEVERE, treats=(ASPIRIN, SEVERE))
    (place,) = compared({"A": one, "B": other}).differences.relation_places()
    assert len(place) == 2


def test_what_is_outvoted_is_not_marked_but_told() -> None:
    found = compared({"A": marked(ASPIRIN), "B": marked(ASPIRIN), "C": marked(ASPIRIN, PAIN)})
    assert [entity.spans for entity in found.marked.entities] == [ASPIRIN.spans]
    assert [one.entity.spans for one in found.differences.mentions] == [PAIN.spans]
    assert found.disputed == 0


def test_somebody_who_could_not_choose_a_label_does_not_differ_in_it() -> None:
    names = {"A": "annotator-1", "B": "annotator-2"}
    unasked = {"B": Unasked(frozenset({"Chemical"}), frozenset())}
    found = compare({"A": marked(ASPIRIN), "B": marked()}, names, unasked)
    assert not found.differences
    assert [entity.score for entity in found.marked.entities] == [AGREED]


def test_who_is_a_changes_from_document_to_document() -> None:
    names = ["annotator-1", "annotator-2"]
    assert {sides_of(f"d{number}", names)["annotator-1"] for number in range(20)} == {"A", "B"}
    assert sides_of("d1", names) == sides_of("d1", reversed(names))
