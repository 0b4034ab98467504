"""The seconds of one more document."""

from __future__ import annotations

import numpy as np
import pytest

from biorat_al.acquisition.price.answered import AnsweredWork
from biorat_al.acquisition.price.estimate import PriceEstimate
from biorat_al.acquisition.price.pace import pace_of
from biorat_al.acquisition.price.price import Price
from biorat_al.acquisition.price.work import Work

PRICE = Price(words=0.5, added=4.0, changed=3.0, removed=2.0, confirmed=1.0, tasks=10.0)
SURE = PriceEstimate(PRICE, np.tile(PRICE.vector(), (500, 1)), answers=9)


def _answer(document: int, round_number: int, work: Work, split: str = "pool") -> AnsweredWork:
    return AnsweredWork(document, split, "ann", round_number, work, True, None, True)


def test_a_document_takes_as_long_as_those_of_the_newest_rounds() -> None:
    old = [_answer(number, 1, Work(1000, added=99, tasks=1)) for number in range(30)]
    new = [_answer(100 + number, 2, Work(100, confirmed=5, tasks=1)) for number in range(20)]
    # 0.5·100 + 5 + 10
    assert pace_of([*old, *new], SURE).draws == pytest.approx(65.0)


def test_earlier_rounds_count_until_there_are_enough() -> None:
    old = [_answer(number, 1, Work(200, tasks=1)) for number in range(30)]
    few = [_answer(100, 2, Work(100, tasks=1))]
    assert 60 < float(np.mean(pace_of([*old, *few], SURE).draws)) < 110


def test_all_answers_to_a_document_are_its_price_and_test_documents_do_not_count() -> None:
    answers = [_answer(1, 1, Work(tasks=1)), _answer(1, 1, Work(tasks=1)), _answer(2, 1, Work(9999), "test")]
    assert pace_of(answers, SURE).draws == pytest.approx(20.0)
    assert pace_of(answers[2:], SURE) is None


def test_sentences_count_as_the_share_of_their_document_that_they_are() -> None:
    sentences = [_answer(number, 1, Work(20, tasks=1), "segment") for number in range(1, 11)]
    shares = dict.fromkeys(range(1, 11), 0.1)
    # ten sentences of 20 seconds are one document
    pace = pace_of(sentences, SURE, shares=shares)
    assert pace.draws == pytest.approx(200.0)
    assert pace.factors["tasks × 2"] == pytest.approx(1.5)
    mixed = pace_of([*sentences, _answer(11, 1, Work(200, tasks=10))], SURE, shares=shares)
    assert mixed.draws == pytest.approx(200.0)


def test_the_newest_sentences_are_enough_once_they_are_worth_enough_documents() -> None:
    old = [_answer(number, 1, Work(tasks=99)) for number in range(30)]
    new = [_answer(100 + number, 2, Work(tasks=1), "segment") for number in range(40)]
    halves = {one.document_id: 0.5 for one in new}
    assert pace_of([*old, *new], SURE, shares=halves).draws == pytest.approx(20.0)
    fewer = {one.document_id: 0.1 for one in new}
    assert float(np.mean(pace_of([*old, *new], SURE, shares=fewer).draws)) > 300


def test_the_factors_are_those_of_the_work_by_hand() -> None:
    pace = pace_of([_answer(1, 1, Work(100, added=10, tasks=1))], SURE)
    # 50 + 40 + 10 seconds
    assert pace.factors["words × 2"] == pytest.approx(1.5)
    assert pace.factors["added × 0.5"] == pytest.approx(0.8)
    assert pace.factors["confirmed × 2"] == 1.0


def test_published_prices_are_named_as_such() -> None:
    answers = [_answer(1, 1, Work(tasks=1))]
    assert "published prices" in pace_of(answers, PriceEstimate(PRICE, SURE.draws)).note
    assert pace_of(answers, SURE).note == ""
