"""The reader of brat annotation files; :mod:`biorat_al.corpus.formats.brat.format` describes what the lines mean."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

from biorat_al.corpus.formats.base import Reading
from biorat_al.corpus.formats.events import COREFERENCES, EVENTS, without_events
from biorat_al.corpus.io.source import Source
from biorat_al.corpus.model.concept_relations import CONCEPTS
from biorat_al.corpus.model.document import (
    Annotation,
    Concept,
    Document,
    Entity,
    Relation,
    Span,
    check_spans,
    text_error,
)
from biorat_al.errors import FormatError, OffsetError
from biorat_al.wording import shortened

CONCEPTS_NOTE = "Concepts"
"""Type of the note that states the concepts which a relation was made from."""

LINES = "brat_lines"
NAMES = "concept_names"
TAIL = "tail"
"""Key of the text after the second tab of a relation's or event's line."""

BROKEN = "lines that cannot be read"
REPEATED = "annotations whose id occurs again"
DANGLING = "relations and events that refer to what does not exist"

# the type ends where blanks begin, so that a long run of blanks is looked at once
_MENTION = re.compile(r"(\S(?:.*?\S)?) +((?:[0-9]{1,18} [0-9]{1,18};)*[0-9]{1,18} [0-9]{1,18})")
# in a label of several words, a number is more likely a surplus offset
_NUMBER = re.compile(r" [0-9;]+(?: |\Z)")
_RELATION = re.compile(r"(\S+) +(\S+):(\S+) +(\S+):(\S+)\s*")
_EVENT = re.compile(r"(\S+?):(\S+)((?: +\S+:\S+)*)\s*")
# SeeDev's events have no trigger
_TRIGGERLESS = re.compile(r"[^\s:]+(?: +[^\s:]+:\S+)+\s*")
_ATTRIBUTE = re.compile(r"(\S+) (?:Annotation:)?(\S+)(?: (.+))?")
_NORMALIZATION = re.compile(r"(?P<type>Reference) (?P<target>\S+) (?P<database>[^\s:]+):(?P<identifier>\S.*)")
# as BioNLP-ST writes them since 2013
_REFERENT = re.compile(r"(?P<database>\S+) Annotation:(?P<target>\S+) Referent:(?P<identifier>\S+)")
_NOTE = re.compile(r"(\S+) (\S+)")
_EQUIVALENCE = re.compile(r"Equiv((?: +\S+)+)\s*")
_LONGEST = 10_000
"""Characters of a relation or an event: the time to look at one grows with the square of its length."""
_ESCAPED = re.compile(r"\s|%(?=[0-9A-Fa-f]{2})")


class _Line(NamedTuple):
    """A line of the file.

    :param content: the second column.
    :param rest: everything after the second column.
    """

    where: str
    ident: str
    content: str
    rest: str

    @property
    def whole(self) -> str:
        return f"{self.ident}\t{self.content}" + (f"\t{self.rest}" if self.rest else "")


@dataclass
class _About:
    """The attributes, notes and concepts that further lines give to one mention, relation or event."""

    attributes: list[dict[str, str]] = field(default_factory=list)
    notes: list[dict[str, str]] = field(default_factory=list)
    concepts: list[tuple[Concept, str]] = field(default_factory=list)

    def extras(self) -> dict[str, Any]:
        extras = {"attributes": self.attributes, "notes": self.notes}
        return {key: values for key, values in extras.items() if values}


class BratReader:
    """Read the annotations of one document.

    :param sources: the files that hold them; they share one numbering of ids.
    :param symmetric: the relation types without a direction.
    """

    def __init__(
        self, document: Document, sources: Iterable[Source], reading: Reading, symmetric: Collection[str]
    ) -> None:
        self._document = document
        self._sources = sources
        self._reading = reading
        self._symmetric = symmetric
        self._kinds: dict[str, list[_Line]] = defaultdict(list)
        self._about: dict[str, _About] = defaultdict(_About)
        self._lines: list[str] = []
        # ids that are left out; whatever refers to one of them is left out too
        self._gone: set[str] = set()
        # events without a trigger: read as relations, or kept unchanged
        self._triggerless: set[str] = set()

    def annotation(self) -> Annotation:
        """Return everything that the files state.

        :raises FormatError: a line is not valid brat, unless such lines are left out; the message names it.
        :raises OffsetError: a mention's text is not the text at its offsets, unless such mentions are left out.
        """
        self._sort_lines()
        texts = {line.ident for line in self._kinds["T"]} | {ident for ident in self._gone if ident.startswith("T")}
        self._drop_dangling_events(texts)
        triggers = {self._event(line)[1] for line in self._kinds["E"]}
        arguments = {end for line in self._kinds["E"] for _, end in self._event(line)[2]}
        mentions = texts - (triggers - arguments)
        events = {line.ident for line in self._kinds["E"]}
        relations = {line.ident for line in self._kinds["R"] if mentions.issuperset(self._ends(line))}
        self._sort_remarks(mentions, relations, events, texts)
        spans: dict[str, tuple[Span, ...]] = {}
        entities = []
        for line in self._kinds["T"]:
            entity = self._entity(line)
            if entity is None:
                self._gone.add(line.ident)
                continue
            spans[entity.id] = entity.spans
            if entity.id in mentions:
                entities.append(entity)
        groups = self._groups(mentions)
        kept_relations = [self._relation(line) for line in self._kinds["R"] if line.ident in relations]
        kept_events = self._events(spans)
        self._gone |= events - {event["id"] for event in kept_events}
        kept_lines = [line for line in self._lines if self._gone.isdisjoint(re.split(r"[\s:]", line))]
        self._reading.report.relations_left_out += len(self._lines) - len(kept_lines)
        extras = {EVENTS: kept_events, COREFERENCES: groups, LINES: kept_lines}
        return Annotation(
            tuple(entities),
            self._reading.without(self._gone, kept_relations),
            (),
            {key: values for key, values in extras.items() if values},
        )

    def _sort_lines(self) -> None:
        seen: set[str] = set()
        for source in self._sources:
            for number, line in source.lines():
                if not line.strip():
                    continue
                # brat writes no carriage return into an annotation
                columns = line.rstrip("\r").split("\t", 2)
                ident = columns[0]
                content, rest = (*columns[1:], "", "")[:2]
                parsed = _Line(source.at(number), ident, content, rest)
                what = self._problem(parsed, len(columns))
                if what is not None:
                    self._gone |= {ident} if ident[:1] in ("T", "R", "E") else set()
                    self._leave_out(BROKEN, parsed, what)
                elif ident[:1] != "*" and ident in seen:
                    self._leave_out(REPEATED, parsed, f"two annotations have the id {ident!r}")
                else:
                    seen.add(ident)
                    self._keep(parsed)
        # another line, which was read, may have the id of a broken line
        self._gone -= seen

    def _keep(self, line: _Line) -> None:
        kind = "A" if line.ident[:1] == "M" else line.ident[:1]
        if kind == "E" and _TRIGGERLESS.fullmatch(line.content):
            self._triggerless.add(line.ident)
            if _RELATION.fullmatch(line.content) is None:
                self._lines.append(line.whole)
                return
            # with two arguments it is equivalent to a relation
            kind = "R"
        self._kinds[kind].append(line)

    def _problem(self, line: _Line, columns: int) -> str | None:
        """Return what is wrong with a line on its own; None if nothing is."""
        shown = repr(shortened(line.whole, 80))
        if columns < 2:
            return f"found {shortened(line.ident, 80)!r}, expected an id, a tab and an annotation"
        if line.ident[:1] in ("R", "E") and len(line.content) > _LONGEST:
            return f"found {shown}, expected {_LONGEST:,} characters at most"
        match line.ident[:1]:
            case "T":
                found = _MENTION.fullmatch(line.content.strip())
                if found is None or _NUMBER.search(found[1]):
                    return f"found {line.content!r}, expected a mention's type, start and end (pieces joined by ';')"
                if columns < 3:
                    return f"found {shown}, expected the mention's text after a second tab"
            case "R":
                if _RELATION.fullmatch(line.content) is None:
                    return f"found {line.ident} {line.content!r}, expected a relation: its type, Arg1:T1 and Arg2:T2"
            case "E":
                if not (_EVENT.fullmatch(line.content) or _TRIGGERLESS.fullmatch(line.content)):
                    return (
                        f"found {line.ident} {line.content!r}, expected an event: Type:T1 and Role:T2 for each argument"
                    )
            case "A" | "M":
                if _ATTRIBUTE.fullmatch(line.content.strip()) is None:
                    return f"found {shown}, expected an attribute: id, tab, type, target and value"
            case "N" | "#" | "*":
                return None
            case _:
                return f"found {shown}, whose id begins with none of T, R, E, A, M, N, # and *"
        return None

    def _sort_remarks(self, mentions: set[str], relations: set[str], events: set[str], texts: set[str]) -> None:
        """Assign attributes, notes and concepts to their targets; keep all other lines unchanged."""
        about = mentions | relations | events
        for line in self._kinds["A"]:
            found = _ATTRIBUTE.fullmatch(line.content.strip())
            if found is not None and found[2] in about:
                value = {"value": found[3]} if found[3] is not None else {}
                self._about[found[2]].attributes.append({"id": line.ident, "type": found[1], **value})
            else:
                self._lines.append(line.whole)
        for line in self._kinds["#"]:
            found = _NOTE.fullmatch(line.content.strip())
            if found is not None and found[2] in about:
                self._about[found[2]].notes.append({"id": line.ident, "type": found[1], "text": line.rest})
            else:
                self._lines.append(line.whole)
        for line in self._kinds["N"]:
            content = line.content.strip()
            found = _NORMALIZATION.fullmatch(content) or _REFERENT.fullmatch(content)
            if found is not None and found["target"] in mentions:
                concept = Concept(_unescaped(found["database"]), _unescaped(found["identifier"]))
                self._about[found["target"]].concepts.append((concept, line.rest))
            else:
                self._lines.append(line.whole)
        for line in self._kinds["R"]:
            if line.ident in relations:
                continue
            absent = [end for end in self._ends(line) if end not in texts | events | self._gone | self._triggerless]
            if absent:
                self._leave_out(DANGLING, line, f"{line.ident!r} refers to {absent[0]!r}, which is not there")
            else:
                self._lines.append(line.whole)

    def _entity(self, line: _Line) -> Entity | None:
        """Return a mention or the trigger of an event; None if it is left out."""
        found = _MENTION.fullmatch(line.content.strip())
        assert found is not None
        pieces = (piece.split(" ") for piece in found[2].split(";"))
        spans = tuple(Span(int(start), int(end)) for start, end in pieces)
        about = self._about[line.ident]
        extras = about.extras()
        concepts = tuple(concept for concept, _ in about.concepts)
        entity = Entity(line.ident, found[1], spans, concepts, extras=extras)
        try:
            check_spans(self._document, spans, source=line.where)
            surface = flat(entity.surface(self._document.text))
            if surface != flat(line.rest):
                raise text_error(self._document, spans, line.rest, source=line.where, found=surface)
        except OffsetError as error:
            if not self._reading.keeps(error):
                return None
        names = ["" if name == surface else name for _, name in about.concepts]
        if any(names):
            extras[NAMES] = names
        return entity

    def _relation(self, line: _Line) -> Relation:
        found = _RELATION.fullmatch(line.content)
        assert found is not None
        label, first, head, second, tail = found.groups()
        if (first, second) == ("Arg2", "Arg1"):
            first, head, second, tail = second, tail, first, head
        about = self._about[line.ident]
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
        if line.rest.strip():
            extras[TAIL] = line.rest
        return Relation(line.ident, label, head, tail, label not in self._symmetric, {**extras, **about.extras()})

    def _drop_dangling_events(self, texts: set[str]) -> None:
        """Leave out events whose trigger or arguments do not exist."""
        known = texts | {line.ident for line in self._kinds["E"]} | self._gone | self._triggerless
        sound = []
        for line in self._kinds["E"]:
            _, trigger, arguments = self._event(line)
            absent = [end for _, end in arguments if end not in known]
            if trigger not in texts:
                what = f"the event {line.ident!r} refers to the trigger {trigger!r}, which is not there"
            elif absent:
                what = f"{line.ident!r} refers to {absent[0]!r}, which is not there"
            else:
                sound.append(line)
                continue
            self._gone.add(line.ident)
            self._leave_out(DANGLING, line, what)
        self._kinds["E"] = sound

    def _events(self, spans: dict[str, tuple[Span, ...]]) -> list[dict[str, Any]]:
        events = []
        gone = set(self._gone)
        text = self._document.text
        for line in self._kinds["E"]:
            kind, trigger, arguments = self._event(line)
            if trigger not in spans:
                gone.add(line.ident)
                self._reading.report.relations_left_out += 1
                continue
            events.append(
                {
                    "id": line.ident,
                    "type": kind,
                    "trigger": {
                        "text": [text[start:end] for start, end in spans[trigger]],
                        "offsets": [[start, end] for start, end in spans[trigger]],
                    },
                    "arguments": [{"role": role, "ref_id": end} for role, end in arguments],
                    "trigger_id": trigger,
                    **({TAIL: line.rest} if line.rest.strip() else {}),
                    **self._about[line.ident].extras(),
                }
            )
        return without_events(events, gone, self._reading)

    def _groups(self, mentions: set[str]) -> list[dict[str, Any]]:
        groups: list[dict[str, Any]] = []
        for line in self._kinds["*"]:
            found = _EQUIVALENCE.fullmatch(line.content)
            ids = found[1].split() if found is not None else []
            if ids and mentions.issuperset(ids):
                kept = [ident for ident in ids if ident not in self._gone]
                if len(kept) > 1 or len(kept) == len(ids):
                    groups.append({"id": f"*{len(groups) + 1}", "entity_ids": kept})
                else:
                    self._reading.report.relations_left_out += 1
            else:
                self._lines.append(line.whole)
        return groups

    def _ends(self, line: _Line) -> tuple[str, str]:
        found = _RELATION.fullmatch(line.content)
        assert found is not None
        return found[3], found[5]

    def _event(self, line: _Line) -> tuple[str, str, list[tuple[str, str]]]:
        """Return an event's type, its trigger and its arguments with their roles."""
        found = _EVENT.fullmatch(line.content)
        assert found is not None
        arguments = [part.rpartition(":") for part in found[3].split()]
        return found[1], found[2], [(role, end) for role, _, end in arguments]

    def _leave_out(self, kind: str, line: _Line, what: str) -> None:
        self._reading.leave_out(kind, FormatError(what, source=line.where, document=self._document.id))


def escaped(text: str) -> str:
    """Percent-encode the white space in a database's name or an identifier, since brat cuts both at white space."""
    return _ESCAPED.sub(lambda found: quote(found[0], safe=""), text)


def _unescaped(text: str) -> str:
    """Reverse :func:`escaped`; return any other text unchanged."""
    original = unquote(text)
    return original if escaped(original).replace(":", "%3A") == text.replace(":", "%3A") else text


def flat(text: str) -> str:
    """Return a mention's text on one line."""
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
