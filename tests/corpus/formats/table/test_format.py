"""CSV and TSV; all texts are invented."""

from __future__ import annotations

from pathlib import Path

import pytest

from biorat_al.corpus.detection import detect
from biorat_al.corpus.formats.base import ReadReport
from biorat_al.corpus.model.document import Document, Passage
from biorat_al.corpus.reading import read_corpus
from biorat_al.errors import FormatError


def read(path: Path, content: str, **options: bool) -> tuple[list[Document], ReadReport]:
    path.write_bytes(content.encode())
    report = ReadReport()
    return [record.document for record in read_corpus(path, report=report, **options)], report


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("name", ["abstracts.tsv", "papers.txt", "papers.csv", "papers"])
def test_a_header_is_not_a_document(tmp_path: Path, name: str, mark: str, end: str) -> None:
    content = f"{mark}pmid\ttitle\tabstract\n900100\tVoles.\tThey 👩‍🔬 live.\n\n900101\tGout.\t\n".replace("\n", end)
    documents, report = read(tmp_path / name, content)
    found = detect(tmp_path / name).format
    assert found is not None
    assert found.name == "table"
    assert documents == [
        Document("900100", "Voles. They 👩‍🔬 live.", (Passage("title", 0, 6), Passage("abstract", 7, 21))),
        Document("900101", "Gout.", (Passage("title", 0, 5),)),
    ]
    assert (report.notes, report.left_out) == ([], {})


@pytest.mark.parametrize(
    "first",
    ["PMID,Article Title,Abstract", "PubMed ID;Title;Abstract Text", '"id","ti","ab"', "doc_id,Paper Title,abstract"],
)
def test_names_are_known_however_they_are_written(tmp_path: Path, first: str) -> None:
    divider = ";" if ";" in first else ","
    (document,), _ = read(tmp_path / "a.csv", f"{first}\n" + divider.join(["1", "Voles.", "They live."]) + "\n")
    assert (document.id, document.text) == ("1", "Voles. They live.")


@pytest.mark.parametrize("divider", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_line_that_tells_spreadsheets_the_divider_is_no_row(tmp_path: Path, divider: str, end: str) -> None:
    rows = [f"sep={divider}", "id title abstract".replace(" ", divider), f"1{divider}Voles.{divider}They live."]
    documents, report = read(tmp_path / "a.csv", end.join(rows) + end)
    assert [(one.id, one.text) for one in documents] == [("1", "Voles. They live.")]
    assert (report.notes, report.left_out) == ([], {})
    found = detect(tmp_path / "a.csv").format
    assert found is not None
    assert found.name == "table"
    with pytest.raises(FormatError, match=r"a\.csv:4"):
        read(tmp_path / "a.csv", end.join([*rows, "2"]) + end)


def test_cells_in_quotation_marks(tmp_path: Path) -> None:
    content = 'id,text,note\n1,"One, ""two""\r\nthree 👩‍🔬",\n"2", plain ,x\n'
    documents, report = read(tmp_path / "a.csv", content)
    assert documents == [Document("1", 'One, "two"\r\nthree 👩‍🔬'), Document("2", " plain ", (), {"note": "x"})]
    assert "kept as metadata, not read as text or annotation: the columns 'note'" in report.notes[0]


def test_quotation_marks_between_tabs(tmp_path: Path) -> None:
    content = 'id\ttitle\tabstract\n1\t"Old" voles.\t"Both\tand\n""this""."\n2\tA 5" vole.\t"Whole."\n'
    documents, report = read(tmp_path / "a.tsv", content)
    assert [document.text for document in documents] == ['"Old" voles. Both\tand\n"this".', 'A 5" vole. Whole.']
    assert report.notes == [
        f"{tmp_path / 'a.tsv'}: the quotation marks around 2 cells were taken for the table's, not the texts'"
    ]


def test_pubmeds_csv_has_no_abstracts_and_says_so(tmp_path: Path) -> None:
    content = 'PMID,Title,Authors,Journal/Book,DOI\n900100,Voles.,"Example A, Sample B",J Invented,10.1000/x\n'
    (document,), report = read(tmp_path / "csv-voles-set.csv", content)
    assert (document.id, document.text) == ("900100", "Voles.")
    assert document.metadata == {"Authors": "Example A, Sample B", "Journal/Book": "J Invented", "DOI": "10.1000/x"}
    assert "has no column with abstracts, so each document is its title alone (PubMed's CSV has no" in report.notes[1]


def test_documents_without_an_id_column(tmp_path: Path) -> None:
    documents, report = read(tmp_path / "a.csv", "label,text\nx,One.\ny,Two.\n")
    assert [document.id for document in documents] == ["a-1", "a-2"]
    assert any("has no column with ids: the documents are called a-1, a-2, …" in note for note in report.notes)


def test_columns_without_names(tmp_path: Path) -> None:
    (first, _), report = read(tmp_path / "a.tsv", "900100\tOn voles.\tThey live.\n900101\tOn gout.\tIt hurts.\n")
    assert (first.id, first.text) == ("900100", "On voles. They live.")
    assert report.notes == [f"{tmp_path / 'a.tsv'} does not name its columns: they are taken for id, title, abstract"]


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("a.tsv", "V1\tV2\tV3"),
        ("a.tsv", "one\ttwo\tthree"),
        ("a.csv", "900100,On voles.,They live."),
        ("a.csv", "31"),
        ("a.tsv", "a\tb"),
    ],
)
def test_columns_that_nothing_tells(tmp_path: Path, name: str, first: str) -> None:
    with pytest.raises(FormatError, match=r"its first row \(.*\) does not name its columns, of which one must be the"):
        read(tmp_path / name, f"{first}\n{first}\n")


def test_rows_that_do_not_fit(tmp_path: Path) -> None:
    content = 'id,title,abstract\n1,A.\n,B.,c\n2,D.,e\n3,"F.,g\n'
    with pytest.raises(FormatError, match=r"a\.csv:2: found a row with 2 columns, expected 3: id, title, abstract"):
        read(tmp_path / "a.csv", content)
    documents, report = read(tmp_path / "a.csv", content, skip_invalid=True)
    assert [document.text for document in documents] == ["D. e"]
    assert report.left_out == {
        "rows with another number of columns": 1, "rows without an id": 1, "rows that cannot be read": 1,
    }  # fmt: skip
    assert f"{tmp_path / 'a.csv'}:5: the row cannot be read" in report.faults[-1][1]


def test_empty_cells(tmp_path: Path) -> None:
    documents, report = read(tmp_path / "a.csv", "pmid,title,abstract\n9001000.0,Voles.,nan\n9001001.0,,\n")
    assert [(document.id, document.text) for document in documents] == [("9001000", "Voles.")]
    assert report.left_out == {"records without a title and an abstract": 1}
    assert report.notes == [f"{tmp_path / 'a.csv'}: 1 cell with nan, null or None were taken as empty"]


def test_label_studios_tables_are_named(tmp_path: Path) -> None:
    content = 'annotation_id,annotator,created_at,id,label,lead_time,text\n1,1,x,1,"[{""start"": 0}]",3,Voles.\n'
    with pytest.raises(FormatError, match=r"Label Studio's CSV or TSV.*called \"JSON\" and read"):
        read(tmp_path / "a.csv", content)


@pytest.mark.parametrize("text", ["Title, abstract and text of a study.\nMore.\n", "Abstract\nVoles live.\n", "Text"])
def test_a_text_that_begins_with_such_a_word_is_no_table(tmp_path: Path, text: str) -> None:
    (document,), _ = read(tmp_path / "a.txt", text)
    assert document.text == text
