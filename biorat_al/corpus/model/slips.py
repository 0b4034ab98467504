"""Slips of the mouse: mentions that begin or end with a blank, consist of blanks, or occur twice.

Annotators' slips are corrected and counted when answers are fetched (:func:`tidied`). Files are taken as they are;
``validate`` warns about the same slips (:func:`slips`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from biorat_al.corpus.model.document import Annotation, Document, Entity, Relation, Span
from biorat_al.corpus.model.identity import MentionKey, mention_key, relation_key
from biorat_al.corpus.model.notes import NOTE, joined_notes

BLANKS = "mentions that begin or end with a blank"
TWICE = "mentions that occur twice"


class Slips(NamedTuple):
    """Numbers of corrected slips: mentions trimmed, and mentions joined with an identical mention."""

    trimmed: int = 0
    joined: int = 0


NO_SLIPS = Slips()


class TidyAnnotation(NamedTuple):
    """An annotation without slips.

    :param problems: one sentence for each mention that was left out, and each relation left out with it.
    """

    annotation: Annotation
    slips: Slips
    problems: tuple[str, ...]


def trimmed(text: str, span: Span) -> Span | None:
    """Return `span` without white space (of any kind in Unicode) at its ends; None if nothing is left."""
    surface = text[span.start : span.end]
    start = span.start + len(surface) - len(surface.lstrip())
    end = span.end - (len(surface) - len(surface.rstrip()))
    return Span(start, end) if start < end else None


def slips(document: Document, annotation: Annotation) -> Iterator[tuple[str, str]]:
    """Yield the kind of each slip and a sentence that describes it."""
    seen: dict[MentionKey, str] = {}
    for entity in annotation.entities:
        for span in entity.spans:
            if trimmed(document.text, span) != span:
                surface = document.text[span.start : span.end]
                yield BLANKS, f"the entity {entity.id!r} at {span.start}-{span.end} is {surface!r}"
        first = seen.setdefault(mention_key(entity), entity.id)
        if first != entity.id:
            yield TWICE, f"the entities {first!r} and {entity.id!r} are both {entity.label!r} at {_places(entity)}"


def tidied(annotation: Annotation, text: str) -> TidyAnnotation:
    """Trim the mentions of an annotation, and join those with the same label and spans.

    The first of several identical mentions stays, with the notes and concepts of all; relations of the others move to
    it. A mention that consists of blanks is left out.
    """
    kept: dict[MentionKey, Entity] = {}
    became: dict[str, str] = {}
    problems = []
    cut = joined = 0
    for entity in annotation.entities:
        spans = tuple(span for old in entity.spans if (span := trimmed(text, old)) is not None)
        if not spans:
            problems.append(f"the region {entity.id!r} at {_places(entity)} holds nothing but blanks; it was left out")
            continue
        cut += spans != entity.spans
        entity = replace(entity, spans=spans)
        key = mention_key(entity)
        if key in kept:
            joined += 1
            kept[key] = _with_all_of(kept[key], entity)
        else:
            kept[key] = entity
        became[entity.id] = kept[key].id
    relations: list[Relation] = []
    mentions = {entity.id: key for key, entity in kept.items()}
    known = set()
    for relation in annotation.relations:
        head, tail = became.get(relation.head), became.get(relation.tail)
        if head is None or tail is None:
            problems.append(f"the relation {relation.label!r} ends at blanks; it was left out")
            continue
        moved = replace(relation, head=head, tail=tail)
        if (head, tail) != (relation.head, relation.tail):
            if head == tail and relation.head != relation.tail:
                problems.append(
                    f"the relation {relation.label!r} joins a mention with itself, drawn twice; it was kept"
                )
            if relation_key(moved, mentions) in known:
                continue
        known.add(relation_key(moved, mentions))
        relations.append(moved)
    extras = {name: _moved(value, became) for name, value in annotation.extras.items()}
    tidy = replace(annotation, entities=tuple(kept.values()), relations=tuple(relations), extras=extras)
    return TidyAnnotation(tidy, Slips(cut, joined), tuple(problems))


def _with_all_of(first: Entity, other: Entity) -> Entity:
    extras = {**other.extras, **first.extras}
    if note := joined_notes([str(one.extras[NOTE]) for one in (first, other) if NOTE in one.extras]):
        extras[NOTE] = note
    return replace(first, concepts=first.concepts or other.concepts, extras=extras)


def _moved(value: Any, became: Mapping[str, str]) -> Any:
    """Return a value of an annotation's extras whose ``head`` and ``tail`` refer to the mentions that stay."""
    if not isinstance(value, list):
        return value
    ends = ("head", "tail")
    return [
        {key: became.get(held, held) if key in ends else held for key, held in item.items()}
        if isinstance(item, Mapping)
        else item
        for item in value
    ]


def _places(entity: Entity) -> str:
    return ", ".join(f"{start}-{end}" for start, end in entity.spans)
