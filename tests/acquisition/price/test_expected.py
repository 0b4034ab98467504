"""The work that a document is expected to take, by hand."""

from __future__ import annotations

from dataclasses import astuple

import pytest

from biorat_al.acquisition.price.answered import AnsweredWork
from biorat_al.acquisition.price.expected import Rates, expected_work, rates_of
from biorat_al.acquisition.price.work import Work


def _answer(work: Work, *, exact: bool = True) -> AnsweredWork:
    return AnsweredWork(1, "pool", "ann", 1, work, exact, None, True)


def test_confidences_become_confirmed_changed_removed_and_missed_mentions() -> None:
    # of three pre-labels 0.9 + 0.8 + 0.3 = 2 are right; of the one that is wrong, a quarter is changed
    found = expected_work(100, [0.9, 0.8, 0.3], Rates(changed=0.25, missed=0.4, per_word=0.1))
    assert astuple(found) == pytest.approx((100, 0.8, 0.25, 0.75, 2.0, 1))


def test_without_a_model_mentions_come_at_the_rate_per_word() -> None:
    assert expected_work(80, None, Rates(per_word=0.1)) == Work(80, added=8.0, tasks=1)
    assert expected_work(80, [], Rates(per_word=0.1)) == Work(80, tasks=1)


def test_rates_are_those_of_the_answers_with_the_guesses_worth_ten_mentions() -> None:
    blind = _answer(Work(160, added=30, tasks=1))
    shown = _answer(Work(160, added=5, changed=10, removed=30, confirmed=90, tasks=1))
    unknown = _answer(Work(999, added=999, tasks=1), exact=False)
    found = rates_of([blind, shown, unknown])
    assert found.changed == pytest.approx((10 + 5) / (40 + 10))
    assert found.missed == pytest.approx((5 + 5) / (90 + 10))
    assert found.per_word == pytest.approx((30 + 105 + 10) / (320 + 160))


def test_before_the_first_answer_there_are_guesses() -> None:
    assert astuple(rates_of([])) == pytest.approx(astuple(Rates()))
