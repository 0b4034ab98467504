"""Dictionaries are read from tab-separated files and OBO ontologies, and broken ones are refused with the line."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from biorat_al.dictionary.reading import LONGEST, NOT_EXACT, OBSOLETE, TOO_LONG, DictionaryReport, Name, read_dictionary
from biorat_al.errors import CorpusError, FormatError

OBO = r"""format-version: 1.2
ontology: mini

[Term]
id: MONDO:1
name: gout ! the disease
synonym: "gouty arthritis" EXACT [DOID:13189]
synonym: "crystal \"arthropathy\"" EXACT ABBREVIATION []
synonym: "arthritis" BROAD []
synonym: "tophus" RELATED []

[Typedef]
id: part_of
name: part of

[Term]
id: MONDO:2
name: dropsy
is_obsolete: true

[Term]
name: given before its id
id: MONDO:3
"""


def read(path: Path, content: str | bytes, report: DictionaryReport | None = None) -> list[Name]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(read_dictionary(path, report))


def test_names_and_identifiers_of_a_tab_separated_file(tmp_path: Path) -> None:
    content = "# drugs\nname\tidentifier\naspirin \tMESH:D001241\r\n\n  acetylsalicylic   acid\t\nibuprofen\n"
    assert read(tmp_path / "drugs.tsv", content) == [
        ("aspirin", "MESH:D001241"), ("acetylsalicylic acid", ""), ("ibuprofen", ""),
    ]  # fmt: skip


def test_names_and_exact_synonyms_of_an_ontology(tmp_path: Path) -> None:
    report = DictionaryReport()
    names = [
        ("gout", "MONDO:1"), ("gouty arthritis", "MONDO:1"), ('crystal "arthropathy"', "MONDO:1"),
        ("given before its id", "MONDO:3"),
    ]  # fmt: skip
    # by its name, and by its content
    assert read(tmp_path / "mini.obo", OBO, report) == names
    assert read(tmp_path / "mini.txt", OBO) == names
    assert report.left_out == {NOT_EXACT: 2, OBSOLETE: 1}
    assert report.names == 4


def test_a_packed_file_is_read(tmp_path: Path) -> None:
    assert read(tmp_path / "mini.obo.gz", gzip.compress(OBO.encode()))[0] == ("gout", "MONDO:1")


def test_a_definition_instead_of_a_name_is_left_out_and_counted(tmp_path: Path) -> None:
    report = DictionaryReport()
    assert read(tmp_path / "a.tsv", "x" * (LONGEST + 1) + "\ngout\n", report) == [("gout", "")]
    assert report.left_out == {TOO_LONG: 1}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "has no name"),
        (b"\n\n# nothing\n", "has no name"),
        (b"gout\tMESH:D1\tDisease\n", "a.tsv:1: the line has 3 columns"),
        (b"gout\n\tMESH:D1\n", "a.tsv:2: the line has no name before the tab"),
        (b"gout\x00\x00", "bytes that no text has"),
        (b"gout\n\xff\xfe\n", "is not UTF-8"),
        (b"\x1f\x8b\x08\x00broken", "gzip data is broken"),
        (b"[Term]\nid: A:1\nsynonym: no quotes EXACT []\n", "a.tsv:3: the synonym is not in quotation marks"),
        (b"[Term]\nid: A:1\nsynonym: \"no end EXACT []\n", "the synonym is not in quotation marks"),
        (b"[Term]\nid: A:1\nname: gone\nis_obsolete: true\n", r"has no name; left out: obsolete terms \(1\)"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_dictionary_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    with pytest.raises(FormatError, match=words):
        read(tmp_path / "a.tsv", content)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="no such file"):
        list(read_dictionary(tmp_path / "none.tsv"))
