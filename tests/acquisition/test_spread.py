"""Spreading a batch: against a plain implementation, and the cosine itself."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biorat_al.acquisition.similarity import NEAR_DUPLICATE, TextVectors, cosines
from biorat_al.acquisition.spread import Spread

texts = st.lists(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=5).map(" ".join), min_size=1, max_size=12)


class TestCosines:
    def test_worked_by_hand(self) -> None:
        # document frequencies of 2 texts: shared 2, gout 1, asthma 1; idf = ln(3 / (1 + df)) + 1
        vectors = TextVectors(["shared gout", "shared asthma"])(["shared gout", "shared asthma"])
        rare = math.log(3 / 2) + 1
        expected = 1 / (1 + rare**2)
        assert cosines(vectors, vectors) == pytest.approx(np.array([[1, expected], [expected, 1]]), abs=1e-6)

    def test_case_does_not_count_and_repetition_little(self) -> None:
        vectors = TextVectors(["gout"])(["Gout fever", "GOUT FEVER", "gout gout fever"])
        # sublinear: two occurrences count 1 + ln 2
        weight = 1 + math.log(2)
        # "fever" is in no text that was counted: idf = ln(2 / 1) + 1
        rare = math.log(2) + 1
        expected = (weight + rare**2) / math.sqrt((1 + rare**2) * (weight**2 + rare**2))
        assert cosines(vectors[:1], vectors).tolist()[0] == pytest.approx([1, 1, expected], abs=1e-6)

    def test_nothing_is_like_a_text_without_words(self) -> None:
        vectors = TextVectors(["", "gout"])(["", "gout", "..."])
        assert cosines(vectors, vectors).tolist() == [[0, 0, 0], [0, 1, 0], [0, 0, 0]]


def _naive(texts: list[str], width: int, weight: float) -> list[int]:
    """Maximal marginal relevance as it is written down; the ranking is the order of the texts."""
    vectors = TextVectors(texts)(texts)
    alike = cosines(vectors, vectors).astype(np.float64)
    order: list[int] = []
    for start in range(0, len(texts), width):
        window = list(range(start, min(start + width, len(texts))))
        merit = {position: 1 - place / len(window) for place, position in enumerate(window)}
        while True:
            likeness = {position: max((alike[position, taken] for taken in order), default=0.0) for position in window}
            window = [
                position
                for position in window
                if likeness[position] < NEAR_DUPLICATE and texts[position] not in {texts[taken] for taken in order}
            ]
            if not window:
                break
            best = max(
                window, key=lambda position: (round(merit[position] - weight * likeness[position], 9), -position)
            )
            order.append(best)
            window.remove(best)
    return order


@settings(max_examples=100, deadline=None)
@given(texts, st.integers(1, 12), st.sampled_from([0.0, 0.5, 1.0]))
def test_it_follows_maximal_marginal_relevance(texts: list[str], width: int, weight: float) -> None:
    spread = Spread(texts, np.arange(len(texts)), width=width, weight=weight)
    order = []
    while (position := spread.next()) is not None:
        spread.take(position)
        order.append(position)
    assert order == _naive(texts, width, weight)
    # whoever was not handed out was put off, and resembles somebody who was
    assert sorted(order + [one.position for one in spread.put_off]) == list(range(len(texts)))
    assert all(one.twin in order for one in spread.put_off)
    assert all(one.exact == (texts[one.position] == texts[one.twin]) for one in spread.put_off)


def test_what_is_dropped_does_not_come_back() -> None:
    spread = Spread(["gout", "asthma", "fever", "cough"], np.array([3, 2, 1, 0]), width=2, weight=1.0)
    assert spread.next() == 3
    assert spread.drop(np.array([False, True, False, True]))
    assert not spread.drop(np.array([False, True, False, True]))
    order = []
    while (position := spread.next()) is not None:
        spread.take(position)
        order.append(position)
    assert order == [2, 0]
