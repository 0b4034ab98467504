"""Reading of the relations of a BioC document, which come in many shapes.

- Two nodes that are annotations of the document: a relation between mentions. The label is the infon ``relation``, or
  else ``type``; the infon ``directed`` with the value ``false`` makes it undirected.
- Ends in the infons: a relation between concepts. Its ends are ``role1`` and ``role2`` (PubTator 3, where they are
  objects or ``Chemical|MESH:D009270``, and the only node is not an annotation), ``entity1`` and ``entity2`` (BioRED) or
  another such pair, the only two infons besides the label (BC5CDR), or the only two that are concepts of mentions.
- Two nodes that are not annotations, but concepts of mentions: a relation between these.
- Any other relation is kept as it is.

Other infons of a relation are kept with it. A relation is broken if it refers to an annotation that does not exist, or
to an id that several annotations have.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from biorat_al.corpus.formats.base import Reading
from biorat_al.corpus.model.concept_relations import concept_names
from biorat_al.corpus.model.concepts import NO_CONCEPT
from biorat_al.corpus.model.document import ConceptRelation, Entity, Relation
from biorat_al.errors import FormatError

DIRECTED = "directed"
"""Infon that says whether a relation is directed."""

NODES = "nodes"
"""Property of a relation between concepts: nodes that are not its ends, or that repeat them."""

ROLES = ("role1", "role2")
ENTITIES = ("entity1", "entity2")
_PAIRS = (
    ROLES, ENTITIES, ("entity_1", "entity_2"), ("arg1", "arg2"), ("head", "tail"), ("subject", "object"),
    ("source", "target"), ("concept1", "concept2"), ("identifier1", "identifier2"), ("id1", "id2"),
)  # fmt: skip
"""Names, in lower case, of infons that are the ends of a relation."""

_NO_ENDS = frozenset(
    {"novel", "score", "confidence", "probability", "annotator", "updated_at", "note", "evidence", DIRECTED}
)
_TYPED = re.compile(r"([A-Za-z_]{2,})\|(.+)", re.DOTALL)
"""An identifier after its type; a variant begins with one letter."""

Place = tuple[int, ...]


class Referent(NamedTuple):
    """An annotation that relations can refer to.

    :param place: numbers of its passage and sentence.
    :param ident: its id in the record, empty if another one has it.
    :param state: ``located``, ``unlocated`` or ``left out``.
    """

    place: Place
    ident: str
    state: str


class AnnotationIndex:
    """An index of a document's annotations by their ids, which may be unique only within a passage."""

    def __init__(self) -> None:
        self._by_id: defaultdict[str, list[Referent]] = defaultdict(list)
        self._taken: set[str] = set()

    def add(self, ident: str, place: Place, own: str, state: str) -> None:
        """Add an annotation under the id that it has in the file, if it has one."""
        if ident:
            self._by_id[ident].append(Referent(place, own, state))
        self._taken.add(own)

    def has(self, ident: str) -> bool:
        """Return whether an annotation with this id was added."""
        return ident in self._by_id

    def is_at(self, ident: str, place: Place) -> bool:
        """Return whether an annotation with this id was added at exactly this place."""
        return any(annotated.place == place for annotated in self._by_id.get(ident, ()))

    def free(self, ident: str, stated: Iterable[str]) -> str:
        """Return the id, or the first with a number after it, that is neither taken nor in `stated`."""
        name, number = ident, 1
        while name in self._taken or name in stated:
            number += 1
            name = f"{ident}-{number}"
        return name

    def find(self, ident: str, place: Place) -> list[Referent]:
        """Return the annotations that an id means at a place: those inside it, else in the nearest part around it."""
        candidates = self._by_id.get(ident, [])
        for depth in range(len(place), -1, -1):
            near = [annotated for annotated in candidates if annotated.place[:depth] == place[:depth]]
            if near:
                return near
        return []


