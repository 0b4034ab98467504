"""Records as lines of PubTator; the other way is :mod:`biorat_al.corpus.pubtator`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from biorat_al.corpus import losses
from biorat_al.corpus.base import WriteReport
from biorat_al.corpus.concept_relations import between_concepts
from biorat_al.corpus.identifiers import NO_CONCEPT, parse_identifiers, says_more
from biorat_al.corpus.model import Annotation, Concept, ConceptRelation, Document, Entity
from biorat_al.corpus.writing import fitting, stripped, tabular_id, title_and_abstract

_TABS = re.compile("[\t\n]")
_NUMBER = re.compile(r"[0-9]{1,18}")
_KEPT = (
    losses.PASSAGES, losses.NOT_LOOKED, losses.CONCEPT_LINKS, losses.RELATIONS, losses.CONCEPT_RELATIONS,
)  # fmt: skip


class PubTatorLines:
    """Makes the lines of documents."""

    def __init__(self, report: WriteReport) -> None:
        self._report = report

    def record(self, document: Document, annotation: Annotation | None) -> tuple[list[str], list[str]]:
        """The title line and the abstract line, and the lines of mentions and relations.

        :raises FormatError: the document's id cannot stand in PubTator.
        """
        ident = tabular_id(document, r"[|\t\n\r\ufeff]", "PubTator", self._report)
        losses.count_losses(
            self._report,
            document,
            annotation,
            keeps=_KEPT,
            entity_extras=("identifiers", "individual_mentions"),
            extras=("relation_columns",),
        )
        title, abstract = title_and_abstract(document, r"\n", self._report)
        texts = [f"{ident}|t|{title}", f"{ident}|a|{abstract}"]
        if annotation is None:
            return texts, []
        numbers = enumerate(annotation.entities, start=1)
        self._report.lose(losses.MENTION_IDS, sum(entity.id != f"T{number}" for number, entity in numbers))
        text = f"{title} {abstract}"
        lines = ["\t".join((ident, *self._mention(entity, text))) for entity in annotation.entities]
        return texts, lines + ["\t".join((ident, *columns)) for columns in self._relations(annotation)]

    def _mention(self, entity: Entity, text: str) -> Iterator[str]:
        self._report.lose(losses.DISCONTINUOUS, len(entity.spans) > 1)
        label = fitting(entity.label, _TABS, self._report, "tabs and line ends in labels (each became a space)")
        label = stripped(label, self._report)
        yield str(entity.start)
        yield str(entity.end)
        yield text[entity.start : entity.end]
        yield label
        yield self._identifiers(entity, label)
        parts = entity.extras.get("individual_mentions")
        if parts is not None:
            column = "|".join(parts) if _are_strings(parts) else ""
            if column.strip() and not _TABS.search(column) and column.split("|") == parts and not column.endswith("\r"):
                yield column
            else:
                self._report.lose(losses.MENTION_PROPERTIES)

    def _identifiers(self, entity: Entity, label: str) -> str:
        column = entity.extras.get("identifiers")
        if column is not None:
            whole = isinstance(column, str) and says_more(column) and not _TABS.search(column)
            if whole and column == column.strip() and parse_identifiers(column, label) == entity.concepts:
                return str(column)
            self._report.lose(losses.MENTION_PROPERTIES)
        spellings = []
        for concept in entity.concepts:
            name = spelled(concept, label)
            if parse_identifiers(name, label) == (concept,) and not says_more(name) and not _TABS.search(name):
                spellings.append(name)
            else:
                self._report.lose(losses.CONCEPT_LINKS)
        return "|".join(spellings) or "-1"

    def _relations(self, annotation: Annotation) -> Iterator[list[str]]:
        relations, widened, unlinked = between_concepts(annotation, lambda entity, c: spelled(c, entity.label))
        self._report.lose("relations between mentions (stated between their concepts)", widened)
        self._report.lose("relations between mentions that are linked to no concept", unlinked)
        further = self._further_columns(annotation)
        for number, relation in enumerate(relations):
            if not _can_stand(relation):
                self._report.lose(losses.CONCEPT_RELATIONS)
                continue
            yield [relation.label, relation.head, relation.tail, *further.get(number, [])]

    def _further_columns(self, annotation: Annotation) -> Mapping[int, list[str]]:
        columns: dict[int, list[str]] = {}
        held: Any = annotation.extras.get("relation_columns", [])
        for item in held if isinstance(held, list) else [None]:
            match item:
                case {"relation": int(number), "columns": [str(column)]} if (
                    0 <= number < len(annotation.concept_relations) and column.strip() and not _TABS.search(column)
                ):
                    columns[number] = [column]
                case _:
                    self._report.lose(losses.FURTHER)
        return columns


def spelled(concept: Concept, label: str) -> str:
    """An identifier as PubTator has it: bare where its database goes without saying."""
    if parse_identifiers(concept.identifier, label) == (concept,):
        return concept.identifier
    return ":".join(concept)


def _can_stand(relation: ConceptRelation) -> bool:
    columns = (relation.label, relation.head, relation.tail)
    return not (
        any(column != column.strip() or _TABS.search(column) for column in columns)
        or _NUMBER.fullmatch(relation.label)
        or relation.head in NO_CONCEPT
        or relation.tail in NO_CONCEPT
    )


def _are_strings(values: object) -> bool:
    return isinstance(values, list) and all(isinstance(value, str) for value in values)
