"""Two people in the real front end: they disagree, change each other's answers, slip, and click an action."""

from __future__ import annotations

import json
import os
import re
import secrets
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from biorat_al.corpus.model.document import Entity, Record, Span
from biorat_al.demo.corpus import read_demo_corpus
from biorat_al.desk.base import PreAnnotation
from biorat_al.efficiency.runs.annotator_work import annotator_work
from biorat_al.project import Project
from biorat_al.rounds.team.places import project_of
from biorat_al.store.answers import annotators
from biorat_al.store.tasks import desk_project
from tests.support.browser import drag, log_in, open_label_stream, shown_task, sign_up
from tests.support.commands import call
from tests.support.labelstudio import RunningLabelStudio
from tests.support.rounds import make_project, settings_for
from tests.test_end_to_end import environment, tasks_by_document

pytestmark = pytest.mark.slow

__all__ = ["environment"]

SCREENSHOTS = "BIORAT_SCREENSHOTS"
"""Name of the variable that names a folder for screenshots."""

ORDER = ("label", "border", "changed", "slipped", "turned", "plain")
"""What is done with each document, in the order in which the label stream offers them.

Ann does the first four. The one that she is offered next is locked for her, so Bob is not offered it.
"""


def propose(project: Project, tasks: dict[str, str], keys: dict[str, str], texts: dict[str, str]) -> None:
    """Give each task a pre-label on its first word, less sure of those that are to come first."""
    with project.store.read() as session:
        row = desk_project(session, "pool")
    assert row is not None
    pool = project_of(row, "pool", project.settings)
    made = {}
    for place, key in enumerate(map(keys.__getitem__, ORDER), start=1):
        mention = Entity("T1", "Chemical", (Span(0, len(texts[key].split()[0])),), score=0.75)
        made[tasks[key]] = PreAnnotation("m-1", 0.1 * place, (mention,))
    project.desk.add_pre_annotations(pool, made)
    project.desk.publish(pool, "m-1")


def words_of(text: str) -> tuple[str, str]:
    """Return two words that follow each other in the first line and are nowhere else, to be marked."""
    for found in re.finditer(r"\b([a-z]{5,}) ([a-z]{3,})\b", text[:110]):
        if found.start() > len(text.split()[0]) and text.count(found[1]) == 1:
            return found[1], found[2]
    raise AssertionError(f"no words to mark in {text[:110]!r}")


def look(page: Any, name: str) -> None:
    if os.environ.get(SCREENSHOTS):
        page.screenshot(path=str(Path(os.environ[SCREENSHOTS]) / f"{name}.png"))


def submit(page: Any) -> None:
    before = shown_task(page)
    page.get_by_test_id("bottombar-submit-button").click()
    # a busy machine takes its time to show the next one
    page.wait_for_function(
        """before => document.body.textContent.includes('No More Tasks Left') ||
            (window.Htx && window.Htx.task && String(window.Htx.task.id) !== before)""",
        arg=before,
    )
    page.wait_for_timeout(1000)


