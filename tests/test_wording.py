from __future__ import annotations

import re
from pathlib import Path

import biorat_al
from biorat_al.wording import are, clock, plural, verb


def test_numbers_in_words() -> None:
    assert [plural(n, "task") for n in (0, 1, 2, 1000)] == ["0 tasks", "1 task", "2 tasks", "1,000 tasks"]


def test_nouns_that_take_more_than_an_s() -> None:
    nouns = ("pass of documents", "query", "box", "batch", "day", "unit of text")
    assert [plural(2, noun) for noun in nouns] == [
        "2 passes of documents",
        "2 queries",
        "2 boxes",
        "2 batches",
        "2 days",
        "2 units of text",
    ]
    assert [plural(1, noun) for noun in nouns] == [f"1 {noun}" for noun in nouns]


def test_the_verb_goes_with_the_number() -> None:
    assert [are(n, "task") for n in (0, 1, 2)] == ["0 tasks are", "1 task is", "2 tasks are"]


def test_a_verb_goes_with_its_count_also_where_it_is_irregular() -> None:
    assert [verb(n, "hold") for n in (0, 1, 2)] == ["hold", "holds", "hold"]
    assert [verb(n, base) for base in ("are", "were") for n in (0, 1)] == ["are", "is", "were", "was"]


def test_a_clock() -> None:
    assert [clock(seconds) for seconds in (-1, 0, 59.9, 60, 754, 3723)] == [
        "0:00", "0:00", "0:59", "1:00", "12:34", "1:02:03",
    ]  # fmt: skip


def test_no_plural_is_made_by_hand() -> None:
    """``1 drafts left alone`` was shown to people."""
    package = Path(biorat_al.__file__).parent
    by_hand = re.compile(r"""\{(''|"") if [^}]* == 1 else ('s'|"s")\}""")
    found = [str(path) for path in package.rglob("*.py") if by_hand.search(path.read_text(encoding="utf-8"))]
    assert found == []
