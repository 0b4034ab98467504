"""Answers that Label Studio does not give: each is understood or refused, and nothing else happens."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from biorat_al.corpus.model.document import Entity, Span
from biorat_al.desk.base import DeskProject, PreAnnotation
from biorat_al.desk.labelstudio import pushing
from biorat_al.desk.labelstudio.client import LabelStudioDesk
from biorat_al.desk.labelstudio.connection import Connection
from biorat_al.errors import BioratError, DeskError
from tests.desk.contract import LABELS, documents, task
from tests.support.fake_label_studio import STAMP, FakeLabelStudio, answer, fake_label_studio

PROJECT = DeskProject("pool", "1", "", LABELS)
TOKEN = "0123456789abcdef0123456789abcdef01234567"
LATER = "2026-01-31T12:30:00.000001Z"
EARLIER = "2026-01-31T11:30:00.000001Z"

WRONG: tuple[Any, ...] = (
    None, [], {}, "", "x", 0, -1, 7, True, 1.5, 10**30, float("nan"), [None], [[]], [{}], {"a": None}, "a\0b", "\ud800",
    "2026-13-01", "0001-01-01T00:00:00+14:00",
)  # fmt: skip


@pytest.fixture
def fake() -> Iterator[FakeLabelStudio]:
    """Provide one with three tasks, of which one is answered twice, one by an action, and one begun."""
    with fake_label_studio() as fake:
        fake.add("1001", answer(1, "1001"), answer(2, "1001", completed_by={"id": 2, "email": "b@example.org"}))
        fake.add("1002", answer(3, "1002", lead_time=None, parent_prediction=112, updated_by=None))
        fake.add("1003", drafts=True)
        yield fake


@pytest.fixture
def desk(fake: FakeLabelStudio, monkeypatch: pytest.MonkeyPatch) -> LabelStudioDesk:
    monkeypatch.setattr(pushing, "PATIENCE", 0.0)
    return LabelStudioDesk(fake.url, TOKEN)


def places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield every place in a JSON value, itself first."""
    yield place
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in items:
        yield from places(part, (*place, name))


def exchanged(value: Any, place: tuple[Any, ...], new: Any) -> Any:
    if not place:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[place[0]] = exchanged(value[place[0]], place[1:], new)
    return copy


