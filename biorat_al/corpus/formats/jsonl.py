"""JSON Lines: the program's own complete format, which keeps everything that the program knows about a document.

One JSON object per line, in UTF-8, with lines that end in ``\\n``; blank lines are skipped::

    {"id": "227508",
     "text": "Naloxone reverses …",
     "passages": [{"kind": "title", "start": 0, "end": 59}],
     "metadata": {"journal": "…"},
     "entities": [{"id": "T1", "label": "Chemical", "spans": [[0, 8]], "text": "Naloxone",
                   "concepts": [{"database": "MESH", "identifier": "D009270"}],
                   "score": 0.93, "origin": "prediction", "extras": {}}],
     "relations": [{"id": "R1", "label": "CID", "head": "T1", "tail": "T2", "directed": true, "extras": {}}],
     "concept_relations": [{"label": "CID", "head": "D008750", "tail": "D007022"}],
     "extras": {}}

================= ======== =============================================================================================
key               must be  holds
================= ======== =============================================================================================
id                yes      the document's id, not empty
text              yes      the text; it is never changed
passages                   parts of the text in order, apart from each other
metadata                   any JSON object
entities                   mentions; **absent: nobody has looked; an empty list: looked at, nothing there**
relations                  links between entities of this document, by their ids
concept_relations          links between concepts, for the whole document
extras                     any JSON object: what other formats hold beyond these (events, coreference)
================= ======== =============================================================================================

Offsets count Unicode code points, from 0, end exclusive. An entity must have ``id`` (unique in the document), ``label``
and ``spans`` (several if it is discontinuous); its ``text``, the pieces joined by one space, is always written, and
compared with the document's text when it is read. ``score`` is a number from 0 to 1, ``origin`` one of ``prediction``,
``prediction-changed``, ``manual``. A relation must have ``id``, ``label``, ``head`` and ``tail``. A key that is not in
this list is an error, so that no misspelt key is ignored; your own values go into ``metadata`` or ``extras``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from biorat_al.corpus.formats.base import CorpusFormat, Reading, Writable, WriteReport
from biorat_al.corpus.formats.sound import BROKEN_DOCUMENTS, BROKEN_MENTIONS, BROKEN_RELATIONS
from biorat_al.corpus.formats.writing import text_file
from biorat_al.corpus.io.json_fields import Fields, found, parse_object, to_json
from biorat_al.corpus.io.json_head import is_cut, is_list_of, is_string, json_head, string_keys
from biorat_al.corpus.io.source import Source
from biorat_al.corpus.model.checks import check_annotation, check_document, check_mention
from biorat_al.corpus.model.concept_relations import with_old_columns
from biorat_al.corpus.model.document import (
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
from biorat_al.errors import FormatError, OffsetError

KEYS = ("id", "text", "passages", "metadata", "entities", "relations", "concept_relations", "extras")
"""Keys of a document."""

_ITEMS = {
    "passages": ("kind", "start", "end"),
    "entities": ("id", "label", "spans", "text", "concepts", "score", "origin", "extras"),
    "relations": ("id", "label", "head", "tail", "directed", "extras"),
    "concept_relations": ("label", "head", "tail"),
}
"""Keys of the items of a document's lists."""


class JsonLines(CorpusFormat):
    """Reader and writer of the program's own JSON Lines."""

    name = "jsonl"
    title = "JSON Lines"
    suffixes = (".jsonl", ".ndjson")
    knows_concepts = True

    def detects(self, head: str) -> bool:
        value = json_head(head)
        if not isinstance(value, dict):
            return False
        keys = string_keys(value)
        complete = is_cut(value) or {"id", "text"} <= value.keys()
        return (
            "id" in value
            and complete
            # a misspelt key of this format gets an error of the reader
            and all(key in KEYS or get_close_matches(key, KEYS, cutoff=0.8) for key in keys)
            and all(is_string(value[key]) for key in ("id", "text") if key in value)
            and all(is_list_of(value[key], known) for key, known in _ITEMS.items() if key in value)
        )

    def read(self, source: Source, reading: Reading) -> Iterator[Record]:
        for number, line in source.lines():
            if line and not line.isspace():
                where = source.at(number)
                try:
                    record = record_from_json(parse_object(line, where), where, reading)
                except FormatError as error:
                    reading.leave_out(BROKEN_DOCUMENTS, error)
                else:
                    yield record

    def write(self, path: Path, records: Iterable[Writable], report: WriteReport | None = None) -> int:
        count = write_jsonl(path, records)
        if report is not None:
            report.documents += count
        return count


def write_jsonl(path: Path, records: Iterable[Writable]) -> int:
    """Write records, under a temporary name until all are written, and return their number.

    The same records give the same bytes. The file is packed if `path` ends in ``.gz``.

    :raises CorpusError: a record is invalid (see :mod:`biorat_al.corpus.model.checks`); nothing is written.
    """
    count = 0
    with text_file(path) as out:
        for record in records:
            out.write(to_line(record[0], record[1]) + "\n")
            count += 1
    return count


def to_line(document: Document, annotation: Annotation | None) -> str:
    """Return a document as one line, without the line end.

    :raises CorpusError: the document or the annotation is invalid, or holds something that JSON cannot.
    """
    check_document(document)
    if annotation is not None:
        check_annotation(document, annotation)
    return to_json(record_to_json(document, annotation), document.id)


