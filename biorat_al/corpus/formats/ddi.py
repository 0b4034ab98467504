"""XML of the DDI corpus: one document per file, with offsets that count in each sentence.

- The document's text consists of its sentences, joined by one space unless there is already white space; the spans of
  the sentences are kept in the metadata. The id is that of the ``document`` element; a file name that differs from it
  (a PMID) is kept as metadata ``file``.
- Offsets count code points in the sentence, **end inclusive**; a discontinuous mention has several ranges, joined by
  ``;``, and its text is that of the pieces joined by one space.
- A pair with ``ddi="true"`` becomes an undirected relation of its type. One without a type gets the type ``int``, as in
  the corpus authors' own brat files. Pairs without an interaction are written for every two mentions of a sentence, and
  ignored when read.
- All documents count as looked at.

Herrero-Zazo M, Segura-Bedmar I, Martínez P, Declerck T. The DDI corpus. Journal of Biomedical Informatics 46(5), 2013,
doi 10.1016/j.jbi.2013.07.011.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import combinations
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

from biorat_al.corpus.formats import losses
from biorat_al.corpus.formats.base import CorpusFormat, Reading, Writable, WriteReport
from biorat_al.corpus.formats.writing import (
    check_name,
    check_record,
    file_name,
    long_name,
    stripped,
    unfit_id,
    write_once,
)
from biorat_al.corpus.formats.xml_writing import UNFIT, XmlText
from biorat_al.corpus.io.source import Source
from biorat_al.corpus.io.xml_stream import documents, line_of
from biorat_al.corpus.model.checks import check_mention
from biorat_al.corpus.model.concept_relations import expanded
from biorat_al.corpus.model.document import Annotation, Document, Entity, Record, Relation, Span
from biorat_al.errors import FormatError, OffsetError
from biorat_al.files import replacing_folder

UNTYPED = "int"
"""Type of an interaction without a stated type."""

MOST_PAIRED = 200
"""Most mentions in a sentence for pairs without an interaction to be written; their number grows with the square."""

_DOCUMENT = re.compile(
    r"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*+|<!DOCTYPE[^>\[]*+>\s*+)*+"
    r"<document\s[^>]*\bid\s*=[^>]*(/>|>\s*(<!--.*?-->\s*+)*+(<sentence[\s/>]|</document>))",
    re.DOTALL,
)
BROKEN_PAIRS = "pairs without what they need"

_ENTITY_ATTRIBUTES = frozenset({"id", "charOffset", "type", "text"})
_PAIR_ATTRIBUTES = frozenset({"id", "e1", "e2", "ddi", "type"})
_RANGE = re.compile(r"([0-9]{1,18})-([0-9]{1,18})")
_KEPT = (losses.NOT_LOOKED, losses.RELATIONS, losses.CONCEPT_RELATIONS, losses.UNDIRECTED)


class Ddi(CorpusFormat):
    """Reader and writer of the DDI corpus's XML."""

    name = "ddi"
    title = "DDI XML"
    suffixes = (".ddi.xml", ".xml")
    writes_folder = True
    made_files = r"[^/]+\.xml"

    def detects(self, head: str) -> bool:
        return _DOCUMENT.match(head) is not None

    def read(self, source: Source, reading: Reading) -> Iterator[Record]:
        for element in documents(source, "document", self.title):
            where = source.at(line_of(element))
            if element.get("id", "").strip():
                yield _Reader(element, source, reading).record()
            else:
                reading.leave_out("documents without an id", FormatError("the document's id is empty", source=where))

    def refusal(self, document: Document) -> str | None:
        return unfit_id(document.id, UNFIT) or long_name(document.id)

    def write(self, path: Path, records: Iterable[Writable], report: WriteReport | None = None) -> int:
        counted = WriteReport() if report is None else report
        xml, count = XmlText(counted), 0
        with replacing_folder(path) as folder:
            for record in records:
                document, annotation = record[:2]
                check_record(document, annotation)
                check_name(document)
                count_ddi_losses(counted, document, annotation)
                document, annotation = xml.record(document, annotation)
                file = document.metadata.get("file")
                ident = document.id.strip()
                named = isinstance(file, str) and file and file_name(file) == file != ident and long_name(file) is None
                name = str(file) if named else file_name(ident)
                counted.lose(losses.METADATA, file is not None and not named)
                content = _Writer(document, annotation or Annotation(), xml, counted).content()
                count += write_once(folder / f"{name}.xml", content.encode("utf-8"), document.id, counted)
        counted.documents += count
        return count


