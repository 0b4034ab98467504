"""Take the screenshots of the docs anew: a project on the invented demo corpus, in a real Label Studio.

    python docs/screenshots.py [FOLDER]

Needs Chromium, Label Studio (`biorat-al label-studio install`) and the packages of ``pip install -e '.[dev]'``. It
starts a Label Studio that knows nothing of the user's own, and takes some minutes. Pictures go to FOLDER (default:
``images`` beside this file).
"""

from __future__ import annotations

import argparse
import io
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

from biorat_al.corpus.formats.jsonl import write_jsonl
from biorat_al.corpus.model.document import Annotation, Record
from biorat_al.corpus.sources import Sources
from biorat_al.demo.annotator import annotate_open_tasks
from biorat_al.demo.corpus import GUIDELINES_FILE, read_demo_corpus
from biorat_al.desk.labelstudio.client import LabelStudioDesk
from biorat_al.desk.labelstudio.connection import Connection
from biorat_al.desk.labelstudio.local_server.credentials import Credentials
from biorat_al.desk.labelstudio.local_server.server import LocalServer
from biorat_al.project import Project
from biorat_al.settings import make_settings
from biorat_al.store.tasks import desk_project

ROUNDS = 2
SIZE = {"width": 1280, "height": 700}


def main() -> None:
    """Make the project, and look at it as an annotator does."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).parent / "images")
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, _server(Path(scratch)) as server:
        info, credentials = server.status(), server.credentials()
        assert info is not None
        assert credentials is not None
        desk = LabelStudioDesk(info.url, credentials.token)
        with _project(Path(scratch), desk) as project:
            connection = Connection(info.url, credentials.token)
            project.round()
            with project.store.read() as session:
                pool = desk_project(session, "pool")
            assert pool is not None
            answers: Mapping[str, Annotation] = {
                record.document.id: record.annotation or Annotation() for record in read_demo_corpus()
            }
            for _ in range(ROUNDS):
                annotate_open_tasks(connection, pool.reference, answers.__getitem__)
                project.round()
            # the batch of documents stays open
            project.round(unit="sentence", size=3, partial=True)
            urls = project.status(ask_desk=False).urls
        with _page(info.url, credentials, Path(scratch)) as page:
            _take_pictures(page, urls, folder)


@contextmanager
def _server(scratch: Path) -> Iterator[LocalServer]:
    server = LocalServer(scratch / "label-studio")
    server.installation = LocalServer().installation
    try:
        server.start()
        yield server
    finally:
        server.stop()


def _project(scratch: Path, desk: LabelStudioDesk) -> Project:
    documents = scratch / "documents.jsonl"
    write_jsonl(documents, (Record(document, None, source) for document, _, source in read_demo_corpus()))
    settings = make_settings(
        {
            "name": "demo",
            "entities": [{"name": "Disease"}, {"name": "Chemical"}],
            "encoder": {"name": "minilm"},
            "training": {"arms": ["rat"], "min_steps": 150},
            "selection": {"size": 30},
            "evaluation": {"robustness": False},
        }
    )
    made, _, _ = Project.init(
        scratch / "demo", settings, Sources([documents], test_size=10), guidelines=GUIDELINES_FILE
    )
    made.close()
    return Project.open(made.folder, desk=desk)


@contextmanager
def _page(url: str, credentials: Credentials, scratch: Path) -> Iterator[Any]:
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            str(scratch / "profile"),
            executable_path=program,
            headless=True,
            viewport=SIZE,
            args=["--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"],
        )
        try:
            page = context.new_page()
            page.goto(f"{url}/user/login/")
            page.fill("input[name=email]", credentials.email)
            page.fill("input[name=password]", credentials.password)
            page.click("button[type=submit]")
            page.wait_for_url(lambda there: "/user/login" not in there)
            yield page
        finally:
            context.close()


def _take_pictures(page: Any, urls: Mapping[str, str], folder: Path) -> None:
    page.goto(f"{urls['pool']}data")
    page.get_by_role("button", name="Label All Tasks").wait_for()
    page.wait_for_timeout(3000)
    _save(page, folder / "data-manager.png")
    page.get_by_role("button", name="Label All Tasks").click()
    page.get_by_text("Labeling Instructions").wait_for()
    page.wait_for_timeout(2500)
    _save(page, folder / "instruction.png")
    page.keyboard.press("Escape")
    page.wait_for_timeout(1000)
    # one mention is selected, so that its handles are seen
    page.locator("[class*=richtext__container] span[class*=htx-highlight]").first.click()
    page.wait_for_timeout(1000)
    _save(page, folder / "pre-labelled-task.png")
    for role, name in (("test", "blind-task"), ("segment", "sentence-task")):
        page.goto(f"{urls[role]}data")
        page.get_by_role("button", name="Label All Tasks").click()
        page.get_by_text("Labeling Instructions").wait_for()
        page.wait_for_timeout(2500)
        page.keyboard.press("Escape")
        page.wait_for_timeout(1000)
        _save(page, folder / f"{name}.png")


def _save(page: Any, path: Path) -> None:
    """Save what the page shows, with 256 colours: a screen of text has hardly more."""
    with Image.open(io.BytesIO(page.screenshot())) as picture:
        picture.convert("RGB").quantize(256).save(path, optimize=True)


if __name__ == "__main__":
    main()
