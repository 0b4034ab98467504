"""Pushing where something goes wrong: answers that get lost, servers that go away, people who change things."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biorat_al.corpus.model.document import Document, Entity, Passage, Span
from biorat_al.corpus.segments import PartOfDocument, segment_document
from biorat_al.desk.base import DeskProject, PreAnnotation, Task
from biorat_al.desk.labelstudio import pushing
from biorat_al.desk.labelstudio.client import LabelStudioDesk
from biorat_al.desk.labelstudio.configuration import LabellingConfiguration, labelling_configuration
from biorat_al.desk.labelstudio.connection import TooLargeError
from biorat_al.errors import DeskError, DeskUnreachableError
from tests.desk.contract import AFTER, BEFORE, DOCUMENTS, LABELS, TEXTS, TITLE, documents, part_of, pushed, task
from tests.support.labelstudio import RunningLabelStudio, renamed_label
from tests.support.proxy import proxy


def _is_import(method: str, path: str) -> bool:
    return method == "POST" and "/import" in path


@pytest.fixture
def project(label_studio: RunningLabelStudio, marker: str) -> DeskProject:
    """Return a project of this test's own, for the pool."""
    return label_studio.desk().prepare("pool", "pushing", LABELS, marker=marker)


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pushing, "PATIENCE", 1.0)


def test_a_task_holds_the_text_the_id_the_key_and_the_title(
    label_studio: RunningLabelStudio, project: DeskProject
) -> None:
    document = Document("77", "A title. And a text.", metadata={"title": "From metadata"})
    ids = label_studio.desk().push(project, [task("1003"), Task("key-77", document)])
    annotator = label_studio.annotator()
    assert annotator.open(ids["1003"])["data"] == {
        "text": TEXTS["1003"],
        "document_id": "1003",
        "biorat_key": "1003",
        "document_title": "Title",
        "title": "",
    }
    assert annotator.open(ids["key-77"])["data"] == {
        "text": document.text,
        "document_id": "77",
        "biorat_key": "key-77",
        "document_title": "From metadata",
        "title": "From metadata",
    }


def test_a_pre_annotation_has_its_version_and_its_confidence(
    label_studio: RunningLabelStudio, project: DeskProject
) -> None:
    entity = Entity("e1", "Chemical", (Span(0, 7),), score=0.8)
    desk = label_studio.desk()
    ids = desk.push(project, [Task("1001", DOCUMENTS["1001"], PreAnnotation("m-1", 0.25, (entity,)))])
    (prediction,) = label_studio.annotator().open(ids["1001"])["predictions"]
    assert (prediction["model_version"], prediction["score"]) == ("m-1", 0.25)
    assert prediction["result"] == [
        {
            "id": "e1",
            "from_name": "label",
            "to_name": "text",
            "type": "labels",
            "score": 0.8,
            "value": {"start": 0, "end": 7, "text": "Aspirin", "labels": ["Chemical"]},
        }
    ]


def test_a_pre_annotation_without_entities_is_one(label_studio: RunningLabelStudio, project: DeskProject) -> None:
    ids = label_studio.desk().push(project, [Task("1002", DOCUMENTS["1002"], PreAnnotation("m-1", 0.9, ()))])
    (prediction,) = label_studio.annotator().open(ids["1002"])["predictions"]
    assert prediction["result"] == []


def test_one_call_makes_one_request_that_changes_anything(label_studio: RunningLabelStudio, marker: str) -> None:
    with proxy(label_studio.url, lambda method, path: "pass") as seen:
        desk = LabelStudioDesk(seen.url, label_studio.token)
        pushed(desk, desk.prepare("pool", "pushing", LABELS, marker=marker), TEXTS)
    assert sum(_is_import(*request) for request in seen.requests) == 1
    assert sum(method == "POST" for method, _ in seen.requests) == 3  # the project, its tab, the tasks