def record_to_json(document: Document, annotation: Annotation | None) -> dict[str, Any]:
    """Return a document and its annotation as JSON values, without empty values except for `entities`."""
    value: dict[str, Any] = {"id": document.id, "text": document.text}
    if document.passages:
        value["passages"] = [{"kind": part.kind, "start": part.start, "end": part.end} for part in document.passages]
    if document.metadata:
        value["metadata"] = dict(document.metadata)
    if annotation is None:
        return value
    value["entities"] = [_entity_to_json(entity, document.text) for entity in annotation.entities]
    if annotation.relations:
        value["relations"] = [_relation_to_json(relation) for relation in annotation.relations]
    if annotation.concept_relations:
        value["concept_relations"] = [
            {"label": relation.label, "head": relation.head, "tail": relation.tail}
            for relation in annotation.concept_relations
        ]
    if annotation.extras:
        value["extras"] = dict(annotation.extras)
    return value


def record_from_json(value: Mapping[str, Any], source: str, reading: Reading | None = None) -> Record:
    """Return the record that JSON values describe: the inverse of :func:`record_to_json`.

    :param source: place of the value, for messages.
    :raises FormatError: a key is missing or unknown, or a value has the wrong type.
    :raises OffsetError: a span is outside the text, or an entity's text is not the text there.
    """
    fields = Fields(value, source)
    document_id = fields.text("id")
    if not document_id.strip():
        raise FormatError("the document's id is empty", source=source)
    fields.document = document_id
    passages = tuple(
        Passage(part.text("kind"), part.whole("start"), part.whole("end"))
        for part in fields.objects("passages", _ITEMS["passages"])
    )
    document = Document(document_id, fields.text("text"), passages, fields.mapping("metadata"))
    fields.only(KEYS)
    annotation = None
    # null is refused: it could mean that nobody has looked, or that there are no entities
    if "entities" in value:
        annotation = _annotation(fields, document, reading or Reading())
    else:
        for key in ("relations", "concept_relations", "extras"):
            if value.get(key) is not None:
                fields.wrong(f"found {key!r} without 'entities'; where somebody has looked there is at least '[]'")
    return Record(document, annotation, source)


def _annotation(fields: Fields, document: Document, reading: Reading) -> Annotation:
    entities: list[Entity] = []
    left_out: set[str] = set()
    ids: set[str] = set()
    for part in fields.objects("entities", _ITEMS["entities"], must=True):
        try:
            entity = _entity(part)
            if entity.id in ids:
                fields.wrong(f"two entities have the id {entity.id!r}")
        except FormatError as error:
            reading.leave_out(BROKEN_MENTIONS, error)
            if isinstance(ident := part.value.get("id"), str) and ident not in ids:
                left_out.add(ident)
            continue
        ids.add(entity.id)
        try:
            stated = part.value.get("text") is not None
            surface = part.text("text") if stated else entity.surface(document.text)
            check_mention(document, entity, surface, source=part.source)
        except OffsetError as error:
            if not reading.keeps(error):
                left_out.add(entity.id)
                continue
        entities.append(entity)
    relations = []
    for part in fields.objects("relations", _ITEMS["relations"]):
        try:
            relations.append(_relation(part))
        except FormatError as error:
            reading.leave_out(BROKEN_RELATIONS, error)
    concept_relations = []
    for part in fields.objects("concept_relations", _ITEMS["concept_relations"]):
        try:
            concept_relations.append(ConceptRelation(part.text("label"), part.text("head"), part.text("tail")))
        except FormatError as error:
            reading.leave_out(BROKEN_RELATIONS, error)
    extras = with_old_columns(fields.mapping("extras"), concept_relations)
    return Annotation(tuple(entities), reading.without(left_out, relations), tuple(concept_relations), extras)


def _relation(part: Fields) -> Relation:
    return Relation(
        part.text("id"),
        part.text("label"),
        part.text("head"),
        part.text("tail"),
        part.flag("directed", True),
        part.mapping("extras"),
    )


def _entity(part: Fields) -> Entity:
    spans = []
    for span in part.items("spans", must=True):
        match span:
            case [int(start), int(end)] if not isinstance(start, bool) and not isinstance(end, bool):
                spans.append(Span(start, end))
            case _:
                part.wrong(f"{part.place}spans: found {found(span)}, expected [start, end] in whole numbers")
    if not spans:
        part.wrong(f"{part.place}spans: the entity {part.text('id')!r} has no span")
    concepts = [
        Concept(concept.text("database"), concept.text("identifier"))
        for concept in part.objects("concepts", ("database", "identifier"))
    ]
    return Entity(
        part.text("id"),
        part.text("label"),
        tuple(spans),
        tuple(concepts),
        part.number("score"),
        part.text("origin") if part.value.get("origin") is not None else None,
        part.mapping("extras"),
    )


def _entity_to_json(entity: Entity, text: str) -> dict[str, Any]:
    value: dict[str, Any] = {
        "id": entity.id,
        "label": entity.label,
        "spans": [[start, end] for start, end in entity.spans],
        "text": entity.surface(text),
    }
    if entity.concepts:
        value["concepts"] = [{"database": name, "identifier": ident} for name, ident in entity.concepts]
    if entity.score is not None:
        value["score"] = entity.score
    if entity.origin is not None:
        value["origin"] = entity.origin
    if entity.extras:
        value["extras"] = dict(entity.extras)
    return value


def _relation_to_json(relation: Relation) -> dict[str, Any]:
    value: dict[str, Any] = {
        "id": relation.id,
        "label": relation.label,
        "head": relation.head,
        "tail": relation.tail,
        "directed": relation.directed,
    }
    if relation.extras:
        value["extras"] = dict(relation.extras)
    return value