class BioCRelationReader:
    """A reader of the relations of one document.

    :param values: the relations, each with the numbers of its passage and sentence.
    :param index: the annotations that relations can refer to.
    :param wrong: makes the error for a fault in a relation.
    :ivar between_concepts: relations between concepts, each with its properties.
    :ivar others: relations of other shapes, as in BioC JSON.
    """

    def __init__(
        self,
        values: Sequence[tuple[Mapping[str, Any], Place]],
        entities: Sequence[Entity],
        index: AnnotationIndex,
        reading: Reading,
        wrong: Callable[[Mapping[str, Any], str], FormatError],
    ) -> None:
        self._values = values
        self._index = index
        self._reading = reading
        self._wrong = wrong
        self._concepts = {name for entity in entities for name in concept_names(entity)}
        self._ids: dict[int, str] = {}
        self._named: defaultdict[str, list[tuple[Place, str]]] = defaultdict(list)
        self._broken: set[str] = set()
        self.relations: list[Relation] = []
        self.between_concepts: list[tuple[ConceptRelation, dict[str, Any]]] = []
        self.others: list[dict[str, Any]] = []

    def read(self) -> None:
        """Read all relations into the attributes.

        :raises FormatError: one is broken and nothing may be left out.
        """
        self._name()
        broken = self._broken
        for number, (value, place) in enumerate(self._values):
            if number in self._ids:
                try:
                    self._one(self._ids[number], value, place)
                except FormatError as error:
                    broken.add(self._ids[number])
                    self._reading.leave_out("relations to annotations that are not there", error)
        # a relation that refers to a broken relation is left out too
        while True:
            whole = [other for other in self.others if broken.isdisjoint(node["refid"] for node in other["nodes"])]
            if len(whole) == len(self.others):
                return
            broken |= {other["id"] for other in self.others} - {other["id"] for other in whole}
            self._reading.report.relations_left_out += len(self.others) - len(whole)
            self.others = whole

    def _name(self) -> None:
        """Give each complete relation a unique id."""
        stated = {value["id"] for value, _ in self._values if value["id"]}
        taken: set[str] = set()
        for number, (value, place) in enumerate(self._values):
            ident = value["id"] or f"R{number + 1}"
            try:
                if "error" in value:
                    raise value["error"]
                if any(at == place for at, _ in self._named.get(ident, ())):
                    raise self._wrong(value, f"two relations have the id {ident!r}")
            except FormatError as error:
                self._broken.add(ident)
                self._reading.leave_out("relations that are not complete", error)
                continue
            own, again = ident, 1
            while own in taken or (own in stated and (own != ident or not value["id"])):
                again += 1
                own = f"{ident}-{again}"
            taken.add(own)
            self._named[ident if value["id"] else own].append((place, own))
            self._ids[number] = own

    def _one(self, ident: str, value: Mapping[str, Any], place: Place) -> None:
        infons = dict(value["infons"])
        label = (_text(infons.pop("relation", "")) or _text(infons.pop("type", ""))).strip()
        stated = ends_of(infons, self._concepts, named_only=bool(value["nodes"]))
        nodes: list[tuple[str, str, str]] = []
        failed: FormatError | None = None
        try:
            nodes = [(*self._meant(value, ident, node["refid"], place), node["role"]) for node in value["nodes"]]
        except FormatError as error:
            failed = error
        located = [state for _, state, _ in nodes] == ["located"] * 2
        if label and stated is None and failed is not None:
            stated = self._ends_of_nodes(value["nodes"], infons)
        if label and stated is not None and not located and len(nodes) < 3:
            head, tail, rest = stated
            held = [{"refid": node["refid"], "role": node["role"]} for node in value["nodes"]]
            properties = {**rest, NODES: held} if held else rest
            self.between_concepts.append((ConceptRelation(label, head, tail), properties))
        elif failed is not None:
            raise failed
        elif any(state == "left out" for _, state, _ in nodes):
            self._broken.add(ident)
            self._reading.report.relations_left_out += 1
        elif label and located:
            directed = infons.get(DIRECTED) != "false"
            if not directed:
                del infons[DIRECTED]
            roles = [role for *_, role in nodes]
            extras = {**infons, "roles": roles} if any(roles) else infons
            self.relations.append(Relation(ident, label, nodes[0][0], nodes[1][0], directed, extras))
        else:
            kept = [{"refid": own, "role": role} for own, _, role in nodes]
            self.others.append({"id": ident, "infons": value["infons"], "nodes": kept})

    def _meant(self, value: Mapping[str, Any], ident: str, refid: str, place: Place) -> tuple[str, str]:
        """Return the id and the state of the annotation, or relation, that a node refers to.

        :raises FormatError: no annotation, or several, have that id.
        """
        found = self._index.find(refid, place)
        if len(found) > 1:
            raise self._wrong(
                value,
                f"the relation {ident!r} refers to the annotation {refid!r}, and {len(found)} annotations have that id",
            )
        if found:
            return found[0].ident, found[0].state
        others = [own for _, own in self._named.get(refid, ())]
        if len(others) != 1:
            raise self._wrong(value, f"the relation {ident!r} refers to the annotation {refid!r}, which is not there")
        return others[0], "relation"

    def _ends_of_nodes(
        self, nodes: Sequence[Mapping[str, str]], infons: Mapping[str, Any]
    ) -> tuple[str, str, dict[str, Any]] | None:
        """Return two nodes that name concepts instead of annotations, with the infons; None for other nodes."""
        ends = [node["refid"].strip() for node in nodes]
        if len(ends) != 2 or any(end in NO_CONCEPT or end not in self._concepts for end in ends):
            return None
        return ends[0], ends[1], dict(infons)


