"""Corpora that were loaded with ``datasets`` and saved to disk."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from datasets import Dataset, DatasetDict, Features, load_dataset

from biorat_al.cli import cli
from biorat_al.corpus.formats.base import ReadReport
from biorat_al.corpus.formats.bigbio.schema import kb_schema
from biorat_al.corpus.model.document import Record
from biorat_al.corpus.reading import corpus_size, list_files, read_corpus, write_corpus
from biorat_al.corpus.validate import validate_corpus
from biorat_al.demo.corpus import read_demo_corpus
from biorat_al.errors import CorpusError, FormatError


def rows_of(*ids: str) -> list[dict[str, Any]]:
    text = "Aspirin helps."
    return [
        {
            "id": f"d{ident}",
            "document_id": ident,
            "passages": [{"id": f"p{ident}", "type": "title", "text": [text], "offsets": [[0, len(text)]]}],
            "entities": [
                {"id": f"e{ident}", "type": "Chemical", "text": ["Aspirin"], "offsets": [[0, 7]], "normalized": []}
            ],
            "events": [],
            "coreferences": [],
            "relations": [],
        }
        for ident in ids
    ]


def dataset_of(*ids: str) -> Dataset:
    return Dataset.from_list(rows_of(*ids), features=Features.from_arrow_schema(kb_schema()))


def found(records: Any) -> list[tuple[str, str | None]]:
    return [(record.document.id, record.document.metadata.get("split")) for record in records]


def test_a_folder_saved_by_datasets_is_read_with_its_splits(tmp_path: Path) -> None:
    DatasetDict(train=dataset_of("1", "2"), test=dataset_of("3")).save_to_disk(str(tmp_path / "corpus"))
    report, seen = ReadReport(), []
    records = list(read_corpus(tmp_path / "corpus", report=report, on_bytes=seen.append))
    assert found(records) == [("3", "test"), ("1", "train"), ("2", "train")]
    assert (report.skipped_count, dict(report.mentions)) == (0, {"Chemical": 3})
    assert sum(seen) == corpus_size(tmp_path / "corpus")
    assert sum(seen) == sum(path.stat().st_size for path in (tmp_path / "corpus").glob("*/*"))


def test_an_exported_corpus_comes_back_from_load_dataset_and_save_to_disk_as_it_was(tmp_path: Path) -> None:
    records = [record for record in read_demo_corpus() if record.annotation is not None][:30]
    write_corpus(tmp_path / "demo", records, format="bigbio")
    loaded = load_dataset(str(tmp_path / "demo"), "demo_bigbio_kb", cache_dir=str(tmp_path / "cache"))
    loaded.save_to_disk(str(tmp_path / "saved"), num_shards={"train": 3})

    def picture(record: Record) -> tuple[Any, ...]:
        assert record.annotation is not None
        return record.document, record.annotation

    assert [picture(one) for one in read_corpus(tmp_path / "saved")] == [
        picture(one) for one in read_corpus(tmp_path / "demo")
    ]


def test_one_split_saved_alone_keeps_its_name(tmp_path: Path) -> None:
    loaded = Dataset.from_list(rows_of("1"), features=Features.from_arrow_schema(kb_schema()), split="validation")
    loaded.save_to_disk(str(tmp_path / "part"))
    assert found(read_corpus(tmp_path / "part")) == [("1", "validation")]
    # naming a file of it reads the same, once
    data = next((tmp_path / "part").glob("*.arrow"))
    assert found(read_corpus(data)) == [("1", "validation")]


def test_what_datasets_cached_beside_the_data_is_not_read_as_documents(tmp_path: Path) -> None:
    dataset_of("1", "2", "3").save_to_disk(str(tmp_path / "corpus"))
    data = next((tmp_path / "corpus").glob("data-*.arrow"))
    shutil.copy(data, data.with_name("cache-0123456789abcdef.arrow"))
    report = ReadReport()
    assert len(list(read_corpus(tmp_path / "corpus", report=report))) == 3
    assert [skipped.path.name for skipped in report.skipped] == ["cache-0123456789abcdef.arrow"]


def test_a_dataset_of_another_schema_is_refused_by_its_first_missing_column(tmp_path: Path) -> None:
    Dataset.from_list([{"tokens": ["Aspirin"], "ner_tags": [1]}]).save_to_disk(str(tmp_path / "tokens"))
    with pytest.raises(FormatError, match="the table has no column 'id', expected those of BigBio's kb schema"):
        list(read_corpus(tmp_path / "tokens"))


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: next(folder.glob("*.arrow")).unlink(),
        lambda folder: next(folder.glob("*.arrow")).write_bytes(b"\xff\xff\xff\xff broken"),
        lambda folder: (folder / "state.json").write_text("{}", encoding="utf-8"),
        lambda folder: (folder / "state.json").write_text("[]", encoding="utf-8"),
        lambda folder: (folder / "dataset_info.json").write_text('{"features": {"id": 1}}', encoding="utf-8"),
    ],
    ids=["data gone", "data broken", "state empty", "state a list", "features broken"],
)
def test_a_damaged_folder_gets_one_sentence_that_names_it(tmp_path: Path, damage: Any) -> None:
    dataset_of("1").save_to_disk(str(tmp_path / "corpus"))
    damage(tmp_path / "corpus")
    with pytest.raises(CorpusError) as caught:
        list(read_corpus(tmp_path / "corpus" / "state.json"))
    assert str(tmp_path / "corpus") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_saved_folder_is_converted_and_validated_from_the_command_line(tmp_path: Path) -> None:
    DatasetDict(train=dataset_of("1"), test=dataset_of("2")).save_to_disk(str(tmp_path / "corpus"))
    assert {file.format.name for file in list_files(tmp_path / "corpus")} == {"bigbio"}
    assert validate_corpus(tmp_path / "corpus").problems == {}
    arguments = ["convert", str(tmp_path / "corpus"), str(tmp_path / "out.jsonl"), "--to", "jsonl"]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0, result.output
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["id"] for line in lines] == ["2", "1"]
