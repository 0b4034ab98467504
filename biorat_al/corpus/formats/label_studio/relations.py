"""Conversion between relations of entities and Label Studio's relations of regions, as annotators draw them.

In Label Studio an annotator can draw a relation from any region to any other, with any number of labels, or none, and
can reverse it. The project's relation types decide what it means: they say which entity types each label joins. If they
leave something open, or do not permit it, a sentence reports it; nothing is lost without one.

The pieces of a discontinuous mention are regions, joined in a row by relations with the label
:data:`~biorat_al.settings.SAME_MENTION`, which is not a relation of the project.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, product
from typing import Any

from biorat_al.corpus.model.concept_relations import CONCEPTS
from biorat_al.corpus.model.document import Entity, Relation
from biorat_al.settings import SAME_MENTION, RelationType

WITHOUT_LABEL = "relations_without_label"
"""Key of an annotation's extras: relations whose label is unknown, ``{"head": …, "tail": …}``."""

SCORE = "score"
"""Key of a relation's extras: the confidence in [0, 1] of the model that proposed it."""

NO_ENTITY = "ends at something that is not an entity, or no longer exists; it was left out"

Region = Mapping[str, Any]
_Pair = tuple[Entity, Entity]


@dataclass(frozen=True, slots=True)
class Link:
    """A relation in an answer.

    :param start: id of the region from which it was drawn; `end` is the region to which it was drawn.
    :param direction: ``right``, ``left`` or ``bi``.
    :param labels: each once; empty if the annotator chose none.
    """

    start: str
    end: str
    direction: str
    labels: tuple[str, ...]
    region: Region

    def to_other_labels(self) -> Link:
        """Return the same relation without the label that joins pieces."""
        others = tuple(label for label in self.labels if label != SAME_MENTION)
        return Link(self.start, self.end, self.direction, others, self.region)


def link_of(region: Region) -> Link:
    """Return the relation in a region of the type ``relation``."""
    return Link(
        str(region.get("from_id")),
        str(region.get("to_id")),
        str(region.get("direction", "right")),
        tuple(dict.fromkeys(labels_of(region))),
        region,
    )


def labels_of(value: Region) -> list[str]:
    """Return the labels of a region's value or of a relation."""
    labels = value.get("labels")
    return [str(label) for label in labels] if isinstance(labels, list) else []


def described(link: Link, surface: Callable[[str], str | None]) -> str:
    """Describe a link as part of a sentence.

    :param surface: returns the text of a region by its id; None if there is no such region.
    """

    def end(region_id: str) -> str:
        found = surface(region_id)
        return f"the region {region_id!r}" if found is None else repr(found)

    label = "".join(f"{label!r} " for label in link.labels)
    return f"the relation {label}from {end(link.start)} to {end(link.end)}"


