"""The writer of PubTator lines; :mod:`biorat_al.corpus.formats.pubtator.format` is the reader."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from biorat_al.corpus.formats import losses
from biorat_al.corpus.formats.base import WriteReport
from biorat_al.corpus.formats.writing import fitting, stripped, tabular_id, title_and_abstract
from biorat_al.corpus.model.concept_relations import COLUMN, NOVEL, between_concepts, novelty_of, properties_of
from biorat_al.corpus.model.concepts import (
    NO_CONCEPT,
    join_identifiers,
    parse_identifiers,
    says_more,
    spelled,
    split_identifiers,
)
from biorat_al.corpus.model.document import Annotation, Concept, ConceptRelation, Document, Entity

FURTHER_COLUMNS = "further_columns"
"""Property of a relation between concepts: the columns of its line after the fifth."""

ENDS = "relations whose ends became the identifiers of their mentions"

UNFIT_ID = re.compile(r"^#(?=.*[\s#])|[|\t\n\r\ufeff]")
_TABS = re.compile("[\t\n]")
_NUMBER = re.compile(r"[0-9]{1,18}")
_KEPT = (
    losses.PASSAGES, losses.NOT_LOOKED, losses.CONCEPT_LINKS, losses.RELATIONS, losses.CONCEPT_RELATIONS,
    losses.CONCEPT_PROPERTIES,
)  # fmt: skip


class PubTatorLines:
    """Write documents as lines."""

    def __init__(self, report: WriteReport) -> None:
        self._report = report

    def record(self, document: Document, annotation: Annotation | None) -> tuple[list[str], list[str]]:
        """Return the lines of the title and the abstract, and those of mentions and relations.

        :raises FormatError: PubTator cannot hold the document's id.
        """
        ident = tabular_id(document, UNFIT_ID, "PubTator", self._report)
        losses.count_losses(
            self._report,
            document,
            annotation,
            keeps=_KEPT,
            keys=losses.KeptKeys(entities=("identifiers", "individual_mentions", "further_columns")),
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
        yield from self._further(entity)

    def _further(self, entity: Entity) -> list[str]:
        """Return the columns after the identifiers."""
        parts = _strings(entity.extras, "individual_mentions")
        column = "|".join(parts)
        if not column.strip() or not _fits(column) or column.split("|") != parts:
            column = ""
        further = _strings(entity.extras, "further_columns")
        if not further or not further[-1].strip() or not all(map(_fits, further)):
            further = []
        lost = ("individual_mentions" in entity.extras and not column) + (
            "further_columns" in entity.extras and not further
        )
        self._report.lose(losses.MENTION_PROPERTIES, lost)
        return [column, *further] if column or further else []

    def _identifiers(self, entity: Entity, label: str) -> str:
        column = entity.extras.get("identifiers")
        if column is not None:
            whole = isinstance(column, str) and says_more(column, label) and not _TABS.search(column)
            if whole and column == column.strip() and parse_identifiers(column, label) == entity.concepts:
                return str(column)
            self._report.lose(losses.MENTION_PROPERTIES)
        spellings: list[str] = []
        kept: list[Concept] = []
        for concept in entity.concepts:
            names = [*spellings, spelled(concept, label)]
            column = join_identifiers(names)
            stays = parse_identifiers(column, label) == (*kept, concept) and not says_more(column, label)
            if stays and not _TABS.search(column):
                spellings, kept = names, [*kept, concept]
            else:
                self._report.lose(losses.CONCEPT_LINKS)
        return join_identifiers(spellings) or "-1"

    def _relations(self, annotation: Annotation) -> Iterator[list[str]]:
        relations, widened, unlinked = between_concepts(annotation, lambda entity, c: spelled(c, entity.label))
        self._report.lose("relations between mentions (stated between their concepts)", widened)
        self._report.lose("relations between mentions that are linked to no concept", unlinked)
        properties, unfit = properties_of(annotation)
        self._report.lose(losses.CONCEPT_PROPERTIES, unfit)
        names = _spellings(annotation)
        for number, relation in enumerate(relations):
            if not _can_stand(relation):
                self._report.lose(losses.CONCEPT_RELATIONS)
                continue
            columns = self._properties(properties[number]) if number < len(properties) else []
            ends = [names.get(end, end) for end in (relation.head, relation.tail)]
            self._report.lose(ENDS, ends != [relation.head, relation.tail])
            yield [relation.label, *ends, *columns]

    def _properties(self, properties: Mapping[str, Any]) -> list[str]:
        """Return the columns of a relation after its ends, from its properties."""
        written = []
        for key in (NOVEL, COLUMN):
            column = properties.get(key)
            if isinstance(column, str) and novelty_of(column) == {key: column} and not _TABS.search(column):
                written.append(column)
        further = _strings(properties, FURTHER_COLUMNS)
        if not further or not further[-1].strip() or not all(_fits(column) for column in further):
            further = []
        self._report.lose(losses.CONCEPT_PROPERTIES, len(properties) > len(written[:1]) + bool(further))
        return [*(written[:1] or [""]), *further] if further else written[:1]


def _spellings(annotation: Annotation) -> dict[str, str]:
    """Map other names of a concept to its spelling in the mentions' column; leave out names that are ambiguous."""
    written: set[str] = set()
    names: defaultdict[str, set[str]] = defaultdict(set)
    for entity in annotation.entities:
        column = entity.extras.get("identifiers")
        if isinstance(column, str):
            written |= {column, *split_identifiers(column, entity.label)}
        for concept in entity.concepts:
            column = spelled(concept, entity.label)
            written.add(column)
            for name in (concept.identifier, ":".join(concept)):
                names[name].add(column)
    return {name: next(iter(found)) for name, found in names.items() if name not in written and len(found) == 1}


def _can_stand(relation: ConceptRelation) -> bool:
    columns = (relation.label, relation.head, relation.tail)
    return not (
        any(column != column.strip() or _TABS.search(column) for column in columns)
        or _NUMBER.fullmatch(relation.label)
        or relation.head in NO_CONCEPT
        or relation.tail in NO_CONCEPT
    )


def _fits(column: str) -> bool:
    return not _TABS.search(column) and not column.endswith("\r")


def _strings(extras: Mapping[str, Any], key: str) -> list[str]:
    """Return a list of strings from the extras; empty if the value is not one."""
    values = extras.get(key)
    return [*values] if isinstance(values, list) and all(isinstance(value, str) for value in values) else []
