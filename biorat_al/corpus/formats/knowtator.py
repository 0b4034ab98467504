"""XML of Knowtator, version 1 (Protégé, eHOST) and version 2 (CRAFT), with the texts in separate files.

::

    1.txt.knowtator.xml    <annotations textSource="1.txt">
                             <annotation><mention id="m1"/><span start="0" end="8"/><spannedText>…</annotation>
                             <classMention id="m1"><mentionClass id="CHEBI:7459">naloxone</mentionClass>…

    1.xml                  <knowtator-project><document id="1" text-file="1.txt">
                             <annotation id="a1"><class id="CHEBI:7459" label="naloxone"/><span start="0" end="8">…

- The text is the file that the XML names: next to it, or in ``corpus``, ``txt`` or ``articles/txt`` of a folder above.
- A class of an ontology (``CHEBI:7459``, or its address) gives the ontology as the label and the class as the concept;
  its name is kept in the mention's ``extras["class"]``. Any other class is the label itself.
- A slot that holds mentions, and a triple of version 2, becomes a relation of that name; a class without a span in the
  text that has two such slots (a relation in eHOST) becomes a relation between the two. Other slots become attributes
  of the mention, as in brat. Other annotations without a span are counted.
- The pieces of a mention's text may be joined by ``" ... "``. Annotations of several people in one file are read
  together, which the report notes.

Ogren PV. Knowtator: a Protégé plug-in for annotated corpus construction. NAACL 2006 Demonstrations, 273-275,
aclanthology.org/N06-4006.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from biorat_al.corpus.formats.base import CorpusFormat, Reading
from biorat_al.corpus.formats.brat.format import WITHOUT_TEXT
from biorat_al.corpus.io.source import Source
from biorat_al.corpus.model.document import Annotation, Concept, Document, Entity, Record, Relation, Span, check_spans
from biorat_al.errors import FormatError, OffsetError

BROKEN = "annotations without what they need"
PLACELESS = "annotations without a place in the text"
DANGLING = "relations to mentions that do not exist"
REPEATED = "annotations whose id occurs again"

_ENDING = ".knowtator.xml"
_BEGINNING = re.compile(
    r"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*+|<!DOCTYPE[^>\[]*+>\s*+)*+"
    r"<(?:annotations\s[^>]*\btextSource\s*=|knowtator-project[\s>])",
    re.DOTALL,
)
_TEXT_FILE = re.compile(r"<(?:annotations|document)\s[^>]*\b(?:textSource|text-file)\s*=\s*[\"']([^\"']+)[\"']")
_CLASS = re.compile(r"([A-Z][A-Za-z_+]*):(\S+)")
_ADDRESS = re.compile(r"https?://\S*[/#]([A-Za-z]+)_([A-Za-z0-9]+)")
_NUMBER = re.compile(r"[0-9]{1,18}")
_PLACES = ("", "corpus", "txt", "articles/txt")


@dataclass
class _Mention:
    """What a file says about one mention, collected from several places.

    :param spans: start and end of each piece, as written in the file.
    :param pieces: the annotation's own text.
    :param kind: id of its class.
    :param name: name of its class.
    :param attributes: slots that hold values, as brat's attributes.
    """

    ident: str
    spans: list[tuple[str, str]]
    pieces: list[str]
    kind: str = ""
    name: str = ""
    attributes: list[dict[str, str]] = field(default_factory=list)


@dataclass
class _Content:
    """What a file says about one document.

    :param links: relations: id, label, head and tail.
    """

    mentions: list[_Mention] = field(default_factory=list)
    links: list[tuple[str, str, str, str]] = field(default_factory=list)
    annotators: set[str] = field(default_factory=set)


class Knowtator(CorpusFormat):
    """Reader of Knowtator's XML."""

    name = "knowtator"
    title = "Knowtator XML"
    suffixes = (".txt.knowtator.xml", _ENDING, ".knowtator")

    def detects(self, head: str) -> bool:
        return _BEGINNING.match(head) is not None

    def main_file(self, path: Path) -> Path | None:
        if not path.name.lower().endswith(".txt"):
            return None
        name = path.name + _ENDING
        places = (path.parent, path.parent.parent / "saved", path.parent.parent / "knowtator")
        return next((place / name for place in places if (place / name).is_file()), None)

    def companions(self, path: Path) -> tuple[Path, ...]:
        found = (_text(path, name) for name in _TEXT_FILE.findall(Source(path).text()))
        return tuple(dict.fromkeys(text for text in found if text is not None))

    def read(self, source: Source, reading: Reading) -> Iterator[Record]:
        root = _root(source)
        projects = root.findall("document") if root.tag == "knowtator-project" else [root]
        for element in projects:
            first = element is root
            named = element.get("textSource" if first else "text-file", "")
            ident = source.document_id if first else element.get("id", "").strip() or source.document_id
            text = _text(source.path, named)
            if text is None:
                places = ", ".join(_PLACES[1:])
                error = FormatError(
                    f"its text {named!r} was found neither beside it nor in {places} of a folder above; put it beside "
                    "the file",
                    source=source.name,
                    document=ident,
                )
                reading.leave_out(WITHOUT_TEXT, error)
                continue
            document = Document(ident, source.beside(text).text(mark=True))
            reader = _Reader(document, source, reading)
            content = reader.first_version(element) if first else reader.second_version(element)
            if len(content.annotators) > 1:
                names = ", ".join(sorted(content.annotators))
                reading.report.note(f"{source.name}: the annotations of several people ({names}) are read together")
            yield Record(document, reader.annotation(content), source.name)


