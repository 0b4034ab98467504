from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from random import Random
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biorat_al.corpus.model.document import Concept, ConceptRelation, Disputed, Document, Entity, Relation, Span
from biorat_al.corpus.reading import read_corpus
from biorat_al.corpus.sentences import FIRST_RULES, sentence_ends
from biorat_al.learner.relations import candidates
from biorat_al.learner.relations.candidates import Candidate, find_candidates, label_candidates
from biorat_al.learner.types import Example
from biorat_al.settings import RelationSettings, RelationType

CID = RelationType(name="CID", head="Chemical", tail="Disease")
TREATS = RelationType(name="treats", head="Chemical", tail="Disease")
BACK = RelationType(name="worsens", head="Disease", tail="Chemical")
INTERACTS = RelationType(name="interacts", head="Chemical", tail="Chemical", symmetric=True)
REPLACES = RelationType(name="replaces", head="Chemical", tail="Chemical")
SEEN_WITH = RelationType(name="seen with", head="Chemical", tail="Disease", symmetric=True)

SENTENCE = RelationSettings()
WHOLE = RelationSettings(window="document")
CONCEPTS = RelationSettings(level="document", window="document")


def document(text: str, **linked: str) -> tuple[Document, tuple[Entity, ...]]:
    """Return a text in which words in capitals are Chemicals, and those that begin with a capital D are Diseases.

    :param linked: concepts of words, separated by "|".
    """
    entities = []
    for match in re.finditer(r"\b(D[a-z]+|[A-Z]{2,})\b", text):
        label = "Disease" if match[0].startswith("D") else "Chemical"
        concepts = tuple(Concept("MESH", name) for name in linked.get(match[0], "").split("|") if name)
        entities.append(Entity(f"T{len(entities) + 1}", label, (Span(*match.span()),), concepts))
    return Document("d", text), tuple(entities)


def pairs(candidates: tuple[Candidate, ...]) -> list[tuple[str, str]]:
    return [(candidate.head.id, candidate.tail.id) for candidate in candidates]


def example(text: str, *relations: Relation | ConceptRelation, **linked: str) -> Example:
    found, entities = document(text, **linked)
    return Example(
        found,
        entities,
        tuple(one for one in relations if isinstance(one, Relation)),
        tuple(one for one in relations if isinstance(one, ConceptRelation)),
    )


def test_a_directed_type_leads_from_its_head_to_its_tail() -> None:
    text, entities = document("the Dpain of AA and Dfever")
    assert pairs(find_candidates(text, entities, [CID], SENTENCE)) == [("T2", "T1"), ("T2", "T3")]
    assert pairs(find_candidates(text, entities, [BACK], SENTENCE)) == [("T1", "T2"), ("T3", "T2")]


def test_both_orders_of_a_directed_type_within_one_entity_type_and_one_of_a_symmetric_type() -> None:
    text, entities = document("given AA and BB")
    assert pairs(find_candidates(text, entities, [REPLACES], SENTENCE)) == [("T1", "T2"), ("T2", "T1")]
    assert pairs(find_candidates(text, entities, [INTERACTS], SENTENCE)) == [("T1", "T2")]
    both = find_candidates(text, entities, [INTERACTS, REPLACES], SENTENCE)
    assert [candidate.labels for candidate in both] == [("interacts", "replaces"), ("replaces",)]


def test_a_symmetric_type_of_two_entity_types_has_its_head_first() -> None:
    text, entities = document("the Dpain of AA")
    assert pairs(find_candidates(text, entities, [SEEN_WITH], SENTENCE)) == [("T2", "T1")]


def test_labels_that_join_the_same_types_share_a_candidate_in_the_order_of_the_settings() -> None:
    text, entities = document("AA for Dpain")
    other = RelationType(name="treats", head="Chemical", tail="Chemical")
    (candidate,) = find_candidates(text, entities, [other, CID, TREATS], SENTENCE)
    assert candidate == Candidate(entities[0], entities[1], ("treats", "CID"), ("T1",), ("T2",))


