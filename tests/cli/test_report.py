"""``report`` and the forecast of ``status`` from the command line: what they print and write, and what stops them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from sqlalchemy import select

from biorat_al.project import Project
from biorat_al.store.tables import EvaluationRow
from tests.efficiency.report.test_page import Page, run, simulation
from tests.support.commands import call, everything_in, nowhere, one_sentence
from tests.support.trials import Make, make, old

__all__ = ["make", "nowhere", "old"]


@pytest.fixture(autouse=True)
def _outside(nowhere: Path) -> None:
    """No test of this file may find a server, a database or a project by itself."""


@pytest.mark.slow
def test_a_projects_report_is_in_its_folder_and_is_renewed(old: Path, nowhere: Path) -> None:
    shutil.copytree(old, nowhere / "copy")
    outcome = call("report", "--project", nowhere / "copy")
    assert (outcome.code, outcome.err) == (0, "")
    *facts, verdict, place = outcome.out.splitlines()
    assert [fact.partition(":")[0] for fact in facts] == [
        "Progress", "Hours left to an F1 of 80.0", "How well the model finds mentions (F1)",
        "What annotators disagree on", "Next step",
    ]  # fmt: skip
    page = nowhere / "copy" / "report" / "report.html"
    assert place == f"Wrote {page.resolve()}"
    assert Page(page.read_text(encoding="utf-8")).verdicts == [verdict]
    # the page is renewed, but nothing that is not a report is replaced, nor what the user named
    before = page.read_bytes()
    page.write_text("older")
    assert call("report", "--project", nowhere / "copy").code == 0
    assert page.read_bytes() == before
    line = one_sentence(call("report", "--project", nowhere / "copy", "--output", page))
    assert line.startswith(f"Error: {page.resolve()} already exists; ")
    shutil.rmtree(page.with_name("report_files"))
    line = one_sentence(call("report", "--project", nowhere / "copy"))
    assert line.startswith(f"Error: {page.resolve()} already exists; ")
    assert call("report", "--project", nowhere / "copy", "--force").code == 0


@pytest.mark.slow
def test_a_report_may_go_elsewhere(old: Path, nowhere: Path) -> None:
    assert call("report", "--project", old, "--output", "x.html").code == 0
    assert call("report", "--project", old, "--output", "folder").code == 0
    assert (nowhere / "folder" / "report.html").read_bytes() == (nowhere / "x.html").read_bytes()
    assert (nowhere / "folder" / "report_files" / "runs.jsonl").is_file()
    assert (nowhere / "x_files" / "runs.jsonl").is_file()


def test_before_the_first_round_there_is_nothing_to_report(make: Make) -> None:
    project = make()
    before = everything_in(project)
    line = one_sentence(call("report", "--project", project), 3)
    assert line == "there has been no round yet, so there is nothing to report; run: biorat-al round"
    assert everything_in(project) == before


@pytest.mark.slow
def test_a_simulation_is_reported_at_the_target_asked_for(nowhere: Path) -> None:
    folder = simulation(nowhere / "sim", *(run(arm, seed, rounds=4) for arm in ("none", "rat") for seed in range(2)))
    outcome = call("report", "--simulation", folder, "--target", "0.6")
    assert (outcome.code, outcome.err) == (0, "")
    assert "for an F1 of 60.0" in outcome.out
    assert outcome.out.splitlines()[-1] == f"Wrote {folder / 'report' / 'report.html'}"


@pytest.mark.slow
def test_what_stops_a_report(nowhere: Path, old: Path) -> None:
    line = one_sentence(call("report", "--simulation", nowhere))
    assert "holds no simulation" in line
    line = one_sentence(call("report", "--simulation", nowhere, "--project", old), 2)
    assert line == "Error: --project and --simulation exclude each other"
    line = one_sentence(call("report"))
    assert "is not inside a biorat-al project" in line
    assert call("report", "--project", old, "--target", "80").code == 2
    simulation(nowhere / "begun")
    assert "none of the runs" in one_sentence(call("report", "--simulation", "begun"), 3)


@pytest.mark.slow
def test_status_forecasts_where_the_curve_has_enough_points(old: Path, nowhere: Path) -> None:
    assert json.loads(call("status", "--json", "--project", old).out)["forecast"] is None
    shutil.copytree(old, nowhere / "copy")
    with Project.open(nowhere / "copy") as project:
        for _ in range(3):
            project.round()
        with project.store.write() as session:
            # a curve as the textbook has it
            for row in session.scalars(select(EvaluationRow)):
                number = int(row.model_version.split("-r")[1].split("-")[0])
                row.true_positives = round(1000 * (0.85 - 0.5 / number)) + row.document_id % 5
                row.false_positives = row.false_negatives = 1000 - row.true_positives
    for target, left in (("0.8", "The pool is used up."), ("0.5", "")):
        sentence = json.loads(call("status", "--json", "--project", "copy", "--target", target).out)["forecast"]
        assert f"an F1 of {100 * float(target):.1f}" in sentence.lower().replace("f1", "F1")
        assert sentence.endswith(left)
        assert sentence in " ".join(call("status", "--project", "copy", "--target", target).out.split())
    assert call("report", "--project", "copy", "--target", "0.8").code == 0
    assert "The pool is used up." in (nowhere / "copy" / "report" / "report.html").read_text(encoding="utf-8")
    assert call("status", "--project", "copy", "--target", "2").code == 2
