"""How many mentions are left, from random samples: closed forms, limits, and intervals that hold a known truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biorat_al.efficiency.coverage.estimate import FEWEST, Sample, mentions_left, share_found

LABELS = 2


def sample(words: list[float], mentions: list[list[float]], rest: float, found: tuple[float, float] = (0, 0)) -> Sample:
    return Sample(np.array(words, dtype=float), np.array(mentions, dtype=float), rest, np.array(found, dtype=float))


def with_model(one: Sample, expected: list[list[float]], rest: tuple[float, float]) -> Sample:
    return replace(one, expected=np.array(expected, dtype=float), rest_expected=np.array(rest, dtype=float))


@st.composite
def samples(draw: st.DrawFn) -> Sample:
    number = draw(st.integers(FEWEST, 25))
    rows = st.lists(st.integers(0, 9), min_size=LABELS, max_size=LABELS)
    one = sample(
        draw(st.lists(st.integers(1, 60), min_size=number, max_size=number)),
        draw(st.lists(rows, min_size=number, max_size=number)),
        draw(st.integers(0, 5000)),
        (draw(st.integers(0, 50)), draw(st.integers(0, 50))),
    )
    if draw(st.booleans()):
        tenths = st.lists(st.integers(0, 90).map(lambda ten: ten / 10), min_size=LABELS, max_size=LABELS)
        expected = draw(st.lists(tenths, min_size=number, max_size=number))
        return with_model(one, expected, (draw(st.integers(0, 300)), draw(st.integers(0, 300))))
    return one


def test_without_a_model_the_rest_has_as_many_mentions_for_each_word_as_the_sample() -> None:
    words = [10.0, 20.0] * 10
    mentions = [[1.0, 0.0], [2.0, 1.0]] * 10
    left = mentions_left([sample(words, mentions, 600, (5, 1))])
    # 30 and 10 mentions in 300 words, so twice as many in 600; some were found since
    assert left.left.tolist() == pytest.approx([55, 19, 74])
    assert left.weights == (1.0,)


def test_a_model_that_is_right_in_the_sample_is_believed_about_the_rest() -> None:
    mentions = [[float(number % 4), 0.0] for number in range(20)]
    one = with_model(sample([10.0] * 20, mentions, 1000), mentions, (70.0, 0.0))
    assert mentions_left([one]).left[-1] == pytest.approx(70)


def test_a_model_that_expects_half_of_the_mentions_counts_twice() -> None:
    mentions = [[float(number % 4), 0.0] for number in range(20)]
    half = [[value / 2 for value in row] for row in mentions]
    assert mentions_left([with_model(sample([10.0] * 20, mentions, 1000), half, (35.0, 0.0))]).left[
        -1
    ] == pytest.approx(70)


def test_a_model_that_knows_nothing_changes_nothing() -> None:
    one = sample([10.0] * 20, [[float(number % 2), 0.0] for number in range(20)], 1000)
    # the same expectation everywhere, and one that falls where mentions are
    for expected in ([[1.0, 1.0]] * 20, [[float(number % 2 == 0), 0.0] for number in range(20)]):
        assert mentions_left([with_model(one, expected, (500.0, 0.0))]).left.tolist() == pytest.approx([50, 0, 50])


def test_a_model_makes_the_interval_narrower() -> None:
    generator = np.random.default_rng(3)
    mentions = generator.poisson(generator.gamma(1.0, 1.0, (60, 1)) * np.ones(LABELS)).astype(float)
    expected = 0.9 * mentions + generator.normal(0, 0.1, mentions.shape)
    one = sample([12.0] * 60, mentions.tolist(), 6000)
    other = with_model(one, expected.tolist(), tuple(10 * expected.sum(axis=0)))
    without, with_it = mentions_left([one]), mentions_left([other])
    assert with_it.high[-1] - with_it.low[-1] < 0.5 * (without.high[-1] - without.low[-1])


def test_rounds_that_all_draw_at_random_are_worth_one_sample_of_all_their_texts() -> None:
    generator = np.random.default_rng(5)
    mentions = generator.poisson(1.0, (90, 1)).astype(float) * np.array([[1.0, 0.0]])
    found = mentions.sum(axis=0)
    # three rounds draw 30 texts each from 300, then 270, then 240; each text has 10 words
    parts = [mentions[start : start + 30] for start in (0, 30, 60)]
    drawn = [
        Sample(np.full(30, 10.0), part, 10.0 * (270 - 30 * number), sum(parts[number + 1 :], np.zeros((0, 2))).sum(0))
        if number == 2
        else Sample(
            np.full(30, 10.0), part, 10.0 * (270 - 30 * number), np.concatenate(parts[number + 1 :]).sum(axis=0)
        )
        for number, part in enumerate(parts)
    ]
    together = mentions_left([Sample(np.full(90, 10.0), mentions, 2100.0, np.zeros(2))])
    apart = mentions_left(drawn)
    assert found.sum() > 0
    assert apart.left[-1] == pytest.approx(together.left[-1], rel=0.05)
    width, other = (one.high[-1] - one.low[-1] for one in (apart, together))
    assert width == pytest.approx(other, rel=0.1)


def test_a_sample_of_everything_leaves_nothing() -> None:
    everything = sample([10.0] * 20, [[1.0, 0.0]] * 20, 0)
    part = sample([10.0] * 20, [[1.0, 0.0]] * 20, 500)
    left = mentions_left([part, everything])
    assert left.left.tolist() == left.low.tolist() == left.high.tolist() == [0, 0, 0]
    assert left.weights == (0.0, 1.0)
    assert not left.draws.any()


def test_a_label_that_the_sample_does_not_have_may_still_be_there() -> None:
    left = mentions_left([sample([10.0] * 20, [[1.0, 0.0]] * 20, 2000)])
    assert left.left[1] == 0
    assert left.low[1] == 0
    # nothing in 200 words: up to some 2.5 mentions there would not have been surprising, so 25 in 2,000
    assert 15 <= left.high[1] <= 60


@given(st.lists(samples(), min_size=1, max_size=3))
def test_the_estimate_is_in_its_interval_and_nothing_is_negative(drawn: list[Sample]) -> None:
    left = mentions_left(drawn, draws=50)
    assert (left.low >= 0).all()
    assert (left.low <= left.left + 1e-9).all()
    assert (left.left <= left.high + 1e-9).all()
    assert np.isfinite(left.high).all()
    assert (left.draws >= 0).all()
    assert sum(left.weights) == pytest.approx(1)


@given(samples(), st.integers(2, 5))
def test_a_wider_level_gives_a_wider_interval(one: Sample, by: int) -> None:
    narrow, wide = (mentions_left([one], level=level, draws=1) for level in (1 - 0.1 * by, 0.95))
    assert (wide.low <= narrow.low).all()
    assert (narrow.high <= wide.high).all()


@given(samples())
def test_the_order_of_the_texts_changes_nothing(one: Sample) -> None:
    turned = replace(
        one,
        words=one.words[::-1],
        mentions=one.mentions[::-1],
        expected=None if one.expected is None else one.expected[::-1],
    )
    first, second = mentions_left([one], draws=1), mentions_left([turned], draws=1)
    assert first.left.tolist() == pytest.approx(second.left.tolist(), abs=1e-6)


def test_the_intervals_hold_a_known_truth() -> None:
    """A small version of ``benchmarks/coverage_of_coverage.py``: 120 projects with rich and poor documents."""
    held = 0
    for number in range(120):
        generator = np.random.default_rng([9, number])
        rich = np.repeat(generator.gamma(2.0, 0.5, 100), 8)
        words = generator.integers(5, 40, 800).astype(float)
        mentions = generator.poisson((rich * words / 20)[:, None] * np.array([0.8, 0.2])).astype(float)
        drawn = generator.permutation(800) < 100
        left = mentions_left([Sample(words[drawn], mentions[drawn], float(words[~drawn].sum()), np.zeros(2))], draws=1)
        held += left.low[-1] <= mentions[~drawn].sum() <= left.high[-1]
    # 114 are expected; fewer than 105 would happen by chance once in 10,000 times
    assert held >= 105


def test_the_share_found() -> None:
    assert share_found(3, 1) == 0.75
    assert share_found(0, 5) == 0
    assert share_found(5, 0) == 1
    assert share_found(0, 0) is None


def test_a_sample_needs_texts_and_words() -> None:
    assert sample([10.0] * FEWEST, [[0.0, 0.0]] * FEWEST, 5).is_usable
    assert not sample([10.0] * (FEWEST - 1), [[0.0, 0.0]] * (FEWEST - 1), 5).is_usable
    assert not sample([0.0] * FEWEST, [[0.0, 0.0]] * FEWEST, 5).is_usable
