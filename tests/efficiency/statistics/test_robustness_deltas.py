"""F1 under perturbed text against F1 on the same documents."""

from __future__ import annotations

import pytest
from scipy import stats

from biorat_al.efficiency.statistics.robustness_deltas import robustness_deltas
from biorat_al.errors import UsageError
from tests.efficiency.factories import exact, of_points, point, run


def _run(seed: int, clean: list[float], **conditions: list[float]):
    robustness = {
        condition: {f"t{place}": exact(value) for place, value in enumerate(values)}
        for condition, values in conditions.items()
    }
    return of_points([point(20, clean, robustness=robustness)], seed=seed)


def test_what_all_documents_lose_is_certain():
    found = robustness_deltas([_run(1, [0.5, 0.7], typos=[0.4, 0.6], case=[0.5, 0.7])])
    assert list(found) == ["typos", "case"]
    typos = found["typos"]
    assert (typos.low, typos.value.value, typos.high) == pytest.approx((-0.1, -0.1, -0.1))
    assert (found["case"].low, found["case"].high, found["case"].p_value) == (0, 0, 1)


def test_one_run_has_students_interval_over_documents():
    losses = [-0.1, 0.0, -0.2, -0.05]
    found = robustness_deltas([_run(1, [0.6] * 4, swap=[0.6 + loss for loss in losses])])["swap"]
    expected = stats.t.interval(0.95, 3, sum(losses) / 4, stats.sem(losses))
    assert (found.low, found.high) == pytest.approx(expected, abs=1e-9)


def test_several_runs_vary_too():
    found = robustness_deltas(
        [_run(seed, [0.6] * 3, typos=[0.6 - loss] * 3) for seed, loss in enumerate((0.1, 0.2, 0.3))]
    )
    expected = stats.t.interval(0.95, 2, -0.2, stats.sem([0.1, 0.2, 0.3]))
    assert (found["typos"].low, found["typos"].high) == pytest.approx(expected)
    assert found["typos"].seeds == 3


def test_runs_without_the_condition_are_left_out():
    found = robustness_deltas([_run(1, [0.5, 0.7], typos=[0.4, 0.6]), _run(2, [0.5, 0.7])])
    assert found["typos"].seeds == 1
    assert robustness_deltas([run({10: 0.3})]) == {}


def test_the_last_model_counts_unless_another_is_asked_for():
    first, last = (_run(1, [0.5, 0.7], typos=[0.5 - loss, 0.7 - loss]).points[0] for loss in (0.3, 0.1))
    runs = [of_points([first, last])]
    assert robustness_deltas(runs)["typos"].value.value == pytest.approx(-0.1)
    assert robustness_deltas(runs, point=0)["typos"].value.value == pytest.approx(-0.3)


def test_other_documents_are_refused():
    with pytest.raises(UsageError, match="typos was measured on other documents"):
        robustness_deltas([_run(1, [0.5, 0.7], typos=[0.4, 0.6]), _run(2, [0.5, 0.7], typos=[0.4])])