class _Reader:
    """A reader of the annotations of one document."""

    def __init__(self, document: Document, source: Source, reading: Reading) -> None:
        self._document = document
        self._source = source
        self._reading = reading

    def first_version(self, root: Element) -> _Content:
        """Return the content of a file of Protégé's Knowtator or of eHOST."""
        content = _Content()
        mentions: dict[str, _Mention] = {}
        for element in root.findall("annotation"):
            ident = _id_of(element.find("mention"))
            mention = _Mention(ident, _spans(element), [element.findtext("spannedText") or ""])
            content.annotators |= {element.findtext("annotator") or ""} - {""}
            if ident in mentions:
                self._leave_out(REPEATED, f"two annotations are of the mention {ident!r}")
            elif not mention.spans:
                self._leave_out(PLACELESS, f"the annotation of {ident!r} has no span")
            else:
                mentions[ident] = mention
        slots = {_id_of(element): element for element in root if element.tag.endswith("SlotMention")}
        for element in root.findall("classMention"):
            ident, kind = _id_of(element), element.find("mentionClass")
            own_slots = [slots[name] for name in map(_id_of, element.findall("hasSlotMention")) if name in slots]
            if ident in mentions:
                mentions[ident].kind, mentions[ident].name = _id_of(kind), (kind.text or "" if kind is not None else "")
                self._slots(content, mentions[ident], own_slots)
            else:
                self._placeless(content, ident, _id_of(kind), own_slots)
        content.mentions = list(mentions.values())
        return content

    def second_version(self, element: Element) -> _Content:
        """Return the content of a document of Knowtator 2."""
        content = _Content()
        for part in element.findall("annotation"):
            kind = part.find("class")
            pieces = [span.text or "" for span in part.findall("span")]
            mention = _Mention(part.get("id", ""), _spans(part), pieces, _id_of(kind))
            mention.name = kind.get("label", "") if kind is not None else ""
            content.annotators |= {part.get("annotator", "")} - {""}
            if mention.spans:
                content.mentions.append(mention)
            else:
                self._leave_out(PLACELESS, f"the annotation {mention.ident!r} has no span")
        for space in element.findall("graph-space"):
            vertices = {_id_of(vertex): vertex.get("annotation", "") for vertex in space.findall("vertex")}
            for triple in space.findall("triple"):
                head, tail = (vertices.get(triple.get(end, ""), "") for end in ("subject", "object"))
                content.links.append((_id_of(triple), triple.get("property", ""), head, tail))
        return content

    def annotation(self, content: _Content) -> Annotation:
        """Return the mentions and relations that are valid; leave out the others."""
        entities: list[Entity] = []
        left_out: set[str] = set()
        ids: set[str] = set()
        for mention in content.mentions:
            if mention.ident in ids:
                self._leave_out(REPEATED, f"two annotations have the id {mention.ident!r}")
                continue
            ids.add(mention.ident)
            entity = self._entity(mention)
            if entity is None:
                left_out.add(mention.ident)
            else:
                entities.append(entity)
        relations = []
        taken: set[str] = set()
        for ident, label, head, tail in content.links:
            name, number = ident, 1
            while not name or name in taken:
                number += 1
                name = f"{ident or 'R'}-{number}"
            absent = [end for end in (head, tail) if end not in ids]
            if absent or not label:
                what = f"refers to {absent[0]!r}, which has no place in the text" if absent else "has no name"
                self._leave_out(DANGLING if absent else BROKEN, f"the relation {name!r} {what}")
                continue
            taken.add(name)
            relations.append(Relation(name, label, head, tail))
        return Annotation(tuple(entities), self._reading.without(left_out, relations))

    def _entity(self, mention: _Mention) -> Entity | None:
        if not all(_NUMBER.fullmatch(border) for span in mention.spans for border in span):
            self._leave_out(
                BROKEN, f"the mention {mention.ident!r} has the spans {mention.spans}, expected whole numbers"
            )
            return None
        if not mention.ident or not mention.kind:
            self._leave_out(BROKEN, f"the mention {mention.ident!r} has no {'class' if mention.ident else 'id'}")
            return None
        found = _ADDRESS.fullmatch(mention.kind) or _CLASS.fullmatch(mention.kind)
        label = found[1] if found is not None else mention.kind
        concepts = (Concept(found[1], found[2]),) if found is not None else ()
        extras: dict[str, Any] = {"attributes": mention.attributes} if mention.attributes else {}
        if found is not None and mention.name.strip() not in ("", mention.kind):
            extras["class"] = mention.name.strip()
        spans = tuple(Span(int(start), int(end)) for start, end in mention.spans)
        entity = Entity(mention.ident, label, spans, concepts, extras=extras)
        text = self._document.text
        try:
            check_spans(self._document, spans, source=self._source.name)
            said = " ".join(mention.pieces)
            # pieces may also be in the order of the text, and joined as in version 1
            orders = (spans, tuple(sorted(spans)))
            surfaces = [joiner.join(text[start:end] for start, end in order) for order in orders for joiner in _JOINERS]
            if _flat(said) not in map(_flat, surfaces):
                raise OffsetError(
                    f"the text of {mention.ident!r} is {surfaces[0]!r}, but the annotation says {said!r}",
                    source=self._source.name,
                    document=self._document.id,
                    found=surfaces[0],
                    expected=said,
                )
        except OffsetError as error:
            if not self._reading.keeps(error):
                return None
        return entity

    def _slots(self, content: _Content, mention: _Mention, slots: list[Element]) -> None:
        for slot in slots:
            name = _id_of(slot.find("mentionSlot"))
            for value in (part.get("value", "") for part in slot if part.tag.endswith("SlotMentionValue")):
                if slot.tag == "complexSlotMention":
                    content.links.append((_id_of(slot), name, mention.ident, value))
                else:
                    mention.attributes.append({"id": _id_of(slot), "type": name, "value": value})

    def _placeless(self, content: _Content, ident: str, kind: str, slots: list[Element]) -> None:
        """Add a class without a span in the text as a relation if it has two ends, or leave it out."""
        ends = [
            value.get("value", "")
            for slot in slots
            if slot.tag == "complexSlotMention"
            for value in slot.findall("complexSlotMentionValue")
        ]
        if len(ends) == 2 and len(slots) == 2:
            content.links.append((ident, kind, ends[0], ends[1]))
        else:
            self._leave_out(PLACELESS, f"the {kind or 'class'} {ident!r} has no place in the text")

    def _leave_out(self, kind: str, what: str) -> None:
        error = FormatError(what, source=self._source.name, document=self._document.id)
        if kind == PLACELESS:
            # not broken, but the model of documents cannot hold it
            self._reading.report.left_out[PLACELESS] += 1
        else:
            self._reading.leave_out(kind, error)


