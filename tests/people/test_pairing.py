"""Pairs of mentions of two annotators."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from biorat_al.corpus.model.document import Entity
from biorat_al.corpus.model.identity import mention_key
from biorat_al.people.pairing import MentionPair, pair_mentions, shared_characters
from tests.people.factories import mention, mentions

SHORT, LONG = mention("Disease", (22, 30)), mention("Disease", (15, 30))
OTHER = mention("Symptom", (22, 30))


def test_each_kind_of_difference() -> None:
    drug, rest = mention("Chemical", (0, 7)), mention("Disease", (40, 44))
    assert pair_mentions([rest, SHORT, drug], [drug, LONG]) == [
        MentionPair(drug, drug, None), MentionPair(SHORT, LONG, "boundary"), MentionPair(rest, None, "missed"),
    ]  # fmt: skip
    assert pair_mentions([SHORT], [OTHER, rest]) == [
        MentionPair(SHORT, OTHER, "label"),
        MentionPair(None, rest, "extra"),
    ]
    assert pair_mentions([LONG], [OTHER]) == [MentionPair(LONG, OTHER, "label and boundary")]


def test_mentions_that_only_touch_do_not_answer_to_each_other() -> None:
    first, second = mention("Disease", (0, 5)), mention("Disease", (5, 9))
    assert {pair.difference for pair in pair_mentions([first], [second])} == {"missed", "extra"}


def test_the_same_label_goes_before_the_same_spans() -> None:
    assert pair_mentions([SHORT], [OTHER, LONG]) == [
        MentionPair(SHORT, LONG, "boundary"),
        MentionPair(None, OTHER, "extra"),
    ]


def test_most_characters_in_common_go_first() -> None:
    little, much = mention("Disease", (10, 23)), mention("Disease", (23, 40))
    assert pair_mentions([SHORT], [little, much]) == [
        MentionPair(None, little, "extra"), MentionPair(SHORT, much, "boundary"),
    ]  # fmt: skip


def test_one_long_mention_answers_to_one_of_the_mentions_within_it() -> None:
    parts = [mention("Disease", (0, 3)), mention("Disease", (4, 9))]
    kinds = [pair.difference for pair in pair_mentions([mention("Disease", (0, 9))], parts)]
    assert sorted(map(str, kinds)) == ["boundary", "extra"]


def test_pieces_of_a_discontinuous_mention_count_without_what_is_between_them() -> None:
    around, between = mention("Disease", (0, 4), (9, 12)), mention("Disease", (4, 9))
    assert shared_characters(around, between) == 0
    assert {pair.difference for pair in pair_mentions([around], [between])} == {"missed", "extra"}
    assert shared_characters(around, mention("Disease", (3, 11))) == 3
    turned = Entity("x", "Disease", around.spans[::-1])
    assert pair_mentions([around], [turned]) == [MentionPair(around, turned, None)]


def test_a_mention_marked_twice_counts_once() -> None:
    assert pair_mentions([SHORT, SHORT], [SHORT]) == [MentionPair(SHORT, SHORT, None)]


def outline(pairs: list[MentionPair], *, exchanged: bool = False) -> Counter[object]:
    """Return pairs without the ids of mentions."""
    back = {"missed": "extra", "extra": "missed"}
    found: Counter[object] = Counter()
    for first, second, difference in pairs:
        sides = [None if one is None else mention_key(one) for one in (first, second)]
        kind = back.get(str(difference), difference) if exchanged else difference
        found[(*(sides[::-1] if exchanged else sides), kind)] += 1
    return found


@given(mentions(), mentions(), st.data())
def test_neither_the_order_of_mentions_nor_that_of_annotators_matters(
    first: list[Entity], second: list[Entity], data: st.DataObject
) -> None:
    expected = outline(pair_mentions(first, second))
    shuffled = [data.draw(st.permutations(side)) for side in (first, second)]
    assert outline(pair_mentions(*shuffled)) == expected
    assert outline(pair_mentions(second, first), exchanged=True) == expected


@given(mentions(), mentions())
def test_every_mention_is_in_one_pair_and_none_is_left_that_could_be_paired(
    first: list[Entity], second: list[Entity]
) -> None:
    pairs = pair_mentions(first, second)
    for place, side in enumerate((first, second)):
        keys = [mention_key(pair[place]) for pair in pairs if pair[place] is not None]  # type: ignore[arg-type]
        assert len(keys) == len(set(keys))
        assert set(keys) == {mention_key(entity) for entity in side}
    alone = [[pair[place] for pair in pairs if pair[1 - place] is None] for place in (0, 1)]
    assert not any(shared_characters(one, other) for one in alone[0] for other in alone[1] if one and other)
