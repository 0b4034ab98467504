from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from biorat_al.corpus.formats.base import ReadReport
from biorat_al.corpus.formats.bigbio.schema import kb_schema
from biorat_al.corpus.formats.registry import FORMATS
from biorat_al.corpus.model.document import Annotation, Concept, Document, Entity, Passage, Relation, Span
from biorat_al.corpus.notices import reading_lines
from biorat_al.corpus.reading import read_corpus, write_corpus
from biorat_al.corpus.validate import validate_corpus
from biorat_al.errors import FormatError
from biorat_al.presentation.corpus import validation_text
from tests.corpus.formats.bigbio.test_reading import row, written
from tests.support.commands import call

OTHER_TEXT = "texts that are not those at their offsets"
ABSENT = "references to what is not there"


def changed(part: str, position: int = 0, **fields: Any) -> dict[str, Any]:
    """Return the record with one thing in one of its lists changed."""
    items = [dict(item) for item in row()[part]]
    items[position] |= fields
    return row(**{part: items})


@pytest.mark.parametrize(
    ("record", "kind", "message"),
    [
        (row(id="3"), "ids that occur again", "the id '3' already exists"),
        (row(id=""), "empty ids", "an id is empty"),
        (row(document_id=""), "empty ids", "the document_id is empty"),
        (changed("passages", offsets=[[0, 4]]), "passages that do not cover the text", "expected [0, 5]"),
        (changed("passages", 1, offsets=[[7, 16]]), "passages that do not cover the text", "expected [6, 15]"),
        (changed("passages", text=["One", "😀"]), "passages in pieces", "has 2 texts and 1 offsets"),
        (changed("entities", text=["One"]), "texts and offsets that are not as many", "'3' has 1 texts and 2 offsets"),
        (changed("entities", 1, text=["Three"]), OTHER_TEXT, "is 'three', not 'Three'"),
        (changed("entities", 1, offsets=[[10, 99]]), "offsets outside of the text", "is at [10, 99]"),
        (changed("entities", 1, offsets=[[10, 10]]), "offsets outside of the text", "is at [10, 10]"),
        (changed("entities", 1, offsets=[[10]]), "offsets outside of the text", "is at [10]"),
        (changed("entities", normalized=[{"db_name": "MESH", "db_id": "1|2"}]), "identifiers in one item", "MESH:1|2"),
        (changed("entities", normalized=[{"db_name": "MESH", "db_id": ""}]), "empty identifiers", "linked to MESH:"),
        (changed("entities", type="Drug,Group"), "types in one item", "'Drug,Group'"),
        (changed("relations", type="a+b"), "types in one item", "'a+b'"),
        (changed("relations", type=""), "empty types", "'7' among the relations has no type"),
        (changed("relations", arg2_id="5"), ABSENT, "the relation '7' refers to '5'"),
        (changed("events", arguments=[{"role": "x", "ref_id": "6"}]), ABSENT, "refers to '6'"),
        (changed("coreferences", entity_ids=["5"]), ABSENT, "the coreference '6' refers to '5'"),
        (changed("events", trigger={"text": ["tow"], "offsets": [[6, 9]]}), OTHER_TEXT,
         "the trigger of the event '5'"),
    ],
)  # fmt: skip
def test_each_fault_of_a_record(tmp_path: Path, record: dict[str, Any], kind: str, message: str) -> None:
    path = written(tmp_path, record)
    validation = validate_corpus(path)
    assert validation.documents == 1
    assert kind in validation.problems
    assert any(message in text for text in validation.messages)
    assert all(text.startswith(f"{path}, record 1, document") for text in validation.messages)


def test_ids_are_unique_over_all_splits(tmp_path: Path) -> None:
    written(tmp_path, row(), name="test.parquet")
    assert validate_corpus(tmp_path).problems == {}
    path = written(tmp_path, row(), name="train.parquet")
    validation = validate_corpus(tmp_path)
    assert validation.problems == {"ids that occur again": 8}
    assert validation.messages[0].startswith(f"{path}, record 1, document 22: the id '0' already exists, in ")


def test_fields_of_other_types(tmp_path: Path) -> None:
    schema = kb_schema()
    table = pa.Table.from_pylist([row()], schema=schema).append_column("more", pa.array(["x"]))
    pq.write_table(table, tmp_path / "train.parquet")
    validation = validate_corpus(tmp_path)
    assert validation.problems == {"files that cannot be read to their end": 1}
    assert "the column 'more' is not as BigBio's kb schema has it" in validation.messages[0]


def test_what_the_program_writes_is_right(tmp_path: Path) -> None:
    entities = (Entity("a", "X", (Span(0, 3), Span(9, 10)), (Concept("MESH", "D1"),)), Entity("b", "Y", (Span(5, 10),)))
    annotation = Annotation(entities, (Relation("r", "with", "a", "b"),))
    document = Document("1", "One\r\ntwo 😀.", (Passage("title", 0, 3), Passage("abstract", 5, 11)))
    for name in ("bigbio", "jsonl", "bioc-xml", "brat", "label-studio"):
        write_corpus(tmp_path / name, [(document, annotation)], format=name)
        assert (name, validate_corpus(tmp_path / name).problems) == (name, {})


