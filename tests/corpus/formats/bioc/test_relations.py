"""Relations in BioC, in the shapes in which corpora and PubTator 3 have them, read from both spellings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biorat_al.corpus.detection import detect
from biorat_al.corpus.formats.base import Reading, ReadReport, WriteReport
from biorat_al.corpus.formats.bioc.bioc_json import BioCJson
from biorat_al.corpus.io.source import Source
from biorat_al.corpus.model.concept_relations import with_properties
from biorat_al.corpus.model.document import (
    Annotation,
    Concept,
    ConceptRelation,
    Document,
    Entity,
    Passage,
    Record,
    Relation,
    Span,
)
from biorat_al.corpus.reading import read_corpus, write_corpus
from biorat_al.errors import FormatError, OffsetError

TEXT = "Relvin eases gout in mice with p.R12Q."
CHEMICAL = {"type": "Chemical", "identifier": "MESH:D900001", "normalized": ["D900001"], "name": "Relvin"}
DISEASE = {"type": "Disease", "identifier": "MESH:D900002", "normalized": ["D900002"], "name": "Gout"}


def mention(ident: str, kind: str, identifier: str, offset: int, length: int) -> dict[str, Any]:
    return {
        "id": ident,
        "infons": {"type": kind, "identifier": identifier},
        "text": TEXT[offset : offset + length],
        "locations": [{"offset": offset, "length": length}],
    }


MENTIONS = [
    mention("1", "Chemical", "MESH:D900001", 0, 6),
    mention("2", "Disease", "MESH:D900002", 13, 4),
    mention("3", "SequenceVariant", "p|SUB|R|12|Q", 31, 6),
]


def relation(infons: dict[str, Any], *nodes: tuple[Any, str], ident: str = "R1") -> dict[str, Any]:
    return {"id": ident, "infons": infons, "nodes": [{"refid": refid, "role": role} for refid, role in nodes]}


def document(
    *relations: dict[str, Any], annotations: list[dict[str, Any]] | None = None, **further: Any
) -> dict[str, Any]:
    passage = {
        "infons": {"type": "title"},
        "offset": 0,
        "text": TEXT,
        "sentences": [],
        "annotations": MENTIONS if annotations is None else annotations,
        "relations": [],
    }
    return {"id": "1", "infons": {}, "passages": [passage], "relations": list(relations), **further}


def as_xml(value: dict[str, Any]) -> str:
    """Return a document as XML, whose infons are text."""

    def infons(part: dict[str, Any]) -> str:
        return "".join(
            f"<infon key={quoteattr(key)}>{escape(str(held))}</infon>" for key, held in part["infons"].items()
        )

    def carried(part: dict[str, Any]) -> str:
        annotations = "".join(
            f"<annotation id={quoteattr(one['id'])}>{infons(one)}"
            + "".join(
                f'<location offset="{place["offset"]}" length="{place["length"]}"/>' for place in one["locations"]
            )
            + f"<text>{escape(one['text'])}</text></annotation>"
            for one in part.get("annotations", [])
        )
        return annotations + "".join(
            f"<relation id={quoteattr(one['id'])}>{infons(one)}"
            + "".join(f"<node refid={quoteattr(str(n['refid']))} role={quoteattr(n['role'])}/>" for n in one["nodes"])
            + "</relation>"
            for one in part.get("relations", [])
        )

    passages = "".join(
        f"<passage>{infons(part)}<offset>{part['offset']}</offset><text>{escape(part['text'])}</text>{carried(part)}</passage>"
        for part in value["passages"]
    )
    inside = f"<id>{value['id']}</id>{infons(value)}{passages}{carried(value)}"
    return f"<collection><source/><date/><key/><document>{inside}</document></collection>"


def read(tmp_path: Path, value: dict[str, Any], kind: str, **how: Any) -> Record:
    path = tmp_path / f"corpus.{kind}"
    path.write_text(as_xml(value) if kind == "xml" else json.dumps(value), encoding="utf-8")
    (record,) = read_corpus(path, format=f"bioc-{kind}", **how)
    assert record.annotation is not None
    return record


def stated(record: Record) -> list[Any]:
    assert record.annotation is not None
    return [(one.label, one.head, one.tail) for one in record.annotation.concept_relations] + [
        (one["relation"], one["properties"]) for one in record.annotation.extras.get("concept_relation_properties", [])
    ]


ENDS = ("Association", "D900001", "D900002")
PREFIXED = ("Association", "MESH:D900001", "MESH:D900002")
PUBTATOR3 = {"score": "0.99", "role1": "Chemical|MESH:D900001", "role2": "Disease|MESH:D900002", "type": "Association"}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["xml", "json"])
@pytest.mark.parametrize(
    ("value", "expected", "properties"),
    [
        (
            relation({"entity1": "D900001", "entity2": "D900002", "type": "Association", "novel": "No"}),
            ENDS,
            {"novel": "No"},
        ),
        (relation({"Entity1": "D900001", "Entity2": "D900002", "relation": "Association"}), ENDS, {}),
        (
            relation(
                {"relation": "Association", "Chemical": "D900001", "Disease": "D900002", "source": "x", "page": "3"}
            ),
            ENDS,
            {"source": "x", "page": "3"},
        ),
        (
            relation({"relation": "Association", "Chemical": "D900001", "Disease": "D999999", "score": "0.5"}),
            ("Association", "D900001", "D999999"),
            {"score": "0.5"},
        ),
        (
            relation({"type": "Association", "arg1": "p|SUB|R|12|Q", "arg2": "D900002"}),
            ("Association", "p|SUB|R|12|Q", "D900002"),
            {},
        ),
        (
            relation(PUBTATOR3, ("0", "0,1")),
            PREFIXED,
            {
                "score": "0.99",
                "role1": "Chemical|MESH:D900001",
                "role2": "Disease|MESH:D900002",
                "nodes": [{"refid": "0", "role": "0,1"}],
            },
        ),
        (
            # the number of a node may happen to be the id of an annotation
            relation(PUBTATOR3 | {"role1": "D900001", "role2": "D900002"}, ("1", "0,1")),
            ENDS,
            {"score": "0.99", "nodes": [{"refid": "1", "role": "0,1"}]},
        ),
        (
            relation({"type": "Association"}, ("MESH:D900001", "Chemical"), ("MESH:D900002", "Disease")),
            PREFIXED,
            {"nodes": [{"refid": "MESH:D900001", "role": "Chemical"}, {"refid": "MESH:D900002", "role": "Disease"}]},
        ),
    ],
)
def test_relations_between_concepts(
    tmp_path: Path, value: dict[str, Any], expected: tuple[str, str, str], properties: dict[str, Any], kind: str
) -> None:
    record = read(tmp_path, document(value), kind)
    assert stated(record) == [expected, *([([*expected], properties)] if properties else [])]
    # it reaches every other format, or is counted there
    for name in ("bigbio", "brat", "pubtator", "jsonl", "bioc-xml", "bioc-json"):
        report = WriteReport()
        write_corpus(tmp_path / name, [record], format=name, report=report)
        (back,) = read_corpus(tmp_path / name, format=name)
        assert back.annotation is not None
        unlinked = report.lost["relations between concepts that no two mentions are linked to"]
        assert len(back.annotation.relations) + len(back.annotation.concept_relations) + unlinked == 1
        kept = back.annotation.extras.get("concept_relation_properties", [{}])[0].get("properties", {})
        assert (kept == properties) is not bool(report.lost["further properties of relations between concepts"])
    for name in ("jsonl", "bioc-xml", "bioc-json"):
        (back,) = read_corpus(tmp_path / name, format=name)
        assert stated(back) == stated(record)


def test_what_pubtator_3_answers(tmp_path: Path) -> None:
    infons = {"score": "0.99", "role1": CHEMICAL, "role2": {**DISEASE, "identifier": 900002}, "type": "Association"}
    answer = document(
        relation(infons, (0, "0,1")), _id="1|None", pmid=1, pmcid=None, meta={}, journal="J", authors=[], date="2024"
    )
    expected = [
        ("Association", "MESH:D900001", "900002"),
        (
            ["Association", "MESH:D900001", "900002"],
            {key: held for key, held in infons.items() if key != "type"} | {"nodes": [{"refid": "0", "role": "0,1"}]},
        ),
    ]
    for shape in ({"PubTator3": [answer]}, [{"PubTator3": [answer]}], answer, [answer]):
        path = tmp_path / "answer.json"
        path.write_text(json.dumps(shape))
        found = detect(path).format
        assert found is not None
        assert found.name == "bioc-json"
        (record,) = read_corpus(path)
        assert stated(record) == expected
        assert record.document.metadata == {"pmid": 1, "journal": "J", "date": "2024"}
        report = WriteReport()
        write_corpus(tmp_path / "again.json", [record], format="bioc-json", report=report)
        (again,) = read_corpus(tmp_path / "again.json", format="bioc-json")
        assert (dict(report.lost), again[:2]) == ({}, record[:2])
    wrapped = json.dumps({"PubTator3": [answer]})
    path.write_text(f"{wrapped}\n{wrapped}\n")
    assert len(list(read_corpus(path))) == 2
    del answer["id"]
    path.write_text(json.dumps(answer))
    assert [record.document.id for record in read_corpus(path)] == ["1"]


def test_objects_of_roles_become_text_in_xml(tmp_path: Path) -> None:
    infons = {"score": 0.5, "role1": CHEMICAL, "role2": DISEASE, "type": "Association"}
    record = read(tmp_path, document(relation(infons)), "json")
    report = WriteReport()
    write_corpus(tmp_path / "again.xml", [record], format="bioc-xml", report=report)
    (again,) = read_corpus(tmp_path / "again.xml")
    assert stated(again) == [
        PREFIXED,
        ([*PREFIXED], {"role1": "Chemical|MESH:D900001", "role2": "Disease|MESH:D900002"}),
    ]
    assert report.lost == {"further properties of relations between concepts": 1}


@pytest.mark.parametrize("kind", ["xml", "json"])
@pytest.mark.parametrize(
    "value",
    [
        relation({"type": "Association", "role1": "-", "role2": "Disease|MESH:D900002"}, ("0", "0,1")),
        relation({"type": "Association"}, ("1", ""), ("8", "")),
        relation({"type": "Association"}, ("MESH:D900001", ""), ("MESH:D999999", "")),
    ],
)
def test_relations_without_ends_are_left_out_and_counted(tmp_path: Path, value: dict[str, Any], kind: str) -> None:
    with pytest.raises(FormatError, match=r"the relation 'R1' refers to the annotation .*, which is not there"):
        read(tmp_path, document(value), kind)
    report = ReadReport()
    record = read(tmp_path, document(value), kind, skip_invalid=True, report=report)
    assert stated(record) == []
    assert report.left_out == {"relations to annotations that are not there": 1}


def of_passages(*relations: dict[str, Any], inner: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return two passages in both of which an annotation has the id 0."""
    value = document(*relations, annotations=[mention("0", "Chemical", "-", 0, 6), mention("1", "Disease", "-", 13, 4)])
    second = {
        "infons": {"type": "abstract"},
        "offset": 40,
        "text": TEXT,
        "annotations": [
            mention("0", "Disease", "-", 13, 4) | {"locations": [{"offset": 53, "length": 4}]},
            mention("0-2", "Animal", "-", 21, 4) | {"locations": [{"offset": 61, "length": 4}]},
        ],
        "relations": [inner] if inner else [],
    }
    value["passages"].append(second)
    return value


