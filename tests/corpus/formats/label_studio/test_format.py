from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from biorat_al.corpus.detection import detect
from biorat_al.corpus.formats.base import ReadReport, WriteReport
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
from biorat_al.errors import FormatError, OffsetError


def region(ident: str, start: int, end: int, text: str | None, label: str = "Drug") -> dict[str, Any]:
    value = {"start": start, "end": end, "labels": [label]} | ({} if text is None else {"text": text})
    return {"id": ident, "from_name": "label", "to_name": "text", "type": "labels", "value": value}


def task(*annotations: dict[str, Any], **further: Any) -> dict[str, Any]:
    return {"id": 12, "annotations": list(annotations), "data": {"text": "One\r\ntwo 😀."}, **further}


def written(tmp_path: Path, *tasks: Any) -> Path:
    path = tmp_path / "export.json"
    path.write_text(json.dumps(tasks), encoding="utf-8")
    return path


def test_an_export(tmp_path: Path) -> None:
    answer = {
        "id": 3, "completed_by": 1, "was_cancelled": False, "lead_time": 4.5,
        "result": [
            region("a--1", 0, 3, "One"), region("a--2", 9, 10, "😀"), region("b", 0, 8, "One\\ntwo", "Dose"),
            {"type": "relation", "from_id": "a--1", "to_id": "b", "direction": "bi", "labels": ["meets"]},
            {"type": "relation", "from_id": "b", "to_id": "a--1", "direction": "left", "labels": ["with"]},
        ],
    }  # fmt: skip
    path = written(tmp_path, task(answer))
    found = detect(path).format
    assert found is not None
    assert found.name == "label-studio"
    (record,) = read_corpus(path)
    assert record.document == Document("12", "One\r\ntwo 😀.")
    assert record.annotation == Annotation(
        (Entity("a", "Drug", (Span(0, 3), Span(9, 10))), Entity("b", "Dose", (Span(0, 8),))),
        (Relation("r1", "meets", "a", "b", directed=False), Relation("r2", "with", "a", "b")),
        extras={"label_studio": {"id": 3, "completed_by": 1, "was_cancelled": False, "lead_time": 4.5}},
    )
    report = WriteReport()
    write_corpus(tmp_path / "again", [record], format="label-studio", report=report)
    assert dict(report.lost) == {}
    (again,) = read_corpus(tmp_path / "again")
    assert again[:2] == record[:2]


def test_which_answer_counts(tmp_path: Path) -> None:
    first, second = ({"result": [region(name, 0, 3, "One")]} for name in "ab")
    skipped = {"result": [], "was_cancelled": True}
    truth = {**first, "ground_truth": True}
    cases: list[tuple[list[dict[str, Any]], str | None, dict[str, int]]] = [
        ([first, second], "b", {"answers of further annotators": 1}),
        ([truth, second], "a", {"answers of further annotators": 1}),
        ([first, skipped], "a", {"skipped tasks": 1}),
        ([skipped], None, {"skipped tasks": 1}),
        ([], None, {}),
    ]
    for answers, chosen, left_out in cases:
        report = ReadReport()
        (record,) = read_corpus(written(tmp_path, task(*answers)), report=report)
        assert report.left_out == left_out
        if chosen is None:
            assert record.annotation is None
        else:
            assert record.annotation is not None
            assert [entity.id for entity in record.annotation.entities] == [chosen]
    report = ReadReport()
    (record,) = read_corpus(written(tmp_path, task({"result": []}, predictions=[{"result": []}])), report=report)
    assert (record.annotation, report.left_out) == (
        Annotation(),
        {"predictions in Label Studio's tasks": 1},
    )


def test_what_the_data_hold(tmp_path: Path) -> None:
    data = {"abstract": "One two", "year": 1999, "document_id": "PMID1"}
    (record,) = read_corpus(written(tmp_path, {"data": data}))
    assert (record.document, record.annotation) == (Document("PMID1", "One two", (), {"year": 1999}), None)
    with pytest.raises(FormatError, match="have no 'text', and 2 other texts"):
        list(read_corpus(written(tmp_path, {"id": 1, "data": {"a": "x", "b": "y"}})))


def test_a_region_elsewhere(tmp_path: Path) -> None:
    for wrong in (region("a", 0, 2, "One"), region("a", 0, 99, "One"), region("a", 3, 3, None)):
        path = written(tmp_path, task({"result": [wrong, region("b", 0, 3, None)]}))
        with pytest.raises(OffsetError) as caught:
            list(read_corpus(path))
        assert (caught.value.source, caught.value.document) == (f"{path}, task 1", "12")
        report = ReadReport()
        (record,) = read_corpus(path, skip_invalid=True, report=report)
        assert record.annotation is not None
        assert ([entity.id for entity in record.annotation.entities], report.invalid_count) == (["b"], 1)


def test_what_cannot_be_understood_is_counted(tmp_path: Path) -> None:
    result = [{"type": "choices", "value": {"choices": ["x"]}}, {"type": "relation", "from_id": "x", "to_id": "y"}]
    report = ReadReport()
    (record,) = read_corpus(written(tmp_path, task({"result": result})), report=report)
    assert (record.annotation, report.left_out) == (
        Annotation(),
        {"parts of answers that could not be understood": 2},
    )


