"""The desk as a whole: found by the environment or on this machine, and careful with what people made of it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from biorat_al.corpus.model.role import ROLES, Role
from biorat_al.desk.base import PreAnnotation, Task
from biorat_al.desk.labelstudio.client import LabelStudioDesk, connect
from biorat_al.desk.labelstudio.configuration import LabellingConfiguration, ProjectMark
from biorat_al.desk.labelstudio.local_server.server import LocalServer
from biorat_al.errors import DeskAccessError, DeskError
from tests.desk.contract import DOCUMENTS, GOLD, LABELS, RELATIONS, content, documents, pushed
from tests.support.labelstudio import RunningLabelStudio, renamed_label

VARIABLES = ("LABEL_STUDIO_URL", "LABEL_STUDIO_API_KEY")


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def test_the_environment_says_where(label_studio: RunningLabelStudio, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in label_studio.environment.items():
        monkeypatch.setenv(name, value)
    for desk in (LabelStudioDesk.from_environment(), connect()):
        assert desk.address() == label_studio.url
        desk.check()


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({}, "LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY are not set"),
        ({"LABEL_STUDIO_URL": "http://127.0.0.1:9"}, "LABEL_STUDIO_API_KEY is not set"),
        ({"LABEL_STUDIO_API_KEY": "hidden-token", "LABEL_STUDIO_URL": " "}, "LABEL_STUDIO_URL is not set"),
    ],
)
def test_what_is_missing_is_named(values: dict[str, str], told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(DeskError, match=told) as caught:
        LabelStudioDesk.from_environment()
    assert "hidden-token" not in str(caught.value)


def test_half_an_environment_never_leads_to_the_local_server(
    label_studio: RunningLabelStudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABEL_STUDIO_URL", "http://127.0.0.1:9")
    with pytest.raises(DeskError, match="LABEL_STUDIO_API_KEY is not set"):
        connect(label_studio.server)


def test_without_an_environment_the_local_server_is_used(label_studio: RunningLabelStudio) -> None:
    desk = connect(label_studio.server)
    assert desk.address() == label_studio.url
    desk.check()


def test_without_anything_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DeskError, match=r"biorat-al label-studio start.*LABEL_STUDIO_URL"):
        connect(LocalServer(tmp_path))


def test_a_local_server_whose_credentials_are_gone(label_studio: RunningLabelStudio, tmp_path: Path) -> None:
    here = LocalServer(tmp_path)
    here.credentials_file.parent.mkdir()
    shutil.copy(label_studio.server.credentials_file.with_name("server.json"), here.credentials_file.parent)
    assert here.status() is not None
    with pytest.raises(DeskAccessError, match=r"credentials\.json is missing"):
        connect(here)


def test_the_address_of_a_project_is_where_people_find_it(label_studio: RunningLabelStudio, marker: str) -> None:
    project = label_studio.desk().prepare("pool", "client", LABELS, marker=marker)
    assert project.url == f"{label_studio.url}/projects/{project.reference}/"
    assert label_studio.annotator().project(project.reference)["title"] == "client"


def test_without_a_marker_only_an_empty_project_counts_as_left_behind(label_studio: RunningLabelStudio) -> None:
    desk = label_studio.desk()
    left = desk.prepare("pool", "no marker", LABELS)
    assert desk.prepare("pool", "no marker", LABELS).reference == left.reference
    pushed(desk, left, ["1001"])
    # it has tasks now: it may be a colleague's of the same name
    assert desk.prepare("pool", "no marker", LABELS).reference != left.reference


def test_a_project_of_the_same_title_that_people_made_is_not_ours(
    label_studio: RunningLabelStudio, marker: str
) -> None:
    annotator = label_studio.annotator()
    title = f"title {marker}"
    theirs = annotator.request("POST", "/api/projects/", json={"title": title, "description": "mine, hands off"})
    project = label_studio.desk().prepare("pool", title, LABELS, marker=marker)
    assert project.reference != str(theirs["id"])
    assert annotator.project(str(theirs["id"]))["description"] == "mine, hands off"


@pytest.mark.parametrize("role", ROLES)
def test_a_new_label_comes_into_a_configuration_that_nobody_touched(
    label_studio: RunningLabelStudio, marker: str, role: Role
) -> None:
    desk = label_studio.desk()
    before = desk.prepare(role, "client", LABELS, marker=marker)
    after = desk.prepare(role, "client", (*LABELS, "Gene"), before.reference, marker=marker)
    assert (after.reference, after.notices) == (before.reference, ())
    assert desk.prepare(role, "client", (*LABELS, "Gene"), marker=marker) == after
    assert 'value="Gene"' in label_studio.annotator().project(before.reference)["label_config"]


def without_relations(xml: str) -> str:
    """Return the configuration as an earlier version wrote it."""
    before = re.sub(r"  <Relations>.*</Relations>\n", "", xml, flags=re.DOTALL)
    assert before != xml
    return before


def test_relations_come_into_a_configuration_of_an_earlier_version(
    label_studio: RunningLabelStudio, marker: str
) -> None:
    desk, annotator = label_studio.desk(), label_studio.annotator()
    before = desk.prepare("pool", "client", LABELS, marker=marker)
    settings = annotator.project(before.reference)
    old = LabellingConfiguration.parse(without_relations(settings["label_config"]))
    mark = ProjectMark("pool", marker, old.checksum, old.labels_checksum)
    annotator.configure(before.reference, label_config=mark.write(old.xml))
    # pieces of a mention can be joined even where the project has no relations
    assert desk.prepare("pool", "client", LABELS, before.reference, marker=marker).notices == ()
    assert annotator.project(before.reference)["label_config"] == settings["label_config"]
    after = desk.prepare("pool", "client", LABELS, before.reference, marker=marker, relations=RELATIONS)
    assert after.notices == ()
    there = LabellingConfiguration.parse(annotator.project(before.reference)["label_config"])
    assert (there.labels, there.relations, there.joined) == (LABELS, ("treats", "occurs with"), True)


def test_relations_that_people_renamed_are_told_and_never_overwritten(
    label_studio: RunningLabelStudio, marker: str
) -> None:
    desk, annotator = label_studio.desk(), label_studio.annotator()
    project = desk.prepare("pool", "client", LABELS, marker=marker, relations=RELATIONS)
    theirs = renamed_label(annotator.project(project.reference)["label_config"], "treats", "cures")
    annotator.configure(project.reference, label_config=theirs)
    again = desk.prepare("pool", "client", LABELS, project.reference, marker=marker, relations=RELATIONS)
    (notice,) = again.notices
    assert "the relation label 'treats' is called 'cures'" in notice
    assert desk.pull(again, documents).notices == (notice,)
    assert annotator.project(project.reference)["label_config"] == theirs
    proposed = PreAnnotation("m-1", 0.5, GOLD["1001"].entities, GOLD["1001"].relations)
    with pytest.raises(DeskError, match=r"relation label 'treats'.*put it back there"):
        desk.push(again, [Task("1001", DOCUMENTS["1001"], proposed)])


def test_where_people_removed_the_joints_the_ids_hold_pieces_together(
    label_studio: RunningLabelStudio, marker: str
) -> None:
    desk, annotator = label_studio.desk(), label_studio.annotator()
    project = desk.prepare("pool", "client", LABELS, marker=marker)
    theirs = without_relations(annotator.project(project.reference)["label_config"])
    annotator.configure(project.reference, label_config=theirs)
    assert desk.prepare("pool", "client", LABELS, project.reference, marker=marker).notices == ()
    ids = desk.push(project, [Task("1005", DOCUMENTS["1005"], PreAnnotation("m-1", 0.5, GOLD["1005"].entities))])
    shown, _ = annotator.prefilled(ids["1005"])
    assert [region["type"] for region in shown] == ["labels"] * 3
    annotator.submit(ids["1005"])
    (state,) = desk.pull(project, documents).tasks
    assert content(state.annotations[0].annotation) == content(GOLD["1005"])


def test_a_label_that_the_settings_dropped_stays_and_is_told(label_studio: RunningLabelStudio, marker: str) -> None:
    desk = label_studio.desk()
    before = desk.prepare("pool", "client", LABELS, marker=marker)
    after = desk.prepare("pool", "client", LABELS[:1], before.reference, marker=marker)
    assert "'Disease' is in Label Studio" in after.notices[0]
    assert 'value="Disease"' in label_studio.annotator().project(before.reference)["label_config"]


def test_what_people_changed_is_told_and_never_overwritten(label_studio: RunningLabelStudio, marker: str) -> None:
    desk, annotator = label_studio.desk(), label_studio.annotator()
    project = desk.prepare("pool", "client", LABELS, marker=marker)
    xml = annotator.project(project.reference)["label_config"]
    theirs = renamed_label(xml, "Disease", "Disorder").replace('size="5"', 'size="3"')
    annotator.configure(project.reference, label_config=theirs)
    for labels in (LABELS, (*LABELS, "Gene")):
        told = desk.prepare("pool", "client", labels, project.reference, marker=marker).notices
        assert any("Disorder" in sentence for sentence in told)
        assert annotator.project(project.reference)["label_config"] == theirs


def test_people_may_change_colours_and_hints_without_being_told(label_studio: RunningLabelStudio, marker: str) -> None:
    desk, annotator = label_studio.desk(), label_studio.annotator()
    project = desk.prepare("pool", "client", LABELS, marker=marker)
    xml = annotator.project(project.reference)["label_config"].replace("#E69F00", "#000000")
    annotator.configure(project.reference, label_config=xml, description="Our own words.", title="Our own title")
    assert desk.prepare("pool", "client", LABELS, project.reference, marker=marker).notices == ()
    assert annotator.project(project.reference)["label_config"] == xml
    assert desk.pull(project, documents).notices == ()


def test_labels_with_anything_in_them_can_be_annotated_with(label_studio: RunningLabelStudio, marker: str) -> None:
    labels = ('A "quoted" <label> & more', "Größe, groß", "基因")
    desk = label_studio.desk()
    project = desk.prepare("pool", "x" * 70, labels, marker=marker)
    assert desk.prepare("pool", "x" * 70, labels, marker=marker) == project


@pytest.mark.slow
def test_importing_the_desk_does_not_import_the_sdk() -> None:
    import subprocess
    import sys

    program = (
        "import sys; import biorat_al.desk.labelstudio.client as c; c.LabelStudioDesk('http://127.0.0.1:9', 'token');"
        "print([m for m in ('label_studio_sdk', 'pandas', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
