"""Documents and annotations as hypothesis makes them up: any Unicode, nested, crossing, discontinuous, empty."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

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
# as people and programs call things
labels = st.one_of(
    names,
    st.sampled_from(["Chemical", "Drug name", "B-Gene", "O", "-", "NCBI Gene", "GENE-Y", "a:b", "x_y", "#", "1", "T1"]),
)
databases = st.one_of(names, st.sampled_from(["MESH", "NCBI Gene", "NCBI Taxonomy", "tmVar", "NCBI_Gene", "OMIM"]))
identifiers = st.one_of(names, st.sampled_from(["D009270", "900300", "OBT:001423", "a b", "50%20mg", "c|SUB|A|1|T"]))
ids = st.one_of(
    names,
    st.sampled_from(
        [
            "1",
            "a b",
            "a/b",
            "x.ann",
            "x.txt",
            "x.gz",
            "x.xml",
            ".x",
            "50%",
            "O",
            "-X-",
            "(5)",
            "#7",
            "T1",
            "1|t",
            "é",
            "_",
        ]
    ),
)
# texts that look like the files that they are written to
LOOKS = [
    "",
    " ",
    "1|t|Title\n1|a|Abstract",
    '{"id": "1", "text": "x"}',
    "-DOCSTART-\t1\n\na\tO\nb\tB-X",
    "# doc_id = 1\na\tO",
    "T1\tX 0 1\ta",
    "<document id='1'><sentence text='x'/></document>",
    "P00001606T0076 Some text\nP00001606T0077 Some text",
    "id\ttext\n1\tx",
]
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
    text = draw(st.one_of(texts, texts, texts, st.sampled_from(LOOKS)))
    return Document(draw(ids), text, draw(passages(len(text))), draw(objects))


@st.composite
def annotations(draw: st.DrawFn, document: Document) -> Annotation:
    length = len(document.text)
    idents = draw(st.lists(names, unique=True, max_size=6)) if length else []
    entities = tuple(
        Entity(
            ident,
            draw(labels),
            # not sorted, and not apart: the pieces come in the order of the source
            tuple(draw(st.lists(spans(length), min_size=1, max_size=3))),
            tuple(Concept(*pair) for pair in draw(st.lists(st.tuples(databases, identifiers), max_size=2))),
            draw(st.none() | st.floats(0, 1)),
            draw(st.sampled_from([None, "prediction", "prediction-changed", "manual"])),
            draw(objects),
        )
        for ident in idents
    )
    relations = (
        tuple(
            Relation(
                ident,
                draw(labels),
                draw(st.sampled_from(idents)),
                draw(st.sampled_from(idents)),
                draw(st.booleans()),
                draw(objects),
            )
            for ident in draw(st.lists(names, unique=True, max_size=3))
        )
        if idents
        else ()
    )
    concept_relations = draw(st.lists(st.builds(ConceptRelation, names, names, names), max_size=2))
    extras = draw(objects)
    if idents and draw(st.booleans()):
        extras["events"] = draw(events(document, idents))
        extras["coreferences"] = [
            {"id": f"*{number}", "entity_ids": draw(st.lists(st.sampled_from(idents), min_size=1, max_size=3))}
            for number in range(1, draw(st.integers(0, 2)) + 1)
        ]
    return Annotation(entities, relations, tuple(concept_relations), extras)


@st.composite
def events(draw: st.DrawFn, document: Document, idents: list[str]) -> list[dict[str, Any]]:
    """Return events about mentions, and about the events before them."""
    found: list[dict[str, Any]] = []
    taken = set(idents)
    for number in range(1, draw(st.integers(0, 3)) + 1):
        ident = f"E{number}"
        if ident in taken:
            continue
        start, end = draw(spans(len(document.text)))
        ends = st.sampled_from([*idents, *(event["id"] for event in found)])
        found.append(
            {
                "id": ident,
                "type": draw(labels),
                "trigger": {"text": [document.text[start:end]], "offsets": [[start, end]]},
                "arguments": [{"role": draw(labels), "ref_id": draw(ends)} for _ in range(draw(st.integers(0, 3)))],
            }
        )
    return found


@st.composite
def annotated(draw: st.DrawFn) -> tuple[Document, Annotation]:
    document = draw(documents())
    return document, draw(annotations(document))


@st.composite
def maybe_annotated(draw: st.DrawFn) -> tuple[Document, Annotation | None]:
    document, annotation = draw(annotated())
    return document, draw(st.sampled_from([annotation, annotation, None]))
