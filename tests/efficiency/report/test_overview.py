"""The first screen of a project's report: progress, F1, the hours left, and the next step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from biorat_al.acquisition.price.pace import Pace
from biorat_al.efficiency.report.overview import Overview, ProjectMeasurements, project_overview
from biorat_al.efficiency.report.study import Study
from biorat_al.efficiency.runs.model import Run
from biorat_al.rounds.status import ProjectStatus, RoundStatus
from tests.efficiency.factories import exact, of_points, point

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


def overview(status: ProjectStatus = STATUS, *values: float, pace: Pace | None = None) -> Overview:
    runs = [run(*values)] if values else []
    labels = {"Disease": {f"t{n}": exact(0.8) for n in range(4)}, "Chemical": {f"t{n}": exact(0.5) for n in range(4)}}
    known = ProjectMeasurements({"rat": labels}, {}, pace) if runs else None
    return project_overview(status, Study("trial", runs, runs, live=True), 0.8, known)


RISING = (0.4, 0.55, 0.62, 0.66, 0.69)


def test_it_says_how_far_it_is_how_good_how_long_and_what_next() -> None:
    found = overview(STATUS, *RISING, pace=Pace(np.array([100.0, 120.0, 140.0])))
    progress, quality, left, step = found.facts
    assert progress.value == "80 of 200 documents annotated"
    assert "4 of 4 test documents" in progress.detail
    assert quality.value.startswith("69.0 (")
    assert "arm rat: random adversarial training" in quality.detail
    assert "its 95 % interval over the 4 test documents" in quality.detail
    assert left.label == "Hours left to an F1 of 80.0"
    assert left.value.startswith("about ")
    assert " hours (" in left.value
    assert "more documents" in left.detail
    assert step.value == "Annotate 20 open tasks"
    assert step.detail.startswith("Open tasks at http://desk/projects/1/; then run: biorat-al round")


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
    left = overview(STATUS, *RISING).facts[2]
    assert left.value.startswith("about ")
    assert left.value.endswith(" more documents")
    assert "The hours are unknown" in left.detail


def test_with_too_few_rounds_it_says_what_a_forecast_takes() -> None:
    left = overview(STATUS, 0.4, 0.5).facts[2]
    assert left.value == "not known yet"
    assert left.detail.startswith("A forecast takes 4 measured rounds")
    assert left.detail.endswith("usable so far: 2.")


def test_what_has_been_reached_takes_no_more_hours() -> None:
    left = overview(STATUS, 0.85, 0.88, 0.9, 0.91, 0.92).facts[2]
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
    assert said in found.facts[1].detail
    assert not found.tables


@pytest.mark.parametrize(
    ("changes", "step", "said"),
    [
        (
            {"tasks": {"pool": {**NO_TASKS, "open": 1}, "test": {**NO_TASKS, "open": 3}}},
            "Annotate 1 open task and 3 blind test tasks",
            "Open tasks at http://desk/projects/1/ and blind test tasks at http://desk/projects/2/; then run",
        ),
        ({"tasks": {"pool": NO_TASKS, "test": NO_TASKS}}, "Run round 5", "Run: biorat-al round"),
        ({"tasks": {"pool": NO_TASKS, "test": NO_TASKS}, "left": 0}, "Export the corpus", "biorat-al export OUT"),
        ({"rounds": (replace(ROUND, state="running", waiting_for="train"),)}, "Let round 4 end", "at the step train"),
        ({"desk": "oracle"}, "Run round 5", "Run: biorat-al round"),
    ],
)
def test_the_next_step_is_what_there_is_to_do(changes: dict[str, object], step: str, said: str) -> None:
    fact = overview(replace(STATUS, **changes)).facts[3]
    assert fact.value == step
    assert said in fact.detail
