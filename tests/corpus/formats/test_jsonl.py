from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biorat_al.corpus.formats.base import ReadReport
from biorat_al.corpus.formats.jsonl import record_from_json, to_line, write_jsonl
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
from biorat_al.errors import CorpusError, FormatError, OffsetError, UsageError
from tests.corpus.generators import maybe_annotated

TEXT = "Naloxone reverses clonidine."
GOOD: dict[str, Any] = {
    "id": "1",
    "text": TEXT,
    "entities": [
        {"id": "T1", "label": "Chemical", "spans": [[0, 8]], "text": "Naloxone"},
        {"id": "T2", "label": "Chemical", "spans": [[18, 27]]},
    ],
    "relations": [{"id": "R1", "label": "reverses", "head": "T1", "tail": "T2"}],
}


def lines(tmp_path: Path, *values: object) -> Path:
    path = tmp_path / "corpus.jsonl"
    path.write_text("".join(f"{value if isinstance(value, str) else json.dumps(value)}\n" for value in values))
    return path


def changed(**values: Any) -> dict[str, Any]:
    return {**GOOD, **values}


def entity(**values: Any) -> dict[str, Any]:
    return changed(entities=[{**GOOD["entities"][0], **values}], relations=[])


@pytest.mark.slow
@settings(deadline=None)
@given(records=st.lists(maybe_annotated(), min_size=1, max_size=4), packed=st.booleans())
def test_what_was_written_is_read_back_equal(
    tmp_path_factory: pytest.TempPathFactory, records: list[tuple[Document, Annotation | None]], packed: bool
) -> None:
    path = tmp_path_factory.mktemp("jsonl") / ("corpus.jsonl.gz" if packed else "corpus.jsonl")
    assert write_corpus(path, records) == len(records)
    back = list(read_corpus(path))
    assert [(record.document, record.annotation) for record in back] == records
    assert [record.source for record in back] == [f"{path}:{number}" for number in range(1, len(records) + 1)]


def test_every_field_comes_back(tmp_path: Path) -> None:
    document = Document("7", "a b\r\nc 👩‍🔬", (Passage("title", 0, 3), Passage("abstract", 5, 10)), {"journal": "J"})
    annotation = Annotation(
        (
            Entity(
                "T1",
                "A",
                (Span(0, 1), Span(5, 6)),
                (Concept("MESH", "D1"),),
                0.25,
                "prediction-changed",
                {"x": [1, None]},
            ),
            Entity("T2", "B", (Span(0, 3),)),
        ),
        (Relation("R1", "r", "T1", "T2", False, {"y": True}),),
        (ConceptRelation("CID", "D1", "D2"),),
        {"events": [{"id": "E1"}]},
    )
    path = tmp_path / "one.jsonl"
    write_jsonl(path, [(document, annotation)])
    assert json.loads(path.read_text(encoding="utf-8")) == {
        "id": "7",
        "text": "a b\r\nc 👩‍🔬",
        "passages": [{"kind": "title", "start": 0, "end": 3}, {"kind": "abstract", "start": 5, "end": 10}],
        "metadata": {"journal": "J"},
        "entities": [
            {
                "id": "T1",
                "label": "A",
                "spans": [[0, 1], [5, 6]],
                "text": "a c",
                "concepts": [{"database": "MESH", "identifier": "D1"}],
                "score": 0.25,
                "origin": "prediction-changed",
                "extras": {"x": [1, None]},
            },
            {"id": "T2", "label": "B", "spans": [[0, 3]], "text": "a b"},
        ],
        "relations": [{"id": "R1", "label": "r", "head": "T1", "tail": "T2", "directed": False, "extras": {"y": True}}],
        "concept_relations": [{"label": "CID", "head": "D1", "tail": "D2"}],
        "extras": {"events": [{"id": "E1"}]},
    }
    assert list(read_corpus(path)) == [Record(document, annotation, f"{path}:1")]


