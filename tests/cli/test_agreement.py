"""``biorat-al agreement``: what it prints and writes, and what it refuses."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from biorat_al.corpus.model.document import Annotation, Document, Record
from biorat_al.project import Project
from tests.people.factories import TEXT, add_answer, marked, mention
from tests.support.commands import call, nowhere, one_sentence
from tests.support.rounds import make_project, settings_for

__all__ = ["nowhere"]

ANN, BOB = "ann@example.org", "bob@example.org"

DRUG, HEADACHE, SEVERE = mention("Chemical", (0, 7)), mention("Disease", (22, 30)), mention("Disease", (15, 30))


@pytest.fixture
def project(nowhere: Path, tiny_encoder: Path) -> Iterator[Project]:
    """Provide a project whose documents all have nearly the same text, and nobody has answered yet."""
    records = [Record(Document(f"p{number}", f"{TEXT} {number}"), None, "made") for number in range(8)]
    settings = settings_for(tiny_encoder, desk={"kind": "label-studio"})
    with make_project(nowhere / "trial", settings, gold=False, pool=4, test=4, records=records) as made:
        yield made


def answer(project: Project, key: str, first: Annotation, second: Annotation, **columns: str) -> None:
    with project.store.write() as session:
        add_answer(session, key, ANN, first, **columns)
        add_answer(session, key, BOB, second, **columns)


def flat(text: str) -> str:
    return " ".join(text.split())


def test_figures_confusions_and_examples_are_shown_under_pseudonyms(project: Project) -> None:
    answer(project, "p4", marked(DRUG, HEADACHE), marked(DRUG, SEVERE))
    answer(project, "p5", marked(DRUG), marked(DRUG))
    outcome = call("agreement", "--project", project.folder)
    assert (outcome.code, outcome.err) == (0, "")
    text = flat(outcome.out)
    assert "2 annotators on 2 documents that several of them annotated independently and without pre-labels" in text
    assert "strict 66.7 50.0–100.0 same label, same spans" in text
    assert "overlap 100.0 100.0–100.0 same label, a character in common" in text
    # 17 of 18 tokens agree; by chance 2 * 2 as Chemical, 1 * 2 as Disease and 15 * 14 outside, of 18 * 18
    report = project.agreement()
    assert report.pairs[0].overall is not None
    kappa = report.pairs[0].overall.measured["kappa"].value
    assert kappa is not None
    assert f"{kappa:.2f}" in text
    assert "boundary 1 the same label on other spans" in text
    assert "p4 annotator-1: Disease “headache” (22–30); annotator-2: Disease “severe headache” (15–30)" in text
    assert "example.org" not in outcome.out
    assert max(map(len, outcome.out.splitlines())) <= 80


def test_json_and_csv(project: Project, nowhere: Path) -> None:
    answer(project, "p4", marked(DRUG, HEADACHE), marked(DRUG, SEVERE))
    outcome = call("agreement", "--project", project.folder, "--json", "--csv", "a.csv", "--examples", "0")
    assert (outcome.code, outcome.err) == (0, "")
    values = json.loads(outcome.out)
    assert values["all_pairs"]["overall"]["strict"] == {"value": 0.5, "interval": None}
    assert values["examples"] == []
    with (nowhere / "a.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["measure"] for row in rows if row["first"] == "annotator-1"} >= {"strict", "kappa"}
    assert "a.csv already exists" in one_sentence(call("agreement", "--project", project.folder, "--csv", "a.csv"))
    again = call("agreement", "--project", project.folder, "--csv", "a.csv", "--force")
    assert again.code == 0
    assert again.out.endswith("Wrote a.csv\n")


def test_the_data_card_has_the_figures_of_all_pairs(project: Project, nowhere: Path) -> None:
    answer(project, "p4", marked(DRUG, HEADACHE), marked(DRUG, SEVERE))
    answer(project, "p5", marked(DRUG), marked(DRUG))
    assert call("export", "corpus", "--project", project.folder).code == 0
    card = flat((nowhere / "corpus" / "README.md").read_text(encoding="utf-8"))
    assert "Without pre-labels: 2 annotators on 2 documents, all pairs together, with 95 % intervals:" in card
    assert "- F1 of mentions with the same label and the same spans: 66.7 (50.0 to 100.0)" in card
    assert "- Krippendorff's alpha of tokens, for all annotators: 0." in card
    assert "example.org" not in card
    assert call("export", "corpus.jsonl", "--format", "jsonl", "--project", project.folder).code == 0


def test_one_label(project: Project) -> None:
    answer(project, "p4", marked(DRUG, HEADACHE), marked(DRUG, SEVERE))
    outcome = call("agreement", "--project", project.folder, "--label", "Chemical")
    assert outcome.code == 0
    assert "No differences." in outcome.out
    assert "Disease" not in outcome.out
    line = one_sentence(call("agreement", "--project", project.folder, "--label", "Gene"), 2)
    assert line.endswith("nobody marked 'Gene' in the texts that several people annotated; there are Chemical, Disease")


def test_without_doubles_there_is_nothing_to_measure(project: Project) -> None:
    line = one_sentence(call("agreement", "--project", project.folder), 3)
    assert line.startswith("no document has independent answers of two people yet")


def test_answers_that_began_from_pre_labels_count_only_on_request(project: Project) -> None:
    answer(project, "p0", marked(DRUG), marked(DRUG), shown_version="m1")
    line = one_sentence(call("agreement", "--project", project.folder), 3)
    assert line.startswith("several people answered 1 text independently, but no text has two answers that began")
    outcome = call("agreement", "--project", project.folder, "--pre-labelled")
    assert "this flatters the agreement" in outcome.out
    answer(project, "p4", marked(DRUG), marked(DRUG))
    assert "Left out: 1 text without two answers" in call("agreement", "--project", project.folder).out
