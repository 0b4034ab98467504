"""The fitted price against projects whose true price is known."""

from __future__ import annotations

import numpy as np
import pytest

from biorat_al.acquisition.price.fit import TimedWork, expected_times, fit
from biorat_al.acquisition.price.price import PRIOR
from biorat_al.acquisition.price.work import KINDS, Work
from tests.acquisition.price.factories import project, scaled

TASK = Work(words=200, added=4, changed=2, removed=2, confirmed=6, tasks=1)
PROJECTS = 24


def _interval(values: np.ndarray) -> tuple[float, float]:
    low, high = np.quantile(values, (0.025, 0.975))
    return float(low), float(high)


@pytest.mark.slow
@pytest.mark.parametrize(("answers", "annotators"), [(5, 1), (40, 3), (150, 4)])
def test_intervals_hold_the_true_price_about_as_often_as_they_say(answers: int, annotators: int) -> None:
    held, parts = 0, np.zeros(len(KINDS))
    for seed in range(PROJECTS):
        timed, truth, _ = project(seed, answers, annotators)
        found = fit(timed)
        low, high = _interval(found.draws @ TASK.vector())
        held += low <= truth @ TASK.vector() <= high
        ends = np.quantile(found.draws, (0.025, 0.975), axis=0)
        parts += (ends[0] <= truth) & (truth <= ends[1])
    # 95 % are promised; 20 of 24 are three standard errors less, and one break in 20 answers costs a little
    assert held >= 20
    assert (parts >= 18).all()
    assert parts.mean() >= 0.89 * PROJECTS


def test_with_many_answers_the_mean_is_near_the_truth_and_the_interval_narrow() -> None:
    errors = []
    for seed in range(6):
        timed, truth, _ = project(seed, 200, 3, pace=2.0)
        found = fit(timed)
        errors.append(float(np.log((found.mean @ TASK.vector()) / (truth @ TASK.vector()))))
        low, high = _interval(found.draws @ TASK.vector())
        assert high < 1.35 * low
    assert abs(np.mean(errors)) < 0.06


def test_without_answers_it_is_the_prior_and_wide() -> None:
    found = fit([])
    assert found.mean == pytest.approx(PRIOR.price.vector())
    assert (found.speeds, found.breaks, found.slips) == ({}, 0, 0)
    low, high = _interval(found.draws[:, 0])
    assert low < 0.12
    assert high > 1.1


def test_a_single_answer_moves_the_price_but_not_all_the_way() -> None:
    found = fit([TimedWork("ann", Work(200, added=10, tasks=1), 3 * PRIOR.price.seconds(Work(200, added=10, tasks=1)))])
    before = PRIOR.price.seconds(TASK)
    assert 1.3 * before < found.mean @ TASK.vector() < 2.9 * before


def test_breaks_of_minutes_are_left_out_and_counted() -> None:
    timed, _, _ = project(3, 80, 2, breaks=0.0)
    alone = fit(timed)
    assert (alone.breaks, alone.slips) == (0, 0)
    with_breaks = fit([*timed[:74], *(scaled(one, 1 + 3600 / one.seconds) for one in timed[74:])])
    assert with_breaks.breaks == 6
    # as if these six answers had not been timed
    without = fit(timed[:74])
    assert with_breaks.mean @ TASK.vector() == pytest.approx(without.mean @ TASK.vector(), rel=0.05)


def test_an_answer_in_a_second_is_a_slip() -> None:
    timed, _, _ = project(4, 60, 1, breaks=0.0)
    found = fit([*timed, TimedWork("a0", Work(250, added=9, tasks=1), 1.0)])
    assert (found.breaks, found.slips) == (0, 1)


def test_an_annotator_with_few_answers_is_drawn_towards_the_others() -> None:
    works = [one.work for one in project(5, 60, 1).timed]
    # exactly the prior's price, but for the new one, who takes four times as long
    timed = [TimedWork("a0", work, PRIOR.price.seconds(work)) for work in works]
    slow = [TimedWork("new", work, 4 * PRIOR.price.seconds(work)) for work in works[:24]]
    few, many = fit([*timed, *slow[:2]]), fit([*timed, *slow])
    speed = {
        name: float(np.median(of["new"]) / np.median(of["a0"]))
        for name, of in (("few", few.speeds), ("many", many.speeds))
    }
    assert 1.5 < speed["few"] < speed["many"] < 4.1


def test_a_written_price_is_used_as_it_is_and_the_others_are_fitted_around_it() -> None:
    timed, truth, _ = project(6, 150, 2, breaks=0.0)
    found = fit(timed, written={"words": float(truth[0]), "tasks": 0.0})
    assert found.mean[0] == truth[0]
    assert (found.draws[:, 0] == truth[0]).all()
    assert (found.draws[:, KINDS.index("tasks")] == 0).all()
    low, high = _interval(found.draws @ TASK.vector())
    assert 0.9 * low < truth @ TASK.vector() < 1.1 * high


def test_with_every_price_written_nothing_is_fitted() -> None:
    written = dict.fromkeys(KINDS, 1.0)
    found = fit([TimedWork("ann", TASK, 5.0)], written=written)
    assert (found.draws == 1.0).all()


def test_the_order_of_the_answers_makes_no_difference() -> None:
    timed, _, _ = project(7, 30, 3)
    one, other = fit(timed), fit(timed[::-1])
    assert (one.mean == other.mean).all()
    assert (one.draws == other.draws).all()


def test_prices_are_never_negative_even_if_work_seems_to_save_time() -> None:
    # the more there is to confirm, the faster: no linear regression would leave this price above 0
    timed = [TimedWork("ann", Work(200, confirmed=n, tasks=1), 200.0 - 9 * n) for n in range(20)]
    found = fit(timed)
    assert (found.draws > 0).all()


def test_each_break_is_recognised_and_its_expected_seconds_are_told() -> None:
    timed, _, _ = project(3, 80, 2, breaks=0.0)
    interrupted = [scaled(one, 1 + 3600 / one.seconds) for one in timed[74:]]
    says = expected_times([*timed[:74], *interrupted], [*interrupted, *timed])
    assert all(one.is_break for one in says[:6])
    # one in a hundred tasks takes so long without a break
    assert sum(one.is_break for one in says[6:]) <= 1
    for one, other in zip(says[:6], timed[74:], strict=True):
        assert 0.2 * other.seconds < one.seconds < 5 * other.seconds
    assert [one.seconds for one in says[:6]] == [one.seconds for one in says[80:]]


def test_the_times_that_the_fit_leaves_out_as_breaks_are_those_recognised() -> None:
    timed, _, _ = project(5, 150, 3, breaks=0.1)
    assert sum(one.is_break for one in expected_times(timed, timed)) == fit(timed).breaks > 0


def test_without_any_times_to_learn_from_a_day_is_a_break_and_a_minute_is_not() -> None:
    work = Work(words=200, added=4, tasks=1)
    asked = [TimedWork("ann", work, seconds) for seconds in (60.0, 80_000.0, 1.0)]
    assert [one.is_break for one in expected_times([], asked)] == [False, True, False]
