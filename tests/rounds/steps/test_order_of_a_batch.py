"""Order of a batch: what the model is least sure of goes to the annotators first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from biorat_al.corpus.model.document import Document, Span
from biorat_al.corpus.segments import PartOfDocument
from biorat_al.desk.base import DeskProject, Task
from biorat_al.project import Project
from biorat_al.rounds.steps.push import in_order
from tests.support.rounds import make_project, settings_for


def _sent(project: Project, monkeypatch: pytest.MonkeyPatch) -> list[Task]:
    """Record every task that goes to the desk, in order."""
    sent: list[Task] = []
    push = project.desk.push

    def keep(desk_project: DeskProject, tasks: Sequence[Task]) -> Mapping[str, str]:
        sent.extend(tasks)
        return push(desk_project, tasks)

    monkeypatch.setattr(project.desk, "push", keep)
    return sent


@pytest.mark.slow
def test_annotators_get_the_document_that_the_model_is_least_sure_of_first(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.round()
    sent = _sent(project, monkeypatch)
    # a strategy that does not rank by confidence, so that the order of the picks is another one
    project.round(strategy="random")
    confidences = [task.pre_annotation.confidence for task in sent if task.pre_annotation is not None]
    assert len(confidences) == len(sent) == 6
    assert len(set(confidences)) > 1
    assert confidences == sorted(confidences)


def test_without_a_model_a_batch_goes_out_best_first(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.rounds.test_runner import picked

    sent = _sent(project, monkeypatch)
    project.round()
    assert [task.document.id for task in sent] == picked(project, 0)


def test_sentences_of_a_document_follow_one_another_in_the_order_of_its_text() -> None:
    one, other = Document("one", "x" * 90), Document("other", "x" * 90)
    parts = {
        1: PartOfDocument(one, Span(50, 60)),
        2: PartOfDocument(other, Span(0, 9)),
        3: PartOfDocument(one, Span(5, 9)),
        4: PartOfDocument(other, Span(20, 30)),
    }
    # the one that the model is least sure of decides whose turn it is
    assert in_order([1, 2, 3, 4], {1: 0.5, 2: 0.9, 3: 0.8, 4: 0.3}, parts) == [2, 4, 3, 1]
    # without a model, the one that was picked first
    assert in_order([1, 2, 3, 4], {}, parts) == [3, 1, 2, 4]
    assert in_order([4, 3, 2, 1], {}, parts) == [2, 4, 3, 1]
    assert in_order([7, 8, 9], {7: 0.5, 8: 0.1}, {}) == [9, 8, 7]


@pytest.mark.slow
def test_annotators_read_into_a_document_once(
    tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_for(tiny_encoder, selection={"size": 4, "unit": "sentence", "strategy": "random"})
    with make_project(tmp_path / "trial", settings, pool=6, test=2) as project:
        sent = _sent(project, monkeypatch)
        for _ in range(2):
            sent.clear()
            project.round()
            parts = [task.of for task in sent if task.of is not None]
            documents = [part.document.id for part in parts]
            assert len(documents) > len(set(documents)) > 1
            runs = [one for one, before in zip(documents, [None, *documents], strict=False) if one != before]
            assert len(runs) == len(set(runs))
            places = [(runs.index(part.document.id), part.span) for part in parts]
            assert places == sorted(places)
