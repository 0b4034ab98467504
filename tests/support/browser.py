"""A real Chromium, used as a person would use it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # nothing but this machine can be looked up
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
]


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Any]:
    """Open an empty page in a browser with a fresh profile."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is missing: pip install -e '.[dev]'")
    with sync_api.sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            str(tmp_path / "profile"),
            executable_path=program,
            headless=True,
            viewport={"width": 1500, "height": 950},
            args=_FLAGS,
        )
        context.set_default_timeout(30_000)
        try:
            yield context.new_page()
        finally:
            context.close()


def log_in(page: Any, url: str, email: str, password: str) -> None:
    """Log in to Label Studio."""
    page.goto(f"{url}/user/login/")
    page.fill("input[name=email]", email)
    page.fill("input[name=password]", password)
    page.click("button[type=submit]")
    page.wait_for_url(lambda there: "/user/login" not in there)


def open_label_stream(page: Any, project_url: str) -> None:
    """Start labelling as an annotator does: read the instruction, and close it."""
    page.goto(f"{project_url.rstrip('/')}/data")
    page.get_by_role("button", name="Label All Tasks").click()
    page.wait_for_selector("[class*=richtext__container]")
    instruction = page.get_by_text("Labeling Instructions")
    instruction.wait_for()
    page.keyboard.press("Escape")
    instruction.wait_for(state="hidden")
    page.wait_for_timeout(1500)


def sign_up(page: Any, link: str, email: str, password: str) -> None:
    """Follow an invitation and create an account."""
    page.context.clear_cookies()
    page.goto(link)
    page.fill("input[name=email]", email)
    page.fill("input[name=password]", password)
    page.click("button[type=submit]")
    page.wait_for_url(lambda there: "/user/signup" not in there)


def shown_task(page: Any) -> str:
    """Return the id of the open task."""
    return str(page.evaluate("window.Htx.task.id"))


def drag(page: Any, surface: str) -> None:
    """Drag the mouse over the first place in the text that shows `surface` in one piece."""
    left, right, middle = page.evaluate(
        """surface => {
            const walker = document.createTreeWalker(
                document.querySelector('[class*=richtext__container]'), NodeFilter.SHOW_TEXT);
            const nodes = [];
            let text = '', node;
            while ((node = walker.nextNode())) { nodes.push([text.length, node]); text += node.textContent; }
            const at = text.indexOf(surface);
            if (at < 0) throw new Error('not shown: ' + surface);
            const place = offset => {
                const [begin, node] = nodes.filter(([begin]) => begin <= offset).pop();
                const range = document.createRange();
                range.setStart(node, offset - begin);
                range.setEnd(node, offset - begin + 1);
                return range.getBoundingClientRect();
            };
            const first = place(at), last = place(at + surface.length - 1);
            return [first.left, last.right, (last.top + last.bottom) / 2];
        }""",
        surface,
    )
    page.mouse.move(left + 1, middle)
    page.mouse.down()
    page.mouse.move(right - 1, middle, steps=8)
    page.mouse.up()
    page.wait_for_timeout(300)