def test_nobody_looked_and_nothing_found_are_two_things(tmp_path: Path) -> None:
    path = lines(tmp_path, {"id": "1", "text": "a"}, {"id": "2", "text": "b", "entities": []})
    report = ReadReport()
    assert [record.annotation for record in read_corpus(path, report=report)] == [None, Annotation()]
    assert (report.documents, report.annotated) == (2, 1)


def test_blank_lines_are_passed_over_and_lines_counted(tmp_path: Path) -> None:
    path = lines(tmp_path, "", {"id": "1", "text": "a"}, "  ", {"id": "2", "text": "b"}, "")
    assert [record.source.rpartition(":")[2] for record in read_corpus(path)] == ["2", "4"]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ('{"id": "1", "text": "a"', "not JSON at column 24"),
        ('{"id": "1", "text": "a"} x', "not JSON at column 26: Extra data"),
        ('["id"]', 'found the list ["id"], expected a JSON object'),
        ("3", "found the number 3, expected a JSON object"),
        ('{"id": "1", "text": "a", "text": "b"}', "the key 'text' occurs twice"),
        ('{"id": "1", "text": "a", "metadata": {"x": NaN}}', "NaN is not a JSON number"),
        (r'{"id": "1", "text": "a\ud83d"}', "one half of a surrogate pair"),
        ("[" * 100_000, "nested too deeply"),
        ({"text": "a"}, "id is missing, expected a string"),
        ({"id": "1"}, "text is missing, expected a string"),
        ({"id": 1, "text": "a"}, "id: found the number 1, expected a string"),
        ({"id": " ", "text": "a"}, "the document's id is empty"),
        ({"id": "1", "text": None}, "text: found null, expected a string"),
        (changed(entitites=[]), "found the unknown key 'entitites', expected only id, text"),
        (changed(entities=None), "entities: found null, expected a list"),
        (changed(entities=["x"]), 'entities[0]: found the string "x", expected an object'),
        (changed(metadata=[]), "metadata: found the list [], expected an object"),
        (changed(passages=[{"kind": "t", "start": 0.0, "end": 1}]), "passages[0].start: found the number 0.0"),
        (changed(passages=[{"kind": "t", "start": 0, "end": 99}]), "passage 't' at 0-99 is not inside the text"),
        (
            changed(passages=[{"kind": "t", "start": 0, "end": 9}, {"kind": "u", "start": 8, "end": 12}]),
            "passage 'u' begins at 8, before the end of the passage before it at 9",
        ),
        (entity(id=""), "an entity's id is empty"),
        (entity(label=""), "the entity 'T1' has no label"),
        (entity(label=["x"]), 'entities[0].label: found the list ["x"], expected a string'),
        (entity(spans=[]), "the entity 'T1' has no span"),
        (entity(spans=[[0, True]]), "entities[0].spans: found the list [0, true], expected [start, end]"),
        (entity(spans=[[0, 8.0]]), "expected [start, end] in whole numbers"),
        (entity(spans=[[0, 8, 9]]), "expected [start, end] in whole numbers"),
        (entity(score="high"), 'entities[0].score: found the string "high", expected a number'),
        (entity(score=1.5), "the score 1.5 of the entity 'T1' is not between 0 and 1"),
        (entity(origin="guessed"), "the origin 'guessed' of the entity 'T1' is not one of prediction"),
        (entity(concepts=[{"database": "MESH"}]), "entities[0].concepts[0].identifier is missing"),
        (entity(concepts=[{"database": "M", "identifier": "D", "n": 1}]), "unknown key 'entities[0].concepts[0].n'"),
        (changed(entities=GOOD["entities"][:1] * 2), "two entities have the id 'T1'"),
        (changed(entities=GOOD["entities"][:1]), "the relation 'R1' refers to the entity 'T2', which is not there"),
        (changed(relations=GOOD["relations"] * 2), "two relations have the id 'R1'"),
        (changed(relations=[{**GOOD["relations"][0], "directed": "yes"}]), "relations[0].directed: found the string"),
        (changed(concept_relations=[{"label": "CID", "head": "", "tail": "D"}]), "lacks its label or one of its ends"),
        ({"id": "1", "text": "a", "relations": []}, "found 'relations' without 'entities'"),
    ],
)
def test_bad_lines_are_errors_with_their_place(tmp_path: Path, value: object, message: str) -> None:
    path = lines(tmp_path, {"id": "0", "text": "before"}, value)
    records = read_corpus(path)
    assert next(records).document.id == "0"
    with pytest.raises(FormatError) as caught:
        next(records)
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"{path}:2")


