"""Learning curves of groups, and what is read off them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from biorat_al.efficiency.statistics.curves import (
    area_under_curve,
    common_range,
    f1_at,
    groups,
    labels_needed,
    learning_curve,
)
from biorat_al.errors import UsageError
from tests.efficiency.factories import of_points, point, run

LINE = {10: 0.2, 20: 0.3, 60: 0.7}


def test_the_area_of_a_straight_line_is_its_middle():
    assert area_under_curve([run(LINE)]).value.value == pytest.approx(0.45)
    assert area_under_curve([run(LINE)], over=(20, 40)).value.value == pytest.approx(0.4)


def test_the_area_of_a_bent_curve():
    # (0.2 + 0.6) / 2 over a third, 0.6 over two thirds
    assert area_under_curve([run({10: 0.2, 20: 0.6, 40: 0.6})]).value.value == pytest.approx(0.4 / 3 + 0.4)


def test_f1_between_two_points_is_on_the_line():
    runs = [run(LINE, seed=1), run({10: 0.4, 20: 0.5, 60: 0.9}, seed=2)]
    found = f1_at(runs, 30)
    assert found.value.value == pytest.approx(0.5)
    half = stats.t.ppf(0.975, 1) * 0.1
    assert (found.low, found.high) == pytest.approx((0.5 - half, 0.5 + half))


def test_the_known_crossing():
    found = labels_needed([run(LINE)], 0.5)
    assert found.value.value == pytest.approx(40)
    assert found.value.is_exact
    # documents carry no variance here, and there is one seed
    assert (found.low, found.high) == pytest.approx((40, 40), abs=0.01)


def test_the_interval_of_the_crossing_is_where_the_band_holds_the_target():
    runs = [
        run({10: 0.2 + shift, 60: 0.7 + shift}, seed=seed) for seed, shift in enumerate((-0.02, -0.01, 0.0, 0.01, 0.02))
    ]
    half = stats.t.ppf(0.975, 4) * np.std([-0.02, -0.01, 0, 0.01, 0.02], ddof=1) / np.sqrt(5)
    found = labels_needed(runs, 0.5)
    assert found.value.value == pytest.approx(40)
    assert (found.low, found.high) == pytest.approx((40 - 100 * half, 40 + 100 * half), rel=1e-3)
    narrower = half * stats.t.ppf(0.9, 4) / stats.t.ppf(0.975, 4)
    found = labels_needed(runs, 0.5, level=0.8)
    assert (found.low, found.high, found.level) == pytest.approx(
        (40 - 100 * narrower, 40 + 100 * narrower, 0.8), rel=1e-3
    )


def test_a_target_beyond_the_curve_is_censored():
    found = labels_needed([run(LINE)], 0.8)
    assert (found.value.value, found.value.relation) == (60, "more than")
    assert found.value.text() == "more than 60"
    assert found.high is None


def test_a_target_below_the_curve_is_censored():
    found = labels_needed([run(LINE)], 0.1)
    assert (found.value.value, found.value.relation) == (10, "at most")
    assert found.low is None


def test_a_target_that_the_end_is_not_clearly_above_leaves_the_interval_open():
    runs = [run({10: 0.2, 60: 0.6 + shift}, seed=seed) for seed, shift in enumerate((-0.1, 0.0, 0.12))]
    found = labels_needed(runs, 0.55)
    assert found.value.is_exact
    assert found.high is None
    assert found.low is not None


def test_the_band_is_students_where_documents_do_not_vary():
    runs = [run({10: 0.2, 60: f1}, seed=seed) for seed, f1 in enumerate((0.6, 0.7, 0.74))]
    curve = learning_curve(runs, grid=[10, 60])
    expected = stats.t.interval(0.95, 2, np.mean([0.6, 0.7, 0.74]), stats.sem([0.6, 0.7, 0.74]))
    assert (curve.low[1], curve.high[1]) == pytest.approx(expected)
    assert (curve.low[0], curve.mean[0], curve.high[0]) == pytest.approx((0.2, 0.2, 0.2))


def test_a_band_stays_within_what_an_f1_can_be():
    runs = [run({10: f1, 60: 1 - f1}, seed=seed) for seed, f1 in enumerate((0.0, 0.02))]
    curve = learning_curve(runs, grid=[10, 60])
    assert (curve.low[0], curve.high[1]) == (0, 1)
    assert 0 < curve.high[0] < 1
    assert 0 < curve.low[1] < 1


def test_the_common_range():
    runs = [run({10: 0.1, 50: 0.5}), run({20: 0.1, 60: 0.5}, seed=2)]
    assert common_range(runs) == (20, 50)
    curve = learning_curve(runs)
    assert (curve.grid[0], curve.grid[-1], len(curve.grid), curve.seeds) == (20, 50, 50, 2)


@pytest.mark.parametrize("call", [lambda runs: f1_at(runs, 70), lambda runs: area_under_curve(runs, over=(10, 70))])
def test_what_was_not_measured_is_refused(call):
    with pytest.raises(UsageError, match="from 10 documents to 60 documents"):
        call([run(LINE)])


def test_no_range_in_common_is_refused():
    with pytest.raises(UsageError, match="no range in common"):
        learning_curve([run({10: 0.1, 20: 0.2}), run({30: 0.1, 40: 0.2}, seed=2)])


def test_a_seed_twice_is_refused():
    with pytest.raises(UsageError, match="same seed twice"):
        f1_at([run(LINE), run(LINE)], 20)


def test_runs_without_points_are_refused():
    with pytest.raises(UsageError, match="no points"):
        f1_at([of_points([])], 20)


def test_groups_differ_by_all_but_the_seed():
    chooser = [run(LINE, seed=seed, arm="none") for seed in (2, 1)]
    passive = [
        run(LINE, seed=seed, arm="rat", kind="passive", selected_by=f"simulated-mnlp-none-{seed}") for seed in (1, 2)
    ]
    found = groups([*chooser, *passive, run(LINE, strategy="random")])
    assert [[member.seed for member in members] for members in found.values()] == [[1, 2], [1, 2], [1]]
    assert [key.selected_by for key in found] == [None, "none", None]


CURVES = st.lists(st.lists(st.integers(0, 100), min_size=3, max_size=3), min_size=2, max_size=4)


@given(CURVES, st.integers(2, 40), st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None)
def test_units_seeds_and_order_do_not_matter(curves, factor, random):
    def made(scale, seeds):
        return [
            of_points(
                [
                    point(labels * scale, [value / 100, value / 200, value / 300])
                    for labels, value in zip((10, 20, 50), values, strict=True)
                ],
                seed=seed,
            )
            for seed, values in zip(seeds, curves, strict=True)
        ]

    one = made(1, range(len(curves)))
    other = made(factor, [7 * seed + 3 for seed in range(len(curves))])
    random.shuffle(other)
    for left, right in (
        (area_under_curve(one), area_under_curve(other)),
        (f1_at(one, 30), f1_at(other, 30 * factor)),
        (f1_at(one, 30), f1_at(one, 7500, "tokens")),
    ):
        assert (left.low, left.value.value, left.high) == pytest.approx(
            (right.low, right.value.value, right.high), abs=1e-6
        )
    left, right = labels_needed(one, 0.22), labels_needed(other, 0.22)
    assert right.value.relation == left.value.relation
    assert right.value.value == pytest.approx(left.value.value * factor, rel=1e-6)
