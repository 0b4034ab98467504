"""PubMed's XML; all articles are invented."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from biorat_al.corpus.detection import detect
from biorat_al.corpus.formats.base import ReadReport
from biorat_al.corpus.model.document import Document, Passage
from biorat_al.corpus.reading import read_corpus
from biorat_al.errors import FormatError

BEGINNING = (
    "<?xml version='1.0' encoding='UTF-8'?>\n<!DOCTYPE PubmedArticleSet PUBLIC '-//NLM//DTD PubMedArticle, 1st January "
    "2024//EN' 'https://dtd.nlm.nih.gov/ncbi/pubmed/out/pubmed_240101.dtd'>\n<PubmedArticleSet>\n"
)


def article(pmid: str, inside: str, after: str = "") -> str:
    return (
        f"<PubmedArticle><MedlineCitation><PMID Version='1'>{pmid}</PMID><Article>{inside}</Article>{after}"
        "</MedlineCitation></PubmedArticle>\n"
    )


def written(path: Path, *articles: str) -> Path:
    path.write_text(BEGINNING + "".join(articles) + "</PubmedArticleSet>\n", encoding="utf-8")
    return path


def test_title_and_abstract(tmp_path: Path) -> None:
    inside = (
        "<Journal><JournalIssue><PubDate><Year>2024</Year></PubDate></JournalIssue><Title>J Invented</Title></Journal>"
        "<ArticleTitle>Zalvorin &amp; voles.</ArticleTitle><ELocationID EIdType='doi'>10.1000/x</ELocationID>"
        "<Abstract><AbstractText>It helps 👩‍🔬.</AbstractText><CopyrightInformation>Ours.</CopyrightInformation>"
        "</Abstract>"
        "<Language>eng</Language>"
    )
    after = "<MeshHeadingList><MeshHeading><DescriptorName>Voles</DescriptorName></MeshHeading></MeshHeadingList>"
    path = written(tmp_path / "a.xml", article("900100", inside, after))
    found = detect(path).format
    assert found is not None
    assert found.name == "pubmed-xml"
    report = ReadReport()
    (record,) = read_corpus(path, report=report)
    assert (record.annotation, record.source) == (None, f"{path}:4")
    assert record.document == Document(
        "900100",
        "Zalvorin & voles. It helps 👩‍🔬.",
        (Passage("title", 0, 17), Passage("abstract", 18, 31)),
        {"journal": "J Invented", "year": "2024", "languages": ["eng"], "doi": "10.1000/x", "mesh": ["Voles"]},
    )
    assert report.left_out == {}


def test_sections_are_passages_with_their_labels(tmp_path: Path) -> None:
    inside = (
        "<ArticleTitle>Voles.</ArticleTitle><Abstract><AbstractText Label='AIM' NlmCategory='OBJECTIVE'>To see."
        "</AbstractText>\n<AbstractText Label='UNLABELLED'>More.</AbstractText><AbstractText Label='RESULTS'/>"
        "</Abstract>"
    )
    (record,) = read_corpus(written(tmp_path / "a.xml", article("1", inside)))
    text = record.document.text
    assert text == "Voles. AIM: To see. More."
    assert [(part.kind, text[part.start : part.end]) for part in record.document.passages] == [
        ("title", "Voles."), ("aim", "AIM: To see."), ("abstract", "More."),
    ]  # fmt: skip


def test_markup_goes_and_is_counted(tmp_path: Path) -> None:
    inside = (
        "<ArticleTitle><i>Mus</i> and 10<sup>5</sup>\n      cells.</ArticleTitle>"
        "<Abstract><AbstractText>Plain.</AbstractText></Abstract>"
    )
    report = ReadReport()
    (record,) = read_corpus(written(tmp_path / "a.xml", article("1", inside)), report=report)
    assert record.document.text == "Mus and 105 cells. Plain."
    assert report.left_out == {"marks inside of texts (italics, superscripts; their characters are kept)": 2}


def test_books_deleted_citations_and_records_without_a_text(tmp_path: Path) -> None:
    book = (
        "<PubmedBookArticle><BookDocument><PMID>7</PMID><Book><BookTitle>Voles, a book</BookTitle></Book>"
        "<Abstract><AbstractText>About voles.</AbstractText></Abstract></BookDocument></PubmedBookArticle>"
    )
    deleted = "<DeleteCitation><PMID>8</PMID><PMID>9</PMID></DeleteCitation>"
    other = "<OtherAbstract Type='plain-language-summary'><AbstractText>Easy.</AbstractText></OtherAbstract>"
    path = written(
        tmp_path / "a.xml",
        article("1", "<ArticleTitle>Titled.</ArticleTitle>", other),
        article("2", "<ArticleTitle/><VernacularTitle>Über Mäuse.</VernacularTitle>"),
        article("3", "<ArticleTitle></ArticleTitle>"),
        book,
        deleted,
    )
    report = ReadReport()
    records = list(read_corpus(path, report=report))
    assert [(record.document.id, record.document.text) for record in records] == [
        ("1", "Titled."), ("2", "Über Mäuse."), ("7", "Voles, a book About voles."),
    ]  # fmt: skip
    assert report.left_out == {
        "citations that PubMed has deleted": 2,
        "records without a title and an abstract": 1,
        "abstracts in another language or for other readers": 1,
    }


def test_an_article_without_a_pmid(tmp_path: Path) -> None:
    path = written(tmp_path / "a.xml", article("", "<ArticleTitle>A.</ArticleTitle>"), article("2", "<ArticleTitle>B."
                   "</ArticleTitle>"))  # fmt: skip
    with pytest.raises(FormatError, match=r"a\.xml:4: the article has no PMID"):
        list(read_corpus(path))
    report = ReadReport()
    assert [record.document.id for record in read_corpus(path, skip_invalid=True, report=report)] == ["2"]
    assert report.left_out == {"articles without a PMID": 1}


@pytest.mark.slow
def test_a_packed_baseline_is_read_as_a_stream(tmp_path: Path) -> None:
    one = article("1", "<ArticleTitle>Voles.</ArticleTitle>")
    path = tmp_path / "pubmed24n0001.xml.gz"
    path.write_bytes(gzip.compress((BEGINNING + one * 20_000 + "<broken").encode()))
    records = read_corpus(path)
    assert next(records).document.text == "Voles."
    with pytest.raises(FormatError, match="not well-formed XML"):
        list(records)


def test_entities_are_refused_here_too(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_text('<!DOCTYPE PubmedArticleSet [<!ENTITY a "b">]><PubmedArticleSet>&a;</PubmedArticleSet>')
    with pytest.raises(FormatError, match="XML entity"):
        list(read_corpus(path))