def test_opposite_types_have_candidates_of_their_own() -> None:
    text, entities = document("AA for Dpain")
    found = find_candidates(text, entities, [CID, BACK], SENTENCE)
    assert [(one.head.id, one.labels) for one in found] == [("T1", ("CID",)), ("T2", ("worsens",))]


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        (1, [("T1", "T2")]),
        (2, [("T1", "T2"), ("T1", "T3")]),
        (3, [("T1", "T2"), ("T1", "T3"), ("T1", "T4")]),
        ("document", [("T1", "T2"), ("T1", "T3"), ("T1", "T4")]),
    ],
)
def test_the_window_counts_sentences(window: int | str, expected: list[tuple[str, str]]) -> None:
    text, entities = document("AA led to Dpain. Then came Dfever. Last was Dcough.")
    assert pairs(find_candidates(text, entities, [CID], RelationSettings(window=window))) == expected  # type: ignore[arg-type]


def test_a_mention_over_a_border_belongs_to_both_sentences() -> None:
    text, entities = document("We saw Dpain. Given AA it went. After Dfever it came.")
    over = replace(entities[1], spans=(Span(entities[1].start, text.text.index("After") + 5),))
    entities = (entities[0], over, entities[2])
    assert pairs(find_candidates(text, entities, [CID], SENTENCE)) == [("T2", "T3")]
    early = replace(over, spans=(Span(text.text.index("saw"), over.end),))
    assert pairs(find_candidates(text, (entities[0], early, entities[2]), [CID], SENTENCE)) == [
        ("T2", "T1"),
        ("T2", "T3"),
    ]


def test_nested_mentions_and_mentions_of_one_place_are_candidates() -> None:
    text, _ = document("heparin induced")
    outer = Entity("a", "Disease", (Span(0, 15),))
    inner, same = Entity("b", "Chemical", (Span(0, 7),)), Entity("c", "Chemical", (Span(0, 15),))
    assert pairs(find_candidates(text, [same, inner, outer], [CID], SENTENCE)) == [("b", "a"), ("c", "a")]


def test_mentions_of_other_types_are_no_candidates() -> None:
    text, entities = document("AA and BB")
    assert find_candidates(text, entities, [CID], SENTENCE) == ()
    assert find_candidates(text, (), [CID], SENTENCE) == ()


def test_the_order_is_that_of_the_text_whatever_the_order_of_the_entities() -> None:
    text, entities = document(
        "AA and BB for Dpain. Then Dfever of AA and CC, Dcough of BB.", AA="C1|C2", BB="C2", Dpain="D1", Dcough="D1|D2"
    )
    for settings in (SENTENCE, WHOLE, CONCEPTS):
        found = find_candidates(text, entities, [CID, BACK, INTERACTS, REPLACES], settings)
        assert len(found) == len({(candidate.heads, candidate.tails) for candidate in found})
        for seed in range(5):
            shuffled = Random(seed).sample(entities, len(entities))
            assert find_candidates(text, shuffled, [CID, BACK, INTERACTS, REPLACES], settings) == found
        reached = [min(c.head.start, c.tail.start) for c in found]
        assert reached == sorted(reached)


def test_many_mentions_far_apart_have_few_candidates() -> None:
    """Half a million pairs of mentions, of which only those in one sentence are to be looked at."""
    text, entities = document("Given AA with Dpain. " * 500)
    found = find_candidates(text, entities, [CID], SENTENCE)
    assert pairs(found) == [(f"T{n}", f"T{n + 1}") for n in range(1, 1000, 2)]


def at_most(number: int) -> AbstractContextManager[object]:
    """Return a smaller bound of the candidates of a document."""
    return patch.object(candidates, "MOST_CANDIDATES", number)


