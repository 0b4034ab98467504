"""Between entities and Label Studio's regions.

Both count Unicode code points, end exclusive, in the text as it is stored. A region's own ``text`` is not to be trusted
(line ends come back as a backslash and an ``n``), so only offsets are used.

A region has one stretch of text. A discontinuous entity ``e`` goes out as the regions ``e--1``, ``e--2``, … and comes
back as one entity as long as its pieces keep their label; a region with several labels comes back as several entities.

The front end writes a region's id into a style sheet as it is: with anything in it but letters, digits, ``-`` and ``_``
the region is there, but nobody sees it in the text. Other characters go out as their number (``_x7e_``).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from biorat_al.corpus.concept_relations import CONCEPTS
from biorat_al.corpus.model import Annotation, Concept, Entity, Relation, Span
from biorat_al.corpus.validation import ORIGINS

_PIECE = re.compile(r"(.+)--(\d+)")
_ESCAPE = re.compile(r"_x([0-9a-f]{1,6})_")

Result = list[dict[str, Any]]


def regions_of(entities: Sequence[Entity], text: str, control: str, to_name: str) -> Result:
    """Return the regions for `entities`.

    :param control: name of the control that carries the labels.
    :param to_name: name of the text that it labels.
    """
    regions: Result = []
    for entity in entities:
        for number, (start, end) in enumerate(entity.spans, start=1):
            region: dict[str, Any] = {
                "id": _region_id(entity, number),
                "from_name": control,
                "to_name": to_name,
                "type": "labels",
                "value": {"start": start, "end": end, "text": text[start:end], "labels": [entity.label]},
            }
            if entity.score is not None:
                region["score"] = entity.score
            if entity.origin is not None:
                region["origin"] = entity.origin
            if entity.concepts:
                region["meta"] = {"concepts": [list(concept) for concept in entity.concepts]}
            regions.append(region)
    return regions


def _region_id(entity: Entity, number: int) -> str:
    visible = entity.id
    if not re.fullmatch(r"[A-Za-z0-9_-]+", visible) or _ESCAPE.search(visible):
        visible = re.sub(r"[^A-Za-z0-9-]", lambda found: f"_x{ord(found[0]):x}_", visible)
    if entity.is_discontinuous:
        return f"{visible}--{number}"
    # an id that looks like that of a piece must not come back as one
    return f"{visible}--0" if _PIECE.fullmatch(visible) else visible


def _entity_id(region_id: str) -> str:
    def character(found: re.Match[str]) -> str:
        number = int(found[1], 16)
        return chr(number) if number <= sys.maxunicode else found[0]

    return _ESCAPE.sub(character, region_id)


def annotation_of(
    result: object, text: str, control: str | None = None, labels: Collection[str] = ()
) -> tuple[Annotation, tuple[str, ...]]:
    """Return what could be understood of an answer's result, and one sentence for each thing that could not.

    :param control: the control that carries entity labels; None takes any.
    :param labels: the project's labels; others are kept and told. Empty: all are right.
    """
    reader = _Reader(text, control, labels)
    if not isinstance(result, list):
        return Annotation(), ("the answer's result is not a list of regions",)
    regions = [region for region in result if isinstance(region, Mapping)]
    if len(regions) < len(result):
        reader.problems.append("a part of the answer is no region")
    for region in regions:
        if region.get("type") != "relation":
            reader.read_region(region)
    entities = reader.entities()
    for region in regions:
        if region.get("type") == "relation":
            reader.read_relation(region)
    return Annotation(entities=entities, relations=tuple(reader.relations)), tuple(reader.problems)


@dataclass(slots=True)
class _Piece:
    id: str
    label: str
    span: Span
    number: int | None
    score: float | None
    origin: str | None
    concepts: tuple[Concept, ...]


@dataclass
class _Reader:
    text: str
    control: str | None
    labels: Collection[str]
    problems: list[str] = field(default_factory=list)
    relations: list[Relation] = field(default_factory=list)
    _pieces: list[_Piece] = field(default_factory=list)
    _region_ids: set[str] = field(default_factory=set)
    _entity_of: dict[str, str] = field(default_factory=dict)

    def read_region(self, region: Mapping[str, Any]) -> None:
        """Note the pieces that a region stands for, one for each of its labels."""
        name = f"region {region.get('id')!r}"
        value = region.get("value")
        if region.get("type") != "labels" or not isinstance(value, Mapping):
            self.problems.append(f"{name} is of the type {region.get('type')!r}, which is no entity")
            return
        if self.control is not None and region.get("from_name") != self.control:
            self.problems.append(f"{name} belongs to {region.get('from_name')!r}, which carries no entity labels")
            return
        start, end = _offset(value.get("start")), _offset(value.get("end"))
        if start is None or end is None or not 0 <= start < end <= len(self.text):
            self.problems.append(
                f"{name} stands at {value.get('start')!r} to {value.get('end')!r}, "
                f"which is no stretch of the text of {len(self.text)} characters"
            )
            return
        chosen = _labels(value)
        if not chosen:
            self.problems.append(f"{name} at {start}-{end} has no label")
        region_id = self._unique(str(region.get("id") or f"{start}-{end}"), name)
        self._region_ids.add(region_id)
        base, number = _split(region_id)
        score = region.get("score")
        for place, label in enumerate(dict.fromkeys(chosen)):
            if self.labels and label not in self.labels:
                self.problems.append(
                    f"{name} at {start}-{end} has the label {label!r}, which the project does not know"
                )
            self._pieces.append(
                _Piece(
                    id=region_id if place == 0 else self._unused(f"{region_id}+{place}"),
                    label=label,
                    span=Span(start, end),
                    number=number if place == 0 and base is not None else None,
                    score=float(score) if isinstance(score, (int, float)) and not isinstance(score, bool) else None,
                    origin=region["origin"] if region.get("origin") in ORIGINS else None,
                    concepts=_concepts(region),
                )
            )

    def entities(self) -> tuple[Entity, ...]:
        """Return the entities, in the order of their first region."""
        groups: dict[tuple[str, str], list[_Piece]] = {}
        for piece in self._pieces:
            base = _split(piece.id)[0] if piece.number is not None else None
            groups.setdefault((base or piece.id, piece.label if base else ""), []).append(piece)
        entities: list[Entity] = []
        taken: set[str] = set()
        for (base_id, _), pieces in groups.items():
            pieces.sort(key=lambda piece: piece.number or 0)
            entity_id = _entity_id(base_id)
            # pieces of one mention of which some were given another label, for example
            while entity_id in taken:
                entity_id += "+"
            taken.add(entity_id)
            for piece in pieces:
                self._entity_of.setdefault(piece.id, entity_id)
            scores = [piece.score for piece in pieces if piece.score is not None]
            entities.append(
                Entity(
                    id=entity_id,
                    label=pieces[0].label,
                    spans=tuple(piece.span for piece in pieces),
                    concepts=pieces[0].concepts,
                    score=min(scores) if scores else None,
                    origin=_origin(pieces),
                )
            )
        return tuple(entities)

    def read_relation(self, region: Mapping[str, Any]) -> None:
        """Note a relation between two entities."""
        head, tail = (self._entity_of.get(str(region.get(end))) for end in ("from_id", "to_id"))
        between = f"the relation from {region.get('from_id')!r} to {region.get('to_id')!r}"
        labels = _labels(region)
        if head is None or tail is None:
            self.problems.append(f"{between} joins something that is no entity")
            return
        if not labels:
            self.problems.append(f"{between} has no label")
            return
        direction = region.get("direction", "right")
        if direction not in ("left", "right", "bi"):
            self.problems.append(f"{between} has the unknown direction {direction!r}; it was taken for 'right'")
        if direction == "left":
            head, tail = tail, head
        self.relations.append(
            Relation(
                id=f"r{len(self.relations) + 1}",
                label=labels[0],
                head=head,
                tail=tail,
                directed=direction != "bi",
                extras=_relation_extras(region, labels),
            )
        )

    def _unique(self, region_id: str, name: str) -> str:
        if region_id in self._region_ids:
            self.problems.append(f"{name} shares its id with another")
            return self._unused(f"{region_id}+2")
        return region_id

    def _unused(self, wanted: str) -> str:
        known = self._region_ids | {piece.id for piece in self._pieces}
        while wanted in known:
            wanted += "+"
        return wanted


def _split(region_id: str) -> tuple[str | None, int | None]:
    """The entity's id and the piece's number, if the region's id is that of a piece."""
    found = _PIECE.fullmatch(region_id)
    return (found[1], int(found[2])) if found else (None, None)


