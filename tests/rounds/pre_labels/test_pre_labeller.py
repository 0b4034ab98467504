"""Files of predictions, and dictionaries, where sentences are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from biorat_al.corpus.model.document import Entity, Record, Span
from biorat_al.demo.corpus import read_demo_corpus
from biorat_al.project import Project
from biorat_al.settings import Settings
from biorat_al.store.parts.segments import places_of
from tests.rounds.pre_labels.test_first_batch import POOL, demo_dictionary, predictions_of, project_with, shown
from tests.support.rounds import settings_for

pytestmark = pytest.mark.slow

GOLD: Mapping[str, Record] = {record.document.id: record for record in read_demo_corpus()}


@pytest.fixture
def settings(tiny_encoder: Path) -> Settings:
    return settings_for(tiny_encoder, selection={"size": 3, "unit": "sentence"})


def sentences_of(project: Project) -> list[tuple[str, Span, tuple[Entity, ...]]]:
    """Return document, place and pre-labels of each sentence that was asked for with pre-labels."""
    found = shown(project)
    with project.store.read() as session:
        places = places_of(session, list(found))
    return [(*places[key], entities) for key, (_, entities) in found.items()]


def test_predictions_for_a_document_serve_its_sentences(tmp_path: Path, settings: Settings) -> None:
    path = predictions_of(tmp_path / "theirs.jsonl", list(GOLD.values())[:POOL])
    project, _ = project_with(tmp_path / "trial", settings, pre_labels=[path])
    with project:
        counts = project.round().step("push").counts
        assert counts["pre_labels_of"] == "the pre-labels in theirs.jsonl"
        assert counts["pre_labelled"] == counts["sentences"] == counts["tasks"] > 3
        marked = 0
        for document, span, entities in sentences_of(project):
            record = GOLD[document]
            assert record.annotation is not None
            # in the sentence's own offsets
            text = record.document.text[span.start : span.end]
            assert {(one.label, span.start + one.start, one.surface(text)) for one in entities} == {
                (one.label, one.start, one.surface(record.document.text))
                for one in record.annotation.entities
                if span.start <= one.start and one.end <= span.end
            }
            marked += len(entities)
        assert marked > 3
        # measured on whole test documents, and asked for once more after a model has learnt
        assert project.round().step("train").state == "done"


def test_sentences_of_documents_that_the_file_lacks_have_no_pre_labels(tmp_path: Path, settings: Settings) -> None:
    path = predictions_of(tmp_path / "theirs.jsonl", list(GOLD.values())[: POOL // 2])
    project, _ = project_with(tmp_path / "trial", settings, pre_labels=[path])
    with project:
        counts = project.round(size=8).step("push").counts
        assert 0 < counts["pre_labelled"] < counts["tasks"]
        assert {document for document, _, _ in sentences_of(project)} <= set(list(GOLD)[: POOL // 2])


def test_names_of_a_dictionary_are_found_in_sentences(tmp_path: Path, settings: Settings) -> None:
    option = demo_dictionary(tmp_path / "diseases.tsv")
    names = {line.split("\t")[0].casefold() for line in (tmp_path / "diseases.tsv").read_text("utf-8").splitlines()}
    project, _ = project_with(tmp_path / "trial", settings, dictionaries=[option])
    with project:
        counts = project.round().step("push").counts
        assert counts["pre_labels_of"] == "the dictionary diseases.tsv"
        assert counts["pre_labelled"] == counts["tasks"] > 3
        surfaces = []
        for document, span, entities in sentences_of(project):
            text = GOLD[document].document.text[span.start : span.end]
            surfaces += [" ".join(one.surface(text).split()).casefold() for one in entities]
        assert surfaces
        # the plural in -s is optional on both sides
        assert all(
            {one, one.removesuffix("s"), one.removesuffix("es"), f"{one}s", f"{one}es"} & names for one in surfaces
        )
