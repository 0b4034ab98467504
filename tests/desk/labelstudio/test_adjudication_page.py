"""The page on which somebody settles what annotators disagree on, in a real browser."""

from __future__ import annotations

from typing import Any

import pytest

from biorat_al.corpus.model.document import Document, Entity, Passage, Span
from biorat_al.desk.base import PreAnnotation, Sheet, SheetRow, Task
from tests.desk.labelstudio.test_task_page import LABELS, known, opened, page, submit
from tests.support.labelstudio import RunningLabelStudio

__all__ = ["page"]

pytestmark = pytest.mark.slow

TEXT = "On heart failure.\nPatients with congestive heart failure had <b>lithium</b> & tremor."
DOCUMENT = Document("12345678", TEXT, (Passage("title", 0, 17), Passage("abstract", 18, len(TEXT))))
SHEET = Sheet(
    "A and B differ in 1 place.",
    ("A", "B"),
    (SheetRow("Borders", ("with ", "congestive heart failure", " had <b>$text</b>"), ("Disease “x”", "Disease “y”")),),
    ("A", "B"),
)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "Light"), (390, "Dark")])
def test_a_key_accepts_an_annotator_under_a_table_that_shows_text_as_it_is(
    label_studio: RunningLabelStudio, marker: str, page: Any, width: int, scheme: str
) -> None:
    desk = label_studio.desk()
    project = desk.prepare("disputes", "page", LABELS, marker=marker)
    start = TEXT.index("congestive")
    versions = (
        Entity("m1", "Disease", (Span(start, start + 24),), score=0.5, extras={"note": "marked by A"}),
        Entity("m2", "Disease", (Span(start + 11, start + 24),), score=0.5, extras={"note": "marked by B"}),
    )
    pushed = desk.push(project, [Task("k 1", DOCUMENT, PreAnnotation("all", 0.5, versions), sheet=SHEET)])
    (task_id,) = pushed.values()
    desk.publish(project, "all")
    page.evaluate("scheme => localStorage.setItem('preferred-color-scheme', scheme)", scheme)
    page.set_viewport_size({"width": width, "height": 844})
    opened(page, project, task_id)
    cells = page.locator(".biorat-sheet td")
    assert cells.nth(0).inner_text().split("\n") == ["Borders", "with congestive heart failure had <b>$text</b>"]
    assert [cells.nth(place).inner_text() for place in (1, 2)] == ["Disease “x”", "Disease “y”"]
    # readable on the page's own ground, which is light or dark
    colours = page.evaluate(
        "() => [document.querySelector('.biorat-sheet td'), document.querySelector('[class*=richtext__line]')]"
        ".map(one => getComputedStyle(one).color)"
    )
    assert colours[0] == colours[1]
    chosen = "() => window.Htx.annotationStore.selected.results.filter(one => one.type === 'choices').length"
    assert page.evaluate(chosen) == 0
    page.keyboard.press("b")
    page.wait_for_function(f"({chosen})() === 1")
    submit(page)
    (state,) = desk.pull(project, known(DOCUMENT)).tasks
    (answer,) = state.annotations
    assert (answer.side, answer.problems, len(answer.annotation.entities)) == ("B", (), 2)
