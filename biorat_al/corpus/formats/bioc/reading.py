"""BioC documents, from XML or JSON, as records.

A document arrives as the JSON values of BioC JSON; ``line`` in any of its objects is the line in the file. BioC leaves
some questions open, which are decided here as follows.

- The text consists of the passages (or of their sentences) at their offsets, which count code points; spaces fill the
  gaps.
- An annotation's label is its infon ``type``. Infons that name concepts (``MESH``, ``OMIM``, ``identifier``, …) become
  concepts; the others are kept in the entity's ``extras``. An annotation with several locations is discontinuous, and
  its text is that of the pieces, joined by white space, by ``...``, ``[...]`` or ``…``, or by nothing. One without a
  location describes the whole document and is kept in the annotation's ``extras["unlocated"]``.
- If annotations in several passages or sentences share an id (BioC.dtd asks for unique ids only where there are
  relations), the first keeps it, and the others get the id with a number after it.
- Relations are read as described in :mod:`biorat_al.corpus.formats.bioc.relations`.
- Passages' infons besides ``type`` and the places of sentences are kept in the document's metadata.

Comeau DC, Islamaj Doğan R, Ciccarese P, et al. BioC: a minimalist approach to interoperability for biomedical text
processing. Database 2013, bat064, doi 10.1093/database/bat064.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from biorat_al.corpus.formats.base import Reading
from biorat_al.corpus.formats.bioc.relations import AnnotationIndex, BioCRelationReader
from biorat_al.corpus.io.source import Source
from biorat_al.corpus.model.checks import check_mention
from biorat_al.corpus.model.concept_relations import with_properties
from biorat_al.corpus.model.concepts import parse_identifiers, says_more
from biorat_al.corpus.model.document import Annotation, Concept, Document, Entity, Passage, Record, Span, check_spans
from biorat_al.errors import CorpusError, FormatError, OffsetError

WIDEST_GAP = 1_000_000
"""Widest gap between passages, in characters; an offset beyond it counts as wrong."""

CONCEPT_INFONS = {
    "mesh": "MESH",
    "omim": "OMIM",
    "identifier": None,
    "ncbi gene": "NCBI Gene",
    "ncbigene": "NCBI Gene",
    "ncbi taxonomy": "NCBI Taxonomy",
    "chebi": "CHEBI",
    "umls": "UMLS",
    "cui": "UMLS",
    "concept_id": None,
}
"""Infons that name concepts → database of bare identifiers (None: the database that goes with the label)."""


def is_annotated(document: Mapping[str, Any]) -> bool:
    """Return whether the document has an annotation or a relation anywhere."""
    return any(part["annotations"] or part["relations"] for part in parts_of(document))


def parts_of(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield everything that may have annotations: the passages and sentences in order, and last the document."""
    return (part for part, _ in _placed_parts(document))


def _placed_parts(document: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], tuple[int, ...]]]:
    """Yield the parts, each with its place: the number of its passage and, in a sentence, that of the sentence."""
    for number, passage in enumerate(document["passages"]):
        yield passage, (number,)
        for inner, sentence in enumerate(passage["sentences"]):
            yield sentence, (number, inner)
    yield document, ()


