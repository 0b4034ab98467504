"""BioC XML: a collection of documents with passages, annotations and relations.

What the format leaves open is decided here as follows.

- The text is that of the passages (or of their sentences) at their offsets, which count code points; gaps are filled
  with spaces. XML itself turns ``\\r\\n`` into ``\\n`` before anybody sees the text.
- An annotation's label is its infon ``type``. Infons that name concepts (``MESH``, ``OMIM``, ``identifier``, …) become
  concepts; the others are kept in the entity's ``extras``. An annotation with several locations is discontinuous, and
  its text is that of the pieces, joined by one space. One without a location says something of the whole document and
  is kept in the annotation's ``extras["unlocated"]``.
- A relation (label: infon ``relation`` or ``type``) between two annotations becomes a relation, one without nodes and
  with two infons besides its label a relation between concepts; any other is kept in ``extras["relations"]``.
- Passages' infons besides ``type`` and the places of sentences are kept in the document's metadata.
- A document without annotations was looked at and has nothing if any other document of the file has some; in a file
  without a single annotation nobody has looked at anything, and the annotation is None.

A DOCTYPE that names an external DTD (``BioC.dtd``) is accepted, and never loaded. Entities, internal or external, are
refused.

Comeau DC, Islamaj Doğan R, Ciccarese P, et al. BioC: a minimalist approach to interoperability for biomedical text
processing. Database 2013, bat064, doi 10.1093/database/bat064.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element

from biorat_al.corpus.base import CorpusFormat, Reading
from biorat_al.corpus.bioc_stream import documents, line_of
from biorat_al.corpus.identifiers import NO_CONCEPT, parse_identifiers, says_more
from biorat_al.corpus.model import (
    Annotation,
    Concept,
    ConceptRelation,
    Document,
    Entity,
    Passage,
    Record,
    Relation,
    Span,
)
from biorat_al.corpus.source import Source
from biorat_al.corpus.validation import check_mention
from biorat_al.errors import FormatError, OffsetError

WIDEST_GAP = 1_000_000
"""A gap between passages that is wider than this (in characters) is taken for a wrong offset."""

_COLLECTION = re.compile(r"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*(<!DOCTYPE\s+collection\b|<collection[\s>])", re.DOTALL)
_ANNOTATED = re.compile(rb"<(annotation|relation)[\s>/]")
_NUMBER = re.compile(r"\s*([0-9]{1,18})\s*")
_CONCEPT_INFONS = {
    "mesh": "MESH",
    "omim": "OMIM",
    "identifier": None,
    "ncbi gene": "NCBI Gene",
    "ncbigene": "NCBI Gene",
    "ncbi taxonomy": "NCBI Taxonomy",
    "chebi": "CHEBI",
    "umls": "UMLS",
}
"""Infons that name concepts → database of bare identifiers (None: the one that goes with the label)."""


class BioCXml(CorpusFormat):
    """Reader of BioC XML files."""

    name = "bioc-xml"
    title = "BioC XML"
    suffixes = (".xml", ".bioc")

    def detects(self, head: str) -> bool:
        return _COLLECTION.match(head) is not None

    def read(self, source: Source, reading: Reading) -> Iterator[Record]:
        looked: bool | None = None
        for element in documents(source):
            if element.find(".//annotation") is not None or element.find(".//relation") is not None:
                looked = True
            elif looked is None:
                looked = source.holds(_ANNOTATED)
            yield _Reader(element, source, reading).record(bool(looked))


class _Reader:
    """Reads one document element."""

    def __init__(self, element: Element, source: Source, reading: Reading) -> None:
        self._element = element
        self._source = source
        self._reading = reading
        self._id = ""
        self._id = self._child(element, "id").strip()
        if not self._id:
            raise self._wrong(element, "the document's id is empty")

    def record(self, looked: bool) -> Record:
        document = self._document()
        annotation = self._annotation(document)
        return Record(document, annotation if looked else None, self._at(self._element))

    def _document(self) -> Document:
        placed: list[tuple[int, Element, list[tuple[int, str, Element]]]] = []
        for passage in self._element.findall("passage"):
            offset = self._number(self._child(passage, "offset"), passage, "offset")
            sentences = passage.findall("sentence")
            parts = [passage] if passage.find("text") is not None or not sentences else sentences
            pieces = [
                (self._number(self._child(part, "offset"), part, "offset"), part.findtext("text") or "", part)
                for part in parts
            ]
            placed.append((offset, passage, pieces))
        placed.sort(key=lambda place: place[0])
        text: list[str] = []
        length = 0
        passages: list[Passage] = []
        metadata: dict[str, Any] = self._infons(self._element)
        infons: list[dict[str, str]] = []
        sentence_spans: list[list[int]] = []
        for offset, passage, pieces in placed:
            for start, piece, part in sorted(pieces, key=lambda piece: piece[0]):
                if start < max(length, offset):
                    raise self._wrong(
                        part, f"the {part.tag} at offset {start} begins before {max(length, offset)}, where it could"
                    )
                if start - length > WIDEST_GAP:
                    raise self._wrong(
                        part,
                        f"the {part.tag} at offset {start} begins {start - length} characters after the text "
                        f"before it; that cannot be right",
                    )
                text += (" " * (start - length), piece)
                length = start + len(piece)
                if part is not passage:
                    sentence_spans.append([start, length])
            of_passage = self._infons(passage)
            passages.append(Passage(of_passage.pop("type", "passage"), offset, max(length, offset)))
            infons.append(of_passage)
        if any(infons):
            metadata["passage_infons"] = infons
        if sentence_spans:
            metadata["sentences"] = sentence_spans
        return Document(self._id, "".join(text), tuple(passages), metadata)

    def _annotation(self, document: Document) -> Annotation:
        entities: list[Entity] = []
        unlocated: list[dict[str, Any]] = []
        ids: set[str] = set()
        left_out: set[str] = set()
        for number, element in enumerate(self._element.iter("annotation"), start=1):
            ident = element.get("id") or f"T{number}"
            if ident in ids:
                raise self._wrong(element, f"two annotations have the id {ident!r}")
            ids.add(ident)
            if element.find("location") is None:
                unlocated.append({"id": ident, "infons": self._infons(element), "text": element.findtext("text") or ""})
                continue
            try:
                entities.append(self._entity(ident, element, document))
            except OffsetError as error:
                self._reading.invalid(error)
                left_out.add(ident)
        relations, concept_relations, others = self._relations(ids, {entity.id for entity in entities} | left_out)
        kept_others = []
        for other in others:
            if left_out.isdisjoint(node["refid"] for node in other["nodes"]):
                kept_others.append(other)
            else:
                self._reading.report.relations_left_out += 1
        extras: dict[str, Any] = {}
        if unlocated:
            extras["unlocated"] = unlocated
        if kept_others:
            extras["relations"] = kept_others
        return Annotation(tuple(entities), self._reading.without(left_out, relations), tuple(concept_relations), extras)

    def _entity(self, ident: str, element: Element, document: Document) -> Entity:
        infons = self._infons(element)
        label = infons.pop("type", "").strip()
        if not label:
            raise self._wrong(element, f"the annotation {ident!r} has no infon 'type'")
        spans = []
        for location in element.findall("location"):
            start = self._number(location.get("offset", ""), location, "offset")
            spans.append(Span(start, start + self._number(location.get("length", ""), location, "length")))
        surface = self._child(element, "text")
        concepts: list[Concept] = []
        for key, value in list(infons.items()):
            if key.casefold() in _CONCEPT_INFONS:
                concepts += _in_database(parse_identifiers(value, label), value, _CONCEPT_INFONS[key.casefold()])
                if not says_more(value):
                    del infons[key]
        entity = Entity(ident, label, tuple(spans), tuple(concepts), extras=infons)
        check_mention(document, entity, surface, source=self._at(element))
        return entity

    def _relations(
        self, ids: set[str], located: set[str]
    ) -> tuple[list[Relation], list[ConceptRelation], list[dict[str, Any]]]:
        relations: list[Relation] = []
        concept_relations: list[ConceptRelation] = []
        others: list[dict[str, Any]] = []
        elements = list(self._element.iter("relation"))
        known = ids | {element.get("id", "") for element in elements}
        seen: set[str] = set()
        for number, element in enumerate(elements, start=1):
            ident = element.get("id") or f"R{number}"
            if ident in seen:
                raise self._wrong(element, f"two relations have the id {ident!r}")
            seen.add(ident)
            infons = self._infons(element)
            nodes = [(node.get("refid", ""), node.get("role", "")) for node in element.findall("node")]
            for refid, _ in nodes:
                if refid not in known:
                    raise self._wrong(
                        element, f"the relation {ident!r} refers to the annotation {refid!r}, which is not there"
                    )
            rest = dict(infons)
            label = (rest.pop("relation", "") or rest.pop("type", "")).strip()
            ends = [value.strip() for value in rest.values()]
            if label and len(nodes) == 2 and all(refid in located for refid, _ in nodes):
                extras: dict[str, Any] = {**rest}
                if any(role for _, role in nodes):
                    extras["roles"] = [role for _, role in nodes]
                relations.append(Relation(ident, label, nodes[0][0], nodes[1][0], extras=extras))
            elif label and not nodes and len(ends) == 2 and all(end not in NO_CONCEPT for end in ends):
                concept_relations.append(ConceptRelation(label, ends[0], ends[1]))
            else:
                others.append(
                    {"id": ident, "infons": infons, "nodes": [{"refid": refid, "role": role} for refid, role in nodes]}
                )
        return relations, concept_relations, others

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


def _in_database(concepts: tuple[Concept, ...], column: str, database: str | None) -> tuple[Concept, ...]:
    """Bare identifiers belong to the database that the infon's key names; prefixed ones to that of their prefix."""
    if database is None:
        return concepts
    return tuple(
        concept if f"{concept.database}:" in column else Concept(database, concept.identifier) for concept in concepts
    )