def ends_of(
    infons: Mapping[str, Any], concepts: set[str], *, named_only: bool = False
) -> tuple[str, str, dict[str, Any]] | None:
    """Return the two ends of a relation between concepts and the other infons; None without ends.

    :param infons: the relation's infons without the label.
    :param concepts: names of the concepts that mentions of the document are linked to.
    :param named_only: accept only infons whose name says that they are ends.
    """
    keys = {key.casefold(): key for key in infons}
    for first, second in _PAIRS:
        if first in keys and second in keys:
            head, tail = (_end(infons[keys[name]]) for name in (first, second))
            if head is None or tail is None:
                continue
            ends = {keys[first]: head, keys[second]: tail}
            return head, tail, {key: value for key, value in infons.items() if ends.get(key) != value}
    others = {key: value for key, value in infons.items() if key.casefold() not in _NO_ENDS}
    candidates = {key: value.strip() for key, value in others.items() if isinstance(value, str)}
    if len(others) != 2:
        candidates = {key: end for key, end in candidates.items() if end in concepts}
    if named_only or len(candidates) != 2 or any(end in NO_CONCEPT for end in candidates.values()):
        return None
    head, tail = candidates.values()
    return head, tail, {key: value for key, value in infons.items() if key not in candidates}


def typed(value: object) -> str | None:
    """Return an end given as an object in the notation of PubTator 3's XML, ``Chemical|MESH:D009270``, else None."""
    match value:
        case {"type": str(kind), "identifier": str(ident)} if _TYPED.fullmatch(f"{kind}|{ident}"):
            return f"{kind}|{ident}"
    return None


def _end(value: object) -> str | None:
    """Return the identifier that an end names, or None."""
    match value:
        case {"identifier": (str() | int()) as ident}:
            found = _text(ident)
        case str() | int():
            found = _text(value)
            prefixed = _TYPED.fullmatch(found)
            found = prefixed.group(2) if prefixed else found
        case _:
            return None
    return None if found.strip() in NO_CONCEPT else found.strip()


def _text(value: object) -> str:
    return "" if value is None or isinstance(value, bool) else str(value)
