"""A real Chromium, driven as a person would."""

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
    """An empty page of a browser with a profile of its own."""
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
    """Begin to label, as an annotator does: read the instruction, and close it."""
    page.goto(f"{project_url.rstrip('/')}/data")
    page.get_by_role("button", name="Label All Tasks").click()
    page.wait_for_selector("[class*=richtext__container]")
    instruction = page.get_by_text("Labeling Instructions")
    instruction.wait_for()
    page.keyboard.press("Escape")
    instruction.wait_for(state="hidden")
    page.wait_for_timeout(1500)
