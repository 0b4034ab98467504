"""What the next hour brings, on curves whose law is known."""

from __future__ import annotations

import numpy as np
import pytest

from biorat_al.acquisition.price.pace import Pace
from biorat_al.efficiency.statistics.next_hour import next_hour, next_hour_sentence
from tests.efficiency.factories import point

STEPS = (20, 40, 60, 80, 100, 120)


def _law(documents: float) -> float:
    return 0.85 - 1.5 * documents**-0.5


CURVE = [point(step, _law(step), number=number) for number, step in enumerate(STEPS)]


def test_an_hour_brings_what_its_documents_bring() -> None:
    # 120 s a document: thirty documents in an hour
    found = next_hour(CURVE, Pace(np.array([120.0])))
    assert found is not None
    assert found.value is not None
    assert found.value.value == pytest.approx(_law(150) - _law(120), rel=0.1)
    assert found.low < _law(150) - _law(120) < found.high


def test_slower_annotators_gain_less_in_an_hour_and_an_unsure_pace_widens_the_interval() -> None:
    sure = next_hour(CURVE, Pace(np.array([120.0])))
    slow = next_hour(CURVE, Pace(np.array([480.0])))
    unsure = next_hour(CURVE, Pace(np.geomspace(30, 480, 99)))
    assert slow.value.value < 0.5 * sure.value.value
    assert unsure.low < sure.low
    assert unsure.high > sure.high


def test_an_hour_brings_no_more_documents_than_the_pool_has() -> None:
    found = next_hour(CURVE, Pace(np.array([1.0])), left=30)
    assert found.value.value == pytest.approx(_law(150) - _law(120), rel=0.1)


def test_a_short_curve_tells_nothing() -> None:
    assert next_hour(CURVE[:3], Pace(np.array([120.0]))) is None


def test_the_interval_holds_the_true_gain_of_noisy_curves() -> None:
    truth, held = _law(150) - _law(120), 0
    for seed in range(60):
        random = np.random.default_rng(seed)
        noisy = [
            point(step, [float(np.clip(_law(step) + random.normal(0, 0.03), 0, 1)) for _ in range(30)], number=number)
            for number, step in enumerate(STEPS)
        ]
        found = next_hour(noisy, Pace(np.array([120.0])), seed=seed)
        held += found.low <= truth <= found.high
    # 95 % are promised
    assert held >= 53


def test_the_sentence_says_what_another_price_would_change() -> None:
    pace = Pace(np.array([120.0]), factors={"words × 2": 1.6, "words × 0.5": 0.7, "added × 2": 1.2})
    least, most = (100 * next_hour(CURVE, Pace(np.array([120.0 * factor])), 1000).value.value for factor in (1.6, 0.7))
    assert least < most
    sentence = next_hour_sentence(CURVE, pace, 1000)
    assert sentence.endswith(f", 95 % interval; {least:.1f} to {most:.1f} with one price halved or doubled).")


def test_the_sentence() -> None:
    pace = Pace(np.array([120.0]))
    found = next_hour(CURVE, pace, 1000)
    low, value, high = (f"{100 * one:.1f}" for one in (found.low, found.value.value, found.high))
    assert next_hour_sentence(CURVE, pace, 1000) == (
        f"The next hour of annotation brings about +{value} points of F1 ({low} to {high}, 95 % interval)."
    )
    short = next_hour_sentence(CURVE, pace, 3)
    assert short.startswith("The 3 documents left take less than an hour and bring about +")
    assert next_hour_sentence(CURVE, pace, 1).startswith("The 1 document left takes less than an hour and brings")


def test_where_nothing_is_known_or_left_nothing_is_said() -> None:
    pace = Pace(np.array([120.0]))
    assert next_hour_sentence(CURVE[:3], pace) == next_hour_sentence(CURVE, None) == ""
    assert next_hour_sentence(CURVE, pace, 0) == ""
