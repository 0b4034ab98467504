"""The first screen of a project's report: progress, the hours left, F1, disputes, who did what, and what to do."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from biorat_al.acquisition.price.pace import Pace
from biorat_al.corpus.formats.bigbio.details import AgreementF1
from biorat_al.efficiency.report.overview.overview import (
    GroupMeasurements,
    Overview,
    ProjectMeasurements,
    project_overview,
)
from biorat_al.efficiency.report.overview.steps import Step
from biorat_al.efficiency.report.study import Study
from biorat_al.efficiency.runs.model import Run
from biorat_al.people.agreement_report import agreement_report
from biorat_al.people.ceiling import Ceiling
from biorat_al.people.disputes import Disputes
from biorat_al.people.work_by_annotator import WorkOfAnnotator
from biorat_al.rounds.status import ProjectStatus, RoundStatus
from tests.efficiency.factories import exact, of_points, point
from tests.people.factories import DRUG, HEADACHE, SEVERE, double, marked

AGAIN = "biorat-al round"
ADJUDICATE = "biorat-al adjudicate"

NO_TASKS = dict.fromkeys(("pushing", "open", "answered", "skipped", "deleted"), 0)

ROUND = RoundStatus(
    number=4, state="done", started_at="2026-01-01T00:00:00", seconds=1.0, labelled=80, f1={"rat": 0.7}, evaluated=4,
    strategy="mnlp", asked_for=20, waiting_for=None, models={"rat": "trial-r4-rat-ab"},
)  # fmt: skip

STATUS = ProjectStatus(
    name="trial",
    folder="/trial",
    database="SQLite",
    desk="label-studio",
    encoder="minilm",
    labels=("Disease", "Chemical"),
    documents={"pool": 200, "test": 4},
    labelled={"pool": 80, "test": 4},
    left=100,
    mentions={"Disease": 500, "Chemical": 300},
    tasks={"pool": {**NO_TASKS, "open": 20}, "test": NO_TASKS},
    urls={"pool": "http://desk/projects/1/", "test": "http://desk/projects/2/"},
    rounds=(ROUND,),
)


def run(*values: float) -> Run:
    """Return a run of the arm that selects, with 20 more documents at each point."""
    points = [point(20 * number, value, number=number) for number, value in enumerate(values, start=1)]
    points = [one.model_copy(update={"by_label": {"Disease": exact(0.8), "Chemical": exact(0.5)}}) for one in points]
    models = {"models": [{"round": len(values), "selecting": True}]}
    return of_points(points, arm="rat", kind="live").model_copy(update={"provenance": models})


def overview(
    status: ProjectStatus = STATUS,
    *values: float,
    pace: Pace | None = None,
    group: GroupMeasurements = GroupMeasurements(),  # noqa: B008
) -> Overview:
    runs = [run(*values)] if values else []
    labels = {"Disease": {f"t{n}": exact(0.8) for n in range(4)}, "Chemical": {f"t{n}": exact(0.5) for n in range(4)}}
    known = ProjectMeasurements({"rat": labels}, {}, pace) if runs else None
    return project_overview(status, Study("trial", runs, runs, live=True), 0.8, known, group)


RISING = (0.4, 0.55, 0.62, 0.66, 0.69)


def test_it_says_how_far_it_is_how_good_how_long_and_what_next() -> None:
    found = overview(STATUS, *RISING, pace=Pace(np.array([100.0, 120.0, 140.0])))
    progress, left, quality, disputed = found.facts
    (step,) = found.steps
    assert progress.value == "80 of 200 documents annotated"
    assert progress.detail.startswith("Open: 20; never asked for: 100. Test set, annotated without pre-labels: 4 of 4 ")
    assert quality.value.startswith("69.0 (")
    assert "The model of round 5 that pre-labels: the arm rat, random adversarial training; encoder" in quality.detail
    assert "the 95 % interval over the 4 test documents" in quality.detail
    assert left.label == "Hours left to an F1 of 80.0"
    assert left.value.startswith("about ")
    assert " hours (" in left.value
    assert "more documents" in left.detail
    assert disputed.value == "not known yet"
    assert step == Step("Annotate 20 open tasks at http://desk/projects/1/ (as counted at the last round); then", AGAIN)


def test_f1_stands_label_by_label_with_its_interval() -> None:
    (table,) = overview(STATUS, *RISING).tables
    rows = {row["label"]: row for row in table.rows}
    assert list(rows) == ["Disease", "Chemical", "all labels"]
    assert [rows[label]["marked"] for label in rows] == [500, 300, 800]
    assert "what another seed would give is not in the interval" in table.note
    for label, f1 in (("Disease", 0.8), ("Chemical", 0.5), ("all labels", 0.69)):
        figure = rows[label]["f1"]
        assert figure.value == pytest.approx(f1)
        assert figure.interval


def test_where_no_times_were_recorded_it_counts_documents_and_says_why() -> None:
    left = overview(STATUS, *RISING).facts[1]
    assert left.value.startswith("about ")
    assert left.value.endswith(" more documents")
    assert "The hours are unknown" in left.detail


def test_with_too_few_rounds_it_says_what_a_forecast_takes() -> None:
    left = overview(STATUS, 0.4, 0.5).facts[1]
    assert left.value == "not known yet"
    assert left.detail.startswith("A forecast takes 4 measured rounds")
    assert left.detail.endswith("usable so far: 2.")


def test_what_has_been_reached_takes_no_more_hours() -> None:
    left = overview(STATUS, 0.85, 0.88, 0.9, 0.91, 0.92).facts[1]
    assert left.value == "none: it has been reached"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"documents": {"pool": 9, "test": 0}}, "has no test documents"),
        ({"rounds": (replace(ROUND, models={}, evaluated=0),)}, "No model has been trained yet"),
        ({"labelled": {"pool": 80, "test": 0}}, "None of the 4 test documents is annotated yet"),
        ({"rounds": (replace(ROUND, evaluated=0),)}, "No model has been measured yet"),
    ],
)
def test_without_an_f1_it_says_why(changes: dict[str, object], said: str) -> None:
    found = overview(replace(STATUS, **changes))
    assert found.facts[1].value == found.facts[2].value == "not known yet"
    assert said in found.facts[2].detail
    assert not found.tables


CEILING = Ceiling(
    AgreementF1(3, 0.9, (0.8, 0.95)),
    AgreementF1(1, 0.92, None),
    AgreementF1(3, 0.7, (0.6, 0.8)),
    {"Disease": AgreementF1(3, 0.85, (0.7, 0.9))},
)

DISPUTES = Disputes(9, 5, 12, 0, 0, AgreementF1(9, 0.8, (0.7, 0.9)), (), texts=frozenset({1, 2}))

AGREED = agreement_report([double({"annotator-1": marked(DRUG, HEADACHE), "annotator-2": marked(DRUG, SEVERE)})])
WORK = [
    WorkOfAnnotator("annotator-1", Counter(pool=50, test=4), 300, 36000.0, 50, 8),
    WorkOfAnnotator("annotator-2", Counter(pool=30), 100),
    WorkOfAnnotator("", open=12, people=2),
]
GROUP = GroupMeasurements(WORK, AGREED, AGREED.disagreements)


def test_people_stand_beside_the_model_overall_and_by_label() -> None:
    found = overview(replace(STATUS, ceiling=CEILING), *RISING)
    quality = found.facts[2]
    assert quality.beside == "People: 90.0 (80.0 to 95.0)"
    assert "on 3 test documents that several of them answered" in quality.detail
    assert "against the settled answers to 1: 92.0; the model reaches 70.0 (60.0 to 80.0) on these" in quality.detail
    (table,) = found.tables
    people = {row["label"]: row["people"] for row in table.rows}
    assert people["Chemical"] is None
    assert (people["Disease"].value, people["all labels"].value) == (0.85, 0.9)
    assert " – People: 90.0 (80.0 to 95.0)" in found.sentences[2]


def test_it_says_who_has_done_what_and_how_far_each_agrees_with_the_others() -> None:
    (table, *_) = overview(STATUS, group=GROUP).tables
    assert table.name == "overview-annotators"
    assert list(table.columns) == [
        "annotator", "pool", "test", "open", "mentions", "hours", "minutes", "agreement",
    ]  # fmt: skip
    first, second, waiting = table.rows
    assert (first["pool"], first["test"], first["open"], first["mentions"]) == (50, 4, 8, 300)
    assert (first["hours"].text, first["hours"].note, first["minutes"].text) == (
        "10.0 h", "4 answers without a time", "12.0 min",
    )  # fmt: skip
    assert first["agreement"].value == second["agreement"].value == 0.5
    assert (second["hours"].text, second["hours"].note) == ("–", "not recorded")
    assert waiting["annotator"] == "not begun yet (2 annotators)"
    assert waiting["agreement"] is None


def test_one_annotator_without_times_has_a_short_table() -> None:
    alone = GroupMeasurements([WorkOfAnnotator("annotator-1", Counter(pool=3), 7)])
    (table,) = overview(STATUS, group=alone).tables
    assert list(table.columns) == ["annotator", "pool", "mentions"]


def test_disputes_are_counted_and_shown_by_kind_and_settling_them_is_a_step() -> None:
    found = overview(replace(STATUS, disputes=DISPUTES), group=GROUP)
    disputed = found.facts[3]
    assert (disputed.value, disputed.beside) == ("5 documents with a dispute", "Agreement: 50.0")
    assert disputed.detail.startswith("Of the 9 documents that several people annotated: 12 disputed mentions, every ")
    table = found.tables[-1]
    assert [dict(row) for row in table.rows] == [
        {
            "kind": "boundary: the same label on other spans",
            "number": 1,
            "example": "d1 – annotator-1: Disease “headache” (22–30); annotator-2: Disease “severe headache” (15–30)",
        }
    ]
    assert found.steps[1] == Step("Settle what annotators disagree on, 12 disputed mentions in 5 documents", ADJUDICATE)
    settled = overview(
        replace(STATUS, disputes=replace(DISPUTES, disputed_documents=0)), group=GroupMeasurements(WORK, AGREED)
    )
    assert settled.facts[3].value == "nothing is disputed"
    assert [table.name for table in settled.tables] == ["overview-annotators"]
    assert len(settled.steps) == 1


@pytest.mark.parametrize(
    ("changes", "steps"),
    [
        (
            {"tasks": {"pool": {**NO_TASKS, "open": 1}, "test": {**NO_TASKS, "open": 3}}},
            [
                "Annotate 1 open task at http://desk/projects/1/ and 3 blind test tasks at http://desk/projects/2/ "
                "(as counted at the last round); then: biorat-al round"
            ],
        ),
        ({"tasks": {"pool": NO_TASKS, "test": NO_TASKS}}, ["Run round 5: biorat-al round"]),
        (
            {"tasks": {"pool": NO_TASKS, "test": NO_TASKS}, "left": 0},
            [
                "Look for slips in what was annotated: biorat-al audit",
                "Export the corpus, as every document of the pool has been asked for: biorat-al export OUT",
            ],
        ),
        (
            {"rounds": (replace(ROUND, state="running", waiting_for="train"),)},
            ["Go on with round 4, which was interrupted at the step train: biorat-al round"],
        ),
        (
            {"rounds": (replace(ROUND, state="running", waiting_for="train"),), "running": "process 7"},
            ["Wait until round 4 ends, which is at the step train: process 7."],
        ),
        ({"desk": "oracle"}, ["Run round 5: biorat-al round"]),
    ],
)
def test_the_next_steps_are_what_there_is_to_do(changes: dict[str, object], steps: list[str]) -> None:
    assert [step.sentence for step in overview(replace(STATUS, **changes)).steps] == steps
