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

DOCUMENT: dict[str, Any] = {
    "id": "7",
    "infons": {"year": 1999},
    "passages": [
        {
            "offset": 0,
            "infons": {"type": "title", "section": "A"},
            "text": "Naloxone 😀.",
            "sentences": [],
            "annotations": [
                {
                    "id": "1",
                    "infons": {"type": "Chemical", "identifier": "MESH:D009270", "valid": True, "biotype": None},
                    "text": "Naloxone",
                    "locations": [{"offset": 0, "length": 8}],
                },
            ],
            "relations": [],
        },
        {
            "offset": 12,
            "infons": {"type": "abstract"},
            "sentences": [
                {"offset": 12, "infons": {}, "text": "It is.", "annotations": [], "relations": []},
                {
                    "offset": 19,
                    "infons": {},
                    "text": "So.",
                    "annotations": [
                        {
                            "id": "2",
                            "infons": {"type": "X"},
                            "text": "It So",
                            "locations": [{"offset": 12, "length": 2}, {"offset": 19, "length": 2}],
                        }
                    ],
                    "relations": [],
                },
            ],
            "annotations": [],
            "relations": [],
        },
    ],
    "relations": [
        {"id": "R0", "infons": {"type": "binds", "score": 0.5}, "nodes": [{"refid": "1", "role": ""}, {"refid": "2"}]},
        {"id": "R1", "infons": {"relation": "CID", "Chemical": "D009270", "Disease": "D1"}, "nodes": []},
        {"id": "R2", "infons": {"type": "one"}, "nodes": [{"refid": "1", "role": "x"}]},
    ],
}


def written(tmp_path: Path, value: object) -> Path:
    path = tmp_path / "corpus.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return path


def collection(*documents: Any) -> dict[str, Any]:
    return {"source": "", "date": "", "key": "", "infons": {}, "documents": list(documents)}


@pytest.mark.parametrize(
    "value",
    [
        collection(DOCUMENT),
        [collection(DOCUMENT)],
        [DOCUMENT],
        {"PubTator3": [{"_id": "7|None", **DOCUMENT}]},
        DOCUMENT,
        "\ufeff" + json.dumps(DOCUMENT) + "\n",
        json.dumps(collection(DOCUMENT), indent=2),
    ],
)
def test_a_document_in_all_its_covers(tmp_path: Path, value: object) -> None:
    path = written(tmp_path, value)
    found = detect(path).format
    assert found is not None
    assert found.name == "bioc-json"
    (record,) = read_corpus(path)
    naloxone = Concept("MESH", "D009270")
    assert record.document == Document(
        "7",
        "Naloxone 😀. It is. So.",
        (Passage("title", 0, 11), Passage("abstract", 12, 22)),
        {"year": 1999, "passage_infons": [{"section": "A"}, {}], "sentences": [[12, 18], [19, 22]]},
    )
    assert record.annotation == Annotation(
        (
            Entity("1", "Chemical", (Span(0, 8),), (naloxone,), extras={"valid": True, "biotype": None}),
            Entity("2", "X", (Span(12, 14), Span(19, 21))),
        ),
        (Relation("R0", "binds", "1", "2", extras={"score": 0.5}),),
        (ConceptRelation("CID", "D009270", "D1"),),
        {"relations": [{"id": "R2", "infons": {"type": "one"}, "nodes": [{"refid": "1", "role": "x"}]}]},
    )
    report = WriteReport()
    write_corpus(tmp_path / "again.json", [record], format="bioc-json", report=report)
    assert dict(report.lost) == {}
    (again,) = read_corpus(tmp_path / "again.json")
    assert again[:2] == record[:2]


def test_documents_one_a_line(tmp_path: Path) -> None:
    lines = "".join(json.dumps({**DOCUMENT, "id": ident}) + "\n" for ident in ("7", 8))
    assert [record.document.id for record in read_corpus(written(tmp_path, lines))] == ["7", "8"]


def test_our_own_lines_are_not_taken_for_it(tmp_path: Path) -> None:
    (record,) = read_corpus(written(tmp_path, collection(DOCUMENT)))
    write_corpus(tmp_path / "own", [record])
    found = detect(tmp_path / "own").format
    assert found is not None
    assert found.name == "jsonl"


def test_whether_anybody_looked(tmp_path: Path) -> None:
    bare = {"id": "1", "infons": {}, "passages": [{"offset": 0, "infons": {}, "text": "Words."}]}
    (record,) = read_corpus(written(tmp_path, collection(bare)))
    assert record.annotation is None
    first, _ = read_corpus(written(tmp_path, collection(bare, DOCUMENT)))
    assert first.annotation == Annotation()
    report = WriteReport()
    write_corpus(tmp_path / "out", [(first.document, Annotation())], format="bioc-json", report=report)
    assert dict(report.lost) == {"marks of documents that were looked at and have nothing": 1}


def changed(**fields: Any) -> dict[str, Any]:
    return {**DOCUMENT, **fields}


PASSAGE = {"offset": 0, "infons": {}, "text": "Words."}


