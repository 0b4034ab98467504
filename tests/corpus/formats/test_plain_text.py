from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from biorat_al.corpus.formats.base import ReadReport
from biorat_al.corpus.model.document import Document, Record
from biorat_al.corpus.reading import read_corpus
from biorat_al.errors import FormatError, UsageError


def test_a_file_is_one_document_and_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.note.txt"
    path.write_bytes("one\r\ntwo\rthree \u2028 👩‍🔬\n\n".encode())
    assert list(read_corpus(path)) == [Record(Document("a.note", "one\r\ntwo\rthree \u2028 👩‍🔬\n\n"), None, str(path))]


def test_a_folder_is_read_in_sorted_order(tmp_path: Path) -> None:
    for name in ("b.txt", "a.TXT", "sub/c.txt", "10.txt", "9.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"text of {name}")
    (tmp_path / "d.txt.gz").write_bytes(gzip.compress(b"text of d"))
    report = ReadReport()
    records = list(read_corpus(tmp_path, report=report))
    assert [record.document.id for record in records] == ["10", "9", "a", "b", "d", "c"]
    assert records[4].document.text == "text of d"
    assert (report.files, report.documents, report.annotated) == (6, 6, 0)


def test_names_that_occur_twice_are_told_apart_by_their_folder(tmp_path: Path) -> None:
    for name in ("x/one.txt", "y/one.txt", "y/two.txt", "one.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
    assert {record.document.id: record.document.text for record in read_corpus(tmp_path)} == {
        "one": "one.txt",
        "x/one": "x/one.txt",
        "y/one": "y/one.txt",
        "two": "y/two.txt",
    }


def test_two_files_of_one_name_given_by_hand(tmp_path: Path) -> None:
    for name in ("x", "y"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "one.txt").write_text(name)
    ids = [record.document.id for record in read_corpus([tmp_path / "x/one.txt", tmp_path / "y/one.txt"])]
    assert ids == [(tmp_path / "x/one").as_posix(), (tmp_path / "y/one").as_posix()]


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"ab\0c")
    with pytest.raises(FormatError, match=r"a\.txt: character 2 is a NUL"):
        list(read_corpus(tmp_path))


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("")
    with pytest.raises(FormatError, match=r"a\.txt: the file is empty, expected plain text"):
        list(read_corpus(tmp_path))


def test_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    with open(os.fsencode(tmp_path) + b"/caf\xe9.txt", "w") as file:
        file.write("text")
    with pytest.raises(FormatError, match="the file's name is not UTF-8; rename it"):
        read_corpus(tmp_path)


def test_any_text_is_plain_text_if_that_was_asked_for(tmp_path: Path) -> None:
    (tmp_path / "1.txt").write_text("1|t|a title\n1|a|an abstract\n")
    (record,) = read_corpus(tmp_path, format="plain-text")
    assert record.document == Document("1", "1|t|a title\n1|a|an abstract\n")


ABSTRACTS = "Asthma in voles.\r\nIt is rare.\n\n\n  Migraine 👩‍🔬 in rats.\n \t\nGout.\n"


def test_a_file_of_many_abstracts_says_that_it_is_one_document(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(ABSTRACTS.encode())
    report = ReadReport()
    (record,) = read_corpus(path, report=report)
    assert record.document.text == ABSTRACTS
    assert report.notes == [
        f"{path} is read as 1 document of 3 paragraphs (4 lines); if each is a document, add --split paragraphs (or "
        "lines), if it is one document, --split none"
    ]
    path.write_text("Asthma.\nMigraine.\n")
    report = ReadReport()
    assert len(list(read_corpus(path, report=report))) == 1
    assert "is read as 1 document of 2 lines; if each is a document, add --split lines," in report.notes[0]
    report = ReadReport()
    assert len(list(read_corpus(path, split="none", report=report))) == 1
    assert report.notes == []


PARAGRAPHS = [("a-1", "Asthma in voles.\r\nIt is rare.", 1), ("a-2", "Migraine 👩‍🔬 in rats.", 5), ("a-3", "Gout.", 7)]
LINES = [
    ("a-1", "Asthma in voles.", 1),
    ("a-2", "It is rare.", 2),
    ("a-3", "  Migraine 👩‍🔬 in rats.", 5),
    ("a-4", "Gout.", 7),
]


@pytest.mark.parametrize(
    ("split", "expected"), [("paragraphs", PARAGRAPHS), ("blank-lines", PARAGRAPHS), ("lines", LINES)]
)
def test_a_file_is_split_where_the_user_says(tmp_path: Path, split: str, expected: list[tuple[str, str, int]]) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(ABSTRACTS.encode())
    found = [(record.document.id, record.document.text, record.source) for record in read_corpus(path, split=split)]
    assert found == [(ident, text, f"{path}:{line}") for ident, text, line in expected]


def test_only_what_is_not_divided_by_itself_can_be_split(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"id": "1", "text": "a"}\n')
    (tmp_path / "b.txt").write_text("words")
    with pytest.raises(UsageError, match=r"a\.jsonl is JSON Lines, which defines where a document ends; not by l"):
        read_corpus(tmp_path / "a.jsonl", split="lines")
    with pytest.raises(UsageError, match=r"b\.txt is plain text, which can be split by: paragraphs, lines, blank-"):
        read_corpus(tmp_path / "b.txt", split="sentences")
    with pytest.raises(UsageError, match="unknown split 'words'; known are paragraphs, lines, sentences, blank-lines"):
        read_corpus(tmp_path / "b.txt", split="words")


@pytest.mark.parametrize(
    "content", ["31000001\n31000002\n", "PMID: 31000001, PMID: 31000002", "PMC7000001\r\n10.1000/xyz.1\n", "31000001"]
)
def test_a_list_of_identifiers_is_no_text(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.txt").write_bytes(content.encode())
    for split in (None, "lines", "paragraphs"):
        with pytest.raises(FormatError, match=r"a\.txt: it holds identifiers alone, no texts; on PubMed, save"):
            list(read_corpus(tmp_path, split=split))
    assert [record.document.text for record in read_corpus(tmp_path, split="none")] == [content]


@pytest.mark.parametrize(
    "content",
    [
        "1. J Invented. 2024;1:1-2.\n\nAsthma in voles.\n\nExample A(1).\n\nIt is rare.\n\nPMID: 31000001\n\n\n"
        "2. J Invented. 2024;1:3.\n\nGout.\n\nPMID: 31000002\n",
        "1: Example A. Asthma in voles. J Invented. 2024;1:1-2. PMID: 31000001.\n\n2: Example B. Gout. PMID: 31000002.",
    ],
)
def test_a_list_of_articles_from_pubmed_is_not_taken_for_an_abstract(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.txt").write_text(content)
    with pytest.raises(FormatError, match=r"a\.txt: it looks like PubMed's list of articles .* --split none if"):
        list(read_corpus(tmp_path))


def test_rows_of_a_table_without_names_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("900100\tAsthma.\tIt is rare.\n\n900101\tGout.\tIt hurts much.\n")
    with pytest.raises(FormatError, match=r"a table without names of columns; add a first line .*, or --format table"):
        list(read_corpus(tmp_path))
    records = read_corpus(tmp_path / "a.txt", format="table")
    assert [record.document.text for record in records] == ["Asthma. It is rare.", "Gout. It hurts much."]


def test_a_folder_of_texts_is_noted_only_where_a_text_is_long(tmp_path: Path) -> None:
    for name, lines in (("a", 2), ("b", 3), ("c", 4)):
        (tmp_path / f"{name}.txt").write_text("Words.\n" * lines)
    report = ReadReport()
    assert len(list(read_corpus(tmp_path, report=report))) == 3
    assert [note.partition(" is read")[0] for note in report.notes] == [str(tmp_path / "c.txt")]
