"""After ``kill -9`` the same command goes on, and the result is that of an undisturbed run."""

from __future__ import annotations

import random
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL

from biorat_al.learner.relations.prediction import has_relations
from biorat_al.project import Project
from biorat_al.store.database.engine import DATABASE_VARIABLE
from biorat_al.store.models import models_of
from biorat_al.store.parts.segments import count_segments, without_segments
from tests.support.rounds import (
    RELATED,
    make_project,
    moments,
    picture_of,
    related_records,
    run_killed,
    seconds_of_round,
    settings_for,
)

pytestmark = pytest.mark.slow(100)

KILLED = -signal.SIGKILL


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def make(request: pytest.FixtureRequest, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Return a function that makes a project with an oracle after one round, on each kind of database."""

    def make(folder: Path, *, rounds: int = 1, **changes: Any) -> Path:
        if request.param == "postgres":
            url: URL = request.getfixturevalue("new_postgres_database")()
            monkeypatch.setenv(DATABASE_VARIABLE, url.render_as_string(hide_password=False))
            changes["database"] = {"url": "environment"}
        with make_project(folder, settings_for(tiny_encoder, **changes)) as project:
            for _ in range(rounds):
                project.round()
        return folder

    return make


def the_picture(folder: Path) -> dict:
    with Project.open(folder) as project:
        return picture_of(project)


def is_done(folder: Path) -> bool:
    """Return whether the round after the first one has ended."""
    with Project.open(folder) as project:
        return [row.state for row in project.status(ask_desk=False).rounds[1:]] == ["done"]


def test_a_round_that_is_killed_everywhere_ends_as_an_undisturbed_one(
    make: Callable[..., Path], tmp_path: Path
) -> None:
    undisturbed = make(tmp_path / "undisturbed")
    assert run_killed(undisturbed) == 0
    expected = the_picture(undisturbed)

    killed = make(tmp_path / "killed")
    survived = [moment for moment in moments() if run_killed(killed, moment) != KILLED]
    assert survived == []
    assert run_killed(killed) == 0
    assert the_picture(killed) == expected


def test_a_round_that_is_killed_at_random_moments(make: Callable[..., Path], tmp_path: Path) -> None:
    undisturbed = make(tmp_path / "undisturbed")
    longest = seconds_of_round(undisturbed)
    expected = the_picture(undisturbed)

    killed = make(tmp_path / "killed")
    generator = random.Random(7)
    deaths = 0
    # the shortest first: a round that is measured on a busy machine takes less time later
    for seconds in sorted(generator.uniform(0, longest) for _ in range(12)):
        if run_killed(killed, after_seconds=seconds) == 0:
            break
        deaths += 1
        # the next call would begin another round if this one died after the end of its round
        if is_done(killed):
            break
    else:
        assert run_killed(killed) == 0
    assert deaths
    assert the_picture(killed) == expected


def test_rounds_that_ask_for_sentences_pick_the_same_after_they_were_killed(
    make: Callable[..., Path], tmp_path: Path
) -> None:
    asks = {"size": 3, "unit": "sentence"}
    undisturbed = make(tmp_path / "undisturbed", rounds=0, selection=asks)
    pictures = []
    for _ in range(2):
        assert run_killed(undisturbed) == 0
        pictures.append(the_picture(undisturbed))

    killed = make(tmp_path / "killed", rounds=0, selection=asks)
    made = [0]
    for moment in ("before:make_segments#2", "after:make_segments#2"):
        assert run_killed(killed, moment) == KILLED
        with Project.open(killed) as project, project.store.read() as session:
            made.append(count_segments(session))
            assert without_segments(session)
    # each time one chunk was committed, and what was written of the next is gone
    assert made == sorted(set(made))
    at_the_desk = ("before:desk.prepare", "after:desk.prepare", "before:desk.push", "after:desk.push")
    for moment in ("worked:select", "writing:select", *at_the_desk, "worked:push", "writing:push"):
        assert run_killed(killed, moment) == KILLED, moment
    assert run_killed(killed) == 0
    assert the_picture(killed) == pictures[0]

    # with pre-labels, which are shown
    for moment in ("worked:predict", "after:desk.push", "before:desk.publish", "after:desk.publish", "worked:push"):
        assert run_killed(killed, moment) == KILLED, moment
    assert run_killed(killed) == 0
    assert the_picture(killed) == pictures[1]


def test_a_round_that_looks_back_at_earlier_ones_picks_the_same_after_it_was_killed(
    tmp_path: Path, tiny_encoder: Path
) -> None:
    undisturbed = tmp_path / "undisturbed"
    settings = settings_for(tiny_encoder, selection={"size": 4, "strategy": "fluctuation"})
    with make_project(undisturbed, settings, pool=24, test=3) as project:
        project.round()
        project.round()
    killed = Path(shutil.copytree(undisturbed, tmp_path / "killed"))
    assert run_killed(undisturbed) == 0
    # the older model's predictions are deleted with the commit that ends the prediction
    for moment in ("worked:predict", "writing:predict", "after:predict", "writing:select"):
        assert run_killed(killed, moment) == KILLED
    assert run_killed(killed) == 0
    picture = the_picture(killed)
    assert picture == the_picture(undisturbed)
    assert all("over 2 rounds" in reason for _, _, _, reason in picture["picks"][2])


def test_a_round_that_is_killed_between_the_two_models_of_an_arm_trains_both(
    tmp_path: Path, tiny_encoder: Path
) -> None:
    undisturbed = tmp_path / "undisturbed"
    settings = settings_for(tiny_encoder, **RELATED | {"training": {"arms": ["rat", "none"], "min_steps": 3}})
    with make_project(undisturbed, settings, pool=20, test=3, records=related_records(23)) as project:
        project.round()
    killed = Path(shutil.copytree(undisturbed, tmp_path / "killed"))
    assert run_killed(undisturbed) == 0
    assert run_killed(killed, "before:train_relations") == KILLED
    (begun,) = (killed / "models").glob("trial-*")
    assert not has_relations(begun)
    assert run_killed(killed, "after:train_relations") == KILLED
    assert has_relations(begun)
    with Project.open(killed) as project, project.store.read() as session:
        assert models_of(session, 1) == {}
    assert run_killed(killed) == 0
    picture = the_picture(killed)
    assert picture == the_picture(undisturbed)
    assert all(sha256 is not None for *_, sha256 in picture["measured"].values())
