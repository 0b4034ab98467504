"""Expected calibration error."""

from __future__ import annotations

import numpy as np
import pytest

from biorat_al.efficiency.runs.model import ConfidenceBin
from biorat_al.efficiency.statistics.calibration_error import calibration_error
from biorat_al.errors import UsageError
from tests.efficiency.factories import of_points, point, run


def _run(*bins: ConfidenceBin, seed: int = 1):
    return of_points([point(10, 0.1), point(20, 0.5, reliability=bins)], seed=seed)


def test_equation_3_of_guo_et_al():
    # 40 mentions: |20/30 − 0.9| · 30/40 + |2/10 − 0.3| · 10/40
    found = calibration_error(
        [_run(ConfidenceBin(count=10, confidence=3.0, right=2), ConfidenceBin(count=30, confidence=27.0, right=20))]
    )
    assert found.error == pytest.approx((7 + 1) / 40)
    assert found.mentions == 40
    assert 0 <= found.low < found.error < found.high <= 1


def test_noise_makes_the_error_larger_and_the_interval_takes_that_off():
    """20 bins of 30 mentions each, off by 0.1 in one direction or the other."""
    bins = [ConfidenceBin(count=30, confidence=18.0, right=15 + 6 * (number % 2)) for number in range(20)]
    found = calibration_error([_run(*bins)])
    assert found.error == pytest.approx(0.1)
    assert 0 < found.low < found.high
    assert found.high - found.error < found.error - found.low


def test_runs_are_added_up_bin_by_bin():
    one, other = ConfidenceBin(count=10, confidence=9.0, right=10), ConfidenceBin(count=10, confidence=9.0, right=8)
    found = calibration_error([_run(one), _run(other, seed=2)])
    assert found.error == pytest.approx(0)
    assert (found.bins, found.runs) == ((ConfidenceBin(count=20, confidence=18.0, right=18),), 2)


def test_nothing_measured():
    assert calibration_error([run({10: 0.2})]) is None
    assert calibration_error([_run(ConfidenceBin(count=0, confidence=0.0, right=0))]) is None
    assert calibration_error([_run(ConfidenceBin(count=5, confidence=4.0, right=4))], point=0) is None


def test_bins_of_different_number_are_refused():
    part = ConfidenceBin(count=5, confidence=4.0, right=4)
    with pytest.raises(UsageError, match="numbers of confidence bins"):
        calibration_error([_run(part), _run(part, part, seed=2)])


def test_the_same_seed_gives_the_same_interval():
    group = [_run(ConfidenceBin(count=10, confidence=3.0, right=2), ConfidenceBin(count=30, confidence=27.0, right=20))]
    assert calibration_error(group, seed=3) == calibration_error(group, seed=3)
    assert calibration_error(group, seed=3) != calibration_error(group, seed=4)


@pytest.mark.slow
@pytest.mark.parametrize("off", [0.0, 0.1])
def test_the_interval_holds_the_truth(off):
    generator = np.random.default_rng(1)
    middles = (np.arange(10) + 0.5) / 10
    truth = np.clip(middles - off, 0, 1)
    shares = np.full(10, 0.1)
    held = 0
    for _ in range(200):
        counts = generator.multinomial(500, shares)
        right = generator.binomial(counts, truth)
        bins = [
            ConfidenceBin(count=int(n), confidence=float(n * middle), right=int(r))
            for n, middle, r in zip(counts, middles, right, strict=True)
        ]
        found = calibration_error([_run(*bins)], samples=400)
        held += found.low <= np.sum(shares * np.abs(truth - middles)) <= found.high
    # a percentile interval never holds an error of 0
    assert held / 200 > 0.8
