"""On Postgres, two machines that share a database cannot run a round at the same time."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import URL

from biorat_al.errors import LockedError
from biorat_al.project import Project
from biorat_al.rounds.lock import round_lock
from biorat_al.store.database.engine import DATABASE_VARIABLE
from tests.support.rounds import make_project, settings_for

pytestmark = pytest.mark.postgres


@pytest.fixture
def machines(
    tmp_path: Path, tiny_encoder: Path, new_postgres_database: Callable[[], URL], monkeypatch: pytest.MonkeyPatch
) -> tuple[Path, Path]:
    """The folders of one project on two machines: the lock's file of one is not seen by the other."""
    monkeypatch.setenv(DATABASE_VARIABLE, new_postgres_database().render_as_string(hide_password=False))
    first, second = tmp_path / "one", tmp_path / "two"
    make_project(first, settings_for(tiny_encoder, database={"url": "environment"})).close()
    shutil.copytree(first, second)
    return first, second


def test_the_second_one_is_refused_until_the_first_is_done(machines: tuple[Path, Path]) -> None:
    with Project.open(machines[0]) as first, Project.open(machines[1]) as second:
        with round_lock(first.folder, first.store):
            with pytest.raises(LockedError, match="another round of this project is running"):
                second.round()
            with pytest.raises(LockedError), round_lock(second.folder, second.store):
                pass
        assert second.round().number == 0


def test_two_projects_on_two_databases_do_not_keep_each_other_out(
    machines: tuple[Path, Path], tmp_path: Path, tiny_encoder: Path, new_postgres_database: Callable[[], URL]
) -> None:
    with Project.open(machines[0]) as first, pytest.MonkeyPatch.context() as patch:
        patch.setenv(DATABASE_VARIABLE, new_postgres_database().render_as_string(hide_password=False))
        settings = settings_for(tiny_encoder, database={"url": "environment"})
        with (
            make_project(tmp_path / "other", settings) as other,
            round_lock(first.folder, first.store),
            round_lock(other.folder, other.store),
        ):
            pass
