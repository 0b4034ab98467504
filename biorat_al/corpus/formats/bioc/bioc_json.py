"""BioC JSON: the same documents as in BioC XML, written as JSON; an infon may be any JSON value.

A file holds one collection, a list of collections or documents, an answer of PubTator 3 (``{"PubTator3": […]}``), or
one of these per line. :mod:`biorat_al.corpus.formats.bioc.reading` says what a document means; as in BioC XML,
documents without annotations count as looked at if the file has any annotation. Documents are read one by one.

``null`` is the same as an absent key. Keys of a document that BioC does not have (PubTator 3's ``pmid``, ``journal``,
…) are kept in its metadata; elsewhere such keys are counted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from biorat_al.corpus.formats.base import CorpusFormat, Reading, Writable, WriteReport
from biorat_al.corpus.formats.bioc.json_layout import documents_place
from biorat_al.corpus.formats.bioc.reading import BioCReader, is_annotated, left_out_document
from biorat_al.corpus.formats.bioc.writing import BioCWriter
from biorat_al.corpus.formats.losses import LookedAt
from biorat_al.corpus.formats.writing import check_record, text_file
from biorat_al.corpus.io.json_fields import Fields, found, to_json
from biorat_al.corpus.io.json_stream import items
from biorat_al.corpus.io.source import Source
from biorat_al.corpus.model.document import Record
from biorat_al.errors import FormatError

_COLLECTION = re.compile(r'\s*(\[\s*)?\{((?!"text")[^\[\]])*"documents"\s*:\s*\[', re.DOTALL)
_PUBTATOR = re.compile(r'\s*(\[\s*)?\{\s*"PubTator3"\s*:\s*(\[|null)')
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
        # other JSON formats have documents too
        return _COLLECTION.match(head) is not None and ('"infons"' in head or '"passages"' in head)

    def read(self, source: Source, reading: Reading) -> Iterator[Record]:
        looked: bool | None = None
        for number, value in enumerate(items(source, _place(source.head()), several=True), start=1):
            try:
                document = _Values(source, reading).document(value, number)
                if is_annotated(document):
                    looked = True
                elif looked is None:
                    looked = source.holds(_ANNOTATED)
                record = BioCReader(document, source, reading).record(bool(looked))
            except FormatError as error:
                left_out_document(reading, error)
            else:
                yield record

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
    """Return where the documents are, as a path through the JSON values."""
    place = documents_place(head)
    if place is not None:
        return place
    outside = "item." if head.lstrip().startswith("[") else ""
    if _PUBTATOR.match(head):
        return f"{outside}PubTator3.item"
    if _COLLECTION.match(head):
        return f"{outside}documents.item"
    return outside.removesuffix(".")


class _Values:
    """A reader of documents as JSON values, each with all possible keys and checked types."""

    def __init__(self, source: Source, reading: Reading) -> None:
        self._source = source
        self._reading = reading

    def document(self, value: Any, number: int) -> dict[str, Any]:
        """Return the values of a document.

        :raises FormatError: a part of it is invalid.
        """
        fields = _present(Fields({"document": value}, self._source.name, "", f"number {number}").inner("document"))
        ident = _ident(fields, "id") or _ident(fields, "pmid")
        fields.document = ident or fields.document
        if "passages" not in value:
            fields.items("passages", must=True)
        document = self._carrier(fields)
        further = {key: held for key, held in fields.value.items() if key not in _OF_DOCUMENTS and held not in _EMPTY}
        document["infons"] = {**further, **document["infons"]}
        document["id"] = ident or ""
        document["passages"] = []
        for passage in fields.parts("passages"):
            passage = _present(passage)
            place = self._placed(passage, ("sentences",))
            place["sentences"] = [self._placed(_present(sentence)) for sentence in passage.parts("sentences")]
            if place["text"] == "" and place["sentences"]:
                place["text"] = None
            document["passages"].append(place)
        return document

    def _placed(self, fields: Fields, own: tuple[str, ...] = ()) -> dict[str, Any]:
        self._count(fields, (*_OF_CARRIERS, "offset", "text", *own))
        value = self._carrier(fields)
        value["offset"] = _whole(fields, "offset")
        value["text"] = fields.text("text") if "text" in fields.value else None
        return value

    def _carrier(self, fields: Fields) -> dict[str, Any]:
        return {
            "infons": fields.mapping("infons"),
            "annotations": self._each(fields, "annotations", self._annotation),
            "relations": self._each(fields, "relations", self._relation),
        }

    def _each(self, fields: Fields, key: str, read: Callable[[Fields], dict[str, Any]]) -> list[dict[str, Any]]:
        """Read each object of a list; return its values, or its error if it is broken."""
        values: list[dict[str, Any]] = []
        for position, item in enumerate(fields.items(key)):
            place = f"{fields.place}{key}[{position}]"
            try:
                if not isinstance(item, dict):
                    fields.wrong(f"{place}: found {found(item)}, expected an object")
                values.append(read(_present(Fields(item, fields.source, f"{place}.", fields.document))))
            except FormatError as error:
                ident = item.get("id") if isinstance(item, dict) else None
                values.append({"id": ident if isinstance(ident, str) else None, "error": error})
        return values

    def _annotation(self, fields: Fields) -> dict[str, Any]:
        self._count(fields, ("id", "infons", "text", "locations"))
        return {
            "id": _ident(fields, "id"),
            "infons": fields.mapping("infons"),
            "text": fields.text("text") if "text" in fields.value else None,
            "locations": [
                {key: _length(place, key) for key in ("offset", "length")} for place in fields.parts("locations")
            ],
        }

    def _relation(self, fields: Fields) -> dict[str, Any]:
        self._count(fields, ("id", "infons", "nodes"))
        return {
            "id": _ident(fields, "id"),
            "infons": fields.mapping("infons"),
            "nodes": [
                {key: str(node.value[key]) if node.value.get(key) is not None else "" for key in ("refid", "role")}
                for node in fields.parts("nodes")
            ],
        }

    def _count(self, fields: Fields, own: tuple[str, ...]) -> None:
        further = sum(key not in own and key != "bioctype" for key in fields.value)
        if further:
            self._reading.report.left_out["values under keys that BioC JSON does not have"] += further


_OF_CARRIERS = ("infons", "annotations", "relations")
_OF_DOCUMENTS = (*_OF_CARRIERS, "id", "_id", "passages", "bioctype")
_EMPTY: tuple[Any, ...] = ("", [], {})


def _present(fields: Fields) -> Fields:
    """Return the fields without null values, including those in lists."""
    value = {
        key: [item for item in held if item is not None] if isinstance(held, list) else held
        for key, held in fields.value.items()
        if held is not None
    }
    return Fields(value, fields.source, fields.place, fields.document)


def _whole(fields: Fields, key: str) -> int:
    """Return an integer, which some programs write as a string."""
    value = fields.value.get(key)
    if isinstance(value, str) and re.fullmatch(r"\s*-?[0-9]{1,18}\s*", value):
        return int(value)
    return fields.whole(key)


def _length(fields: Fields, key: str) -> int:
    number = _whole(fields, key)
    if number < 0:
        fields.wrong(f"{fields.place}{key}: found {number}, expected a number that is not negative")
    return number


def _ident(fields: Fields, key: str) -> str | None:
    """Return an id, which some programs write as a number."""
    value = fields.value.get(key)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return None if value is None else fields.text(key)
