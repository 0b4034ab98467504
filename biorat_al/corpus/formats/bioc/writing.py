"""Records as BioC documents, in the JSON values of BioC JSON: the inverse of
:mod:`biorat_al.corpus.formats.bioc.reading`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from biorat_al.corpus.formats import losses
from biorat_al.corpus.formats.base import WriteReport
from biorat_al.corpus.formats.bioc.reading import CONCEPT_INFONS, WIDEST_GAP, concepts_in
from biorat_al.corpus.formats.bioc.relations import DIRECTED, ENTITIES, NODES, ROLES, ends_of, typed
from biorat_al.corpus.formats.writing import stripped
from biorat_al.corpus.model.concept_relations import PROPERTIES, properties_of
from biorat_al.corpus.model.concepts import NO_CONCEPT, join_identifiers, says_more, spelled
from biorat_al.corpus.model.document import (
    Annotation,
    Concept,
    ConceptRelation,
    Document,
    Entity,
    Passage,
    Relation,
    Span,
)

REST = "other"
"""Type of a passage made from text between the document's own passages."""

_KEPT = (
    losses.PASSAGES, losses.METADATA, losses.NOT_LOOKED, losses.CONCEPT_LINKS, losses.MENTION_PROPERTIES,
    losses.RELATIONS, losses.CONCEPT_RELATIONS, losses.UNDIRECTED, losses.RELATION_PROPERTIES, losses.FURTHER,
    losses.CONCEPT_PROPERTIES,
)  # fmt: skip


