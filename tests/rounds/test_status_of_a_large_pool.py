"""The status of a project does not take longer because its pool is large."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sqlalchemy import Engine, event

from biorat_al.efficiency.report.forecast_in_words import project_forecast
from biorat_al.rounds.status import project_status
from biorat_al.settings import make_settings
from biorat_al.store.creation import fill
from biorat_al.store.database.engine import database_url
from biorat_al.store.store import Store, add_project
from tests.store.conftest import record

STEP = 10
"""Instructions of SQLite after which they are counted."""

SETTINGS = make_settings(
    {"name": "large", "entities": [{"name": "Disease"}], "desk": {"kind": "oracle"}, "encoder": {"name": "minilm"}}
)


def instructions(folder: Path, documents: int) -> int:
    """Return how many instructions SQLite needs for the status of a pool of so many documents, all with gold."""
    folder.mkdir()
    store = Store.create(database_url("sqlite", folder))
    with store.write() as session:
        add_project(session, "large")
        pool, test = [record(f"d{number}") for number in range(documents)], [record("t1", "Asthma is a sign.")]
        fill(session, settings=SETTINGS, pool=pool, test=test, test_size=None, gold=True)
    store.engine.dispose()
    counted = [0]

    def count() -> int:
        counted[0] += STEP
        return 0

    def listen(engine: Engine) -> None:
        @event.listens_for(engine, "connect")
        def _(connection: sqlite3.Connection, entry: object) -> None:
            connection.set_progress_handler(count, STEP)

    listen(store.engine)
    status = project_status(folder, SETTINGS, store)
    assert project_forecast(SETTINGS, store, 0.8) is None
    store.close()
    assert (status.documents["pool"], status.left, status.mentions) == (documents, documents, {"Disease": 1})
    return counted[0]


def test_the_status_looks_at_no_document_of_the_pool(tmp_path: Path) -> None:
    few, many = (instructions(tmp_path / str(number), number) for number in (500, 2500))
    # a look at each takes dozens of instructions, and an index that is read as a whole takes several
    assert (many - few) / 2000 < 1