def count_ddi_losses(report: WriteReport, document: Document, annotation: Annotation | None) -> None:
    """Count what DDI XML cannot hold."""
    losses.count_losses(
        report,
        document,
        annotation,
        keeps=[kind for kind in _KEPT if kind != losses.NOT_LOOKED],
        keys=losses.KeptKeys(metadata=("sentences", "sentence_ids", "file"), relations=("untyped",)),
    )
    if annotation is not None:
        report.lose(losses.DIRECTED, sum(relation.directed for relation in annotation.relations))


def join_sentences(sentences: Iterable[str]) -> tuple[str, list[Span]]:
    """Join the texts of sentences; return the document's text and the spans of the sentences in it."""
    text = ""
    spans = []
    for sentence in sentences:
        if text and sentence and not text[-1].isspace() and not sentence[0].isspace():
            text += " "
        spans.append(Span(len(text), len(text) + len(sentence)))
        text += sentence
    return text, spans


class _Reader:
    """A reader of one document element."""

    def __init__(self, element: Element, source: Source, reading: Reading) -> None:
        self._element = element
        self._source = source
        self._reading = reading
        self._id = element.get("id", "").strip()
        self._ids: set[str] = set()

    def record(self) -> Record:
        sentences = []
        for part in self._element:
            if part.tag != "sentence":
                self._count_further(part)
            elif part.get("text") is None:
                self._leave_out("sentences without a text", part, "the sentence has no attribute 'text'")
            else:
                sentences.append(part)
        text, spans = join_sentences(sentence.get("text", "") for sentence in sentences)
        metadata: dict[str, Any] = {"sentences": [[start, end] for start, end in spans]} if spans else {}
        idents = [sentence.get("id", "") for sentence in sentences]
        if idents != [f"{self._id}.s{number}" for number in range(len(idents))]:
            metadata["sentence_ids"] = idents
        if self._source.document_id and self._source.document_id not in (self._id, file_name(self._id)):
            metadata["file"] = self._source.document_id
        document = Document(self._id, text, (), metadata)
        entities: list[Entity] = []
        relations: list[Relation] = []
        left_out: set[str] = set()
        for sentence, span in zip(sentences, spans, strict=True):
            inside: set[str] = set()
            for element in sentence:
                if element.tag == "entity":
                    if (entity := self._entity(element, document, span)) is not None:
                        entities.append(entity)
                    else:
                        left_out.add(element.get("id", ""))
                    inside.add(element.get("id", ""))
                elif element.tag != "pair":
                    self._count_further(element)
            relations += self._relations(sentence, inside)
        # if an id occurs twice, only the second mention is left out
        left_out -= {entity.id for entity in entities}
        annotation = Annotation(tuple(entities), self._reading.without(left_out, relations))
        return Record(document, annotation, self._source.at(line_of(self._element)))

    def _entity(self, element: Element, document: Document, sentence: Span) -> Entity | None:
        """Return the mention of an element; None if it is left out."""
        ranges = element.get("charOffset", "")
        found = [_RANGE.fullmatch(place.strip()) for place in ranges.split(";")]
        label = element.get("type", "").strip()
        what = self._id_problem(element)
        if what is None and not label:
            what = f"the mention {element.get('id')!r} has no type"
        if what is None and not all(found):
            what = f"found the charOffset {ranges!r}, expected start-end, joined by ';'"
        if what is not None:
            self._leave_out("mentions without what they need", element, what)
            return None
        self._ids.add(f"entity {element.get('id')}")
        self._count_attributes(element, _ENTITY_ATTRIBUTES)
        where = self._source.at(line_of(element))
        inner = [Span(int(place[1]), int(place[2]) + 1) for place in found if place is not None]
        spans = tuple(Span(sentence.start + start, sentence.start + end) for start, end in inner)
        entity = Entity(element.get("id", ""), label, spans)
        try:
            length = sentence.end - sentence.start
            if any(end > length for _, end in inner):
                raise OffsetError(
                    f"the range {ranges} is not inside the sentence of {length} characters",
                    source=where,
                    document=self._id,
                )
            check_mention(document, entity, element.get("text", ""), source=where)
        except OffsetError as error:
            return entity if self._reading.keeps(error) else None
        return entity

    def _relations(self, sentence: Element, mentions: set[str]) -> Iterator[Relation]:
        for element in sentence.findall("pair"):
            ends = [element.get("e1", ""), element.get("e2", "")]
            absent = [end for end in ends if end not in mentions]
            if absent:
                what = f"a pair refers to the mention {absent[0]!r}, which is not in its sentence"
                self._leave_out("pairs of mentions that do not exist", element, what)
                continue
            interacts = element.get("ddi", "").strip().lower()
            self._count_attributes(element, _PAIR_ATTRIBUTES)
            if interacts == "true":
                problem = self._id_problem(element)
                if problem is not None:
                    self._leave_out(BROKEN_PAIRS, element, problem)
                    continue
                self._ids.add(f"pair {element.get('id')}")
                label = element.get("type", "").strip()
                extras = {} if label else {"untyped": True}
                yield Relation(element.get("id", ""), label or UNTYPED, ends[0], ends[1], directed=False, extras=extras)
            elif interacts != "false":
                what = f"found ddi={element.get('ddi')!r} in a pair, expected true or false"
                self._leave_out(BROKEN_PAIRS, element, what)

    def _id_problem(self, element: Element) -> str | None:
        ident = element.get("id", "")
        if not ident:
            return f"a {element.tag} has no id"
        return f"two things have the id {ident!r}" if f"{element.tag} {ident}" in self._ids else None

    def _count_further(self, element: Element) -> None:
        self._reading.report.left_out[f"elements <{element.tag}>"] += 1

    def _count_attributes(self, element: Element, known: frozenset[str]) -> None:
        # attributes that the parser added have blanks in their names
        number = sum(" " not in name for name in element.attrib.keys() - known)
        if number:
            self._reading.report.left_out["further attributes of mentions and pairs"] += number

    def _leave_out(self, kind: str, element: Element, what: str) -> None:
        where = self._source.at(line_of(element))
        self._reading.leave_out(kind, FormatError(what, source=where, document=self._id))


