"""The writer of brat annotation files; :mod:`biorat_al.corpus.formats.brat.reading` is the reader."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from biorat_al.corpus.formats import losses
from biorat_al.corpus.formats.base import WriteReport
from biorat_al.corpus.formats.brat.reading import CONCEPTS_NOTE, LINES, NAMES, TAIL, escaped, flat
from biorat_al.corpus.formats.events import COREFERENCES, EVENTS, coreferences_of, events_of, trigger_spans
from biorat_al.corpus.formats.writing import numbered, renamed
from biorat_al.corpus.model.concept_relations import CONCEPTS, expanded
from biorat_al.corpus.model.document import Annotation, Concept, Document, Entity, Relation
from biorat_al.corpus.model.notes import BRAT_TYPE, NOTE

_BLANK = re.compile(r"\s")
_LINE = re.compile(r"[#AENRM*][^\t\n\r]*\t[^\n\r]*")

_KEPT = (losses.CONCEPT_LINKS, losses.RELATIONS, losses.CONCEPT_RELATIONS, losses.UNDIRECTED)


class BratConfiguration:
    """The content of ``annotation.conf``: every type that was written, and which relations are symmetric."""

    def __init__(self) -> None:
        self.entities: set[str] = set()
        self.events: dict[str, set[str]] = {}
        self.attributes: dict[str, set[str]] = {}
        self._directed: Counter[str] = Counter()
        self._undirected: Counter[str] = Counter()

    def relation(self, label: str, directed: bool) -> None:
        """Record the label of a relation and whether it is directed."""
        (self._directed if directed else self._undirected)[label] += 1

    def report(self, report: WriteReport) -> None:
        """Count undirected relations whose type also has directed ones; in brat a type is one or the other."""
        both = self._directed.keys() & self._undirected.keys()
        report.lose(losses.UNDIRECTED, sum(self._undirected[label] for label in both))

    def text(self) -> str:
        """Return the content of the file."""
        lines = ["[entities]", *sorted(self.entities), "", "[relations]"]
        for label in sorted(self._directed.keys() | self._undirected.keys()):
            kind = "" if label in self._directed else ", <REL-TYPE>:symmetric"
            lines.append(f"{label}\tArg1:<ENTITY>, Arg2:<ENTITY>{kind}")
        lines += ["", "[events]"]
        for label, roles in sorted(self.events.items()):
            lines.append(label + ("\t" + ", ".join(f"{role}?:<ANY>" for role in sorted(roles)) if roles else ""))
        lines += ["", "[attributes]"]
        for label, values in sorted(self.attributes.items()):
            lines.append(f"{label}\tArg:<ANY>" + (f", Value:{'|'.join(sorted(values))}" if values else ""))
        return "\n".join(lines) + "\n"


def annotation_lines(
    document: Document, annotation: Annotation, report: WriteReport, configuration: BratConfiguration
) -> list[str]:
    """Convert one annotation to lines; count what brat cannot hold."""
    return _Writer(document, annotation, report, configuration).lines()


class _Writer:
    def __init__(
        self, document: Document, annotation: Annotation, report: WriteReport, configuration: BratConfiguration
    ) -> None:
        self._document = document
        self._annotation = annotation
        self._report = report
        self._configuration = configuration
        self._remarks: list[str] = []
        self._counts: Counter[str] = Counter()
        self._taken: set[str] = set()

    def lines(self) -> list[str]:
        annotation, report = self._annotation, self._report
        events, groups = events_of(self._document, annotation), coreferences_of(annotation)
        kept = annotation.extras.get(LINES)
        sound = isinstance(kept, list) and all(isinstance(line, str) and _LINE.fullmatch(line) for line in kept)
        kept_extras = [key for key, value in ((EVENTS, events), (COREFERENCES, groups), (LINES, sound)) if value]
        losses.count_losses(
            report,
            self._document,
            annotation,
            keeps=_KEPT,
            keys=losses.KeptKeys(
                entities=("attributes", "notes", NOTE, NAMES),
                relations=("attributes", "notes", "roles", TAIL),
                annotations=kept_extras,
            ),
        )
        relations, unlinked = expanded(annotation)
        report.lose(losses.UNLINKED, unlinked)
        own = [str(line).split("\t")[0] for line in kept] if sound and isinstance(kept, list) else []
        self._taken |= set(own)
        names = numbered([entity.id for entity in annotation.entities], "T", self._taken)
        triggers = [str(event.get("trigger_id", "")) for event in events]
        trigger_names = numbered(triggers, "T", self._taken) if len(set(triggers)) == len(triggers) else {}
        event_names = numbered([event["id"] for event in events], "E", self._taken)
        relation_names = numbered([relation.id for relation in relations], "R", self._taken)
        report.lose(losses.MENTION_IDS, renamed(names))
        report.lose("ids of events and relations (renumbered)", renamed(event_names) + renamed(relation_names))
        lines = [self._mention(names[entity.id], entity) for entity in annotation.entities]
        for event, trigger in zip(events, triggers, strict=True):
            # two events may share a trigger, which is then written once for each
            name = trigger_names.get(trigger) or numbered([f"of {event['id']}"], "T", self._taken)[f"of {event['id']}"]
            lines += self._event(event, name, names | event_names)
        lines += [self._relation(relation_names[relation.id], relation, names) for relation in relations]
        lines += ["*\tEquiv " + " ".join(names[ident] for ident in group["entity_ids"]) for group in groups]
        ids = [group["id"] for group in groups]
        report.lose("ids of coreferences", sum(ident != f"*{n}" for n, ident in enumerate(ids, start=1)))
        return lines + self._remarks + ([str(line) for line in kept] if sound and isinstance(kept, list) else [])

    def _mention(self, name: str, entity: Entity) -> str:
        label = self._token(entity.label, "labels")
        self._configuration.entities.add(label)
        surface = flat(entity.surface(self._document.text))
        self._concepts(name, entity, surface)
        self._about(name, entity.extras, losses.MENTION_PROPERTIES)
        self._note(name, entity.extras.get(NOTE))
        pieces = ";".join(f"{start} {end}" for start, end in entity.spans)
        return f"{name}\t{label} {pieces}\t{surface}"

    def _concepts(self, target: str, entity: Entity, surface: str) -> None:
        called: Any = entity.extras.get(NAMES, [""] * len(entity.concepts))
        if not isinstance(called, list) or len(called) != len(entity.concepts) or not all(map(_is_line, called)):
            self._report.lose(losses.MENTION_PROPERTIES)
            called = [""] * len(entity.concepts)
        for concept, own in zip(entity.concepts, called, strict=True):
            if not _can_stand(concept):
                self._report.lose(losses.CONCEPT_LINKS)
                continue
            name = self._next("N")
            self._remarks.append(
                f"{name}\tReference {target} {_database(concept)}:{escaped(concept.identifier)}\t{own or surface}"
            )

    def _relation(self, name: str, relation: Relation, names: Mapping[str, str]) -> str:
        label = self._token(relation.label, "labels")
        self._configuration.relation(label, relation.directed)
        roles = ["Arg1", "Arg2"]
        match relation.extras.get("roles"):
            case None:
                pass
            case [str(first), str(second)] if not re.search(r"[\s:]", first + second) and first and second:
                roles = [first, second]
            case _:
                self._report.lose(losses.RELATION_PROPERTIES)
        match relation.extras.get(CONCEPTS):
            case [str(head), str(tail)]:
                pair = json.dumps([head, tail], ensure_ascii=False)
                self._remarks.append(f"{self._next('#')}\t{CONCEPTS_NOTE} {name}\t{pair}")
        self._about(name, relation.extras, losses.RELATION_PROPERTIES)
        line = f"{name}\t{label} {roles[0]}:{names[relation.head]} {roles[1]}:{names[relation.tail]}"
        return line + self._tail(relation.extras, losses.RELATION_PROPERTIES)

    def _event(self, event: Mapping[str, Any], trigger: str, names: Mapping[str, str]) -> list[str]:
        name = names[event["id"]]
        kind = self._token(event["type"], "labels", r"[\s:]")
        arguments = []
        roles = self._configuration.events.setdefault(kind, set())
        for argument in event["arguments"]:
            role = self._token(argument["role"] or "Arg", "roles in events", r"[\s:]")
            roles.add(role)
            arguments.append(f" {role}:{names[argument['ref_id']]}")
        spans = trigger_spans(event)
        pieces = ";".join(f"{start} {end}" for start, end in spans)
        surface = flat(" ".join(self._document.text[start:end] for start, end in spans))
        self._about(name, event, "further properties of events")
        known = {"id", "type", "trigger", "arguments", "trigger_id", "attributes", "notes", TAIL}
        self._report.lose("further properties of events", bool(event.keys() - known))
        tail = self._tail(event, "further properties of events")
        return [f"{trigger}\t{kind} {pieces}\t{surface}", f"{name}\t{kind}:{trigger}{''.join(arguments)}{tail}"]

    def _tail(self, extras: Mapping[str, Any], kind: str) -> str:
        """Return the text after a line's second tab, with the tab."""
        tail = extras.get(TAIL, "")
        sound = _is_line(tail) and bool(tail.strip())
        self._report.lose(kind, TAIL in extras and not sound)
        return f"\t{tail}" if sound else ""

    def _about(self, target: str, extras: Mapping[str, Any], kind: str) -> None:
        """Write the attributes and notes of a mention, relation or event."""
        for part in _list(extras.get("attributes", [])):
            match part:
                case {"id": str(), "type": str(type_)} if type_ and not _BLANK.search(type_) and _is_value(part):
                    values = self._configuration.attributes.setdefault(type_, set())
                    value = str(part.get("value", ""))
                    values |= {value} - {""}
                    name = self._own(part["id"], "A", kind)
                    self._remarks.append(f"{name}\t{type_} {target}" + (f" {value}" if value else ""))
                case _:
                    self._report.lose(kind)
        for part in _list(extras.get("notes", [])):
            match part:
                case {"id": str(), "type": str(type_), "text": str(text)} if (
                    len(part) == 3 and type_ and not _BLANK.search(type_) and _is_line(text)
                ):
                    name = self._own(part["id"], "#", kind)
                    self._remarks.append(f"{name}\t{type_} {target}\t{text}")
                case _:
                    self._report.lose(kind)

    def _note(self, target: str, note: object) -> None:
        """Write an annotator's note; each of its lines becomes a note."""
        for line in str(note or "").splitlines():
            if line.strip():
                self._remarks.append(f"{self._next('#')}\t{BRAT_TYPE} {target}\t{line}")

    def _own(self, ident: str, prefix: str, kind: str) -> str:
        if re.fullmatch(("[AM]" if prefix == "A" else prefix) + "[0-9]{1,9}", ident) and ident not in self._taken:
            self._taken.add(ident)
            return ident
        self._report.lose("ids of attributes and notes (renumbered)")
        return self._next(prefix)

    def _next(self, prefix: str) -> str:
        self._counts[prefix] += 1
        while f"{prefix}{self._counts[prefix]}" in self._taken:
            self._counts[prefix] += 1
        name = f"{prefix}{self._counts[prefix]}"
        self._taken.add(name)
        return name

    def _token(self, text: str, kind: str, unfit: str = r"\s") -> str:
        """Replace the white space in a name, and count it."""
        fit, number = re.subn(unfit, "_", text)
        self._report.lose(f"white space in {kind} (became _)", bool(number))
        return fit


def _list(values: object) -> list[Any]:
    # a value that is not a list is counted as one attribute that cannot be written
    return values if isinstance(values, list) else [values]


def _is_line(text: object) -> bool:
    return isinstance(text, str) and not re.search("[\r\n]", text)


def _is_value(part: Mapping[str, Any]) -> bool:
    value = part.get("value")
    if "value" not in part:
        return len(part) == 2
    return len(part) == 3 and isinstance(value, str) and bool(value) and value == value.strip() and _is_line(value)


def _database(concept: Concept) -> str:
    # brat ends the name at the first colon
    return escaped(concept.database).replace(":", "%3A")


def _can_stand(concept: Concept) -> bool:
    return bool(concept.database and concept.identifier)
