"""What a round fetches, where it continues, and what annotators of the test set see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from biorat_al.corpus.formats.jsonl import write_jsonl
from biorat_al.corpus.model.document import Record
from biorat_al.corpus.sources import Sources
from biorat_al.demo.corpus import read_demo_corpus
from biorat_al.desk.base import DeskProject, Documents, Pull, Task
from biorat_al.project import Project
from tests.support.rounds import patient, settings_for


@pytest.fixture
def without_gold(tmp_path: Path, tiny_encoder: Path) -> Project:
    """Return a project with annotators, whose test documents must be annotated too."""
    file = tmp_path / "documents.jsonl"
    write_jsonl(file, (Record(one.document, None, one.source) for one in list(read_demo_corpus())[:30]))
    settings = settings_for(tiny_encoder, desk={"kind": "label-studio"})
    return Project.init(tmp_path / "people", settings, Sources([file], test_size=5))[0]


@pytest.mark.slow
def test_answers_on_test_documents_are_fetched_and_measured_by(without_gold: Project) -> None:
    desk = patient(without_gold, empty=True)
    without_gold.round()
    desk.finish()
    report = without_gold.round()
    assert report.step("pull").counts["new"] == 6 + 5
    assert report.step("evaluate").counts["documents"] == 5
    without_gold.close()


@pytest.mark.slow
def test_test_documents_are_asked_for_without_pre_labels(
    without_gold: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pre-labelled test set would measure how well people agree with the model."""
    desk = patient(without_gold, empty=True)
    sent: dict[str, list[Task]] = {"pool": [], "test": []}
    push = desk.push

    def keep(project: DeskProject, tasks: Sequence[Task]) -> Mapping[str, str]:
        sent[project.role] += tasks
        return push(project, tasks)

    monkeypatch.setattr(desk, "push", keep)
    without_gold.round()
    desk.finish()
    without_gold.round()
    assert len(sent["test"]) == 5
    assert all(task.pre_annotation is None for task in sent["test"])
    assert any(task.pre_annotation is not None for task in sent["pool"])
    without_gold.close()


@pytest.mark.slow
def test_each_pull_goes_on_where_the_last_one_ended(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[str | None] = []
    pull = project.desk.pull

    def keep(desk_project: DeskProject, documents: Documents, cursor: str | None = None) -> Pull:
        given.append(cursor)
        return pull(desk_project, documents, cursor)

    monkeypatch.setattr(project.desk, "pull", keep)
    for _ in range(4):
        project.round()
    # the first round has nothing to fetch from
    assert given == [None, "6", "12"]
