"""What annotators really see, in a real browser."""

from __future__ import annotations

from typing import Any

import pytest

from biorat_al.corpus.model.document import Entity, Span
from biorat_al.desk.base import DeskProject, PreAnnotation, Task
from tests.desk.contract import DOCUMENTS, GOLD, LABELS, RELATIONS, content, documents, related
from tests.support.browser import log_in
from tests.support.labelstudio import RunningLabelStudio

pytestmark = pytest.mark.slow

# ids as they may come from a model or a file: the front end must show all of them
IDS = ("T1", "e.2:b c/~é")

_HIGHLIGHTS = """() => Array.from(document.querySelectorAll('[class*=htx-highlight]'))
    .map(span => [span.textContent, getComputedStyle(span).backgroundColor])"""


@pytest.fixture
def page(page: Any, label_studio: RunningLabelStudio) -> Any:
    """Return a page on which the server's first user has logged in."""
    log_in(page, label_studio.url, label_studio.credentials.email, label_studio.credentials.password)
    return page


def test_pre_labels_are_seen_and_accepted(label_studio: RunningLabelStudio, marker: str, page: Any) -> None:
    desk = label_studio.desk()
    project = desk.prepare("pool", "front end", LABELS, marker=marker)
    tasks = [
        Task(
            key,
            DOCUMENTS[key],
            PreAnnotation(
                "m-1",
                0.5,
                tuple(
                    Entity(IDS[number], entity.label, entity.spans, score=0.5)
                    for number, entity in enumerate(GOLD[key].entities)
                ),
            ),
        )
        for key in ("1003", "1004", "1005")
    ]
    ids = desk.push(project, tasks)
    for key, task_id in ids.items():
        page.goto(f"{project.url}data?task={task_id}")
        pieces = [span for entity in GOLD[key].entities for span in entity.spans]
        page.wait_for_function(f"({_HIGHLIGHTS})().length >= {len(pieces)}")
        page.wait_for_timeout(1000)
        seen = page.evaluate(_HIGHLIGHTS)
        # one in another makes three stretches; all of them are coloured
        text = DOCUMENTS[key].text
        for start, end in pieces:
            assert any(text[start:end].startswith(shown) for shown, _ in seen), (key, seen)
        assert all(colour not in ("rgba(0, 0, 0, 0)", "transparent") for _, colour in seen), (key, seen)
        assert page.get_by_text(key, exact=True).first.is_visible()
        page.get_by_test_id("bottombar-submit-button").click()
        page.get_by_test_id("bottombar-update-button").wait_for()
    pull = desk.pull(project, documents)
    assert pull.open_tasks == frozenset()
    for state in pull.tasks:
        (answer,) = state.annotations
        assert answer.problems == ()
        assert content(answer.annotation) == content(GOLD[str(state.key)])
        assert {entity.origin for entity in answer.annotation.entities} == {"prediction"}
        assert {entity.id for entity in answer.annotation.entities} == set(IDS)
        assert answer.shown_version == "m-1"


def test_an_annotator_draws_one_with_the_hot_key(label_studio: RunningLabelStudio, marker: str, page: Any) -> None:
    desk = label_studio.desk()
    project = desk.prepare("test", "front end", LABELS, marker=marker)
    ids = desk.push(project, [Task("1001", DOCUMENTS["1001"])])
    page.goto(f"{project.url}data?task={ids['1001']}")
    page.wait_for_selector("[class*=richtext__container]")
    page.wait_for_timeout(2000)
    box = page.evaluate(
        """() => {
            const walker = document.createTreeWalker(
                document.querySelector('[class*=richtext__container]'), NodeFilter.SHOW_TEXT);
            let node;
            while ((node = walker.nextNode())) {
                const at = node.textContent.indexOf('headache');
                if (at < 0) continue;
                const range = document.createRange();
                range.setStart(node, at); range.setEnd(node, at + 'headache'.length);
                const place = range.getBoundingClientRect();
                return [place.left, place.top, place.right, place.bottom];
            }
        }"""
    )
    page.keyboard.press("2")
    middle = (box[1] + box[3]) / 2
    page.mouse.move(box[0] + 1, middle)
    page.mouse.down()
    page.mouse.move(box[2] - 1, middle, steps=8)
    page.mouse.up()
    page.wait_for_function(f"({_HIGHLIGHTS})().length >= 1")
    page.get_by_test_id("bottombar-submit-button").click()
    page.get_by_test_id("bottombar-update-button").wait_for()
    (state,) = desk.pull(project, documents).tasks
    (answer,) = state.annotations
    (entity,) = answer.annotation.entities
    assert (entity.label, entity.spans, entity.origin) == ("Disease", (Span(17, 25),), "manual")
    assert entity.surface(DOCUMENTS["1001"].text) == "headache"
    assert answer.shown_version is None
    assert (answer.lead_time or 0) > 0


