"""BioC XML: a collection of documents with passages, annotations and relations.

:mod:`biorat_al.corpus.formats.bioc.reading` says what a document means. XML itself turns ``\\r\\n`` into ``\\n`` before
the reader sees the text; the writer writes a carriage return as a character reference, which stays.

A document without annotations counts as looked at if any other document of the file has annotations; in a file without
a single annotation nobody has looked at anything, and every annotation is None.

A DOCTYPE that names an external DTD (``BioC.dtd``) is accepted, but the DTD is never loaded. Entities, internal or
external, are refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

from biorat_al.corpus.formats.base import CorpusFormat, Reading, Writable, WriteReport
from biorat_al.corpus.formats.bioc.reading import BioCReader, is_annotated, left_out_document
from biorat_al.corpus.formats.bioc.writing import BioCWriter
from biorat_al.corpus.formats.losses import LookedAt
from biorat_al.corpus.formats.writing import check_record, text_file, unfit_id
from biorat_al.corpus.formats.xml_writing import UNFIT, XmlText
from biorat_al.corpus.io.source import Source
from biorat_al.corpus.io.xml_stream import documents, line_of
from biorat_al.corpus.model.document import Document, Record
from biorat_al.errors import FormatError

_COLLECTION = re.compile(
    r"\s*+(<\?xml[^>]*+>\s*+)?+(<!--.*?-->\s*+)*+(<!DOCTYPE\s+collection\b|<collection[\s>])", re.DOTALL
)
_ANNOTATED = re.compile(rb"<(annotation|relation)[\s>/]")
_NUMBER = re.compile(r"\s*([0-9]{1,18})\s*")


class BioCXml(CorpusFormat):
    """Reader and writer of BioC XML files."""

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
            try:
                record = BioCReader(_Values(element, source).document(), source, reading).record(bool(looked))
            except FormatError as error:
                left_out_document(reading, error)
            else:
                yield record

    def refusal(self, document: Document) -> str | None:
        return unfit_id(document.id, UNFIT)

    def write(self, path: Path, records: Iterable[Writable], report: WriteReport | None = None) -> int:
        counted = WriteReport() if report is None else report
        writer, looked, count = BioCWriter(counted, text_only=True), LookedAt(), 0
        xml = XmlText(counted)
        with text_file(path) as out:
            out.write('<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE collection SYSTEM "BioC.dtd">\n<collection>')
            out.write("<source></source><date></date><key></key>\n")
            for record in records:
                document, annotation = record[:2]
                check_record(document, annotation)
                document, annotation = xml.record(document, annotation)
                value = writer.document(document, annotation)
                looked.count(annotation, is_annotated(value))
                out.write(_spelled(value, xml))
                count += 1
            out.write("</collection>\n")
        looked.report(counted)
        counted.documents += count
        return count


class _Values:
    """A reader of one document element as the JSON values of BioC JSON."""

    def __init__(self, element: Element, source: Source) -> None:
        self._element = element
        self._source = source
        self._id = ""
        self._id = self._child(element, "id").strip()

    def document(self) -> dict[str, Any]:
        """Return the values of the document, including everything inside it."""
        value = self._carrier(self._element)
        value["id"] = self._id
        value["passages"] = [self._passage(passage) for passage in self._element.findall("passage")]
        return value

    def _passage(self, element: Element) -> dict[str, Any]:
        value = self._place(element)
        # if the passage itself has a text, its sentences may have annotations and nothing else
        value["sentences"] = [
            self._place(sentence)
            if value["text"] is None or sentence.find("offset") is not None
            else self._carrier(sentence)
            for sentence in element.findall("sentence")
        ]
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
            "annotations": [self._whole(child, self._annotation) for child in element.findall("annotation")],
            "relations": [self._whole(child, self._relation) for child in element.findall("relation")],
        }

    def _whole(self, element: Element, read: Callable[[Element], dict[str, Any]]) -> dict[str, Any]:
        """Read an element; return its values, or its error if it is broken."""
        try:
            return read(element)
        except FormatError as error:
            return {"id": element.get("id"), "error": error}

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


def _spelled(document: Mapping[str, Any], xml: XmlText) -> str:
    """Return a document as XML."""

    def infons(carrier: Mapping[str, Any]) -> Iterator[str]:
        for key, value in carrier["infons"].items():
            yield xml.element("infon", xml.text(value), key=key)

    def carried(carrier: Mapping[str, Any]) -> Iterator[str]:
        for annotation in carrier["annotations"]:
            inside = [*infons(annotation)]
            for place in annotation["locations"]:
                inside.append(xml.element("location", **{key: str(number) for key, number in place.items()}))
            inside.append(xml.element("text", xml.text(annotation["text"])))
            yield xml.element("annotation", "".join(inside), id=annotation["id"]) + "\n"
        for relation in carrier["relations"]:
            nodes = [xml.element("node", refid=node["refid"], role=node["role"]) for node in relation["nodes"]]
            yield xml.element("relation", "".join([*infons(relation), *nodes]), id=relation["id"]) + "\n"

    def placed(tag: str, part: Mapping[str, Any]) -> str:
        inside = [*infons(part), xml.element("offset", str(part["offset"]))]
        if part["text"] is not None:
            inside.append(xml.element("text", xml.text(part["text"])))
        inside += [placed("sentence", sentence) for sentence in part.get("sentences", ())]
        return xml.element(tag, "".join([*inside, "\n", *carried(part)])) + "\n"

    inside = [xml.element("id", xml.text(document["id"])), *infons(document), "\n"]
    inside += [placed("passage", passage) for passage in document["passages"]]
    return xml.element("document", "".join([*inside, *carried(document)])) + "\n"