@pytest.mark.parametrize("settings", [WHOLE, CONCEPTS])
def test_of_too_many_candidates_those_that_stand_closest_are_kept(settings: RelationSettings) -> None:
    one = example(
        "AA came. Then BB for Dpain and Dfever. Much later Dcough was there.",
        *(Relation(f"R{n}", "CID", "T1", f"T{n}") for n in (3, 4, 5)),
        Relation("R2", "CID", "T2", "T3"),
    )
    for number, kept in (
        (1, [("T2", "T3")]),
        (2, [("T2", "T3"), ("T2", "T4")]),
        # a sentence farther, of which the first is nearer
        (3, [("T1", "T3"), ("T2", "T3"), ("T2", "T4")]),
        (4, [("T1", "T3"), ("T1", "T4"), ("T2", "T3"), ("T2", "T4")]),
        (5, [("T1", "T3"), ("T1", "T4"), ("T2", "T3"), ("T2", "T4"), ("T2", "T5")]),
    ):
        with at_most(number):
            found = label_candidates(one, [CID], settings)
        assert pairs(found.candidates) == kept
        assert found.targets == tuple("CID" if pair != ("T2", "T4") and pair != ("T2", "T5") else None for pair in kept)
        missing = sum(("T1", tail) not in kept for tail in ("T3", "T4", "T5"))
        assert found.cut
        assert found.counts == {"too_many": missing}
    with at_most(6):
        found = label_candidates(one, [CID], settings)
    assert (len(found.candidates), found.cut, found.counts) == (6, False, {})


def test_what_stands_outside_the_window_is_not_told_as_too_many() -> None:
    one = example(
        "AA for Dpain and Dfever. Then came Dcough.",
        Relation("R1", "CID", "T1", "T3"),
        Relation("R2", "CID", "T1", "T4"),
        Relation("R3", "CID", "T2", "T1"),
    )
    with at_most(1):
        found = label_candidates(one, [CID], SENTENCE)
    assert found.counts == {"too_many": 1, "outside_window": 1, "other_types": 1}


@pytest.mark.slow
def test_an_article_has_no_more_candidates_than_the_bound() -> None:
    """There would be half a million."""
    text, entities = document("Given AA with Dpain. " * 700)
    found = find_candidates(text, entities, [CID], WHOLE)
    assert len(found) == candidates.MOST_CANDIDATES == 10_000
    assert set(pairs(find_candidates(text, entities, [CID], SENTENCE))) < set(pairs(found))


labels = st.sampled_from(["Chemical", "Disease", "Gene"])
types = st.lists(
    st.builds(
        RelationType,
        name=st.sampled_from(["one", "two"]),
        head=labels,
        tail=labels,
        symmetric=st.just(False),
    ),
    unique_by=lambda one: (one.name, one.head, one.tail),
    max_size=4,
)
places = st.lists(st.tuples(st.integers(0, 50), st.integers(1, 20), labels), max_size=9)


