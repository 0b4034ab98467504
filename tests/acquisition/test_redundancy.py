"""Near-duplicates: against a plain implementation, and the cosine itself."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from biorat_al.acquisition import redundancy
from biorat_al.acquisition.base import Budget
from biorat_al.acquisition.redundancy import Distinct, _groups
from biorat_al.acquisition.registry import find_strategy
from biorat_al.acquisition.selection import select
from biorat_al.acquisition.similarity import NEAR_DUPLICATE, cosines, topics, word_sets
from tests.acquisition.factories import make

texts = st.lists(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=5).map(" ".join), min_size=1, max_size=12)


class TestTopics:
    def test_worked_by_hand(self) -> None:
        # document frequencies of 2 texts: shared 2, gout 1, asthma 1; idf = ln(3 / (1 + df)) + 1
        pair = ["shared gout", "shared asthma"]
        vectors = topics(pair, counted_on=pair)
        rare = math.log(3 / 2) + 1
        expected = 1 / (1 + rare**2)
        assert cosines(vectors, vectors) == pytest.approx(np.array([[1, expected], [expected, 1]]), abs=1e-6)

    def test_case_does_not_count_and_repetition_little(self) -> None:
        vectors = topics(["Gout fever", "GOUT FEVER", "gout gout fever"], counted_on=["gout"])
        # sublinear: two occurrences count 1 + ln 2
        weight = 1 + math.log(2)
        # "fever" is in no text that was counted: idf = ln(2 / 1) + 1
        rare = math.log(2) + 1
        expected = (weight + rare**2) / math.sqrt((1 + rare**2) * (weight**2 + rare**2))
        assert cosines(vectors[:1], vectors).tolist()[0] == pytest.approx([1, 1, expected], abs=1e-6)

    def test_nothing_is_like_a_text_without_words(self) -> None:
        vectors = topics(["", "gout", "..."], counted_on=["", "gout"])
        assert cosines(vectors, vectors).tolist() == [[0, 0, 0], [0, 1, 0], [0, 0, 0]]


class TestWordSets:
    def test_worked_by_hand(self) -> None:
        # two of the three words of one are two of the four words of the other
        vectors = word_sets(["dose in gout", "Gout: the dose, the DOSE failed"])
        assert cosines(vectors, vectors)[0, 1] == pytest.approx(2 / math.sqrt(3 * 4), abs=1e-6)

    def test_nothing_is_like_a_text_without_words(self) -> None:
        vectors = word_sets(["", "gout", "?!"])
        assert cosines(vectors, vectors) == pytest.approx(np.diag([0, 1, 0]), abs=1e-6)


def _naive(texts: list[str]) -> tuple[list[int], list[int]]:
    """Who is handed out, and who is put off, if the ranking is the order of the texts and everybody is taken."""
    vectors = word_sets(texts)
    alike = cosines(vectors, vectors)
    taken: list[int] = []
    put_off: list[int] = []
    for position, text in enumerate(texts):
        same = any(alike[position, one] >= NEAR_DUPLICATE or text == texts[one] for one in taken)
        (put_off if same else taken).append(position)
    return taken, put_off


def _take_all(distinct: Distinct) -> list[int]:
    taken = []
    while (position := distinct.next()) is not None:
        assert distinct.take() == position
        taken.append(position)
    return taken


@pytest.mark.slow
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts, st.integers(1, 5), st.integers(1, 3))
def test_whoever_is_like_one_taken_is_put_off(
    monkeypatch: pytest.MonkeyPatch, texts: list[str], window: int, block: int
) -> None:
    monkeypatch.setattr(redundancy, "_WINDOW", window)
    monkeypatch.setattr(redundancy, "_BLOCK", block)
    distinct = Distinct(texts, np.arange(len(texts)))
    taken, put_off = _naive(texts)
    assert _take_all(distinct) == taken
    assert sorted(one.position for one in distinct.put_off) == put_off
    for one in distinct.put_off:
        assert one.twin in taken
        assert one.exact == (texts[one.position] == texts[one.twin])
        # not a near-duplicate of one only, where the batch has its very text
        assert one.exact == (texts[one.position] in {texts[position] for position in taken})


def test_what_is_dropped_does_not_come_back() -> None:
    distinct = Distinct(["gout", "asthma", "fever", "cough"], np.array([3, 2, 1, 0]))
    assert distinct.next() == 3
    assert distinct.drop(np.array([False, True, False, True]))
    assert not distinct.drop(np.array([False, True, False, True]))
    assert _take_all(distinct) == [2, 0]
    assert distinct.put_off == []


def test_what_is_dropped_does_not_come_back_with_a_later_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """Documents too dear for what is left of a budget came back behind the first 200, and the budget was exceeded."""
    monkeypatch.setattr(redundancy, "_WINDOW", 2)
    texts = [f"word{number} other{number}" for number in range(9)]
    distinct = Distinct(texts, np.arange(9))
    assert distinct.next() == 0
    assert distinct.drop(np.array([number in (1, 4, 8) for number in range(9)]))
    taken = []
    while distinct.next() is not None:
        taken.append(distinct.take())
    assert taken == [0, 2, 3, 5, 6, 7]
    pool = make(texts, scores=[9, 8, 7, 6, 5, 4, 3, 2, 1], tokens=[1, 9, 1, 9, 1, 9, 1, 9, 1])
    picks = select(pool, find_strategy("mnlp"), Budget(tokens=4), seed=1)
    assert sum(pick.tokens for pick in picks) == 4


@given(st.lists(st.text(max_size=2)))
def test_the_same_texts_are_in_the_same_group(some: list[str]) -> None:
    groups = _groups(some).tolist()
    assert len(groups) == len(some)
    assert [one == other for one in groups for other in groups] == [one == other for one in some for other in some]
