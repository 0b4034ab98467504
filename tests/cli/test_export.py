"""``status``, ``export`` and ``predict`` from the command line: what they print and write, and what stops them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from biorat_al.corpus.model.document import Annotation
from biorat_al.corpus.reading import read_corpus
from biorat_al.demo.corpus import read_demo_corpus
from biorat_al.project import Project
from biorat_al.store.answers import answers, load_answers
from tests.support.commands import (
    PUBTATOR,
    call,
    everything_in,
    nowhere,
    one_sentence,
)
from tests.support.rounds import demo_files
from tests.support.trials import Make, make, old

__all__ = ["make", "nowhere", "old"]


@pytest.fixture(autouse=True)
def _outside(nowhere: Path) -> None:
    """No test of this file may find a server, a database or a project by itself."""


# status


@pytest.mark.slow
def test_status_as_json_has_these_keys(old: Path) -> None:
    outcome = call("status", "--json", "--project", old)
    assert (outcome.code, outcome.err) == (0, "")
    status = json.loads(outcome.out)
    assert list(status) == [
        "name", "folder", "database", "desk", "encoder", "labels", "documents", "labelled", "left", "mentions", "tasks",
        "urls", "rounds", "open_now", "desk_problem", "forecast", "relations", "concept_relations", "relation_level",
        "disputes", "seats", "seats_now", "findings", "not_asked", "borrowed", "start", "price", "pre_labels",
        "running", "left_sentences", "unit", "wholeness", "ceiling", "settling",
    ]  # fmt: skip
    assert status["findings"] == {"unattended": [], "problems": [], "slips": [], "revised": []}
    assert status["price"]["seconds"]["words"]["value"] == pytest.approx(0.37)
    assert status["price"]["basis"].startswith("from published studies")
    assert (status["name"], status["desk"], status["labels"]) == ("trial", "oracle", ["Disease", "Chemical"])
    assert status["documents"] == {"pool": 12, "test": 3}
    assert status["labelled"] == {"pool": 3, "segment": 0, "test": 3}
    assert (status["left"], status["database"]) == (6, "SQLite")
    assert list(status["rounds"][1]) == [
        "number", "state", "started_at", "seconds", "labelled", "f1", "evaluated", "strategy", "asked_for",
        "waiting_for", "models", "relation_f1", "begun_again", "unit", "learnt_sentences",
        "has_tasks",
    ]  # fmt: skip
    # a project that asks for no relations
    assert (status["relations"], status["relation_level"], status["rounds"][1]["relation_f1"]) == ({}, None, {})
    assert status["rounds"][1]["models"].keys() == {"rat", "none", "committee"}
    assert status["rounds"][1]["evaluated"] == 3


@pytest.mark.slow
def test_status_is_found_from_a_folder_below(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(old / "models")
    assert call("status", "--json").out == call("status", "--json", "--project", old).out


# export and predict


@pytest.mark.slow
def test_before_anything_is_annotated_there_is_nothing_to_export(make: Make, nowhere: Path) -> None:
    documents, _ = demo_files(nowhere.parent / "files", pool=4)
    project = make("--test-size", "0", documents=documents)
    line = one_sentence(call("export", "out", "--project", project), 3)
    assert line.startswith("nothing has been annotated yet, so there is no corpus to export; annotate the open tasks")
    assert line.endswith("run: biorat-al round")
    assert not (nowhere / "out").exists()


def test_before_there_is_a_model_nothing_can_be_predicted(make: Make, nowhere: Path) -> None:
    project = make()
    line = one_sentence(call("predict", nowhere / "x.txt", "--output", "y.jsonl", "--project", project), 3)
    assert line.startswith(
        "no model has been trained yet, so there is nothing to predict with; annotate the open tasks"
    )
    assert line.endswith("run: biorat-al round")
    assert not (nowhere / "y.jsonl").exists()


def test_exported_jsonl_is_what_was_answered(old: Path, nowhere: Path) -> None:
    outcome = call("export", "out.jsonl", "--format", "jsonl", "--project", old)
    assert (outcome.code, outcome.out) == (0, "Wrote 3 train documents, 3 test documents to out.jsonl\n")
    with Project.open(old) as project, project.store.read() as session:
        expected = {
            split: [annotation for _, annotation in load_answers(session, answers(session, kept, with_gold=gold))]
            for split, kept, gold in (("train", "pool", False), ("test", "test", True))
        }
    read: dict[str, list[Annotation | None]] = {"train": [], "test": []}
    gold = {record.document.id: record.document.text for record in read_demo_corpus()}
    for record in read_corpus(nowhere / "out.jsonl"):
        read[record.document.metadata["split"]].append(record.annotation)
        assert record.document.text == gold[record.document.id]
    assert read == expected
    assert all(entity.origin for annotation in expected["train"] for entity in annotation.entities)


def test_exported_bigbio_loads(old: Path, nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets", reason="the library datasets is missing: make install")
    assert call("export", "corpus", "--project", old).code == 0
    loaded = datasets.load_dataset(
        str(nowhere / "corpus"), "trial_bigbio_kb", cache_dir=str(nowhere / "cache"), download_mode="force_redownload"
    )
    assert {split: len(rows) for split, rows in loaded.items()} == {"train": 3, "test": 3}
    texts = {record.document.id: record.document.text for record in read_demo_corpus()}
    mentions = 0
    for row in (*loaded["train"], *loaded["test"]):
        for entity in row["entities"]:
            ((start, end),) = entity["offsets"]
            assert texts[row["document_id"]][start:end] == entity["text"][0]
            mentions += 1
    assert mentions == sum(json.loads(call("status", "--json", "--project", old).out)["mentions"].values())


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["bigbio", "jsonl"])
def test_the_same_state_is_exported_as_the_same_bytes_and_never_over_another(
    old: Path, nowhere: Path, kind: str
) -> None:
    def export(name: str, *words: str) -> tuple[int, dict[str, bytes]]:
        code = call("export", name, "--format", kind, "--project", old, *words).code
        place = nowhere / name
        files = [place] if place.is_file() else sorted(path for path in place.rglob("*") if path.is_file())
        return code, {path.name: path.read_bytes() for path in files}

    code, first = export("one")
    assert (code, bool(first)) == (0, True)
    assert {name.replace("one", "two"): content for name, content in first.items()} == export("two")[1]
    line = one_sentence(call("export", "one", "--format", kind, "--project", old))
    assert line == "Error: one already exists; choose another name, or replace it with --force"
    assert export("one", "--force") == (0, first)
    assert everything_in(nowhere) & {"one", "two"} == {"one", "two"}
    assert not [name for name in everything_in(nowhere) if name.startswith(".")]


def test_the_options_of_an_export_reach_the_folder(old: Path, nowhere: Path) -> None:
    (nowhere / "guide.md").write_text("# How", encoding="utf-8")
    card = ["--license", "cc-by-4.0", "--language", "en", "--guidelines", "guide.md", "--loader"]
    outcome = call("export", "out", "--project", old, "--validation", "1", "--prefer", "oracle", *card)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == "Wrote 2 train documents, 1 validation document, 3 test documents to out\n"
    files = {"out/data/validation.parquet", "out/source/validation.parquet", "out/provenance/annotations.parquet",
             "out/guidelines/guide.md", "out/loader/trial.py"}  # fmt: skip
    assert files <= everything_in(nowhere)
    text = (nowhere / "out" / "README.md").read_text(encoding="utf-8")
    for line in (
        "- Licence: cc-by-4.0",
        "- Languages: en",
        "- rounds: 2",
        "- arm: committee of rat and none",
        "- annotators: 1",
    ):
        assert line in text.split("\n"), line
    assert re.search(
        r"^- pre-labels accepted unchanged: (\d+\.\d % \(\d+ of \d+ mentions\)|none were shown)$", text, re.M
    )
    assert "Invented texts: all documents of this corpus were made up." in text
    assert "- **test**: " in text
    assert "- answers: of a simulated annotator, " in text
    assert "--loader: only the format bigbio has that" in one_sentence(
        call("export", "o.jsonl", "--format", "jsonl", "--loader", "--project", old), 2
    )
    assert "nobody named 'eve'" in one_sentence(call("export", "o", "--prefer", "eve", "--project", old), 2)


def test_title_description_and_citation_reach_the_card(old: Path, nowhere: Path) -> None:
    import yaml

    (nowhere / "CITATION.bib").write_text("@misc{doe,\n  title = {A|B}\n}\n", encoding="utf-8")
    (nowhere / "about.md").write_text("First *part*.\n\nSecond | part.\n", encoding="utf-8")
    words = ["--title", "Asthma: a corpus", "--description", "about.md", "--citation", "CITATION.bib"]
    outcome = call("export", "out", "--project", old, *words, "--homepage", "https://example.org/")
    assert (outcome.code, outcome.err) == (0, "")
    text = (nowhere / "out" / "README.md").read_text(encoding="utf-8")
    header = yaml.safe_load(text.split("---\n")[1])
    assert (header["pretty_name"], header["homepage"]) == ("Asthma: a corpus", "https://example.org/")
    assert "\n# Asthma: a corpus\n" in text
    assert "\nFirst \\*part\\*.\n\nSecond \\| part.\n" in text
    assert "\n```bibtex\n@misc{doe,\n  title = {A|B}\n}\n```\n" in text
    (nowhere / "CITATION.bib").write_text("@misc{doe, title = {A}", encoding="utf-8")
    line = one_sentence(call("export", "again", "--project", old, "--citation", "CITATION.bib"), 2)
    assert line == "Error: --citation: this is not a BibTeX entry: 1 brace not closed at its end"
    assert not (nowhere / "again").exists()


def test_force_does_not_replace_what_no_export_wrote(old: Path, nowhere: Path) -> None:
    (nowhere / "precious").mkdir()
    (nowhere / "precious" / "thesis.tex").write_text("x", encoding="utf-8")
    assert "other files than an export has" in one_sentence(call("export", "precious", "--force", "--project", old), 2)
    line = one_sentence(call("export", "precious", "--format", "jsonl", "--force", "--project", old))
    assert "precious: it cannot be written: " in line
    assert everything_in(nowhere) == {"precious", "precious/thesis.tex"}


def test_predict_writes_entities_and_the_models_version(old: Path, nowhere: Path) -> None:
    (nowhere / "new.txt").write_text(PUBTATOR, encoding="utf-8")
    outcome = call("predict", "new.txt", "--output", "out.jsonl", "--project", old)
    assert (outcome.code, outcome.err, outcome.out) == (0, "", "Wrote 2 documents to out.jsonl\n")
    version = json.loads(call("status", "--json", "--project", old).out)["rounds"][1]["models"]["committee"]
    records = list(read_corpus(nowhere / "out.jsonl"))
    assert [record.document.id for record in records] == ["1", "2"]
    for record in records:
        assert record.annotation is not None
        assert record.annotation.extras["model_version"] == version
        assert 0 <= record.annotation.extras["confidence"] <= 1
        assert {entity.label for entity in record.annotation.entities} <= {"Disease", "Chemical"}
        # what the file itself said of its documents is not passed off as the model's
        assert all(entity.concepts == () and entity.score is not None for entity in record.annotation.entities)
    again = (nowhere / "out.jsonl").read_bytes()
    assert "already exists" in one_sentence(call("predict", "new.txt", "--output", "out.jsonl", "--project", old))
    assert call("predict", "new.txt", "--output", "out.jsonl", "--project", old, "--force").code == 0
    assert (nowhere / "out.jsonl").read_bytes() == again


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, r"new\.txt: there is no such file"),
        ("", r"new\.txt: the file is empty"),
        (
            PUBTATOR + "3|t|Asthma.\n3|a|None.\n3\t0\t6\tMigraine\tDisease\t-\n",
            r"new\.txt:12, document 3: the text at 0-6 is",
        ),
    ],
)
def test_predict_leaves_nothing_where_it_fails(old: Path, nowhere: Path, content: str | None, sentence: str) -> None:
    if content is not None:
        (nowhere / "new.txt").write_text(content, encoding="utf-8")
    before = everything_in(nowhere)
    line = one_sentence(call("predict", "new.txt", "--output", "out.jsonl", "--project", old))
    assert re.search(sentence, line), line
    assert everything_in(nowhere) == before


def test_predict_names_a_place_where_nothing_can_be_written(old: Path, nowhere: Path) -> None:
    (nowhere / "new.txt").write_text(PUBTATOR, encoding="utf-8")
    line = one_sentence(call("predict", "new.txt", "--output", "absent/out.jsonl", "--project", old))
    assert line == "Error: absent/out.jsonl: it cannot be written: No such file or directory"
    assert everything_in(nowhere) == {"new.txt"}
