from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from biorat_al.corpus.detection import list_files
from biorat_al.corpus.formats.base import ReadReport, WriteReport
from biorat_al.corpus.formats.bigbio.schema import kb_schema
from biorat_al.corpus.model.document import Annotation, Concept, Document, Entity, Passage, Relation, Span
from biorat_al.corpus.reading import read_corpus, write_corpus
from biorat_al.errors import FormatError, OffsetError, UsageError


def row(**fields: Any) -> dict[str, Any]:
    def part(ident: str, kind: str, texts: list[str], *offsets: list[int], **further: Any) -> dict[str, Any]:
        return {"id": ident, "type": kind, "text": texts, "offsets": list(offsets), **further}

    links = [{"db_name": "MESH", "db_id": "D1"}, {"db_name": "OMIM", "db_id": "2"}]
    return {
        "id": "0",
        "document_id": "22",
        "passages": [part("1", "title", ["One 😀"], [0, 5]), part("2", "abstract", ["two three"], [6, 15])],
        "entities": [
            part("3", "Drug", ["One", "two"], [0, 3], [6, 9], normalized=links),
            part("4", "Drug", ["three"], [10, 15], normalized=[]),
        ],
        "events": [
            {"id": "5", "type": "Binding", "trigger": {"text": ["two"], "offsets": [[6, 9]]},
             "arguments": [{"role": "Theme", "ref_id": "3"}]},
        ],
        "coreferences": [{"id": "6", "entity_ids": ["3", "4"]}],
        "relations": [{"id": "7", "type": "CID", "arg1_id": "3", "arg2_id": "4", "normalized": []}],
    } | fields  # fmt: skip


def written(tmp_path: Path, *rows: dict[str, Any], name: str = "train-00000-of-00001.parquet") -> Path:
    path = tmp_path / name
    pq.write_table(pa.Table.from_pylist(list(rows), schema=kb_schema()), path)
    return path


def test_a_record(tmp_path: Path) -> None:
    path = written(tmp_path, row())
    seen: list[int] = []
    (record,) = read_corpus(path, on_bytes=seen.append)
    assert sum(seen) == list_files(path).size
    passages = (Passage("title", 0, 5), Passage("abstract", 6, 15))
    assert record.document == Document("22", "One 😀 two three", passages, {"split": "train"})
    assert record.annotation == Annotation(
        (
            Entity("3", "Drug", (Span(0, 3), Span(6, 9)), (Concept("MESH", "D1"), Concept("OMIM", "2"))),
            Entity("4", "Drug", (Span(10, 15),)),
        ),
        (Relation("7", "CID", "3", "4"),),
        extras={"events": row()["events"], "coreferences": row()["coreferences"]},
    )
    report = WriteReport()
    write_corpus(tmp_path / "out", [record], format="bigbio", report=report)
    assert dict(report.lost) == {"ids of mentions (renumbered)": 2}
    (again,) = read_corpus(tmp_path / "out")
    assert again.document == record.document
    assert again.annotation is not None
    assert [len(part) for part in again.annotation.extras.values()] == [1, 1]


def test_splits(tmp_path: Path) -> None:
    records = [
        (Document(ident, "x", (Passage("title", 0, 1),), {"split": split}), Annotation())
        for ident, split in (("1", "test"), ("2", "train"), ("3", "test"))
    ]
    write_corpus(tmp_path / "out", records, format="bigbio")
    found = sorted((record.document.id, record.document.metadata["split"]) for record in read_corpus(tmp_path / "out"))
    assert found == [("1", "test"), ("2", "train"), ("3", "test")]
    with pytest.raises(UsageError, match="the split name 'a/b' cannot be used"):
        write_corpus(tmp_path / "bad", [(Document("1", "x", (), {"split": "a/b"}), None)], format="bigbio")
    assert not (tmp_path / "bad").exists()


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"document_id": None}, FormatError, "document_id: found null, expected a string"),
        ({"passages": [{"id": "1", "type": "t", "text": ["ab"], "offsets": [[1, 3]]}]}, FormatError, "expected [0, 2]"),
        ({"passages": [{"id": "1", "type": "t", "text": [], "offsets": []}]}, FormatError, "as many of each"),
        ({"entities": [{"id": "3", "type": "D", "text": ["On"], "offsets": [[0, 3]], "normalized": []}]},
         OffsetError, "the text at 0-3 is 'One', but the annotation says 'On'"),
        ({"entities": [{"id": "3", "type": "D", "text": ["x"], "offsets": [[0, 99]], "normalized": []}]},
         OffsetError, "is not inside the text"),
        ({"relations": [{"id": "7", "type": "CID", "arg1_id": "3", "arg2_id": "9", "normalized": []}]},
         FormatError, "refers to the entity '9', which is not there"),
    ],
)  # fmt: skip
def test_records_that_are_not_as_they_must_be(
    tmp_path: Path, fields: dict[str, Any], error: type[FormatError], message: str
) -> None:
    path = written(tmp_path, row(), row(**fields))
    records = read_corpus(path)
    next(records)
    with pytest.raises(error) as caught:
        next(records)
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"{path}, record 2")


def test_what_hangs_on_a_wrong_mention_goes_with_it(tmp_path: Path) -> None:
    entities = row()["entities"]
    entities[0]["text"] = ["Ono", "two"]
    report = ReadReport()
    (record,) = read_corpus(written(tmp_path, row(entities=entities)), skip_invalid=True, report=report)
    assert record.annotation is not None
    assert [entity.id for entity in record.annotation.entities] == ["4"]
    assert (record.annotation.relations, record.annotation.extras) == (
        (),
        {"coreferences": [{"id": "6", "entity_ids": ["4"]}]},
    )
    assert (report.invalid_count, report.relations_left_out) == (1, 2)


def test_other_tables_and_broken_files(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": ["1"]}), tmp_path / "other.parquet")
    with pytest.raises(FormatError, match="the table has no column 'document_id'"):
        list(read_corpus(tmp_path / "other.parquet"))
    whole = written(tmp_path, row()).read_bytes()
    (tmp_path / "broken.parquet").write_bytes(whole[:-20])
    with pytest.raises(FormatError, match="it cannot be read as Parquet"):
        list(read_corpus(tmp_path / "broken.parquet"))