@pytest.mark.parametrize("kind", ["xml", "json"])
def test_ids_that_begin_anew_in_each_passage(tmp_path: Path, kind: str) -> None:
    inner = relation({"type": "near"}, ("0", ""), ("0-2", ""), ident="R1")
    outer = relation({"type": "of"}, ("1", ""), ("0-2", ""), ident="R1")
    record = read(tmp_path, of_passages(outer, inner=inner), kind)
    assert record.annotation is not None
    assert [entity.id for entity in record.annotation.entities] == ["0", "1", "0-3", "0-2"]
    # a relation means what is in its own passage
    assert record.annotation.relations == (
        Relation("R1", "near", "0-3", "0-2"),
        Relation("R1-2", "of", "1", "0-2"),
    )


@pytest.mark.parametrize("kind", ["xml", "json"])
def test_a_relation_to_an_id_that_two_annotations_have(tmp_path: Path, kind: str) -> None:
    value = of_passages(relation({"type": "of"}, ("0", ""), ("1", "")))
    with pytest.raises(FormatError, match="refers to the annotation '0', and 2 annotations have that id"):
        read(tmp_path, value, kind)
    report = ReadReport()
    record = read(tmp_path, value, kind, skip_invalid=True, report=report)
    assert record.annotation is not None
    assert (len(record.annotation.entities), record.annotation.relations) == (4, ())
    assert report.left_out.total() == 1


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("Relvin ... gout", True),
        ("Relvin [...] gout", True),
        ("Relvin…gout", True),
        ("Relvin [ … ] gout", True),
        ("Relvin\n gout", True),
        ("Relvingout", True),
        ("Relvin and gout", False),
        ("relvin ... gout", False),
        ("gout ... Relvin", False),
    ],
)
def test_pieces_may_be_joined_by_an_ellipsis(tmp_path: Path, text: str, fits: bool) -> None:
    places = [{"offset": 0, "length": 6}, {"offset": 13, "length": 4}]
    value = document(annotations=[{"id": "1", "infons": {"type": "X"}, "text": text, "locations": places}])
    if not fits:
        with pytest.raises(OffsetError, match="the text at 0-6, 13-17 is 'Relvin gout'"):
            read(tmp_path, value, "json")
        return
    record = read(tmp_path, value, "json")
    assert record.annotation is not None
    assert record.annotation.entities == (Entity("1", "X", (Span(0, 6), Span(13, 17))),)