@given(types, places, st.sampled_from([1, 2, "document"]))
def test_exactly_the_pairs_that_types_and_window_permit(
    types: list[RelationType], places: list[tuple[int, int, str]], window: int | str
) -> None:
    text = "It was so. " * 7
    sentence = len("It was so. ")
    entities = [Entity(f"T{n}", label, (Span(a, a + size),)) for n, (a, size, label) in enumerate(places)]

    def touched(entity: Entity) -> set[int]:
        # a sentence ends behind its full stop; the blank belongs to the next one
        return {(place + 1) // sentence for place in range(entity.start, entity.end)}

    def distance(one: Entity, other: Entity) -> int:
        return min(abs(a - b) for a in touched(one) for b in touched(other))

    expected = {
        (head.id, tail.id)
        for head in entities
        for tail in entities
        if head is not tail
        and any((one.head, one.tail) == (head.label, tail.label) for one in types)
        and (window == "document" or distance(head, tail) < int(window))
    }
    settings = RelationSettings(window=window)  # type: ignore[arg-type]
    found = pairs(find_candidates(Document("d", text), entities, types, settings))
    assert set(found) == expected
    assert len(found) == len(expected)


@given(
    st.lists(
        st.builds(RelationType, name=st.just("one"), head=labels, tail=labels, symmetric=st.just(False)),
        unique_by=lambda one: (one.head, one.tail),
        min_size=1,
        max_size=4,
    ),
    places,
    st.sampled_from(["mention", "document"]),
    st.sampled_from([1, 2, "document"]),
    st.integers(1, 12),
)
def test_of_too_many_the_nearest_are_kept_and_below_the_bound_all(
    types: list[RelationType], places: list[tuple[int, int, str]], level: str, window: int | str, most: int
) -> None:
    text = "It was so. " * 7
    found = [Entity(f"T{n}", label, (Span(a, a + size),)) for n, (a, size, label) in enumerate(places)]
    settings = RelationSettings(level=level, window=window)  # type: ignore[arg-type]
    ends = sentence_ends(text, rules=FIRST_RULES)

    def apart(candidate: Candidate) -> tuple[int, int]:
        before, behind = sorted((candidate.head, candidate.tail), key=lambda one: (one.start, one.end))
        borders = sum(before.end <= end <= behind.start for end in ends)
        return borders, max(behind.start - before.end, 0)

    one = Example(Document("d", text), tuple(found))
    everything = find_candidates(one.document, found, types, settings)
    with at_most(most):
        kept = label_candidates(one, types, settings)
        # prediction and training alike, whatever the order of the mentions
        assert find_candidates(one.document, found[::-1], types, settings) == kept.candidates
    assert len(kept.candidates) == min(most, len(everything))
    assert kept.cut == (len(everything) > most)
    assert [one for one in everything if one in kept.candidates] == list(kept.candidates)
    left_out = [one for one in everything if one not in kept.candidates]
    if left_out:
        assert max(map(apart, kept.candidates)) <= min(map(apart, left_out))


def test_at_the_level_of_the_document_the_ends_are_concepts_read_where_they_stand_closest() -> None:
    text, entities = document(
        "AA was given. Much later Dpain came with BB. Then AA again. Dpain went.", AA="C1", BB="C1", Dpain="D1"
    )
    (found,) = find_candidates(text, entities, [CID], CONCEPTS)
    assert (found.head.id, found.tail.id) == ("T3", "T2")
    assert (found.heads, found.tails) == (("T1", "T3", "T4"), ("T2", "T5"))


def test_sentences_count_before_characters_and_the_first_before_the_second() -> None:
    text, entities = document("We gave AA. Dpain came, and much later still so did AA.", AA="C1", Dpain="D1")
    (found,) = find_candidates(text, entities, [CID], CONCEPTS)
    assert (found.head.id, found.tail.id) == ("T3", "T2")
    text, entities = document("We gave AA for Dpain with AA now", AA="C1", Dpain="D1")
    assert text.text.index("Dpain") - entities[0].end == 5  # and six characters on the other side
    (found,) = find_candidates(text, entities, [CID], CONCEPTS)
    assert found.head.id == "T1"
    text, entities = document("with AA for Dpain for AA now", AA="C1", Dpain="D1")
    (found,) = find_candidates(text, entities, [CID], CONCEPTS)
    assert found.head.id == "T1"


def test_the_window_applies_to_the_closest_mentions() -> None:
    text, entities = document("AA was given. It was so. Dpain came. Dpain again with AA.", AA="C1", Dpain="D1")
    near = RelationSettings(level="document", window=1)
    assert pairs(find_candidates(text, entities, [CID], near)) == [("T4", "T3")]
    assert find_candidates(text, entities[:3], [CID], near) == ()


def test_a_mention_without_concept_goes_with_those_that_are_spelled_alike() -> None:
    text, entities = document("AA or Aa for Dpain")
    second = Entity("T9", "Chemical", (Span(6, 8),))
    (found,) = find_candidates(text, (*entities, second), [CID], CONCEPTS)
    assert found.heads == ("T1", "T9")
    linked = replace(second, concepts=(Concept("MESH", "C1"),))
    assert len(find_candidates(text, (*entities, linked), [CID], CONCEPTS)) == 2


def test_a_mention_with_several_concepts_is_in_several_groups() -> None:
    text, entities = document("AA and BB for Dpain", AA="C1|C2", BB="C2", Dpain="D1")
    found = find_candidates(text, entities, [CID, INTERACTS], CONCEPTS)
    assert [(c.heads, c.tails, c.labels) for c in found] == [
        (("T1",), ("T1", "T2"), ("interacts",)),
        (("T1",), ("T3",), ("CID",)),
        (("T1", "T2"), ("T3",), ("CID",)),
    ]
    assert pairs(found)[0] == ("T1", "T2")  # never a mention with itself


def test_concepts_with_the_same_mentions_are_one_end() -> None:
    text, entities = document("AA for Dpain", AA="C1|C2", Dpain="D1")
    (found,) = find_candidates(text, entities, [CID], CONCEPTS)
    assert (found.heads, found.tails) == (("T1",), ("T2",))


def test_gold_relations_become_targets() -> None:
    one = example("AA and BB for Dpain", Relation("R1", "treats", "T2", "T3"))
    found = label_candidates(one, [CID, TREATS], SENTENCE)
    assert pairs(found.candidates) == [("T1", "T3"), ("T2", "T3")]
    assert found.targets == (None, "treats")
    assert found.counts == {}


@pytest.mark.parametrize(
    ("relation", "reason"),
    [
        (Relation("R1", "CID", "T1", "T4"), "outside_window"),
        (Relation("R1", "CID", "T1", "T2"), "other_types"),
        (Relation("R1", "CID", "T3", "T1"), "other_types"),
        (Relation("R1", "cures", "T1", "T3"), "other_label"),
        (Relation("R1", "CID", "T1", "T1"), "to_itself"),
        (ConceptRelation("CID", "C1", "D9"), "unlinked"),
        (ConceptRelation("CID", "C1", "C1"), "to_itself"),
        (ConceptRelation("CID", "D1", "C1"), "other_types"),
        (ConceptRelation("CID", "C1", "D2"), "outside_window"),
        (ConceptRelation("cures", "C1", "D1"), "other_label"),
    ],
)
@pytest.mark.parametrize("level", ["mention", "document"])
def test_what_cannot_be_learnt_is_counted_by_reason(
    relation: Relation | ConceptRelation, reason: str, level: str
) -> None:
    one = example("AA and BB for Dpain. It was Dfever.", relation, AA="C1", BB="C2", Dpain="D1", Dfever="D2")
    found = label_candidates(one, [CID], RelationSettings(level=level))  # type: ignore[arg-type]
    assert found.counts == {reason: 1}
    assert set(found.targets) == {None}


@pytest.mark.parametrize("settings", [SENTENCE, CONCEPTS])
def test_of_several_labels_the_first_in_the_settings_is_kept(settings: RelationSettings) -> None:
    relations = [Relation(f"R{n}", label, "T1", "T2") for n, label in enumerate(["treats", "CID", "treats"])]
    found = label_candidates(example("AA for Dpain", *relations), [CID, TREATS], settings)
    assert found.targets == ("CID",)
    assert found.counts == {"several_labels": 2}
    found = label_candidates(example("AA for Dpain", *relations), [TREATS, CID], settings)
    assert found.targets == ("treats",)
    assert found.counts == {"several_labels": 1}  # the same relation twice is one


def test_a_relation_without_direction_is_taken_as_the_types_permit() -> None:
    drawn = Relation("R1", "CID", "T2", "T1", directed=False)
    assert label_candidates(example("AA for Dpain", drawn), [CID], SENTENCE).targets == ("CID",)
    between = Relation("R1", "replaces", "T2", "T1", directed=False)
    found = label_candidates(example("AA for BB", between), [REPLACES], SENTENCE)
    assert pairs(found.candidates) == [("T1", "T2"), ("T2", "T1")]
    assert found.targets == (None, "replaces")


@pytest.mark.parametrize("settings", [SENTENCE, CONCEPTS])
def test_the_ends_of_a_symmetric_type_may_be_exchanged(settings: RelationSettings) -> None:
    for head, tail in (("T1", "T2"), ("T2", "T1")):
        one = example("AA with BB", Relation("R1", "interacts", head, tail))
        found = label_candidates(one, [INTERACTS], settings)
        assert (found.targets, found.counts) == (("interacts",), {})


def test_a_relation_between_concepts_is_learnt_on_all_their_mentions() -> None:
    stated = ConceptRelation("CID", "MESH:C1", "D1")
    one = example("AA for Dpain. Then BB and AA for Dpain.", stated, AA="C1", BB="C2", Dpain="D1")
    found = label_candidates(one, [CID], SENTENCE)
    assert pairs(found.candidates) == [("T1", "T2"), ("T3", "T5"), ("T4", "T5")]
    assert found.targets == ("CID", None, "CID")
    assert found.counts == {}


def test_relations_between_mentions_and_between_concepts_become_relations_between_groups() -> None:
    one = example(
        "AA for Dpain. Then BB and AA for Dpain or Dfever.",
        Relation("R1", "CID", "T1", "T5"),
        ConceptRelation("CID", "C2", "D2"),
        ConceptRelation("CID", "C1", "D1"),
        AA="C1", BB="C2", Dpain="D1", Dfever="D2",
    )  # fmt: skip
    found = label_candidates(one, [CID], CONCEPTS)
    targets = {(c.heads, c.tails): target for c, target in zip(found.candidates, found.targets, strict=True)}
    assert targets == {
        (("T1", "T4"), ("T2", "T5")): "CID",
        (("T3",), ("T6",)): "CID",
        (("T1", "T4"), ("T6",)): None,
        (("T3",), ("T2", "T5")): None,
    }
    assert found.counts == {}


def test_two_mentions_of_one_concept_are_not_related_to_each_other_at_the_level_of_the_document() -> None:
    one = example("AA or BB", Relation("R1", "replaces", "T1", "T2"), AA="C1", BB="C1")
    assert label_candidates(one, [REPLACES], CONCEPTS).counts == {"to_itself": 1}
    assert label_candidates(one, [REPLACES], SENTENCE).targets == ("replaces", None)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("window", "candidates", "positives", "counts"),
    [
        (1, 2483, 763, {"outside_window": 240}),
        ("document", 5230, 997, {}),
    ],
)
def test_bc5cdr(corpora: Path, window: int | str, candidates: int, positives: int, counts: dict[str, int]) -> None:
    settings = RelationSettings(level="document", window=window)  # type: ignore[arg-type]
    total = [0, 0]
    missing: dict[str, int] = {}
    for text, annotation, _ in read_corpus(corpora / "bc5cdr" / "CDR_DevelopmentSet.PubTator.txt"):
        assert annotation is not None
        found = label_candidates(Example(text, annotation.entities, (), annotation.concept_relations), [CID], settings)
        total[0] += len(found.candidates)
        total[1] += sum(target is not None for target in found.targets)
        for reason, number in found.counts.items():
            missing[reason] = missing.get(reason, 0) + number
    assert (*total, missing) == (candidates, positives, counts)


