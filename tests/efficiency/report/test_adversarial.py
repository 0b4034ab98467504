"""A project's report says what is known of adversarial training, and does not ask it of one seed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from biorat_al.efficiency.report.adversarial import STUDY, adversarial_training
from biorat_al.efficiency.report.build import headline_of
from biorat_al.efficiency.report.sections.comparisons import comparisons
from biorat_al.efficiency.report.study import Study
from biorat_al.efficiency.runs.model import Run
from tests.efficiency import factories as small

DOCS = Path(__file__).parents[3] / "docs" / "explanation" / "study.md"


def project(*arms: tuple[str, float]) -> Study:
    runs: list[Run] = [
        small.run({20: [0.5, 0.6, 0.55], 40: [0.5, high, 0.55]}, seed=3, arm=arm).model_copy(update={"kind": "live"})
        for arm, high in arms
    ]
    return Study("trial", runs, runs, live=True)


def headline(study: Study) -> str:
    found, problems = comparisons(study)
    told = headline_of(study, found[study.main_unit], problems)
    assert told.outcome == "cannot be told"
    return f"{told.sentence} {told.basis}"


def test_a_project_is_told_the_study_and_its_own_difference() -> None:
    sentence = headline(project(("none", 0.6), ("rat", 0.66)))
    assert sentence.startswith("Whether adversarial training saves labels cannot be told from one project, ")
    (points,) = re.findall(r"here rat comes to (\S+) points of F1 against none", sentence)
    assert points == "+1.0", "a third of the test documents is 0.06 better at the end of the curve"
    assert "3 test documents, 95 % interval" in sentence
    assert STUDY in sentence
    assert "their committee" not in sentence


@pytest.mark.slow
def test_the_control_arm_is_explained_where_a_committee_chooses() -> None:
    sentence = headline(project(("none", 0.6), ("rat", 0.66), ("committee", 0.7)))
    assert "here rat comes to +1.0 points of F1 against none" in sentence
    assert (
        f"{STUDY} All arms are trained because their committee chooses the documents and pre-labels them." in sentence
    )


def test_arms_that_cannot_be_compared_leave_what_the_study_knows() -> None:
    told = adversarial_training(project(("none", 0.6), ("rat", 0.66)), [])
    assert told == ("Whether adversarial training saves labels cannot be told from one project.", STUDY)


def test_the_figures_are_those_of_the_docs() -> None:
    rows = [line.split("|") for line in DOCS.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    both = {row[1].replace("`", "").strip(): row[4] for row in rows if len(row) == 6}
    for pair in ("rat − none", "rat − matched"):
        value, low, high = re.findall(r"[+−]?\d+\.\d", both[pair])
        assert re.search(rf"to {re.escape(value)} [^+]*{re.escape(low)} to {re.escape(high)}", STUDY), pair