_JOINERS = (" ", " ... ", "...", "")


def _root(source: Source) -> Element:
    """Return the root element of the file.

    :raises FormatError: the file is not well-formed, has another root, or declares entities.
    """
    try:
        root: Element = fromstring(source.text())
    except DefusedXmlException:
        raise FormatError("it declares an XML entity; entities are refused", source=source.name) from None
    except ParseError as error:
        line, column = error.position
        reason = str(error).partition(": line")[0]
        raise FormatError(
            f"not well-formed XML at column {column + 1}: {reason}; expected Knowtator XML", source=source.at(line)
        ) from None
    if root.tag not in ("annotations", "knowtator-project"):
        raise FormatError(
            f"found the root element <{root.tag}>, expected <annotations> or <knowtator-project> of Knowtator XML",
            source=source.name,
        )
    return root


def _text(path: Path, name: str) -> Path | None:
    """Return the text file that an XML file names, or None if it is missing."""
    # some files name it with a folder
    name = re.split(r"[/\\]", name)[-1]
    if not name or name in (".", ".."):
        return None
    folder = path.absolute().parent
    places = [above / place / name for above in (folder, *folder.parents[:4]) for place in _PLACES]
    return next((place for place in places if place.is_file()), None)


def _id_of(element: Element | None) -> str:
    return "" if element is None else element.get("id", "")


def _spans(element: Element) -> list[tuple[str, str]]:
    return [(span.get("start", ""), span.get("end", "")) for span in element.findall("span")]


def _flat(text: str) -> str:
    return " ".join(text.split())