# disputes


def masks(
    text: str,
    disputed: Disputed,
    *relations: Relation | ConceptRelation,
    types: Sequence[RelationType] = (CID, TREATS),
    settings: RelationSettings = SENTENCE,
    **linked: str,
) -> dict[tuple[str, str], tuple[bool, str | None]]:
    """Return whether each candidate is masked, and its target, by its ends."""
    found = label_candidates(replace(example(text, *relations, **linked), disputed=disputed), types, settings)
    return {
        (one.head.id, one.tail.id): (masked, target)
        for one, masked, target in zip(found.candidates, found.masked, found.targets, strict=True)
    }


def test_a_pair_that_annotators_disagree_on_is_masked_and_the_others_are_not() -> None:
    disputed = Disputed(relations=(Relation("R1", "CID", "T2", "T1"),))
    assert masks("the Dpain of AA and Dfever", disputed) == {("T2", "T1"): (True, None), ("T2", "T3"): (False, None)}
    # a decided relation of another label may not be what it is either
    assert masks("the Dpain of AA", disputed, Relation("R2", "treats", "T2", "T1")) == {("T2", "T1"): (True, "treats")}
    assert masks("the Dpain of AA", disputed, Relation("R2", "CID", "T2", "T1")) == {("T2", "T1"): (False, "CID")}