def _origin(pieces: Sequence[_Piece]) -> str | None:
    origins = {piece.origin for piece in pieces}
    if len(origins) == 1:
        return origins.pop()
    return "prediction-changed" if origins & {"prediction", "prediction-changed"} else "manual"


def _labels(value: Mapping[str, Any]) -> list[str]:
    labels = value.get("labels")
    return [str(label) for label in labels] if isinstance(labels, list) else []


def _concepts(region: Mapping[str, Any]) -> tuple[Concept, ...]:
    """The concepts that a region's ``meta`` carries, where it came from :func:`regions_of`."""
    meta = region.get("meta")
    stated = meta.get("concepts") if isinstance(meta, Mapping) else None
    concepts = []
    for pair in stated if isinstance(stated, list) else []:
        match pair:
            case [str(database), str(identifier)]:
                concepts.append(Concept(database, identifier))
    return tuple(concepts)


def _relation_extras(region: Mapping[str, Any], labels: list[str]) -> dict[str, Any]:
    extras: dict[str, Any] = {"labels": labels} if len(labels) > 1 else {}
    match region.get(CONCEPTS):
        case [str(head), str(tail)]:
            extras[CONCEPTS] = [head, tail]
    return extras


def _offset(value: object) -> int | None:
    """A whole number, however it is written; None if it is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and re.fullmatch(r"\d{1,9}", value):
        return int(value)
    return None