def test_other_formats(tmp_path: Path) -> None:
    passages = (Passage("title", 0, 3),)
    entity = Entity("a", "X+Y", (Span(0, 3),), (Concept("MESH", "D1,D2"),))
    records = [(Document("1", "One two", passages), Annotation((entity,))), (Document("1", "Other"), None)]
    write_corpus(tmp_path / "a.jsonl", records)
    (tmp_path / "b.jsonl").write_text('{"id": "2", "text": "x", "entities": [{"id": "a"}]}\n')
    validation = validate_corpus(tmp_path)
    assert validation.problems == {
        "passages that do not cover the text": 1,
        "identifiers in one item": 1,
        "types in one item": 1,
        "ids that occur again": 1,
        "mentions that cannot be read": 1,
    }
    (tmp_path / "c.txt").write_text("1|t|One\n1|a|two\n1\t0\t2\tOne\tX\tD1+D2\n1\t0\t3\tOne\tX\tD1+D2\n")
    validation = validate_corpus(tmp_path / "c.txt")
    assert validation.problems == {
        "texts that are not those at their offsets": 1,
        "identifiers joined by other than |": 1,
    }
    assert validation.messages[0].startswith(f"{tmp_path / 'c.txt'}:3, document 1: the text at 0-2 is 'On'")


def test_the_command(tmp_path: Path) -> None:
    path = written(tmp_path, row())
    outcome = call("validate", str(path))
    assert (outcome.code, outcome.out, outcome.err) == (0, "1 document: nothing wrong.\n", "")
    outcome = call("validate", str(written(tmp_path, changed("relations", type="a+b"))))
    assert outcome.code == 1
    assert "which holds '+'\n1 document: 1 wrong\n  1  types in one item\n" in outcome.out
    assert call("validate", str(tmp_path / "absent")).code == 1


def test_a_long_list_is_cut(tmp_path: Path) -> None:
    validation = validate_corpus(written(tmp_path, *[row(id=str(number + 10)) for number in range(5)]))
    text = validation_text(validation, shown=3)
    assert text.splitlines()[3:6] == ["… and 25 more", "5 documents: 28 wrong", "  28  ids that occur again"]


@pytest.mark.parametrize(
    ("ident", "formats", "what"),
    [
        ("7\t8", "pubtator or chemprot or conll", r"its id holds '\t'"),
        ("7|8", "pubtator", "its id holds '|'"),
        ("7\x018", "bioc-xml or ddi", r"its id holds '\x01'"),
        ("7" * 252, "ddi or brat", "its id is too long for the name of a file"),
    ],
)
def test_what_a_format_cannot_hold_is_foreseen(tmp_path: Path, ident: str, formats: str, what: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"id": ident, "text": "Zalvorin calms gout."}) + "\n")
    validation = validate_corpus(path)
    assert not validation.problems
    assert validation.warnings == {"documents that some formats cannot hold": 1}
    (remark,) = validation.remarks
    assert remark.endswith(f": cannot be written as {formats}: {what}")
    for known in FORMATS:
        if known.can_write and known.name != "bigbio":
            refused = known.name in formats.split(" or ")
            with pytest.raises(FormatError) if refused else contextlib.nullcontext():
                write_corpus(tmp_path / f"{known.name}.out", read_corpus(path), format=known.name)


def test_what_is_not_read_of_a_task_is_named_with_its_document(tmp_path: Path) -> None:
    region = {"id": "a", "type": "choices", "value": {"choices": ["yes"]}}
    task = {"id": 7, "data": {"text": "Zalvorin."}, "annotations": [{"result": [region, {**region, "id": "b"}]}]}
    path = tmp_path / "tasks.json"
    path.write_text(json.dumps([task]))
    validation = validate_corpus(path)
    assert validation.warnings == {"not read: parts of answers that could not be understood": 2}
    assert all(f"{path}, task 1, document 7: region " in remark for remark in validation.remarks)
    report = ReadReport()
    list(read_corpus(path, report=report))
    assert any("document 7: region 'b'" in line for line in reading_lines(report))


TITLES_ALONE = "3|t|Gout again.\n3|a|\n\n17|t|Zalvorin calms gout.\n17|a|It did.\n\n21|t|A letter.\n21|a| \n\n"


def test_records_without_an_abstract_are_counted_with_an_example(tmp_path: Path) -> None:
    path = tmp_path / "a.pubtator"
    path.write_text(TITLES_ALONE)
    validation = validate_corpus(path)
    assert not validation.problems
    assert validation.warnings == {"documents that are a title alone": 2}
    (remark,) = validation.remarks
    assert remark == (
        f"{path}:1, document 3: a title without an abstract; 2 documents consist of a title alone, which one may want "
        "to leave out"
    )
    outcome = call("validate", str(path))
    assert outcome.code == 0
    assert outcome.out.endswith("  2  documents that are a title alone\n")


@pytest.mark.parametrize(
    ("text", "passages", "alone"),
    [
        ("Gout.", (), False),
        ("", (Passage("title", 0, 0),), False),
        ("Gout.\n \u00a0", (Passage("Title", 0, 5), Passage("abstract", 6, 8)), True),
        ("Gout. It was.", (Passage("title", 0, 5), Passage("title", 0, 5)), False),
        ("Gout. It was.", (Passage("title", 6, 13), Passage("title", 0, 5)), True),
        ("Gout.", (Passage("abstract", 0, 5),), False),
    ],
)
def test_a_title_is_alone_where_no_other_text_is(text: str, passages: tuple[Passage, ...], alone: bool) -> None:
    assert Document("1", text, passages).is_title_alone is alone
