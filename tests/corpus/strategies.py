"""Documents and annotations as hypothesis makes them up: any Unicode, nested, crossing, discontinuous, empty."""

from __future__ import annotations

from hypothesis import strategies as st

from biorat_al.corpus.model import (
    Annotation,
    Concept,
    ConceptRelation,
    Document,
    Entity,
    Passage,
    Relation,
    Span,
)

# no half surrogates, which are not characters; the awkward ones more often than chance would have them
AWKWARD = [
    "\r\n",
    "\r",
    "\n",
    "\t",
    "\x85",
    "\u2028",
    "\u2029",
    "\x1c",
    "\x0b",
    "\ufeff",
    "👩‍🔬",
    "é",
    "e\u0301",
    "𝛼",
    "  ",
    "|",
    '"',
    "\\",
    "\0",
]
characters = st.characters(exclude_categories=["Cs"])
texts = st.lists(st.one_of(characters, st.sampled_from(AWKWARD), st.sampled_from("abc ")), max_size=60).map("".join)
names = st.text(characters, min_size=1, max_size=12).filter(lambda name: bool(name.strip()))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(characters),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(characters), inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(st.text(characters, max_size=8), json_values, max_size=3)


@st.composite
def spans(draw: st.DrawFn, length: int) -> Span:
    start = draw(st.integers(0, length - 1))
    return Span(start, draw(st.integers(start + 1, length)))


@st.composite
def passages(draw: st.DrawFn, length: int) -> tuple[Passage, ...]:
    borders = sorted(draw(st.lists(st.integers(0, length), max_size=6).filter(lambda numbers: len(numbers) % 2 == 0)))
    return tuple(
        Passage(draw(st.sampled_from(["title", "abstract", ""])), start, end)
        for start, end in zip(borders[::2], borders[1::2], strict=True)
    )


@st.composite
def documents(draw: st.DrawFn) -> Document:
    text = draw(texts)
    return Document(draw(names), text, draw(passages(len(text))), draw(objects))


@st.composite
def annotations(draw: st.DrawFn, document: Document) -> Annotation:
    length = len(document.text)
    ids = draw(st.lists(names, unique=True, max_size=6)) if length else []
    entities = tuple(
        Entity(
            ident,
            draw(names),
            # not sorted, and not apart: the pieces come in the order of the source
            tuple(draw(st.lists(spans(length), min_size=1, max_size=3))),
            tuple(Concept(*pair) for pair in draw(st.lists(st.tuples(names, names), max_size=2))),
            draw(st.none() | st.floats(0, 1)),
            draw(st.sampled_from([None, "prediction", "prediction-changed", "manual"])),
            draw(objects),
        )
        for ident in ids
    )
    relations = (
        tuple(
            Relation(
                ident,
                draw(names),
                draw(st.sampled_from(ids)),
                draw(st.sampled_from(ids)),
                draw(st.booleans()),
                draw(objects),
            )
            for ident in draw(st.lists(names, unique=True, max_size=3))
        )
        if ids
        else ()
    )
    concept_relations = draw(st.lists(st.builds(ConceptRelation, names, names, names), max_size=2))
    return Annotation(entities, relations, tuple(concept_relations), draw(objects))


@st.composite
def annotated(draw: st.DrawFn) -> tuple[Document, Annotation]:
    document = draw(documents())
    return document, draw(annotations(document))


@st.composite
def maybe_annotated(draw: st.DrawFn) -> tuple[Document, Annotation | None]:
    document, annotation = draw(annotated())
    return document, draw(st.sampled_from([annotation, annotation, None]))
