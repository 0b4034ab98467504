"""BioC XML: a collection of documents with passages, annotations and relations.

What a document means is said in :mod:`biorat_al.corpus.bioc`. XML itself turns ``\\r\\n`` into ``\\n`` before anybody
sees the text; where it is written, a carriage return is a character reference, which stays.

A document without annotations was looked at and has nothing if any other document of the file has some; in a file
without a single annotation nobody has looked at anything, and the annotation is None.

A DOCTYPE that names an external DTD (``BioC.dtd``) is accepted, and never loaded. Entities, internal or external, are
refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element

from biorat_al.corpus.base import CorpusFormat, Reading
from biorat_al.corpus.bioc import BioCReader
from biorat_al.corpus.bioc_stream import documents, line_of
from biorat_al.corpus.model import Record
from biorat_al.corpus.source import Source
from biorat_al.errors import FormatError

_COLLECTION = re.compile(r"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*(<!DOCTYPE\s+collection\b|<collection[\s>])", re.DOTALL)
_ANNOTATED = re.compile(rb"<(annotation|relation)[\s>/]")
_NUMBER = re.compile(r"\s*([0-9]{1,18})\s*")


class BioCXml(CorpusFormat):
    """Reader of BioC XML files."""

    name = "bioc-xml"
    title = "BioC XML"
    suffixes = (".xml", ".bioc")
    knows_concepts = True

    def detects(self, head: str) -> bool:
        return _COLLECTION.match(head) is not None

    def read(self, source: Source, reading: Reading) -> Iterator[Record]:
        looked: bool | None = None
        for element in documents(source):
            if element.find(".//annotation") is not None or element.find(".//relation") is not None:
                looked = True
            elif looked is None:
                looked = source.holds(_ANNOTATED)
            yield BioCReader(_Values(element, source).document(), source, reading).record(bool(looked))


class _Values:
    """The values of one document element, as BioC JSON has them."""

    def __init__(self, element: Element, source: Source) -> None:
        self._element = element
        self._source = source
        self._id = ""
        self._id = self._child(element, "id").strip()

    def document(self) -> dict[str, Any]:
        """The values of the document and all that is in it."""
        value = self._carrier(self._element)
        value["id"] = self._id
        value["passages"] = [self._passage(passage) for passage in self._element.findall("passage")]
        return value

    def _passage(self, element: Element) -> dict[str, Any]:
        value = self._place(element)
        # where a passage has a text of its own, its sentences only carry annotations
        placed = self._place if value["text"] is None else self._carrier
        value["sentences"] = [placed(sentence) for sentence in element.findall("sentence")]
        return value

    def _place(self, element: Element) -> dict[str, Any]:
        value = self._carrier(element)
        value["offset"] = self._number(self._child(element, "offset"), element, "offset")
        value["text"] = element.findtext("text")
        return value

    def _carrier(self, element: Element) -> dict[str, Any]:
        return {
            "line": line_of(element),
            "infons": self._infons(element),
            "annotations": [self._annotation(child) for child in element.findall("annotation")],
            "relations": [self._relation(child) for child in element.findall("relation")],
        }

    def _annotation(self, element: Element) -> dict[str, Any]:
        return {
            "line": line_of(element),
            "id": element.get("id"),
            "infons": self._infons(element),
            "text": element.findtext("text"),
            "locations": [
                {key: self._number(location.get(key, ""), location, key) for key in ("offset", "length")}
                for location in element.findall("location")
            ],
        }

    def _relation(self, element: Element) -> dict[str, Any]:
        return {
            "line": line_of(element),
            "id": element.get("id"),
            "infons": self._infons(element),
            "nodes": [
                {"refid": node.get("refid", ""), "role": node.get("role", "")} for node in element.findall("node")
            ],
        }

    def _infons(self, element: Element) -> dict[str, str]:
        infons: dict[str, str] = {}
        for infon in element.findall("infon"):
            key, value = infon.get("key"), infon.text or ""
            if key is None:
                raise self._wrong(infon, "an infon has no key")
            infons[key] = f"{infons[key]}|{value}" if key in infons else value
        return infons

    def _child(self, element: Element, tag: str) -> str:
        child = element.find(tag)
        if child is None:
            raise self._wrong(element, f"found a {element.tag} without the element {tag}, which it must have")
        return child.text or ""

    def _number(self, value: str, element: Element, what: str) -> int:
        number = _NUMBER.fullmatch(value)
        if number is None:
            raise self._wrong(element, f"found the {what} {value!r}, expected a whole number")
        return int(number.group(1))

    def _at(self, element: Element) -> str:
        return self._source.at(line_of(element))

    def _wrong(self, element: Element, what: str) -> FormatError:
        return FormatError(what, source=self._at(element), document=self._id or None)
