from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biorat_al.learner.scaling import (
    OF_ONE_MODEL,
    SPREAD_OF_OFFSET,
    SPREAD_OF_SLOPE,
    UNCALIBRATED,
    Scaling,
    calibrated_number,
    fit_scaling,
    fit_temperature,
)


def sample(temperature: float, number: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities, and outcomes that were drawn with their log-odds divided by `temperature`."""
    generator = np.random.default_rng(0)
    p = 1 / (1 + np.exp(-generator.normal(1, 3, number)))
    return p, generator.random(number) < Scaling(temperature).apply(p)


def loss(p: np.ndarray, right: np.ndarray, temperature: float) -> float:
    q = Scaling(temperature).apply(p)
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
    assert UNCALIBRATED.apply(p) == pytest.approx(p, abs=1e-5)
    assert Scaling(2.0).apply(p)[3] == pytest.approx(3 / 4)  # odds of 9 become odds of 3
    assert Scaling(2.0).apply(p)[2] == 0.5
    for temperature in (0.25, 1.0, 8.0):
        q = Scaling(temperature, -0.5).apply(p)
        assert (np.diff(q) > 0).all(), "the order stays"
        assert ((q > 0) & (q < 1)).all()


def test_an_offset_is_added_to_the_log_odds() -> None:
    assert Scaling(2.0, -1.0).apply([0.9])[0] == pytest.approx(1 / (1 + np.exp(1) / 3))


@given(st.lists(st.floats(0.01, 0.99), min_size=1, max_size=20), st.floats(0.5, 8.0), st.floats(-2, 2))
def test_a_scaling_can_be_undone(p: list[float], temperature: float, offset: float) -> None:
    scaling = Scaling(temperature, offset)
    assert scaling.undo(scaling.apply(p)) == pytest.approx(np.array(p), abs=1e-6)


def test_a_model_of_an_older_version_has_no_offset() -> None:
    assert Scaling.of({"temperature": 1.5}) == Scaling(1.5, 0.0)
    assert Scaling.of({}) == UNCALIBRATED
    assert Scaling.of(Scaling(2.0, -1.0)._asdict()) == Scaling(2.0, -1.0)


@pytest.mark.parametrize("truth", [Scaling(1.0, 0.0), Scaling(1.4, -1.2), Scaling(3.0, 1.0)])
def test_with_many_mentions_the_scaling_that_made_the_outcomes_is_found(truth: Scaling) -> None:
    p, _ = sample(1.0)
    right = np.random.default_rng(1).random(len(p)) < truth.apply(p)
    found = fit_scaling(p, right, OF_ONE_MODEL)
    assert found.temperature == pytest.approx(truth.temperature, rel=0.06)
    assert found.offset == pytest.approx(truth.offset, abs=0.08)


def test_with_few_mentions_the_scaling_stays_near_the_expected_one() -> None:
    assert fit_scaling([], [], OF_ONE_MODEL) == OF_ONE_MODEL
    few, many = (fit_scaling([0.9] * n, [True] * n, OF_ONE_MODEL) for n in (3, 300))
    before, after, certain = (float(scaling.apply([0.9])[0]) for scaling in (OF_ONE_MODEL, few, many))
    assert before < after < certain
    assert after < 0.8, "three mentions that are right do not vouch for more"


def test_the_most_probable_scaling_is_found() -> None:
    """It is compared with its neighbours under the prior that the documentation states."""
    p, right = sample(1.7, 200)

    def surprise(scaling: Scaling) -> float:
        slopes = (1 / scaling.temperature - 1 / OF_ONE_MODEL.temperature) / SPREAD_OF_SLOPE
        offsets = (scaling.offset - OF_ONE_MODEL.offset) / SPREAD_OF_OFFSET
        q = scaling.apply(p)
        return float(-np.log(np.where(right, q, 1 - q)).sum() + (slopes**2 + offsets**2) / 2)

    found = fit_scaling(p, right, OF_ONE_MODEL)
    for temperature in (0.97, 1.0, 1.03):
        for offset in (-0.03, 0.0, 0.03):
            neighbour = Scaling(found.temperature * temperature, found.offset + offset)
            assert surprise(found) <= surprise(neighbour) + 1e-6


def test_the_order_of_mentions_stays_even_if_the_surest_are_wrong() -> None:
    p = np.linspace(0.5, 0.999, 400)
    found = fit_scaling(p, p < 0.75, OF_ONE_MODEL)
    assert found.temperature == pytest.approx(8.0)
    assert (np.diff(found.apply(p)) > 0).all()


def test_without_mentions_the_temperature_is_1() -> None:
    assert fit_temperature([], []) == 1.0


def test_a_few_mentions_that_are_all_right_do_not_make_for_certainty() -> None:
    few, many = fit_temperature([0.6] * 3, [True] * 3), fit_temperature([0.6] * 300, [True] * 300)
    assert 0.25 <= many < few
    assert Scaling(few).apply([0.6])[0] == pytest.approx(4 / 5, abs=1e-3)


def test_confidence_in_what_is_always_wrong_goes_to_the_hottest() -> None:
    assert fit_temperature([0.99] * 50, [False] * 50) == pytest.approx(8.0, rel=1e-3)


def test_a_documents_expected_number_of_mentions_is_calibrated_like_its_proposed_mentions() -> None:
    raw = np.array([0.9, 0.8])
    scores = Scaling(2.0).apply(raw)
    doubt = (1 - scores).sum() / (1 - raw).sum()
    assert calibrated_number(2.0, raw, scores) == pytest.approx(scores.sum() + 0.3 * doubt)
    assert calibrated_number(2.0, raw, raw) == pytest.approx(2.0), "a temperature of 1 changes nothing"
    assert calibrated_number(0.4, [], []) == 0.4
    assert calibrated_number(1.6, raw, raw) == pytest.approx(1.7), "not below the proposed ones, by rounding"
