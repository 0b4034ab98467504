"""``biorat-al audit``, of files and of projects."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from biorat_al.corpus.formats.jsonl import write_jsonl
from biorat_al.corpus.model.document import Record
from biorat_al.corpus.sources import Sources
from biorat_al.project import Project
from biorat_al.store.models import predictions_before_answers
from biorat_al.store.tables import AnnotationRow, ModelRow
from tests.support.audited import CONSISTENT, corpus_of
from tests.support.commands import call, nowhere, one_sentence
from tests.support.rounds import make_project, settings_for

__all__ = ["nowhere"]

TEXTS = [*CONSISTENT, *["We saw [Disease|gout] by [Chemical|lead]."] * 8, "No gout at all.", "Of [Disease|lead]."]


@pytest.fixture
def corpus(nowhere: Path) -> Path:
    path = nowhere / "corpus.jsonl"
    write_jsonl(path, [Record(one.document, one.annotation, "") for one in corpus_of(*TEXTS)])
    return path


def flat(text: str) -> str:
    return " ".join(text.split())


def test_the_findings_of_a_file(corpus: Path) -> None:
    done = call("audit", "--documents", corpus)
    assert done.code == 0
    text = flat(done.out)
    assert "49 mentions in 18 documents: 2 places may be wrong." in text
    assert "not marked: 17 at 3–7 No [gout] at all." in text
    assert "“gout” is marked in 8 of 8 other places, here not suggestion: mark it as Disease" in text
    assert "label: 18 at 3–7 Of [lead]." in text
    assert "a leading article 0 of 0" in text
    assert "No model's predictions out of sample are kept" in text


def test_findings_of_one_label_and_a_limit(corpus: Path) -> None:
    found = json.loads(call("audit", "--documents", corpus, "--label", "Chemical", "--json").out)
    assert [one["document"] for one in found["findings"]] == ["18"]
    assert found["findings"][0]["suggested"] == {"label": "Chemical", "start": 3, "end": 7, "text": "lead"}
    limited = call("audit", "--documents", corpus, "--limit", "1")
    assert "… and 1 more finding (--limit)" in limited.out
    assert "2 places may be wrong" in limited.out


def test_csv_and_page_are_written_and_not_replaced(corpus: Path, nowhere: Path) -> None:
    table, page = nowhere / "audit.csv", nowhere / "audit.html"
    done = call("audit", "--documents", corpus, "--csv", table, "--html", page)
    assert (done.code, f"Wrote {table}" in done.out, f"Wrote {page}" in done.out) == (0, True, True)
    rows = list(csv.DictReader(table.open(encoding="utf-8", newline="")))
    found = {(row["kind"], row["document"], row["start"], row["end"], row["text"]) for row in rows}
    assert found == {("missed", "17", "3", "7", "gout"), ("label", "18", "3", "7", "lead")}
    html = page.read_text(encoding="utf-8")
    assert "Audit of corpus.jsonl" in html
    assert '<mark class="unmarked">gout</mark>' in html
    before = page.read_bytes()
    assert "audit.html" in one_sentence(call("audit", "--documents", corpus, "--html", page))
    assert page.read_bytes() == before
    assert call("audit", "--documents", corpus, "--html", page, "--csv", table, "--force").code == 0


def test_text_in_the_page_is_escaped_and_cells_are_no_formulas(nowhere: Path) -> None:
    texts = [*CONSISTENT, *["A [Disease|=gout<b>]."] * 20, "A =gout<b>."]
    path, table, page = nowhere / "corpus.jsonl", nowhere / "audit.csv", nowhere / "audit.html"
    write_jsonl(path, [Record(one.document, one.annotation, "") for one in corpus_of(*texts)])
    assert call("audit", "--documents", path, "--csv", table, "--html", page).code == 0
    assert "=gout&lt;b&gt;" in page.read_text(encoding="utf-8")
    assert "gout<b>" not in page.read_text(encoding="utf-8")
    (row,) = csv.DictReader(table.open(encoding="utf-8", newline=""))
    assert row["text"] == "'=gout<b>"


def test_what_is_wrong_use(corpus: Path, nowhere: Path) -> None:
    project = nowhere / "trial"
    project.mkdir()
    assert "exclude each other" in one_sentence(call("audit", "--documents", corpus, "--project", project), 2)
    assert "--folds is for a project" in one_sentence(call("audit", "--documents", corpus, "--folds", "5"), 2)
    assert "are for --documents" in one_sentence(call("audit", "--format", "jsonl"), 2)
    unknown = one_sentence(call("audit", "--documents", corpus, "--label", "Gene"), 2)
    assert "no mention has the label 'Gene'; the documents have Chemical, Disease" in unknown
    plain = nowhere / "plain.jsonl"
    write_jsonl(plain, [Record(one.document, None, "") for one in corpus_of("Gout.")])
    assert "no document is annotated" in one_sentence(call("audit", "--documents", plain))


def test_an_id_with_two_annotations_is_refused(nowhere: Path) -> None:
    (marked,), (bare,) = corpus_of("A [Disease|gout]."), corpus_of("A gout.")
    for name, one in (("a.jsonl", marked), ("b.jsonl", bare)):
        write_jsonl(nowhere / name, [Record(one.document, one.annotation, "")])
    twice = call("audit", "--documents", nowhere / "a.jsonl", "--documents", nowhere / "b.jsonl")
    assert "the id occurs twice" in one_sentence(twice)
    same = call("audit", "--documents", nowhere / "a.jsonl", "--documents", nowhere / "a.jsonl")
    assert "1 mention in 1 document: nothing looks wrong." in same.out


def test_a_project_without_answers(tmp_path: Path, tiny_encoder: Path, nowhere: Path) -> None:
    write_jsonl(nowhere / "plain.jsonl", [Record(one.document, None, "") for one in corpus_of(*TEXTS)])
    settings = settings_for(tiny_encoder, desk={"kind": "label-studio"})
    with Project.init(tmp_path / "trial", settings, Sources([nowhere / "plain.jsonl"], test_size=2))[0]:
        pass
    done = call("audit", "--project", tmp_path / "trial")
    assert "nothing has been annotated yet" in one_sentence(done, 3)
    assert "the project has" in one_sentence(call("audit", "--project", tmp_path / "trial", "--label", "Gene"), 2)


@pytest.mark.slow
def test_a_project_with_rounds_is_audited_against_models_that_had_not_learnt(
    tmp_path: Path, tiny_encoder: Path
) -> None:
    with make_project(tmp_path / "trial", settings_for(tiny_encoder), pool=24, test=4) as project:
        for _ in range(3):
            project.round(size=6)
        audit = project.audit()
        with project.store.read() as session:
            answered = {
                row.document_id: row.fetched_round
                for row in session.query(AnnotationRow).filter(AnnotationRow.source == "person")
            }
            before = predictions_before_answers(session, list(answered))
            assert before
            for document_id, row in before.items():
                model = session.get_one(ModelRow, row.model_version)
                assert model.selecting
                assert model.round_number < (answered[document_id] or 0)
            first = [document_id for document_id, fetched in answered.items() if fetched == 1]
            # no model existed when the first batch was answered
            assert not set(first) & set(before)
        assert audit.predicted == len(before)
        # and the test documents with gold annotations
        assert audit.documents == len(answered) + 4
        assert {who for one in audit.findings for who in one.annotators} <= {"annotator-1"}
