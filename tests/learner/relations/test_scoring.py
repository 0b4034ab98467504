from __future__ import annotations

from dataclasses import replace

import pytest

from biorat_al.corpus.model.document import Concept, ConceptRelation, Disputed, Document, Entity, Relation, Span
from biorat_al.learner.counts import Counts, Scores
from biorat_al.learner.relations.scoring import score_relations
from biorat_al.learner.types import Example
from biorat_al.settings import RelationType

CID = RelationType(name="CID", head="Chemical", tail="Disease")
TREATS = RelationType(name="treats", head="Chemical", tail="Disease")
INTERACTS = RelationType(name="interacts", head="Chemical", tail="Chemical", symmetric=True)
TYPES = (CID, TREATS, INTERACTS)

Said = tuple[tuple[Entity, ...], tuple[Relation, ...]]

TEXT = Document("d", "aaaa bbbb cccc dddd eeee ffff aaaa bbbb")


def mention(ident: str, place: int, label: str = "Chemical", *concepts: str) -> Entity:
    """Return the word at `place`, linked to `concepts`."""
    start = 5 * place
    return Entity(ident, label, (Span(start, start + 4),), tuple(Concept("MESH", name) for name in concepts))


def relation(head: str, tail: str, label: str = "CID", directed: bool = True) -> Relation:
    return Relation(f"{head}{tail}{label}", label, head, tail, directed)


A, B = mention("a", 0, "Chemical", "C1"), mention("b", 1, "Chemical", "C2")
X, Y = mention("x", 2, "Disease", "D1"), mention("y", 3, "Disease", "D2")
ALL = (A, B, X, Y)


def gold(*relations: Relation | ConceptRelation, entities: tuple[Entity, ...] = ALL) -> Example:
    between = tuple(one for one in relations if isinstance(one, Relation))
    return Example(TEXT, entities, between, tuple(one for one in relations if isinstance(one, ConceptRelation)))


def scored(right: Example, *relations: Relation, level: str, entities: tuple[Entity, ...] = ALL) -> Scores:
    return score_relations({"d": right}, {"d": (entities, relations)}, TYPES, level)  # type: ignore[arg-type]


BOTH = pytest.mark.parametrize("level", ["mention", "document"])


@BOTH
def test_label_and_both_ends_have_to_be_right(level: str) -> None:
    right = gold(relation("a", "x"), relation("b", "x"), relation("a", "y", "treats"))
    scores = scored(right, relation("a", "x"), relation("a", "y"), relation("b", "x", "treats"), level=level)
    assert scores.by_label == {"CID": Counts(1, 1, 1), "treats": Counts(0, 1, 1), "interacts": Counts()}
    assert scores.overall == Counts(1, 2, 2)
    assert scores.by_document == {"d": Counts(1, 2, 2)}


@BOTH
def test_mentions_are_met_by_label_and_spans_not_by_id(level: str) -> None:
    entities = (replace(A, id="x", concepts=()), replace(X, id="a", concepts=()))
    right = gold(relation("a", "x"))
    assert scored(right, relation("x", "a"), level=level, entities=entities).overall == Counts(1, 0, 0)
    moved = (entities[0], replace(entities[1], spans=(Span(10, 13),)))
    assert scored(right, relation("x", "a"), level=level, entities=moved).overall == Counts(0, 1, 1)
    other = (replace(entities[0], label="Disease"), entities[1])
    assert scored(right, relation("x", "a"), level=level, entities=other).overall == Counts(0, 1, 1)


@BOTH
def test_the_ends_of_a_symmetric_type_may_be_exchanged_and_those_of_others_may_not(level: str) -> None:
    right = gold(relation("a", "b", "interacts"))
    assert scored(right, relation("b", "a", "interacts"), level=level).overall == Counts(1, 0, 0)
    both = (relation("a", "b", "interacts"), relation("b", "a", "interacts"))
    assert scored(right, *both, level=level).overall == Counts(1, 0, 0)
    assert scored(gold(relation("a", "x")), relation("x", "a"), level=level).overall == Counts(0, 1, 1)


@BOTH
def test_a_relation_without_direction_is_taken_as_the_types_permit(level: str) -> None:
    right = gold(relation("x", "a", directed=False))
    assert scored(right, relation("a", "x"), level=level).overall == Counts(1, 0, 0)


@BOTH
def test_the_same_relation_twice_counts_once(level: str) -> None:
    twice = (relation("a", "x"), replace(relation("a", "x"), id="again"))
    wrong = (relation("b", "x"), replace(relation("b", "x"), id="again"))
    assert scored(gold(*twice), *twice, *wrong, level=level).overall == Counts(1, 1, 0)