class _Writer:
    """A writer of one document."""

    def __init__(self, document: Document, annotation: Annotation, xml: XmlText, report: WriteReport) -> None:
        self._document = document
        self._annotation = annotation
        self._xml = xml
        self._report = report
        self._relations, unlinked = expanded(annotation)
        report.lose(losses.UNLINKED, unlinked)
        report.lose("white space around ids of documents", document.id != document.id.strip())

    def content(self) -> str:
        """Return the content of the whole file."""
        sentences = self._sentences()
        idents = self._document.metadata.get("sentence_ids")
        ident = self._document.id.strip()
        own = isinstance(idents, list) and len(idents) == len(sentences) and all(isinstance(i, str) for i in idents)
        self._report.lose(losses.METADATA, idents is not None and not own)
        names = idents if own and idents is not None else [f"{ident}.s{number}" for number in range(len(sentences))]
        spelled = [self._sentence(name, span) for name, span in zip(names, sentences, strict=True)]
        content = "\n" + "".join(spelled)
        return '<?xml version="1.0" encoding="UTF-8"?>\n' + self._xml.element("document", content, id=ident) + "\n"

    def _sentences(self) -> list[Span]:
        """Return the sentences, merged where a mention or a relation would cross a border."""
        stated = self._document.metadata.get("sentences")
        bounds = [(passage.start, passage.end) for passage in self._document.passages]
        starts = [start for start, _ in bounds]
        up_to_next = list(zip(starts, [*starts[1:], len(self._document.text)], strict=False))
        for spans in (_spans(stated), _spans(bounds), _spans(up_to_next)):
            whole = self._uncrossed(spans)
            if whole and join_sentences(self._document.text[start:end] for start, end in whole) == (
                self._document.text,
                whole,
            ):
                break
        else:
            whole = [Span(0, len(self._document.text))] if self._document.text else []
        lost = stated is not None and [list(span) for span in whole] != stated
        self._report.lose("borders of sentences in a document", lost)
        return whole

    def _uncrossed(self, spans: list[Span]) -> list[Span]:
        places = {entity.id: Span(entity.start, entity.end) for entity in self._annotation.entities}
        reaches = list(places.values())
        for relation in self._relations:
            head, tail = places[relation.head], places[relation.tail]
            reaches.append(Span(min(head.start, tail.start), max(head.end, tail.end)))
        reaches.sort()
        result: list[Span] = []
        position = 0
        furthest = 0
        for span in spans:
            # how far anything reaches that begins before this sentence
            while position < len(reaches) and reaches[position].start < span.start:
                furthest = max(furthest, reaches[position].end)
                position += 1
            if result and furthest > result[-1].end:
                result[-1] = Span(result[-1].start, span.end)
            else:
                result.append(span)
        return result

    def _sentence(self, ident: str, sentence: Span) -> str:
        xml = self._xml
        inside = [
            entity
            for entity in self._annotation.entities
            if sentence.start <= entity.start and entity.end <= sentence.end
        ]
        lines = []
        for entity in inside:
            ranges = (f"{start - sentence.start}-{end - sentence.start - 1}" for start, end in entity.spans)
            lines.append(
                xml.element(
                    "entity",
                    id=entity.id,
                    charOffset=";".join(ranges),
                    type=stripped(entity.label, self._report),
                    text=entity.surface(self._document.text),
                )
            )
        ids = {entity.id for entity in inside}
        related = [relation for relation in self._relations if relation.head in ids]
        pairs = {frozenset((relation.head, relation.tail)) for relation in related}
        for relation in related:
            label = stripped(relation.label, self._report)
            untyped = relation.extras.get("untyped") is True and label == UNTYPED
            self._report.lose(losses.RELATION_PROPERTIES, "untyped" in relation.extras and not untyped)
            kind = {} if untyped else {"type": label}
            lines.append(xml.element("pair", id=relation.id, e1=relation.head, e2=relation.tail, ddi="true", **kind))
        taken = {relation.id for relation in self._relations}
        number = 0
        few = len(inside) <= MOST_PAIRED
        self._report.lose("sentences whose pairs without an interaction are too many to list", not few)
        for first, second in combinations(inside if few else [], 2):
            if frozenset((first.id, second.id)) not in pairs:
                while (name := f"{ident}.p{number}") in taken:
                    number += 1
                number += 1
                lines.append(xml.element("pair", id=name, e1=first.id, e2=second.id, ddi="false"))
        content = "".join(f"\n  {line}" for line in lines)
        return (
            xml.element("sentence", content, id=ident, text=self._document.text[sentence.start : sentence.end]) + "\n"
        )


def _spans(values: Any) -> list[Span]:
    """Return the values as spans; empty unless they are spans in order and without overlap."""
    try:
        spans = [Span(int(start), int(end)) for start, end in values]
    except (TypeError, ValueError):
        return []
    last = 0
    for start, end in spans:
        if start < last or end < start:
            return []
        last = end
    return spans