def test_relations_of_discontinuous_mentions_and_what_cannot_be_written(tmp_path: Path) -> None:
    entities = (Entity("a", "Drug", (Span(9, 10), Span(0, 3))), Entity("b", "Dose", (Span(5, 8),)))
    relations = (Relation("r1", "with", "a", "b", extras={"score": 0.5}), Relation("r2", "same mention", "a", "b"))
    document = Document("12", "One\r\ntwo 😀.")
    report = WriteReport()
    annotation = Annotation(entities, relations)
    write_corpus(tmp_path / "out", [(document, annotation)], format="label-studio", report=report)
    assert dict(report.lost) == {"relations called 'same mention'": 1}
    result = json.loads((tmp_path / "out").read_text(encoding="utf-8"))[0]["annotations"][0]["result"]
    assert [part.get("labels") for part in result[3:]] == [["same mention"], ["with"]]
    (record,) = read_corpus(tmp_path / "out")
    assert record.annotation == Annotation(entities, relations[:1])


def test_concepts_scores_passages_and_relations_between_concepts(tmp_path: Path) -> None:
    entities = (
        Entity("1", "Drug", (Span(0, 3),), (Concept("MESH", "D1"), Concept("MESH", "D2")), 0.5, "prediction"),
        Entity("é 2", "Disease", (Span(4, 7),), (Concept("MESH", "D3"),)),
    )
    document = Document("1", "One two", (Passage("title", 0, 3), Passage("abstract", 4, 7)), {"year": 1})
    report = WriteReport()
    annotation = Annotation(entities, (), (ConceptRelation("CID", "D2", "D3"),))
    write_corpus(tmp_path / "out", [(document, annotation)], format="label-studio", report=report)
    assert dict(report.lost) == {}
    (record,) = read_corpus(tmp_path / "out")
    assert record.document == document
    relation = Relation("r1", "CID", "1", "é 2", extras={"concepts": ["D2", "D3"]})
    assert record.annotation == Annotation(entities, (relation,))


def test_a_note_that_an_annotator_wrote_beside_a_region_is_kept(tmp_path: Path) -> None:
    noted = region("a", 0, 3, "One") | {"meta": {"text": ["or is it?", "ask", ""], "concepts": [["MESH", "D1"]]}}
    pieces = [region("b--1", 0, 3, "One"), region("b--2", 9, 10, "😀")]
    pieces[1]["meta"] = {"text": "said so"}
    bare = region("c", 5, 8, "two") | {"meta": {"text": []}}
    (record,) = read_corpus(written(tmp_path, task({"result": [noted, *pieces, bare]})))
    assert record.annotation is not None
    assert [entity.extras for entity in record.annotation.entities] == [
        {"note": "or is it?\nask"},
        {"note": "said so"},
        {},
    ]
    for name in ("jsonl", "label-studio", "bioc-json"):
        report = WriteReport()
        write_corpus(tmp_path / name, [record], format=name, report=report)
        assert "annotators' notes" not in report.lost
        (again,) = read_corpus(tmp_path / name)
        assert again.annotation is not None
        assert [entity.extras.get("note") for entity in again.annotation.entities] == [
            "or is it?\nask",
            "said so",
            None,
        ]
    write_corpus(tmp_path / "brat", [record], format="brat")
    lines = (tmp_path / "brat" / "12.ann").read_text().splitlines()
    assert [line.split("\t", 1)[1] for line in lines if "AnnotatorNotes" in line] == [
        "AnnotatorNotes T1\tor is it?",
        "AnnotatorNotes T1\task",
        "AnnotatorNotes T2\tsaid so",
    ]
    (of_brat,) = read_corpus(tmp_path / "brat")
    write_corpus(tmp_path / "back", [of_brat], format="label-studio")
    assert "or is it?\\nask" in (tmp_path / "back").read_text()
    for name in ("pubtator", "conll", "bigbio"):
        report = WriteReport()
        write_corpus(tmp_path / name, [record], format=name, report=report)
        assert report.lost["annotators' notes"] == 2


def test_predictions_that_an_action_made_annotations_of_are_nobodys_answer(tmp_path: Path) -> None:
    shown = region("p", 0, 3, "One") | {"score": 0.5}
    made = {"result": [shown], "lead_time": None, "parent_prediction": 7, "parent_annotation": None, "updated_by": None}
    copied = {**made, "parent_prediction": None, "parent_annotation": 3}
    empty = {**made, "result": []}
    answered = {"result": [region("m", 5, 8, "two")], "lead_time": 3.5, "parent_prediction": 7, "updated_by": 1}
    for answers, chosen in (([answered, made, copied, empty], ["m"]), ([made], None)):
        report = ReadReport()
        (record,) = read_corpus(written(tmp_path, task(*answers)), report=report)
        found = None if record.annotation is None else [entity.id for entity in record.annotation.entities]
        assert found == chosen
        assert report.left_out == {
            "annotations made from predictions or copied, which nobody has looked at": 3 if chosen else 1
        }
