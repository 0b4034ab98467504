"""What is decided where several people annotated one document."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from biorat_al.corpus.model.checks import check_annotation
from biorat_al.corpus.model.document import Annotation, Concept, ConceptRelation, Document, Entity, Relation, Span
from biorat_al.corpus.model.identity import mention_key
from biorat_al.corpus.model.unasked import Unasked
from biorat_al.store.consensus.majority import alone, majority


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
    # one of the two who have the mention has linked the second
    tied = majority(versions[1::-1])
    assert tied.annotation.entities[0].concepts == (first,)


def test_a_concept_that_one_of_two_linked_is_a_tie_and_not_the_first_annotators_to_decide() -> None:
    first, second = Concept("MESH", "D1"), Concept("MESH", "D2")
    one, two = Annotation((entity("a", concepts=(first,)),)), Annotation((entity("b", concepts=(second,)),))
    for people in ([one, two], [two, one]):
        decided = majority(people)
        assert [mention.concepts for mention in decided.annotation.entities] == [()]
        assert [(tie.kind, tie.label, tie.kept, tie.among) for tie in decided.ties] == [
            ("concept", f"MESH:D{n}", False, (0, 1)) for n in ((1, 2) if people[0] is one else (2, 1))
        ]
        assert decided.disputed_concepts == 2
        assert not decided.disputed, "the mention is agreed on"
    decided = majority([one, two], preferred=0)
    assert decided.annotation == one
    assert ([tie.kept for tie in decided.ties], decided.disputed_concepts) == ([True, False], 0)
    # whoever is preferred and has not marked the mention decides nothing about it
    decided = majority([Annotation(), one, two, one, two], preferred=0)
    assert (decided.annotation.entities[0].concepts, decided.disputed_concepts) == ((), 2)
    assert {tie.among for tie in decided.ties} == {(1, 2, 3, 4)}


def event(trigger: str) -> dict[str, list[dict[str, str]]]:
    return {"events": [{"id": "E1", "type": "Growth", "trigger": trigger}]}


def test_what_formats_carry_beyond_is_kept_where_all_agree_and_else_counted() -> None:
    def person(ident: str, value: str, **extras: object) -> Annotation:
        mentions = (
            replace(entity(ident), extras={"certainty": value, "code": 7}),
            replace(entity("t", "Y", (5, 6)), extras={}),
        )
        return Annotation(mentions, (Relation("r", "with", ident, "t", extras={"sign": value}),), extras=extras)

    same = majority([person("a", "high", **event("t")), person("b", "high", **event("t"))])
    assert same.annotation == person("a", "high", **event("t"))
    assert not same.left_out
    differing = majority([person("a", "high", **event("t")), person("b", "low", **event("a"))])
    assert [dict(one.extras) for one in differing.annotation.entities] == [{"code": 7}, {}]
    assert dict(differing.annotation.relations[0].extras) == {}
    assert dict(differing.annotation.extras) == {}
    assert differing.left_out == {"certainty": 1, "sign": 1, "events": 1}
    # one of them may have worked where there is no place for it
    alone_with_it = majority([Annotation(person("a", "high").entities), person("b", "high", **event("t"))])
    assert dict(alone_with_it.annotation.extras) == event("t")
    decided = majority([person("a", "high", **event("t")), person("b", "low", **event("b"))], preferred=0)
    assert decided.annotation == person("a", "high", **event("t"))
    assert not decided.left_out


def test_an_event_whose_mention_is_left_out_or_renamed_is_left_out_and_counted() -> None:
    both = entity("t", "Y", (5, 6))
    one = Annotation((entity("a"), both), extras=event("a"))
    lost = majority([one, Annotation((both,), extras=event("a"))])
    assert (dict(lost.annotation.extras), lost.left_out) == ({}, {"events": 1})
    # the same id is another mention to the other annotator
    other = Annotation((entity("t"), replace(both, id="a")), extras=event("a"))
    renamed = majority([one, other])
    assert (dict(renamed.annotation.extras), renamed.left_out) == ({}, {"events": 1})


def test_the_notes_of_both_annotators_on_one_mention_are_kept() -> None:
    people = [Annotation((replace(entity("a"), extras={"note": note}),)) for note in ("sure?", "see page 2", "sure?")]
    decided = majority(people)
    assert decided.annotation.entities[0].extras == {"note": "sure?\nsee page 2"}
    assert not decided.left_out


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


def disputed(*annotations: Annotation, preferred: int | None = None) -> list[tuple[str, list[tuple[int, int]]]]:
    """Return label and spans of the disputed mentions."""
    found = majority(annotations, preferred).disputed.entities
    return [(one.label, [tuple(span) for span in one.spans]) for one in found]


def test_where_two_disagree_each_version_is_disputed_and_what_they_agree_on_is_not() -> None:
    one = Annotation((entity("a"), entity("b", "X", (5, 6)), entity("c", "X", (10, 14))))
    two = Annotation((entity("a"), entity("b", "Y", (5, 6)), entity("c", "X", (10, 18))))
    assert disputed(one, two) == [("X", [(5, 6)]), ("Y", [(5, 6)]), ("X", [(10, 14)]), ("X", [(10, 18)])]
    assert disputed(one, one) == []
    ids = [one.id for one in majority([one, two]).disputed.entities]
    assert len({*ids, "a"}) == 5, "no disputed mention has the id of another, or of a decided one"


def test_the_preferred_annotators_answer_settles_ties_both_ways() -> None:
    one, two = Annotation((entity("a"), entity("b", "X", (5, 6)))), Annotation((entity("a"),))
    assert disputed(one, two) == [("X", [(5, 6)])]
    assert disputed(one, two, preferred=0) == disputed(one, two, preferred=1) == []


def test_what_a_minority_of_three_has_stays_outvoted() -> None:
    nothing, marked = Annotation((entity("a"),)), Annotation((entity("a"), entity("b", "X", (5, 6))))
    assert disputed(nothing, nothing, marked) == []
    # a version that two of three have outvotes the third's
    longer = Annotation((entity("a", "X", (0, 9)),))
    assert disputed(nothing, nothing, longer) == []


def test_three_people_with_three_borders_or_labels_do_not_teach_that_there_is_nothing() -> None:
    borders = [Annotation((entity("a", "X", (0, end)),)) for end in (3, 5, 7)]
    assert disputed(*borders) == [("X", [(0, 3)]), ("X", [(0, 5)]), ("X", [(0, 7)])]
    assert majority(borders).annotation == Annotation()
    labels = [Annotation((entity("a", label),)) for label in "XYZ"]
    assert [label for label, _ in disputed(*labels)] == ["X", "Y", "Z"]
    # two of three mark something, and one marks nothing
    assert len(disputed(*borders[:2], Annotation())) == 2
    # two other mentions in different places are outvoted, each for itself
    assert disputed(borders[0], Annotation((entity("a", "X", (8, 9)),)), Annotation()) == []
    # other labels that only share characters are other mentions
    assert disputed(borders[0], Annotation((entity("a", "Y", (0, 9)),)), Annotation()) == []


def test_a_disputed_relation_keeps_its_ends_whether_these_are_disputed_or_not() -> None:
    ends = (entity("a"), entity("b", "X", (5, 6)))
    between = (Relation("r", "with", "a", "b"), Relation("s", "with", "a", "c"))
    one = Annotation((*ends, entity("c", "Y", (8, 9))), between)
    two = Annotation(ends)
    found = majority([one, two])
    (mention,) = found.disputed.entities
    assert [(r.head, r.tail) for r in found.disputed.relations] == [("a", "b"), ("a", mention.id)]
    assert {"a", "b"} == {kept.id for kept in found.annotation.entities}
    assert not majority([one, two], preferred=1).disputed


def test_three_labels_for_one_pair_are_disputed_and_a_relation_to_an_outvoted_mention_is_not() -> None:
    ends = (entity("a"), entity("b", "X", (5, 6)))
    people = [Annotation(ends, (Relation("r", label, "a", "b"),)) for label in ("up", "down", "with")]
    assert [one.label for one in majority(people).disputed.relations] == ["up", "down", "with"]
    further = Annotation((*ends, entity("c", "Y", (8, 9))), (Relation("r", "with", "a", "c"),))
    assert not majority([further, Annotation(ends), Annotation(ends)]).disputed
    # three versions of its end leave the relation as open as the mention
    borders = [
        Annotation((*ends, entity("c", "Y", (8, end))), (Relation("r", "with", "a", "c"),)) for end in (9, 10, 11)
    ]
    assert len(majority(borders).disputed.relations) == 3


def test_relations_between_concepts_are_disputed_likewise() -> None:
    one, other = ConceptRelation("up", "D1", "D2"), ConceptRelation("down", "D2", "D1")
    both = [Annotation(concept_relations=(stated,)) for stated in (one, other)]
    assert majority(both).disputed.concept_relations == (one, other)
    assert majority([*both, Annotation()]).disputed.concept_relations == (one, other)
    assert not majority([both[0], Annotation(), Annotation()]).disputed


@given(st.lists(st.lists(KEYS, max_size=5), min_size=2, max_size=5), st.none() | st.integers(0, 1))
def test_no_mention_is_both_decided_and_disputed(
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
    kept = {mention_key(one) for one in decided.annotation.entities}
    masked = {mention_key(one) for one in decided.disputed.entities}
    assert not kept & masked
    tied = {mention_key(tie.entities[0]) for tie in decided.ties if tie.kind == "entity"}
    assert masked >= tied if preferred is None else not masked & tied
    if len(people) == 2:
        assert masked == (tied if preferred is None else set())
    # everything can be read as one annotation
    everything = Annotation((*decided.annotation.entities, *decided.disputed.entities), decided.disputed.relations)
    check_annotation(Document("1", "x" * 9), everything)


NO_Y = Unasked(frozenset({"Y"}))


def test_who_could_not_choose_a_label_has_no_vote_on_it() -> None:
    early, late = Annotation((entity("a"),)), Annotation((entity("b"), entity("c", "Y", (5, 6))))
    asked = majority([early, late])
    assert [(tie.label, tie.among) for tie in asked.ties] == [("Y", ())]
    assert asked.disputed.entities
    decided = majority([early, late], unasked=[NO_Y, Unasked()])
    assert shown(decided.annotation) == [("a", "X", [(0, 3)]), ("c", "Y", [(5, 6)])]
    assert not decided.ties
    assert not decided.disputed
    # two who could choose it, and do not agree
    decided = majority([early, late, Annotation((entity("d"),))], unasked=[NO_Y, Unasked(), Unasked()])
    assert [(tie.label, tie.voters, tie.among) for tie in decided.ties] == [("Y", (1,), (1, 2))]
    assert [one.label for one in decided.disputed.entities] == ["Y"]
    # nor does a preferred annotator decide what that annotator was not asked
    decided = majority([early, late, Annotation((entity("d"),))], preferred=0, unasked=[NO_Y, Unasked(), Unasked()])
    assert [one.label for one in decided.disputed.entities] == ["Y"]


def test_who_could_not_choose_an_end_or_the_label_has_no_vote_on_a_relation() -> None:
    ends = entity("a"), entity("b", "Y", (5, 6))
    early, late = Annotation(ends[:1]), Annotation(ends, (Relation("r", "with", "a", "b"),))
    assert majority([early, late], unasked=[NO_Y, Unasked()]).annotation.relations == late.relations
    both = Annotation(ends)
    assert not majority([both, late]).annotation.relations
    no_relations = Unasked(relations=frozenset({"with"}))
    assert majority([both, late], unasked=[no_relations, Unasked()]).annotation.relations == late.relations
    stated = Annotation((), (), (ConceptRelation("with", "C1", "C2"),))
    found = majority([Annotation(), stated], unasked=[no_relations, Unasked()])
    assert found.annotation.concept_relations == stated.concept_relations


@given(
    st.lists(st.sampled_from([Annotation(), Annotation((entity("a"),)), Annotation((entity("b", "Y"),))]), min_size=2)
)
def test_what_nobody_has_marked_changes_no_decision(annotations: list[Annotation]) -> None:
    others = [Unasked(frozenset({"Z"}), frozenset({"with"}))] * len(annotations)
    assert majority(annotations, unasked=others) == majority(annotations)
    assert majority(annotations, unasked=[Unasked()] * len(annotations)) == majority(annotations)
