from __future__ import annotations

import numpy as np
import pytest

from biorat_al.learner.calibration import fit_temperature, negative_log_likelihood
from biorat_al.learner.encoding import IGNORED


def sample(temperature: float, words: int = 20_000) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Logits, and tags that were drawn from their softmax at `temperature`."""
    generator = np.random.default_rng(0)
    logits = generator.normal(0, 3, (words, 1, 3)).astype(np.float32)
    p = np.exp(logits / temperature)
    p /= p.sum(axis=-1, keepdims=True)
    tags = (generator.random((words, 1, 1)) > p.cumsum(axis=-1)).sum(axis=-1)
    return [logits[:5000], logits[5000:]], [tags[:5000], tags[5000:]]


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0, 4.0])
def test_the_temperature_that_made_the_tags_is_found(temperature: float) -> None:
    logits, tags = sample(temperature)
    assert fit_temperature(logits, tags) == pytest.approx(temperature, rel=0.05)


def test_no_temperature_nearby_fits_better() -> None:
    logits, tags = sample(1.7, words=300)
    fitted = fit_temperature([logits[0][:300]], [tags[0][:300]])
    best = negative_log_likelihood([logits[0][:300]], [tags[0][:300]], fitted)
    for other in (fitted * 0.97, fitted * 1.03):
        assert negative_log_likelihood([logits[0][:300]], [tags[0][:300]], other) > best


def test_the_loss_is_the_mean_over_what_is_not_left_out() -> None:
    logits = np.zeros((3, 1, 3), dtype=np.float32)
    logits[0, 0] = np.log([0.5, 0.25, 0.25])
    tags = np.array([[0], [IGNORED], [1]])
    assert negative_log_likelihood([logits], [tags]) == pytest.approx((np.log(2) + np.log(3)) / 2)


def test_without_words_the_loss_is_0_and_the_temperature_1() -> None:
    assert negative_log_likelihood([], []) == 0.0
    assert fit_temperature([], []) == 1.0
    assert fit_temperature([np.zeros((1, 1, 3), dtype=np.float32)], [np.array([[IGNORED]])]) == 1.0


def test_perfect_tags_go_to_the_coldest_allowed() -> None:
    logits = np.zeros((50, 1, 3), dtype=np.float32)
    logits[:, 0, 0] = 1.0
    assert fit_temperature([logits], [np.zeros((50, 1), dtype=np.int64)]) == pytest.approx(0.25, rel=1e-3)
