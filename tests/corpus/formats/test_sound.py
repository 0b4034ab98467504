"""One broken thing is left out by itself, in whatever format; and what is kept on trust is counted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biorat_al.corpus.convert import Conversion
from biorat_al.corpus.formats.base import Reading, ReadReport
from biorat_al.corpus.formats.sound import sound_record
from biorat_al.corpus.model.checks import annotation_errors
from biorat_al.corpus.model.document import (
    Annotation,
    ConceptRelation,
    Document,
    Entity,
    Passage,
    Record,
    Relation,
    Span,
)
from biorat_al.corpus.notices import reading_lines
from biorat_al.corpus.reading import read_corpus
from biorat_al.errors import CorpusError, FormatError, OffsetError
from biorat_al.presentation.corpus import conversion_text
from tests.corpus.formats.bigbio.test_reading import row, written
from tests.support.commands import call

TEXT = "Zalvorin calms Trexel syndrome."
DOCUMENT = Document("1", TEXT)
HEAD, TAIL = Entity("a", "X", (Span(0, 8),)), Entity("b", "Y", (Span(15, 30),))
RELATION = Relation("r", "treats", "a", "b")


@pytest.mark.parametrize(
    ("annotation", "left", "kinds", "gone"),
    [
        (Annotation((HEAD, TAIL), (Relation("r", "treats", "a", "z"), Relation("s", "treats", "a", "b"))),
         (2, 1), {"relations to mentions that do not exist": 1}, 0),
        (Annotation((HEAD, Entity("b", "", (Span(0, 1),))), (RELATION,)),
         (1, 0), {"mentions that cannot be read": 1}, 1),
        (Annotation((HEAD, Entity("b", "Y", (Span(9, 99),))), (RELATION,)), (1, 0), {}, 1),
        (Annotation((HEAD, TAIL, HEAD), (RELATION,)), (2, 1), {"mentions that cannot be read": 1}, 0),
        (Annotation((HEAD, TAIL), (RELATION, RELATION)), (2, 1), {"relations that cannot be read": 1}, 0),
        (Annotation((HEAD, TAIL), (Relation("r", "", "a", "b"),)), (2, 0), {"relations that cannot be read": 1}, 0),
        (Annotation((HEAD,), (), (ConceptRelation("", "c", "d"),)), (1, 0), {"relations that cannot be read": 1}, 0),
        (Annotation((Entity("a", "X", (Span(0, 8),), score=3),)), (0, 0), {"mentions that cannot be read": 1}, 0),
    ],
)  # fmt: skip
def test_one_broken_thing_does_not_take_the_document_with_it(
    annotation: Annotation, left: tuple[int, int], kinds: dict[str, int], gone: int
) -> None:
    record = Record(DOCUMENT, annotation, "a:1")
    with pytest.raises(CorpusError, match=r"^a:1, document 1: "):
        sound_record(record, Reading())
    reading = Reading(skip_invalid=True)
    sound = sound_record(record, reading)
    assert sound is not None
    assert sound.annotation is not None
    assert (len(sound.annotation.entities), len(sound.annotation.relations)) == left
    assert (reading.report.left_out, reading.report.broken) == (kinds, kinds)
    assert reading.report.invalid_count == (1 if not kinds else 0)
    assert reading.report.relations_left_out == gone


def test_a_broken_document_is_left_out_whole() -> None:
    record = Record(Document("1", TEXT, (Passage("x", 0, 9), Passage("y", 5, 31))), None, "a:1")
    with pytest.raises(FormatError):
        sound_record(record, Reading())
    reading = Reading(skip_invalid=True)
    assert sound_record(record, reading) is None
    assert reading.report.left_out == {"documents that cannot be read": 1}


@st.composite
def messy(draw: st.DrawFn) -> Annotation:
    ids = st.sampled_from(["", "a", "b", "c"])
    spans = st.lists(st.builds(Span, st.integers(-1, 33), st.integers(-1, 33)), max_size=2).map(tuple)
    labels = st.sampled_from(["", "X"])
    entities = st.lists(st.builds(Entity, ids, labels, spans), max_size=4).map(tuple)
    relations = st.lists(st.builds(Relation, ids, labels, ids, ids), max_size=4).map(tuple)
    concept_relations = st.lists(st.builds(ConceptRelation, labels, ids, ids), max_size=2).map(tuple)
    return Annotation(draw(entities), draw(relations), draw(concept_relations))


@settings(deadline=None)
@given(annotation=messy())
def test_nothing_that_is_sound_goes_and_all_that_goes_is_counted(annotation: Annotation) -> None:
    reading = Reading(skip_invalid=True)
    sound = sound_record(Record(DOCUMENT, annotation, "a:1"), reading)
    assert sound is not None
    assert sound.annotation is not None
    assert list(annotation_errors(DOCUMENT, sound.annotation)) == []

    def size(parts: Annotation) -> int:
        return len(parts.entities) + len(parts.relations) + len(parts.concept_relations)

    report = reading.report
    counted = report.left_out.total() + report.invalid_count + report.relations_left_out
    assert size(annotation) - size(sound.annotation) == counted
    if not list(annotation_errors(DOCUMENT, annotation)):
        assert sound.annotation is annotation


def own(**changes: Any) -> dict[str, Any]:
    mention = {"id": "T1", "label": "X", "spans": [[0, 8]], "text": "Zalvorin"} | changes
    other = {"id": "T2", "label": "Y", "spans": [[15, 30]]}
    relation = {"id": "R1", "label": "treats", "head": "T1", "tail": "T2"}
    return {"id": "1", "text": TEXT, "entities": [mention, other], "relations": [relation]}


def task(**changes: Any) -> list[dict[str, Any]]:
    value = {"start": 0, "end": 8, "text": "Zalvorin", "labels": ["X"]} | changes
    return [
        {"id": 1, "data": {"text": TEXT}, "annotations": [{"result": [{"id": "T1", "type": "labels", "value": value}]}]}
    ]


def files(tmp_path: Path, wrong: Sequence[str]) -> dict[str, Path]:
    """Return files of three formats in which the text of the first mention is `wrong`."""
    (tmp_path / "a.jsonl").write_text(json.dumps(own(text=" ".join(wrong))))
    (tmp_path / "a.json").write_text(json.dumps(task(text=" ".join(wrong))))
    entities = [row()["entities"][0] | {"text": [wrong[0], "two"]}, row()["entities"][1]]
    return {
        "jsonl": tmp_path / "a.jsonl", "label-studio": tmp_path / "a.json",
        "bigbio": written(tmp_path, row(entities=entities)),
    }  # fmt: skip


@pytest.mark.parametrize("name", ["jsonl", "label-studio", "bigbio"])
def test_with_trusted_offsets_a_mention_keeps_its_place_and_is_counted(tmp_path: Path, name: str) -> None:
    path = files(tmp_path, ["zalvorin"])[name]
    with pytest.raises(OffsetError):
        list(read_corpus(path))
    report = ReadReport()
    (record,) = read_corpus(path, trust_offsets=True, report=report)
    assert record.annotation is not None
    surface = record.annotation.entities[0].surface(record.document.text)
    assert surface == ("One two" if name == "bigbio" else "Zalvorin")
    assert (report.trusted_count, report.invalid_count, report.left_out) == (1, 0, {})
    conversion = Conversion(tmp_path, read=report)
    assert "1  texts of mentions (kept by their offsets)" in conversion_text(conversion)
    report = ReadReport()
    (record,) = read_corpus(path, skip_invalid=True, report=report)
    assert record.annotation is not None
    assert len(record.annotation.entities) == (0 if name == "label-studio" else 1)
    assert (report.trusted_count, report.invalid_count) == (0, 1)


def test_a_mention_outside_of_the_text_cannot_be_trusted(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(own(spans=[[0, 99]])))
    with pytest.raises(OffsetError):
        list(read_corpus(path, trust_offsets=True))


def test_a_broken_line_of_ours_is_left_out_by_itself(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    lines = [own(), own(label=None) | {"id": "2"}, own() | {"id": 3}]
    path.write_text("\n".join(map(json.dumps, lines)) + '\n{"id": "4", "te')
    report = ReadReport()
    records = list(read_corpus(path, skip_invalid=True, report=report))
    assert [record.document.id for record in records] == ["1", "2"]
    assert report.left_out == {"mentions that cannot be read": 1, "documents that cannot be read": 2}
    assert report.relations_left_out == 1
    lines_told = reading_lines(report)
    assert "Left out (2): documents that cannot be read" in lines_told
    assert f"  {path}:2, document 2: entities[0].label: found null, expected a string" in lines_told


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"entities": [row()["entities"][0] | {"type": None}, row()["entities"][1]]}, "mentions that cannot be read"),
        ({"relations": [row()["relations"][0] | {"arg1_id": None}]}, "relations that cannot be read"),
        ({"relations": [row()["relations"][0] | {"arg1_id": "9"}]}, "relations to mentions that do not exist"),
        ({"events": [row()["events"][0] | {"type": None}]}, "events that cannot be read"),
        ({"passages": [row()["passages"][1]]}, "documents that cannot be read"),
    ],
)
def test_a_broken_part_of_a_bigbio_record_is_left_out_by_itself(
    tmp_path: Path, changes: dict[str, Any], kind: str
) -> None:
    path = written(tmp_path, row(**changes), row(document_id="23"))
    with pytest.raises(FormatError):
        list(read_corpus(path))
    report = ReadReport()
    records = list(read_corpus(path, skip_invalid=True, report=report))
    assert [record.document.id for record in records][-1] == "23"
    assert len(records) == (1 if kind.startswith("documents") else 2)
    assert report.left_out == {kind: 1}


def test_a_task_that_cannot_be_read_is_left_out_by_itself(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps([*task(), {"id": 2, "data": {"a": "x", "b": "y"}}]))
    report = ReadReport()
    assert [record.document.id for record in read_corpus(path, skip_invalid=True, report=report)] == ["1"]
    assert report.left_out == {"documents that cannot be read": 1}


def test_the_commands_tell_what_was_left_out_and_where(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(own(text="zalvorin")) + "\n" + json.dumps(own(id=None) | {"id": "2"}) + "\n")
    outcome = call("convert", path, tmp_path / "b.jsonl", "--to", "jsonl", "--skip-invalid")
    assert outcome.code == 0
    assert f"  {path}:1, document 1: the text at 0-8 is 'Zalvorin', but the annotation says 'zalvorin'" in outcome.out
    assert f"  {path}:2, document 2: entities[0].id: found null, expected a string" in outcome.out
    outcome = call("convert", path, tmp_path / "c.jsonl", "--to", "jsonl", "--trust-offsets", "--skip-invalid")
    assert "1 mention kept by the offsets, although the text there differs from what the file says" in outcome.out
    outcome = call("validate", path, "--trust-offsets", "--skip-invalid")
    assert outcome.code == 0
    assert "warning: " in outcome.out
    assert call("validate", path).code == 1
