"""Projects on the server: what annotators are told, and what becomes of projects that are older or were changed."""

from __future__ import annotations

from typing import Any

import pytest

from biorat_al.corpus.model.document import Document, Passage
from biorat_al.corpus.model.role import ROLES, Role
from biorat_al.desk.base import DeskProject, Personal, Task
from biorat_al.desk.labelstudio.configuration import (
    BLIND,
    COLOURS,
    PALETTE,
    LabellingConfiguration,
    ProjectMark,
    description,
)
from biorat_al.desk.labelstudio.instruction import is_same, is_untouched
from biorat_al.settings import Guidelines
from tests.desk.contract import LABELS, documents, pushed
from tests.support.labelstudio import Annotator, RunningLabelStudio, renamed_label

EARLIER = f"""<View>
  <Header value="$document_id" size="5"/>
  <Labels name="label" toName="text">
    <Label value="Chemical" background="{PALETTE[0]}" hotkey="1"/>
    <Label value="Disease" background="{PALETTE[1]}" hotkey="2"/>
  </Labels>
  <Relations>
    <Relation value="same mention"/>
  </Relations>
  <Text name="text" value="$text" granularity="symbol"/>
</View>"""
"""A labelling configuration as it was written before the mark stood in it."""

EARLIER_WORDS = "Documents with a model's pre-labels: accept them, correct them, add what is missing."


def earlier(annotator: Annotator, marker: str, title: str = "earlier", **settings: Any) -> str:
    """Make a project as an earlier version did; return its reference."""
    parsed = LabellingConfiguration.parse(EARLIER)
    said = f"{EARLIER_WORDS} [biorat-al pool {marker} {parsed.checksum} {parsed.labels_checksum}]"
    body = {"title": title, "description": said, "label_config": EARLIER} | settings
    return str(annotator.request("POST", "/api/projects/", json=body)["id"])


def views(annotator: Annotator, project: DeskProject) -> list[dict[str, Any]]:
    """Return the tabs of the data manager."""
    return list(annotator.request("GET", "/api/dm/views/", params={"project": project.reference}))


@pytest.mark.parametrize("role", ROLES)
def test_annotators_read_no_checksum_and_know_a_blind_project(
    label_studio: RunningLabelStudio, marker: str, role: Role
) -> None:
    desk, annotator = label_studio.desk(), label_studio.annotator()
    project = desk.prepare(role, "told", LABELS, marker=marker)
    settings = annotator.project(project.reference)
    for shown in ("title", "description", "expert_instruction"):
        assert marker not in settings[shown]
        assert "[" not in settings[shown]
    assert settings["description"] == description(role)
    assert settings["color"] == COLOURS[role]
    assert settings["show_instruction"]
    assert (BLIND in settings["label_config"]) == (role == "test")
    assert settings["title"].endswith("(blind test)") == (role == "test")
    assert settings["title"].endswith("(sentences)") == (role == "segment")
    assert ("These are test documents" in settings["expert_instruction"]) == (role == "test")
    assert ("asks for <strong>one sentence</strong>" in settings["expert_instruction"]) == (role == "segment")
    assert not project.lacking
    # the mark is where it is found again
    assert ProjectMark.of(settings) is not None
    assert desk.prepare(role, "told", LABELS, marker=marker) == project


def test_a_person_finds_the_project_by_name_and_colour(label_studio: RunningLabelStudio, marker: str) -> None:
    desk, annotator = label_studio.desk(), label_studio.annotator()
    seen = []
    for number, name in enumerate(("ann@example.org", "bob@example.org"), start=1):
        person = Personal(marker, name, number)
        projects = [desk.prepare(role, "a corpus of many cases", LABELS, marker=person) for role in ("pool", "test")]
        pool, test = [annotator.project(project.reference) for project in projects]
        assert pool["title"] == f"a corpus of many cases · {name}"
        assert test["title"].endswith(f" · {name} (blind test)")
        assert test["color"] == COLOURS["test"] != pool["color"]
        seen.append(pool["color"])
    assert len(set(seen)) == 2


