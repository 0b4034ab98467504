"""Files that kept a reader busy for minutes, ended the whole process, or filled a terminal."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from biorat_al.corpus.detection import detect
from biorat_al.corpus.io.json_stream import LONGEST_NUMBER, items
from biorat_al.corpus.io.source import Source
from biorat_al.corpus.reading import read_corpus
from biorat_al.errors import LONGEST_MESSAGE, CorpusError, FormatError

BUSY = {
    "a document type with many entities": "<!DOCTYPE a [<!ENTITY a 'x'>"
    + "<!ENTITY b '&a;&a;'>" * 100
    + "]><a>&b;</a>",
    "the same declaration many times": "<?xml version='1.0'?>\n" * 100 + "<a/>",
    "many comments": "<!-- one -->\n" * 200 + "<a/>",
    "a field with many blank lines": "TI  - Voles\n" + (" " * 60 + "\n") * 40 + "and so on",
    "a row with many empty lines": "90010\tVoles\n" + "\n" * 2000 + "and so on",
}


@pytest.mark.parametrize("content", BUSY.values(), ids=BUSY)
def test_looking_at_the_beginning_of_a_file_comes_to_an_end(tmp_path: Path, content: str) -> None:
    for name in ("a.txt", "a.xml", "a"):
        (tmp_path / name).write_text(content, encoding="utf-8")
        detect(tmp_path / name)
        with suppress(CorpusError):
            list(read_corpus(tmp_path / name, format="plain-text"))


def test_a_long_row_of_blanks_does_not_keep_the_readers_busy(tmp_path: Path) -> None:
    blanks = " " * 200_000
    article = (
        "<PubmedArticleSet><PubmedArticle><MedlineCitation><PMID>1</PMID><Article><ArticleTitle>On"
        f"{blanks}voles</ArticleTitle></Article></MedlineCitation></PubmedArticle></PubmedArticleSet>"
    )
    (tmp_path / "a.xml").write_text(article)
    (record,) = read_corpus(tmp_path / "a.xml")
    assert record.document.text == f"On{blanks}voles"
    (tmp_path / "b.txt").write_text(f"One.\n{blanks}\n \t two \x85\r\nthree")
    assert [record.document.text for record in read_corpus(tmp_path / "b.txt", split="lines")] == [
        "One.", " \t two \x85", "three"
    ]  # fmt: skip


@pytest.mark.parametrize("digits", [4_301, 300_000])
@pytest.mark.parametrize("value", ["[{0}]", '[{{"a": -{0}}}]', '["1", {0}, "2"]'])
def test_a_number_too_long_for_python_is_an_error_and_does_not_end_the_process(
    tmp_path: Path, value: str, digits: int
) -> None:
    file = tmp_path / "a.json"
    file.write_text(value.format("9" * digits))
    with pytest.raises(FormatError, match=rf"a\.json: it has a number of more than {LONGEST_NUMBER:,} digits"):
        list(items(Source(file), "item"))


def test_a_text_of_many_digits_is_no_long_number(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    digits = "7" * 300_000
    file.write_text(f'["a \\" {digits}", 5, "{digits}", {"3" * LONGEST_NUMBER}]')
    assert list(items(Source(file), "item")) == [f'a " {digits}', 5, digits, int("3" * LONGEST_NUMBER)]


def test_a_message_quotes_no_whole_file_and_nothing_that_a_terminal_acts_on() -> None:
    error = CorpusError(
        f"found '\x1b[2J\0{'a' * 100_000}', expected\ta mention", source="a.txt:1", document="b" * 5_000
    )
    said = str(error)
    assert said.startswith("a.txt:1, document bbb")
    assert "found '\\x1b[2J\\x00aaa" in said
    assert said.endswith("expected\ta mention")
    assert "…" in said or "..." in said
    assert len(said) < LONGEST_MESSAGE + 500
    assert str(CorpusError("at 3-8 is 'mouse'\nélan 👩‍🔬", source="a.txt")) == "a.txt: at 3-8 is 'mouse'\nélan 👩‍🔬"


def test_a_separator_that_is_a_blank_for_some_is_told_in_a_sentence_or_read(tmp_path: Path) -> None:
    file = tmp_path / "a.pubtator"
    file.write_text("1|t|Gout hurts.\n1|a|\n1\t0\t4\x1c\tGout\tDisease\tD1\n")
    (record,) = read_corpus(file)
    assert record.annotation is not None
    assert record.annotation.entities[0].surface(record.document.text) == "Gout"


def test_a_number_with_a_huge_exponent_is_refused_in_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text('{"documents": [{"id": "1", "passages": [{"offset": 1e99999999999999999999, "text": "Gout."}]}]}')
    with pytest.raises(FormatError, match="not JSON after the first 0 documents: a number has an exponent"):
        list(read_corpus(file, format="bioc-json"))


@pytest.mark.parametrize(
    "line", ["T1\tDis{blanks}ease 0 4\tGout", "R1\t{colons} Arg1:T1 Arg2:T1", "E1\t{colons} {colons}"]
)
def test_a_long_annotation_line_does_not_keep_the_reader_busy(tmp_path: Path, line: str) -> None:
    (tmp_path / "1.txt").write_text("Gout hurts.\n")
    long = line.format(blanks=" " * 200_000, colons="a:" * 100_000)
    (tmp_path / "1.ann").write_text(f"T2\tDisease 0 4\tGout\n{long}\n")
    (record,) = read_corpus(tmp_path, format="brat", skip_invalid=True)
    assert record.annotation is not None
    assert next(entity.id for entity in record.annotation.entities) in ("T1", "T2")


def test_a_separator_before_an_offset_in_a_chemprot_table_is_read_as_a_blank(tmp_path: Path) -> None:
    (tmp_path / "corpus_abstracts.tsv").write_text("1\tGout hurts.\t\n")
    (tmp_path / "corpus_entities.tsv").write_text("1\tT1\tDISEASE\t\x1c0\t4\tGout\n")
    (tmp_path / "corpus_relations.tsv").write_text("")
    (record,) = read_corpus(tmp_path, format="chemprot")
    assert record.annotation is not None
    assert record.annotation.entities[0].surface(record.document.text) == "Gout"
