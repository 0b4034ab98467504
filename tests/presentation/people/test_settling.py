"""The text of ``adjudicate`` and ``audit --push``."""

from __future__ import annotations

from biorat_al.people.settling.upheld import Upheld
from biorat_al.presentation.people.settling import asked_text, upheld_text
from biorat_al.rounds.settling.asking import AskedAgain
from biorat_al.rounds.steps.settled import Settled


def test_what_was_fetched_made_and_withdrawn_is_told() -> None:
    report = AskedAgain("disputes", "http://ls/projects/7/", 2, 1, 0, 3, 4, Settled(1, 2, 0, 0), ("Look here.",))
    assert asked_text(report).splitlines() == [
        "Fetched: 1 new answer, 2 edited",
        "2 tasks made, 1 outdated task withdrawn",
        "4 documents adjudicated, 3 open",
        "Next: http://ls/projects/7/ (Label All Tasks); then: biorat-al round",
        "  Note: Look here.",
    ]
    assert asked_text(AskedAgain("review", None)) == "0 documents reviewed, 0 open"


def test_shares_are_told_by_annotator_and_label() -> None:
    upheld = Upheld(2, 1)
    upheld.of |= {
        ("annotator-1", None): {1: (3, 3), 2: (1, 0)},
        ("annotator-2", None): {1: (3, 0), 2: (1, 0)},
        ("annotator-1", "Disease"): {1: (2, 2)},
        ("annotator-2", "Disease"): {1: (2, 0)},
    }
    lines = [" ".join(line.split()) for line in upheld_text(upheld).splitlines()]
    assert lines[:5] == [
        "Upheld in 2 adjudicated documents",
        "label annotator-1 annotator-2",
        "all 3 of 4, 75 % (0 to 100) 0 of 4, 0 % (0 to 99)",
        "Disease 2 of 2, 100 % 0 of 2, 0 %",
        "In 1 place nobody was upheld.",
    ]
    assert "Nothing has been adjudicated yet" in upheld_text(Upheld())