@pytest.mark.parametrize("what", ["lose", "fail"])
def test_a_lost_answer_is_looked_up_and_not_sent_again(
    label_studio: RunningLabelStudio, project: DeskProject, what: str
) -> None:
    with proxy(label_studio.url, lambda method, path: what if _is_import(method, path) else "pass") as seen:
        ids = pushed(LabelStudioDesk(seen.url, label_studio.token), project, TEXTS)
    assert set(ids) == set(TEXTS)
    assert sum(_is_import(*request) for request in seen.requests) == 1
    desk = label_studio.desk()
    assert desk.find(project, list(TEXTS)) == ids
    assert len(desk.pull(project, documents).existing) == len(TEXTS)


@pytest.mark.usefixtures("_impatient")
def test_a_server_that_fails_before_it_does_anything_is_told(
    label_studio: RunningLabelStudio, project: DeskProject
) -> None:
    with proxy(label_studio.url, lambda method, path: "500" if _is_import(method, path) else "pass") as seen:
        desk = LabelStudioDesk(seen.url, label_studio.token)
        with pytest.raises(DeskError, match=r"HTTP 500.*0 of 1 arrived") as caught:
            pushed(desk, project, ["1001"])
    assert not isinstance(caught.value, DeskUnreachableError)


def test_a_text_that_looks_like_an_address_stays_as_it_is(
    label_studio: RunningLabelStudio, project: DeskProject
) -> None:
    desk = label_studio.desk()
    for number, text in enumerate(
        ["s3://bucket/key", "/data/upload/1/x.txt", "http://127.0.0.1/x", " ", "{{text}} $text"]
    ):
        document = Document(f"a{number}", text)
        desk.push(project, [Task(document.id, document)])
        label_studio.annotator().submit(desk.find(project, [document.id])[document.id], [])
        state = desk.pull(project, lambda ids, known=document: {known.id: known}).tasks[-1]  # type: ignore[misc]
        assert [(answer.usable, answer.problems) for answer in state.annotations] == [(True, ())], text


def test_an_answer_that_is_late_is_waited_for(label_studio: RunningLabelStudio, project: DeskProject) -> None:
    with proxy(label_studio.url, lambda method, path: "late" if _is_import(method, path) else "pass", 2.0) as seen:
        ids = pushed(LabelStudioDesk(seen.url, label_studio.token), project, ["1001", "1002"])
    assert label_studio.desk().find(project, ["1001", "1002"]) == ids


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize("what", ["cut", "503"])
def test_a_request_that_came_to_nothing_is_told_and_can_be_repeated(
    label_studio: RunningLabelStudio, project: DeskProject, what: str
) -> None:
    with proxy(label_studio.url, lambda method, path: what if _is_import(method, path) else "pass") as seen:
        desk = LabelStudioDesk(seen.url, label_studio.token)
        with pytest.raises(DeskUnreachableError, match=r"0 of 2 arrived: run the same command again"):
            pushed(desk, project, ["1001", "1002"])
    assert sum(_is_import(*request) for request in seen.requests) == 1
    desk = label_studio.desk()
    assert desk.find(project, ["1001", "1002"]) == {}
    assert len(pushed(desk, project, ["1001", "1002"])) == 2


def test_an_answer_that_takes_too_long_is_looked_up(label_studio: RunningLabelStudio, project: DeskProject) -> None:
    def slow(method: str, path: str) -> str:
        if _is_import(method, path):
            time.sleep(3)
        return "pass"

    with proxy(label_studio.url, slow) as seen:
        desk = LabelStudioDesk(seen.url, label_studio.token, timeout=1.0)
        ids = pushed(desk, project, ["1001", "1002"])
    assert sum(_is_import(*request) for request in seen.requests) == 1
    assert label_studio.desk().find(project, ["1001", "1002"]) == ids


def test_a_server_that_goes_away_between_chunks(restarted_label_studio: RunningLabelStudio, marker: str) -> None:
    desk = restarted_label_studio.desk()
    project = desk.prepare("pool", "pushing", LABELS, marker=marker)
    first = pushed(desk, project, ["1001", "1002"])
    restarted_label_studio.server.stop()
    with pytest.raises(DeskUnreachableError, match="is it running"):
        pushed(desk, project, ["1003", "1004"])
    with pytest.raises(DeskUnreachableError):
        desk.check()
    with pytest.raises(DeskUnreachableError):
        desk.pull(project, documents)
    # it comes back where it was, with all that it had
    assert restarted_label_studio.server.start().url == desk.address()
    assert desk.find(project, list(TEXTS)) == first
    second = pushed(desk, project, ["1003", "1004"])
    assert desk.pull(project, documents).existing == {*first.values(), *second.values()}