@BOTH
def test_labels_that_were_not_asked_for_do_not_count(level: str) -> None:
    right = gold(relation("a", "x", "cures"), ConceptRelation("cures", "C1", "D1"), relation("a", "y"))
    assert scored(right, relation("b", "x", "cures"), relation("a", "y"), level=level).overall == Counts(1, 0, 0)


@BOTH
def test_a_document_without_prediction_is_missed_and_one_without_gold_is_not_scored(level: str) -> None:
    found = score_relations({"d": gold(relation("a", "x"))}, {"e": (ALL, (relation("a", "x"),))}, TYPES, level)  # type: ignore[arg-type]
    assert found.by_document == {"d": Counts(0, 0, 1)}
    assert found.overall == Counts(0, 0, 1)


@BOTH
def test_what_no_mention_is_linked_to_is_missed(level: str) -> None:
    right = gold(ConceptRelation("CID", "C1", "D9"), ConceptRelation("CID", "C1", "D8"))
    assert scored(right, relation("a", "x"), level=level).overall == Counts(0, 1, 2)


def test_by_mention_a_gold_relation_between_concepts_is_one_between_all_their_mentions() -> None:
    again = mention("a2", 6, "Chemical", "C1")
    disease = mention("a3", 7, "Disease", "C1")  # its type does not permit the relation
    right = gold(ConceptRelation("CID", "C1", "MESH:D1"), entities=(*ALL, again, disease))
    said = scored(right, relation("a2", "x"), level="mention", entities=(*ALL, again))
    assert said.overall == Counts(1, 0, 1)


def test_by_document_any_of_the_mentions_will_do_and_all_of_them_count_once() -> None:
    again, wrong = mention("a2", 6, "Chemical", "C1"), mention("b2", 7, "Chemical", "C2")
    entities = (*ALL, again, wrong)
    for right in (
        gold(ConceptRelation("CID", "C1", "D1"), entities=entities),
        gold(relation("a", "x"), entities=entities),
    ):
        for heads in (["a"], ["a2"], ["a", "a2"]):
            said = [relation(head, "x") for head in heads]
            assert scored(right, *said, level="document", entities=entities).overall == Counts(1, 0, 0)
        said = [relation(head, "y") for head in ("a", "a2", "b", "b2")]
        assert scored(right, *said, level="document", entities=entities).overall == Counts(0, 2, 1)


def test_the_same_relation_between_mentions_and_between_concepts_is_one() -> None:
    right = gold(relation("a", "x"), ConceptRelation("CID", "C1", "D1"), ConceptRelation("CID", "MESH:C1", "D1"))
    assert scored(right, level="document").overall == Counts(0, 0, 1)


def test_a_predicted_mention_has_the_concepts_of_the_gold_mention() -> None:
    right = gold(ConceptRelation("CID", "C1", "D1"))
    bare = tuple(replace(entity, concepts=()) for entity in ALL)
    assert scored(right, relation("a", "x"), level="document", entities=bare).overall == Counts(1, 0, 0)
    misled = (replace(B, concepts=A.concepts), X)
    assert scored(right, relation("b", "x"), level="document", entities=misled).overall == Counts(0, 1, 1)


def test_a_predicted_mention_that_is_not_in_the_gold_is_wrong_once_for_each_spelling() -> None:
    right = gold(ConceptRelation("CID", "C1", "D1"), entities=(B, X, Y))
    spurious = (mention("a", 0), mention("a2", 6))
    said = (relation("a", "x"), relation("a2", "x"), relation("a2", "y"))
    assert scored(right, *said, level="document", entities=(*spurious, X, Y)).overall == Counts(0, 2, 1)


def test_a_predicted_mention_that_is_not_in_the_gold_goes_with_one_that_is_spelled_alike() -> None:
    right = gold(ConceptRelation("CID", "C1", "D1"))
    elsewhere = mention("z", 6)
    said = relation("z", "x")
    # nothing vouches for it, unless the mention of the gold was found as well
    assert scored(right, said, level="document", entities=(elsewhere, X)).overall == Counts(0, 1, 1)
    assert scored(right, said, level="document", entities=(elsewhere, A, X)).overall == Counts(1, 0, 0)
    assert scored(right, said, relation("a", "x"), level="document", entities=(elsewhere, A, X)).overall == Counts(1)


def test_gold_mentions_without_concepts_are_met_by_their_spelling() -> None:
    one, again = mention("a", 0), mention("a2", 6)
    right = gold(relation("a", "x"), entities=(one, again, X))
    assert scored(right, relation("a2", "x"), level="document", entities=(one, again, X)).overall == Counts(1, 0, 0)


