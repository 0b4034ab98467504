"""A label is added to a project in a real Label Studio, and people are asked again as the notice says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from biorat_al.corpus.model.document import Record
from biorat_al.demo.corpus import read_demo_corpus
from biorat_al.settings import make_settings
from tests.support.browser import drag, log_in
from tests.support.labelstudio import RunningLabelStudio
from tests.support.rounds import make_project, settings_for
from tests.test_end_to_end import environment, tasks_by_document
from tests.test_two_in_the_front_end import words_of

pytestmark = pytest.mark.slow

__all__ = ["environment"]

UPDATE = "bottombar-update-button"


def open_answer(page: Any, url: str, task: str) -> Any:
    """Open an answered task in the data manager; return its button *Update*."""
    page.goto(f"{url}/data?task={task}")
    page.wait_for_selector("[class*=richtext__container]")
    page.wait_for_timeout(2000)
    return page.get_by_test_id(UPDATE)


def test_documents_are_known_for_a_later_label_once_somebody_has_pressed_update(
    environment: RunningLabelStudio, tiny_encoder: Path, page: Any, tmp_path: Path
) -> None:
    settings = settings_for(tiny_encoder, entities=[{"name": "Disease"}], desk={"kind": "label-studio"})
    bare = [Record(one.document, None, one.source) for one in read_demo_corpus()]
    with make_project(tmp_path / "trial", settings, gold=False, records=bare, pool=9, test=2) as project:
        project.round(size=4)
        admin = environment.annotator()
        tasks = {key: str(ids[0]) for key, ids in tasks_by_document(environment, project).items()}
        for task in tasks.values():
            admin.submit(task, [])
        entities = [{"name": "Disease"}, {"name": "Chemical"}]
        project.settings = make_settings(project.settings.model_dump() | {"entities": entities})
        report = project.round(size=2)
        assert report.step("train").state == "done"
        (told,) = project.status(ask_desk=False).not_asked
        pool = [key for key in sorted(told.documents) if key in tasks]
        assert told.of == len(told.documents) == len(tasks)
        asked, empty, *others = pool

        log_in(page, environment.url, environment.credentials.email, environment.credentials.password)
        url = project.status(ask_desk=False).urls["pool"].rstrip("/")
        text = {key: admin.open(tasks[key])["data"]["text"] for key in (asked, empty)}
        button = open_answer(page, url, tasks[asked])
        page.keyboard.press("2")
        drag(page, words_of(text[asked])[0])
        button.click()
        page.wait_for_timeout(2000)
        # where there is nothing, the button wants a change: one that is taken back
        button = open_answer(page, url, tasks[empty])
        page.keyboard.press("2")
        drag(page, words_of(text[empty])[0])
        page.locator("[class*=htx-highlight]").first.click()
        page.wait_for_timeout(300)
        page.keyboard.press("Backspace")
        page.wait_for_timeout(500)
        button.click()
        page.wait_for_timeout(2000)

        report = project.round(partial=True, size=1)
        assert report.step("pull").counts["changed"] == 2
        (told,) = project.status(ask_desk=False).not_asked
        assert not {asked, empty} & set(told.documents)
        assert set(others) <= set(told.documents)
        assert project.status(ask_desk=False).mentions == {"Chemical": 1}