def test_a_project_that_a_late_request_made_once_more_is_told_until_it_is_gone(
    label_studio: RunningLabelStudio, marker: str
) -> None:
    desk, annotator = label_studio.desk(), label_studio.annotator()
    project = desk.prepare("pool", "twice", LABELS, marker=marker)
    there = annotator.project(project.reference)
    again = {name: there[name] for name in ("title", "description", "label_config")}
    double = str(annotator.request("POST", "/api/projects/", json=again)["id"])
    for reference in (None, project.reference):
        found = desk.prepare("pool", "twice", LABELS, reference, marker=marker)
        assert found.reference == project.reference
        (notice,) = found.notices
        assert notice.endswith(f"/projects/{double}/ is empty; delete it there")
    annotator.make_task(double, {"text": "Aspirin.", "document_id": "1", "biorat_key": "1"})
    (notice,) = desk.prepare("pool", "twice", LABELS, project.reference, marker=marker).notices
    assert "holds 1 task, whose answers are not fetched" in notice
    annotator.request("DELETE", f"/api/projects/{double}/")
    assert desk.prepare("pool", "twice", LABELS, project.reference, marker=marker).notices == ()


def test_a_project_of_an_earlier_version_is_brought_up_to_date(label_studio: RunningLabelStudio, marker: str) -> None:
    desk, annotator = label_studio.desk(), label_studio.annotator()
    reference = earlier(annotator, marker)
    task = annotator.make_task(reference, {"text": "Aspirin.", "document_id": "1", "biorat_key": "1"})
    # found by its mark, as after an interrupted call
    project = desk.prepare("pool", "earlier", LABELS, marker=marker)
    assert (project.reference, project.notices) == (reference, ())
    settings = annotator.project(reference)
    new = desk.prepare("pool", "earlier", LABELS, marker=f"{marker}x")
    fresh = annotator.project(new.reference)
    for name in ("description", "color", "expert_instruction", "show_instruction"):
        assert settings[name] == fresh[name], name
    assert (
        LabellingConfiguration.parse(settings["label_config"]).checksum
        == LabellingConfiguration.parse(fresh["label_config"]).checksum
    )
    assert desk.prepare("pool", "earlier", LABELS, marker=marker) == project
    assert annotator.project(reference)["label_config"] == settings["label_config"]
    # its tasks can be answered, and more can be made
    annotator.submit(task, [])
    assert set(pushed(desk, project, ["1001"])) == {"1001"}
    assert len(desk.pull(project, documents).tasks) == 2


def test_what_people_made_of_a_project_of_an_earlier_version_stays(
    label_studio: RunningLabelStudio, marker: str
) -> None:
    desk, annotator = label_studio.desk(), label_studio.annotator()
    reference = earlier(annotator, marker)
    theirs = EARLIER.replace(PALETTE[0], "#000000")
    annotator.configure(reference, label_config=theirs, expert_instruction="<p>Ours.</p>", color="#123456")
    before = annotator.project(reference)
    project = desk.prepare("pool", "earlier", LABELS, reference, marker=marker)
    assert project.notices == ()
    after = annotator.project(reference)
    for name in ("label_config", "description", "expert_instruction", "color", "title"):
        assert after[name] == before[name], name
    assert desk.prepare("pool", "earlier", LABELS, marker=marker) == project


def test_own_words_in_a_description_stay_when_the_mark_goes(label_studio: RunningLabelStudio, marker: str) -> None:
    desk, annotator = label_studio.desk(), label_studio.annotator()
    reference = earlier(annotator, marker)
    said = annotator.project(reference)["description"].replace(EARLIER_WORDS, "Ask Ada.")
    annotator.configure(reference, description=f"{said} Or Grace.", color="#123456")
    desk.prepare("pool", "earlier", LABELS, reference, marker=marker)
    settings = annotator.project(reference)
    assert (settings["description"], settings["color"]) == ("Ask Ada. Or Grace.", "#123456")


