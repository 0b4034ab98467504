"""The page of an audit, in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from biorat_al.people.audit.audit import audit
from biorat_al.presentation.people.audit_page import page_html
from tests.support.audited import CONSISTENT, corpus_of

TEXTS = [
    *CONSISTENT,
    *["We saw [Disease|gout] by [Chemical|lead]."] * 8,
    f"No gout at all {'in this long sentence ' * 20}.",
    "Of [Disease|lead].",
    f"Of [Disease|{'averyverylongword' * 8}]s.",
]


@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_and_shows_each_finding(page: Any, tmp_path: Path, width: int, scheme: str) -> None:
    found = audit(corpus_of(*TEXTS))
    assert {one.kind for one in found.findings} >= {"missed", "label", "borders"}
    file = tmp_path / "audit.html"
    file.write_text(page_html(found, "<trial>"), encoding="utf-8")
    failed: list[str] = []
    page.on("console", lambda message: failed.append(message.text))
    page.on("request", lambda request: None if request.url.startswith("file:") else failed.append(request.url))
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    page.goto(file.as_uri())
    assert page.title() == "Audit of <trial>"
    assert page.locator(".findings > li").count() == len(found.findings)
    assert page.locator("mark.unmarked").first.inner_text() == "gout"
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    light, ink = page.evaluate(
        "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
    )
    assert (light == "rgb(255, 255, 255)") is (scheme == "light")
    assert light != ink
    assert failed == []
