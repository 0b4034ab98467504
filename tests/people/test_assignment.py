"""Documents are spread over the annotators of a group."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biorat_al.people.assignment import Assignable, Assigned, GroupLoad, assign, assign_second, draw_share

seconds = st.floats(1, 10_000)
seeds = st.integers(0, 2**32 - 1)


@st.composite
def batches(draw: st.DrawFn, *, doubles: bool = True) -> list[Assignable]:
    lengths = draw(st.lists(seconds, max_size=25))
    return [
        Assignable(number, length, doubles and draw(st.booleans()))
        for number, length in enumerate(lengths, start=draw(st.integers(1, 1000)))
    ]


@st.composite
def groups(draw: st.DrawFn) -> GroupLoad:
    people = draw(st.lists(st.integers(1, 99), min_size=2, max_size=5, unique=True))
    loads = {person: draw(st.floats(0, 10_000)) for person in people if draw(st.booleans())}
    paired = {pair: draw(st.integers(0, 9)) for pair in combinations(sorted(people), 2) if draw(st.booleans())}
    return GroupLoad(people, loads, paired)


def people_of(given_to: list[Assigned]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for one in given_to:
        found.setdefault(one.document, []).append(one.person)
    return found


@given(batches(), groups(), seeds)
def test_every_document_has_one_person_or_two_different_ones(
    batch: list[Assignable], group: GroupLoad, seed: int
) -> None:
    found = people_of(assign(batch, group, seed=seed))
    assert set(found) == {one.document for one in batch}
    for one in batch:
        assert len(found[one.document]) == len(set(found[one.document])) == 1 + one.double
        assert set(found[one.document]) <= set(group.people)


@given(batches(doubles=False), st.integers(1, 5), seeds)
def test_loads_differ_by_at_most_the_largest_document(batch: list[Assignable], people: int, seed: int) -> None:
    loads = dict.fromkeys(range(people), 0.0)
    for one in assign(batch, GroupLoad(range(people), {}, {}), seed=seed):
        loads[one.person] += one.seconds
    largest = max((one.seconds for one in batch), default=0.0)
    assert max(loads.values()) - min(loads.values()) <= largest + 1e-6


@given(batches(), st.lists(st.none() | st.integers(2000, 2004), min_size=25, max_size=25), groups(), seeds)
def test_sentences_of_one_document_go_to_the_same_people(
    batch: list[Assignable], parents: list[int | None], group: GroupLoad, seed: int
) -> None:
    sentences = [
        Assignable(one.document, one.seconds, one.double, parent) for one, parent in zip(batch, parents, strict=False)
    ]
    found = people_of(assign(sentences, group, seed=seed))
    whole = {one.document for one in sentences if one.part_of is None}
    for number in range(2000, 2005):
        for_two = {tuple(sorted(found[one.document])) for one in sentences if one.part_of == number and one.double}
        for_one = {tuple(found[one.document]) for one in sentences if one.part_of == number and not one.double}
        assert len(for_two) <= 1
        assert len(for_one) <= 1
        assert not for_two or not for_one or set(*for_one) < set(*for_two)
    shown = assign(sentences, group, seed=seed, double_pre_labels=1.0)
    assert all(one.pre_labels == (one.document in whole) for one in shown if one.double)
    assert {one.document: len(found[one.document]) for one in sentences} == {
        one.document: 1 + one.double for one in batch
    }


@given(batches(doubles=False), st.integers(1, 5), seeds)
def test_loads_differ_by_at_most_the_sentences_of_one_document(batch: list[Assignable], people: int, seed: int) -> None:
    sentences = [Assignable(one.document, one.seconds, part_of=2000 + one.document % 7) for one in batch]
    loads = dict.fromkeys(range(people), 0.0)
    for one in assign(sentences, GroupLoad(range(people), {}, {}), seed=seed):
        loads[one.person] += one.seconds
    longest = max((sum(one.seconds for one in sentences if one.part_of == 2000 + rest) for rest in range(7)), default=0)
    assert max(loads.values()) - min(loads.values()) <= longest + 1e-6


@given(batches(doubles=False), groups(), seeds)
def test_work_that_is_still_open_counts(batch: list[Assignable], group: GroupLoad, seed: int) -> None:
    loads = {person: group.seconds.get(person, 0.0) for person in group.people}
    least = min(loads.values())
    before = dict(loads)
    for one in assign(batch, group, seed=seed):
        loads[one.person] += one.seconds
    largest = max((one.seconds for one in batch), default=0.0)
    # nobody who got something has more than the one with the least, but for one document
    for person, load in loads.items():
        if load > before[person]:
            assert load - min(loads.values()) <= largest + 1e-6
    assert min(loads.values()) >= least


@given(st.integers(1, 40), groups(), seeds)
def test_pairs_are_used_evenly(number: int, group: GroupLoad, seed: int) -> None:
    batch = [Assignable(document, 60.0, True) for document in range(number)]
    fresh = GroupLoad(group.people, group.seconds, {})
    pairs = Counter(tuple(sorted(two)) for two in people_of(assign(batch, fresh, seed=seed)).values())
    counts = [pairs[pair] for pair in combinations(sorted(group.people), 2)]
    assert max(counts) - min(counts) <= 1


def test_a_pair_that_had_fewer_documents_together_comes_first() -> None:
    group = GroupLoad([1, 2, 3], {}, {(1, 2): 1, (1, 3): 1, (2, 3): 0})
    assert people_of(assign([Assignable(7, 60.0, True)], group, seed=1)) == {7: [2, 3]}


@given(st.randoms(use_true_random=False), batches(), groups(), seeds, st.floats(0, 1))
def test_order_makes_no_difference(
    chance: object, batch: list[Assignable], group: GroupLoad, seed: int, share: float
) -> None:
    mixed, people = list(batch), list(group.people)
    chance.shuffle(mixed)  # type: ignore[attr-defined]
    chance.shuffle(people)  # type: ignore[attr-defined]
    other = GroupLoad(people, group.seconds, group.paired)
    assert assign(mixed, other, seed=seed, without_pre_labels=share) == assign(
        batch, group, seed=seed, without_pre_labels=share
    )


@given(batches(), groups(), seeds, st.floats(0, 1))
def test_a_share_of_the_single_documents_and_all_doubles_are_blind(
    batch: list[Assignable], group: GroupLoad, seed: int, share: float
) -> None:
    given_to = assign(batch, group, seed=seed, without_pre_labels=share)
    single = [one for one in given_to if not one.double]
    assert sum(not one.pre_labels for one in single) == round(len(single) * share)
    assert not any(one.pre_labels for one in given_to if one.double)


@given(batches(), groups(), seeds, st.floats(0, 1))
def test_both_people_of_a_share_of_the_doubles_see_pre_labels(
    batch: list[Assignable], group: GroupLoad, seed: int, share: float
) -> None:
    given_to = assign(batch, group, seed=seed, double_pre_labels=share)
    shown: dict[int, set[bool]] = {}
    for one in given_to:
        if one.double:
            shown.setdefault(one.document, set()).add(one.pre_labels)
    assert all(len(both) == 1 for both in shown.values())
    number = sum(True in both for both in shown.values())
    assert abs(number - len(shown) * share) < 1
    # who gets what is the same
    without = assign(batch, group, seed=seed)
    assert [(one.document, one.person) for one in given_to] == [(one.document, one.person) for one in without]
    assert all(one.pre_labels for one in given_to if not one.double)


def test_a_small_share_of_few_doubles_is_kept_over_many_batches() -> None:
    batch = [Assignable(number, 60.0, True) for number in (1, 2)]
    group = GroupLoad([1, 2], {}, {})
    shown = sum(
        one.pre_labels for seed in range(200) for one in assign(batch, group, seed=seed, double_pre_labels=0.25)
    )
    # 200 of 800 seats; a share rounded to the nearest would never show any
    assert 150 <= shown <= 250


@given(batches(doubles=False), groups(), st.data())
def test_a_second_person_is_somebody_who_knows_no_answer(
    batch: list[Assignable], group: GroupLoad, data: st.DataObject
) -> None:
    known = {one.document: data.draw(st.sets(st.sampled_from(sorted(group.people)))) for one in batch}
    given_to = assign_second(batch, group, known)
    assert [one.document for one in given_to] == [
        one.document for one in batch if known[one.document] != set(group.people)
    ]
    for one in given_to:
        assert one.person in set(group.people) - known[one.document]
        assert one.double
        assert not one.pre_labels


def test_second_people_are_spread_over_pairs_and_then_by_work() -> None:
    batch = [Assignable(number, 60.0) for number in range(8)]
    group = GroupLoad([1, 2, 3], {}, {})
    given_to = assign_second(batch, group, {number: {1} for number in range(8)})
    assert Counter(one.person for one in given_to) == {2: 4, 3: 4}
    busy = GroupLoad([1, 2, 3], {1: 1000.0, 2: 0.0, 3: 500.0}, {})
    # the first person is not in the group, so that no pair matters
    given_to = assign_second(batch[:3], busy, {number: set() for number in range(3)})
    assert {one.person for one in given_to} == {2}


def test_nothing_can_be_given_to_nobody_and_no_double_to_one() -> None:
    with pytest.raises(ValueError, match="0 annotators"):
        assign([], GroupLoad([], {}, {}), seed=1)
    with pytest.raises(ValueError, match="1 annotators"):
        assign([Assignable(1, 60.0, True)], GroupLoad([4], {}, {}), seed=1)
    assert people_of(assign([Assignable(1, 60.0)], GroupLoad([4], {}, {}), seed=1)) == {1: [4]}


@given(st.lists(st.integers(1, 10_000), unique=True), st.floats(0, 1), seeds)
def test_a_share_is_drawn_from_the_documents(documents: list[int], share: float, seed: int) -> None:
    drawn = draw_share(documents, share, seed=seed)
    assert len(drawn) == round(len(documents) * share)
    assert drawn <= set(documents)
    assert drawn == draw_share(documents[::-1], share, seed=seed)
