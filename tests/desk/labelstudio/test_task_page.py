"""The page on which people annotate, in a real browser: what is in sight, and that no offset moves by it."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from biorat_al.corpus.model.document import Document, Entity, Passage, Span
from biorat_al.desk.base import DeskProject, Documents, PreAnnotation, Task
from biorat_al.desk.labelstudio.configuration import BLIND
from biorat_al.settings import Guidelines
from tests.support.browser import log_in
from tests.support.labelstudio import RunningLabelStudio

pytestmark = pytest.mark.slow

LABELS = ("Chemical", "Disease")
SIX = (*LABELS, "Gene", "Species", "Variant", "Cell line")

TEXT = (
    "Title 😀 of <b>aspirin</b>.\nAn abstract about 👩‍🔬 naloxone.\r\nMethods after it: lithium.\n\nThe end, warfarin."
)
ODD = Document(
    "odd & <id>",
    TEXT,
    (
        Passage("title", 0, TEXT.index("\n")),
        Passage("abstract", TEXT.index("An abs"), TEXT.index("\r")),
        Passage("methods", TEXT.index("Methods"), TEXT.index("\n\n")),
        Passage("end", TEXT.index("The end"), len(TEXT)),
    ),
)
LONG = Document("long", "Warfarin and then\n" + "aspirin was given to many people.\n" * 200 + "At last naloxone.")

_PLACE = """text => {
    const walker = document.createTreeWalker(
        document.querySelector('[class*=richtext__container]'), NodeFilter.SHOW_TEXT);
    let node;
    while ((node = walker.nextNode())) {
        const at = node.textContent.indexOf(text);
        if (at < 0) continue;
        const range = document.createRange();
        range.setStart(node, at); range.setEnd(node, at + text.length);
        const place = range.getBoundingClientRect();
        return [place.left, place.top, place.right, place.bottom];
    }
}"""


@pytest.fixture
def page(page: Any, label_studio: RunningLabelStudio) -> Any:
    """Return a page on which the server's first user has logged in."""
    log_in(page, label_studio.url, label_studio.credentials.email, label_studio.credentials.password)
    return page


def known(*documents: Document) -> Documents:
    """Looks these documents up."""
    return lambda ids: {document.id: document for document in documents if document.id in ids}


def opened(page: Any, project: DeskProject, task_id: str) -> None:
    """Open a task."""
    page.goto(f"{project.url}data?task={task_id}")
    page.wait_for_selector("[class*=richtext__container]")
    page.wait_for_timeout(2000)