class BioCWriter:
    """A writer of documents as JSON values.

    :param text_only: whether an infon can only be text (XML), not any JSON value.
    """

    def __init__(self, report: WriteReport, *, text_only: bool) -> None:
        self._report = report
        self._text_only = text_only

    def document(self, document: Document, annotation: Annotation | None) -> dict[str, Any]:
        """Return the values of a valid record; count what BioC cannot hold."""
        losses.count_losses(self._report, document, annotation, keeps=_KEPT)
        parts = list(self._parts(document))
        metadata = dict(document.metadata)
        of_passages = self._passage_infons(document, metadata.pop("passage_infons", None))
        sentences = self._sentences(document, metadata.pop("sentences", None))
        passages = []
        for part, own in parts:
            infons = {"type": part.kind, **(of_passages[own] if own is not None else {})}
            inside = sentences.get(own, []) if own is not None else []
            passages.append(
                {
                    "offset": part.start,
                    "infons": infons,
                    "text": None if inside else document.text[part.start : part.end],
                    "sentences": [_sentence(document.text, span) for span in inside],
                    "annotations": [],
                    "relations": [],
                }
            )
        value: dict[str, Any] = {
            "id": document.id,
            "infons": self._held(metadata, losses.METADATA),
            "passages": passages,
            "annotations": [],
            "relations": [],
        }
        self._report.lose("white space around ids of documents", document.id != document.id.strip())
        if annotation is not None:
            self._annotate(value, annotation, document.text)
        return value

    def _parts(self, document: Document) -> Iterator[tuple[Passage, int | None]]:
        """Yield passages that cover the text, each with its number among the document's own passages, or None."""
        last = 0
        for number, passage in enumerate(document.passages):
            if not _is_gap(document.text[last : passage.start]):
                self._report.lose("text outside of passages (became a passage)")
                yield Passage(REST, last, passage.start), None
            yield passage, number
            last = passage.end
        if last < len(document.text):
            kind = "documents without passages (got one)" if last == 0 and not document.passages else None
            self._report.lose(kind or "text outside of passages (became a passage)")
            yield Passage("passage" if kind else REST, last, len(document.text)), None

    def _passage_infons(self, document: Document, infons: Any) -> list[dict[str, Any]]:
        nothing: list[dict[str, Any]] = [{} for _ in document.passages]
        if infons is None:
            return nothing
        if not isinstance(infons, list) or len(infons) != len(nothing) or not all(isinstance(i, dict) for i in infons):
            self._report.lose(losses.METADATA)
            return nothing
        return [self._held(of_passage, losses.METADATA, {"type"}) for of_passage in infons]

    def _sentences(self, document: Document, spans: Any) -> dict[int, list[Span]]:
        """Return the sentences of each passage, if together they cover the passages' text; else nothing."""
        if spans is None:
            return {}
        inside: defaultdict[int, list[Span]] = defaultdict(list)
        try:
            sentences = [Span(int(start), int(end)) for start, end in spans]
        except (TypeError, ValueError):
            sentences = []
        number = 0
        for span in sentences:
            while number < len(document.passages) and document.passages[number].end < span.end:
                number += 1
            if number < len(document.passages):
                inside[number].append(span)
        cover = sum(map(len, inside.values())) == len(sentences) > 0 and all(
            _covers(document.text, document.passages[passage], own) for passage, own in inside.items()
        )
        if not cover:
            self._report.lose("borders of sentences in a document")
            return {}
        return inside

    def _annotate(self, value: dict[str, Any], annotation: Annotation, text: str) -> None:
        starts = [passage["offset"] for passage in value["passages"]]
        for entity in annotation.entities:
            # the passage in which it begins
            number = max((number for number, start in enumerate(starts) if start <= entity.start), default=0)
            value["passages"][number]["annotations"].append(self._mention(entity, text))
        ids = {entity.id for entity in annotation.entities}
        relation_ids = {relation.id for relation in annotation.relations}
        value["relations"] += [self._relation(relation) for relation in annotation.relations]
        labels = {concept.identifier: entity.label for entity in annotation.entities for concept in entity.concepts}
        number = 0
        properties, unfit = properties_of(annotation)
        self._report.lose(losses.CONCEPT_PROPERTIES, unfit)
        for concept_relation, own in zip(annotation.concept_relations, properties, strict=True):
            while (ident := f"R{number}") in relation_ids:
                number += 1
            held = self._concept_relation(concept_relation, labels, own, ids)
            if held is not None:
                relation_ids.add(ident)
                value["relations"].append({"id": ident, **held})
        extras = {key: held for key, held in annotation.extras.items() if key != PROPERTIES}
        unlocated = extras.pop("unlocated", [])
        if _are_unlocated(unlocated, ids, self._text_only):
            value["annotations"] += [{**item, "locations": []} for item in unlocated]
            ids |= {item["id"] for item in unlocated}
        else:
            self._report.lose(losses.FURTHER)
        others = extras.pop("relations", [])
        if _are_relations(others, ids, relation_ids, self._text_only):
            value["relations"] += others
        else:
            self._report.lose(losses.FURTHER)
        self._report.lose(losses.FURTHER, bool(extras))

    def _mention(self, entity: Entity, text: str) -> dict[str, Any]:
        label = stripped(entity.label, self._report)
        extras = self._held(entity.extras, losses.MENTION_PROPERTIES, {"type"})
        concepts, _ = concepts_in(extras, label)
        if concepts != entity.concepts:
            others = {key: value for key, value in extras.items() if key.casefold() not in CONCEPT_INFONS}
            self._report.lose(losses.MENTION_PROPERTIES, len(others) < len(extras))
            extras = {**self._columns(entity.concepts, label), **others}
        return {
            "id": entity.id,
            "infons": {"type": label, **extras},
            "text": entity.surface(text),
            "locations": [{"offset": start, "length": end - start} for start, end in entity.spans],
        }

    def _columns(self, concepts: tuple[Concept, ...], label: str) -> dict[str, str]:
        """Return the infon from which the reader gets the same concepts; leave out and count those it cannot hold."""
        keys = {name: key for key, name in (("MESH", "MESH"), ("OMIM", "OMIM"), ("NCBI Gene", "NCBI Gene"))}
        for key, name in CONCEPT_INFONS.items():
            if name is not None:
                keys.setdefault(name, key)
        databases = {concept.database for concept in concepts}
        key = keys.get(next(iter(databases)), "") if len(databases) == 1 else ""

        def of_database(kept: Collection[Concept]) -> dict[str, str]:
            return {key: join_identifiers([concept.identifier for concept in kept])}

        def of_any(kept: Collection[Concept]) -> dict[str, str]:
            # with the prefix, except for identifiers that are written without (variants)
            return {"identifier": join_identifiers([_spelled(concept, label) for concept in kept])}

        # the infon for all databases can hold some concepts that the infon of their database cannot
        attempts = [
            (columns, _readable(concepts, columns, label)) for columns in ([of_database] if key else []) + [of_any]
        ]
        columns, kept = max(attempts, key=lambda attempt: len(attempt[1]))
        self._report.lose(losses.CONCEPT_LINKS, len(concepts) - len(kept))
        return columns(kept) if kept else {}

    def _relation(self, relation: Relation) -> dict[str, Any]:
        extras = dict(relation.extras)
        match extras.pop("roles", None):
            case [str(head), str(tail)] if head or tail:
                roles = (head, tail)
            case None:
                roles = ("", "")
            case _:
                roles = ("", "")
                self._report.lose(losses.RELATION_PROPERTIES)
        kept = self._held(extras, losses.RELATION_PROPERTIES, {"relation", DIRECTED})
        undirected = {} if relation.directed else {DIRECTED: "false"}
        return {
            "id": relation.id,
            "infons": {"relation": stripped(relation.label, self._report), **undirected, **kept},
            "nodes": [
                {"refid": relation.head, "role": roles[0]},
                {"refid": relation.tail, "role": roles[1]},
            ],
        }

    def _concept_relation(
        self, relation: ConceptRelation, labels: Mapping[str, str], properties: Mapping[str, Any], ids: set[str]
    ) -> dict[str, Any] | None:
        """Return the infons and nodes of a relation between concepts; None if it cannot be written."""
        ends = (relation.head, relation.tail)
        if any(end.strip() != end or end in NO_CONCEPT for end in ends):
            self._report.lose(losses.CONCEPT_RELATIONS)
            return None
        label = {"relation": stripped(relation.label, self._report)}
        further = {key: held for key, held in properties.items() if key != NODES}
        kept = {key: self._infon(key, held) for key, held in further.items() if self._infon(key, held) is not None}
        nodes = properties.get(NODES, [])
        if not _are_loose(nodes, ids):
            nodes = []
        self._report.lose(losses.CONCEPT_PROPERTIES, kept != further or (NODES in properties and not nodes))
        named = kept or nodes
        for infons in [kept, {**dict(zip(ENTITIES, ends, strict=True)), **kept}] if named else []:
            if "relation" not in infons and ends_of(infons, set(), named_only=True) == (*ends, kept):
                return {"infons": {**label, **infons}, "nodes": nodes}
        self._report.lose(losses.CONCEPT_PROPERTIES, bool(named))
        of_labels = [labels.get(end.rpartition(":")[2], labels.get(end, "")) for end in ends]
        # the last pair is read back correctly for any ends
        for keys in (of_labels, ["head", "tail"], ["first", "second"]):
            infons = dict(zip(keys, ends, strict=True))
            if len({*keys, "relation", "type", ""}) == 5 and ends_of(infons, set()) == (*ends, {}):
                return {"infons": {**label, **infons}, "nodes": []}
        raise AssertionError(ends)

    def _infon(self, key: str, value: Any) -> Any:
        """Return a property of a relation between concepts as an infon; None if it cannot be one."""
        if isinstance(value, str) or not self._text_only:
            return value
        return typed(value) if key.casefold() in ROLES else None

    def _held(self, values: Mapping[str, Any], kind: str, taken: Collection[str] = ()) -> dict[str, Any]:
        """Return the values that can be infons; count the others."""
        held = {
            key: value
            for key, value in values.items()
            if key not in taken and (isinstance(value, str) or not self._text_only)
        }
        self._report.lose(kind, len(held) < len(values))
        return held