def test_labels_that_people_renamed_keep_an_earlier_project_as_it_is(
    label_studio: RunningLabelStudio, marker: str
) -> None:
    desk, annotator = label_studio.desk(), label_studio.annotator()
    reference = earlier(annotator, marker)
    theirs = renamed_label(EARLIER, "Disease", "Disorder")
    annotator.configure(reference, label_config=theirs)
    project = desk.prepare("pool", "earlier", LABELS, reference, marker=marker)
    (notice,) = project.notices
    assert "'Disease' is called 'Disorder'" in notice
    assert project.lacking == {"Disease"}, "nobody can be asked for it"
    assert annotator.project(reference)["label_config"] == theirs


def test_a_mark_that_somebody_deleted_is_no_reason_to_write_over_the_rest(
    label_studio: RunningLabelStudio, marker: str
) -> None:
    desk, annotator = label_studio.desk(), label_studio.annotator()
    project = desk.prepare("pool", "unmarked", LABELS, marker=marker)
    theirs = EARLIER.replace(PALETTE[0], "#000000")
    annotator.configure(project.reference, label_config=theirs)
    assert desk.prepare("pool", "unmarked", LABELS, project.reference, marker=marker) == project
    assert annotator.project(project.reference)["label_config"] == theirs


def instructed(desk: Any, marker: str, text: str | None) -> DeskProject:
    """Prepare a project with these guidelines."""
    guidelines = None if text is None else Guidelines(text)
    return desk.prepare("pool", "guided", LABELS, marker=marker, guidelines=guidelines)  # type: ignore[no-any-return]


def test_guidelines_are_shown_and_follow_the_file(label_studio: RunningLabelStudio, marker: str) -> None:
    desk, annotator = label_studio.desk(), label_studio.annotator()

    def shown() -> str:
        return str(annotator.project(project.reference)["expert_instruction"])

    project = instructed(desk, marker, None)
    assert is_untouched(shown())
    text = (
        'Mark "drugs" & <b>foods</b>.\n\n| a | b |\n|:--|--:|\n| 1 | 2 |\n\n1. x\n\n> y <https://example.org/?a=1&b=ä>'
    )
    for guidelines in (text, "Mark drugs only.", None, "Mark 😀."):
        assert instructed(desk, marker, guidelines).notices == ()
        # nothing that the server removes: it comes back as it was written
        assert is_untouched(shown()), guidelines
        assert ("Mark" in shown().split("<hr")[-1].split("<ul>")[0]) == (guidelines is not None)
    assert "Mark 😀." in shown()


def test_an_instruction_that_people_wrote_is_told_and_never_overwritten(
    label_studio: RunningLabelStudio, marker: str
) -> None:
    desk, annotator = label_studio.desk(), label_studio.annotator()
    project = instructed(desk, marker, "Mark drugs.")
    theirs = annotator.project(project.reference)["expert_instruction"].replace("drugs", "drugs (ask Ada)")
    annotator.configure(project.reference, expert_instruction=theirs, show_instruction=False)
    (notice,) = instructed(desk, marker, "Mark drugs.").notices
    assert "the instruction of 'guided' was changed in Label Studio" in notice
    # without guidelines there is nothing that annotators would miss
    assert instructed(desk, marker, None).notices == ()
    settings = annotator.project(project.reference)
    assert is_same(settings["expert_instruction"], theirs)
    assert not settings["show_instruction"]
    # as the notice says
    annotator.configure(project.reference, expert_instruction="")
    assert instructed(desk, marker, "Mark drugs.").notices == ()
    assert is_untouched(annotator.project(project.reference)["expert_instruction"])


def test_whoever_hides_the_instruction_is_not_shown_it_again(label_studio: RunningLabelStudio, marker: str) -> None:
    desk, annotator = label_studio.desk(), label_studio.annotator()
    project = instructed(desk, marker, "One.")
    annotator.configure(project.reference, show_instruction=False)
    instructed(desk, marker, "Two.")
    settings = annotator.project(project.reference)
    assert "Two." in settings["expert_instruction"]
    assert not settings["show_instruction"]


