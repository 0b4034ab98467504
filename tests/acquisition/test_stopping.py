"""Stopping criteria: the formulas against cases worked by hand, at their limits and at the first round that counts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biorat_al.acquisition.stopping import (
    CHANGE,
    GAIN,
    UNCERTAINTY,
    WINDOW,
    Observation,
    StoppingAdvice,
    classification_change,
    performance_gain,
    verdicts,
)

mentions = st.sets(st.integers(0, 6), max_size=5)


class TestPerformanceGain:
    def test_worked_by_hand(self) -> None:
        # (0.60 + 0.70 + 0.74) / 3 − (0.50 + 0.60 + 0.70) / 3 = 0.68 − 0.60
        assert performance_gain([0.50, 0.60, 0.70, 0.74], 3) == pytest.approx(0.08)
        # the rounds before the windows do not count
        assert performance_gain([0.1, 0.2, 0.50, 0.60, 0.70, 0.74], 3) == pytest.approx(0.08)

    def test_a_window_of_one_is_the_difference_to_the_round_before(self) -> None:
        assert performance_gain([0.4, 0.7, 0.9], 1) == pytest.approx(0.2)

    @pytest.mark.parametrize("window", [1, 2, 3, 5])
    def test_it_takes_one_round_more_than_the_window(self, window: int) -> None:
        assert performance_gain([0.5] * window, window) is None
        assert performance_gain([0.5] * (window + 1), window) == pytest.approx(0)
        assert performance_gain([], window) is None

    @given(st.lists(st.floats(0, 1), min_size=4, max_size=9), st.integers(1, 3))
    def test_it_is_the_slope_over_the_window(self, f1: list[float], window: int) -> None:
        # the terms between the ends cancel
        assert performance_gain(f1, window) == pytest.approx((f1[-1] - f1[-1 - window]) / window, abs=1e-9)


class TestClassificationChange:
    def test_worked_by_hand(self) -> None:
        # 2 in common of 3 before and 4 after: 1 − 4/7
        assert classification_change([({"a", "b"}, {"a", "b", "c"}), ({"d"}, {"e"})]) == pytest.approx(3 / 7)

    def test_nothing_changed_and_everything_changed(self) -> None:
        assert classification_change([({1, 2}, {1, 2}), ((), ())]) == 0
        assert classification_change([({1, 2}, {3})]) == 1
        assert classification_change([({1, 2}, ())]) == 1

    def test_nothing_proposed_says_nothing(self) -> None:
        assert classification_change([]) is None
        assert classification_change([((), ()), ((), ())]) is None

    def test_the_same_mention_in_another_document_is_another(self) -> None:
        assert classification_change([({1}, ()), ((), {1})]) == 1

    @given(st.lists(st.tuples(mentions, mentions), max_size=5))
    def test_either_may_be_the_earlier(self, pairs: list[tuple[set[int], set[int]]]) -> None:
        change = classification_change(pairs)
        assert change == classification_change([(after, before) for before, after in pairs])
        assert change is None or 0 <= change <= 1


def _judged(rounds: list[Observation]) -> dict[str, bool]:
    return {verdict.criterion: verdict.holds for verdict in verdicts(rounds)}


def _curve(*f1: float | None, documents: int = 10) -> list[Observation]:
    return [Observation(f1=one, test_documents=None if one is None else documents) for one in f1]


class TestVerdicts:
    def test_no_round_and_a_round_that_measured_nothing(self) -> None:
        assert verdicts([]) == ()
        assert verdicts([Observation()]) == ()

    def test_all_three(self) -> None:
        rounds = [*_curve(0.5, 0.6, 0.6), Observation(0.603, 10, uncertainty=0.4, change=0.05)]
        assert verdicts(rounds) == (
            StoppingAdvice("performance plateau", False, pytest.approx(0.103 / 3)),
            StoppingAdvice("overall uncertainty", False, 0.4),
            StoppingAdvice("classification change", True, 0.05),
        )

    def test_a_plateau_shows_at_the_fourth_measured_round(self) -> None:
        assert WINDOW == 3
        assert _judged(_curve(0.6, 0.6, 0.6)) == {}
        assert _judged(_curve(0.6, 0.6, 0.6, 0.6)) == {"performance plateau": True}
        assert _judged(_curve(0.6, None, 0.6, 0.6)) == {}
        assert _judged(_curve(0.6, None, 0.6, 0.6, 0.6)) == {"performance plateau": True}

    def test_at_the_limits(self) -> None:
        def plateau(gain: float) -> bool:
            return _judged(_curve(0.5, 0.5, 0.5, 0.5 + WINDOW * gain))["performance plateau"]

        assert (plateau(GAIN - 1e-6), plateau(GAIN + 1e-6)) == (True, False)
        assert plateau(-0.1)
        for limit, name, field in (
            (UNCERTAINTY, "overall uncertainty", "uncertainty"),
            (CHANGE, "classification change", "change"),
        ):
            assert _judged([Observation(**{field: limit})]) == {name: True}
            assert _judged([Observation(**{field: limit + 1e-9})]) == {name: False}

    def test_the_newest_round_alone_is_judged(self) -> None:
        sure = Observation(uncertainty=0.0, change=0.0)
        assert _judged([sure, Observation(uncertainty=0.5, change=0.5)]) == {
            "overall uncertainty": False,
            "classification change": False,
        }
        assert _judged([sure, Observation()]) == {}
        assert _judged([*_curve(0.6, 0.6, 0.6, 0.6), Observation()]) == {}

    def test_rounds_measured_on_other_test_documents_do_not_compare(self) -> None:
        assert _judged([*_curve(0.6, 0.6, documents=5), *_curve(0.6, 0.6, 0.6)]) == {}
        assert _judged([*_curve(0.1, documents=5), *_curve(0.6, 0.6, 0.6, 0.6)]) == {"performance plateau": True}
        # nor do those before them, though they had as many
        assert _judged([*_curve(0.6, 0.6, 0.6), *_curve(0.6, documents=5), *_curve(0.6)]) == {}
