"""A project that goes over from sentences to documents by itself, on a real Label Studio, to its published corpus."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from biorat_al.project import Project
from tests.support.labelstudio import RunningLabelStudio
from tests.support.rounds import make_project, settings_for
from tests.test_end_to_end import environment
from tests.test_sentences import Desk, record, truth

pytestmark = pytest.mark.slow(60)

__all__ = ["environment"]

AT_MOST = 12
"""Rounds after which all of the pool has been asked for, if every round asks for something."""


def test_auto_goes_from_sentences_to_documents_and_ends_with_whole_documents(
    environment: RunningLabelStudio, tiny_encoder: Path, tmp_path: Path
) -> None:
    settings = settings_for(
        tiny_encoder, desk={"kind": "label-studio"}, selection={"size": 2, "unit": "auto", "strategy": "random"}
    )
    records = [record(number) for number in range(9)]
    folder = tmp_path / "trial"
    with make_project(folder, settings, gold=False, records=records, pool=7, test=2):
        pass
    selected = []
    with Project.open(folder) as project:
        while project.status(ask_desk=False).to_annotate and len(selected) < AT_MOST:
            selected.append(project.round().step("select").counts)
            for role in project.status(ask_desk=False).urls:
                Desk(environment, project, role).answer()
        assert project.status(ask_desk=False).to_annotate == 0
        project.export(tmp_path / "corpus.jsonl", format="jsonl")

    units = [counts.get("unit", "document") for counts in selected]
    first_documents = units.index("document")
    assert first_documents > 1
    assert units == ["sentence"] * first_documents + ["document"] * (len(units) - first_documents)
    # documents that were begun come first
    assert selected[first_documents]["strategy"] == "completing"
    lines = (tmp_path / "corpus.jsonl").read_text(encoding="utf-8").splitlines()
    exported = {one["id"]: one for one in map(json.loads, lines)}
    assert sorted(exported) == sorted(one.document.id for one in records)
    for one in records:
        written = exported[one.document.id]
        assert written["text"] == one.document.text
        found = {(mention["label"], *mention["spans"][0]) for mention in written["entities"]}
        assert found == {(entity.label, entity.start, entity.end) for entity in truth(one.document.text).entities}