@pytest.mark.parametrize("role", ROLES)
def test_the_data_manager_has_one_tab_with_the_useful_columns(
    label_studio: RunningLabelStudio, marker: str, role: Role
) -> None:
    desk, annotator = label_studio.desk(), label_studio.annotator()
    project = desk.prepare(role, "columns", LABELS, marker=marker)
    pushed(desk, project, ["1001", "1002"], None if role == "test" else "m-1")
    for _ in range(2):
        desk.prepare(role, "columns", LABELS, project.reference, marker=marker)
    (view,) = views(annotator, project)
    columns = annotator.request("GET", "/api/dm/columns/", params={"project": project.reference})["columns"]
    names = {f"tasks:{column['parent']}.{column['id']}" if column.get("parent") else f"tasks:{column['id']}": column
             for column in columns if not column.get("children")}  # fmt: skip
    visible = set(names) - set(view["data"]["hiddenColumns"]["explore"])
    of_a_model = {"tasks:predictions_score", "tasks:predictions_model_versions"}
    # of a sentence, its own words say more than the title
    words = "tasks:data.text" if role == "segment" else "tasks:data.document_title"
    assert visible == {
        "tasks:id", "tasks:data.document_id", words, "tasks:completed_at", "tasks:total_annotations",
        "tasks:cancelled_annotations", "tasks:annotators",
    } | (of_a_model if role != "test" else set())  # fmt: skip
    # it hides no task, from people or from a fetch
    assert view["data"]["filters"]["items"] == []
    answer = annotator.request("GET", "/api/tasks/", params={"project": project.reference, "view": view["id"]})
    assert answer["total"] == 2
    assert len(desk.pull(project, documents).existing) == 2


def test_tabs_that_people_made_are_left_alone(label_studio: RunningLabelStudio, marker: str) -> None:
    desk, annotator = label_studio.desk(), label_studio.annotator()
    reference = earlier(annotator, marker)
    body = {"project": int(reference), "data": {"title": "Ours", "hiddenColumns": {"explore": [], "labeling": []}}}
    annotator.request("POST", "/api/dm/views/", json=body)
    project = desk.prepare("pool", "earlier", LABELS, reference, marker=marker)
    assert [view["data"]["title"] for view in views(annotator, project)] == ["Ours"]


@pytest.mark.parametrize(
    ("document", "title", "above"),
    [
        (Document("t1", "A title.\nText.", (Passage("title", 0, 8), Passage("abstract", 9, 14))), "A title.", ""),
        (Document("t2", 'Two\r\n <b>"lines"</b> & 😀\n', (Passage("Title", 0, 24),)), 'Two <b>"lines"</b> & 😀', ""),
        (
            Document("t3", "Text.", (), {"title": "From $text {{x}} metadata"}),
            "From $text {{x}} metadata",
            "From $text {{x}} metadata",
        ),
        (Document("t4", "No title."), "", ""),
        (Document("t5", "x " * 400, (Passage("title", 0, 800),)), f"{'x ' * 149}x …", ""),
        (Document("t6", "Text.\nA title.", (Passage("text", 0, 5), Passage("title", 6, 14))), "A title.", "A title."),
    ],
)
def test_every_task_has_a_title_for_people_above_its_text_only_if_that_does_not_begin_with_it(
    label_studio: RunningLabelStudio, marker: str, document: Document, title: str, above: str
) -> None:
    desk, annotator = label_studio.desk(), label_studio.annotator()
    project = desk.prepare("pool", "titles", LABELS, marker=marker)
    (task_id,) = desk.push(project, [Task(document.id, document)]).values()
    data = annotator.open(task_id)["data"]
    assert data["document_title"] == title
    assert data["title"] == above
    assert data["text"] == document.text
