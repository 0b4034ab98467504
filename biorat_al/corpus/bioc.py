"""BioC's documents, whichever way they are spelled (XML, JSON), as records and back.

A document is passed as the JSON values of BioC JSON; ``line`` in any of its objects says where that stands in the file.
What BioC leaves open is decided here as follows.

- The text is that of the passages (or of their sentences) at their offsets, which count code points; gaps are filled
  with spaces.
- An annotation's label is its infon ``type``. Infons that name concepts (``MESH``, ``OMIM``, ``identifier``, …) become
  concepts; the others are kept in the entity's ``extras``. An annotation with several locations is discontinuous, and
  its text is that of the pieces, joined by one space. One without a location says something of the whole document and
  is kept in the annotation's ``extras["unlocated"]``.
- A relation (label: infon ``relation`` or ``type``) between two annotations becomes a relation, one without nodes and
  with two infons besides its label a relation between concepts; any other is kept in ``extras["relations"]``. A
  relation whose infon ``directed`` is ``false`` is undirected.
- Passages' infons besides ``type`` and the places of sentences are kept in the document's metadata.

Comeau DC, Islamaj Doğan R, Ciccarese P, et al. BioC: a minimalist approach to interoperability for biomedical text
processing. Database 2013, bat064, doi 10.1093/database/bat064.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from biorat_al.corpus.base import Reading
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

DIRECTED = "directed"
"""Infon of a relation that says whether it is directed."""

CONCEPT_INFONS = {
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


def is_annotated(document: Mapping[str, Any]) -> bool:
    """Whether there is an annotation or a relation anywhere in the document."""
    return any(part["annotations"] or part["relations"] for part in parts_of(document))


def parts_of(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The passages and sentences in their order, and at last the document: everything that may carry annotations."""
    for passage in document["passages"]:
        yield passage
        yield from passage["sentences"]
    yield document


