"""What people do in Label Studio, and what comes back of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from biorat_al.corpus.formats.label_studio.regions import regions_of
from biorat_al.corpus.model.document import Document, Relation, Span
from biorat_al.desk.base import DeskAnnotation, DeskProject, Pull
from biorat_al.desk.labelstudio.client import LabelStudioDesk
from biorat_al.desk.labelstudio.cursor import Cursor, Seen, checksum
from biorat_al.errors import DeskError
from tests.desk.contract import GOLD, LABELS, RELATIONS, TEXTS, content, documents, pushed
from tests.support.labelstudio import Annotator, RunningLabelStudio, drawn, renamed_label


class Room:
    """A project with three tasks on a server, and who works there."""

    def __init__(self, server: RunningLabelStudio, marker: str) -> None:
        self.server = server
        self.desk: LabelStudioDesk = server.desk()
        self.project: DeskProject = self.desk.prepare("pool", "pulling", LABELS, marker=marker)
        self.ids = pushed(self.desk, self.project, ["1001", "1002", "1003"])
        self.ann: Annotator = server.annotator()
        self.cursor: str | None = None

    def pull(self) -> Pull:
        """Return what is new since the last time."""
        found = self.desk.pull(self.project, documents, self.cursor)
        self.cursor = found.cursor
        return found

    def answer(self, key: str) -> DeskAnnotation:
        """Return the only answer to a task, as a pull from the beginning gives it."""
        (state,) = [state for state in self.desk.pull(self.project, documents).tasks if state.key == key]
        (answer,) = state.annotations
        return answer


@pytest.fixture
def room(label_studio: RunningLabelStudio, marker: str) -> Room:
    return Room(label_studio, marker)


def test_tasks_that_nobody_touched_are_open(room: Room) -> None:
    found = room.pull()
    assert found.existing == found.open_tasks == set(room.ids.values())
    assert [state.annotations for state in found.tasks] == [(), (), ()]
    assert found.notices == ()
    assert found.begun == frozenset()


def test_who_when_and_how_long(room: Room) -> None:
    before = datetime.now(UTC) - timedelta(seconds=5)
    answer_id = room.ann.submit(room.ids["1001"], lead_time=12.5)
    answer = room.answer("1001")
    assert answer.id == answer_id
    assert answer.annotator == room.ann.email
    assert answer.lead_time == 12.5
    assert before < answer.created_at <= answer.updated_at < before + timedelta(minutes=5)
    assert answer.created_at.utcoffset() == timedelta(0)
    assert answer.shown_version == "m-1"
    assert not answer.ground_truth
    assert answer.raw["result"][0]["origin"] == "prediction"


def test_a_skip_is_no_answer_although_it_carries_one(room: Room) -> None:
    room.ann.skip(room.ids["1001"])
    answer = room.answer("1001")
    assert answer.skipped
    assert answer.raw["result"] != []
    assert room.pull().open_tasks == {room.ids["1002"], room.ids["1003"]}


def test_an_empty_answer_is_one(room: Room) -> None:
    room.ann.submit(room.ids["1001"], [])
    answer = room.answer("1001")
    assert not answer.skipped
    assert answer.usable
    assert answer.annotation.entities == ()
    assert answer.problems == ()


def test_a_draft_is_none(room: Room) -> None:
    room.pull()
    room.ann.draft(room.ids["1001"], [drawn(TEXTS["1001"], 0, 7, "Disease")])
    room.server.new_annotator().draft(room.ids["1002"], [])
    found = room.desk.pull(room.project, documents)
    assert found.begun == {room.ids["1001"], room.ids["1002"]}
    assert found.open_tasks == set(room.ids.values())
    assert {state.key: state.drafts for state in found.tasks} == {"1001": 1, "1002": 1, "1003": 0}
    assert all(state.annotations == () for state in found.tasks)


def test_an_edit_after_the_fact_comes_again_under_the_same_id(room: Room) -> None:
    answer_id = room.ann.submit(room.ids["1001"])
    room.pull()
    room.ann.edit(answer_id, [drawn(TEXTS["1001"], 17, 25, "Disease")])
    (state,) = room.pull().tasks
    (answer,) = state.annotations
    assert answer.id == answer_id
    assert answer.updated_at > answer.created_at
    assert [entity.surface(TEXTS["1001"]) for entity in answer.annotation.entities] == ["headache"]
    assert room.pull().tasks == ()


def test_a_deleted_answer_leaves_its_task_without_one(room: Room) -> None:
    answer_id = room.ann.submit(room.ids["1001"])
    room.pull()
    room.ann.delete_answer(answer_id)
    found = room.pull()
    assert [(state.key, state.annotations) for state in found.tasks] == [("1001", ())]
    assert room.ids["1001"] in found.open_tasks


def test_a_deleted_task_exists_no_more(room: Room) -> None:
    room.ann.submit(room.ids["1001"])
    room.pull()
    room.ann.delete_task(room.ids["1001"])
    found = room.pull()
    assert found.existing == {room.ids["1002"], room.ids["1003"]}
    assert found.tasks == ()
    assert room.desk.find(room.project, ["1001", "1002"]) == {"1002": room.ids["1002"]}


def test_several_annotators_stay_apart(room: Room) -> None:
    other = room.server.new_annotator()
    room.ann.submit(room.ids["1001"])
    other.submit(room.ids["1001"], [])
    other.skip(room.ids["1002"])
    states = {state.key: state for state in room.pull().tasks}
    assert {answer.annotator for answer in states["1001"].annotations} == {room.ann.email, other.email}
    assert {answer.annotator: len(answer.annotation.entities) for answer in states["1001"].annotations} == {
        room.ann.email: 1,
        other.email: 0,
    }
    assert [(answer.annotator, answer.skipped) for answer in states["1002"].annotations] == [(other.email, True)]


def test_origins_say_what_the_annotator_did(room: Room) -> None:
    shown, _ = room.ann.prefilled(room.ids["1001"])
    changed = {**shown[0], "origin": "prediction-changed", "value": {**shown[0]["value"], "labels": ["Disease"]}}
    room.ann.submit(room.ids["1001"], [changed, drawn(TEXTS["1001"], 17, 25, "Disease")])
    one, two = room.answer("1001").annotation.entities
    assert (one.id, one.label, one.origin, one.score) == (shown[0]["id"], "Disease", "prediction-changed", 0.75)
    assert (two.label, two.origin, two.score) == ("Disease", "manual", None)


def test_an_answer_that_was_begun_from_nothing_shows_no_version(room: Room, marker: str) -> None:
    project = room.desk.prepare("test", "pulling", LABELS, marker=marker)
    ids = pushed(room.desk, project, ["1004"], None)
    room.ann.submit(ids["1004"], [])
    (state,) = room.desk.pull(project, documents).tasks
    assert state.annotations[0].shown_version is None


@pytest.mark.parametrize("key", sorted(TEXTS))
def test_any_text_goes_there_and_back(room: Room, key: str) -> None:
    task_id = room.ids.get(key) or pushed(room.desk, room.project, [key])[key]
    regions = regions_of(GOLD[key].entities, TEXTS[key], "label", "text")
    room.ann.submit(task_id, [{**region, "origin": "manual"} for region in regions])
    answer = room.answer(key)
    assert answer.usable
    assert answer.problems == ()
    assert content(answer.annotation) == content(GOLD[key])


def test_a_region_across_line_ends_has_the_text_of_the_document(room: Room) -> None:
    text = TEXTS["1003"]
    room.ann.submit(room.ids["1003"], [drawn(text, 3, 19, "Chemical")])
    answer = room.answer("1003")
    assert answer.raw["result"][0]["value"]["text"] != text[3:19]
    assert answer.annotation.entities[0].surface(text) == text[3:19]
    assert answer.problems == ()


def test_relations_that_annotators_draw_are_kept(room: Room) -> None:
    one, two = drawn(TEXTS["1001"], 0, 7, "Chemical"), drawn(TEXTS["1001"], 17, 25, "Disease")
    relation = {"type": "relation", "from_id": two["id"], "to_id": one["id"], "direction": "left", "labels": ["treats"]}
    room.ann.submit(room.ids["1001"], [one, two, relation])
    answer = room.answer("1001")
    assert answer.annotation.relations == (Relation("r1", "treats", one["id"], two["id"]),)
    assert relation in answer.raw["result"]


def test_the_projects_relation_types_tell_what_annotators_meant(room: Room) -> None:
    room.project = room.desk.prepare("pool", "pulling", LABELS, room.project.reference, relations=RELATIONS)
    one, two = drawn(TEXTS["1001"], 0, 7, "Chemical"), drawn(TEXTS["1001"], 17, 25, "Disease")
    # without a label, and from the wrong end
    room.ann.submit(
        room.ids["1001"], [one, two, {"type": "relation", "from_id": two["id"], "to_id": one["id"], "direction": "bi"}]
    )
    answer = room.answer("1001")
    assert answer.annotation.relations == (Relation("r1", "treats", one["id"], two["id"]),)
    assert answer.problems == ()


def test_what_cannot_be_understood_is_told_and_kept(room: Room) -> None:
    good, bad = drawn(TEXTS["1001"], 0, 7, "Chemical"), drawn(TEXTS["1001"], 0, 7, "Chemical")
    bad["value"]["end"] = 4711
    strange = {"id": "c", "type": "choices", "from_name": "q", "to_name": "text", "value": {"choices": ["yes"]}}
    room.ann.submit(room.ids["1001"], [bad, good, strange])
    answer = room.answer("1001")
    assert answer.usable
    assert [entity.spans for entity in answer.annotation.entities] == [(Span(0, 7),)]
    assert len(answer.problems) == 2
    assert "4711" in answer.problems[0]
    assert len(answer.raw["result"]) == 3


def test_a_text_that_was_changed_there_makes_the_answer_unusable(room: Room) -> None:
    room.ann.submit(room.ids["1001"])
    data = {**room.ann.open(room.ids["1001"])["data"], "text": TEXTS["1001"].replace("Aspirin", "Aspirine")}
    room.ann.request("PATCH", f"/api/tasks/{room.ids['1001']}/", json={"data": data})
    answer = room.answer("1001")
    assert not answer.usable
    assert answer.annotation.entities == ()
    assert "not the text of document 1001" in answer.problems[0]
    assert "at 7" in answer.problems[0]
    assert answer.raw["result"] != []


def test_a_document_that_nobody_knows_makes_the_answer_unusable(room: Room) -> None:
    room.ann.submit(room.ids["1001"])
    found = room.desk.pull(room.project, lambda ids: {})
    (answer,) = next(state for state in found.tasks if state.key == "1001").annotations
    assert not answer.usable
    assert "'1001' is not in the project" in answer.problems[0]


def test_a_task_that_was_made_by_hand_is_told(room: Room) -> None:
    made = room.ann.make_task(room.project.reference, {"text": "Somebody's own.", "document_id": "own"})
    room.ann.submit(made, [])
    found = room.pull()
    (state,) = [state for state in found.tasks if state.key is None]
    assert state.task_id == made
    assert any("made by hand" in notice for notice in found.notices)


def test_a_label_that_was_renamed_is_told_and_what_was_annotated_kept(room: Room) -> None:
    room.pull()
    xml = room.ann.project(room.project.reference)["label_config"]
    room.ann.configure(room.project.reference, label_config=renamed_label(xml, "Disease", "Disorder"))
    room.ann.submit(room.ids["1001"], [drawn(TEXTS["1001"], 17, 25, "Disorder")])
    found = room.pull()
    assert "'Disease' is called 'Disorder'" in found.notices[0]
    (answer,) = found.tasks[0].annotations
    assert answer.annotation.entities[0].label == "Disorder"
    assert "'Disorder'" in answer.problems[0]
    # told as long as it is so
    assert room.pull().notices == found.notices


def test_a_caller_that_knows_no_labels_hears_of_a_change_once(room: Room) -> None:
    bare = DeskProject("pool", room.project.reference, room.project.url)
    first = room.desk.pull(bare, documents)
    assert first.notices == ()
    xml = room.ann.project(room.project.reference)["label_config"]
    room.ann.configure(room.project.reference, label_config=renamed_label(xml, "Disease", "Disorder"))
    second = room.desk.pull(bare, documents, first.cursor)
    assert "'Disorder'" in second.notices[0]
    assert room.desk.pull(bare, documents, second.cursor).notices == ()
    # one that never pulled before learns it from the project's own mark
    assert "'Disorder'" in room.desk.pull(bare, documents).notices[0]


def test_a_configuration_without_labels_does_not_lose_answers(room: Room) -> None:
    room.ann.submit(room.ids["1001"])
    xml = '<View><Text name="text" value="$text"/><Labels name="label" toName="text"><Label value="Chemical"/></Labels>'
    room.ann.configure(room.project.reference, label_config=xml.replace("$text", "$document_id") + "</View>")
    found = room.pull()
    assert "labelling configuration" in found.notices[0]
    answer = next(state for state in found.tasks if state.key == "1001").annotations[0]
    assert len(answer.annotation.entities) == 1


def test_the_shown_version_outlives_the_pre_annotation(room: Room) -> None:
    room.ann.submit(room.ids["1001"])
    room.ann.submit(room.ids["1002"], [])
    # as somebody does with "Delete predictions" in the list of tasks
    room.ann.request(
        "POST",
        f"/api/dm/actions/?id=delete_tasks_predictions&project={room.project.reference}",
        json={"selectedItems": {"all": True, "excluded": []}},
    )
    answer = room.answer("1001")
    assert answer.raw["parent_prediction"] is None
    assert answer.shown_version == "m-1"


def test_a_project_that_is_gone_is_an_error(room: Room) -> None:
    room.ann.request("DELETE", f"/api/projects/{room.project.reference}/")
    for attempt in (
        lambda: room.pull(),
        lambda: room.desk.find(room.project, ["1001"]),
        lambda: pushed(room.desk, room.project, ["1004"]),
        lambda: room.desk.publish(room.project, "m-1"),
        lambda: room.desk.prepare("pool", "pulling", LABELS, room.project.reference),
    ):
        with pytest.raises(DeskError, match=f"project {room.project.reference} is no longer"):
            attempt()


def test_more_tasks_than_fit_on_a_page(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("biorat_al.desk.labelstudio.connection.PAGE", 2)
    room.ann.submit(room.ids["1003"])
    found = room.pull()
    assert found.existing == set(room.ids.values())
    assert [state.key for state in found.tasks] == ["1001", "1002", "1003"]
    assert len(found.open_tasks) == 2


def test_a_server_that_was_restarted_goes_on_where_it_was(
    restarted_label_studio: RunningLabelStudio, marker: str
) -> None:
    room = Room(restarted_label_studio, marker)
    room.ann.submit(room.ids["1001"])
    one = room.pull()
    restarted_label_studio.server.stop()
    restarted_label_studio.server.start()
    again = room.pull()
    assert again.tasks == ()
    assert again.existing == one.existing
    room.ann.submit(room.ids["1002"])
    assert [state.key for state in room.pull().tasks] == ["1002"]


def test_a_cursor_is_read_back_and_anything_else_means_the_beginning() -> None:
    cursor = Cursor({"7": Seen("2026-01-31T12:00:00.000005Z", 0, ""), "8": Seen("", 2, "ab")}, ("A",))
    assert Cursor.parse(cursor.text()) == cursor
    wrong = '{"tasks": {"7": 3}, "labels": null}'
    for text in (None, "", "x", "[]", "7", "[" * 5000, wrong, '{"tasks": 3, "labels": null}', '{"newest": null}'):
        assert Cursor.parse(text) == Cursor()


def test_a_cursor_of_an_earlier_version_keeps_its_labels_and_means_the_beginning() -> None:
    assert Cursor.parse('{"newest":"2026-01-31T12:00:00.000005Z","seen":{"7":"ab"},"labels":["A"]}') == Cursor(
        {}, ("A",)
    )


def test_the_checksum_follows_the_answers_alone() -> None:
    task = {"id": 1, "annotations": [{"id": 2, "result": []}], "updated_at": "a"}
    assert checksum(task) == checksum({**task, "updated_at": "b"})
    assert checksum(task) != checksum({**task, "annotations": [{"id": 2, "result": [1]}]})
    assert checksum({"annotations": []}) == ""


def test_the_known_text_is_compared_character_by_character(room: Room) -> None:
    room.ann.submit(room.ids["1002"], [])
    shorter = {"1002": Document("1002", TEXTS["1002"][:-1])}
    found = room.desk.pull(room.project, lambda ids: {key: shorter[key] for key in ids if key in shorter})
    (answer,) = next(state for state in found.tasks if state.key == "1002").annotations
    assert "16 characters instead of 15" in answer.problems[0]
