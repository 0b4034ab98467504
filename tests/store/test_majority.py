"""What is decided where several people annotated one document."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from biorat_al.corpus.model import Annotation, Concept, ConceptRelation, Document, Entity, Relation, Span
from biorat_al.corpus.same import mention_key
from biorat_al.corpus.validation import check_annotation
from biorat_al.store.majority import alone, majority


def entity(ident: str, label: str = "X", *spans: tuple[int, int], concepts: tuple[Concept, ...] = ()) -> Entity:
    return Entity(ident, label, tuple(Span(*span) for span in spans or [(0, 3)]), concepts)


def shown(annotation: Annotation) -> list[tuple[str, str, list[tuple[int, int]]]]:
    return [(one.id, one.label, [tuple(span) for span in one.spans]) for one in annotation.entities]


def test_more_than_half_of_three_decide() -> None:
    one = Annotation((entity("a"), entity("b", "X", (5, 6))))
    two = Annotation((entity("c"), entity("d", "Y", (5, 6))))
    three = Annotation((entity("e"), entity("f", "Y", (5, 6))))
    decided = majority([one, two, three])
    assert shown(decided.annotation) == [("a", "X", [(0, 3)]), ("d", "Y", [(5, 6)])]
    assert (decided.ties, decided.outvoted) == ((), 1)
    assert {ident: list(voters) for ident, voters in decided.entities.items()} == {"a": [0, 1, 2], "d": [1, 2]}
    assert decided.entities["d"][2].id == "f"


def test_a_tie_is_left_out_and_listed_unless_the_preferred_annotator_has_it() -> None:
    one = Annotation((entity("a"), entity("b", "X", (5, 6))))
    two = Annotation((entity("a"), entity("c", "Y", (5, 6))))
    decided = majority([one, two])
    assert shown(decided.annotation) == [("a", "X", [(0, 3)])]
    assert [(tie.kind, tie.label, tie.voters, tie.kept) for tie in decided.ties] == [
        ("entity", "X", (0,), False),
        ("entity", "Y", (1,), False),
    ]
    decided = majority([one, two], preferred=0)
    assert decided.annotation == one
    assert [tie.kept for tie in decided.ties] == [True, False]


def test_pieces_in_another_order_are_the_same_mention_and_the_same_twice_counts_once() -> None:
    one = Annotation((entity("a", "X", (0, 1), (4, 5)), entity("again", "X", (0, 1), (4, 5))))
    two = Annotation((entity("b", "X", (4, 5), (0, 1)),))
    three = Annotation()
    assert shown(majority([three, one, two]).annotation) == [("a", "X", [(0, 1), (4, 5)])]
    assert majority([three, three, one]).annotation == Annotation()


def test_relations_follow_their_ends_and_ids_do_not_clash() -> None:
    one = Annotation((entity("a"), entity("b", "X", (5, 6))), (Relation("r", "with", "a", "b"),))
    two = Annotation((entity("b"), entity("a", "X", (5, 6))), (Relation("q", "with", "b", "a"),))
    three = Annotation((entity("a", "Z", (8, 9)),), ())
    four = Annotation((entity("a", "Z", (8, 9)),))
    decided = majority([one, two, three])
    assert decided.annotation.relations == (Relation("r", "with", "a", "b"),)
    assert list(decided.relations["r"]) == [0, 1]
    tied = majority([one, two, three, four], preferred=2)
    assert shown(tied.annotation) == [("a", "Z", [(8, 9)])]
    assert [(tie.kind, tie.kept) for tie in tied.ties] == [
        ("entity", False), ("entity", False), ("entity", True), ("relation", False),
    ]  # fmt: skip
    clash = majority([one, three, one, three, two], preferred=1)
    assert [one.id for one in clash.annotation.entities] == ["a", "b"]
    both = majority(
        [Annotation((entity("a"),)), Annotation((entity("a", "Y"), entity("b"))), Annotation((entity("a", "Y"),))]
    )
    assert [(one.id, one.label) for one in both.annotation.entities] == [("a", "X"), ("a-2", "Y")]


def test_an_undirected_relation_has_no_first_end() -> None:
    ends = (entity("a"), entity("b", "X", (5, 6)))
    one = Annotation(ends, (Relation("r", "with", "a", "b", directed=False),))
    two = Annotation(ends, (Relation("r", "with", "b", "a", directed=False),))
    assert len(majority([one, two]).annotation.relations) == 1
    directed = [Annotation(ends, (Relation("r", "with", *pair),)) for pair in (("a", "b"), ("b", "a"))]
    assert [tie.kind for tie in majority(directed).ties] == ["relation", "relation"]


def test_concepts_are_decided_by_those_who_have_the_mention() -> None:
    first, second = Concept("MESH", "D1"), Concept("MESH", "D2")
    versions = [
        Annotation((entity("a", concepts=(first,)),), (), (ConceptRelation("CID", "D1", "D2"),)),
        Annotation((entity("b", concepts=(second, first)),), (), (ConceptRelation("CID", "D1", "D2"),)),
        Annotation((), (), (ConceptRelation("CID", "D3", "D2"),)),
    ]
    decided = majority(versions)
    assert decided.annotation.entities[0].concepts == (first,)
    assert decided.annotation.concept_relations == (ConceptRelation("CID", "D1", "D2"),)
    assert decided.concept_relations == {ConceptRelation("CID", "D1", "D2"): (0, 1)}
    assert majority(versions[1::-1]).annotation.entities[0].concepts == (second, first)


def test_one_annotation_stays_as_it_is() -> None:
    annotation = Annotation((entity("a"), entity("b")), (Relation("r", "x", "a", "b"),), extras={"note": 1})
    assert alone(annotation).annotation is annotation
    assert set(alone(annotation).entities) == {"a", "b"}


KEYS = st.tuples(st.sampled_from("XY"), st.sampled_from([((0, 1),), ((1, 3),), ((0, 1), (4, 5))]))


@given(st.lists(st.lists(KEYS, max_size=5), min_size=2, max_size=5), st.none() | st.integers(0, 1))
def test_every_mention_is_kept_outvoted_or_a_tie(
    people: list[list[tuple[str, tuple[tuple[int, int], ...]]]], preferred: int | None
) -> None:
    annotations = []
    for mentions in people:
        entities = tuple(entity(f"T{n}", label, *spans) for n, (label, spans) in enumerate(mentions))
        pairs = pairwise(entities)
        annotations.append(
            Annotation(entities, tuple(Relation(f"R{n}", "r", a.id, b.id) for n, (a, b) in enumerate(pairs)))
        )
    decided = majority(annotations, preferred)
    check_annotation(Document("1", "x" * 9), decided.annotation)
    kept = {mention_key(one) for one in decided.annotation.entities}
    tied = {mention_key(tie.entities[0]) for tie in decided.ties if tie.kind == "entity"}
    for key in {mention_key(one) for annotation in annotations for one in annotation.entities}:
        count = sum(key in map(mention_key, annotation.entities) for annotation in annotations)
        assert (key in tied) == (2 * count == len(people))
        has = preferred is not None and key in map(mention_key, annotations[preferred].entities)
        assert (key in kept) == (2 * count > len(people) or (2 * count == len(people) and has))
