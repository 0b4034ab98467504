"""What makes mentions and relations the same."""

from __future__ import annotations

import pytest

from biorat_al.corpus.model.document import Annotation, Entity, Relation, Span
from biorat_al.corpus.model.identity import mention_key, relation_keys


def entity(ident: str, label: str, *spans: tuple[int, int]) -> Entity:
    return Entity(ident, label, tuple(Span(*span) for span in spans))


def test_a_mention_is_its_label_and_its_spans_in_any_order() -> None:
    one = mention_key(entity("a", "X", (0, 2), (4, 6)))
    assert one == mention_key(entity("b", "X", (4, 6), (0, 2)))
    assert one != mention_key(entity("a", "Y", (0, 2), (4, 6)))
    assert one != mention_key(entity("a", "X", (0, 2)))


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (Relation("r9", "treats", "B", "A"), True),
        (Relation("r1", "treats", "A", "B"), False),
        (Relation("r1", "causes", "B", "A"), False),
        (Relation("r1", "treats", "B", "A", directed=False), False),
        (Relation("r1", "treats", "B", "C"), False),
    ],
    ids=["other ids", "turned round", "other label", "without direction", "other end"],
)
def test_a_relation_is_its_label_its_direction_and_its_ends(other: Relation, same: bool) -> None:
    one = Annotation((entity("a", "X", (0, 2)), entity("b", "Y", (4, 6))), (Relation("r1", "treats", "a", "b"),))
    # what the mentions are called does not count
    ends = (entity("B", "X", (0, 2)), entity("A", "Y", (4, 6)), entity("C", "Y", (7, 9)))
    assert (set(relation_keys(one).values()) == set(relation_keys(Annotation(ends, (other,))).values())) is same


def test_without_a_direction_the_ends_can_be_exchanged() -> None:
    ends = (entity("a", "X", (0, 2)), entity("b", "X", (4, 6)))
    pair = (Relation("r1", "with", "a", "b", directed=False), Relation("r2", "with", "b", "a", directed=False))
    keys = relation_keys(Annotation(ends, pair))
    assert keys["r1"] == keys["r2"]
    assert list(keys) == ["r1", "r2"]