@pytest.mark.parametrize("text", ["gout Relvin", "Relvin gout", "Relvin ... gout"])
def test_locations_that_are_not_in_the_order_of_the_text_are_read(tmp_path: Path, text: str) -> None:
    places = [{"offset": 13, "length": 4}, {"offset": 0, "length": 6}]
    value = document(annotations=[{"id": "1", "infons": {"type": "X"}, "text": text, "locations": places}])
    record = read(tmp_path, value, "json")
    assert record.annotation is not None
    assert record.annotation.entities[0].spans == (Span(13, 17), Span(0, 6))


@pytest.mark.parametrize("kind", ["xml", "json"])
def test_an_annotation_of_length_zero_is_said_to_be_empty(tmp_path: Path, kind: str) -> None:
    empty = {"id": "c1", "infons": {"type": "citation"}, "text": "", "locations": [{"offset": 8, "length": 0}]}
    value = document(annotations=[*MENTIONS, empty])
    with pytest.raises(OffsetError, match="the annotation 'c1' is empty: its location at 8 has the length 0"):
        read(tmp_path, value, kind)
    report = ReadReport()
    record = read(tmp_path, value, kind, skip_invalid=True, report=report)
    assert record.annotation is not None
    assert (len(record.annotation.entities), report.invalid_count) == (3, 1)


