from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from biorat_al.corpus.base import ReadReport
from biorat_al.corpus.model import Document, Record
from biorat_al.corpus.reading import read_corpus
from biorat_al.errors import FormatError


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
