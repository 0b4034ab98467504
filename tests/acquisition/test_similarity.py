"""Texts that are near-duplicates of each other."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from biorat_al.acquisition.similarity import NEAR_DUPLICATE, cosines, near_duplicate_groups, word_sets

WORDS = [f"word{number}" for number in range(22)]


def test_a_copy_of_a_copy_is_in_the_group_though_it_is_no_copy_of_the_first() -> None:
    second = [*WORDS[:-3], "x", "y", "z"]
    texts = [" ".join(words) for words in (WORDS, second, ["a", "b", "c", *second[3:]])]
    first, last = word_sets([texts[0]]), word_sets([texts[2]])
    assert cosines(first, last)[0, 0] < NEAR_DUPLICATE
    assert near_duplicate_groups([*texts, "Something else."]) == [0, 0, 0, 1]


def test_texts_without_words_are_like_nothing() -> None:
    assert near_duplicate_groups(["", "", "…"]) == [0, 1, 2]
    assert near_duplicate_groups([]) == []


@given(st.lists(st.lists(st.sampled_from(WORDS), max_size=6), max_size=12), st.randoms())
@settings(deadline=None, max_examples=40)
def test_near_duplicates_share_a_group_in_any_order(drawn: list[list[str]], shuffler: random.Random) -> None:
    texts = [" ".join(words) for words in drawn]
    order = list(range(len(texts)))
    shuffler.shuffle(order)
    groups = near_duplicate_groups(texts)
    shuffled = near_duplicate_groups([texts[place] for place in order])
    back = {place: shuffled[new] for new, place in enumerate(order)}
    for one in range(len(texts)):
        for other in range(one):
            assert (groups[one] == groups[other]) == (back[one] == back[other])
            if texts[one].split() and set(texts[one].split()) == set(texts[other].split()):
                assert groups[one] == groups[other]
