"""Conversion of a document and its annotation to one record of BigBio's "kb" schema.

In that schema the text consists of the passages' texts, joined by one space, and all offsets are positions in it.
Therefore text that no passage covers becomes a further passage (type ``other``), unless it is white space in which no
mention begins or ends. Every offset moves by the change in length of the gaps before it.

Fries JA, Weber L, Seelam N, et al. BigBIO: a framework for data-centric biomedical natural language processing.
NeurIPS 2022 Datasets and Benchmarks, arXiv 2206.15076.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from itertools import count
from typing import Any

from biorat_al.corpus.formats import losses
from biorat_al.corpus.formats.base import WriteReport
from biorat_al.corpus.formats.events import COREFERENCES, EVENTS, coreferences_of, events_of, trigger_spans
from biorat_al.corpus.model.checks import check_annotation, check_document
from biorat_al.corpus.model.concept_relations import linked_pairs
from biorat_al.corpus.model.document import Annotation, Document, Passage, Relation, Span

WHOLE_TEXT = "document"
"""Type of the single passage for a document without passages."""

REST = "other"
"""Type of a passage for text between the document's own passages."""


class KbRecords:
    """Convert documents to records; ids are unique over all records of one object."""

    def __init__(self) -> None:
        self._report = WriteReport()
        self._ids = (str(number) for number in count(1))

    @property
    def not_represented(self) -> Counter[str]:
        """Kind → how often something was left out since the schema has no place for it."""
        return self._report.lost

    def record(self, document: Document, annotation: Annotation) -> dict[str, Any]:
        """Return the record as plain Python values.

        A relation between concepts becomes one relation for every pair of mentions linked to them, as in BigBio's own
        loaders. (These repeat a pair if a mention has the same identifier more than once; here it occurs once.)

        :raises CorpusError: the document or the annotation is not valid.
        """
        check_document(document)
        check_annotation(document, annotation)
        events, groups = events_of(document, annotation), coreferences_of(annotation)
        spans = [span for entity in annotation.entities for span in entity.spans]
        layout = JoinedPassages(document, spans + [span for event in events for span in trigger_spans(event)])
        value: dict[str, Any] = {"id": next(self._ids), "document_id": document.id, "passages": [], "entities": []}
        for passage, (start, end) in layout.passages():
            value["passages"].append(
                {
                    "id": next(self._ids),
                    "type": passage.kind,
                    "text": [layout.text[start:end]],
                    "offsets": [[start, end]],
                }
            )
        ids: dict[str, str] = {}
        for entity in annotation.entities:
            ids[entity.id] = next(self._ids)
            spans = [layout.moved(span) for span in entity.spans]
            value["entities"].append(
                {
                    "id": ids[entity.id],
                    "type": entity.label,
                    "text": [layout.text[start:end] for start, end in spans],
                    "offsets": [[start, end] for start, end in spans],
                    "normalized": [{"db_name": name, "db_id": ident} for name, ident in entity.concepts],
                }
            )
        value["events"] = self._events(events, ids, layout)
        value["coreferences"] = [
            {"id": next(self._ids), "entity_ids": [ids[ident] for ident in group["entity_ids"]]} for group in groups
        ]
        value["relations"] = [
            {"id": next(self._ids), "type": label, "arg1_id": ids[head], "arg2_id": ids[tail], "normalized": links}
            for label, head, tail, links in self._pairs(annotation)
        ]
        self._count_losses(document, annotation, events, groups)
        return value

    def _events(
        self, events: list[dict[str, Any]], ids: dict[str, str], layout: JoinedPassages
    ) -> list[dict[str, Any]]:
        # an event may refer to a later one
        known = ids | {event["id"]: next(self._ids) for event in events}
        values = []
        for event in events:
            spans = [layout.moved(span) for span in trigger_spans(event)]
            values.append(
                {
                    "id": known[event["id"]],
                    "type": event["type"],
                    "trigger": {
                        "text": [layout.text[start:end] for start, end in spans],
                        "offsets": [[start, end] for start, end in spans],
                    },
                    "arguments": [
                        {"role": part["role"], "ref_id": known[part["ref_id"]]} for part in event["arguments"]
                    ],
                }
            )
        return values

    def _pairs(self, annotation: Annotation) -> Iterator[tuple[str, str, str, list[dict[str, str]]]]:
        for relation in annotation.relations:
            yield relation.label, relation.head, relation.tail, self._links(relation)
        for concept_relation, pairs in linked_pairs(annotation):
            self._report.lose(losses.UNLINKED, not pairs)
            for head, tail in pairs:
                yield concept_relation.label, head, tail, []

    def _links(self, relation: Relation) -> list[dict[str, str]]:
        """Return the concepts that a relation itself is linked to, as read from such a record."""
        links = []
        stated = relation.extras.get("normalized", [])
        for link in stated if isinstance(stated, list) else [stated]:
            match link:
                case [str(name), str(ident)]:
                    links.append({"db_name": name, "db_id": ident})
                case _:
                    self._report.lose(losses.RELATION_PROPERTIES)
        return links

    def _count_losses(
        self, document: Document, annotation: Annotation, events: list[dict[str, Any]], groups: list[dict[str, Any]]
    ) -> None:
        losses.count_losses(
            self._report,
            document,
            annotation,
            keeps=(losses.PASSAGES, losses.CONCEPT_LINKS, losses.RELATIONS, losses.CONCEPT_RELATIONS),
            keys=losses.KeptKeys(
                metadata=("split",),
                relations=("normalized",),
                annotations=[key for key, values in ((EVENTS, events), (COREFERENCES, groups)) if values],
            ),
        )
        self._report.lose(
            "further properties of events",
            sum(bool(event.keys() - {"id", "type", "trigger", "arguments"}) for event in events),
        )


