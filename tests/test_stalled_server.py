"""A real Label Studio that stands still while an import arrives, as a paused container does."""

from __future__ import annotations

import os
import signal
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import select

from biorat_al.desk.labelstudio.client import LabelStudioDesk
from biorat_al.desk.labelstudio.connection import Connection
from biorat_al.project import Project
from biorat_al.store.tables import TaskRow
from tests.support.commands import be_quick, call, nowhere
from tests.support.labelstudio import RunningLabelStudio
from tests.support.proxy import proxy
from tests.support.rounds import demo_files

__all__ = ["nowhere"]

BATCH = 150
"""Documents of the pool, all of which the first round asks for, or a part of their sentences: more than one request."""


@pytest.mark.slow(60)
@pytest.mark.parametrize(("unit", "role"), [("document", "pool"), ("sentence", "segment")])
@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="this system cannot stop a process: no SIGSTOP")
def test_a_server_that_stood_still_during_an_import_has_every_task_once(
    label_studio: RunningLabelStudio,
    nowhere: Path,
    tiny_encoder: Path,
    monkeypatch: pytest.MonkeyPatch,
    unit: str,
    role: str,
) -> None:
    server = label_studio.info
    stopped: list[int] = []

    def stand_still(method: str, path: str) -> str:
        if method == "POST" and "/import" in path and not stopped:
            os.killpg(server.pid, signal.SIGSTOP)
            stopped.append(server.pid)
        # the request is sent on, and waits in the queue of the server's socket
        return "pass"

    documents, _ = demo_files(nowhere / "files", pool=BATCH, test=0, gold=False)
    made = call(
        *("init", nowhere / "trial", "--documents", documents, "--test-size", "0", "--encoder", tiny_encoder),
        *("--entity", "Disease", "--entity", "Chemical", "--size", str(BATCH)),
    )
    assert made.code == 0, made.err
    be_quick(nowhere / "trial")
    monkeypatch.setitem(LabelStudioDesk.__init__.__kwdefaults__, "timeout", 10.0)
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", label_studio.token)
    with proxy(server.url, stand_still) as seen:
        monkeypatch.setenv("LABEL_STUDIO_URL", seen.url)
        try:
            first = call("round", "--project", nowhere / "trial", "--unit", unit)
            assert stopped
        finally:
            os.killpg(server.pid, signal.SIGCONT)
        assert first.code != 0
        said = " ".join(first.err.split())
        assert "how many of 100 arrived is not known yet: once it answers again, run the same command again" in said
        # at once: the server has not yet done what it was sent
        second = call("round", "--project", nowhere / "trial")
        assert second.code == 0, second.err
    with Project.open(nowhere / "trial") as project:
        reference = project.status(ask_desk=False).urls[role].rstrip("/").rsplit("/", 1)[1]
        with project.store.read() as session:
            pushed = len(session.scalars(select(TaskRow.id)).all())
    connection = Connection(server.url, label_studio.token)
    times = Counter(task["data"]["document_id"] for task in connection.tasks(reference, include="id,data"))
    assert len(times) == pushed > 100
    if unit == "document":
        assert pushed == BATCH
    assert set(times.values()) == {1}
    third = call("round", "--project", nowhere / "trial")
    assert "more than one task" not in third.out