def test_what_two_people_do_in_the_front_end_is_counted_as_it_was(
    environment: RunningLabelStudio, tiny_encoder: Path, page: Any, tmp_path: Path
) -> None:
    settings = settings_for(tiny_encoder, desk={"kind": "label-studio"})
    bare = [Record(one.document, None, one.source) for one in read_demo_corpus()]
    with make_project(tmp_path / "trial", settings, gold=False, records=bare, pool=9, test=2) as project:
        project.round()
        tasks = {key: str(ids[0]) for key, ids in tasks_by_document(environment, project).items()}
        admin = environment.annotator()
        texts = {key: admin.open(task)["data"]["text"] for key, task in tasks.items()}
        keys = dict(zip(ORDER, sorted(tasks), strict=True))
        words = {name: words_of(texts[key]) for name, key in keys.items()}
        propose(project, tasks, keys, texts)
        for name in ("label", "border"):
            admin.request("PATCH", f"/api/tasks/{tasks[keys[name]]}/", json={"overlap": 2})
        url = project.status(ask_desk=False).urls["pool"].rstrip("/")

        # Ann labels as they come
        ann = environment.credentials
        log_in(page, environment.url, ann.email, ann.password)
        open_label_stream(page, url)
        for name in ORDER[:4]:
            assert shown_task(page) == tasks[keys[name]]
            first, second = words[name]
            if name in ("label", "border"):
                page.keyboard.press("1")
                drag(page, first)
            elif name == "slipped":
                page.keyboard.press("1")
                drag(page, f"{first} ")
                page.keyboard.press("1")
                drag(page, first)
            look(page, f"ann-{name}")
            submit(page)

        # Bob was invited, and sees nothing of her answers in the stream
        email, password = f"{secrets.token_hex(4)}@example.org", secrets.token_urlsafe(12)
        sign_up(page, environment.url + str(admin.request("GET", "/api/invite")["invite_url"]), email, password)
        open_label_stream(page, url)
        for name in ("label", "border", "plain"):
            assert shown_task(page) == tasks[keys[name]]
            first, second = words[name]
            if name == "label":
                page.keyboard.press("2")
                drag(page, first)
            elif name == "border":
                page.keyboard.press("1")
                drag(page, f"{first} {second}")
            look(page, f"bob-{name}")
            submit(page)

        # he opens what she answered, and changes it
        page.goto(f"{url}/data?task={tasks[keys['changed']]}")
        page.wait_for_selector("[class*=richtext__container]")
        page.wait_for_timeout(2000)
        look(page, "bob-quick-view")
        page.locator("[class*=richtext__container] span[class*=htx-highlight]").first.click()
        page.keyboard.press("1")
        page.wait_for_timeout(500)
        look(page, "bob-changed")
        page.get_by_test_id("bottombar-update-button").click()
        page.wait_for_timeout(2000)

        # and he clicks an action
        page.goto(f"{url}/data")
        tick(page, keys["turned"])
        page.get_by_label("Tasks Actions").click()
        look(page, "bob-actions")
        page.get_by_text("Create Annotations From Predictions", exact=True).first.click()
        page.wait_for_timeout(1000)
        look(page, "bob-dialog")
        page.get_by_role("button", name=re.compile("^(ok|continue|confirm|yes)$", re.IGNORECASE)).click()
        page.wait_for_timeout(2000)
        look(page, "bob-turned")

        def command(name: str, *words: str, code: int = 0) -> str:
            outcome = call(name, *words, "--project", project.folder)
            assert outcome.code == code, outcome
            return " ".join((outcome.out + outcome.err).split())

        # the round waits, and says all that a person has to know
        said = command("round", code=3)
        assert "1 of 6 tasks are still open" in said
        assert "1 annotation in Label Studio does not count: model output that was turned into annotations" in said
        assert f"in the name of {email}, which nobody has looked at: document {keys['turned']} (task " in said
        assert (
            "1 mention began or ended with a blank, which was cut off, and 1 mention was drawn twice and joined with "
            f"the first: document {keys['slipped']} (task "
        ) in said
        assert "1 answer changed or copied by somebody else than the author" in said
        assert f"{email} after {ann.email}: document {keys['changed']} (task " in said
        # agreed are the two pre-labels; each has two mentions that the other one has not
        assert "annotators agree with F1 50.0 (95 % interval 50.0 to 50.0) on 2 documents with several answers" in said
        assert "4 disputed mentions in 2 documents, masked" in said

        status = json.loads(call("status", "--json", "--project", project.folder).out)
        assert (status["labelled"]["pool"], status["open_now"]["pool"], status["seats_now"]["pool"]) == (5, 1, 1)
        # pre-labels in four as they were; one changed, and one drawn where she slipped
        assert status["mentions"] == {"Chemical": 4, "Disease": 2}
        assert {name: [one["document"] for one in items] for name, items in status["findings"].items()} == {
            "unattended": [keys["turned"]], "problems": [], "slips": [keys["slipped"]], "revised": [keys["changed"]],
        }  # fmt: skip
        assert status["disputes"]["mentions"] == 4

        said = command("round", "--partial")
        assert "5 documents, 6 mentions; 4 disputed mentions masked" in said
        (work,) = annotator_work(project.store)
        # each pre-label is in an answer, two of them in two; five mentions were drawn, and his change is one answer
        assert (work.answers, work.mentions) == (7, 7 + 5)

        said = command("export", str(tmp_path / "corpus"))
        assert "Wrote 5 train documents" in said
        assert "4 ties" in said
        assert "Not counted: 1 annotation that nobody has looked at" in said
        card = (tmp_path / "corpus" / "README.md").read_text(encoding="utf-8")
        for line in (
            "- annotators: 2",
            "- majority of several annotators (what more than half of them have): 2",
            "- the only annotator's answer: 3",
            "| annotator-1 and annotator-2 | 2 | 4, 4 | 50.0 (",
            ", 4 in all, are left out",
            f"- {keys['turned']}: task {tasks[keys['turned']]}, annotation ",
            "- answers changed or copied by somebody else than their author: 1",
            "- mentions that began or ended with a blank, which was cut off: 1",
            "- mentions that were drawn twice, and joined: 1",
        ):
            assert line in card, line
        table = pq.read_table(tmp_path / "corpus" / "provenance" / "annotations.parquet").to_pylist()
        rows = [row for row in table if row["item"] == "entity" and row["split"] == "train"]
        assert len(rows) == 6
        made = {name: [row["by"] for row in rows if row["document_id"] == keys[name]] for name in ORDER}
        with project.store.read() as session:
            names = {f"annotator-{n}": name for n, name in enumerate(annotators(session), start=1)}
        assert {
            name: [
                {(names[one["annotator"]], one["revises"] and names[one["revises"]]) for one in by} for by in made[name]
            ]
            for name in ORDER
        } == {
            "label": [{(ann.email, None), (email, None)}],
            "border": [{(ann.email, None), (email, None)}],
            "changed": [{(email, ann.email)}],
            "slipped": [{(ann.email, None)}, {(ann.email, None)}],
            "turned": [],
            "plain": [{(email, None)}],
        }


def tick(page: Any, document: str) -> None:
    """Select a document's row in the data manager."""
    page.get_by_text(document, exact=True).first.wait_for()
    page.wait_for_timeout(1000)
    look(page, "bob-data-manager")
    place = page.get_by_text(document, exact=True).first.bounding_box()
    # the boxes are in the first column
    page.mouse.click(20, place["y"] + place["height"] / 2)
    page.wait_for_timeout(500)
