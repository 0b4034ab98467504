"""Documents and their annotations.

Everywhere in the program, offsets count Unicode code points in the document's own text, end exclusive. Formats that
count otherwise are converted where they are read and written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from biorat_al.corpus.model.mismatch import explain_mismatch, find_shift, mismatch_text, outside_text
from biorat_al.errors import OffsetError


class Span(NamedTuple):
    """A piece of text by its offsets: code points, end exclusive.

    >>> from biorat_al import Span
    >>> span = Span(0, 7)
    >>> "Aspirin helps"[span.start : span.end]
    'Aspirin'
    """

    start: int
    end: int


class Concept(NamedTuple):
    """A link to an entry of a terminology, for example ``Concept("MESH", "D003110")``.

    >>> from biorat_al import Concept
    >>> Concept("MESH", "D001241").identifier
    'D001241'
    """

    database: str
    identifier: str


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of a document (title, abstract, …) with its offsets in the document's text.

    >>> from biorat_al import Passage
    >>> Passage("title", 0, 13)
    Passage(kind='title', start=0, end=13)
    """

    kind: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Document:
    """A text under an id that the user knows. It never changes after it was read.

    :param id: the user's own identifier, for example the PMID.
    :param text: the text as read, including all white space and line ends.
    :param passages: parts of the text, in order; may be empty.
    :param metadata: what else the source says about the document (JSON values).

    >>> from biorat_al import Document, Passage
    >>> document = Document("17", "Aspirin helps. It did.", (Passage("title", 0, 14), Passage("abstract", 15, 22)))
    >>> [document.text[passage.start : passage.end] for passage in document.passages]
    ['Aspirin helps.', 'It did.']
    """

    id: str
    text: str
    passages: tuple[Passage, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_title_alone(self) -> bool:
        """Whether there is a title, and no text outside of it; False if the passages do not say what is the title."""
        titles = [passage for passage in self.passages if passage.kind.casefold() == "title"]
        outside, end = "", 0
        for title in sorted(titles, key=lambda passage: passage.start):
            outside += self.text[end : title.start]
            end = max(end, title.end)
        return bool(titles) and bool(self.text.strip()) and not (outside + self.text[end:]).strip()


@dataclass(frozen=True, slots=True)
class Entity:
    """A mention: a label on one or more spans.

    :param id: unique within its annotation; relations refer to it.
    :param spans: the pieces in the order of the source; several if the mention is discontinuous.
    :param score: confidence in [0, 1] of the model that proposed it, else None.
    :param origin: what an annotator did with a pre-label: ``prediction`` (accepted unchanged), ``prediction-changed``
        or ``manual``; None without such a history.
    :param extras: what else the source says about it (JSON values), kept and written out again.

    >>> from biorat_al import Concept, Entity, Span
    >>> entity = Entity("T1", "Chemical", (Span(0, 7),), (Concept("MESH", "D001241"),))
    >>> entity.start, entity.end, entity.is_discontinuous
    (0, 7, False)
    >>> entity.surface("Aspirin helps")
    'Aspirin'
    """

    id: str
    label: str
    spans: tuple[Span, ...]
    concepts: tuple[Concept, ...] = ()
    score: float | None = None
    origin: str | None = None
    extras: Mapping[str, Any] = field(default_factory=dict)

    @property
    def start(self) -> int:
        """First code point of the first piece."""
        return min(span.start for span in self.spans)

    @property
    def end(self) -> int:
        """One past the last code point of the last piece."""
        return max(span.end for span in self.spans)

    @property
    def is_discontinuous(self) -> bool:
        """Whether the mention has more than one piece."""
        return len(self.spans) > 1

    def surface(self, text: str) -> str:
        """Return the mention's text, with pieces joined by one space."""
        return " ".join(text[start:end] for start, end in self.spans)


@dataclass(frozen=True, slots=True)
class Relation:
    """A typed link between two entities of the same annotation, by their ids.

    >>> from biorat_al import Relation
    >>> Relation("R1", "treats", head="T1", tail="T2").directed
    True
    """

    id: str
    label: str
    head: str
    tail: str
    directed: bool = True
    extras: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ConceptRelation:
    """A typed link between two concepts, stated for the whole document (PubTator's CID lines).

    >>> from biorat_al import ConceptRelation
    >>> ConceptRelation("CID", head="D001241", tail="D013272").label
    'CID'
    """

    label: str
    head: str
    tail: str


@dataclass(frozen=True, slots=True)
class Annotation:
    """Everything that one source annotated on one document. Empty means that somebody looked and found nothing.

    :param extras: events, coreference and the like: kept and written out again (JSON values).

    >>> from biorat_al import Annotation, Entity, Relation, Span
    >>> drug, disease = Entity("T1", "Chemical", (Span(0, 7),)), Entity("T2", "Disease", (Span(14, 22),))
    >>> annotation = Annotation((drug, disease), (Relation("R1", "treats", "T1", "T2"),))
    >>> sorted(entity.surface("Aspirin cures headache") for entity in annotation.entities)
    ['Aspirin', 'headache']
    """

    entities: tuple[Entity, ...] = ()
    relations: tuple[Relation, ...] = ()
    concept_relations: tuple[ConceptRelation, ...] = ()
    extras: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Disputed:
    """What the annotators of one document disagree on: neither present nor absent until somebody settles it.

    :param entities: every disputed version of a mention, with ids that no decided mention has.
    :param relations: disputed relations between disputed or decided mentions, by their ids.
    :param concept_relations: disputed relations between concepts.
    """

    entities: tuple[Entity, ...] = ()
    relations: tuple[Relation, ...] = ()
    concept_relations: tuple[ConceptRelation, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.entities or self.relations or self.concept_relations)


UNDISPUTED = Disputed()
"""The value for a document without disputes."""


class Record(NamedTuple):
    """A document as read from a file.

    :param annotation: None if the file does not say whether anybody looked (plain text); an empty annotation if
        somebody looked and found nothing.
    :param source: file and line (or position) for messages.

    >>> from biorat_al import Annotation, Document, Record
    >>> unseen = Record(Document("17", "Aspirin helps."), None, "notes.txt")
    >>> nothing_there = Record(Document("18", "It rained."), Annotation(), "answers.jsonl:1")
    >>> unseen.annotation is None, nothing_there.annotation is None
    (True, False)
    """

    document: Document
    annotation: Annotation | None
    source: str


def check_spans(document: Document, spans: Iterable[Span], *, source: str | None = None) -> None:
    """Raise :class:`OffsetError` unless every span is inside the document's text and not empty."""
    for start, end in spans:
        if not 0 <= start < end <= len(document.text):
            raise OffsetError(outside_text(document.text, start, end), source=source, document=document.id)


def check_surface(document: Document, span: Span, surface: str, *, source: str | None = None) -> None:
    """Raise :class:`OffsetError` unless ``text[start:end]`` is `surface`."""
    check_text(document, (span,), surface, source=source)


def check_text(document: Document, spans: Sequence[Span], surface: str, *, source: str | None = None) -> None:
    """Raise :class:`OffsetError` unless the text at `spans`, pieces joined by one space, is `surface`."""
    for start, end in spans:
        if not 0 <= start < end <= len(document.text):
            cause = explain_mismatch(document.text, spans, surface) if 0 <= start < end and surface else ""
            raise OffsetError(
                outside_text(document.text, start, end) + (f": {cause}" if cause else ""),
                source=source,
                document=document.id,
                shift=find_shift(document.text, spans, surface),
            )
    if " ".join(document.text[start:end] for start, end in spans) != surface:
        raise text_error(document, spans, surface, source=source)


def text_error(
    document: Document, spans: Sequence[Span], surface: str, *, source: str | None = None, found: str | None = None
) -> OffsetError:
    """Return the error for a mention whose text is not `surface`: the difference and the likely cause.

    :param found: the text at the spans as the format writes it; None joins the pieces by one space.
    """
    shown = " ".join(document.text[start:end] for start, end in spans) if found is None else found
    return OffsetError(
        mismatch_text(document.text, spans, surface, shown),
        source=source,
        document=document.id,
        found=shown,
        expected=surface,
        shift=find_shift(document.text, spans, surface),
    )
