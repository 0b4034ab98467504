"""Habits by annotator, and mentions of a rare shape."""

from __future__ import annotations

from dataclasses import replace

import pytest

from biorat_al.people.audit.annotated import AnnotatedDocument, OwnAnswer, Worded
from biorat_al.people.audit.habits import EVERYBODY, find_habits, shape_findings
from biorat_al.people.audit.shares import Count
from tests.support.audited import corpus_of, written


def habits_in(documents: list[AnnotatedDocument]) -> dict[str, dict[str, Count]]:
    return {habit.name: dict(habit.counts) for habit in find_habits([Worded(one) for one in documents])}


@pytest.mark.parametrize(
    ("name", "texts", "count"),
    [
        ("a leading article", ["Of [Disease|the gout].", "Of the [Disease|gout].", "Of [Disease|gout]."], (1, 2)),
        (
            "“patients with …”",
            ["[Disease|Patients with gout].", "Rats with [Disease|gout].", "[Disease|Gout]."],
            (1, 2),
        ),
        ("a punctuation mark at the end", ["A [Disease|gout.]", "A [Disease|gout]."], (1, 2)),
        ("a bracket without its partner", ["A [Disease|(gout].", "A [Disease|(gout)].", "[Disease|gout]"], (1, 2)),
        ("a border inside a word", ["A [Disease|gou]t.", "A [Disease|gout].", "[Chemical|DA]1"], (1, 3)),
        ("a blank at a border", ["A[Disease| gout].", "A [Disease|gout]."], (1, 2)),
    ],
)
def test_each_habit_is_counted_among_those_that_could_have_it(
    name: str, texts: list[str], count: tuple[int, int]
) -> None:
    assert habits_in(corpus_of(*texts))[name] == {EVERYBODY: Count(*count)}


def test_habits_of_each_annotator() -> None:
    with_article, without = written("1", "Of [Disease|the gout]."), written("1", "Of the [Disease|gout].")
    answers = (OwnAnswer("annotator-1", with_article.annotation), OwnAnswer("annotator-2", without.annotation))
    counts = habits_in([replace(without, answers=answers)])["a leading article"]
    assert counts == {EVERYBODY: Count(0, 1), "annotator-1": Count(1, 1), "annotator-2": Count(0, 1)}


def test_one_annotator_has_no_column() -> None:
    document = written("1", "Of the [Disease|gout].")
    alone = replace(document, answers=(OwnAnswer("annotator-1", document.annotation),))
    assert list(habits_in([alone])["a leading article"]) == [EVERYBODY]


@pytest.mark.parametrize(
    ("wrong", "suggested"),
    [
        ("A [Disease|gout (acute]) came.", "gout (acute)"),
        ("A ([Disease|acute) gout] came.", "(acute) gout"),
        ("A [Disease|(gout] came.", "gout"),
        ("A [Disease|gou]t came.", "gout"),
        ("A [Disease|gout ]came.", "gout"),
    ],
)
def test_a_rare_shape_is_reported_with_what_mends_it(wrong: str, suggested: str) -> None:
    others = ["A [Disease|gout (late)] came."] * 60
    corpus = [Worded(one) for one in corpus_of(*others, wrong)]
    (finding,) = shape_findings(corpus)
    assert finding.suggested is not None
    assert (finding.kind, finding.suggested.text) == ("borders", suggested)
    assert "as 0 of 60 other mentions" in finding.evidence[0].sentence


def test_a_common_shape_is_not_reported() -> None:
    assert list(shape_findings([Worded(one) for one in corpus_of(*["A [Disease|gou]t."] * 5)])) == []