def test_directions_are_masked_as_they_would_be_learnt() -> None:
    disputed = Disputed(relations=(Relation("R1", "replaces", "T1", "T2"),))
    both = masks("given AA and BB", disputed, types=[REPLACES])
    assert both == {("T1", "T2"): (True, None), ("T2", "T1"): (False, None)}
    turned = Disputed(relations=(Relation("R1", "interacts", "T2", "T1"),))
    assert masks("given AA and BB", turned, types=[INTERACTS]) == {("T1", "T2"): (True, None)}
    undirected = Disputed(relations=(Relation("R1", "CID", "T1", "T2", directed=False),))
    assert masks("the Dpain of AA", undirected) == {("T2", "T1"): (True, None)}


def test_a_disputed_mention_is_no_end_of_a_candidate() -> None:
    text, (pain, drug, fever) = document("the Dpain of AA and Dfever")
    relation = Relation("R1", "CID", "T2", "T3")
    found = label_candidates(Example(text, (pain, drug), disputed=Disputed((fever,), (relation,))), [CID], SENTENCE)
    assert pairs(found.candidates) == [("T2", "T1")]
    assert (found.masked, found.counts) == ((False,), {})


def test_a_disputed_relation_between_concepts_masks_all_pairs_of_their_mentions() -> None:
    disputed = Disputed(concept_relations=(ConceptRelation("CID", "C1", "D1"),))
    text, linked = "AA and AA for Dpain and Dfever", {"AA": "C1", "Dpain": "D1", "Dfever": "D2"}
    assert masks(text, disputed, **linked) == {
        ("T1", "T3"): (True, None), ("T2", "T3"): (True, None), ("T1", "T4"): (False, None), ("T2", "T4"): (False, None)
    }  # fmt: skip
    of_concepts = masks(text, disputed, settings=CONCEPTS, **linked)
    assert sorted(masked for masked, _ in of_concepts.values()) == [False, True]


