"""A project that asks for sentences first and for whole documents later, on a real Label Studio."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from biorat_al.corpus.model.document import Annotation, Document, Entity, Passage, Record, Span
from biorat_al.demo.annotator import annotate_open_tasks
from biorat_al.desk.labelstudio.connection import Connection
from biorat_al.project import Project
from biorat_al.store.answers import learnt_answers
from biorat_al.store.tables import TaskRow
from tests.support.labelstudio import RunningLabelStudio
from tests.support.rounds import make_project, run_killed, settings_for
from tests.test_end_to_end import environment

pytestmark = pytest.mark.slow(60)

__all__ = ["environment"]

WORDS = {"aspirin": "Chemical", "naloxone": "Chemical", "lithium": "Chemical", "gout": "Disease", "coma": "Disease"}
NAMES = list(WORDS)


def record(number: int) -> Record:
    """Return a document of four sentences on two lines, in which one to three of the words occur."""
    first, second = NAMES[number % 5], NAMES[(number + 1 + number // 5) % 5]
    title = f"Title {number} on {first} 😀 in small trials."
    rest = f"Of them, {number} had {second}.  Others\nhad {first} and {second}. Nobody had more to say about it."
    text = f"{title}\n{rest}"
    passages = (Passage("title", 0, len(title)), Passage("abstract", len(title) + 1, len(text)))
    return Record(Document(f"{900 + number}", text, passages), None, f"made:{number}")


def truth(text: str) -> Annotation:
    """Return the words in a text, as an annotator finds them there."""
    found = [
        Entity(f"T{number}", WORDS[match[0]], (Span(*match.span()),))
        for number, match in enumerate(re.finditer("|".join(NAMES), text))
    ]
    return Annotation(tuple(found))


class Desk:
    """The tasks of one project in Label Studio, and somebody who answers them."""

    def __init__(self, server: RunningLabelStudio, project: Project, role: str) -> None:
        self.connection = Connection(server.url, server.token)
        self.reference = project.status(ask_desk=False).urls[role].rstrip("/").rsplit("/", 1)[1]

    def tasks(self) -> list[dict[str, Any]]:
        fields = "id,data,predictions,model_version,total_annotations"
        return list(self.connection.tasks(self.reference, fields="all", include=fields))

    def texts(self) -> Mapping[str, str]:
        return {task["data"]["document_id"]: task["data"]["text"] for task in self.tasks()}

    def answer(self) -> int:
        """Answer every open task by the truth; return how many."""
        texts = self.texts()
        return annotate_open_tasks(self.connection, self.reference, lambda key: truth(texts[key]))


def mentions(texts: Mapping[str, str]) -> int:
    return sum(len(truth(text).entities) for text in texts.values())


def test_two_rounds_of_sentences_and_then_documents(
    environment: RunningLabelStudio, tiny_encoder: Path, tmp_path: Path
) -> None:
    settings = settings_for(
        tiny_encoder, desk={"kind": "label-studio"}, selection={"size": 3, "unit": "sentence", "strategy": "random"}
    )
    records = [record(number) for number in range(14)]
    whole = {one.document.id: one.document.text for one in records}
    folder = tmp_path / "trial"
    with make_project(folder, settings, gold=False, records=records, pool=11, test=3):
        pass
    # the first import goes to the project of test documents
    assert run_killed(folder, "after:desk.push#2") == -9
    with Project.open(folder) as project:
        first = project.round()
        status = project.status(ask_desk=False)
        assert sorted(status.urls) == ["segment", "test"]
        sentences = Desk(environment, project, "segment")
        assert environment.annotator().project(sentences.reference)["title"] == "trial (sentences)"
        tasks = sentences.tasks()
        asked = sentences.texts()
        assert len(asked) == len(tasks) == first.step("push").counts["sentences"] > 3
        for task in tasks:
            data = task["data"]
            around = f"{data['title']} {data['before']} {data['text']} {data['after']}"
            assert "".join(around.split()) == "".join(whole[data["of_document"]].split())
            assert re.fullmatch(r"Title \d+ on \w+ 😀 in small trials\.", data["document_title"])
            assert task["predictions"] == []
        assert all(text.count(".") == 1 for text in asked.values())

        # one answer is given by hand in the sentence's own offsets, one task is deleted, all others are answered
        deleted = tasks[0]
        environment.annotator().delete_task(str(deleted["id"]))
        del asked[deleted["data"]["document_id"]]
        assert sentences.answer() == len(asked)
        assert Desk(environment, project, "test").answer() == 3

        second = project.round()
        pulled = second.step("pull").counts
        assert (pulled["new"], pulled["deleted_tasks"], pulled["open_segment"]) == (len(asked) + 3, 1, 0)
        assert pulled["notices"] == []
        learnt = second.step("train").counts
        assert (learnt["documents"], learnt["mentions"]) == (len(asked), mentions(asked))
        assert second.step("evaluate").counts["documents"] == 3
        pushed = second.step("push").counts
        assert pushed["tasks"] == pushed["pre_labelled"] == pushed["sentences"]
        now = sentences.texts()
        fresh = {key: text for key, text in now.items() if key not in asked}
        assert len(now) == len(asked) + pushed["tasks"]
        version = learnt["models"]["rat"]
        for task in sentences.tasks():
            if task["data"]["document_id"] in fresh:
                (prediction,) = task["predictions"]
                assert prediction["model_version"] == version
                for region in prediction["result"]:
                    value = region["value"]
                    assert task["data"]["text"][value["start"] : value["end"]] == value["text"]

        # half of the batch stays open, and gets newer pre-labels when the last round asks for documents
        open_key = min(fresh)
        open_task = next(str(task["id"]) for task in sentences.tasks() if task["data"]["document_id"] == open_key)
        environment.annotator().draft(open_task, [])
        texts = {key: text for key, text in fresh.items() if key != open_key}
        for task in sentences.tasks():
            if task["data"]["document_id"] in texts:
                environment.annotator().submit(str(task["id"]), regions(task["data"]["text"]))
        third = project.round(unit="document", size=2, partial=True)
        asked |= texts
        assert third.step("train").counts["documents"] == len(asked)
        assert third.step("train").counts["mentions"] == mentions(asked)
        assert third.step("push").counts["relabelled"] == 1
        assert "sentences" not in third.step("push").counts
        (again,) = [task for task in sentences.tasks() if str(task["id"]) == open_task]
        newest = third.step("train").counts["models"]["rat"]
        assert {one["model_version"] for one in again["predictions"]} == {version, newest}
        documents = Desk(environment, project, "pool")
        begun = documents.texts()
        assert {key: whole[key] for key in begun} == begun
        assert len(begun) == 2
        assert environment.annotator().project(documents.reference)["title"] == "trial"
        # a document of which a sentence is with an annotator is not asked for meanwhile
        assert open_key.split("#")[0] not in begun

        assert documents.answer() == 2
        environment.annotator().submit(open_task, regions(fresh[open_key]))
        asked[open_key] = fresh[open_key]
        last = project.round(unit="document", size=1)
        # where a document has an answer as a whole, those on its sentences no longer count
        left = {key: text for key, text in asked.items() if key.split("#")[0] not in begun}
        assert last.step("train").counts["documents"] == len(left) + 2
        assert last.step("train").counts["mentions"] == mentions(left) + mentions(begun)
        with project.store.read() as session:
            answers = learnt_answers(session, with_gold=False)
            assert len(answers) == len(left) + 2
            states = session.scalars(select(TaskRow.state).where(TaskRow.role == "segment")).all()
        assert sorted(set(states)) == ["answered", "deleted"]


def regions(text: str) -> list[dict[str, Any]]:
    """Return the truth as the front end sends what a person has drawn."""
    from tests.support.labelstudio import drawn

    return [drawn(text, entity.start, entity.end, entity.label) for entity in truth(text).entities]