@pytest.mark.parametrize(("unit", "start"), [("bytes of UTF-8", 18), ("units of UTF-16", 13)])
def test_offsets_that_count_something_else_are_said_to_do_so(tmp_path: Path, unit: str, start: int) -> None:
    relvin = mention("1", "X", "-", 0, 6) | {"text": "relvin", "locations": [{"offset": start, "length": 6}]}
    passages = [
        {"infons": {}, "offset": 0, "text": "Gout."},
        {"infons": {}, "offset": 6, "text": "😀😀 é relvin eases gout.", "annotations": [relvin]},
    ]
    with pytest.raises(OffsetError, match=f"; the offsets of its passage count {unit}, not characters"):
        read(tmp_path, {"id": "1", "passages": passages}, "json")


def test_mentions_of_another_spelling_or_without_a_text_can_be_kept_by_their_offsets(tmp_path: Path) -> None:
    value = document(annotations=[MENTIONS[0] | {"text": "relvin"}, MENTIONS[1] | {"text": None}, MENTIONS[2]])
    path = tmp_path / "a.json"
    path.write_text(json.dumps(value))
    reading = Reading(trust_offsets=True)
    (record,) = BioCJson().read(Source(path), reading)
    assert record.annotation is not None
    assert [entity.surface(TEXT) for entity in record.annotation.entities] == ["Relvin", "gout", "p.R12Q"]
    assert reading.report.trusted_count == 2


