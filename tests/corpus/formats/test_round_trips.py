"""What every format must do with any corpus: write it, read it, and say what it could not hold."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from biorat_al.corpus.detection import list_files
from biorat_al.corpus.formats.base import WriteReport
from biorat_al.corpus.formats.registry import FORMATS
from biorat_al.corpus.model.concept_relations import collapsed
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
from biorat_al.corpus.reading import read_corpus, write_corpus
from biorat_al.errors import FormatError
from tests.corpus.generators import maybe_annotated

DERIVED = {"conll": ("tokens", "sentences"), "ddi": ("sentences",), "bigbio": ("split",)}
"""Metadata that a reader adds to what was written."""

WRITTEN = [known.name for known in FORMATS if known.can_write]
Pair = tuple[Document, Annotation | None]


def there_and_back(path: Path, name: str, records: Sequence[Pair]) -> tuple[list[Pair], WriteReport]:
    report = WriteReport()
    assert write_corpus(path, records, format=name, report=report) == report.documents
    return [(record.document, record.annotation) for record in read_corpus(path, format=name)], report


def comparable(records: Sequence[Pair]) -> list[Any]:
    """Return the records with everything that has no order in one order."""

    def sort(pair: Pair) -> Any:
        document, annotation = pair
        if annotation is None:
            return document, None
        return document, replace(
            annotation,
            entities=tuple(sorted(annotation.entities, key=lambda entity: entity.id)),
            relations=tuple(sorted(annotation.relations, key=lambda relation: relation.id)),
        )

    return sorted(map(sort, records), key=lambda pair: str(pair[0].id))


def without_derived(name: str, records: Sequence[Pair]) -> list[Pair]:
    keys = DERIVED.get(name, ())
    return [
        (replace(document, metadata={key: held for key, held in document.metadata.items() if key not in keys}), found)
        for document, found in records
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", WRITTEN)
@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(records=st.lists(maybe_annotated(), min_size=1, max_size=3, unique_by=lambda pair: pair[0].id.strip()))
def test_what_is_not_held_is_counted_and_the_rest_stays(
    name: str, records: list[Pair], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("trip")
    unfit = None
    try:
        once, report = there_and_back(folder / "once", name, records)
    except FormatError as error:
        unfit = error
    if unfit is not None:
        # ids are never changed, so one that the format cannot hold is an error
        assert unfit.document in [document.id for document, _ in records]
        assert "its id holds" in str(unfit)
        assert list(folder.iterdir()) == []
        return
    assert len(once) == len(records)
    if not report.lost:
        assert comparable(without_derived(name, once)) == comparable(without_derived(name, records))
    # what was read from the format fits into it
    twice, second = there_and_back(folder / "twice", name, once)
    assert (dict(second.lost), comparable(twice)) == ({}, comparable(once))


def triggers(event: Any) -> Any:
    return [tuple(span) for span in event["trigger"]["offsets"]]


def aspects(pair: Pair) -> dict[str, Any]:
    """Return what a record means, part by part, without the ids that nobody outside of the file knows."""
    document, annotation = pair
    found: dict[str, Any] = {"texts": document.text, "passages": document.passages, "looked": annotation is not None}
    annotation = collapsed(annotation or Annotation())
    places = {entity.id: entity.spans for entity in annotation.entities}
    events = annotation.extras.get("events", [])
    places |= {event["id"]: tuple(triggers(event)) for event in events}
    found["mentions"] = Counter((entity.label, entity.spans) for entity in annotation.entities)
    found["links"] = Counter((entity.spans, concept) for entity in annotation.entities for concept in entity.concepts)
    found["relations"] = Counter(
        (relation.label, *sorted((places[relation.head], places[relation.tail]))) for relation in annotation.relations
    )
    found["directions"] = Counter(
        (relation.label, places[relation.head], places[relation.tail], relation.directed)
        for relation in annotation.relations
    )
    found["concept relations"] = set(annotation.concept_relations)
    found["events"] = Counter(
        (event["type"], places[event["id"]], *((part["role"], places[part["ref_id"]]) for part in event["arguments"]))
        for event in events
    )
    found["coreferences"] = Counter(
        tuple(places[ident] for ident in group["entity_ids"]) for group in annotation.extras.get("coreferences", [])
    )
    found["scores"] = Counter((entity.spans, entity.score) for entity in annotation.entities)
    found["histories"] = Counter((entity.spans, entity.origin) for entity in annotation.entities)
    return found


EXPLAINED = {
    "texts": r"\btexts?\b|characters|tokens",
    "passages": r"passages|texts?\b",
    "looked": r"marks of documents",
    "mentions": r"pieces of disc|mentions of white|that overlap|at the ends of mentions|labels|texts?\b|characters",
    "links": r"links|pieces of disc|mentions of white|that overlap|characters|texts?\b|identifiers",
    "relations": r"relations|labels|characters|texts?\b|pieces of disc",
    "directions": r"relations|labels|characters|texts?\b|pieces of disc",
    "concept relations": r"relations|characters|labels|identifiers|links",
    "events": r"events|further annotations|labels|characters|texts?\b|pieces of disc",
    "coreferences": r"coreferences|further annotations|characters|texts?\b|pieces of disc",
    "scores": r"scores|pieces of disc|mentions of white|mentions that overlap|characters|texts?\b",
    "histories": r"histories|pieces of disc|mentions of white|mentions that overlap|characters|texts?\b",
}
"""What of the kinds that a writer counts can be the reason why a part of a record is another one than it was."""


@pytest.mark.slow
@pytest.mark.parametrize("name", WRITTEN)
@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(records=st.lists(maybe_annotated(), min_size=1, max_size=2, unique_by=lambda pair: pair[0].id.strip()))
def test_nothing_changes_of_which_nothing_is_counted(
    name: str, records: list[Pair], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("trip")
    try:
        back, report = there_and_back(folder / "once", name, records)
    except FormatError as error:
        assume("its id holds" not in str(error))
        raise
    by_id = {pair[0].id: aspects(pair) for pair in back}
    assert sorted(by_id) == sorted(
        pair[0].id if "white space around ids of documents" not in report.lost else pair[0].id.strip()
        for pair in records
    )
    for pair in records:
        after = by_id[pair[0].id if pair[0].id in by_id else pair[0].id.strip()]
        changed = {part for part, value in aspects(pair).items() if after[part] != value}
        unexplained = {part for part in changed if not any(re.search(EXPLAINED[part], kind) for kind in report.lost)}
        assert not unexplained, (
            sorted(unexplained),
            dict(report.lost),
            [(aspects(pair)[p], after[p]) for p in unexplained],
        )


SUFFIXES = {
    "jsonl": ".jsonl",
    "pubtator": ".txt",
    "bioc-xml": ".xml",
    "bioc-json": ".json",
    "conll": ".conll",
    "label-studio": ".json",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", WRITTEN)
@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(
    records=st.lists(maybe_annotated(), min_size=1, max_size=2, unique_by=lambda pair: pair[0].id.strip()),
    forced=st.booleans(),
)
def test_what_was_written_is_recognised_as_what_it_is(
    name: str, records: list[Pair], forced: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("trip") / f"out{SUFFIXES.get(name, '')}"
    try:
        write_corpus(path, records, format=name)
    except FormatError as error:
        assume("its id holds" not in str(error))
        raise
    assert {file.format.name for file in list_files(path, format=name if forced else None)} == {name}


@pytest.mark.parametrize("name", WRITTEN)
@pytest.mark.parametrize("annotation", [None, Annotation()])
def test_documents_without_text_come_back(name: str, annotation: Annotation | None, tmp_path: Path) -> None:
    documents = [Document("r", ""), Document("s", "Some text"), Document("t", "")]
    for number in (1, 3):
        chosen = [(document, annotation) for document in documents[:number]]
        back, report = there_and_back(tmp_path / f"out{number}", name, chosen)
        assert [document.id for document, _ in back] == [document.id for document in documents[:number]]
        for (document, found), (before, _) in zip(back, chosen, strict=True):
            assert document.text.strip() == before.text.strip()
            assert document.text == before.text or any("text" in kind for kind in report.lost)
            assert found == annotation or any(kind.startswith("marks of documents") for kind in report.lost)


@st.composite
def plain_records(draw: st.DrawFn, name: str) -> Pair:
    """A record that the format can hold whole: mentions that are nested, cross, lie in one place or in pieces."""
    words = st.lists(
        st.sampled_from(["naloxone", "é", "👩‍🔬", "𝛼-2", "(MD)", "e\u0301", "\u00a0", "5", "''"]), max_size=8
    )
    title, abstract = " ".join(draw(words)), " ".join(draw(words))
    text = f"{title} {abstract}"
    passages = (Passage("title", 0, len(title)), Passage("abstract", len(title) + 1, len(text)))
    metadata: dict[str, Any] = {}
    whole = st.integers(0, len(text) - 1).flatmap(
        lambda start: st.integers(start + 1, len(text)).map(lambda end: (Span(start, end),))
    )
    pieces = st.lists(whole.map(lambda spans: spans[0]), min_size=1, max_size=3).map(tuple)
    in_pieces = name not in ("pubtator", "chemprot")
    concepts = st.lists(st.from_regex(r"[CD][0-9]{6}", fullmatch=True), max_size=3, unique=True)
    linked = name not in ("chemprot", "ddi")
    entities = tuple(
        Entity(
            f"T{number}",
            draw(st.sampled_from(["Chemical", "Disease", "GENE-Y"])),
            draw(pieces if in_pieces else whole),
            tuple(Concept("MESH", code) for code in draw(concepts)) if linked else (),
        )
        for number in range(1, draw(st.integers(0, 5)) + 1)
    )
    relations: tuple[Relation, ...] = ()
    concept_relations: tuple[ConceptRelation, ...] = ()
    ids = [entity.id for entity in entities]
    if ids and name != "pubtator":
        # brat has one direction for all relations of a type
        kinds = [("binds", True)] if name in ("chemprot", "bigbio") else [("binds", True), ("meets", False)]
        kinds = [("meets", False)] if name == "ddi" else kinds
        first = "r" if name == "label-studio" else "R"
        for number in range(1, draw(st.integers(0, 3)) + 1):
            label, directed = draw(st.sampled_from(kinds))
            ends = draw(st.sampled_from(ids)), draw(st.sampled_from(ids))
            relations += (Relation(f"{first}{number}", label, *ends, directed),)
    if name in ("pubtator", "bioc-xml", "bioc-json", "jsonl"):
        tails = st.sampled_from(["C000002", "D000003"])
        stated = st.builds(ConceptRelation, st.just("CID"), st.just("D000001"), tails)
        concept_relations = tuple(draw(st.lists(stated, max_size=2)))
    if name in ("brat", "ddi"):
        passages = ()
    if name == "ddi":
        metadata["sentences"] = [[0, len(text)]]
    if name == "bigbio":
        # a mention that begins in the gap between two passages would change the gap
        passages = (Passage("abstract", 0, len(text)),)
        metadata["split"] = draw(st.sampled_from(["train", "test"]))
    ident = draw(st.from_regex(r"[0-9]{4,8}", fullmatch=True))
    return Document(ident, text, passages, metadata), Annotation(entities, relations, concept_relations)


HOLDING = [name for name in WRITTEN if name != "conll"]


@pytest.mark.slow
@pytest.mark.parametrize("name", HOLDING)
@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_what_a_format_can_hold_comes_back_whole(
    name: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    records = data.draw(
        st.lists(plain_records(name), min_size=1, max_size=3, unique_by=lambda pair: pair[0].id)
        # where the format tells it by the file, somebody must have found something
        .filter(lambda records: any(found and (found.entities or found.relations) for _, found in records))
    )
    back, report = there_and_back(tmp_path_factory.mktemp("trip") / "out", name, records)
    if name == "bigbio":
        report.lost.pop("ids of mentions (renumbered)", None)
        back, records = without_ids(back), without_ids(records)
    assert (dict(report.lost), comparable(back)) == ({}, comparable(records))


def without_ids(records: Sequence[Pair]) -> list[Pair]:
    """Return the records with the ids of mentions and relations as their places in the record."""
    result: list[Pair] = []
    for document, annotation in records:
        assert annotation is not None
        names = {entity.id: str(number) for number, entity in enumerate(annotation.entities)}
        entities = tuple(replace(entity, id=names[entity.id]) for entity in annotation.entities)
        relations = tuple(
            replace(relation, id=str(number), head=names[relation.head], tail=names[relation.tail])
            for number, relation in enumerate(annotation.relations)
        )
        result.append((document, replace(annotation, entities=entities, relations=relations)))
    return result


@pytest.mark.slow
@pytest.mark.parametrize("name", WRITTEN)
def test_thousands_of_mentions(name: str, tmp_path: Path) -> None:
    text = " ".join(f"word{number}😀" for number in range(3000))
    starts = [0, *(place + 1 for place, character in enumerate(text) if character == " ")]
    entities = [
        Entity(f"T{number}", "Word", (Span(start, text.find("😀", start) + 1),))
        for number, start in enumerate(starts, start=1)
    ]
    inside = [
        Entity(f"T{len(starts) + number}", "Part", (Span(start, start + 4),))
        for number, start in enumerate(starts, start=1)
    ]
    document = Document("1", text)
    back, report = there_and_back(tmp_path / "out", name, [(document, Annotation((*entities, *inside)))])
    ((_, annotation),) = back
    assert annotation is not None
    if name == "conll":
        assert report.lost["mentions that overlap a longer one"] == 3000
        assert len(annotation.entities) == 3000
        return
    found = sorted((entity.label, entity.spans) for entity in annotation.entities)
    assert found == sorted((entity.label, entity.spans) for entity in (*entities, *inside))
