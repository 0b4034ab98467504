"""Figures of the report: how they are written, and that JSON, CSV and page say the same."""

from __future__ import annotations

import csv
import io

import pytest

from biorat_al.efficiency.report.tables import Figure, FigureTable, estimated, spread, words, written
from biorat_al.efficiency.statistics.cost import Spread
from biorat_al.efficiency.statistics.estimates import Amount, Estimate


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        (0.7134, "percent", "71.3"),
        (-0.021, "points", "-2.1"),
        (0.021, "points", "+2.1"),
        (0.871, "ratio", "×0.87"),
        (1204.4, "count", "1,204"),
        (5_405_995, "large", "5.41 M"),
        (7200, "large", "7,200"),
        (3.21, "seconds", "3.2 s"),
        (1441.2, "seconds", "1,441 s"),
        (2.25, "hours", "2.2 h"),
        (1.5e9, "bytes", "1.50 GB"),
        (3.4e8, "bytes", "340 MB"),
    ],
)
def test_numbers_are_written_as_their_form_says(value: float, form, text: str) -> None:
    assert written(value, form) == text


def test_an_interval_may_be_open_or_have_no_spread() -> None:
    assert Figure(0.5, "ratio", 0.4, 0.6, interval=True).interval_text == "×0.40 to ×0.60"
    assert Figure(0.5, "ratio", None, 0.6, interval=True).interval_text == "up to ×0.60"
    assert Figure(0.5, "ratio", 0.4, None, interval=True).interval_text == "×0.40 or more"
    assert Figure(0.5, "ratio", interval=True).interval_text == "no bound on either side"
    assert Figure(0.5, "ratio", 0.5, 0.5, interval=True).interval_text == "no spread"
    assert Figure(0.5, "ratio", note="one seed").interval_text == "one seed"
    assert Figure(300, "count", relation="more than").text == "more than 300"
    assert Figure(None, "count").text == "–"


def test_an_estimate_keeps_what_is_known_of_it() -> None:
    bound = estimated(Estimate(Amount(0.8, "less than"), None, 0.9, seeds=3), "ratio")
    assert (bound.text, bound.interval_text) == ("less than ×0.80", "up to ×0.90")
    nothing = estimated(Estimate(None, None, None, seeds=3), "ratio", missing="not reached")
    assert (nothing.text, nothing.interval_text, nothing.interval) == ("–", "not reached", False)
    share = estimated(Estimate(Amount(0.05), -0.1, 0.2, seeds=1), "percent")
    assert share.interval_text == "0.0 to 20.0"


def test_a_range_over_one_seed_is_none() -> None:
    assert spread(Spread(3.0, 3.0, 3.0), "count", 1) == Figure(3.0, "count")
    assert spread(Spread(3.0, 2.0, 4.0), "count", 2).interval_text == "2 to 4"
    assert spread(None, "count", 2).text == "–"


def test_csv_and_json_hold_the_same_numbers() -> None:
    rows = [
        {"name": 'a,b\n"c"', "f1": Figure(0.5, "percent", 0.4, 0.6, interval=True), "n": 3},
        {
            "name": "=1+1",
            "f1": Figure(None, "percent", note="not measured"),
            "n": Figure(4, "count", relation="more than"),
        },
    ]
    table = FigureTable("t", "T", {"name": "name", "f1": "F1", "n": "n"}, rows, "note")
    assert list(csv.reader(io.StringIO(table.csv()))) == [
        ["name", "f1", "f1_low", "f1_high", "n"],
        ['a,b\n"c"', "0.5", "0.4", "0.6", "3"],
        ["'=1+1", "", "", "", "more than 4"],
    ]
    first, second = table.as_dict()["rows"]
    assert first == {"name": 'a,b\n"c"', "f1": {"value": 0.5, "low": 0.4, "high": 0.6}, "n": 3}
    assert second["name"] == "=1+1"
    assert second["f1"] == {"value": None, "low": None, "high": None, "note": "not measured"}
    assert second["n"]["relation"] == "more than"


def test_columns_below_others_are_not_shown_beside_them() -> None:
    rows = [{"arm": "rat", "passes": Figure(2, "count"), "relative": Figure(1.5, "ratio")}]
    table = FigureTable("t", "T", {"arm": "arm", "passes": "passes", "relative": "×"}, rows, "", {"passes": "relative"})
    assert table.shown == ["arm", "passes"]
    assert [table.is_number(key) for key in table.columns] == [False, True, True]
    assert table.csv() == "arm,passes,relative\nrat,2,1.5\n"


def test_words_are_joined_as_people_do() -> None:
    assert [words(items) for items in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]
