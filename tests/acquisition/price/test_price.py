"""Work, prices and what a price with every part halved and doubled is."""

from __future__ import annotations

import pytest

from biorat_al.acquisition.price.price import PRIOR, UNIT_OF_WORK, Price
from biorat_al.acquisition.price.work import KINDS, Work, total, words_in
from biorat_al.settings import CostSettings, make_settings, settings_text

PRICE = Price(words=0.5, added=4.0, changed=3.0, removed=2.0, confirmed=1.0, tasks=10.0)


def test_the_seconds_of_some_work_by_hand() -> None:
    # 0.5·100 + 4·3 + 3·2 + 2·4 + 1·5 + 10·2
    assert PRICE.seconds(Work(100, 3, 2, 4, 5, 2)) == 101.0
    assert PRICE.hours(Work(tasks=720)) == 2.0


def test_work_adds_up() -> None:
    works = [Work(10, 1, 2, 3, 4, 1), Work(20, 5, 0, 0, 1, 1)]
    assert total(works) == Work(30, 6, 2, 3, 5, 2)
    assert total([]) == Work()
    assert total(works).mentions == 13
    assert works[0] * 2 == Work(20, 2, 4, 6, 8, 2)


def test_words_are_separated_by_any_white_space() -> None:
    assert words_in(" TP53-mutant  cells,\n\tno β-catenin.") == 4
    assert words_in("") == 0


def test_each_price_is_halved_and_doubled_alone() -> None:
    varied = PRICE.variations()
    assert len(varied) == 2 * len(KINDS)
    assert varied["added × 0.5"] == Price(0.5, 2.0, 3.0, 2.0, 1.0, 10.0)
    assert varied["tasks × 2"] == Price(0.5, 4.0, 3.0, 2.0, 1.0, 20.0)


def test_settings_prior_and_words_know_the_same_kinds_of_work() -> None:
    assert tuple(CostSettings.model_fields) == KINDS == tuple(PRIOR.spread) == tuple(UNIT_OF_WORK)


@pytest.mark.parametrize(("kind", "seconds"), [("words", 0.37), ("added", 4.4)])
def test_the_prior_is_what_was_published(kind: str, seconds: float) -> None:
    assert getattr(PRIOR.price, kind) == seconds


def test_the_settings_file_shows_the_prior() -> None:
    text = settings_text(make_settings({"name": "trial", "entities": [{"name": "Disease"}]}))
    for kind in KINDS:
        assert f"# {kind} = {getattr(PRIOR.price, kind):g}" in text.replace(".0 ", " ")
