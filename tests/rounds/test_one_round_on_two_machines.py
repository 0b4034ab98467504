"""On Postgres, two machines that share a database cannot run a round at the same time."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, select
from sqlalchemy.orm import Session

from biorat_al.errors import LockedError
from biorat_al.project import Project
from biorat_al.rounds import runner
from biorat_al.rounds.context import Context, Finish
from biorat_al.rounds.lock import round_lock
from biorat_al.store.database.engine import DATABASE_VARIABLE, parse_url
from biorat_al.store.tables import Base, RoundRow, StepRow
from tests.rounds.test_lock import end_the_lock_s_connection
from tests.support.commands import call, one_sentence
from tests.support.rounds import make_project, settings_for

pytestmark = pytest.mark.postgres


@pytest.fixture
def machines(
    tmp_path: Path, tiny_encoder: Path, new_postgres_database: Callable[[], URL], monkeypatch: pytest.MonkeyPatch
) -> tuple[Path, Path]:
    """Return the folders of one project on two machines, which do not share the lock file."""
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


def wait_for_training(folder: Path, running: subprocess.Popen[str]) -> None:
    """Wait until another process trains in round 1."""
    for _ in range(1200):
        assert running.poll() is None, running.communicate()
        with Project.open(folder) as project, project.store.read() as session:
            row = session.get(StepRow, (1, "train"))
            if row is not None and row.state == "running":
                return
        time.sleep(0.1)
    raise AssertionError("no training has begun")


@pytest.mark.slow
def test_whoever_lost_the_lock_in_training_stops_with_one_sentence_while_the_other_goes_on(
    machines: tuple[Path, Path],
) -> None:
    assert call("round", "--project", machines[0]).code == 0
    # the desk of this test is a file in the folder
    shutil.rmtree(machines[1])
    shutil.copytree(*machines)
    for folder in machines:
        settings = folder / "biorat.toml"
        settings.write_text(settings.read_text().replace("min_steps = 3\n", "min_steps = 200\n"))
    words = [sys.executable, "-m", "biorat_al", "round", "--project", str(machines[0])]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8") as running:
        try:
            wait_for_training(machines[0], running)
            assert "is running (database connection" in one_sentence(call("round", "--project", machines[1]))
            end_the_lock_s_connection(parse_url(os.environ[DATABASE_VARIABLE]))
            other = call("round", "--project", machines[1])
            out, err = running.communicate(timeout=200)
        finally:
            running.kill()
    assert (other.code, other.err) == (0, "Round 1 was cut off; it goes on where it stopped.\n")
    assert running.returncode == 1
    # what it had done by then, and nothing of how the round went on
    assert re.fullmatch(r"Round 1 of trial\n  pull +6 new answers .*\n", out), out
    assert re.fullmatch(r"Error: this round has lost its lock \(.*run the same command again\n", err), err


@pytest.mark.slow
@pytest.mark.parametrize("step", ["evaluate", "predict", "select", "push"])
def test_whoever_lost_the_lock_in_a_step_stops_and_what_the_other_one_did_is_kept(
    machines: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    with Project.open(machines[0]) as first:
        first.round()
    # the desk of this test is a file in the folder
    shutil.rmtree(machines[1])
    shutil.copytree(*machines)
    work, entered = runner.STEPS[step], []

    def meanwhile(context: Context) -> Finish:
        if not entered:
            entered.append(context.folder)
            end_the_lock_s_connection(parse_url(os.environ[DATABASE_VARIABLE]))
            with Project.open(machines[1]) as second:
                report = second.round()
            assert (report.number, report.resumed) == (1, True)
            with second.store.read() as session:
                entered.append(everything_of(session))
        return work(context)

    monkeypatch.setitem(runner.STEPS, step, meanwhile)
    with Project.open(machines[0]) as first:
        sent: list[Any] = []
        push = first.desk.push
        monkeypatch.setattr(first.desk, "push", lambda *args: sent.append(args) or push(*args))
        with pytest.raises(LockedError, match=r"this round has lost its lock .*run the same command again$"):
            first.round()
        # models are measured after the push
        assert bool(sent) == (step == "evaluate")
        with first.store.read() as session:
            assert everything_of(session) == entered[1]
            assert session.get_one(RoundRow, 1).state == "done"


def everything_of(session: Session) -> dict[str, list[Any]]:
    """Return all rows of a database."""
    return {
        table.name: sorted(map(repr, session.execute(select(table)).all())) for table in Base.metadata.sorted_tables
    }
