"""Files that break off: what was read before is kept if the user wants it so, and what was not is told."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from biorat_al.corpus.formats.base import ReadOptions, ReadReport
from biorat_al.corpus.reading import read_corpus
from biorat_al.corpus.validate import validate_corpus
from biorat_al.errors import FormatError
from tests.support.commands import call

BIOC = '{{"id": "{0}", "passages": [{{"offset": 0, "text": "Zalvorin.", "annotations": []}}]}}'
XML = "<document><id>{0}</id><passage><offset>0</offset><text>Zalvorin.</text></passage></document>"
TASK = '{{"id": {0}, "data": {{"text": "Zalvorin."}}, "annotations": []}}'
ARTICLE = (
    "<PubmedArticle><MedlineCitation><PMID>{0}</PMID><Article><ArticleTitle>Zalvorin.</ArticleTitle></Article>"
    "</MedlineCitation></PubmedArticle>"
)
CUT = {
    "a.json": '{"documents": [' + BIOC.format(1) + ", " + BIOC.format(2) + ", " + BIOC.format(3)[:-9],
    "tasks.json": "[" + ", ".join(TASK.format(number) for number in (1, 2)) + ', {"id": 3, "da',
    "a.xml": "<collection>" + XML.format(1) + XML.format(2) + XML.format(3)[:-30],
    # one character that XML does not allow, and another document after it
    "amp.xml": "<collection>" + XML.format(1) + XML.format(2) + XML.format("3 & 4") + XML.format(5) + "</collection>",
    "pubmed.xml": "<PubmedArticleSet>" + ARTICLE.format(1) + ARTICLE.format(2) + "<PubmedArticle>",
}


@pytest.mark.parametrize("name", CUT)
def test_a_file_that_breaks_off_gives_what_stands_before_the_break(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text(CUT[name], encoding="utf-8")
    with pytest.raises(FormatError):
        list(read_corpus(path))
    report = ReadReport()
    assert [record.document.id for record in read_corpus(path, skip_invalid=True, report=report)] == ["1", "2"]
    assert report.broken == report.left_out == {"files that cannot be read to their end": 1}
    assert validate_corpus(path).problems == {"files that cannot be read to their end": 1}
    assert not validate_corpus(path, options=ReadOptions(skip_invalid=True)).problems


def test_a_packed_file_that_was_not_copied_whole_gives_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    line = '{"id": "%d", "text": "%s"}\n'
    texts = "".join(line % (number, "".join(chr(97 + number * k % 26) for k in range(9000))) for number in range(99))
    path.write_bytes(gzip.compress(texts.encode())[:-40])
    report = ReadReport()
    assert list(read_corpus(path, skip_invalid=True, report=report))
    assert report.left_out == {"files that cannot be read to their end": 1}


def test_one_file_that_cannot_be_read_does_not_cost_the_folder(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text("<collection>" + XML.format(1) + "</collection>")
    (tmp_path / "b.xml").write_text("<collection><document><id>2</id>")
    report = ReadReport()
    assert [record.document.id for record in read_corpus(tmp_path, skip_invalid=True, report=report)] == ["1"]
    ((kind, message),) = report.faults
    assert kind == "files that cannot be read to their end"
    assert "b.xml" in message
    # alone, it gives nothing
    with pytest.raises(FormatError, match="not well-formed"):
        list(read_corpus(tmp_path / "b.xml", skip_invalid=True))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", json.dumps({"id": "", "text": "x"}), "documents that cannot be read (1); the first: "),
        ("a.csv", "id,title,abstract\n1,,\n2,,\n", "records without a title and an abstract (2)"),
        ("a.pubtator", "## exported\n# on a Monday\n", "comment lines (2)"),
    ],
)
def test_an_output_without_a_document_is_not_written(tmp_path: Path, name: str, content: str, message: str) -> None:
    path = tmp_path / name
    path.write_text(content)
    outcome = call("convert", path, tmp_path / "out.jsonl", "--to", "jsonl", "--skip-invalid")
    assert outcome.code == 1
    assert "no document is left, since everything was left out: " + message in outcome.err
    assert not (tmp_path / "out.jsonl").exists()
    assert call("validate", path).code == 1


def test_counts_of_what_was_left_out_are_right_for_one_and_for_many(tmp_path: Path) -> None:
    path = tmp_path / "a.pubtator"
    path.write_text("# one comment\n1|t|Zalvorin.\n1|a|\n")
    out = call("convert", path, tmp_path / "a.jsonl", "--to", "jsonl").out
    assert "Left out (1): comment lines\n" in out
    assert "not read (1): comment lines\n" in call("validate", path).out