def test_a_label_that_people_renamed_is_refused_before_anything_is_sent(
    label_studio: RunningLabelStudio, project: DeskProject
) -> None:
    annotator = label_studio.annotator()
    xml = annotator.project(project.reference)["label_config"]
    annotator.configure(project.reference, label_config=renamed_label(xml, "Chemical", "Drug"))
    desk = label_studio.desk()
    with pytest.raises(DeskError, match=r"document 1001: annotators cannot choose the label 'Chemical'"):
        pushed(desk, project, ["1001"])
    assert desk.find(project, ["1001"]) == {}
    # without pre-labels the task is as good as ever
    assert set(pushed(desk, project, ["1001"], None)) == {"1001"}


def test_a_configuration_that_people_rearranged_is_pushed_to(
    label_studio: RunningLabelStudio, project: DeskProject
) -> None:
    xml = (
        '<View><Text name="words" value="$text"/><Labels name="tags" toName="words">'
        '<Label value="Chemical"/><Label value="Disease"/></Labels></View>'
    )
    label_studio.annotator().configure(project.reference, label_config=xml)
    desk = label_studio.desk()
    ids = pushed(desk, project, ["1001"])
    label_studio.annotator().submit(ids["1001"])
    (answer,) = desk.pull(project, documents).tasks[0].annotations
    assert answer.problems == ()
    assert [entity.label for entity in answer.annotation.entities] == ["Chemical"]


def test_keys_are_found_among_many_even_where_addresses_must_be_short(
    label_studio: RunningLabelStudio, project: DeskProject
) -> None:
    texts = {f"a rather long key, naïve & 😀 {number:04}": f"text {number}" for number in range(300)}
    desk = label_studio.desk()
    ids = desk.push(project, [Task(key, Document(key, text)) for key, text in texts.items()])
    wanted = [*texts, "never pushed"]
    assert desk.find(project, wanted) == ids

    with proxy(label_studio.url, lambda method, path: "414" if len(path) > 8000 else "pass") as seen:
        assert LabelStudioDesk(seen.url, label_studio.token).find(project, wanted) == ids
    assert len(seen.requests) > 3


class _Narrow:
    """A connection whose server limits how many tasks one request may bring."""

    address, timeout = "http://narrow.example", 60.0

    def __init__(self, most: int) -> None:
        self.most = most
        self.sizes: list[int] = []

    def request(self, method: str, path: str, *, body: list[Any], **_: Any) -> dict[str, Any]:
        self.sizes.append(len(body))
        if len(body) > self.most:
            raise TooLargeError("refused a request as too large (HTTP 413)")
        return {"task_ids": [int(item["data"]["biorat_key"]) for item in body]}


def test_a_request_that_is_too_large_is_sent_in_smaller_ones() -> None:
    """An import above nginx's limit failed for ever, with the advice to run the same command again."""
    tasks = [Task(str(number), Document(str(number), "A text.")) for number in range(7)]
    configuration = LabellingConfiguration.parse(labelling_configuration(LABELS, ()))
    narrow = _Narrow(2)
    assert pushing.push(narrow, "1", configuration, tasks) == {str(n): str(n) for n in range(7)}  # type: ignore[arg-type]
    assert narrow.sizes[0] == 7
    assert sum(size for size in narrow.sizes if size <= 2) == 7
    with pytest.raises(TooLargeError, match=r"^the document 0 \(7 characters\) does not fit .* alone: .*HTTP 413"):
        pushing.push(_Narrow(0), "1", configuration, tasks)  # type: ignore[arg-type]


def test_a_title_that_is_no_text_is_left_out() -> None:
    body = pushing.task_body(Task("k", Document("k", "text", metadata={"title": 7})), None)  # type: ignore[arg-type]
    assert (body["data"]["document_title"], body["data"]["title"]) == ("", "")