NULLS: dict[str, Any] = {
    "source": None, "date": None, "key": None, "infons": None,
    "documents": [
        {"id": 1, "infons": None, "passages": [
            {"infons": None, "offset": 0, "text": TEXT, "sentences": None, "annotations": [
                None,
                {"id": None, "infons": {"type": "X", "note": None}, "text": "Relvin",
                 "locations": [None, {"offset": 0, "length": 6}]},
                {"infons": {"type": "X", "identifier": 9001, "details": {"a": [1]}}, "text": "whole",
                 "locations": None},
             ], "relations": None},
            {"offset": 40, "text": None, "infons": {"type": None}},
        ], "annotations": None, "relations": [{"id": None, "infons": None, "nodes": None}]},
        {"id": "2", "passages": None},
    ],
}  # fmt: skip


def test_null_is_the_same_as_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(NULLS))
    first, second = read_corpus(path)
    assert first.document == Document("1", TEXT + "  ", (Passage("passage", 0, 38), Passage("passage", 40, 40)))
    assert first.annotation == Annotation(
        (Entity("T1", "X", (Span(0, 6),), extras={"note": None}),),
        extras={
            "unlocated": [
                {"id": "T2", "infons": {"type": "X", "identifier": 9001, "details": {"a": [1]}}, "text": "whole"}
            ],
            "relations": [{"id": "R1", "infons": {}, "nodes": []}],
        },
    )
    assert second.document == Document("2", "")


def test_what_is_said_of_sentences_is_kept_or_counted(tmp_path: Path) -> None:
    value = document()
    value["passages"][0]["sentences"] = [
        {"offset": 0, "text": "Relvin eases gout", "infons": {"n": "1"}},
        {"offset": 5, "text": "elsewhere", "infons": {}},
    ]
    value["passages"][0]["checked"] = True
    report = ReadReport()
    record = read(tmp_path, value, "json", report=report)
    assert record.document.metadata == {"sentences": [[0, 17]]}
    assert report.left_out == {
        "infons of sentences": 1,
        "borders of sentences whose text is not the text at their offset": 1,
        "values under keys that BioC JSON does not have": 1,
    }


words = st.sampled_from(["D900001", "MESH:D900001", "p|SUB|R|12|Q", "Chemical|x", "9001,9002", "a b", "score", "rs7"])
keys = st.sampled_from(["novel", "score", "role1", "entity1", "head", "tail", "type", "relation", "nodes", "x"])


@settings(deadline=None, max_examples=60)
@given(
    relations=st.lists(
        st.tuples(
            words, words, words, st.dictionaries(keys, words | st.integers() | st.just({"type": "a"}), max_size=3)
        ),
        max_size=3,
    ),
    name=st.sampled_from(["bioc-xml", "bioc-json", "pubtator", "jsonl"]),
)
def test_relations_between_concepts_come_back_whatever_they_are_called(
    relations: list[tuple[str, str, str, dict[str, Any]]], name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    # PubTator's ends are spelled as the mentions' column is, without the prefix
    spelled = {"MESH:D900001": "D900001"} if name == "pubtator" else {}
    each = [
        (ConceptRelation(label, spelled.get(head, head), spelled.get(tail, tail)), properties)
        for label, head, tail, properties in relations
    ]
    entities = (Entity("T1", "X", (Span(0, 6),), (Concept("MESH", "D900001"),)),)
    annotation = Annotation(entities, (), tuple(relation for relation, _ in each), with_properties({}, each))
    report = WriteReport()
    path = tmp_path_factory.mktemp("relations") / "out"
    write_corpus(path, [(Document("1", TEXT), annotation)], format=name, report=report)
    (back,) = read_corpus(path, format=name)
    assert back.annotation is not None
    assert back.annotation.concept_relations == annotation.concept_relations
    if not report.lost["further properties of relations between concepts"]:
        assert back.annotation.extras == annotation.extras
