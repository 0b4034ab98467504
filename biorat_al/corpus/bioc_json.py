"""BioC JSON: the same documents as BioC XML has, spelled as JSON; an infon may be any JSON value.

A file holds one collection, a list of collections or of documents, what PubTator 3 answers (``{"PubTator3": […]}``),
or one document a line. What a document means is said in :mod:`biorat_al.corpus.bioc`; whether somebody looked at
documents without annotations is told as in BioC XML. Documents are read one by one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from biorat_al.corpus.base import CorpusFormat, Reading, Writable, WriteReport
from biorat_al.corpus.bioc import BioCReader, is_annotated
from biorat_al.corpus.bioc_json_shape import documents_place
from biorat_al.corpus.bioc_writing import BioCWriter
from biorat_al.corpus.json_stream import items
from biorat_al.corpus.json_values import Fields, to_json
from biorat_al.corpus.losses import LookedAt
from biorat_al.corpus.model import Record
from biorat_al.corpus.source import Source
from biorat_al.corpus.writing import check_record, text_file

_COLLECTION = re.compile(r'\s*(\[\s*)?\{((?!"text")[^\[\]])*"documents"\s*:\s*\[', re.DOTALL)
_PUBTATOR = re.compile(r'\s*\{\s*"PubTator3"\s*:\s*\[')
_DOCUMENT = re.compile(
    r'\s*(\[\s*)?\{.{0,2000}?"passages"\s*:\s*\[\s*\{\s*"(offset|infons|text|sentences|annotations|relations|bioctype)"',
    re.DOTALL,
)
_ANNOTATED = re.compile(rb'"(annotations|relations)"\s*:\s*\[\s*\{')


class BioCJson(CorpusFormat):
    """Reader and writer of BioC JSON files."""

    name = "bioc-json"
    title = "BioC JSON"
    suffixes = (".bioc.json",)
    knows_concepts = True

    def detects(self, head: str) -> bool:
        if documents_place(head) is not None:
            return True
        if _PUBTATOR.match(head) or _DOCUMENT.match(head):
            return True
        # other JSON has documents, too
        return _COLLECTION.match(head) is not None and ('"infons"' in head or '"passages"' in head)

    def read(self, source: Source, reading: Reading) -> Iterator[Record]:
        looked: bool | None = None
        for number, value in enumerate(items(source, _place(source.head())), start=1):
            document = _document(value, source, number)
            if is_annotated(document):
                looked = True
            elif looked is None:
                looked = source.holds(_ANNOTATED)
            yield BioCReader(document, source, reading).record(bool(looked))

    def write(self, path: Path, records: Iterable[Writable], report: WriteReport | None = None) -> int:
        counted = WriteReport() if report is None else report
        writer, looked, count = BioCWriter(counted, text_only=False), LookedAt(), 0
        with text_file(path) as out:
            out.write('{"source": "", "date": "", "key": "", "infons": {}, "documents": [')
            for record in records:
                document, annotation = record[:2]
                check_record(document, annotation)
                value = writer.document(document, annotation)
                looked.count(annotation, is_annotated(value))
                for part in (*value["passages"], *(s for passage in value["passages"] for s in passage["sentences"])):
                    if part["text"] is None:
                        del part["text"]
                out.write(("," if count else "") + "\n" + to_json(value, document.id))
                count += 1
            out.write("\n]}\n")
        looked.report(counted)
        counted.documents += count
        return count


def _place(head: str) -> str:
    """Where the documents stand, as a path through the JSON values."""
    place = documents_place(head)
    if place is not None:
        return place
    outside = "item." if head.lstrip().startswith("[") else ""
    if _PUBTATOR.match(head):
        return "PubTator3.item"
    if _COLLECTION.match(head):
        return f"{outside}documents.item"
    return outside.removesuffix(".")


def _document(value: Any, source: Source, number: int) -> dict[str, Any]:
    """A document with all that it may have, each of the type that it must be."""
    fields = Fields({"document": value}, source.name, "", f"number {number}").inner("document")
    fields.document = _ident(fields) or fields.document
    fields.items("passages", must=True)
    document = _carrier(fields)
    document["id"] = _ident(fields) or ""
    document["passages"] = []
    for passage in fields.parts("passages"):
        place = _placed(passage)
        place["sentences"] = [_placed(sentence) for sentence in passage.parts("sentences")]
        if place["text"] == "" and place["sentences"]:
            place["text"] = None
        document["passages"].append(place)
    return document


def _placed(fields: Fields) -> dict[str, Any]:
    value = _carrier(fields)
    value["offset"] = fields.whole("offset")
    value["text"] = fields.text("text") if fields.value.get("text") is not None else None
    return value


def _carrier(fields: Fields) -> dict[str, Any]:
    return {
        "infons": fields.mapping("infons"),
        "annotations": [
            {
                "id": _ident(part),
                "infons": part.mapping("infons"),
                "text": part.text("text") if part.value.get("text") is not None else None,
                "locations": [
                    {"offset": place.whole("offset"), "length": place.whole("length")}
                    for place in part.parts("locations")
                ],
            }
            for part in fields.parts("annotations")
        ],
        "relations": [
            {
                "id": _ident(part),
                "infons": part.mapping("infons"),
                "nodes": [
                    {"refid": str(node.value.get("refid", "")), "role": str(node.value.get("role") or "")}
                    for node in part.parts("nodes")
                ],
            }
            for part in fields.parts("relations")
        ],
    }


def _ident(fields: Fields) -> str | None:
    """An id, which some programs write as a number."""
    value = fields.value.get("id")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return None if value is None else fields.text("id")