def relation_regions(relations: Iterable[Relation], region_of: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the regions to send to Label Studio for `relations`.

    :param region_of: entity id → id of the region to which the entity's relations are attached.
    """
    regions = []
    for relation in relations:
        region = _region(region_of[relation.head], region_of[relation.tail], relation.label, relation.directed)
        region |= {key: relation.extras[key] for key in (SCORE, CONCEPTS) if key in relation.extras}
        regions.append(region)
    return regions


def joining_regions(pieces: Sequence[str]) -> list[dict[str, Any]]:
    """Return the relations that join the pieces of one mention in a row; `pieces` are the ids of their regions."""
    return [_region(one, following, SAME_MENTION, True) for one, following in pairwise(pieces)]


def _region(start: str, end: str, label: str, directed: bool) -> dict[str, Any]:
    direction = "right" if directed else "bi"
    return {"type": "relation", "from_id": start, "to_id": end, "direction": direction, "labels": [label]}


@dataclass
class LabelStudioRelationReader:
    """Convert links between regions to relations between entities.

    :param text: the document's text.
    :param entities: region id → its entities; a region with several labels has several.
    :param types: the project's relation types; empty: every relation is accepted as drawn.
    """

    text: str
    entities: Mapping[str, Sequence[Entity]]
    types: Sequence[RelationType] = ()
    relations: list[Relation] = field(default_factory=list)
    without_label: list[dict[str, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    _known: set[tuple[Any, ...]] = field(default_factory=set)

    def read(self, link: Link) -> None:
        """Add the relations of a link, one for each of its labels."""
        heads, tails = self.entities.get(link.start, ()), self.entities.get(link.end, ())
        name = described(link, self._surface)
        if not heads or not tails:
            self.problems.append(f"{name} {NO_ENTITY}")
            return
        if link.direction not in ("left", "right", "bi"):
            self.problems.append(f"{name} has the unknown direction {link.direction!r}; it was taken for 'right'")
        if link.direction == "left":
            heads, tails = tails, heads
        pairs = list(product(heads, tails))
        apart = [(head, tail) for head, tail in pairs if head.id != tail.id]
        labels = link.labels or self._only_label(apart)
        if not labels:
            head, tail = pairs[0]
            self.problems.append(
                f"{name} has no label, and the types {head.label!r} and {tail.label!r} do not tell which is meant"
            )
            self.without_label.append({"head": head.id, "tail": tail.id})
        for label in labels:
            self._read_label(label, apart or pairs, link, name)

    def _surface(self, region_id: str) -> str | None:
        found = self.entities.get(region_id)
        return found[0].surface(self.text) if found else None

    def _only_label(self, pairs: Sequence[_Pair]) -> tuple[str, ...]:
        """Return the only label that can join such a pair in either direction; empty if there are several or none."""
        fitting = {
            relation.name
            for relation in self.types
            for head, tail in pairs
            if relation.joins(head.label, tail.label) or relation.joins(tail.label, head.label)
        }
        return tuple(fitting) if len(fitting) == 1 else ()

    def _read_label(self, label: str, pairs: Sequence[_Pair], link: Link, name: str) -> None:
        types = [relation for relation in self.types if relation.name == label]
        (head, tail), directed = pairs[0], link.direction != "bi"
        if self.types and head.id == tail.id:
            self.problems.append(f"{name} joins a mention with itself; it was kept")
        elif types:
            drawn = _fitting(types, pairs)
            turned = _fitting(types, [(other, one) for one, other in pairs])
            if not drawn and not turned:
                self.problems.append(
                    f"{name}: {label!r} is not one of the project's relations between {head.label!r} and "
                    f"{tail.label!r}; it was kept"
                )
                directed = directed and not types[0].symmetric
            elif types[0].symmetric:
                (head, tail), directed = (drawn or turned)[0], False
            elif not directed and drawn and turned:
                self.problems.append(f"{name} was drawn without a direction, and can have either; it was kept without")
            else:
                # the annotator cannot have meant the direction that its types do not permit
                (head, tail), directed = (drawn or turned)[0], True
        elif self.types:
            self.problems.append(f"{name} has the label {label!r}, which the project does not know; it was kept")
        self._add(label, head, tail, directed, link)

    def _add(self, label: str, head: Entity, tail: Entity, directed: bool, link: Link) -> None:
        if self.types:
            ends = (head.id, tail.id) if directed else tuple(sorted((head.id, tail.id)))
            key = (label, directed, ends)
            if key in self._known:
                return
            self._known.add(key)
        ident = f"r{len(self.relations) + 1}"
        turned = head.id not in {entity.id for entity in self.entities[link.start]}
        self.relations.append(Relation(ident, label, head.id, tail.id, directed, _extras(link.region, turned)))


def _fitting(types: Iterable[RelationType], pairs: Sequence[_Pair]) -> list[_Pair]:
    return [(head, tail) for relation in types for head, tail in pairs if relation.joins(head.label, tail.label)]


def _extras(region: Region, turned: bool) -> dict[str, Any]:
    extras: dict[str, Any] = {}
    score = region.get(SCORE)
    if isinstance(score, (int, float)) and not isinstance(score, bool):
        extras[SCORE] = score
    match region.get(CONCEPTS):
        case [str(head), str(tail)]:
            # the concepts stay with their ends, even if an annotator reversed the relation
            extras[CONCEPTS] = [tail, head] if turned else [head, tail]
    return extras
