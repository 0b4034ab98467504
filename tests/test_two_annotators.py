"""Two people on a real server, who do what people do: click an action, change each other's answers, slip."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from biorat_al.corpus.model import Entity, Span
from biorat_al.corpus.reading import read_corpus
from biorat_al.desk.base import PreAnnotation
from biorat_al.errors import NothingToDoYet
from biorat_al.project import Project
from biorat_al.rounds.pull import project_of
from biorat_al.store.tables import TaskRow
from biorat_al.store.tasks import desk_project
from tests.support.commands import call
from tests.support.labelstudio import RunningLabelStudio, drawn
from tests.support.rounds import make_project, settings_for
from tests.test_end_to_end import answers_of, environment, reference_of, tasks_by_document

pytestmark = pytest.mark.slow

__all__ = ["environment"]


def propose(project: Project, tasks: dict[str, str]) -> None:
    """Give every task a pre-label on its first five characters."""
    with project.store.read() as session:
        row = desk_project(session, "pool")
    assert row is not None
    pool = project_of(row, "pool", project.settings)
    mention = Entity("T1", "Chemical", (Span(0, 5),), score=0.75)
    project.desk.add_pre_annotations(pool, {task: PreAnnotation("m-1", 0.5, (mention,)) for task in tasks.values()})
    project.desk.publish(pool, "m-1")


def waiting(project: Project) -> NothingToDoYet:
    with pytest.raises(NothingToDoYet) as caught:
        project.round()
    return caught.value


def test_nothing_that_two_people_do_goes_wrong_in_silence(
    environment: RunningLabelStudio, tiny_encoder: Path, tmp_path: Path
) -> None:
    settings = settings_for(tiny_encoder, desk={"kind": "label-studio"})
    with make_project(tmp_path / "trial", settings, gold=False) as project:
        project.round()
        ann, bob = environment.annotator(), environment.invited()
        tasks = {key: str(ids[0]) for key, ids in tasks_by_document(environment, project).items()}
        propose(project, tasks)
        turned, outvoted, changed, slipped, plain, later = sorted(tasks)
        texts = {key: ann.open(task)["data"]["text"] for key, task in tasks.items()}

        # one of them turns predictions into annotations, in his own name
        bob.act("predictions_to_annotations", reference_of(project), [tasks[turned], tasks[outvoted]])
        error = waiting(project)
        assert "6 of 6 tasks are still open" in str(error)
        (note,) = error.notes
        assert note.startswith("2 annotations in Label Studio do not count")
        for key in (turned, outvoted):
            assert f"document {key} (task {tasks[key]}, annotation " in note
        assert bob.email in note
        assert "Delete Annotations" in note

        # the other one annotates, and slips; the first changes what she did
        ann.submit(tasks[outvoted], [])
        answer = ann.submit(tasks[changed], [drawn(texts[changed], 0, 4, "Disease")])
        bob.edit(answer, [drawn(texts[changed], 0, 5, "Chemical")])
        blank = texts[slipped].index(" ")
        beyond = drawn(texts[slipped], 0, 1, "Disease")
        beyond["value"]["end"] = 4711
        mention = {**drawn(texts[slipped], 0, blank, "Disease"), "meta": {"text": ["sure?"]}}
        ann.submit(tasks[slipped], [mention, drawn(texts[slipped], 0, blank + 1, "Disease"), beyond])
        ann.submit(tasks[plain], [drawn(texts[plain], 0, 5, "Disease")])
        last = ann.submit(tasks[later], [drawn(texts[later], 0, 5, "Disease")])
        error = waiting(project)
        assert "1 of 6 tasks are still open" in str(error)
        bob.edit(last, [drawn(texts[later], 0, 6, "Chemical"), drawn(texts[later], 7, 9, "Disease")])
        # told as long as it is so, also by a round that has nothing new to tell
        for _ in range(2):
            error = waiting(project)
            model, slips, revised, problem = error.notes
            assert (turned in model, outvoted in model) == (True, True)
            assert slips == (
                "1 mention began or ended with a blank, which was cut off, and 1 mention was drawn twice and joined "
                f"with the first: {named(project, slipped)}"
            )
            assert f"{bob.email} after {ann.email}: {named(project, changed)}, {named(project, later)}" in revised
            assert problem.startswith(f"{named(project, slipped)}: region ")
            assert "4711" in problem
        outcome = call("round", "--project", str(project.folder))
        assert outcome.code == 3
        assert all(key in outcome.out for key in (turned, outvoted, changed, slipped, later))

        # whose answers they are
        assert credits(project, turned) == []
        assert credits(project, outvoted) == [(ann.email, None, True)]
        assert credits(project, changed) == [(bob.email, ann.email, True)]
        assert credits(project, later) == [(ann.email, None, False), (bob.email, ann.email, True)]
        (kept,) = answers_of(project, slipped)
        assert len((kept.raw or {})["result"]) == 3
        status = json.loads(call("status", "--json", "--project", str(project.folder)).out)
        assert (status["labelled"]["pool"], status["open_now"]["pool"], status["seats_now"]["pool"]) == (5, 1, 1)
        assert {name: len(items) for name, items in status["findings"].items()} == {
            "unattended": 2, "problems": 1, "slips": 1, "revised": 2,
        }  # fmt: skip
        assert {item["document"] for item in status["findings"]["unattended"]} == {turned, outvoted}
        assert turned in call("status", "--offline", "--project", str(project.folder)).out

        # what is learnt from, counted by hand
        report = project.round(partial=True)
        counts = report.step("train").counts
        assert (counts["documents"], counts["empty_documents"], counts["mentions"]) == (5, 1, 5)

        # what is published
        project.export(tmp_path / "corpus")
        card = (tmp_path / "corpus" / "README.md").read_text()
        assert "- annotators: 2" in card
        assert "- answers changed or copied by somebody else than their author: 2" in card
        assert "- mentions that were drawn twice, and joined: 1" in card
        assert f"- {turned}: task {tasks[turned]}, annotation" in card
        rows = pq.read_table(tmp_path / "corpus" / "provenance" / "annotations.parquet").to_pylist()
        made = {row["document_id"]: row["by"] for row in rows if row["item"] == "document" and row["split"] == "train"}
        assert turned not in made
        people = {ann.email: "annotator-1", bob.email: "annotator-2"}
        for key, by, of in ((outvoted, ann, None), (changed, bob, ann), (plain, ann, None), (later, bob, ann)):
            (part,) = made[key]
            assert (part["annotator"], part["revises"]) == (people[by.email], of and people[of.email])
        project.export(tmp_path / "corpus.jsonl", format="jsonl")
        entities = {
            record.document.id: record.annotation.entities
            for record in read_corpus(tmp_path / "corpus.jsonl")
            if record.annotation is not None
        }
        assert [(one.spans, one.extras) for one in entities[slipped]] == [((Span(0, blank),), {"note": "sure?"})]

        # undone as the note says, the task is offered again
        me = str(bob.request("GET", "/api/current-user/whoami")["id"])
        bob.act("delete_tasks_annotations", reference_of(project), [tasks[turned], tasks[outvoted]], annotator=me)
        error = waiting(project)
        assert not any("Delete Annotations" in note for note in error.notes)
        assert project.status().labelled["pool"] == 5


def named(project: Project, key: str) -> str:
    """A document as a note names it."""
    row = answers_of(project, key)[-1]
    with project.store.read() as session:
        task = session.get_one(TaskRow, row.task_id).desk_task_id
    return f"document {key} (task {task}, annotation {row.desk_annotation_id})"


def credits(project: Project, key: str) -> list[tuple[Any, Any, bool]]:
    """Whose each revision of a document's answers is, and whose it was before."""
    rows = answers_of(project, key)
    return [(row.annotator, row.revises, row.current) for row in rows if row.made_from is None]