class BioCReader:
    """Reads one document."""

    def __init__(self, value: Mapping[str, Any], source: Source, reading: Reading) -> None:
        self._value = value
        self._source = source
        self._reading = reading
        self._id: str = value["id"].strip()
        if not self._id:
            raise self._wrong(value, "the document's id is empty")

    def record(self, looked: bool) -> Record:
        """The record; its annotation is None unless somebody `looked`."""
        document = self._document()
        annotation = self._annotation(document)
        return Record(document, annotation if looked else None, self._at(self._value))

    def _document(self) -> Document:
        text: list[str] = []
        length = 0
        passages: list[Passage] = []
        metadata: dict[str, Any] = dict(self._value["infons"])
        infons: list[dict[str, Any]] = []
        sentence_spans: list[list[int]] = []
        for passage in sorted(self._value["passages"], key=lambda part: part["offset"]):
            offset = passage["offset"]
            whole = passage["text"] is not None or not passage["sentences"]
            parts = [passage] if whole else passage["sentences"]
            for part in sorted(parts, key=lambda part: part["offset"]):
                kind, start, piece = "passage" if whole else "sentence", part["offset"], part["text"] or ""
                if start < max(length, offset):
                    raise self._wrong(
                        part, f"the {kind} at offset {start} begins before {max(length, offset)}, where it could"
                    )
                if start - length > WIDEST_GAP:
                    raise self._wrong(
                        part,
                        f"the {kind} at offset {start} begins {start - length} characters after the text "
                        f"before it; that cannot be right",
                    )
                text += (" " * (start - length), piece)
                length = start + len(piece)
                if not whole:
                    sentence_spans.append([start, length])
            of_passage = dict(passage["infons"])
            passages.append(Passage(str(of_passage.pop("type", "passage")), offset, max(length, offset)))
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
        annotations = [value for part in parts_of(self._value) for value in part["annotations"]]
        for number, value in enumerate(annotations, start=1):
            ident = value["id"] or f"T{number}"
            if ident in ids:
                raise self._wrong(value, f"two annotations have the id {ident!r}")
            ids.add(ident)
            if not value["locations"]:
                unlocated.append({"id": ident, "infons": value["infons"], "text": value["text"] or ""})
                continue
            try:
                entities.append(self._entity(ident, value, document))
            except OffsetError as error:
                self._reading.keeps(error)
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

    def _entity(self, ident: str, value: Mapping[str, Any], document: Document) -> Entity:
        infons = dict(value["infons"])
        label = str(infons.pop("type", "")).strip()
        if not label:
            raise self._wrong(value, f"the annotation {ident!r} has no infon 'type'")
        spans = [Span(place["offset"], place["offset"] + place["length"]) for place in value["locations"]]
        if value["text"] is None:
            raise self._wrong(value, "found an annotation without the element text, which it must have")
        concepts, rest = concepts_in(infons, label)
        entity = Entity(ident, label, tuple(spans), concepts, extras=rest)
        check_mention(document, entity, value["text"], source=self._at(value))
        return entity

    def _relations(
        self, ids: set[str], located: set[str]
    ) -> tuple[list[Relation], list[ConceptRelation], list[dict[str, Any]]]:
        relations: list[Relation] = []
        concept_relations: list[ConceptRelation] = []
        others: list[dict[str, Any]] = []
        values = [value for part in parts_of(self._value) for value in part["relations"]]
        known = ids | {value["id"] or "" for value in values}
        seen: set[str] = set()
        for number, value in enumerate(values, start=1):
            ident = value["id"] or f"R{number}"
            if ident in seen:
                raise self._wrong(value, f"two relations have the id {ident!r}")
            seen.add(ident)
            nodes = [(node["refid"], node["role"]) for node in value["nodes"]]
            for refid, _ in nodes:
                if refid not in known:
                    raise self._wrong(
                        value, f"the relation {ident!r} refers to the annotation {refid!r}, which is not there"
                    )
            rest = dict(value["infons"])
            label = (str(rest.pop("relation", "")) or str(rest.pop("type", ""))).strip()
            ends = [end.strip() for end in rest.values() if isinstance(end, str)]
            if label and len(nodes) == 2 and all(refid in located for refid, _ in nodes):
                directed = rest.get(DIRECTED) != "false"
                if not directed:
                    del rest[DIRECTED]
                extras: dict[str, Any] = {**rest}
                if any(role for _, role in nodes):
                    extras["roles"] = [role for _, role in nodes]
                relations.append(Relation(ident, label, nodes[0][0], nodes[1][0], directed, extras))
            elif label and not nodes and len(rest) == len(ends) == 2 and all(end not in NO_CONCEPT for end in ends):
                concept_relations.append(ConceptRelation(label, ends[0], ends[1]))
            else:
                others.append(
                    {
                        "id": ident,
                        "infons": value["infons"],
                        "nodes": [{"refid": refid, "role": role} for refid, role in nodes],
                    }
                )
        return relations, concept_relations, others

    def _at(self, value: Mapping[str, Any]) -> str:
        return self._source.at(value["line"]) if "line" in value else self._source.name

    def _wrong(self, value: Mapping[str, Any], what: str) -> FormatError:
        return FormatError(what, source=self._at(value), document=self._id or None)


def concepts_in(infons: Mapping[str, Any], label: str) -> tuple[tuple[Concept, ...], dict[str, Any]]:
    """The concepts that an annotation's infons name, and the infons that say something else or more than that."""
    concepts: list[Concept] = []
    rest = dict(infons)
    for key, column in infons.items():
        if key.casefold() in CONCEPT_INFONS and isinstance(column, str):
            concepts += _in_database(parse_identifiers(column, label), column, CONCEPT_INFONS[key.casefold()])
            if not says_more(column, label):
                del rest[key]
    return tuple(concepts), rest


def _in_database(concepts: tuple[Concept, ...], column: str, database: str | None) -> tuple[Concept, ...]:
    """Bare identifiers belong to the database that the infon's key names; prefixed ones to that of their prefix."""
    if database is None:
        return concepts
    return tuple(
        concept if f"{concept.database}:" in column else Concept(database, concept.identifier) for concept in concepts
    )