def opened(page: Any, project: DeskProject, task_id: str) -> None:
    """Open a task with its relations in sight."""
    page.goto(f"{project.url}data?task={task_id}")
    page.wait_for_selector("[class*=richtext__container]")
    page.wait_for_timeout(2000)
    page.get_by_text("Relations", exact=True).first.click()
    page.wait_for_timeout(500)


def highlight(page: Any, surface: str) -> Any:
    """Return the mention in the text."""
    return page.locator("span[class*=htx-highlight]", has_text=surface).first


def submit(page: Any) -> None:
    """Hand the answer in."""
    page.get_by_test_id("bottombar-submit-button").click()
    page.get_by_test_id("bottombar-update-button").wait_for()


def test_relations_are_seen_drawn_and_removed(label_studio: RunningLabelStudio, marker: str, page: Any) -> None:
    desk = label_studio.desk()
    project = desk.prepare("pool", "front end", LABELS, marker=marker, relations=RELATIONS)
    gold = GOLD | {"1005b": GOLD["1005"]}
    ids = desk.push(
        project,
        [
            Task(key, DOCUMENTS[key[:4]], PreAnnotation("m-1", 0.5, gold[key].entities, gold[key].relations))
            for key in ("1001", "1004", "1005", "1005b")
        ],
    )
    relations = page.locator(".lsf-relations__item")

    # one is removed
    opened(page, project, ids["1001"])
    assert relations.count() == 1
    assert page.locator("[class*=relationItem]").all_text_contents() == ["treats"]
    # its arrow does not cover what annotators choose from
    arrow, label = (
        page.locator("[class*=relationItem]").bounding_box(),
        page.locator(".lsf-label__text").first.bounding_box(),
    )
    assert arrow["y"] > label["y"] + label["height"]
    relations.first.hover()
    page.get_by_label("Delete Relation").click()
    submit(page)

    # one is drawn, against its direction, and no label is chosen
    opened(page, project, ids["1004"])
    assert relations.count() == 0
    highlight(page, "tremor").click()
    page.keyboard.press("Alt+r")
    highlight(page, "Lithium").click()
    relations.first.wait_for()
    submit(page)

    # a mention is removed, and its relation with it; the two pieces of the other stay joined
    opened(page, project, ids["1005"])
    assert sorted(page.locator("[class*=relationItem]").all_text_contents()) == ["occurs with", "same mention"]
    highlight(page, "ovarian").click()
    page.keyboard.press("Backspace")
    page.wait_for_function("document.querySelectorAll('.lsf-relations__item').length == 1")
    submit(page)

    # the two pieces are parted; the relation ends at the first
    opened(page, project, ids["1005b"])
    relations.first.hover()
    relations.first.get_by_label("Delete Relation").click()
    page.wait_for_function("document.querySelectorAll('.lsf-relations__item').length == 1")
    submit(page)

    answers = {str(state.key): state.annotations[0] for state in desk.pull(project, documents).tasks}
    assert all(answer.problems == () for answer in answers.values())
    found = {key: (content(answer.annotation), related(answer.annotation)) for key, answer in answers.items()}
    breast, ovarian, cancer = Span(0, 6), Span(11, 25), Span(19, 25)
    assert found["1001"] == (content(GOLD["1001"]), set())
    treats = ("treats", True, (("Chemical", (Span(3, 10),)), ("Disease", (Span(21, 27),))))
    assert found["1004"] == (content(GOLD["1004"]), {treats})
    assert found["1005"] == ({("Disease", (breast, cancer))}, set())
    parted = {("Disease", (span,)) for span in (breast, ovarian, cancer)}
    occurs = ("occurs with", False, (("Disease", (breast,)), ("Disease", (ovarian,))))
    assert found["1005b"] == (parted, {occurs})
    assert {entity.origin for answer in answers.values() for entity in answer.annotation.entities} == {"prediction"}
