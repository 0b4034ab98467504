"""PubMed's XML (``PubmedArticleSet``), from efetch or the yearly baseline.

- The id is the PMID. The text is the title and the abstract, joined by one space. A section of a structured abstract
  begins with its label (``METHODS: …``), as in PubMed's own text, and is a passage of that kind (``methods``).
- Markup inside texts (italics, superscripts) is left out and counted; its characters stay. A line end with the blanks
  around it only belongs to the file's layout, and becomes one space.
- Journal, year, language, DOI, PMC id, publication types, MeSH headings and keywords are kept in the metadata.
- The documents have no annotations. Abstracts in other languages, citations that PubMed has deleted, and records
  without a title and an abstract are left out and counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element

from biorat_al.corpus.formats.base import CorpusFormat, Reading
from biorat_al.corpus.formats.titled import NO_TEXT, titled_document
from biorat_al.corpus.io.source import Source
from biorat_al.corpus.io.xml_stream import elements, line_of
from biorat_al.corpus.model.document import Document, Record
from biorat_al.errors import FormatError

_ARTICLES = ("PubmedArticle", "MedlineCitation", "PubmedBookArticle")
_DELETED = "DeleteCitation"
_ROOTS = ("PubmedArticleSet", "PubmedBookArticleSet", "MedlineCitationSet", *_ARTICLES)
_BEGINNING = re.compile(
    r"\s*+(?:<\?.*?\?>\s*+|<!--.*?-->\s*+|<!DOCTYPE[^>\[]*+(?:\[[^\]]*+\]\s*+)?+>\s*+)*+"
    rf"<(?:{'|'.join(_ROOTS)})[\s>/]",
    re.DOTALL,
)
# only from where blanks begin: else a long run of them is looked through from each of them
_LAYOUT = re.compile(r"(?<![ \t])[ \t]*+[\r\n]\s*+")
_NO_LABEL = ("UNLABELLED", "UNLABELED", "UNASSIGNED")


class PubMedXml(CorpusFormat):
    """Reader of PubMed's XML."""

    name = "pubmed-xml"
    title = "PubMed XML"
    suffixes = (".pubmed.xml",)

    def detects(self, head: str) -> bool:
        return _BEGINNING.match(head) is not None

    def read(self, source: Source, reading: Reading) -> Iterator[Record]:
        for element in elements(source, _ROOTS, (*_ARTICLES, _DELETED), self.title):
            if element.tag == _DELETED:
                reading.report.left_out["citations that PubMed has deleted"] += len(element.findall("PMID"))
                continue
            where = source.at(line_of(element))
            citation = element.find("MedlineCitation")
            body = element if citation is None else citation
            if element.tag == "PubmedBookArticle":
                book = element.find("BookDocument")
                body = element if book is None else book
            ident = _text(body.find("PMID"), reading).strip()
            if not ident:
                error = FormatError("the article has no PMID", source=where)
                reading.leave_out("articles without a PMID", error)
                continue
            document = _document(ident, body, element, reading)
            if document is None:
                reading.report.left_out[NO_TEXT] += 1
            else:
                yield Record(document, None, where)


def _document(ident: str, body: Element, whole: Element, reading: Reading) -> Document | None:
    inner = body.find("Article")
    article = body if inner is None else inner
    titles = ("ArticleTitle", "VernacularTitle", "Book/BookTitle")
    title = next((text for name in titles if (text := _text(article.find(name), reading).strip())), "")
    parts = [("title", title)]
    for section in article.findall("Abstract/AbstractText"):
        text = _text(section, reading).strip()
        label = (section.get("Label") or "").strip()
        if not label or label.upper() in _NO_LABEL:
            parts.append(("abstract", text))
        elif text:
            parts.append((label.lower(), f"{label}: {text}"))
    further = len(body.findall("OtherAbstract")) + (len(article.findall("OtherAbstract")) if article is not body else 0)
    if further:
        reading.report.left_out["abstracts in another language or for other readers"] += further
    return titled_document(ident, parts, _metadata(body, article, whole))


def _metadata(body: Element, article: Element, whole: Element) -> dict[str, Any]:
    date = "Journal/JournalIssue/PubDate"
    ids = {part.get("IdType"): part.text for part in whole.findall("PubmedData/ArticleIdList/ArticleId")}
    ids |= {part.get("IdType"): part.text for part in article.findall("ArticleIdList/ArticleId")}
    doi = next((part.text for part in article.findall("ELocationID") if part.get("EIdType") == "doi"), None)
    values: dict[str, Any] = {
        "journal": article.findtext("Journal/Title"),
        "year": article.findtext(f"{date}/Year") or (article.findtext(f"{date}/MedlineDate") or "")[:4],
        "languages": [part.text for part in article.findall("Language") if part.text],
        "doi": ids.get("doi") or doi,
        "pmcid": ids.get("pmc"),
        "publication_types": [part.text for part in article.iter("PublicationType") if part.text],
        "mesh": [part.text for part in body.findall("MeshHeadingList/MeshHeading/DescriptorName") if part.text],
        "keywords": ["".join(part.itertext()).strip() for part in body.findall("KeywordList/Keyword")],
    }
    return {key: value for key, value in values.items() if value}


def _text(element: Element | None, reading: Reading) -> str:
    """Return all characters of an element, without the line ends of the file's layout."""
    if element is None:
        return ""
    if len(element):
        reading.report.left_out["marks inside of texts (italics, superscripts; their characters are kept)"] += (
            sum(1 for _ in element.iter()) - 1
        )
    return _LAYOUT.sub(" ", "".join(element.itertext()))
