"""An audit asks people again on a real server, and what they answer is the truth from then on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from biorat_al.corpus.model.document import Annotation, Document, Entity, Record, Span
from biorat_al.corpus.reading import read_corpus
from biorat_al.desk.labelstudio.connection import Connection
from biorat_al.errors import NothingToDoYet
from biorat_al.project import Project
from biorat_al.store.settling.settlements import settlements
from biorat_al.store.tables import AnnotationRow, DocumentRow
from tests.support.commands import call
from tests.support.labelstudio import RunningLabelStudio, drawn
from tests.support.rounds import make_project, settings_for
from tests.support.settling import answer_to
from tests.test_end_to_end import environment, tasks_by_document

pytestmark = pytest.mark.slow(120)

__all__ = ["environment"]

TEXT = "Some gout was seen, and gout again in {}."
PLACES = (Span(5, 9), Span(24, 28))
GOLD = Annotation(tuple(Entity(f"g{start}", "Disease", (Span(start, end),)) for start, end in PLACES))


def reviews(server: RunningLabelStudio, project: Project) -> dict[str, dict[str, Any]]:
    """Return the tasks of the project for review, by document."""
    reference = project.status(ask_desk=False).urls["review"].rstrip("/").rsplit("/", 1)[1]
    tasks = list(Connection(server.url, server.token).tasks(reference, include="id,data"))
    found = {task["data"]["document_id"]: task for task in tasks}
    assert len(found) == len(tasks), "a document has two tasks"
    return found


def people_on(project: Project, key: str) -> list[tuple[str | None, str | None, bool]]:
    """Return who has answered for a document: name, what the answer settles, and whether it is the current one."""
    with project.store.read() as session:
        rows = session.scalars(
            select(AnnotationRow)
            .join(DocumentRow, DocumentRow.id == AnnotationRow.document_id)
            .where(DocumentRow.key == key, AnnotationRow.source == "person")
            .order_by(AnnotationRow.id)
        )
        return [(row.annotator, row.settles, row.current) for row in rows]


def places_in(project: Project, path: Path, key: str) -> list[tuple[Span, ...]]:
    project.export(path, format="jsonl", force=True)
    found = {one.document.id: one.annotation for one in read_corpus(path)}[key]
    assert found is not None
    return sorted(entity.spans for entity in found.entities)


def test_findings_are_asked_once_and_the_answers_count(
    environment: RunningLabelStudio, tiny_encoder: Path, tmp_path: Path
) -> None:
    records = [Record(Document(f"p{number}", TEXT.format(number)), GOLD, "made") for number in range(10)]
    settings = settings_for(
        tiny_encoder, entities=[{"name": "Disease"}], desk={"kind": "label-studio"}, selection={"size": 8}
    )
    with make_project(tmp_path / "trial", settings, gold=False, pool=9, test=1, records=records) as project:
        project.round()
        ann, bob = environment.annotator(), environment.invited()
        tasks = {key: str(ids[0]) for key, ids in tasks_by_document(environment, project).items()}
        corrected, confirmed, *others = sorted(tasks)
        marks = {key: [drawn(TEXT.format(key[1:]), *place, "Disease") for place in PLACES] for key in tasks}
        for key in (corrected, confirmed):
            ann.submit(tasks[key], marks[key][:1])
        for key in others[1:]:
            ann.submit(tasks[key], marks[key])
        with pytest.raises(NothingToDoYet):
            project.round()

        outcome = call("audit", "--push", "--project", str(project.folder))
        assert (outcome.code, outcome.out.startswith("2 tasks made")) == (0, True), outcome
        there = reviews(environment, project)
        assert set(there) == {corrected, confirmed}
        assert "mark it as Disease" in there[corrected]["data"]["sheet"]
        shown, _ = bob.prefilled(str(there[corrected]["id"]))
        assert [(one["value"]["start"], one["value"]["end"]) for one in shown] == [(5, 9)]
        # a second push makes nothing, nor does one with a smaller limit
        for limit in ("100", "1"):
            outcome = call("audit", "--push", "--limit", limit, "--project", str(project.folder))
            assert outcome.code == 0, outcome
            assert reviews(environment, project) == there

        answer = bob.submit(str(there[corrected]["id"]), [*shown, marks[corrected][1]])
        bob.submit(str(there[confirmed]["id"]), marks[confirmed][:1])
        report = project.round(partial=True)
        assert report.step("pull").counts["settled"] == {"new": 2, "changed": 0, "deleted": 0, "skipped": 0}
        for key in (corrected, confirmed):
            # what was answered before stays, and the review is an answer with its origin
            assert people_on(project, key) == [(ann.email, None, True), (bob.email, "review", True)]
            found = answer_to(project, key)
            assert (found.rule, found.annotator, [one.annotator for one in found.independent]) == (
                "reviewed", bob.email, [ann.email],
            )  # fmt: skip
        exported = tmp_path / "corpus.jsonl"
        assert places_in(project, exported, corrected) == [(one,) for one in PLACES]
        assert places_in(project, exported, confirmed) == [PLACES[:1]]

        # the place that the reviewer left as it is still looks wrong, and is not asked again
        assert [one.excerpt.document for one in project.audit().findings] == [confirmed]
        outcome = call("audit", "--push", "--project", str(project.folder))
        assert outcome.code == 0, outcome
        assert reviews(environment, project).keys() == there.keys()
        with project.store.read() as session:
            assert [row.state for row in settlements(session, "review")] == ["answered", "answered"]

        # a reviewer who changes the answer changes the truth
        bob.edit(answer, marks[corrected][1:])
        assert project.settling.review().fetched.changed == 1
        assert places_in(project, exported, corrected) == [PLACES[1:]]
        assert people_on(project, corrected) == [
            (ann.email, None, True),
            (bob.email, "review", False),
            (bob.email, "review", True),
        ]