@given(words=st.lists(st.sampled_from(["gout", "calms", "Zalvorin", "é", "x" * 200]), min_size=1), cut=st.data())
def test_a_title_is_shown_once_however_it_is_broken_into_lines(words: list[str], cut: Any) -> None:
    blanks = [cut.draw(st.sampled_from([" ", "\n", "\r\n  ", "\u00a0"])) for _ in words]
    text = "".join(blank + word for blank, word in zip(blanks, words, strict=True))
    end = cut.draw(st.integers(0, len(text)))
    document = Document("k", text, (Passage("title", 0, end),))
    data = pushing.task_body(Task("k", document), None)["data"]  # type: ignore[arg-type]
    assert data["title"] == ""
    assert data["document_title"].removesuffix(" …") in " ".join(text.split())


def test_the_task_of_a_segment_shows_what_is_around_it_and_names_the_document() -> None:
    part = part_of("1001", "segment")
    assert part is not None
    body = pushing.task_body(task("1001", role="segment"), None)  # type: ignore[arg-type]
    assert body["data"] == {
        "text": TEXTS["1001"],
        "document_id": "1001",
        "biorat_key": "1001",
        "document_title": TITLE,
        "title": TITLE,
        "of_document": "of 1001",
        "before": BEFORE.strip(),
        "after": AFTER.strip(),
    }


@pytest.mark.parametrize(
    ("asked", "title", "before"),
    [
        # the title is on top, and not once more in what comes before
        ("Second.", "A title\nin two lines?", "First."),
        ("First.", "A title\nin two lines?", ""),
        # it is asked for itself, as a whole or in part
        ("A title\nin two lines?", "", ""),
        ("in two", "", "A title"),
    ],
)
def test_the_title_of_a_segments_document_is_shown_once(asked: str, title: str, before: str) -> None:
    text = "A title\nin two lines?\nFirst. Second."
    whole = Document("77", text, (Passage("title", 0, text.index("\nFirst")),))
    part = PartOfDocument(whole, Span(text.index(asked), text.index(asked) + len(asked)))
    segment = segment_document(whole, part.span, "77#1")
    data = pushing.task_body(Task("77#1", segment, None, part), None)["data"]  # type: ignore[arg-type]
    assert (data["title"], data["before"]) == (" ".join(title.split()), before)
    assert data["document_title"] == "A title in two lines?"


def test_the_task_of_a_segment_of_a_full_text_is_short() -> None:
    text = "Patients had coma. " * 3_000 + "Naloxone helped. " + "Others had gout. " * 3_000
    start = text.index("Naloxone")
    whole = Document("77", text)
    part = PartOfDocument(whole, Span(start, start + len("Naloxone helped.")))
    segment = segment_document(whole, part.span, "77#1")
    data = pushing.task_body(Task("77#1", segment, None, part), None)["data"]  # type: ignore[arg-type]
    for shown in (data["before"], data["after"]):
        assert pushing.AROUND - 50 < len(shown) <= pushing.AROUND + 2
    assert (data["before"][:20], data["before"][-18:]) == ("… Patients had coma.", "Patients had coma.")
    assert (data["after"][:16], data["after"][-18:]) == ("Others had gout.", "Others had gout. …")


def test_only_what_nobody_answered_skipped_or_began_is_taken_back(
    label_studio: RunningLabelStudio, marker: str
) -> None:
    desk, annotator = label_studio.desk(), label_studio.annotator()
    project = desk.prepare("pool", "taken back", LABELS, marker=marker)
    other = desk.prepare("test", "taken back", LABELS, marker=marker)
    ids = pushed(desk, project, ["1001", "1002", "1003", "1004", "1005"])
    elsewhere = pushed(desk, other, ["1001"], None)
    annotator.submit(ids["1001"])
    annotator.skip(ids["1002"])
    annotator.draft(ids["1003"], [])
    gone = desk.take_back(project, [*ids.values(), *elsewhere.values(), "no number"])
    assert gone == {ids["1004"], ids["1005"], elsewhere["1001"], "no number"}
    assert desk.pull(project, documents).existing == {ids[key] for key in ("1001", "1002", "1003")}
    # it is not in this project, and stays in its own
    assert desk.pull(other, documents).existing == set(elsewhere.values())
