from __future__ import annotations

import numpy as np
import pytest

from biorat_al.learner.temperature import calibrated, calibrated_number, fit_temperature


def sample(temperature: float, number: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities, and outcomes that were drawn with their log-odds divided by `temperature`."""
    generator = np.random.default_rng(0)
    p = 1 / (1 + np.exp(-generator.normal(1, 3, number)))
    return p, generator.random(number) < calibrated(p, temperature)


def loss(p: np.ndarray, right: np.ndarray, temperature: float) -> float:
    q = calibrated(p, temperature)
    return float(-np.where(right, np.log(q), np.log(1 - q)).mean())


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0, 4.0])
def test_the_temperature_that_made_the_outcomes_is_found(temperature: float) -> None:
    assert fit_temperature(*sample(temperature)) == pytest.approx(temperature, rel=0.05)


def test_no_temperature_nearby_fits_better() -> None:
    p, right = sample(1.7, 3000)
    fitted = fit_temperature(p, right)
    assert loss(p, right, fitted) < loss(p, right, fitted * 0.9)
    assert loss(p, right, fitted) < loss(p, right, fitted * 1.1)


def test_log_odds_are_divided() -> None:
    p = np.array([0.0, 0.1, 0.5, 0.9, 1.0])
    assert calibrated(p, 1.0) == pytest.approx(p, abs=1e-5)
    assert calibrated(p, 2.0)[3] == pytest.approx(3 / 4)  # odds of 9 become odds of 3
    assert calibrated(p, 2.0)[2] == 0.5
    for temperature in (0.25, 1.0, 8.0):
        q = calibrated(p, temperature)
        assert (np.diff(q) > 0).all(), "the order stays"
        assert ((q > 0) & (q < 1)).all()


def test_without_mentions_the_temperature_is_1() -> None:
    assert fit_temperature([], []) == 1.0


def test_a_few_mentions_that_are_all_right_do_not_make_for_certainty() -> None:
    few, many = fit_temperature([0.6] * 3, [True] * 3), fit_temperature([0.6] * 300, [True] * 300)
    assert 0.25 <= many < few
    assert calibrated([0.6], few)[0] == pytest.approx(4 / 5, abs=1e-3)


def test_confidence_in_what_is_always_wrong_goes_to_the_hottest() -> None:
    assert fit_temperature([0.99] * 50, [False] * 50) == pytest.approx(8.0, rel=1e-3)


def test_a_documents_expected_number_of_mentions_is_calibrated_like_its_proposed_mentions() -> None:
    raw = np.array([0.9, 0.8])
    scores = calibrated(raw, 2.0)
    doubt = (1 - scores).sum() / (1 - raw).sum()
    assert calibrated_number(2.0, raw, scores) == pytest.approx(scores.sum() + 0.3 * doubt)
    assert calibrated_number(2.0, raw, raw) == pytest.approx(2.0), "a temperature of 1 changes nothing"
    assert calibrated_number(0.4, [], []) == 0.4
    assert calibrated_number(1.6, raw, raw) == pytest.approx(1.7), "not below the proposed ones, by rounding"