def test_a_composite_mention_is_right_if_one_of_its_pairs_is() -> None:
    composite = mention("a", 0, "Chemical", "C1", "C2")
    entities = (composite, X, Y)
    one = gold(ConceptRelation("CID", "C2", "D1"), entities=entities)
    assert scored(one, relation("a", "x"), level="document", entities=entities).overall == Counts(1, 0, 0)
    assert scored(one, relation("a", "y"), level="document", entities=entities).overall == Counts(0, 1, 1)
    both = gold(ConceptRelation("CID", "C1", "D1"), ConceptRelation("CID", "C2", "D1"), entities=entities)
    assert scored(both, relation("a", "x"), level="document", entities=entities).overall == Counts(2, 0, 0)
    # a gold relation of the composite mention is one, whichever of its concepts is meant
    drawn = gold(relation("a", "x"), entities=entities)
    assert scored(drawn, relation("a", "x"), level="document", entities=entities).overall == Counts(1, 0, 0)
    assert scored(drawn, level="document", entities=entities).overall == Counts(0, 0, 1)


def test_what_means_more_than_another_relation_does_not_count_again() -> None:
    composite = mention("c", 4, "Chemical", "C1", "C2")
    entities = (*ALL, composite)
    right = gold(ConceptRelation("CID", "C1", "D2"), entities=entities)
    said = (relation("a", "x"), relation("c", "x"))
    assert scored(right, *said, level="document", entities=entities).overall == Counts(0, 1, 1)
    right = gold(relation("a", "x"), relation("c", "x"), entities=entities)
    assert scored(right, relation("a", "x"), level="document", entities=entities).overall == Counts(1, 0, 0)
    # the gold may mean it, by the composite mention; so it is not wrong, but finds nothing further either
    assert scored(right, relation("b", "x"), level="document", entities=entities).overall == Counts(0, 0, 1)


# disputes


@BOTH
def test_a_disputed_relation_is_neither_missed_nor_wrong(level: str) -> None:
    disputed = Disputed(relations=(relation("a", "x"),))
    right = replace(gold(relation("b", "x")), disputed=disputed)
    assert scored(right, relation("b", "x"), level=level).overall == Counts(1, 0, 0)
    assert scored(right, relation("b", "x"), relation("a", "x"), level=level).overall == Counts(1, 0, 0)
    assert scored(right, relation("a", "x"), level=level).overall == Counts(0, 0, 1)
    # nobody has drawn it with another label, or the other way round
    assert scored(right, relation("a", "x", "treats"), level=level).overall == Counts(0, 1, 1)
    assert scored(right, relation("x", "a"), level=level).overall == Counts(0, 1, 1)


@BOTH
def test_a_relation_of_a_disputed_mention_is_not_counted(level: str) -> None:
    disputed = Disputed((Y,), (relation("a", "y"),))
    right = replace(gold(relation("a", "x"), entities=(A, B, X)), disputed=disputed)
    for said in (relation("a", "y"), relation("b", "y")):
        assert scored(right, said, level=level).overall == Counts(0, 0, 1)
        assert scored(right, said, relation("a", "x"), level=level).overall == Counts(1, 0, 0)
    # nor is one of another version of that mention
    longer = replace(Y, spans=(Span(15, 21),), concepts=())
    assert scored(right, relation("b", "y"), level=level, entities=(A, B, X, longer)).overall == Counts(0, 0, 1)
    # one of a mention elsewhere is wrong
    elsewhere = replace(Y, spans=(Span(25, 29),))
    assert scored(right, relation("b", "y"), level=level, entities=(A, B, X, elsewhere)).overall == Counts(0, 1, 1)


def test_a_pair_of_concepts_is_found_at_a_disputed_mention_too() -> None:
    again = mention("z", 5, "Disease", "D1")
    right = replace(gold(relation("a", "x")), disputed=Disputed((again,), (relation("a", "z"),)))
    said = (A, B, X, Y, again)
    assert scored(right, relation("a", "z"), level="document", entities=said).overall == Counts(1, 0, 0)
    assert scored(right, relation("a", "z"), level="mention", entities=said).overall == Counts(0, 0, 1)


@BOTH
def test_disputed_relations_between_concepts_are_masked(level: str) -> None:
    right = replace(gold(), disputed=Disputed(concept_relations=(ConceptRelation("CID", "C1", "D1"),)))
    assert scored(right, relation("a", "x"), level=level).overall == Counts()
    assert scored(right, relation("a", "x"), relation("b", "x"), level=level).overall == Counts(0, 1, 0)


@BOTH
def test_without_a_dispute_the_relations_of_a_document_count_as_before(level: str) -> None:
    right = gold(relation("a", "x"), ConceptRelation("CID", "C2", "D2"))
    said = (relation("a", "x"), relation("a", "y"))
    assert scored(replace(right, disputed=Disputed()), *said, level=level) == scored(right, *said, level=level)
