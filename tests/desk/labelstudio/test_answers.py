"""Whose an annotation in Label Studio is, whether anybody looked at it, and how many more a task wants."""

from __future__ import annotations

from typing import Any

import pytest

from biorat_al.corpus.formats.label_studio.regions import regions_of
from biorat_al.corpus.model.document import Span
from tests.desk.contract import GOLD, TEXTS, documents, pushed
from tests.desk.labelstudio.test_pulling import Room, room
from tests.support.labelstudio import Annotator, drawn

__all__ = ["room"]

TURN = "predictions_to_annotations"


@pytest.fixture
def bob(room: Room) -> Annotator:
    return room.server.new_annotator()


def test_predictions_that_somebody_turned_into_annotations_are_nobodys_answer(room: Room, bob: Annotator) -> None:
    room.ann.submit(room.ids["1001"])
    room.pull()
    bob.act(TURN, room.project.reference)
    found = room.pull()
    # the prediction that an answer was made from stays as it is; one with nothing in it is no answer either
    answers = {state.key: state.annotations for state in found.tasks}
    assert set(answers) == {"1002", "1003"}
    for (made,) in answers.values():
        assert (made.made_from, made.annotator, made.is_an_answer) == ("prediction", bob.email, False)
        assert made.raw["lead_time"] is None
    assert found.open_tasks == {room.ids["1002"], room.ids["1003"]}
    assert found.open_seats == 2
    # it is open for whoever pulls only now, too, and said once
    assert room.desk.pull(room.project, documents).open_tasks == found.open_tasks
    assert room.pull().tasks == ()


def test_undoing_it_gives_the_tasks_back(room: Room, bob: Annotator) -> None:
    bob.act(TURN, room.project.reference)
    room.pull()
    me = str(bob.request("GET", "/api/current-user/whoami")["id"])
    room.ann.act("delete_tasks_annotations", room.project.reference, list(room.ids.values()), annotator=me)
    found = room.pull()
    assert {state.key: state.annotations for state in found.tasks} == dict.fromkeys(room.ids, ())
    assert found.open_tasks == set(room.ids.values())
    listed = bob.request("GET", "/api/tasks/", params={"project": room.project.reference, "fields": "all"})
    assert not any(task["is_labeled"] for task in listed["tasks"])


def test_what_somebody_corrects_afterwards_is_that_persons_answer(room: Room, bob: Annotator) -> None:
    bob.act(TURN, room.project.reference, [room.ids["1001"]])
    (made,) = next(state for state in room.pull().tasks if state.key == "1001").annotations
    # so does the editor send it on "Update": it says of every region that it was drawn by hand
    shown: list[dict[str, Any]] = [{**region, "origin": "manual"} for region in made.raw["result"]]
    room.ann.edit(
        made.id, [*shown, drawn(TEXTS["1001"], 17, 25, "Disease")], parent_prediction=made.raw["parent_prediction"]
    )
    answer = room.answer("1001")
    assert answer.is_an_answer
    assert (answer.annotator, answer.editor, answer.shown_version) == (bob.email, room.ann.email, "m-1")
    assert [entity.origin for entity in answer.annotation.entities] == ["prediction", "manual"]
    moved = {**shown[0], "value": {**shown[0]["value"], "labels": ["Disease"]}}
    room.ann.edit(made.id, [moved])
    assert [entity.origin for entity in room.answer("1001").annotation.entities] == ["prediction-changed"]


def test_a_deleted_prediction_does_not_make_a_person_of_a_model(room: Room, bob: Annotator) -> None:
    bob.act(TURN, room.project.reference)
    room.ann.act("delete_tasks_predictions", room.project.reference)
    answer = room.answer("1001")
    assert answer.raw["parent_prediction"] is None
    assert answer.made_from == "prediction"


def test_a_script_that_posts_a_prediction_as_an_annotation_is_no_person(room: Room, bob: Annotator) -> None:
    shown = room.ann.open(room.ids["1001"])["predictions"][0]
    path = f"/api/tasks/{room.ids['1001']}/annotations/"
    bob.request("POST", path, json={"result": shown["result"], "parent_prediction": shown["id"]})
    assert room.answer("1001").made_from == "prediction"


def test_an_annotation_that_a_script_posts_without_a_time_counts(room: Room, bob: Annotator) -> None:
    ann = room.ann.request("GET", "/api/current-user/whoami")["id"]
    regions = regions_of(GOLD["1001"].entities, TEXTS["1001"], "label", "text")
    path = f"/api/tasks/{room.ids['1001']}/annotations/"
    bob.request("POST", path, json={"result": regions, "completed_by": ann})
    answer = room.answer("1001")
    assert (answer.is_an_answer, answer.annotator, answer.editor) == (True, room.ann.email, None)


