"""Segments: contiguous parts of a document, on sentence borders, that annotators can be asked for by themselves.

A segment is handled like a document of its own, whose text is the part of the document's text. What has been annotated
of a document is then the union of its segments; everything else is unknown, not empty, because it is in no segment.
Offsets count code points: in a segment's own text, or, where this is said, in the document's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from biorat_al.corpus.model.document import Annotation, Document, Entity, Passage, Relation, Span
from biorat_al.corpus.sentences import NEWEST_RULES, sentences

NEIGHBOURS = 1
"""Sentences on each side of a segment that an annotator is assumed to read for its context."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a document that can be asked for.

    :param span: in the document's text; it neither begins nor ends with white space.
    :param context_words: words of the neighbouring sentences, which an annotator reads besides the segment's own.
    """

    span: Span
    context_words: int


@dataclass(frozen=True, slots=True)
class PartOfDocument:
    """What a segment is a part of.

    :param document: the whole document.
    :param span: of the segment, in the document's text.
    """

    document: Document
    span: Span

    @property
    def before(self) -> str:
        """The document's text before the segment."""
        return self.document.text[: self.span.start]

    @property
    def after(self) -> str:
        """The document's text after the segment."""
        return self.document.text[self.span.end :]


def segments(document: Document, *, rules: int = NEWEST_RULES) -> list[Segment]:
    """Return the sentences of a document as segments, in order.

    A passage border is a sentence border. Every character other than white space is in exactly one segment.

    :param rules: version of the rules for where sentences end.
    """
    found = sentences(document.text, document.passages, rules=rules)
    words = [len(document.text[start:end].split()) for start, end in found]
    return [
        Segment(
            span,
            sum(words[max(place - NEIGHBOURS, 0) : place]) + sum(words[place + 1 : place + 1 + NEIGHBOURS]),
        )
        for place, span in enumerate(found)
    ]


def segment_document(document: Document, span: Span, ident: str) -> Document:
    """Return a part of a document as a document of its own, with the passages that reach into it.

    :param span: in the document's text.
    :param ident: id of the new document.
    """
    start, end = span
    passages = tuple(
        Passage(passage.kind, max(passage.start, start) - start, min(passage.end, end) - start)
        for passage in document.passages
        if passage.start < end and start < passage.end
    )
    return Document(ident, document.text[start:end], passages)


def surroundings(part: PartOfDocument, most: int, *, begin: int = 0) -> tuple[str, str]:
    """Return the text before and after a segment, each with at most `most` characters besides the mark of a cut.

    A longer text is cut at the border of a sentence, or, within one long sentence, at a blank; `…` says that it was.

    :param begin: where the text before the segment begins; what precedes this is left out.
    """
    document, (start, end) = part.document, part.span
    before, after = document.text[begin:start].strip(), part.after.strip()
    if len(before) > most:
        window = segment_document(document, Span(start - most, start), "")
        starts = [span.start for span in sentences(window.text, window.passages)[1:]] or _word_starts(window.text)
        before = f"… {window.text[starts[0] :] if starts else ''}".strip()
    if len(after) > most:
        window = segment_document(document, Span(end, min(end + most, len(document.text))), "")
        ends = [span.end for span in sentences(window.text, window.passages)[:-1]] or _word_starts(window.text)
        after = f"{window.text[: ends[-1]].rstrip() if ends else ''} …".strip()
    return before, after


def _word_starts(text: str) -> list[int]:
    return [match.end() for match in re.finditer(r"\s+(?=\S)", text)]


def annotation_within(annotation: Annotation, span: Span) -> Annotation:
    """Return the mentions of a document's annotation that lie within a span, and the relations between them.

    Mentions that cross its borders are left out, and so is what belongs to the document as a whole (relations between
    concepts, further properties). Offsets are the span's own.
    """
    start, end = span
    entities = tuple(
        shifted(entity, -start) for entity in annotation.entities if start <= entity.start and entity.end <= end
    )
    ids = {entity.id for entity in entities}
    return Annotation(
        entities, tuple(one for one in annotation.relations if one.head in ids and one.tail in ids), (), {}
    )


def shifted(entity: Entity, by: int) -> Entity:
    """Return a mention with all its offsets moved."""
    return replace(entity, spans=tuple(Span(start + by, end + by) for start, end in entity.spans))


def annotation_of_parts(parts: Iterable[tuple[Span, Annotation]]) -> Annotation:
    """Return the annotations of a document's segments as one annotation of the document.

    Ids that occur in several segments get a number. Offsets are the document's.

    :param parts: each segment's span in the document's text, and its annotation with the segment's own offsets.
    """
    entities: list[Entity] = []
    relations: list[Relation] = []
    taken, taken_relations = set[str](), set[str]()
    for span, annotation in sorted(parts, key=lambda part: part[0]):
        ids = dict(_free_ids((entity.id for entity in annotation.entities), taken))
        entities += [replace(shifted(one, span.start), id=ids[one.id]) for one in annotation.entities]
        named = dict(_free_ids((relation.id for relation in annotation.relations), taken_relations))
        relations += [
            replace(one, id=named[one.id], head=ids[one.head], tail=ids[one.tail]) for one in annotation.relations
        ]
    return Annotation(tuple(entities), tuple(relations), (), {})


def touches(entity: Entity, spans: Sequence[Span]) -> bool:
    """Return whether a mention has a character in one of the spans, which have the same offsets."""
    return any(start < end_of and begin < end for start, end in spans for begin, end_of in entity.spans)


def uncovered(document: Document, covered: Sequence[Span]) -> list[Span]:
    """Return the parts of a document's text that no span covers and that hold more than white space, in order."""
    gaps: list[Span] = []
    begin = 0
    for start, end in [*sorted(covered), Span(len(document.text), len(document.text))]:
        text = document.text[begin:start]
        if text.strip():
            gaps.append(Span(begin + len(text) - len(text.lstrip()), begin + len(text.rstrip())))
        begin = max(begin, end)
    return gaps


def _free_ids(ids: Iterable[str], taken: set[str]) -> Iterator[tuple[str, str]]:
    """Yield each id with the first form of it that is not taken, which is then taken."""
    for ident in ids:
        free, number = ident, 2
        while free in taken:
            free, number = f"{ident}-{number}", number + 1
        taken.add(free)
        yield ident, free
