"""Two annotators disagree on a real server, and a third person settles it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from biorat_al.corpus.model.document import Annotation, Span
from biorat_al.corpus.reading import read_corpus
from biorat_al.desk.labelstudio.connection import Connection
from biorat_al.errors import NothingToDoYet
from biorat_al.project import Project
from tests.support.commands import call
from tests.support.labelstudio import RunningLabelStudio, drawn
from tests.support.rounds import make_project, settings_for
from tests.support.settling import TREATS, answer_to
from tests.test_end_to_end import environment, tasks_by_document

pytestmark = pytest.mark.slow(200)

__all__ = ["environment"]


def related(head: dict[str, Any], tail: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "relation", "from_id": head["id"], "to_id": tail["id"], "direction": "right", "labels": ["treats"],
    }  # fmt: skip


def fetched(project: Project) -> NothingToDoYet:
    """Let a round fetch answers, and wait for more."""
    with pytest.raises(NothingToDoYet) as caught:
        project.round()
    return caught.value


def asked(server: RunningLabelStudio, project: Project) -> dict[str, dict[str, Any]]:
    """Return the tasks of the project for disputes, by document, in their order."""
    reference = project.status(ask_desk=False).urls["disputes"].rstrip("/").rsplit("/", 1)[1]
    tasks = Connection(server.url, server.token).tasks(reference, include="id,data")
    return {task["data"]["document_id"]: task for task in tasks}


def content(annotation: Annotation) -> tuple[set[tuple[str, tuple[Span, ...]]], int]:
    return {(entity.label, entity.spans) for entity in annotation.entities}, len(annotation.relations)


def exported(project: Project, path: Path) -> dict[str, Annotation]:
    project.export(path, format="jsonl", force=True)
    return {one.document.id: one.annotation for one in read_corpus(path) if one.annotation is not None}


def test_a_third_person_settles_what_two_disagree_on(
    environment: RunningLabelStudio, tiny_encoder: Path, tmp_path: Path
) -> None:
    settings = settings_for(tiny_encoder, desk={"kind": "label-studio"}, **TREATS)
    with make_project(tmp_path / "trial", settings, gold=False) as project:
        project.round()
        ann, bob, carla = environment.annotator(), environment.invited(), environment.invited()
        tasks = {key: str(ids[0]) for key, ids in tasks_by_document(environment, project).items()}
        same, bobs, removed, *others = sorted(tasks)
        texts = {key: ann.open(task)["data"]["text"] for key, task in tasks.items()}
        chemical = {key: drawn(text, 0, 3, "Chemical") for key, text in texts.items()}
        disease = {key: drawn(text, 5, 9, "Disease") for key, text in texts.items()}
        longer = {key: drawn(text, 5, 12, "Disease") for key, text in texts.items()}
        for key in (same, bobs, removed):
            ann.submit(tasks[key], [chemical[key], disease[key], related(chemical[key], disease[key])])
        bob.submit(tasks[same], [chemical[same], disease[same], related(chemical[same], disease[same])])
        bob.submit(tasks[bobs], [chemical[bobs], longer[bobs]])
        edited = bob.submit(tasks[removed], [chemical[removed], disease[removed]])
        for key in others[1:]:
            ann.submit(tasks[key], [])
        fetched(project)

        outcome = call("adjudicate", "--project", str(project.folder))
        assert outcome.code == 0, outcome
        assert outcome.out.startswith("2 tasks made\n0 documents adjudicated, 2 open\nNext: http")
        there = asked(environment, project)
        # the one with more differences first
        assert list(there) == [bobs, removed]
        assert "Only" in there[removed]["data"]["sheet"] or "Relation" in there[removed]["data"]["sheet"]
        shown, _ = carla.prefilled(str(there[bobs]["id"]))
        scores = {(one["value"]["start"], one["value"]["end"]): one["score"] for one in shown if "value" in one}
        assert scores == {(0, 3): 1.0, (5, 9): 0.5, (5, 12): 0.5}
        notes = {one["value"]["end"]: one.get("meta", {}).get("text") for one in shown if "value" in one}
        letters = {notes[9][0][-1]: ann, notes[12][0][-1]: bob}
        assert set(letters) == {"A", "B"}

        # one annotator is accepted by a key; elsewhere a relation is removed
        side = next(letter for letter, person in letters.items() if person is bob)
        chosen = {"id": "s", "from_name": "side", "to_name": "text", "type": "choices", "value": {"choices": [side]}}
        carla.submit(str(there[bobs]["id"]), [*shown, chosen])
        shown, _ = carla.prefilled(str(there[removed]["id"]))
        without = [one for one in shown if one["type"] != "relation"]
        settled = carla.submit(str(there[removed]["id"]), without)
        report = project.round(partial=True)
        assert report.step("pull").counts["settled"]["new"] == 2
        assert "disputed" not in report.step("train").counts
        corpus = exported(project, tmp_path / "corpus.jsonl")
        assert content(corpus[bobs]) == ({("Chemical", (Span(0, 3),)), ("Disease", (Span(5, 12),))}, 0)
        assert content(corpus[removed]) == ({("Chemical", (Span(0, 3),)), ("Disease", (Span(5, 9),))}, 0)
        assert content(corpus[same]) == ({("Chemical", (Span(0, 3),)), ("Disease", (Span(5, 9),))}, 1)
        assert all(entity.extras == {} for one in corpus.values() for entity in one.entities)
        answer = answer_to(project, removed)
        assert (answer.rule, answer.annotator, len(answer.independent)) == ("adjudicated", carla.email, 2)
        # the annotators keep theirs, and Carla is not one of them
        agreement = project.agreement(pre_labelled=True)
        assert len(agreement.all_pairs.annotators) == 2
        outcome = call("adjudicate", "--report", "--project", str(project.folder))
        assert "annotator-1" in outcome.out
        upheld = project.settling.upheld()
        assert upheld.count("annotator-1") == (3, 0)
        assert upheld.count("annotator-2") == (3, 3)

        # she changes her mind; then an annotator does
        carla.edit(settled, shown)
        bob.edit(edited, [chemical[removed]])
        error = fetched(project)
        assert any(f"since it was adjudicated ({removed})" in note for note in error.notes)
        assert content(exported(project, tmp_path / "corpus.jsonl")[removed])[1] == 1
        assert "1 adjudicated document is to look at again" in " ".join(
            call("status", "--offline", "--project", str(project.folder)).out.split()
        )

        # somebody deletes the project: only what is open is asked again
        reference = project.status(ask_desk=False).urls["disputes"].rstrip("/").rsplit("/", 1)[1]
        carla.request("DELETE", f"/api/projects/{reference}/")
        error = fetched(project)
        assert any("the project for disputes no longer exists" in note for note in error.notes)
        report_again = project.settling.adjudicate()
        assert (report_again.made, report_again.answered) == (1, 2)
        (again,) = asked(environment, project)
        assert again == removed
        assert content(exported(project, tmp_path / "corpus.jsonl")[bobs])[1] == 0
        # an answer that is deleted counts no more
        task = str(asked(environment, project)[removed]["id"])
        ident = carla.submit(task, [])
        fetched(project)
        assert content(exported(project, tmp_path / "corpus.jsonl")[removed]) == (set(), 0)
        carla.delete_answer(ident)
        fetched(project)
        assert content(exported(project, tmp_path / "corpus.jsonl")[removed])[1] == 1