def place(page: Any, text: str) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom of a piece of the annotated text."""
    left, top, right, bottom = page.evaluate(_PLACE, text)
    return left, top, right, bottom


def draw(page: Any, key: str, first: str, last: str) -> None:
    """Choose the label with this key, and drag from the beginning of `first` to the end of `last`."""
    begin, end = place(page, first), place(page, last)
    page.keyboard.press(key)
    page.mouse.move(begin[0] + 1, (begin[1] + begin[3]) / 2)
    page.mouse.down()
    page.mouse.move(end[2] - 1, (end[1] + end[3]) / 2, steps=12)
    page.mouse.up()
    page.wait_for_timeout(500)


def submit(page: Any) -> None:
    """Hand the answer in."""
    page.get_by_test_id("bottombar-submit-button").click()
    page.get_by_test_id("bottombar-update-button").wait_for()


def test_mentions_drawn_anywhere_in_the_passages_have_exact_offsets(
    label_studio: RunningLabelStudio, marker: str, page: Any
) -> None:
    desk = label_studio.desk()
    project = desk.prepare("pool", "page", LABELS, marker=marker)
    start = TEXT.index("naloxone")
    proposed = Entity("T1", "Chemical", (Span(start, start + 8),), score=0.5)
    (task_id,) = desk.push(project, [Task("k", ODD, PreAnnotation("m-1", 0.5, (proposed,)))]).values()
    opened(page, project, task_id)
    # the title and the id are shown as they are
    assert page.get_by_text("Title 😀 of <b>aspirin</b>.", exact=True).first.is_visible()
    assert page.get_by_text("odd & <id>", exact=True).first.is_visible()
    # the passages stand apart, in this order
    tops = [place(page, word)[1] for word in ("aspirin", "naloxone", "lithium", "warfarin")]
    assert all(second - first > 20 for first, second in pairwise(tops)), tops
    draw(page, "1", "aspirin", "aspirin")
    draw(page, "1", "lithium", "lithium")
    draw(page, "2", "warfarin", "warfarin")
    # over two line ends
    draw(page, "2", "about", "after it")
    submit(page)
    (state,) = desk.pull(project, known(ODD)).tasks
    (answer,) = state.annotations
    assert answer.problems == ()
    found = {(entity.label, entity.surface(TEXT), entity.origin) for entity in answer.annotation.entities}
    across = TEXT[TEXT.index("about") : TEXT.index("after it") + len("after it")]
    assert found == {
        ("Chemical", "naloxone", "prediction"),
        ("Chemical", "aspirin", "manual"),
        ("Chemical", "lithium", "manual"),
        ("Disease", "warfarin", "manual"),
        ("Disease", across, "manual"),
    }


def test_a_boundary_is_moved_by_its_handle(label_studio: RunningLabelStudio, marker: str, page: Any) -> None:
    desk = label_studio.desk()
    project = desk.prepare("pool", "page", LABELS, marker=marker)
    start = TEXT.index("naloxone")
    # two characters short at the end
    proposed = Entity("T1", "Chemical", (Span(start, start + 6),), score=0.5)
    (task_id,) = desk.push(project, [Task("k", ODD, PreAnnotation("m-1", 0.5, (proposed,)))]).values()
    opened(page, project, task_id)
    page.locator("[class*=richtext__container] span[class*=htx-highlight]").first.click()
    handles = page.locator(".htx-highlight area")
    handles.first.wait_for()
    assert handles.count() == 2
    box = page.locator("area.__resize_right").bounding_box()
    assert box["width"] > 0
    assert box["height"] > 5
    end = place(page, "ne.")
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(end[2] - (end[2] - end[0]) / 3, (end[1] + end[3]) / 2, steps=8)
    page.mouse.up()
    page.wait_for_timeout(500)
    submit(page)
    (state,) = desk.pull(project, known(ODD)).tasks
    (entity,) = state.annotations[0].annotation.entities
    assert (entity.id, entity.surface(TEXT), entity.origin) == ("T1", "naloxone", "prediction-changed")


def test_the_labels_stay_in_sight_however_long_the_document_is(
    label_studio: RunningLabelStudio, marker: str, page: Any
) -> None:
    desk = label_studio.desk()
    project = desk.prepare("test", "page", LABELS, marker=marker)
    (task_id,) = desk.push(project, [Task("k", LONG)]).values()
    opened(page, project, task_id)
    left, top, _, bottom = place(page, "Warfarin")
    page.mouse.move(left + 5, (top + bottom) / 2)
    page.mouse.wheel(0, 100_000)
    page.wait_for_timeout(1500)
    height = page.viewport_size["height"]
    label = page.locator(".lsf-label__text", has_text="Disease").first.bounding_box()
    assert 0 < label["y"] < height / 3
    # what is under the pointer there is the label itself, and the label works
    seen = page.evaluate(
        "([x, y]) => document.elementFromPoint(x, y).textContent",
        [label["x"] + label["width"] / 2, label["y"] + label["height"] / 2],
    )
    assert seen == "Disease"
    # the end of the document is in sight, below the labels
    _, top, _, bottom = place(page, "naloxone")
    assert label["y"] + label["height"] < top < bottom < height
    page.locator(".lsf-label__text", has_text="Disease").first.click()
    begin = place(page, "naloxone")
    page.mouse.move(begin[0] + 1, (begin[1] + begin[3]) / 2)
    page.mouse.down()
    page.mouse.move(begin[2] - 1, (begin[1] + begin[3]) / 2, steps=8)
    page.mouse.up()
    page.wait_for_timeout(500)
    submit(page)
    (state,) = desk.pull(project, known(LONG)).tasks
    (entity,) = state.annotations[0].annotation.entities
    assert (entity.label, entity.surface(LONG.text), entity.start) == ("Disease", "naloxone", LONG.text.index("nal"))


@pytest.mark.parametrize("role", ["pool", "test"])
def test_a_test_document_cannot_be_mistaken(
    label_studio: RunningLabelStudio, marker: str, page: Any, role: Any
) -> None:
    desk = label_studio.desk()
    project = desk.prepare(role, "page", LABELS, marker=marker)
    (task_id,) = desk.push(project, [Task("k", ODD)]).values()
    opened(page, project, task_id)
    warning = page.get_by_text(BLIND, exact=True)
    assert warning.count() == (role == "test")
    if role == "test":
        assert warning.is_visible()
        colours = warning.evaluate(
            "one => [getComputedStyle(one.parentElement).backgroundColor, getComputedStyle(one).color]"
        )
        assert colours == ["rgb(213, 94, 0)", "rgb(255, 255, 255)"]


def test_the_instruction_is_shown_before_the_first_task(
    label_studio: RunningLabelStudio, marker: str, page: Any
) -> None:
    desk = label_studio.desk()
    guidelines = Guidelines("# What to mark\n\n- drugs & \"drugs\"\n- <script>document.title = 'taken'</script>\n")
    project = desk.prepare("pool", "page", LABELS, marker=marker, guidelines=guidelines)
    desk.push(project, [Task("k", ODD)])
    page.goto(f"{project.url}data")
    page.get_by_role("button", name="Label All Tasks").click()
    item = page.get_by_text('drugs & "drugs"')
    item.wait_for()
    assert item.is_visible()
    assert item.evaluate("one => getComputedStyle(one).listStyleType") == "disc"
    assert page.get_by_text("<script>document.title = 'taken'</script>").is_visible()
    assert page.get_by_text("Create Annotations From Predictions").is_visible()
    assert page.title() != "taken"


@pytest.mark.parametrize("labels", [LABELS, SIX])
def test_six_types_are_told_apart_by_more_than_their_colours(
    label_studio: RunningLabelStudio, marker: str, page: Any, labels: tuple[str, ...]
) -> None:
    desk = label_studio.desk()
    project = desk.prepare("pool", "page", labels, marker=marker)
    start = TEXT.index("naloxone")
    proposed = Entity("T1", "Chemical", (Span(start, start + 8),), score=0.5)
    (task_id,) = desk.push(project, [Task("k", ODD, PreAnnotation("m-1", 0.5, (proposed,)))]).values()
    opened(page, project, task_id)
    mention = page.locator("[class*=richtext__container] span[class*=htx-highlight]").first
    content, display = mention.evaluate(
        "one => { const after = getComputedStyle(one, '::after'); return [after.content, after.display]; }"
    )
    assert ("Chemical" in content and display != "none") == (len(labels) >= 6)


def test_a_task_without_a_title_shows_none(label_studio: RunningLabelStudio, marker: str, page: Any) -> None:
    desk, annotator = label_studio.desk(), label_studio.annotator()
    project = desk.prepare("pool", "page", LABELS, marker=marker)
    (new,) = desk.push(project, [Task("k", LONG)]).values()
    # as an earlier version made them
    old = annotator.make_task(project.reference, {"text": LONG.text, "document_id": "old", "biorat_key": "old"})
    for task_id in (new, old):
        opened(page, project, task_id)
        assert "$title" not in page.inner_text("body")
        assert place(page, "Warfarin")[1] > 0


MEANINGS = Guidelines(
    '# Guidelines\n\n## Chemical\n\nA drug, or any other substance with a <name> & "formula". Not a class.\n\n'
    "## Disease\n\nA named disorder of people.\n"
)

_CONTRAST = """one => {
    const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
    let under = one;
    while (under.parentElement && (numbers(getComputedStyle(under).backgroundColor)[3] ?? 1) === 0) {
        under = under.parentElement;
    }
    const light = colour => numbers(colour).slice(0, 3).map(value => value / 255)
        .map(value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
        .reduce((sum, value, place) => sum + value * [0.2126, 0.7152, 0.0722][place], 0);
    const both = [light(getComputedStyle(one).color), light(getComputedStyle(under).backgroundColor)];
    return (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
}"""
"""The contrast of a text with what is under it, from 1 to 21 (WCAG 2.2, "contrast ratio")."""


@pytest.mark.parametrize("scheme", ["Light", "Dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_what_a_label_means_is_shown_when_the_mouse_is_over_it(
    label_studio: RunningLabelStudio, marker: str, page: Any, tmp_path: Path, width: int, scheme: str
) -> None:
    desk = label_studio.desk()
    project = desk.prepare("pool", "page", (*LABELS, "Gene"), marker=marker, guidelines=MEANINGS)
    (task_id,) = desk.push(project, [Task("k", ODD)]).values()
    page.evaluate("scheme => localStorage.setItem('preferred-color-scheme', scheme)", scheme)
    page.set_viewport_size({"width": width, "height": 844})
    opened(page, project, task_id)
    for label, meaning in (
        ("Chemical", 'A drug, or any other substance with a <name> & "formula".'),
        ("Disease", "A named disorder of people."),
    ):
        hint = page.get_by_text(meaning, exact=True)
        assert hint.count() == 0
        page.locator(".lsf-label", has_text=label).first.hover()
        hint.wait_for()
        page.wait_for_timeout(500)
        page.screenshot(path=tmp_path / f"{label}.png")
        box = hint.bounding_box()
        # all of it is on the page
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        assert box["y"] >= 0
        assert hint.evaluate(_CONTRAST) >= 4.5
    # the guidelines say nothing of the third label
    page.locator(".lsf-label", has_text="Gene").first.hover()
    hint.wait_for(state="hidden")
