"""F1 by document, and curves made monotone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biorat_al.acquisition.price.work import Work
from biorat_al.efficiency.runs.model import f1_of
from biorat_al.efficiency.statistics.seed_tables import Group, MonotoneCurve, pseudo_values, run_curve, test_documents
from biorat_al.errors import UsageError
from tests.efficiency.factories import of_points, point, run

COUNTS = st.lists(st.tuples(*[st.integers(0, 20)] * 3), min_size=2, max_size=12)

# pytest would take the function for a test
documents_of = test_documents
del test_documents


@given(COUNTS)
def test_the_mean_of_the_pseudo_values_is_f1(counts):
    assert pseudo_values(counts).mean() == pytest.approx(f1_of(counts), abs=1e-12)


@given(COUNTS)
def test_their_spread_is_the_jackknifes(counts):
    without = np.array([f1_of(counts[:place] + counts[place + 1 :]) for place in range(len(counts))])
    number = len(counts)
    jackknife = (number - 1) / number * np.sum((without - without.mean()) ** 2)
    assert pseudo_values(counts).var(ddof=1) / number == pytest.approx(jackknife, abs=1e-12)


def test_documents_without_variance_have_the_same_pseudo_values():
    assert pseudo_values([(3, 1, 1)] * 5) == pytest.approx([0.75] * 5)


def test_points_with_the_same_labels_are_averaged():
    found = run_curve(of_points([point(10, 0.2), point(20, 0.4), point(20, 0.6)]), "documents", ("t0", "t1"))
    assert found.labels.tolist() == [10, 20]
    assert found.values.mean(axis=1) == pytest.approx([0.2, 0.5])


def test_other_test_documents_are_refused():
    runs = [run({10: 0.2, 20: 0.4}), of_points([point(10, 0.3, test_documents=5)], seed=2)]
    with pytest.raises(UsageError, match="other test documents"):
        documents_of(runs)


def _monotone(*curves):
    return MonotoneCurve(Group.of([run_curve(run(curve), "documents", ("t0", "t1")) for curve in curves]))


def test_a_dip_is_averaged_with_the_bump_before_it():
    curve = _monotone({10: 0.2, 20: 0.5, 30: 0.4, 40: 0.6})
    assert curve.mean == pytest.approx([0.2, 0.45, 0.45, 0.6])
    # the raw curve would cross 0.45 at 18.3
    assert curve.crossing(0.45) == pytest.approx(20)
    assert curve.crossing(0.525) == pytest.approx(35)


def test_a_rising_curve_is_left_as_it_is():
    curve = _monotone({10: 0.2, 20: 0.5, 40: 0.7}, {10: 0.4, 20: 0.5, 40: 0.9})
    assert curve.mean == pytest.approx([0.3, 0.5, 0.8])
    assert curve.crossing(0.65) == pytest.approx(30)
    assert curve.crossing(0.8) == pytest.approx(40)
    assert curve.crossing(0.81) is None
    assert curve.table(30).mean(axis=1) == pytest.approx([0.6, 0.7])


def test_the_slope_is_per_factor_e_of_labels_and_never_none_at_all():
    # straight from 10 to 40 documents, so that it rises by 0.01 for each
    straight = _monotone({10: 0.2, 40: 0.5})
    assert straight.slope(20) == pytest.approx(0.01 * 20 * (1.15 - 1 / 1.15) / np.log(1.15**2))
    assert straight.slope(40) == pytest.approx(0.01 * 40 * (1 - 1 / 1.15) / np.log(1.15)), "within the curve"
    assert _monotone({10: 0.5, 40: 0.5}).slope(20) == 0.005


@given(st.lists(st.integers(0, 1000), min_size=2, max_size=8))
def test_never_falls_and_keeps_its_mean(values):
    curve = _monotone({10 * (place + 1): value / 1000 for place, value in enumerate(values)})
    assert np.all(np.diff(curve.mean) >= -1e-12)
    assert curve.mean.mean() == pytest.approx(np.mean(values) / 1000)


def test_hours_need_work_that_was_counted_and_took_time() -> None:
    worked = run({20: 0.5, 40: 0.6})
    points = [
        one.model_copy(update={"work": Work(tasks=one.documents), "hours": one.documents / 10.0})
        for one in worked.points
    ]
    documents = tuple(points[0].counts)
    timed = worked.model_copy(update={"points": tuple(points)})
    assert run_curve(timed, "hours", documents).labels.tolist() == [2.0, 4.0]
    with pytest.raises(UsageError, match="are unknown: the version of the program"):
        run_curve(worked, "hours", documents)
    free = worked.model_copy(update={"points": (points[0].model_copy(update={"hours": 0.0}), points[1])})
    with pytest.raises(UsageError, match="begins at 0 hours: its documents came with annotations"):
        run_curve(free, "hours", documents)
