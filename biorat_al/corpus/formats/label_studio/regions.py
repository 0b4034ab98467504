"""Conversion between entities and Label Studio's regions.

Both count Unicode code points, end exclusive, in the stored text. A region's own ``text`` cannot be trusted (line ends
come back as a backslash and an ``n``), so only offsets are used.

A region covers one stretch of text. A discontinuous entity ``e`` is sent as the regions ``e--j1``, ``e--j2``, …, joined
in a row by relations with the label :data:`~biorat_al.settings.SAME_MENTION`. Regions that are still joined in an
annotator's answer come back as one entity. If the labelling configuration does not have that label, the pieces are
``e--1``, ``e--2``, …: they are one entity as long as they keep their label, since nobody can say otherwise. A region
with several labels comes back as several entities. An annotator's text beside a region (``meta.text``) is the entity's
note (:mod:`biorat_al.corpus.model.notes`).

The front end writes a region's id into a style sheet without escaping it. With any other character than letters,
digits, ``-`` and ``_``, the region exists but is invisible in the text. Such characters are sent as their number
(``_x7e_``).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from biorat_al.corpus.formats.label_studio.relations import (
    NO_ENTITY,
    WITHOUT_LABEL,
    LabelStudioRelationReader,
    Link,
    described,
    joining_regions,
    labels_of,
    link_of,
    relation_regions,
)
from biorat_al.corpus.model.checks import ORIGINS
from biorat_al.corpus.model.document import Annotation, Concept, Entity, Relation, Span
from biorat_al.corpus.model.notes import NOTE, joined_notes, note_of
from biorat_al.settings import SAME_MENTION, RelationType

_PIECE = re.compile(r"(.+)--(j?)(\d+)")
_ESCAPE = re.compile(r"_x([0-9a-f]{1,6})_")

Result = list[dict[str, Any]]


def regions_of(
    entities: Sequence[Entity],
    text: str,
    control: str,
    to_name: str,
    relations: Sequence[Relation] = (),
    *,
    joined: bool = True,
) -> Result:
    """Return the regions for `entities`, and for the relations between them.

    :param control: name of the control that has the labels.
    :param to_name: name of the text that it labels.
    :param relations: relations between `entities`; one of a discontinuous mention is attached to its first piece.
    :param joined: whether relations join the pieces of discontinuous mentions; if not, only their ids do.
    """
    regions: Result = []
    joints: Result = []
    first: dict[str, str] = {}
    for entity in entities:
        ids = _region_ids(entity, joined)
        first[entity.id] = ids[0]
        for region_id, (start, end) in zip(ids, entity.spans, strict=True):
            region: dict[str, Any] = {
                "id": region_id,
                "from_name": control,
                "to_name": to_name,
                "type": "labels",
                "value": {"start": start, "end": end, "text": text[start:end], "labels": [entity.label]},
            }
            if entity.score is not None:
                region["score"] = entity.score
            if entity.origin is not None:
                region["origin"] = entity.origin
            if meta := _meta(entity):
                region["meta"] = meta
            regions.append(region)
        if joined:
            joints += joining_regions(ids)
    return [*regions, *joints, *relation_regions(relations, first)]


def _meta(entity: Entity) -> dict[str, Any]:
    meta: dict[str, Any] = {}
    if entity.concepts:
        meta["concepts"] = [list(concept) for concept in entity.concepts]
    if note := note_of(entity.extras):
        meta["text"] = [note]
    return meta


def _region_ids(entity: Entity, joined: bool) -> list[str]:
    visible = entity.id
    if not re.fullmatch(r"[A-Za-z0-9_-]+", visible) or _ESCAPE.search(visible):
        visible = re.sub(r"[^A-Za-z0-9-]", lambda found: f"_x{ord(found[0]):x}_", visible)
    if entity.is_discontinuous:
        return [f"{visible}--{'j' if joined else ''}{number}" for number, _ in enumerate(entity.spans, start=1)]
    # an id that looks like the id of a piece must not be read as one
    return [f"{visible}--0" if _PIECE.fullmatch(visible) else visible]


def _entity_id(region_id: str) -> str:
    def character(found: re.Match[str]) -> str:
        number = int(found[1], 16)
        return chr(number) if number <= sys.maxunicode else found[0]

    return _ESCAPE.sub(character, region_id)


def annotation_of(
    result: object,
    text: str,
    control: str | None = None,
    labels: Collection[str] = (),
    relations: Sequence[RelationType] = (),
) -> tuple[Annotation, tuple[str, ...]]:
    """Read an answer's result; return the annotation, and a sentence for each problem.

    :param control: the control that has the entity labels; None: any control.
    :param labels: the project's labels; other labels are kept and reported. Empty: every label is accepted.
    :param relations: the project's relation types. They decide what a relation means that was drawn without a label or
        the wrong way round; see :mod:`biorat_al.corpus.formats.label_studio.relations`. Empty: every one is accepted.
    """
    reader = _Reader(text, control, labels)
    if not isinstance(result, list):
        return Annotation(), ("the answer's result is not a list of regions",)
    regions = [region for region in result if isinstance(region, Mapping)]
    if len(regions) < len(result):
        reader.problems.append("a part of the answer is not a region")
    for region in regions:
        if region.get("type") != "relation":
            reader.read_region(region)
    links = [link_of(region) for region in regions if region.get("type") == "relation"]
    other_links = reader.join(links)
    entities = reader.entities()
    related = LabelStudioRelationReader(text, reader.entities_of_regions(), relations)
    for link in other_links:
        related.read(link)
    annotation = Annotation(
        entities=entities,
        relations=tuple(related.relations),
        extras={WITHOUT_LABEL: related.without_label} if related.without_label else {},
    )
    return annotation, (*reader.problems, *related.problems)


@dataclass(eq=False, slots=True)
class _Piece:
    """A stretch of text with one label.

    :param base: the id of its mention, taken from its own id; for a whole mention, its own id.
    :param number: its number among the pieces of that mention, taken from its id.
    """

    id: str
    base: str
    number: int | None
    label: str
    span: Span
    score: float | None
    origin: str | None
    concepts: tuple[Concept, ...]
    note: str


@dataclass
class _Reader:
    text: str
    control: str | None
    labels: Collection[str]
    problems: list[str] = field(default_factory=list)
    _pieces: list[_Piece] = field(default_factory=list)
    _of_region: dict[str, list[_Piece]] = field(default_factory=dict)
    _mention_of: dict[str, list[_Piece]] = field(default_factory=dict)
    _held_by_id: dict[tuple[str, str], _Piece] = field(default_factory=dict)
    _entity_of: dict[str, Entity] = field(default_factory=dict)

    def read_region(self, region: Mapping[str, Any]) -> None:
        """Add the pieces of a region, one for each of its labels."""
        name = f"region {region.get('id')!r}"
        value = region.get("value")
        if region.get("type") != "labels" or not isinstance(value, Mapping):
            self.problems.append(f"{name} is of the type {region.get('type')!r}, which is not an entity")
            return
        if self.control is not None and region.get("from_name") != self.control:
            self.problems.append(f"{name} belongs to {region.get('from_name')!r}, which carries no entity labels")
            return
        start, end = _offset(value.get("start")), _offset(value.get("end"))
        if start is None or end is None or not 0 <= start < end <= len(self.text):
            self.problems.append(
                f"{name} is at {value.get('start')!r} to {value.get('end')!r}, "
                f"which is not a stretch of the text of {len(self.text)} characters"
            )
            return
        chosen = labels_of(value)
        if not chosen:
            self.problems.append(f"{name} at {start}-{end} has no label")
        region_id = self._unique(str(region.get("id") or f"{start}-{end}"), name)
        self._of_region[region_id] = []
        score = region.get("score")
        for place, label in enumerate(dict.fromkeys(chosen)):
            if self.labels and label not in self.labels:
                self.problems.append(
                    f"{name} at {start}-{end} has the label {label!r}, which the project does not know"
                )
            ident = region_id if place == 0 else self._unused(f"{region_id}+{place}")
            named = _PIECE.fullmatch(region_id) if place == 0 else None
            piece = _Piece(
                id=ident,
                base=named[1] if named else ident,
                number=int(named[3]) if named else None,
                label=label,
                span=Span(start, end),
                score=float(score) if isinstance(score, (int, float)) and not isinstance(score, bool) else None,
                origin=region["origin"] if region.get("origin") in ORIGINS else None,
                concepts=_concepts(region),
                note=_note(region),
            )
            self._pieces.append(piece)
            self._of_region[region_id].append(piece)
            self._mention_of[ident] = [piece]
            if named and not named[2]:
                # no relation was sent that an annotator could have removed: the ids decide
                self._unite(self._held_by_id.setdefault((piece.base, label), piece), piece)

    def join(self, links: Iterable[Link]) -> list[Link]:
        """Unite pieces that links join into one mention; return the links that have another meaning."""
        others = []
        for link in links:
            if SAME_MENTION in link.labels or (not link.labels and _of_one_mention(link)):
                self._join(link)
                link = link.to_other_labels()
                if not link.labels:
                    continue
            others.append(link)
        return others

    def entities(self) -> tuple[Entity, ...]:
        """Return the entities, in the order of their first region."""
        entities: list[Entity] = []
        taken: set[str] = set()
        for piece in self._pieces:
            if piece.id in self._entity_of:
                continue
            pieces = _in_order(self._mention_of[piece.id])
            entity_id = _entity_id(next((one.base for one in pieces if one.number is not None), pieces[0].base))
            # for example the pieces of a mention, after an annotator has separated them
            while entity_id in taken:
                entity_id += "+"
            taken.add(entity_id)
            scores = [one.score for one in pieces if one.score is not None]
            note = joined_notes(one.note for one in pieces)
            entity = Entity(
                id=entity_id,
                label=piece.label,
                spans=tuple(one.span for one in pieces),
                concepts=next((one.concepts for one in pieces if one.concepts), ()),
                score=min(scores) if scores else None,
                origin=_origin(pieces),
                extras={NOTE: note} if note else {},
            )
            entities.append(entity)
            self._entity_of.update((one.id, entity) for one in pieces)
        return tuple(entities)

    def entities_of_regions(self) -> dict[str, list[Entity]]:
        """Return the entities of each region, whole or in part; call it after :meth:`entities`."""
        return {name: [self._entity_of[piece.id] for piece in pieces] for name, pieces in self._of_region.items()}

    def _join(self, link: Link) -> None:
        starts, ends = self._of_region.get(link.start, ()), self._of_region.get(link.end, ())
        if not starts or not ends:
            self.problems.append(f"{described(link, self._surface)} {NO_ENTITY}")
            return
        same = [(one, other) for one in starts for other in ends if one.label == other.label]
        for one, other in same:
            self._unite(one, other)
        if not same:
            self.problems.append(
                f"{described(link, self._surface)} joins {starts[0].label!r} and {ends[0].label!r}; "
                "they were kept as two mentions"
            )

    def _surface(self, region_id: str) -> str | None:
        pieces = self._of_region.get(region_id)
        return self.text[slice(*pieces[0].span)] if pieces else None

    def _unite(self, one: _Piece, other: _Piece) -> None:
        mention, joining = self._mention_of[one.id], self._mention_of[other.id]
        if mention is not joining:
            mention += joining
            self._mention_of.update((piece.id, mention) for piece in joining)

    def _unique(self, region_id: str, name: str) -> str:
        if region_id in self._of_region:
            self.problems.append(f"{name} shares its id with another")
            return self._unused(f"{region_id}+2")
        return region_id

    def _unused(self, wanted: str) -> str:
        known = {*self._of_region, *self._mention_of}
        while wanted in known:
            wanted += "+"
        return wanted


def _of_one_mention(link: Link) -> bool:
    """Return whether both ends were sent as joined pieces of one mention.

    A relation between them without a label had one until somebody removed that from the labelling configuration.
    """
    one, other = (_PIECE.fullmatch(end) for end in (link.start, link.end))
    return one is not None and other is not None and bool(one[2] and other[2]) and one[1] == other[1]


def _in_order(pieces: Sequence[_Piece]) -> list[_Piece]:
    """Return the pieces of a mention in the order of the numbers in their ids, else in the order of the text."""
    if len({piece.base for piece in pieces}) == 1:
        return sorted(pieces, key=lambda piece: piece.number or 0)
    return sorted(pieces, key=lambda piece: piece.span)


def _origin(pieces: Sequence[_Piece]) -> str | None:
    origins = {piece.origin for piece in pieces}
    if len(origins) == 1:
        return origins.pop()
    return "prediction-changed" if origins & {"prediction", "prediction-changed"} else "manual"


def _concepts(region: Mapping[str, Any]) -> tuple[Concept, ...]:
    """Return the concepts in a region's ``meta``, where :func:`regions_of` puts them."""
    meta = region.get("meta")
    stated = meta.get("concepts") if isinstance(meta, Mapping) else None
    concepts = []
    for pair in stated if isinstance(stated, list) else []:
        match pair:
            case [str(database), str(identifier)]:
                concepts.append(Concept(database, identifier))
    return tuple(concepts)


def _note(region: Mapping[str, Any]) -> str:
    """Return what an annotator wrote beside a region."""
    meta = region.get("meta")
    text = meta.get("text") if isinstance(meta, Mapping) else None
    texts = text if isinstance(text, list) else [text]
    return joined_notes(part for part in texts if isinstance(part, str))


def _offset(value: object) -> int | None:
    """Parse an integer; return None if it is not one."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and re.fullmatch(r"\d{1,9}", value):
        return int(value)
    return None
