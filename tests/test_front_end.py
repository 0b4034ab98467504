"""What a person does in the real front end arrives in the store."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from biorat_al.demo.annotator import annotate_open_tasks
from biorat_al.desk.labelstudio.connection import Connection
from biorat_al.errors import NothingToDoYet
from biorat_al.store.answers import answers, load_answers
from biorat_al.store.models import predictions
from biorat_al.store.tables import AnnotationRow, DocumentRow, TaskRow
from tests.support.browser import log_in, open_label_stream
from tests.support.labelstudio import RunningLabelStudio
from tests.support.rounds import make_project, settings_for
from tests.test_end_to_end import GOLD, reference_of

pytestmark = pytest.mark.slow(100)

SCREENSHOT = "BIORAT_SCREENSHOT"


def test_a_corrected_label_arrives_with_its_origin(
    label_studio: RunningLabelStudio, page: Any, tiny_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pre-labelled task is opened, one label is corrected, and submitted."""
    for name, value in label_studio.environment.items():
        monkeypatch.setenv(name, value)
    settings = settings_for(
        tiny_encoder,
        name="front-end",
        desk={"kind": "label-studio"},
        training={"arms": ["rat"], "min_steps": 120, "batch_size": 4, "learning_rate": 5e-3},
        selection={"size": 16},
    )
    with make_project(tmp_path / "trial", settings, gold=False, pool=60, test=8) as project:
        project.round()
        annotate_open_tasks(Connection(label_studio.url, label_studio.token), reference_of(project), GOLD.__getitem__)
        report = project.round(size=6)
        version = report.step("train").counts["models"]["rat"]
        with project.store.read() as session:
            waiting = {
                key: (document_id, int(task))
                for key, document_id, task in session.execute(
                    select(DocumentRow.key, DocumentRow.id, TaskRow.desk_task_id)
                    .join(TaskRow, TaskRow.document_id == DocumentRow.id)
                    .where(TaskRow.state == "open")
                )
            }
            found = predictions(session, version, [document_id for document_id, _ in waiting.values()])
        proposed = {key: found[document_id] for key, (document_id, _) in waiting.items()}
        assert any(row.entities for row in proposed.values()), "the model proposed nothing to correct"

        credentials = label_studio.credentials
        log_in(page, label_studio.url, credentials.email, credentials.password)
        # the least sure come first; go on to one that has something to correct
        open_label_stream(page, project.status(ask_desk=False).urls["pool"])
        shown = page.evaluate("window.Htx.task.id")
        key = next(key for key, (_, task) in waiting.items() if task == shown)
        assert proposed[key].confidence == min(row.confidence for row in proposed.values())
        while not proposed[key].entities:
            page.get_by_test_id("bottombar-submit-button").click()
            page.wait_for_timeout(2500)
            shown = page.evaluate("window.Htx.task.id")
            key = next(key for key, (_, task) in waiting.items() if task == shown)
        if os.environ.get(SCREENSHOT):
            page.screenshot(path=os.environ[SCREENSHOT])

        first = min(proposed[key].entities, key=lambda entity: entity["spans"][0][0])
        other = {"Disease": ("Chemical", "2"), "Chemical": ("Disease", "1")}[first["label"]]
        page.locator("[class*=richtext__container] span[class*=htx-highlight]").first.click()
        page.keyboard.press(other[1])
        page.wait_for_timeout(500)
        page.get_by_test_id("bottombar-submit-button").click()
        page.wait_for_timeout(2500)

        with pytest.raises(NothingToDoYet, match="still open"):
            project.round()
        with project.store.read() as session:
            row = session.scalars(
                select(AnnotationRow)
                .join(DocumentRow, DocumentRow.id == AnnotationRow.document_id)
                .where(DocumentRow.key == key, AnnotationRow.source == "person")
            ).one()
            chosen = [answer for answer in answers(session, "pool", with_gold=False) if answer.annotation_id == row.id]
            (_, annotation), *_ = load_answers(session, chosen)
        assert row.shown_version == version
        assert row.lead_time is not None
        assert row.lead_time > 0
        by_origin: dict[str | None, list[tuple[str, int, int]]] = {}
        for entity in annotation.entities:
            by_origin.setdefault(entity.origin, []).append((entity.label, entity.start, entity.end))
        assert by_origin.pop("prediction-changed") == [(other[0], *first["spans"][0])]
        untouched = sorted((e["label"], *e["spans"][0]) for e in proposed[key].entities if e is not first)
        assert sorted(by_origin.get("prediction", [])) == untouched