def test_an_annotation_copied_to_other_tasks_by_an_action_is_nobodys(room: Room, bob: Annotator) -> None:
    answer_id = room.ann.submit(room.ids["1001"], [drawn(TEXTS["1001"], 0, 7, "Chemical")])
    room.pull()
    # it leaves no trace in the time at which the task was changed
    bob.act("propagate_annotations", room.project.reference, [room.ids["1003"]], source_annotation_id=int(answer_id))
    found = room.pull()
    ((copy,),) = (state.annotations for state in found.tasks)
    assert (copy.made_from, copy.annotator) == ("propagated", bob.email)
    assert found.open_tasks == {room.ids["1002"], room.ids["1003"]}
    assert room.pull().tasks == ()


def test_an_answer_that_somebody_else_changed_names_both(room: Room, bob: Annotator) -> None:
    answer_id = room.ann.submit(room.ids["1001"])
    assert room.answer("1001").editor is None
    bob.edit(answer_id, [drawn(TEXTS["1001"], 17, 25, "Disease")])
    assert (room.answer("1001").annotator, room.answer("1001").editor) == (room.ann.email, bob.email)
    room.ann.edit(answer_id, [])
    assert room.answer("1001").editor is None


def test_a_duplicate_names_whose_answer_it_was_begun_from(room: Room, bob: Annotator) -> None:
    first = int(room.ann.submit(room.ids["1001"]))
    for annotator in (bob, room.ann):
        body = {"result": [], "parent_annotation": first, "lead_time": 2.0}
        annotator.request("POST", f"/api/tasks/{room.ids['1001']}/annotations/", json=body)
    (state,) = [state for state in room.pull().tasks if state.key == "1001"]
    assert [(one.annotator, one.copied_from, one.is_an_answer) for one in state.annotations] == [
        (room.ann.email, None, True),
        (bob.email, room.ann.email, True),
        (room.ann.email, None, True),
    ]


def test_open_is_how_many_seats_are_left(room: Room, bob: Annotator) -> None:
    room.ann.configure(room.project.reference, maximum_annotations=2)
    one, two, three = (room.ids[key] for key in ("1001", "1002", "1003"))
    assert room.pull().seats == {one: 2, two: 2, three: 2}
    room.ann.submit(one, [])
    room.ann.submit(one, [])
    room.ann.submit(two, [])
    bob.submit(two, [])
    bob.act(TURN, room.project.reference, [three])
    room.ann.draft(three, [])
    found = room.pull()
    # two answers of one person take one seat, a draft and what an action made take none
    assert found.seats == {one: 1, three: 2}
    assert (found.open_tasks, found.open_seats) == ({one, three}, 3)
    bob.skip(one)
    assert room.pull().seats == {three: 2}
    # one task alone
    room.ann.request("PATCH", f"/api/tasks/{two}/", json={"overlap": 3})
    assert room.pull().seats == {two: 1, three: 2}
    assert room.desk.pull(room.project, documents).seats == {two: 1, three: 2}


def test_slips_of_the_mouse_are_put_right_and_what_was_drawn_is_kept(room: Room) -> None:
    text = TEXTS["1001"]
    twice, blank = drawn(text, 0, 8, "Chemical"), drawn(text, 7, 8, "Disease")
    bare = drawn(text, 17, 25, "Disease")
    del bare["value"]["labels"]
    room.ann.submit(room.ids["1001"], [drawn(text, 0, 7, "Chemical"), twice, blank, bare])
    answer = room.answer("1001")
    assert [(entity.label, entity.spans) for entity in answer.annotation.entities] == [("Chemical", (Span(0, 7),))]
    assert answer.slips == (1, 1)
    assert ["nothing but blanks" in problem for problem in answer.problems] == [False, True]
    assert "has no label" in answer.problems[0]
    assert len(answer.raw["result"]) == 4


def test_a_note_beside_a_region_is_kept(room: Room) -> None:
    noted = {**drawn(TEXTS["1001"], 0, 7, "Chemical"), "meta": {"text": ["is it a drug here?"]}}
    room.ann.submit(room.ids["1001"], [noted])
    assert room.answer("1001").annotation.entities[0].extras == {"note": "is it a drug here?"}


def test_a_task_that_was_made_twice_wants_one_answer(room: Room) -> None:
    again = pushed(room.desk, room.project, ["1001"])["1001"]
    pulled = room.pull()
    assert again in pulled.existing
    assert pulled.seats == dict.fromkeys(room.ids.values(), 1)
