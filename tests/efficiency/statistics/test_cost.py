"""What the arms cost."""

from __future__ import annotations

import pytest

from biorat_al.efficiency.statistics.cost import Spread, cost_table
from biorat_al.errors import UsageError
from biorat_al.learner.training.passes import Cost
from tests.efficiency.factories import of_points, point


def _run(arm: str, seed: int, *costs: tuple[float, float]):
    points = [
        point(
            10 * (number + 1),
            0.5,
            number=number,
            cost={"forward_passes": passes, "backward_passes": passes, "tokens": 100 * passes, "seconds": seconds},
        )
        for number, (passes, seconds) in enumerate(costs)
    ]
    return of_points(points, arm=arm, seed=seed)


def test_costs_against_plain_training():
    runs = [
        _run("rat", 1, (15, 4.0), (30, 8.0)),
        _run("rat", 2, (16, 4.0), (34, 11.0)),
        _run("none", 1, (10, 3.0), (20, 6.0)),
        _run("none", 2, (10, 2.0), (20, 4.0)),
    ]
    plain, rat = cost_table(runs)
    assert (plain.arm, rat.arm) == ("none", "rat")
    assert rat.passes == Spread(47.5, 45, 50)
    assert rat.tokens == Spread(4750, 4500, 5000)
    assert plain.relative_passes == Spread(1, 1, 1)
    assert rat.relative_passes.mean == pytest.approx((1.5 + 5 / 3) / 2)
    assert (rat.relative_seconds.low, rat.relative_seconds.high) == pytest.approx((4 / 3, 2.5))
    assert (rat.seeds, rat.pairs) == (2, 2)


def test_only_rounds_that_both_have_are_compared():
    rat = cost_table([_run("rat", 1, (15, 4.0)), _run("none", 1, (10, 3.0), (20, 6.0))])[1]
    assert rat.relative_passes == Spread(1.5, 1.5, 1.5)


def test_the_report_counts_passes_as_the_trainings_own_counter_does():
    (row,) = cost_table([of_points([point(10, 0.5, cost={"forward_passes": 5.0, "backward_passes": 3.0})])])
    assert row.passes.mean == pytest.approx(Cost(forward_passes=5.0, backward_passes=3.0).passes) == 11 / 3


def test_without_a_plain_run_nothing_is_relative():
    rat = cost_table([_run("rat", 1, (15, 4.0))])[0]
    assert (rat.pairs, rat.relative_passes, rat.relative_seconds) == (0, None, None)


def test_a_seed_twice_is_refused():
    with pytest.raises(UsageError, match="seed 1 twice"):
        cost_table([_run("rat", 1, (15, 4.0))] * 2)