class JoinedPassages:
    """The passages of a record, and a map from the document's offsets to offsets in their joined text.

    :param spans: spans of all mentions; white space between passages is kept if one of them begins or ends in it.
    :ivar text: the joined text.
    """

    def __init__(self, document: Document, spans: list[Span]) -> None:
        self._parts = list(_parts(document, spans))
        self._old = [part.start for part in self._parts]
        self._new: list[int] = []
        position = 0
        for part in self._parts:
            self._new.append(position)
            position += part.end - part.start + 1
        self.text = " ".join(document.text[part.start : part.end] for part in self._parts)

    def passages(self) -> Iterator[tuple[Passage, Span]]:
        """Yield each passage with its span in the joined text."""
        for part, start in zip(self._parts, self._new, strict=True):
            yield part, Span(start, start + part.end - part.start)

    def moved(self, span: Span) -> Span:
        """Return the span in the joined text for a span of the document that is not empty."""
        # the passage of the span's first character decides on the start, that of its last on the end: between two
        # passages that touch, one offset of the document is two in the joined text
        return Span(self._moved(span.start), self._moved(span.end - 1) + 1)

    def _moved(self, position: int) -> int:
        index = bisect_right(self._old, position) - 1
        if index < 0:
            return 0
        # a character of a collapsed gap becomes the space after the passage before it
        part = self._parts[index]
        return self._new[index] + min(position - part.start, part.end - part.start)


def _parts(document: Document, spans: list[Span]) -> Iterator[Passage]:
    """Yield the document's passages, and as further passages the text between them that must not be lost."""
    if not document.passages:
        yield Passage(WHOLE_TEXT, 0, len(document.text))
        return
    last = 0
    for passage in document.passages:
        if _must_stay(document.text, Span(last, passage.start), spans):
            yield Passage(REST, last, passage.start)
        yield passage
        last = passage.end
    if _must_stay(document.text, Span(last, len(document.text)), spans):
        yield Passage(REST, last, len(document.text))


def _must_stay(text: str, gap: Span, spans: list[Span]) -> bool:
    if gap.start == gap.end:
        return False
    if not text[gap.start : gap.end].isspace():
        return True
    if gap.start == 0 or gap.end == len(text):
        return any(span.start < gap.end and gap.start < span.end for span in spans)
    return any(gap.start < border < gap.end for span in spans for border in span)
