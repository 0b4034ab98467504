"""The lines of a brat annotation file; what they mean is said in :mod:`biorat_al.corpus.brat`."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, NoReturn

from biorat_al.corpus.base import Reading
from biorat_al.corpus.concept_relations import CONCEPTS
from biorat_al.corpus.events import COREFERENCES, EVENTS, without_events
from biorat_al.corpus.model import Annotation, Concept, Document, Entity, Relation, Span, check_spans, text_error
from biorat_al.corpus.source import Source
from biorat_al.errors import FormatError, OffsetError

CONCEPTS_NOTE = "Concepts"
"""Type of the note that says which concepts a relation was made of."""

LINES = "brat_lines"
NAMES = "concept_names"

_MENTION = re.compile(r"(\S+) ((?:[0-9]{1,18} [0-9]{1,18};)*[0-9]{1,18} [0-9]{1,18})")
_RELATION = re.compile(r"(\S+) (\S+):(\S+) (\S+):(\S+)\s*")
_EVENT = re.compile(r"(\S+?):(\S+)((?: \S+:\S+)*)\s*")
_ATTRIBUTE = re.compile(r"(\S+) (\S+)(?: (.+))?")
_NORMALIZATION = re.compile(r"(\S+) (\S+) ([^\s:]+):(\S.*)")
_NOTE = re.compile(r"(\S+) (\S+)")
_EQUIVALENCE = re.compile(r"Equiv((?: \S+)+)\s*")


@dataclass
class _About:
    """What further lines say of one thing."""

    attributes: list[dict[str, str]] = field(default_factory=list)
    notes: list[dict[str, str]] = field(default_factory=list)
    concepts: list[tuple[Concept, str]] = field(default_factory=list)

    def extras(self) -> dict[str, Any]:
        held = {"attributes": self.attributes, "notes": self.notes}
        return {key: values for key, values in held.items() if values}


class BratReader:
    """Reads the annotations of one document.

    :param source: the annotation file.
    :param symmetric: the relation types that have no direction.
    """

    def __init__(self, document: Document, source: Source, reading: Reading, symmetric: Collection[str]) -> None:
        self._document = document
        self._source = source
        self._reading = reading
        self._symmetric = symmetric
        self._kinds: dict[str, list[tuple[str, str, str, str]]] = defaultdict(list)
        self._about: dict[str, _About] = defaultdict(_About)
        self._lines: list[str] = []

    def annotation(self) -> Annotation:
        """Everything that the file says.

        :raises FormatError: a line is not of brat's kinds; the message names it.
        :raises OffsetError: a mention's text is not the text at its offsets (unless such are skipped).
        """
        self._sort_lines()
        triggers = {trigger for trigger in map(self._trigger_of, self._kinds["E"])}
        mentions = {ident for _, ident, _, _ in self._kinds["T"]} - triggers
        events = {ident for _, ident, _, _ in self._kinds["E"]}
        relations = {line[1] for line in self._kinds["R"] if mentions.issuperset(self._ends(line))}
        self._sort_remarks(mentions, relations, events)
        left_out: set[str] = set()
        spans: dict[str, tuple[Span, ...]] = {}
        entities = []
        for line in self._kinds["T"]:
            try:
                entity = self._entity(line)
            except OffsetError as error:
                self._reading.keeps(error)
                left_out.add(line[1])
                continue
            spans[entity.id] = entity.spans
            if entity.id in mentions:
                entities.append(entity)
        groups = self._groups(mentions, left_out)
        found = [self._relation(line) for line in self._kinds["R"] if line[1] in relations]
        made = self._events(spans, mentions | events, left_out)
        kept_lines = [line for line in self._lines if left_out.isdisjoint(re.split(r"[\s:]", line))]
        self._reading.report.relations_left_out += len(self._lines) - len(kept_lines)
        extras = {EVENTS: made, COREFERENCES: groups, LINES: kept_lines}
        return Annotation(
            tuple(entities),
            self._reading.without(left_out, found),
            (),
            {key: values for key, values in extras.items() if values},
        )

    def _sort_lines(self) -> None:
        carriage_returns: bool | None = None
        seen: set[str] = set()
        for number, line in self._source.lines():
            if carriage_returns is None and line:
                carriage_returns = line.endswith("\r")
            if carriage_returns and line.endswith("\r"):
                line = line[:-1]
            if not line.strip():
                continue
            where = self._source.at(number)
            columns = line.split("\t", 2)
            if len(columns) < 2:
                self._wrong(where, f"found {line[:80]!r}, expected an id, a tab and an annotation")
            ident, content = columns[0], columns[1]
            kind = ident[:1]
            if kind == "M":
                kind = "A"
            if kind != "*" and ident in seen:
                self._wrong(where, f"two annotations have the id {ident!r}")
            seen.add(ident)
            if kind in ("T", "R", "E"):
                if kind == "T" and len(columns) < 3:
                    self._wrong(where, f"found {line[:80]!r}, expected the mention's text after a second tab")
                self._kinds[kind].append((where, ident, content, columns[2] if len(columns) == 3 else ""))
            elif kind in ("A", "N", "#", "*"):
                self._kinds[kind].append((where, ident, content, line))
            else:
                self._wrong(where, f"found {line[:80]!r}, whose id begins with none of T, R, E, A, M, N, # and *")

    def _sort_remarks(self, mentions: set[str], relations: set[str], events: set[str]) -> None:
        """Give attributes, notes and concepts to what they are about; keep all other lines as they are."""
        about = mentions | relations | events
        for where, ident, content, line in self._kinds["A"]:
            found = _ATTRIBUTE.fullmatch(content.strip())
            if found is None:
                self._wrong(where, f"found {line[:80]!r}, expected an attribute: id, tab, type, target and value")
            if found[2] in about:
                value = {"value": found[3]} if found[3] is not None else {}
                self._about[found[2]].attributes.append({"id": ident, "type": found[1], **value})
            else:
                self._lines.append(line)
        for _, ident, content, line in self._kinds["#"]:
            found = _NOTE.fullmatch(content.strip())
            if found is not None and found[2] in about:
                text = line.split("\t", 2)[2] if line.count("\t") >= 2 else ""
                self._about[found[2]].notes.append({"id": ident, "type": found[1], "text": text})
            else:
                self._lines.append(line)
        for _, _, content, line in self._kinds["N"]:
            found = _NORMALIZATION.fullmatch(content.strip())
            if found is not None and found[1] == "Reference" and found[2] in mentions:
                name = line.split("\t", 2)[2] if line.count("\t") >= 2 else ""
                self._about[found[2]].concepts.append((Concept(found[3], found[4]), name))
            else:
                self._lines.append(line)
        for where, ident, content, rest in self._kinds["R"]:
            if ident not in relations:
                for end in self._ends((where, ident, content, rest)):
                    self._known(where, ident, end, mentions | events | {line[1] for line in self._kinds["T"]})
                self._lines.append(f"{ident}\t{content}" + (f"\t{rest}" if rest else ""))

    def _entity(self, line: tuple[str, str, str, str]) -> Entity:
        where, ident, content, text = line
        found = _MENTION.fullmatch(content)
        if found is None:
            self._wrong(where, f"found {content!r}, expected a mention's type, start and end (pieces joined by ';')")
        pieces = (piece.split(" ") for piece in found[2].split(";"))
        spans = tuple(Span(int(start), int(end)) for start, end in pieces)
        about = self._about[ident]
        extras = about.extras()
        check_spans(self._document, spans, source=where)
        entity = Entity(ident, found[1], spans, tuple(concept for concept, _ in about.concepts), extras=extras)
        surface = flat(entity.surface(self._document.text))
        if surface != flat(text):
            raise text_error(self._document, spans, text, source=where, found=surface)
        names = ["" if name == surface else name for _, name in about.concepts]
        if any(names):
            extras[NAMES] = names
        return entity

    def _relation(self, line: tuple[str, str, str, str]) -> Relation:
        _, ident, content, _ = line
        found = _RELATION.fullmatch(content)
        assert found is not None
        label, first, head, second, tail = found.groups()
        if (first, second) == ("Arg2", "Arg1"):
            first, head, second, tail = second, tail, first, head
        about = self._about[ident]
        extras: dict[str, Any] = {}
        kept = []
        for note in about.notes:
            pair = _pair(note["text"]) if note["type"] == CONCEPTS_NOTE else None
            if pair is None:
                kept.append(note)
            else:
                extras[CONCEPTS] = pair
        about.notes = kept
        if (first, second) != ("Arg1", "Arg2"):
            extras["roles"] = [first, second]
        return Relation(ident, label, head, tail, label not in self._symmetric, {**extras, **about.extras()})

    def _events(self, spans: dict[str, tuple[Span, ...]], known: set[str], left_out: set[str]) -> list[dict[str, Any]]:
        events = []
        gone = set(left_out)
        for line in self._kinds["E"]:
            where, ident, content, _ = line
            trigger = self._trigger_of(line)
            if trigger in left_out:
                gone.add(ident)
                self._reading.report.relations_left_out += 1
                continue
            if trigger not in spans:
                self._wrong(where, f"the event {ident!r} refers to the trigger {trigger!r}, which is not there")
            found = _EVENT.fullmatch(content)
            assert found is not None
            arguments = [part.rsplit(":", 1) for part in found[3].split()]
            for _, end in arguments:
                self._known(where, ident, end, known | left_out)
            text = self._document.text
            events.append(
                {
                    "id": ident,
                    "type": found[1],
                    "trigger": {
                        "text": [text[start:end] for start, end in spans[trigger]],
                        "offsets": [[start, end] for start, end in spans[trigger]],
                    },
                    "arguments": [{"role": role, "ref_id": end} for role, end in arguments],
                    "trigger_id": trigger,
                    **self._about[ident].extras(),
                }
            )
        return without_events(events, gone, self._reading)

    def _groups(self, mentions: set[str], left_out: set[str]) -> list[dict[str, Any]]:
        groups: list[dict[str, Any]] = []
        for _, _, content, line in self._kinds["*"]:
            found = _EQUIVALENCE.fullmatch(content)
            ids = found[1].split() if found is not None else []
            if ids and mentions.issuperset(ids):
                kept = [ident for ident in ids if ident not in left_out]
                if len(kept) > 1 or len(kept) == len(ids):
                    groups.append({"id": f"*{len(groups) + 1}", "entity_ids": kept})
                else:
                    self._reading.report.relations_left_out += 1
            else:
                self._lines.append(line)
        return groups

    def _ends(self, line: tuple[str, str, str, str]) -> tuple[str, str]:
        where, ident, content, _ = line
        found = _RELATION.fullmatch(content)
        if found is None:
            self._wrong(where, f"found {ident} {content!r}, expected a relation: its type, Arg1:T1 and Arg2:T2")
        return found[3], found[5]

    def _trigger_of(self, line: tuple[str, str, str, str]) -> str:
        where, ident, content, _ = line
        found = _EVENT.fullmatch(content)
        if found is None:
            self._wrong(where, f"found {ident} {content!r}, expected an event: Type:T1 and Role:T2 for each argument")
        return found[2]

    def _known(self, where: str, ident: str, end: str, known: set[str]) -> None:
        if end not in known:
            self._wrong(where, f"{ident!r} refers to {end!r}, which is not there")

    def _wrong(self, where: str, what: str) -> NoReturn:
        raise FormatError(what, source=where, document=self._document.id)


def flat(text: str) -> str:
    """A mention's text on one line."""
    return re.sub("[\r\n]", " ", text)


def _pair(text: str) -> list[str] | None:
    try:
        pair = json.loads(text)
    except ValueError:
        return None
    match pair:
        case [str(), str()]:
            return list(pair)
    return None
