"""Forecasts of curves whose law is known, and of curves that have none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from biorat_al.acquisition.price.answered import AnsweredWork
from biorat_al.acquisition.price.estimate import PriceEstimate
from biorat_al.acquisition.price.pace import Pace, pace_of
from biorat_al.acquisition.price.price import PRIOR
from biorat_al.acquisition.price.work import Work
from biorat_al.efficiency.runs.model import Point, f1_of
from biorat_al.efficiency.statistics.backtest import backtest
from biorat_al.efficiency.statistics.forecast import Forecast, Reach, forecast, forecast_f1
from biorat_al.efficiency.statistics.powerlaw import _noise_of_documents, fit, usable
from biorat_al.errors import UsageError
from tests.efficiency.factories import point

STEPS = (20, 40, 60, 80, 100, 120)


def _law(documents: float, a: float = 0.85, b: float = 1.5, c: float = 0.5) -> float:
    return a - b * documents**-c


def _curve(steps, *, seed: int | None = None, noise: float = 0.01, law=_law) -> list[Point]:
    """Points on the law; with a seed, binomial counts on 60 documents of about 8 mentions, and noise of training."""
    if seed is None:
        return [point(step, law(step), number=number) for number, step in enumerate(steps)]
    generator = np.random.default_rng(seed)
    gold = 1 + generator.poisson(8, 60)
    points = []
    for number, step in enumerate(steps):
        f1 = law(step) + generator.normal(0, noise)
        found = generator.binomial(gold, f1)
        false = generator.poisson(gold * (1 - f1))
        counts = {
            f"t{n}": (int(tp), int(fp), int(all_ - tp))
            for n, (tp, fp, all_) in enumerate(zip(found, false, gold, strict=True))
        }
        points.append(point(step, f1, number=number).model_copy(update={"counts": counts}))
    return points


def test_an_exact_curve_is_followed():
    found = forecast(_curve(STEPS), _law(240))
    assert found.outcome == "expected"
    assert found.documents.value == pytest.approx(120, rel=0.15)
    assert found.documents.low < 120 < found.documents.high
    assert found.tokens.value == pytest.approx(250 * found.documents.value)
    assert found.mentions.value == pytest.approx(10 * found.documents.value)
    assert found.plateau[0] < _law(12000) < found.plateau[1]


def _pace(*seconds: float, note: str = "") -> Pace:
    return Pace(np.array(seconds), note)


def test_hours_follow_from_the_documents():
    found = forecast(_curve(STEPS), _law(240), _pace(360.0))
    assert found.hours.value == pytest.approx(found.documents.value / 10)
    unsure = forecast(_curve(STEPS), _law(240), _pace(*np.geomspace(120, 1080, 101)))
    assert unsure.hours.value == pytest.approx(found.hours.value, rel=0.15)
    assert unsure.hours.low < found.hours.low < found.hours.high < unsure.hours.high


def test_the_sentence_begins_with_hours_and_says_what_they_rest_on():
    found = forecast(_curve(STEPS), _law(240), _pace(360.0, note="The hours are by published prices."))
    assert found.sentence().startswith("An F1 of 75.3 takes about 12 hours of annotation (")
    assert found.sentence().index("more mention") < found.sentence().index("more document")
    assert found.sentence().endswith("interval; 6 points). The hours are by published prices.")


def test_hours_are_told_with_each_price_halved_and_doubled():
    """Where reading is all of the work, the price of words decides, and that of mentions nothing."""
    reading = Work(words=200)
    answers = [AnsweredWork(number, "pool", "ann", 0, reading, True, None, True) for number in range(3)]
    price = PriceEstimate(PRIOR.price, np.tile(PRIOR.price.vector(), (9, 1)))
    pace = pace_of(answers, price)
    assert pace.factors["words × 2"] == 2
    assert pace.factors["added × 2"] == 1
    assert pace.times(3).draws == pytest.approx(3 * pace.draws)
    found = forecast(_curve(STEPS), _law(240), pace)
    assert found.hours_varied == pytest.approx((found.hours.value / 2, 2 * found.hours.value))
    assert "interval; 6 points). With one price halved or doubled, " in found.sentence()
    assert forecast(_curve(STEPS), _law(240), _pace(360.0)).hours_varied is None


def test_without_a_pace_there_are_no_hours():
    found = forecast(_curve(STEPS), _law(240))
    assert found.documents is not None
    assert found.hours is None


def test_the_sentence_says_when_the_pool_does_not_suffice():
    found = forecast(_curve(STEPS), _law(240))
    needed = int(found.documents.value)
    assert found.sentence(needed + 1) == found.sentence()
    assert found.sentence(needed - 1) == f"{found.sentence()} The pool has {needed - 1} documents left."
    assert found.sentence(1).endswith(" The pool has 1 document left.")
    assert found.sentence(0).endswith(" The pool is used up.")
    assert forecast(_curve(STEPS), 0.6).sentence(0) == "The curve has reached an F1 of 60.0."
    assert "pool" not in forecast([], 0.6).sentence(0)


def test_what_nothing_is_known_of_is_left_out_and_what_has_no_end_has_none():
    """Some of the laws never come to the target, and no times infinity is no number."""
    bare = [one.model_copy(update={"tokens": 0, "mentions": 0}) for one in _curve(STEPS, seed=3)]
    with np.errstate(invalid="raise"):
        found = forecast(bare, 0.8, _pace(60.0, 60.0, 60.0, 3600.0))
    assert found.documents.low is not None
    assert found.documents.high is None
    # the middle of all laws, those without an end included
    more = fit(bare, 0).documents_for(0.8) - 120
    assert found.documents.value == pytest.approx(np.median(more), rel=0.01)
    assert (found.tokens, found.mentions) == (None, None)
    assert 0 < found.hours.low < found.hours.value
    assert found.hours.high is None


def test_a_target_that_is_behind():
    found = forecast(_curve(STEPS), 0.6)
    assert found.outcome == "reached"
    assert found.documents.value == 0
    assert found.sentence() == "The curve has reached an F1 of 60.0."


def test_a_target_above_the_asymptote():
    curve = _curve((20, 40, 80, 160, 320), law=lambda n: 0.7 - 30 * n**-1.5)
    found = forecast(curve, 0.85)
    assert found.outcome == "levels off"
    assert found.documents.value is None
    assert found.plateau[0] < 0.7005 < found.plateau[1] < 0.85
    assert found.sentence().startswith("An F1 of 85.0 is not reached at this rate: the curve levels off at 69.")


@pytest.mark.parametrize(
    "curve", [[], _curve(STEPS[:3]), _curve((100, 105, 110, 115, 120)), _curve(STEPS, law=lambda n: 0.0)]
)
def test_too_little_to_tell(curve):
    found = forecast(curve, 0.8)
    assert found.outcome == "cannot be told"
    assert (found.documents, found.hours, found.plateau) == (None, None, None)
    assert "is not known yet" in found.sentence()
    assert forecast_f1(curve, 1000) is None


def test_a_single_measurement_above_the_target_is_said():
    found = forecast([point(20, 0.917)], 0.8)
    assert (found.outcome, found.is_above) == ("cannot be told", True)
    assert found.sentence() == (
        "The last measurement, an F1 of 91.7, has reached an F1 of 80.0; with 1 usable point it cannot be told whether "
        "that was chance."
    )
    assert not forecast([point(20, 0.917), point(40, 0.7)], 0.8).is_above
    assert not forecast(_curve(STEPS), 0.2).is_above, "the curve tells more"


def test_a_curve_that_does_not_rise_does_not_get_there():
    assert forecast(_curve(STEPS, law=lambda n: 0.5), 0.8).outcome == "levels off"


def test_points_before_the_curve_leaves_0_do_not_count():
    started = _curve(STEPS)
    assert forecast([point(5, 0.0), point(10, 0.0), *started], 0.75) == forecast(started, 0.75)


def test_a_curve_at_its_end_does_not_break():
    found = forecast(_curve(STEPS, law=lambda n: 1.0), 0.9)
    assert found.outcome == "reached"


def test_farther_is_less_certain():
    curve = _curve(STEPS, seed=3)
    widths = [estimate.high - estimate.low for estimate in (forecast_f1(curve, n) for n in (150, 240, 480, 960))]
    assert widths == sorted(widths)


def test_the_next_measurement_is_as_noisy_as_those_before():
    curve = _curve(STEPS, seed=3)
    found, laws = forecast_f1(curve, 121), fit(curve, 0)
    law = np.quantile(laws.at(121), (0.025, 0.975))
    assert found.high - found.low > np.hypot(law[1] - law[0], 3 * np.median(laws.noise))


def test_the_level_is_that_of_the_interval():
    curve = _curve(STEPS, seed=3)
    wide, narrow = (forecast(curve, 0.75, level=level) for level in (0.95, 0.5))
    more = np.maximum(fit(curve, 0).documents_for(0.75) - 120, 0)
    for found, level in ((wide, 0.95), (narrow, 0.5)):
        ends = np.quantile(more, ((1 - level) / 2, (1 + level) / 2), method="inverted_cdf")
        assert (found.documents.low, found.documents.high, found.level) == pytest.approx((*ends, level))
    assert "(50 % interval; 6 points)" in narrow.sentence()


def test_no_law_leads_beyond_an_f1_of_100():
    laws = fit(_curve(STEPS, law=lambda n: 0.97 - 3 / n), 0)
    assert laws.level.min() >= 0
    assert (laws.level + laws.gap).max() <= 1
    assert laws.gap.max() > 0.01


def test_before_the_points_speak_all_gaps_are_as_likely_as_each_other():
    """Two test documents that contradict each other say next to nothing; then gap and level are nearly anywhere where
    their sum is below 1, and the gap's mean is near 1/3. The grid is finer towards 0, so that each of its steps
    counting the same would make it 0.15."""
    points = [
        point(step, [0.01 + 0.98 * (number % 2), 0.99 - 0.98 * (number % 2)]) for number, step in enumerate(STEPS)
    ]
    assert 0.22 < fit(points, 0).gap.mean() < 1 / 3


def test_the_noise_of_a_point_is_the_jackknifes_of_a_step():
    """Documents of one size, so that their influence is their own F1, and steps differ between them by ±0.1."""
    points = [point(10, [0.3, 0.5, 0.4, 0.6]), point(20, [0.5, 0.5, 0.6, 0.6]), point(30, [0.6, 0.8, 0.7, 0.9])]
    variances = np.var([0.2, 0.0, 0.2, 0.0], ddof=1), np.var([0.1, 0.3, 0.1, 0.3], ddof=1)
    # of one point, not of the difference of two
    assert _noise_of_documents(points) == pytest.approx(np.sqrt(np.mean(variances) / 4 / 2))


def test_of_two_points_with_the_same_documents_the_last_counts():
    assert [one.f1 for one in usable([point(20, 0.3), point(40, 0.5), point(20, 0.4)])] == [0.4, 0.5]


def test_the_same_seed_gives_the_same_forecast_and_order_does_not_matter():
    curve = _curve(STEPS, seed=3)
    assert forecast(curve, 0.8, _pace(100.0, 200.0), seed=5) == forecast(curve[::-1], 0.8, _pace(100.0, 200.0), seed=5)
    assert forecast(curve, 0.8, seed=5) != forecast(curve, 0.8, seed=6)


def test_what_cannot_be_meant_is_refused():
    with pytest.raises(UsageError, match="between 0 and 1"):
        forecast(_curve(STEPS), 80)
    with pytest.raises(UsageError, match="there are 120 already"):
        forecast_f1(_curve(STEPS), 100)


def test_sentences():
    found = Forecast("expected", 0.8, Reach(120.4, 80, 300), None, None, Reach(1, 0.7, None), (0.7, 0.9), 6)
    assert found.sentence() == (
        "An F1 of 80.0 takes about 1 hour of annotation (at least 0.7) or 120 more documents (80 to 300) "
        "(95 % interval; 6 points)."
    )
    assert replace(found, outcome="levels off", documents=Reach(None, 90, None)).sentence() == (
        "An F1 of 80.0 is not reached at this rate: the curve levels off at 70.0–90.0; it would take at least 90 more "
        "documents."
    )
    assert replace(found, outcome="reached", documents=Reach(0, 0, 1)).sentence() == (
        "The curve has reached an F1 of 80.0, but it may still take up to 1 more document."
    )


@pytest.mark.slow
def test_the_interval_holds_the_law_at_twice_the_documents():
    """80 curves; three standard errors at 95 % are 7 %."""
    held = reached = 0
    for seed in range(80):
        curve = _curve((*STEPS, 240), seed=seed)
        estimate = forecast_f1(curve[:-1], 240)
        held += estimate.low <= curve[-1].f1 <= estimate.high
        more = forecast(curve[:-1], _law(240)).documents
        reached += (more.low is not None and more.low <= 120) and (more.high is None or more.high >= 120)
    assert 0.88 <= held / 80 <= 1
    assert 0.88 <= reached / 80 <= 1


def test_backtest_counts_by_prefix_and_horizon():
    curves = [_curve((20, 40, 60, 80, 120, 160), seed=seed) for seed in range(10)]
    found = backtest(curves, horizons=(1.0, 2.0))
    # from four points on, to 120 and 160; from five, to 160
    assert [(cell.prefix, cell.horizon, cell.forecasts) for cell in found] == [(4, 1.0, 10), (4, 2.0, 10), (5, 1.0, 10)]
    estimates = [forecast_f1(curve[:4], 160) for curve in curves]
    inside = sum(e.low <= f1_of(c[-1].counts.values()) <= e.high for e, c in zip(estimates, curves, strict=True))
    assert found[1].inside == inside
    assert found[1].coverage == inside / 10
    assert found[1].width == pytest.approx(np.mean([e.high - e.low for e in estimates]))


def test_backtest_sees_a_curve_that_breaks_its_law():
    curve = _curve(STEPS)
    broken = [*curve, point(240, 0.1)]
    assert [cell.inside for cell in backtest([broken], horizons=(2.0,)) if cell.prefix == 6] == [0]


def test_backtest_without_horizons_is_refused():
    with pytest.raises(UsageError, match="at least one horizon"):
        backtest([], horizons=())
