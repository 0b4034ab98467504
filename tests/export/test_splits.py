"""Exports of documents whose sentences were annotated one by one, and of sentences of documents that are not whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from biorat_al.corpus.convert import convert_corpus
from biorat_al.corpus.model.document import Annotation, Document, Entity, Record, Relation, Span
from biorat_al.corpus.reading import read_corpus
from biorat_al.corpus.sentences import NEWEST_RULES
from biorat_al.errors import NothingToDoYet, UsageError
from biorat_al.export.export import ExportOptions, ExportReport, export_corpus
from biorat_al.presentation.export import export_text
from biorat_al.settings import Settings, make_settings
from biorat_al.store import creation
from biorat_al.store.annotations import NewAnnotation, add_annotations
from biorat_al.store.documents import documents_by_id
from biorat_al.store.picks import add_picks
from biorat_al.store.segments import make_segments, segments_of
from biorat_al.store.store import Store, add_project
from biorat_al.store.tables import RoundRow
from tests.store.conftest import store
from tests.store.test_tasks import T0

__all__ = ["store"]

TEXT = "Asthma needs aspirin. Cough needs aspirin too."


@pytest.fixture
def empty_database(tmp_path: Path) -> Any:
    from sqlalchemy import URL

    return URL.create("sqlite", database=str(tmp_path / "store.sqlite3"))


@pytest.fixture
def settings() -> Settings:
    relation = {"name": "treats", "head": "Chemical", "tail": "Disease"}
    entities = [{"name": "Disease"}, {"name": "Chemical"}]
    return make_settings({"name": "trial", "entities": entities, "relations": [relation]})


def said(disease: int, chemical: int) -> Annotation:
    """Return the annotation of a sentence by its two mentions, whose ids are the same in every sentence."""
    entities = (
        Entity("T1", "Disease", (Span(0, disease),), origin="manual"),
        Entity("T2", "Chemical", (Span(chemical, chemical + 7),), origin="prediction"),
    )
    return Annotation(entities, (Relation("R1", "treats", "T2", "T1"),))


@pytest.fixture
def sentences(store: Store, settings: Settings) -> list[list[int]]:
    """Fill a store with a document that is whole by its sentences, one begun, one untouched; return their segments."""
    with store.write() as session:
        add_project(session, settings.name)
        pool = [Record(Document(f"d{number}", TEXT), None, f"made:{number}") for number in (1, 2, 3)]
        creation.fill(session, settings=settings, pool=pool, test=[], test_size=0, gold=False)
        session.add(RoundRow(number=0, state="done", request={}, settings={}, program_version="0", started_at=T0))
        session.flush()
        make_segments(session, [1, 2, 3], rules=NEWEST_RULES)
        ids = [[one.document_id for one in rows] for rows in segments_of(session, [1, 2, 3]).values()]
        pick = {"round_number": 0, "strategy": "random", "score": 0.5, "reason": "", "tokens": 3}
        asked = [ids[0][0], ids[0][1], ids[1][1]]
        add_picks(session, [pick | {"document_id": one, "rank": rank} for rank, one in enumerate(asked)])
        answer(session, ids[0][0], "ann", said(6, 13))
        answer(session, ids[0][1], "ann", said(5, 12))
        answer(session, ids[0][1], "bob", said(5, 12))
        answer(session, ids[1][1], "bob", said(5, 12))
    return ids


def answer(session: Any, row_id: int, annotator: str, annotation: Annotation) -> None:
    add_annotations(session, [NewAnnotation(row_id, "person", annotation, {"annotator": annotator, "updated_at": T0})])


def export(store: Store, settings: Settings, out: Path, format: str = "bigbio", **options: Any) -> ExportReport:
    return export_corpus(settings, store, out, format=format, force=False, options=ExportOptions(**options))


def rows(out: Path, path: str) -> list[dict[str, Any]]:
    return pq.read_table(out / path).to_pylist()


def test_a_document_is_whole_by_its_sentences_and_keeps_what_each_of_them_says(
    store: Store, settings: Settings, sentences: list[list[int]], tmp_path: Path
) -> None:
    out = tmp_path / "corpus"
    report = export(store, settings, out)
    assert report.documents == {"train": 1, "test": 0}
    (record,) = rows(out, "data/train.parquet")
    assert record["document_id"] == "d1"
    assert [(one["text"], one["offsets"]) for one in record["entities"]] == [
        (["Asthma"], [[0, 6]]),
        (["aspirin"], [[13, 20]]),
        (["Cough"], [[22, 27]]),
        (["aspirin"], [[34, 41]]),
    ]
    ids = [one["id"] for one in record["entities"]]
    assert [(one["arg1_id"], one["arg2_id"]) for one in record["relations"]] == [(ids[1], ids[0]), (ids[3], ids[2])]
    history = {row["item_id"]: row for row in rows(out, "provenance/annotations.parquet")}
    whole = history[record["id"]]
    assert (whole["rule"], sorted(by["annotator"] for by in whole["by"])) == (
        "sentences",
        ["annotator-1"] * 2 + ["annotator-2"],
    )
    assert [(history[one]["rule"], len(history[one]["by"])) for one in ids] == [("single", 1)] * 2 + [
        ("majority", 2)
    ] * 2
    assert [by["source_id"] for by in history[ids[2]]["by"]] == ["T1", "T1"]
    assert [history[one["id"]]["rule"] for one in record["relations"]] == ["single", "majority"]
    card = (out / "README.md").read_text(encoding="utf-8")
    assert "1 document annotated sentence by sentence, all of them: 2 sentences drawn at random (random)." in card
    assert "- sentence by sentence, each sentence by one of these rules: 1" in card
    assert "documents of which only some sentences are annotated, left out: 1 (1 sentence)" in card
    assert "annotator-1 and annotator-2 | 1 | 2, 2 | 100.0" in card
    assert "1 document of which only 1 sentence is annotated; biorat-al round --complete" in " ".join(
        export_text(report, out).split()
    )


def test_annotated_sentences_of_other_documents_are_records_on_request(
    store: Store, settings: Settings, sentences: list[list[int]], tmp_path: Path
) -> None:
    out = tmp_path / "corpus"
    report = export(store, settings, out, partial="sentences")
    assert report.documents == {"train": 1, "test": 0, "sentences": 1}
    (record,) = rows(out, "data/sentences.parquet")
    assert record["document_id"] == "d2"
    assert [passage["text"] for passage in record["passages"]] == [["Cough needs aspirin too."]]
    assert [one["offsets"] for one in record["entities"]] == [[[0, 5]], [[12, 19]]]
    (source,) = rows(out, "source/sentences.parquet")
    place = {"document_id": "d2", "start": 22, "end": 46}
    assert json.loads(source["metadata"])["part_of"] == place
    card = (out / "README.md").read_text(encoding="utf-8")
    assert "1 sentence of 1 document, the rest of which nobody has annotated: 1 sentence drawn at random" in card
    assert "The records of the split `sentences` are not documents" in card
    assert "left out: 1" not in card
    assert export_text(report, out).startswith(f"Wrote 1 train document, 1 sentence to {out}")

    file = tmp_path / "corpus.jsonl"
    export(store, settings, file, "jsonl", partial="sentences")
    read = {one.document.id: one.document for one in read_corpus(file)}
    with store.read() as session:
        segment = documents_by_id(session, [sentences[1][1]])[sentences[1][1]]
    assert set(read) == {"d1", segment.id}
    assert read[segment.id].text == segment.text
    assert read[segment.id].metadata == {"part_of": place, "split": "sentences"}


@pytest.mark.parametrize("format", ["brat", "pubtator", "bioc-xml", "conll"])
def test_formats_of_whole_documents_refuse_sentences(
    store: Store, settings: Settings, sentences: list[list[int]], tmp_path: Path, format: str
) -> None:
    with pytest.raises(
        UsageError, match=f"^{format} holds whole documents only; write the sentences as bigbio or jsonl$"
    ):
        export(store, settings, tmp_path / "out", format, partial="sentences")
    file = tmp_path / "corpus.jsonl"
    export(store, settings, file, "jsonl", partial="sentences")
    with pytest.raises(UsageError, match=r"is a part of the document d2, and .* holds whole documents only"):
        convert_corpus(file, tmp_path / "out", to=format)
    assert not (tmp_path / "out").exists()


def test_without_a_whole_document_the_export_says_how_to_get_one(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    with store.write() as session:
        add_project(session, settings.name)
        pool = [Record(Document("d1", TEXT), None, "made:1")]
        creation.fill(session, settings=settings, pool=pool, test=[], test_size=0, gold=False)
        make_segments(session, [1], rules=NEWEST_RULES)
        (first, _) = segments_of(session, [1])[1]
        answer(session, first.document_id, "ann", said(6, 13))
    with pytest.raises(NothingToDoYet, match=r"only 1 sentence of 1 document; ask for the rest with .* --complete"):
        export(store, settings, tmp_path / "out")
    assert export(store, settings, tmp_path / "out", partial="sentences").documents["sentences"] == 1