BROKEN: list[tuple[Any, str, str]] = [
    ({"infons": {}}, "passages is missing, expected a list", "documents that cannot be read"),
    (changed(id=""), "the document's id is empty", "documents that cannot be read"),
    (changed(passages=[{**PASSAGE, "offset": "x"}]), "offset: found the string", "documents that cannot be read"),
    (changed(passages=[PASSAGE, PASSAGE]), "begins before 6, where the text before it ends; offsets count from",
     "documents that cannot be read"),
    (changed(passages=["x"]), 'found the string "x", expected an object', "documents that cannot be read"),
    ("x", 'found the string "x", expected an object', "documents that cannot be read"),
    (changed(passages=[{**PASSAGE, "annotations": [{"id": "8", "infons": {}, "text": "W",
      "locations": [{"offset": 0, "length": 1}]}]}]), "the annotation '8' has no infon 'type'",
     "annotations that are not complete"),
    (changed(annotations=[7]), "annotations[0]: found the number 7, expected an object",
     "annotations that are not complete"),
    (changed(annotations=[{"id": "8", "infons": {"type": "X"}, "text": "N", "locations": [{"offset": 0}]}]),
     "annotations[0].locations[0].length is missing", "annotations that are not complete"),
    (changed(annotations=[{"id": "8", "infons": {"type": "X"}, "locations": [{"offset": 0, "length": 1}]}]),
     "found an annotation without the element text", "annotations that are not complete"),
    (changed(annotations=[{"id": "8", "infons": {"type": "X"}, "text": "N",
      "locations": [{"offset": -1, "length": 1}]}]),
     "offset: found -1", "annotations that are not complete"),
    (changed(relations=[{"id": "R", "infons": {}, "nodes": [{"refid": "9"}]}]),
     "refers to the annotation '9', which is not there", "relations to annotations that are not there"),
    (changed(relations=[{"id": "R", "infons": [], "nodes": []}]), "infons: found the list [], expected an object",
     "relations that are not complete"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "message", "kind"), BROKEN)
def test_malformed_files(tmp_path: Path, value: object, message: str, kind: str) -> None:
    path = written(tmp_path, collection(changed(id="0"), value, changed(id="9")))
    with pytest.raises(FormatError) as caught:
        list(read_corpus(path, format="bioc-json"))
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize(("value", "message", "kind"), BROKEN)
def test_one_broken_item_does_not_cost_the_file(tmp_path: Path, value: object, message: str, kind: str) -> None:
    path = written(tmp_path, collection(changed(id="0"), value, changed(id="9")))
    report = ReadReport()
    records = list(read_corpus(path, format="bioc-json", skip_invalid=True, report=report))
    expected = ["0", "9"] if kind == "documents that cannot be read" else ["0", "7", "9"]
    assert [record.document.id for record in records] == expected
    assert report.left_out[kind] == 1
    assert message in report.faults[0][1]


def test_a_file_that_is_cut_off_is_an_error(tmp_path: Path) -> None:
    path = written(tmp_path, '{"infons": {}, "documents": [{"id": "1", "passages": []}, {"id"')
    with pytest.raises(FormatError, match="not JSON after the first 1 documents"):
        list(read_corpus(path, format="bioc-json"))


def test_a_wrong_mention(tmp_path: Path) -> None:
    value = json.loads(json.dumps(DOCUMENT).replace('"length": 8', '"length": 7'))
    with pytest.raises(
        OffsetError, match="document 7: the text at 0-7 is 'Naloxon', but the annotation says 'Naloxone'"
    ):
        list(read_corpus(written(tmp_path, collection(value))))
    (record,) = read_corpus(written(tmp_path, collection(value)), skip_invalid=True)
    assert record.annotation is not None
    assert ([e.id for e in record.annotation.entities], record.annotation.relations) == (["2"], ())


@pytest.mark.slow
def test_documents_are_read_one_by_one(tmp_path: Path) -> None:
    path = written(tmp_path, json.dumps(collection(*[DOCUMENT] * 3000))[:-2] + ", broken")
    seen: list[int] = []
    records = read_corpus(path, on_bytes=seen.append)
    next(records)
    assert 0 < sum(seen) < path.stat().st_size / 3
    for _ in range(2999):
        next(records)
    with pytest.raises(FormatError, match="not JSON after the first 3000 documents"):
        next(records)


def test_offsets_that_are_written_as_strings_are_numbers(tmp_path: Path) -> None:
    mention = {"id": 1, "infons": {"type": "X"}, "text": "Zal", "locations": [{"offset": "0", "length": "3"}]}
    passage = {"offset": "0", "text": "Zal.", "annotations": [mention]}
    (tmp_path / "a.json").write_text(json.dumps({"documents": [{"id": 7, "passages": [passage]}]}))
    (record,) = read_corpus(tmp_path / "a.json")
    assert record.annotation is not None
    assert record.annotation.entities[0].spans == ((0, 3),)
    passage["offset"] = "x"
    (tmp_path / "a.json").write_text(json.dumps({"documents": [{"id": 7, "passages": [passage]}]}))
    with pytest.raises(FormatError, match='found the string "x", expected a whole number'):
        list(read_corpus(tmp_path / "a.json"))