class BioCReader:
    """A reader of one document."""

    def __init__(self, value: Mapping[str, Any], source: Source, reading: Reading) -> None:
        self._value = value
        self._source = source
        self._reading = reading
        self._id: str = value["id"].strip()
        if not self._id:
            raise self._wrong(value, "the document's id is empty")

    def record(self, looked: bool) -> Record:
        """Return the record, with the annotation None unless somebody `looked`."""
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
                    # some programs count from 0 in each passage, or in each sentence
                    anew = "; offsets count from the beginning of the document" if start == 0 else ""
                    raise self._wrong(
                        part,
                        f"the {kind} at offset {start} begins before "
                        f"{max(length, offset)}, where the text before it ends{anew}",
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
            if whole:
                sentence_spans += self._sentences_of(passage)
            self._lose("infons of sentences", sum(bool(part["infons"]) for part in passage["sentences"]))
            of_passage = dict(passage["infons"])
            kind = of_passage.pop("type", None)
            passages.append(Passage("passage" if kind is None else str(kind), offset, max(length, offset)))
            infons.append(of_passage)
        if any(infons):
            metadata["passage_infons"] = infons
        if sentence_spans:
            metadata["sentences"] = sentence_spans
        return Document(self._id, "".join(text), tuple(passages), metadata)

    def _sentences_of(self, passage: Mapping[str, Any]) -> list[list[int]]:
        """Return the spans of the sentences of a passage that has a text itself; count those with wrong offsets."""
        spans = []
        for part in passage["sentences"]:
            start = part.get("offset")
            if start is None:
                continue
            inside = (passage["text"] or "")[start - passage["offset"] :] if start >= passage["offset"] else ""
            if not part["text"] or not inside.startswith(part["text"]):
                self._lose("borders of sentences whose text is not the text at their offset")
                continue
            spans.append([start, start + len(part["text"])])
        return sorted(spans)

    def _annotation(self, document: Document) -> Annotation:
        entities: list[Entity] = []
        unlocated: list[dict[str, Any]] = []
        index = AnnotationIndex()
        annotations = [(value, place) for part, place in _placed_parts(self._value) for value in part["annotations"]]
        stated = {value["id"] for value, _ in annotations if value["id"]}
        for number, (value, place) in enumerate(annotations, start=1):
            try:
                own = self._own_id(value, place, number, index, stated)
            except FormatError as error:
                index.add(value["id"], place, "", "left out")
                self._reading.leave_out("annotations with an id that another one has", error)
                continue
            state = "left out"
            try:
                if "error" in value:
                    raise value["error"]
                if not value["locations"]:
                    unlocated.append({"id": own, "infons": value["infons"], "text": value["text"] or ""})
                    state = "unlocated"
                elif (entity := self._entity(own, value, document)) is not None:
                    entities.append(entity)
                    state = "located"
            except OffsetError as error:
                # a user who trusts the offsets trusts the text at them
                self._reading.keeps(error)
            except FormatError as error:
                self._reading.leave_out("annotations that are not complete", error)
            index.add(value["id"] or "", place, own, state)
        relations = BioCRelationReader(
            [(value, place) for part, place in _placed_parts(self._value) for value in part["relations"]],
            entities,
            index,
            self._reading,
            self._wrong,
        )
        relations.read()
        extras: dict[str, Any] = {}
        if unlocated:
            extras["unlocated"] = unlocated
        if relations.others:
            extras["relations"] = relations.others
        return Annotation(
            tuple(entities),
            tuple(relations.relations),
            tuple(relation for relation, _ in relations.between_concepts),
            with_properties(extras, relations.between_concepts),
        )

    def _own_id(
        self, value: Mapping[str, Any], place: tuple[int, ...], number: int, index: AnnotationIndex, stated: set[str]
    ) -> str:
        """Return the id of an annotation, or a new one made from it if another annotation has it.

        :raises FormatError: another annotation of the same passage, sentence or document has it.
        """
        ident: str = value["id"] or f"T{number}"
        if value["id"] and index.is_at(ident, place):
            raise self._wrong(value, f"two annotations have the id {ident!r}")
        return index.free(ident, stated if index.has(ident) or not value["id"] else ())

    def _entity(self, ident: str, value: Mapping[str, Any], document: Document) -> Entity | None:
        """Return the mention of an annotation; None if it does not match the text and is left out."""
        infons = dict(value["infons"])
        kind = infons.pop("type", None)
        label = "" if kind is None else str(kind).strip()
        if not label:
            raise self._wrong(value, f"the annotation {ident!r} has no infon 'type'")
        spans = [Span(place["offset"], place["offset"] + place["length"]) for place in value["locations"]]
        empty = next((span for span in spans if span.start == span.end), None)
        if empty is not None:
            raise OffsetError(
                f"the annotation {ident!r} is empty: its location at {empty.start} has the length 0",
                source=self._at(value),
                document=self._id,
            )
        concepts, rest = concepts_in(infons, label)
        entity = Entity(ident, label, tuple(spans), concepts, extras=rest)
        try:
            self._check(entity, value, document)
        except OffsetError as error:
            return entity if self._reading.keeps(error) else None
        return entity

    def _check(self, entity: Entity, value: Mapping[str, Any], document: Document) -> None:
        """Raise unless the annotation's text is the text at its locations."""
        where = self._at(value)
        if value["text"] is None and self._reading.trust_offsets:
            check_spans(document, entity.spans, source=where)
            found = entity.surface(document.text)
            raise OffsetError("it has no text", source=where, document=document.id, found=found)
        if value["text"] is None:
            raise self._wrong(value, "found an annotation without the element text, which it must have")
        check_spans(document, entity.spans, source=where)
        # the text may have its pieces in the order of the document, whatever the order of the locations
        for spans in (entity.spans, sorted(entity.spans)):
            if are_pieces(value["text"], [document.text[start:end] for start, end in spans]):
                return
        try:
            check_mention(document, entity, value["text"], source=where)
        except OffsetError as error:
            unit = _unit(document, entity, value["text"])
            if unit is None:
                raise
            said = str(error).removeprefix(f"{where}, document {document.id}: ")
            raise OffsetError(
                f"{said}; the offsets of its passage count {unit}, not characters",
                source=where,
                document=document.id,
                found=error.found,
                expected=error.expected,
            ) from None

    def _lose(self, kind: str, number: int = 1) -> None:
        if number:
            self._reading.report.left_out[kind] += number

    def _at(self, value: Mapping[str, Any]) -> str:
        return self._source.at(value["line"]) if "line" in value else self._source.name

    def _wrong(self, value: Mapping[str, Any], what: str) -> FormatError:
        return FormatError(what, source=self._at(value), document=self._id or None)


_JOINT = r"(?:\s*(?:\.{2,4}|…|\[\s*(?:\.{2,4}|…)\s*\]|\(\s*(?:\.{2,4}|…)\s*\))\s*|\s*)"
"""What may be between the pieces of a discontinuous mention in its text."""

_UNITS = {"bytes of UTF-8": "utf-8", "units of UTF-16": "utf-16-le"}


def are_pieces(surface: str, pieces: list[str]) -> bool:
    """Return whether a text consists of the pieces of a mention, in their order, with any of the usual joints."""
    if len(pieces) == 1:
        return surface == pieces[0]
    return re.fullmatch(_JOINT.join(map(re.escape, pieces)), surface) is not None


def _unit(document: Document, entity: Entity, surface: str) -> str | None:
    """Return the unit, other than characters, in which a mention's offsets match its text; None if none does."""
    base = max((part.start for part in document.passages if part.start <= entity.start), default=0)
    for name, encoding in _UNITS.items():
        size = 2 if encoding == "utf-16-le" else 1
        for start in {0, base}:
            raw = document.text[start:].encode(encoding, "surrogatepass")
            pieces = [
                raw[(first - start) * size : (last - start) * size].decode(encoding, "replace")
                for first, last in entity.spans
            ]
            if are_pieces(surface, pieces):
                return name
    return None


def left_out_document(reading: Reading, error: CorpusError) -> None:
    """Count a document that cannot be read, or raise `error` if nothing may be left out."""
    reading.leave_out("documents that cannot be read", error)


def concepts_in(infons: Mapping[str, Any], label: str) -> tuple[tuple[Concept, ...], dict[str, Any]]:
    """Return the concepts that an annotation's infons name, and the infons that say something else or more."""
    concepts: list[Concept] = []
    rest = dict(infons)
    for key, value in infons.items():
        column = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        if key.casefold() in CONCEPT_INFONS and isinstance(column, str):
            concepts += _in_database(parse_identifiers(column, label), column, CONCEPT_INFONS[key.casefold()])
            if not says_more(column, label):
                del rest[key]
    return tuple(concepts), rest


def _in_database(concepts: tuple[Concept, ...], column: str, database: str | None) -> tuple[Concept, ...]:
    """Assign bare identifiers to the database that the infon's key names; prefixed ones keep that of their prefix."""
    if database is None:
        return concepts
    return tuple(
        concept if f"{concept.database}:" in column else Concept(database, concept.identifier) for concept in concepts
    )
