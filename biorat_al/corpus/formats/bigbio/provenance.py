"""The origin of each annotation of an exported corpus, as rows of a table beside the corpus.

Each document, entity, relation, event and coreference of the kb configuration has one row, with its ids there
(``record_id``, ``item_id``). ``rule`` says how the document's annotation was decided on (``adjudicated``, ``reviewed``,
``majority``, ``single`` or ``gold``). The rule of a document whose sentences were annotated one by one is
``sentences``, and each of its entities and relations has the rule of its sentence. ``by`` lists everybody whose answer
has the annotation; in a document's row, everybody whose answer was used for the decision. For each of them it gives

- the annotator under a pseudonym (null for gold annotations),
- the time of the answer,
- the version of the model whose pre-label was shown,
- the origin of the region (``prediction``: a pre-label accepted without change, ``prediction-changed``, ``manual``),
- the annotation's id in that answer,
- whose answer it was before, if the annotator changed or copied somebody else's answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from biorat_al.corpus.model.concept_relations import linked_pairs
from biorat_al.corpus.model.document import Annotation, ConceptRelation, Span


@dataclass(frozen=True, slots=True)
class Author:
    """One annotator's part in an annotation; the module's docstring describes the fields."""

    annotator: str | None = None
    at: datetime | None = None
    model_version: str | None = None
    origin: str | None = None
    source_id: str | None = None
    revises: str | None = None

    def row(self) -> dict[str, Any]:
        """Return the author as part of a row."""
        # many times faster than dataclasses.asdict, which copies every value
        return {
            "annotator": self.annotator,
            "at": self.at,
            "model_version": self.model_version,
            "origin": self.origin,
            "source_id": self.source_id,
            "revises": self.revises,
        }


@dataclass(frozen=True)
class Provenance:
    """The origin of a document's annotation.

    :param authors: everybody whose answer was used for the decision.
    :param entities: entity id → its authors; the same for the others.
    :param entity_rules: entity id → the rule that decided on it, where it is not that of the document; the same for
        `relation_rules`.
    """

    rule: str
    authors: Sequence[Author]
    entities: Mapping[str, Sequence[Author]]
    relations: Mapping[str, Sequence[Author]]
    concept_relations: Mapping[ConceptRelation, Sequence[Author]]
    entity_rules: Mapping[str, str] = field(default_factory=dict)
    relation_rules: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TieRow:
    """An annotation that exactly half of a document's annotators have.

    :param text: text of the mention, or of both ends of a relation; the same for `spans`, in the document's text.
    :param annotators: pseudonyms of those who have it; `of` has the pseudonyms of all.
    :param kept: whether it is in the corpus since the preferred annotator has it.
    """

    document_id: str
    split: str
    item: str
    type: str
    text: tuple[str, ...]
    spans: tuple[tuple[Span, ...], ...]
    annotators: tuple[str, ...]
    of: tuple[str, ...]
    kept: bool

    def row(self) -> dict[str, Any]:
        """Return the tie as a row of a table."""
        return asdict(self) | {"spans": [[list(span) for span in spans] for spans in self.spans]}

    def __str__(self) -> str:
        places = [",".join(f"{start}-{end}" for start, end in spans) for spans in self.spans]
        mentions = " and ".join(f"{text!r} ({place})" for text, place in zip(self.text, places, strict=True))
        shown = f"{self.item} {self.type}{f' on {mentions}' if mentions else ''}"
        decided = "kept" if self.kept else "left out"
        others = [name for name in self.of if name not in self.annotators]
        by = f"marked by {' and '.join(self.annotators)}, not by {' and '.join(others)}"
        return f"{self.document_id}: {shown}, {by}: {decided}"


def provenance_rows(
    split: str, record: Mapping[str, Any], annotation: Annotation, provenance: Provenance
) -> Iterator[dict[str, Any]]:
    """Yield the rows of a document.

    :param record: the kb record of `annotation`; entities and relations are in the same order in both.
    """

    def row(
        item: str, item_id: str, kind: str | None, by: Iterable[Author], rule: str = provenance.rule
    ) -> dict[str, Any]:
        return {
            "record_id": record["id"],
            "document_id": record["document_id"],
            "split": split,
            "item": item,
            "item_id": item_id,
            "type": kind,
            "rule": rule,
            "by": [author.row() for author in by],
        }

    yield row("document", record["id"], None, provenance.authors)
    for entity, kb_entity in zip(annotation.entities, record["entities"], strict=True):
        rule = provenance.entity_rules.get(entity.id, provenance.rule)
        yield row("entity", kb_entity["id"], entity.label, provenance.entities[entity.id], rule)
    by_relation = [
        (provenance.relations[relation.id], provenance.relation_rules.get(relation.id, provenance.rule))
        for relation in annotation.relations
    ]
    for stated, pairs in linked_pairs(annotation):
        by_relation += [(provenance.concept_relations[stated], provenance.rule)] * len(pairs)
    for (by, rule), kb_relation in zip(by_relation, record["relations"], strict=True):
        yield row("relation", kb_relation["id"], kb_relation["type"], by, rule)
    # for events and coreferences only the document's authors are known
    for item, value in [("event", event) for event in record["events"]] + [
        ("coreference", group) for group in record["coreferences"]
    ]:
        yield row(item, value["id"], value.get("type"), provenance.authors)
