"""The page on which people annotate one sentence of a document, in a real browser."""

from __future__ import annotations

from typing import Any

import pytest

from biorat_al.corpus.model.document import Document, Entity, Passage, Span
from biorat_al.corpus.segments import PartOfDocument, segment_document
from biorat_al.desk.base import DeskProject, PreAnnotation, Task
from tests.desk.labelstudio.test_task_page import LABELS, draw, known, opened, page, place, submit
from tests.support.labelstudio import RunningLabelStudio

__all__ = ["page"]

pytestmark = pytest.mark.slow

TITLE = "Title 😀 of <b>aspirin</b> & more."
BEFORE = "An abstract about 👩‍🔬 naloxone.  Two blanks\nand a line end."
ASKED = "Then lithium\nwas given with 👩‍🔬 warfarin for gout."
AFTER = "It helped. The $title of it was aspirin."
TEXT = f"{TITLE}\n{BEFORE} {ASKED} {AFTER}"
DOCUMENT = Document("12345678", TEXT, (Passage("title", 0, len(TITLE)), Passage("abstract", len(TITLE) + 1, len(TEXT))))

ABOVE, BELOW = ".biorat-before", ".biorat-around:not(.biorat-before)"

_PLACE = """([where, text]) => {
    const walker = document.createTreeWalker(document.querySelector(where), NodeFilter.SHOW_TEXT);
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

_LAST_LINE = """where => {
    const range = document.createRange();
    range.selectNodeContents(document.querySelector(where));
    const last = Array.from(range.getClientRects()).pop();
    return [last.left, last.top, last.bottom];
}"""
"""Left, top and bottom of the last line."""


def asked(document: Document, text: str, pre_annotation: PreAnnotation | None = None) -> Task:
    """Return the task that asks for a part of a document."""
    start = document.text.index(text)
    part = PartOfDocument(document, Span(start, start + len(text)))
    segment = segment_document(document, part.span, f"{document.id}#{part.span.start}-{part.span.end}")
    return Task(segment.id, segment, pre_annotation, part)


def prepared(label_studio: RunningLabelStudio, marker: str, task: Task) -> tuple[DeskProject, str]:
    """Push a task to a project for sentences; return that, and the task's id."""
    desk = label_studio.desk()
    project = desk.prepare("segment", "page", LABELS, marker=marker)
    (task_id,) = desk.push(project, [task]).values()
    return project, task_id


def around(page: Any, where: str, text: str) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom of a piece of the text above or below the sentence."""
    left, top, right, bottom = page.evaluate(_PLACE, [where, text])
    return left, top, right, bottom


def drag(page: Any, begin: tuple[float, float, float, float], end: tuple[float, float, float, float]) -> None:
    """Choose the first label, and drag from the beginning of one place to the end of another."""
    page.keyboard.press("1")
    page.mouse.move(begin[0] + 1, (begin[1] + begin[3]) / 2)
    page.mouse.down()
    page.mouse.move(end[2] - 1, (end[1] + end[3]) / 2, steps=12)
    page.mouse.up()
    page.wait_for_timeout(500)


def regions(page: Any) -> int:
    """Return the number of regions of the open answer."""
    return int(page.evaluate("window.Htx.annotationStore.selected.regions.length"))


def test_the_sentence_can_be_marked_and_what_is_around_it_cannot(
    label_studio: RunningLabelStudio, marker: str, page: Any
) -> None:
    start = ASKED.index("warfarin")
    proposed = Entity("T1", "Chemical", (Span(start, start + 8),), score=0.5)
    task = asked(DOCUMENT, ASKED, PreAnnotation("m-1", 0.5, (proposed,)))
    project, task_id = prepared(label_studio, marker, task)
    opened(page, project, task_id)
    # title and id of the document are on top, then its text, as it is
    for shown in ("12345678", TITLE):
        assert page.get_by_text(shown, exact=True).first.is_visible()
    assert page.inner_text(ABOVE) == BEFORE
    assert page.inner_text(BELOW) == AFTER
    tops = [around(page, ABOVE, "naloxone")[1], place(page, "lithium")[1], around(page, BELOW, "helped")[1]]
    assert tops == sorted(tops)
    for where in (ABOVE, BELOW):
        greyed, usual = (
            page.evaluate("where => getComputedStyle(document.querySelector(where)).opacity", f"{one}")
            for one in (f"{where} > *", "[class*=richtext__container]")
        )
        assert float(greyed) < float(usual)
    assert regions(page) == 1

    draw(page, "1", "lithium", "lithium")
    draw(page, "2", "gout", "gout")
    assert regions(page) == 3
    naloxone, helped = around(page, ABOVE, "naloxone"), around(page, BELOW, "helped")
    drag(page, naloxone, naloxone)
    drag(page, helped, helped)
    # over the border, from either side
    drag(page, around(page, ABOVE, "line end"), place(page, "Then"))
    drag(page, place(page, "was given"), helped)
    assert regions(page) == 3
    submit(page)
    (state,) = label_studio.desk().pull(project, known(task.document)).tasks
    (answer,) = state.annotations
    assert (state.key, answer.problems, answer.usable) == (task.key, (), True)
    found = {(one.label, one.surface(ASKED), one.start, one.origin) for one in answer.annotation.entities}
    assert found == {
        ("Chemical", "warfarin", start, "prediction"),
        ("Chemical", "lithium", ASKED.index("lithium"), "manual"),
        ("Disease", "gout", ASKED.index("gout"), "manual"),
    }


@pytest.mark.parametrize(("width", "height"), [(1280, 700), (390, 844)])
def test_the_sentence_is_in_sight_however_long_the_document_is(
    label_studio: RunningLabelStudio, marker: str, page: Any, width: int, height: int
) -> None:
    text = "Before it, people were given aspirin.\n" * 1_600 + ASKED + " And after it, they had none." * 1_600
    long = Document("PMC1", text, (), {"title": "A long one"})
    project, task_id = prepared(label_studio, marker, asked(long, ASKED))
    page.set_viewport_size({"width": width, "height": height})
    opened(page, project, task_id)
    label = page.locator(".lsf-label__text", has_text="Disease").first.bounding_box()
    left, above, end = page.evaluate(_LAST_LINE, ABOVE)
    _, top, _, _ = place(page, "lithium")
    _, _, _, bottom = place(page, "gout")
    # the last line before it, then the sentence, all of it, below the labels
    assert label["y"] + label["height"] < above < end <= top < bottom < height
    assert page.inner_text(ABOVE).startswith("… Before it")
    # a person can read further up
    page.mouse.move(left + 5, (above + end) / 2)
    page.mouse.wheel(0, -100_000)
    page.wait_for_function(f"([where, end]) => ({_LAST_LINE})(where)[1] > end", arg=[ABOVE, end])


def test_the_first_and_the_last_sentence_leave_no_gap(label_studio: RunningLabelStudio, marker: str, page: Any) -> None:
    first, last = f"{BEFORE.split('.')[0]}.", "The $title of it was aspirin."
    for text, missing, present in ((TITLE, ABOVE, BELOW), (first, ABOVE, BELOW), (last, BELOW, ABOVE)):
        project, task_id = prepared(label_studio, f"{marker}{len(text)}", asked(DOCUMENT, text))
        opened(page, project, task_id)
        assert not page.locator(missing).is_visible()
        assert page.locator(present).is_visible()
        assert "$before" not in page.inner_text("body")
        assert "$after" not in page.inner_text("body")
