"""Two people on a real server, who do what people do: click an action, change each other's answers, slip."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from biorat_al.corpus.model.document import Entity, Record, Span
from biorat_al.corpus.reading import read_corpus
from biorat_al.demo.corpus import read_demo_corpus
from biorat_al.desk.base import PreAnnotation
from biorat_al.desk.labelstudio.connection import Connection
from biorat_al.errors import NothingToDoYet
from biorat_al.project import Project
from biorat_al.rounds.runner import round_report
from biorat_al.rounds.team.places import project_of
from biorat_al.store.evaluations import evaluation
from biorat_al.store.tables import TaskRow
from biorat_al.store.tasks import desk_project
from tests.people.test_disputes import with_ties
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
        outcome = call("export", str(tmp_path / "corpus.jsonl"), "--format=jsonl", "--project", str(project.folder))
        assert "Not counted: 2 annotations that nobody has looked at" in outcome.out
        assert "Not understood: 1 part of answers" in outcome.out
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


def test_what_two_people_disagree_on_is_masked_counted_and_decided_by_a_setting(
    environment: RunningLabelStudio, tiny_encoder: Path, tmp_path: Path
) -> None:
    treats = {"name": "treats", "head": "Chemical", "tail": "Disease"}
    settings = settings_for(tiny_encoder, desk={"kind": "label-studio"}, relations=[treats])
    bare = [Record(one.document, None, one.source) for one in read_demo_corpus()]
    with make_project(tmp_path / "trial", settings, gold=False, records=bare, pool=9, test=2) as project:
        project.round()
        ann, bob = environment.annotator(), environment.invited()
        tasks = {key: str(ids[0]) for key, ids in tasks_by_document(environment, project).items()}
        mention, border, relation, same, later, plain = sorted(tasks)
        blind = project.status(ask_desk=False).urls["test"].rstrip("/").rsplit("/", 1)[1]
        tested = str(next(iter(Connection(environment.url, environment.token).tasks(blind, include="id")))["id"])
        texts = {task: ann.open(task)["data"]["text"] for task in (*tasks.values(), tested)}
        for task in (tasks[mention], tasks[border], tasks[relation], tasks[same], tested):
            ann.request("PATCH", f"/api/tasks/{task}/", json={"overlap": 2})

        def marked(task: str, *places: tuple[int, int, str]) -> list[dict[str, Any]]:
            words = [found.span() for found in re.finditer(r"\w+", texts[task])]
            return [drawn(texts[task], words[begin][0], words[end][1], label) for begin, end, label in places]

        def both(task: str, hers: list[Any], his: list[Any]) -> None:
            ann.submit(task, hers)
            bob.submit(task, his)

        # from one word to another
        first, second, longer = (0, 0, "Disease"), (1, 1, "Chemical"), (0, 1, "Disease")
        both(tasks[mention], marked(tasks[mention], first, second), marked(tasks[mention], first))
        both(tasks[border], marked(tasks[border], first), marked(tasks[border], longer))
        ends = marked(tasks[relation], first, second)
        related = {"type": "relation", "from_id": ends[1]["id"], "to_id": ends[0]["id"], "direction": "right"}
        both(tasks[relation], [*ends, {**related, "labels": ["treats"]}], marked(tasks[relation], first, second))
        both(tasks[same], marked(tasks[same], first), marked(tasks[same], first))
        both(tested, marked(tested, first, second), marked(tested, first))
        for key in (later, plain):
            ann.submit(tasks[key], marked(tasks[key], first))

        # a finished task is to be answered by one more
        ann.request("PATCH", f"/api/tasks/{tasks[later]}/", json={"overlap": 2})
        error = waiting(project)
        assert "1 of 6 tasks are still open" in str(error)
        hint, said = error.notes
        assert f"document {later} (task {tasks[later]})" in hint
        assert '{"overlap": 2, "is_labeled": false}' in hint
        assert "4 disputed mentions and 1 disputed relation in 4 documents, masked" in said
        ann.request("PATCH", f"/api/tasks/{tasks[later]}/", json={"overlap": 2, "is_labeled": False})
        assert len(waiting(project).notes) == 1, "the task is offered again, and nobody need be told"
        assert bob.request("GET", f"/api/projects/{reference_of(project)}/next")["id"] == int(tasks[later])
        bob.submit(tasks[later], marked(tasks[later], first))

        # mention 1, border 0, relation 2, same 1, later 1, plain 1
        outcome = call("round", "--project", str(project.folder))
        said = " ".join(outcome.out.split())
        assert outcome.code == 0
        assert "6 documents, 6 mentions, 0 relations; 3 disputed mentions and 1 disputed relation masked" in said
        assert "on 1 of 2 test documents; 1 disputed mention masked" in said
        # agreed: mention 1, relation 2, same 1, later 1, test 1; else: mention 1, border 1 and 1, test 1
        assert "annotators agree with F1 75.0" in said
        assert "on 6 documents with several answers" in said
        report = round_report(project.store, 1)
        assert report.step("train").counts["disputed"] == {"mentions": 3, "relations": 1, "documents": 3}
        assert report.step("train").counts["empty_documents"] == 0
        assert report.step("evaluate").counts["disputed"] == {"mentions": 1, "relations": 0, "documents": 1}
        with project.store.read() as session:
            for version in report.step("train").counts["models"].values():
                found = evaluation(session, version)[None]
                assert found.true_positives + found.false_negatives == 1
        status = json.loads(call("status", "--json", "--project", str(project.folder)).out)
        counts = [status["disputes"][name] for name in ("documents", "disputed_documents", "mentions", "relations")]
        assert counts == [6, 4, 4, 1]
        assert status["disputes"]["agreement"]["f1"] == 0.75
        # with the agreed mention of the test document
        assert status["mentions"] == {"Chemical": 1, "Disease": 6}
        page, _ = project.report(tmp_path / "report.html")
        html = " ".join(page.read_text(encoding="utf-8").split())
        assert "4 disputed mentions and 1 disputed relation, every version counted" in html
        outcome = call("export", str(tmp_path / "corpus"), "--project", str(project.folder))
        assert "5 ties" in outcome.out
        card = (tmp_path / "corpus" / "README.md").read_text(encoding="utf-8")
        assert "- majority of several annotators (what more than half of them have): 6" in card
        assert "5 in all, are left out" in card
        # whoever of them is named first
        assert re.search(r"\| annotator-1 and annotator-2 \| 6 \| (9, 7|7, 9) \| 75\.0 \(", card)

        # his word decides: the longer mention is there, the second one and the relation are not
        with_ties(project, f"prefer:{bob.email}")
        report = project.round(partial=True)
        assert "disputed" not in report.step("train").counts | report.step("evaluate").counts
        assert (report.step("train").counts["mentions"], report.step("train").counts["relations"]) == (7, 0)
        disputes = project.status(ask_desk=False).disputes
        assert disputes is not None
        assert (disputes.mentions, disputes.relations, disputes.settled) == (0, 0, 5)
        outcome = call("export", str(tmp_path / "decided"), "--project", str(project.folder))
        rows = pq.read_table(tmp_path / "decided" / "provenance" / "ties.parquet").to_pylist()
        assert [row["text"] for row in rows if row["kept"]] == [[marked(tasks[border], longer)[0]["value"]["text"]]]


def named(project: Project, key: str) -> str:
    """Return a document as a note names it."""
    row = answers_of(project, key)[-1]
    with project.store.read() as session:
        task = session.get_one(TaskRow, row.task_id).desk_task_id
    return f"document {key} (task {task}, annotation {row.desk_annotation_id})"


def credits(project: Project, key: str) -> list[tuple[Any, Any, bool]]:
    """Whose each revision of a document's answers is, and whose it was before."""
    rows = answers_of(project, key)
    return [(row.annotator, row.revises, row.current) for row in rows if row.made_from is None]
