"""PubMed's MEDLINE format; all articles are invented."""

from __future__ import annotations

from pathlib import Path

import pytest

from biorat_al.corpus.detection import detect
from biorat_al.corpus.formats.base import ReadReport
from biorat_al.corpus.model.document import Document, Passage
from biorat_al.corpus.reading import read_corpus
from biorat_al.errors import FormatError

TWO = """\

PMID- 900100
OWN - NLM
STAT- MEDLINE
TI  - Zalvorin calms
      Trexel syndrome.
PG  - 1-2
AB  - BACKGROUND: Voles were
      given zalvorin. RESULTS: 👩‍🔬 It helped.
FAU - Example, A
FAU - Sample, B

PMID- 900101
TI  - Gout.
"""


@pytest.mark.parametrize("name", ["pubmed-voles-set.txt", "voles.nbib", "voles", "voles.csv"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_download_is_a_document_for_each_record(tmp_path: Path, name: str, mark: str, end: str) -> None:
    path = tmp_path / name
    path.write_bytes((mark + TWO.replace("\n", end)).encode())
    found = detect(path).format
    assert found is not None
    assert found.name == "medline"
    report = ReadReport()
    first, second = read_corpus(path, report=report)
    title, abstract = (
        "Zalvorin calms Trexel syndrome.",
        "BACKGROUND: Voles were given zalvorin. RESULTS: 👩‍🔬 It helped.",
    )
    assert first.document == Document(
        "900100",
        f"{title} {abstract}",
        (Passage("title", 0, len(title)), Passage("abstract", len(title) + 1, len(title) + 1 + len(abstract))),
        {"OWN": "NLM", "STAT": "MEDLINE", "PG": "1-2", "FAU": ["Example, A", "Sample, B"]},
    )
    assert (second.document, second.annotation) == (Document("900101", "Gout.", (Passage("title", 0, 5),)), None)
    assert second.source == f"{path}:13"
    assert (report.left_out, report.notes) == ({}, [])


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        ("TI  - One \n      two.\n", "One two."),
        ("TI  - One\n      two.\n", "One two."),
        ("TI  - One \n      anti-\n      two.\n", "One anti-two."),
        ("TI  - One and \n      pre- \n      and post-two.\n", "One and pre- and post-two."),
        ("TI  - pre-\n      and post-two.\n", "pre- and post-two."),
        ("TI  -\n      Late.\n", "Late."),
    ],
)
def test_wrapped_lines_are_joined_where_they_were_wrapped(tmp_path: Path, lines: str, text: str) -> None:
    path = tmp_path / "a.nbib"
    path.write_text("PMID- 1\n" + lines)
    (record,) = read_corpus(path)
    assert record.document.text == text


def test_books_other_titles_and_records_without_a_text(tmp_path: Path) -> None:
    path = tmp_path / "a.nbib"
    path.write_text(
        "PMID- 1\nBTI - A book\n\nPMID- 2\nTT  - Über Mäuse.\nPMID- 3\nSO  - J Invented\n\nPMID- 4\nAB  - No title.\n"
    )
    report = ReadReport()
    found = [(record.document.id, record.document.text) for record in read_corpus(path, report=report)]
    assert found == [("1", "A book"), ("2", "Über Mäuse."), ("4", "No title.")]
    assert report.left_out == {"records without a title and an abstract": 1}


@pytest.mark.parametrize(
    ("content", "message", "kind"),
    [
        ("PMID- 1\nTI  - A.\n\nTI  - B.\n", r":4: found no PMID, expected a record that b", "records without a PMID"),
        ("PMID- 1\nTI  - A.\nwords\n", r":3: found 'words', expected a field such as", "lines that are not a field"),
    ],
)
def test_a_broken_record(tmp_path: Path, content: str, message: str, kind: str) -> None:
    path = tmp_path / "a.nbib"
    path.write_text(content)
    with pytest.raises(FormatError, match=message):
        list(read_corpus(path))
    report = ReadReport()
    assert [record.document.text for record in read_corpus(path, skip_invalid=True, report=report)] == ["A."]
    assert report.left_out == {kind: 1}