@pytest.mark.parametrize(
    ("value", "found", "expected"),
    [
        (entity(text="Naloxon "), "Naloxone", "Naloxon "),
        (entity(spans=[[0, 3], [5, 8]], text="Naloxone"), "Nal one", "Naloxone"),
        (entity(spans=[[20, 99]]), None, None),
        (entity(spans=[[5, 5]]), None, None),
        (entity(spans=[[-3, 5]]), None, None),
    ],
)
def test_a_mention_that_does_not_fit_its_offsets(
    tmp_path: Path, value: dict[str, Any], found: str | None, expected: str | None
) -> None:
    path = lines(tmp_path, value)
    with pytest.raises(OffsetError) as caught:
        list(read_corpus(path))
    error = caught.value
    assert (error.source, error.document, error.found, error.expected) == (f"{path}:1", "1", found, expected)
    report = ReadReport()
    (record,) = read_corpus(path, skip_invalid=True, report=report)
    assert record.annotation == Annotation()
    assert report.invalid_count == len(report.invalid) == 1
    assert report.invalid[0].message == str(error)


def test_relations_of_a_mention_that_was_left_out_go_with_it(tmp_path: Path) -> None:
    wrong = changed(entities=[{**GOOD["entities"][0], "text": "other"}, GOOD["entities"][1]])
    report = ReadReport()
    (record,) = read_corpus(lines(tmp_path, wrong), skip_invalid=True, report=report)
    assert record.annotation is not None
    assert [kept.id for kept in record.annotation.entities] == ["T2"]
    assert record.annotation.relations == ()
    assert (report.invalid_count, report.relations_left_out) == (1, 1)
    assert report.mentions == {"Chemical": 1}
    assert report.relations == {}


def test_writing_refuses_what_cannot_stand_and_leaves_nothing(tmp_path: Path) -> None:
    document = Document("1", "abc")
    bad: list[tuple[Document, Annotation | None]] = [
        (Document("", "abc"), None),
        (Document("1", "a\ud83d"), None),
        (Document("1", "abc", metadata={"x": {1, 2}}), None),
        (Document("1", "abc", metadata={"x": float("nan")}), None),
        (document, Annotation((Entity("T1", "A", (Span(1, 9),)),))),
        (document, Annotation((), (Relation("R1", "r", "T1", "T2"),))),
    ]
    for record in bad:
        with pytest.raises(CorpusError):
            write_jsonl(tmp_path / "out.jsonl", [(document, None), record])
        assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    write_jsonl(path, [(Document("1", "abc"), None)])
    before = path.read_bytes()
    with pytest.raises(CorpusError):
        write_jsonl(path, [(Document("", "abc"), None)])
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_the_same_records_give_the_same_bytes(tmp_path: Path) -> None:
    record = record_from_json(GOOD, "here")
    for name in ("a.jsonl.gz", "b.jsonl.gz"):
        write_jsonl(tmp_path / name, [record])
    packed = (tmp_path / "a.jsonl.gz").read_bytes()
    assert packed == (tmp_path / "b.jsonl.gz").read_bytes()
    assert gzip.decompress(packed).decode() == to_line(record.document, record.annotation) + "\n"


def test_writing_into_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="cannot be written"):
        write_jsonl(tmp_path / "absent" / "out.jsonl", [(Document("1", "abc"), None)])


@pytest.mark.parametrize("name", ["plain-text", "pubmed-xml", "medline", "table"])
def test_formats_that_cannot_be_written_say_so(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="can be read but not written"):
        write_corpus(tmp_path / "out", [(Document("1", "abc"), None)], format=name)