def _spelled(concept: Concept, label: str) -> str:
    name = ":".join(concept)
    return spelled(concept, label) if says_more(name, label) else name


def _is_gap(text: str) -> bool:
    return not text.strip(" ") and len(text) <= WIDEST_GAP


def _sentence(text: str, span: Span) -> dict[str, Any]:
    return {"offset": span.start, "infons": {}, "text": text[span.start : span.end], "annotations": [], "relations": []}


def _covers(text: str, passage: Passage, sentences: list[Span]) -> bool:
    last = passage.start
    for start, end in sentences:
        if start < last or end < start or not _is_gap(text[last:start]):
            return False
        last = end
    return last == passage.end


def _are_infons(infons: object, text_only: bool) -> bool:
    return isinstance(infons, dict) and (not text_only or all(isinstance(value, str) for value in infons.values()))


def _are_loose(nodes: object, ids: set[str]) -> bool:
    """Return whether these are nodes, and not all annotations, which would be read as the ends of a relation."""
    if not isinstance(nodes, list) or not nodes:
        return False
    for node in nodes:
        match node:
            case {"refid": str(), "role": str()} if len(node) == 2:
                continue
        return False
    return len(nodes) == 1 or any(node["refid"] not in ids for node in nodes)


def _are_unlocated(values: object, ids: set[str], text_only: bool) -> bool:
    seen = set(ids)
    if not isinstance(values, list):
        return False
    for value in values:
        match value:
            case {"id": str(ident), "infons": infons, "text": str()} if (
                ident and len(value) == 3 and ident not in seen and _are_infons(infons, text_only)
            ):
                seen.add(ident)
            case _:
                return False
    return True


def _are_relations(values: object, ids: set[str], relation_ids: set[str], text_only: bool) -> bool:
    """Return whether these are relations of other shapes, as the reader keeps them."""
    if not isinstance(values, list):
        return False
    seen = set(relation_ids)
    for value in values:
        match value:
            case {"id": str(ident), "infons": infons, "nodes": list(nodes)} if (
                ident and len(value) == 3 and ident not in seen and _are_infons(infons, text_only)
            ):
                seen.add(ident)
            case _:
                return False
        for node in nodes:
            match node:
                case {"refid": str(), "role": str()} if len(node) == 2:
                    continue
            return False
    return all(node["refid"] in ids | seen for value in values for node in value["nodes"])


def _readable(
    concepts: Iterable[Concept], columns: Callable[[Collection[Concept]], dict[str, str]], label: str
) -> list[Concept]:
    """Return the concepts that the reader gets back from the infons that `columns` makes."""
    kept: list[Concept] = []
    for concept in concepts:
        if concepts_in(columns([*kept, concept]), label) == ((*kept, concept), {}):
            kept.append(concept)
    return kept