def work(desk: LabelStudioDesk) -> dict[str, Callable[[], object]]:
    """Return everything that a round asks of the desk."""
    proposed = PreAnnotation("m-2", 0.5, (Entity("e", "Chemical", (Span(0, 2),)),))
    return {
        "pull": lambda: desk.pull(PROJECT, documents, None),
        "find": lambda: desk.find(PROJECT, ["1001", "1005"]),
        "push": lambda: desk.push(PROJECT, [task("1004"), task("1005")]),
        "prepare": lambda: desk.prepare("pool", "fake", LABELS, "1", marker="m"),
        "prepare anew": lambda: desk.prepare("pool", "fake", LABELS, None, marker="m"),
        "add": lambda: desk.add_pre_annotations(PROJECT, {"11": proposed}),
        "publish": lambda: desk.publish(PROJECT, "m-1"),
        "check": desk.check,
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pull", "find", "push", "prepare", "prepare anew", "add", "publish"])
def test_an_answer_of_another_shape_is_understood_or_refused(
    fake: FakeLabelStudio, desk: LabelStudioDesk, name: str
) -> None:
    right: dict[tuple[str, str], Any] = {}

    def remember(method: str, path: str, given: Any) -> Any:
        right.setdefault((method, path), given)
        return given

    fake.change = remember
    work(desk)[name]()
    cases = [(asked, place, new) for asked, given in sorted(right.items()) for place in places(given) for new in WRONG]
    refused: list[str] = []
    for asked, place, new in random.Random(15).sample(cases, min(len(cases), 300)):

        def change(method: str, path: str, given: Any) -> Any:
            if (method, path) != asked:  # noqa: B023
                return given
            try:
                return exchanged(given, place, new if type(new) is not int or place else [new])  # noqa: B023
            except (KeyError, IndexError, TypeError):
                return given

        fake.change = change
        try:
            work(desk)[name]()
        except BioratError as error:
            refused.append(str(error))
        except Exception as error:
            pytest.fail(f"{asked} with {new!r} at {place}: {error!r}")
    assert refused
    assert not any(TOKEN in said or "\n" in said for said in refused)


def test_the_field_that_is_wrong_is_named(fake: FakeLabelStudio, desk: LabelStudioDesk) -> None:
    fake.tasks[11]["annotations"][0]["updated_at"] = 7
    with pytest.raises(DeskError, match=r"a task's annotations in another form.*updated_at is a number"):
        desk.pull(PROJECT, documents)
    del fake.tasks[11]["data"]
    with pytest.raises(DeskError, match=r"a task in another form.*data is missing"):
        desk.pull(PROJECT, documents)


def test_nul_and_half_a_surrogate_pair_are_replaced_and_told(fake: FakeLabelStudio, desk: LabelStudioDesk) -> None:
    given = fake.tasks[11]["annotations"][0]
    given["result"][0]["id"] = "r\0"
    given["result"][0]["value"]["labels"] = ["Chem\0ical\ud83d"]
    found = desk.pull(PROJECT, documents)
    said = json.dumps([dict(one.raw) for state in found.tasks for one in state.annotations])
    assert "\\u0000" not in said
    assert "\\ud83d" not in said
    assert any("characters that no database can keep" in notice for notice in found.notices)
    (entity,) = next(one for state in found.tasks for one in state.annotations if one.id == "1").annotation.entities
    assert (entity.id, entity.label) == ("r\ufffd", "Chem\ufffdical\ufffd")


def test_an_answer_that_is_nested_too_deep_is_refused(fake: FakeLabelStudio, desk: LabelStudioDesk) -> None:
    deep: Any = []
    for _ in range(400):
        deep = [deep]
    fake.change = lambda method, path, given: exchanged(given, ("tasks", 0, "data"), {"a": deep})
    fake.tasks[11]["annotations"][0]["result"] = deep
    with pytest.raises(BioratError):
        desk.pull(PROJECT, documents)


def pulled(desk: LabelStudioDesk, cursor: str | None = None) -> tuple[dict[str, int], str, tuple[str, ...]]:
    """Return answers by task, the cursor, and what was told."""
    found = desk.pull(PROJECT, documents, cursor)
    return {state.task_id: len(state.annotations) for state in found.tasks}, found.cursor, found.notices


def test_only_what_has_changed_is_fetched(fake: FakeLabelStudio, desk: LabelStudioDesk) -> None:
    first, cursor, _ = pulled(desk)
    assert first == {"11": 2, "12": 1, "13": 0}
    assert pulled(desk, cursor)[0] == {}
    fake.tasks[13]["annotations"].append(answer(9, "1003"))
    assert pulled(desk, cursor)[0] == {"13": 1}


@pytest.mark.parametrize("stamp", [EARLIER, LATER])
def test_a_change_is_seen_whatever_the_server_s_clock_says(
    fake: FakeLabelStudio, desk: LabelStudioDesk, stamp: str
) -> None:
    *_, cursor = pulled(desk)[:2]
    fake.tasks[13].update(updated_at=stamp, annotations=[answer(9, "1003", created_at=stamp, updated_at=stamp)])
    changed, cursor, notices = pulled(desk, cursor)
    assert changed == {"13": 1}
    assert any("its clock was set back" in notice for notice in notices) == (stamp == EARLIER)
    assert pulled(desk, cursor)[0] == {}


def test_a_copy_is_known_and_the_empty_one_of_the_two_is_to_be_deleted(
    fake: FakeLabelStudio, desk: LabelStudioDesk
) -> None:
    _, cursor, _ = pulled(desk)
    copy = fake.add("1003", answer(9, "1003"), stamp=LATER)
    other = fake.add("1001", stamp=LATER)
    found = desk.pull(PROJECT, documents, cursor)
    assert found.keys is not None
    assert (found.keys[str(copy)], found.keys[str(other)]) == ("1003", "1001")
    assert {state.task_id: len(state.annotations) for state in found.tasks} == {str(copy): 1, str(other): 0}
    (notice,) = found.notices
    assert "2 documents have more than one task in Label Studio (1001, 1003)" in notice
    # somebody has begun the other task of 1003
    assert notice.endswith(f"in its data manager: {other}")
    assert found.open_tasks == {"12"}


def test_a_list_that_is_empty_by_mistake_deletes_nothing(fake: FakeLabelStudio, desk: LabelStudioDesk) -> None:
    _, cursor, _ = pulled(desk)
    fake.change = lambda method, path, given: {"tasks": [], "total": 0} if path == "/api/tasks/" else given
    with pytest.raises(DeskError, match=r"lists 0 tasks of the project 1 and counts 3, and still has the task 11"):
        pulled(desk, cursor)


def test_an_empty_list_before_the_first_pull_deletes_nothing(fake: FakeLabelStudio, desk: LabelStudioDesk) -> None:
    fake.change = lambda method, path, given: {"tasks": [], "total": 0} if path == "/api/tasks/" else given
    with pytest.raises(DeskError, match="contradicts itself: it lists 0 tasks of the project 1 and counts 3"):
        desk.pull(PROJECT, documents)


def test_answers_that_are_not_given_are_not_taken_for_none(fake: FakeLabelStudio, desk: LabelStudioDesk) -> None:
    _, cursor, _ = pulled(desk)
    fake.tasks[11].update(updated_at=LATER)
    lists: list[str] = []

    def second_is_empty(method: str, path: str, given: Any) -> Any:
        lists.extend([path] if path == "/api/tasks/" else [])
        return {"tasks": [], "total": 0} if path == "/api/tasks/" and len(lists) == 2 else given

    fake.change = second_is_empty
    with pytest.raises(DeskError, match=r"did not give 1 of the 1 tasks of the project 1 .* still has the task 11"):
        desk.pull(PROJECT, documents, cursor)


@pytest.mark.parametrize("given", [{}, [1, 2], "ok", {"id": 1, "model_version": "m-0"}])
def test_pre_annotations_count_as_shown_only_if_the_server_says_so(
    fake: FakeLabelStudio, desk: LabelStudioDesk, given: Any
) -> None:
    fake.change = lambda method, path, right: given if method == "PATCH" else right
    with pytest.raises(DeskError, match="did not confirm that it shows the pre-annotations of m-1"):
        desk.publish(PROJECT, "m-1")


def test_tasks_that_are_gone_are_gone(fake: FakeLabelStudio, desk: LabelStudioDesk) -> None:
    _, cursor, _ = pulled(desk)
    fake.tasks.clear()
    found = desk.pull(PROJECT, documents, cursor)
    assert found.existing == frozenset()


def test_a_page_that_is_shorter_than_its_count_is_refused(fake: FakeLabelStudio, desk: LabelStudioDesk) -> None:
    fake.change = lambda method, path, given: {"tasks": [], "total": 3} if path == "/api/tasks/" else given
    with pytest.raises(DeskError, match="0 of 3 tasks"):
        pulled(desk)


def test_answers_that_are_held_back_are_asked_for_again(fake: FakeLabelStudio, desk: LabelStudioDesk) -> None:
    def held_back(method: str, path: str, given: Any) -> Any:
        if path == "/api/tasks/":
            for one in given["tasks"]:
                one["annotations"] = []
        return given

    fake.change = held_back
    found = desk.pull(PROJECT, documents)
    assert {state.task_id: state.complete for state in found.tasks} == {"11": False, "12": False, "13": True}
    assert any("counts more answers than it gives of 2 of its tasks (11, 12)" in notice for notice in found.notices)
    fake.change = lambda method, path, given: given
    assert pulled(desk, found.cursor)[0] == {"11": 2, "12": 1}


def test_an_earlier_state_marks_nothing_as_deleted(fake: FakeLabelStudio, desk: LabelStudioDesk) -> None:
    fake.tasks[11]["updated_at"] = LATER
    _, cursor, _ = pulled(desk)
    fake.tasks[11].update(updated_at=STAMP, annotations=[])
    found = desk.pull(PROJECT, documents, cursor)
    assert [(state.task_id, state.complete, state.earlier) for state in found.tasks] == [("11", True, True)]


@pytest.mark.parametrize("what", ["status", "listing"])
def test_old_pre_annotations_that_cannot_be_deleted_are_no_failure(
    fake: FakeLabelStudio, desk: LabelStudioDesk, what: str
) -> None:
    def fail(method: str, path: str, given: Any) -> Any:
        return 500 if method == "DELETE" or (what == "listing" and path == "/api/tasks/") else given

    old = {"id": 5, "model_version": "m-0", "score": 0.5, "result": [], "created_at": STAMP}
    fake.tasks[13].update(draft_exists=False, predictions=[old, *fake.tasks[13]["predictions"]])
    fake.change = fail
    desk = LabelStudioDesk(fake.url, TOKEN, retention=-desk._retention)
    desk.publish(PROJECT, "m-1")
    assert (("DELETE", "/api/predictions/5/") in fake.asked) == (what == "status")


def test_a_pre_annotation_that_was_sent_twice_goes_when_nobody_can_be_at_work_on_it(fake: FakeLabelStudio) -> None:
    first, second = ({"id": number, "model_version": "m-1", "result": [], "created_at": STAMP} for number in (4, 5))
    fake.tasks[13].update(draft_exists=False, predictions=[first, second])
    LabelStudioDesk(fake.url, TOKEN).publish(PROJECT, "m-1")
    assert not any(method == "DELETE" for method, _ in fake.asked)
    # a week by the server's own clock, not by ours
    third = {**second, "id": 6, "model_version": "m-2", "created_at": "2026-02-08T12:00:00Z"}
    fake.tasks[13]["predictions"].append(third)
    LabelStudioDesk(fake.url, TOKEN).publish(PROJECT, "m-1")
    assert [path for method, path in fake.asked if method == "DELETE"] == ["/api/predictions/4/"]


def test_ids_that_do_not_fit_the_tasks_are_not_believed(fake: FakeLabelStudio, desk: LabelStudioDesk) -> None:
    for wrong in ([11, 11], [14], [1, 2, 3]):
        fake.change = lambda method, path, given, ids=wrong: (
            {**given, "task_ids": ids} if path.endswith("/import") else given
        )
        with pytest.raises(DeskError, match=r"made \d of 2 tasks"):
            desk.push(PROJECT, [task("1004"), task("1005")])


def test_a_server_that_stood_still_is_waited_for_from_when_it_answers(
    fake: FakeLabelStudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request is in its queue, and is done only after the first look at what has arrived."""
    desk = LabelStudioDesk(fake.url, TOKEN)
    monkeypatch.setattr(pushing, "PATIENCE", 1.0)
    looks = 0

    def late(method: str, path: str, given: Any) -> Any:
        nonlocal looks
        if path.endswith("/import"):
            for ident in given["task_ids"]:
                fake.tasks[ident]["data"]["biorat_key"] += " not yet"
            return 504
        looks += path == "/api/tasks/"
        if looks == 2:
            for one in fake.tasks.values():
                one["data"]["biorat_key"] = one["data"]["biorat_key"].removesuffix(" not yet")
        return given

    fake.change = late
    assert set(desk.push(PROJECT, [task("1004"), task("1005")])) == {"1004", "1005"}
    assert [method for method, _ in fake.asked].count("POST") == 1


def test_the_server_is_named_without_the_token() -> None:
    assert Connection("http://127.0.0.1:9", TOKEN).server == "Label Studio at http://127.0.0.1:9"
