"""Events and coreference, which the program keeps but does not learn, in one shape for all formats.

They are in an annotation's ``extras`` in the shape of BigBio's schema, with offsets in the document's text::

    {"events": [{"id": "E1", "type": "Phosphorylation",
                 "trigger": {"text": ["phosphorylated"], "offsets": [[10, 24]]},
                 "arguments": [{"role": "Theme", "ref_id": "T1"}]}],
     "coreferences": [{"id": "C1", "entity_ids": ["T1", "T2"]}]}

An event may have further keys from its format.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from biorat_al.corpus.formats.base import Reading
from biorat_al.corpus.model.document import Annotation, Document, Span

EVENTS = "events"
COREFERENCES = "coreferences"


def events_of(document: Document, annotation: Annotation) -> list[dict[str, Any]]:
    """Return the annotation's events, if all have the shape above and refer to existing ids; else an empty list."""
    events = annotation.extras.get(EVENTS)
    if not isinstance(events, list) or not all(_is_event(event, len(document.text)) for event in events):
        return []
    ids = {event["id"] for event in events}
    known = ids | {entity.id for entity in annotation.entities}
    if len(known) < len(events) + len(annotation.entities):
        return []
    sound = all(argument["ref_id"] in known for event in events for argument in event["arguments"])
    return list(events) if sound else []


def coreferences_of(annotation: Annotation) -> list[dict[str, Any]]:
    """Return the annotation's groups of mentions, if all have the shape above; else an empty list."""
    groups = annotation.extras.get(COREFERENCES)
    known = {entity.id for entity in annotation.entities}
    if not isinstance(groups, list) or not all(_is_group(group, known) for group in groups):
        return []
    return list(groups)


def trigger_spans(event: Mapping[str, Any]) -> tuple[Span, ...]:
    """Return the spans of an event's trigger."""
    return tuple(Span(start, end) for start, end in event["trigger"]["offsets"])


def without_events(events: Iterable[dict[str, Any]], left_out: set[str], reading: Reading) -> list[dict[str, Any]]:
    """Return the events that refer, directly or through other events, to nothing left out; count the others."""
    kept = list(events)
    gone = set(left_out)
    while True:
        broken = [event for event in kept if any(argument["ref_id"] in gone for argument in event["arguments"])]
        if not broken:
            return kept
        gone |= {event["id"] for event in broken}
        reading.report.relations_left_out += len(broken)
        kept = [event for event in kept if event["id"] not in gone]


def _is_event(event: object, length: int) -> bool:
    match event:
        case {
            "id": str(ident),
            "type": str(kind),
            "trigger": {"text": list(), "offsets": list(offsets)},
            "arguments": list(arguments),
        } if ident and kind and offsets:
            return all(_is_span(span, length) for span in offsets) and all(_is_argument(part) for part in arguments)
    return False


def _is_span(span: object, length: int) -> bool:
    match span:
        case [int(start), int(end)]:
            return 0 <= start < end <= length
    return False


def _is_argument(argument: object) -> bool:
    match argument:
        case {"role": str(), "ref_id": str()}:
            return True
    return False


def _is_group(group: object, known: set[str]) -> bool:
    match group:
        case {"id": str(), "entity_ids": list(ids)}:
            return all(isinstance(ident, str) and ident in known for ident in ids)
    return False