def test_a_relation_that_is_disputed_with_its_mention_masks_the_pair_of_concepts() -> None:
    text, entities = document("AA for Dpain. Then AA and Dpain, Dfever.", AA="C1", Dpain="D1", Dfever="D2")
    decided, late = entities[:3] + entities[4:], entities[3]
    disputed = Disputed((late,), (Relation("R1", "CID", "T3", late.id),))
    found = label_candidates(Example(text, decided, disputed=disputed), [CID], CONCEPTS)
    tails = [one.tail.concepts[0].identifier for one in found.candidates]
    assert list(zip(tails, found.masked, strict=True)) == [("D1", True), ("D2", False)]
    # a concept that only disputed mentions have is no end at all
    alone = Disputed((replace(late, concepts=(Concept("MESH", "D9"),)),), disputed.relations)
    assert not any(label_candidates(Example(text, decided, disputed=alone), [CID], CONCEPTS).masked)


def test_a_disputed_relation_that_no_candidate_can_express_masks_nothing() -> None:
    far = Disputed(relations=(Relation("R1", "CID", "T1", "T2"), Relation("R2", "other", "T1", "T2")))
    assert masks("AA here. And Dpain there.", far) == {}
    assert masks("AA and Dpain", Disputed(relations=(Relation("R2", "other", "T1", "T2"),))) == {
        ("T1", "T2"): (False, None)
    }
