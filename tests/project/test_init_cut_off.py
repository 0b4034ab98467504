"""An `init` that is killed leaves a way out; two at a time do not make one project of two."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL

from biorat_al.corpus.sources import Sources
from biorat_al.errors import LockedError, ProjectError
from biorat_al.project import Project, creation
from biorat_al.project.new_folder import INTENT, NewFolder
from biorat_al.store.database.engine import DATABASE_VARIABLE, open_engine
from tests.support.commands import call, everything_in, one_sentence
from tests.support.processes import forked
from tests.support.rounds import demo_files, settings_for

Make = Callable[[Path], Project]
MADE = {"biorat.toml", "biorat.sqlite3", "models", ".gitignore"}


def init(place: Path, encoder: Path, **changes: Any) -> Project:
    pool, test = demo_files(place.parent.parent / "files", pool=5, test=1)
    return Project.init(place, settings_for(encoder, **changes), Sources([pool], [test], gold=True))[0]


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def killed_init(place: Path, encoder: Path, moment: str, environment: dict[str, str], changes: dict[str, Any]) -> None:
    """Make a project and die: while documents are read, at the n-th rename, or just before the confirmation."""
    os.environ.update(environment)
    if moment == "reading":
        creation.fill = lambda *_, **__: die()
    elif moment == "confirming":
        NewFolder.__exit__ = lambda *_: die()  # type: ignore[method-assign]
    elif moment == "published":
        publish = NewFolder.publish

        def and_die(self: NewFolder, uid: str) -> None:
            publish(self, uid)
            die()

        NewFolder.publish = and_die  # type: ignore[method-assign]
    else:
        rename, left = Path.rename, [int(moment)]

        def deadly(self: Path, target: Any) -> Path:
            if not left[0]:
                die()
            left[0] -= 1
            return rename(self, target)

        Path.rename = deadly  # type: ignore[method-assign]
    init(place, encoder, **changes)


def kill(place: Path, encoder: Path, moment: str, **changes: Any) -> None:
    process = forked.Process(target=killed_init, args=(place, encoder, moment, dict(os.environ), changes))
    process.start()
    process.join(120)
    assert process.exitcode == -signal.SIGKILL


@pytest.mark.slow
@pytest.mark.parametrize(
    ("moment", "there"),
    [("reading", False), ("0", False), ("reading", True), ("0", True), ("1", True), ("2", True), ("3", True)],
)
def test_an_init_that_was_killed_is_run_again(tmp_path: Path, tiny_encoder: Path, moment: str, there: bool) -> None:
    place = tmp_path / "in" / "trial"
    place.parent.mkdir()
    if there:
        place.mkdir()
    kill(place, tiny_encoder, moment)
    with init(place, tiny_encoder) as project:
        assert project.status(ask_desk=False).documents == {"pool": 5, "test": 1}
    assert everything_in(place.parent) == {"trial", *(f"trial/{name}" for name in MADE)}


@pytest.mark.parametrize("there", [True, False])
def test_an_init_that_was_killed_when_all_was_done_says_so(tmp_path: Path, tiny_encoder: Path, there: bool) -> None:
    place = tmp_path / "in" / "trial"
    place.parent.mkdir()
    if there:
        place.mkdir()
    kill(place, tiny_encoder, "confirming")
    assert INTENT in everything_in(place)
    with pytest.raises(ProjectError, match=r"is a complete project: .* go on there with: biorat-al round"):
        init(place, tiny_encoder)
    assert everything_in(place.parent) == {"trial", *(f"trial/{name}" for name in MADE)}


def test_an_init_that_was_killed_after_all_was_done_is_told_where_to_go_on_and_leaves_no_claim(
    tmp_path: Path, tiny_encoder: Path
) -> None:
    place = tmp_path / "in" / "trial"
    place.parent.mkdir()
    init(place, tiny_encoder).close()
    (place.parent / ".trial.claim").write_text("new")
    with pytest.raises(ProjectError, match=r"it is a complete project; go on there with: biorat-al round"):
        init(place, tiny_encoder)
    assert everything_in(place.parent) == {"trial", *(f"trial/{name}" for name in MADE)}


@pytest.mark.parametrize("number", range(4))
def test_an_init_into_a_folder_that_is_interrupted_after_any_rename_leaves_nothing_there(
    tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    place = tmp_path / "in" / "trial"
    place.mkdir(parents=True)
    rename, left = Path.rename, [number]

    def interrupted(self: Path, target: Any) -> Path:
        moved = rename(self, target)
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        return moved

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        init(place, tiny_encoder)
    assert everything_in(place.parent) == {"trial"}


def test_an_init_that_is_interrupted_right_after_it_made_its_working_folder_leaves_none(
    tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in").mkdir()
    mkdir = Path.mkdir

    def interrupted(self: Path, *arguments: Any, **options: Any) -> None:
        mkdir(self, *arguments, **options)
        if ".init-" in self.name:
            raise KeyboardInterrupt

    monkeypatch.setattr(Path, "mkdir", interrupted)
    with pytest.raises(KeyboardInterrupt):
        init(tmp_path / "in" / "trial", tiny_encoder)
    assert everything_in(tmp_path / "in") == set()


@pytest.mark.slow
def test_a_project_whose_init_was_killed_at_the_end_can_be_used(tmp_path: Path, tiny_encoder: Path) -> None:
    place = tmp_path / "in" / "trial"
    place.parent.mkdir()
    kill(place, tiny_encoder, "confirming")
    with Project.open(place) as project:
        assert project.round().number == 0
    assert INTENT not in everything_in(place)


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.parametrize("there", [True, False])
def test_an_init_on_postgres_that_was_killed_before_its_commit_is_run_again(
    tmp_path: Path,
    tiny_encoder: Path,
    new_postgres_database: Callable[[], URL],
    monkeypatch: pytest.MonkeyPatch,
    there: bool,
) -> None:
    monkeypatch.setenv(DATABASE_VARIABLE, new_postgres_database().render_as_string(hide_password=False))
    place = tmp_path / "in" / "trial"
    place.parent.mkdir()
    if there:
        place.mkdir()
    elsewhere = {"database": {"url": "environment"}}
    kill(place, tiny_encoder, "published", **elsewhere)
    assert (place / "biorat.toml").is_file()
    assert "run the same biorat-al init again" in one_sentence(call("status", "--project", place))
    with init(place, tiny_encoder, **elsewhere) as project:
        assert project.status(ask_desk=False).documents == {"pool": 5, "test": 1}
    assert INTENT not in everything_in(place)


def test_a_second_init_in_the_same_folder_is_refused_before_it_reads_anything(
    tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "in" / "trial"
    place.parent.mkdir()
    fill = creation.fill
    seen = []

    def meanwhile(*arguments: Any, **options: Any) -> Any:
        process = forked.Process(target=other_init, args=(place, tiny_encoder, answer := forked.Queue()))
        process.start()
        seen.append(answer.get(timeout=120))
        process.join()
        return fill(*arguments, **options)

    monkeypatch.setattr(creation, "fill", meanwhile)
    with init(place, tiny_encoder) as project:
        assert project.settings.seed == 13
    (said,) = seen
    assert said.startswith("LockedError: another process is writing ")


def other_init(place: Path, encoder: Path, answer: Any) -> None:
    try:
        init(place, encoder, seed=7)
    except Exception as error:
        answer.put(f"{type(error).__name__}: {error}")
    else:
        answer.put("made")


@pytest.mark.postgres
def test_a_second_init_on_the_same_postgres_is_refused(
    tmp_path: Path,
    tiny_encoder: Path,
    new_postgres_database: Callable[[], URL],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = new_postgres_database()
    monkeypatch.setenv(DATABASE_VARIABLE, url.render_as_string(hide_password=False))
    (tmp_path / "in").mkdir()
    elsewhere = {"database": {"url": "environment"}}
    engine = open_engine(url)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"SELECT pg_advisory_lock({creation._INIT_LOCK})")
        with pytest.raises(LockedError, match="another init is making a project in the database"):
            init(tmp_path / "in" / "trial", tiny_encoder, **elsewhere)
    engine.dispose()
    assert everything_in(tmp_path / "in") == set()
    init(tmp_path / "in" / "trial", tiny_encoder, **elsewhere).close()


def init_at_the_same_time(
    place: Path, encoder: Path, environment: dict[str, str], meeting: str, together: Any, answers: Any
) -> None:
    """Make a project; wait for the other process at the lock, or, as behind a pool, without one where it would be."""
    os.environ.update(environment)
    owner, name = {"lock": (creation, "_alone"), "tables": (creation.Store, "create"), "row": (creation, "_added")}[
        meeting
    ]
    work = getattr(owner, name)
    if meeting != "lock":
        # a pool in front of the server may give each statement another session, so that the lock keeps nobody out
        creation._alone = lambda *_: nullcontext()  # type: ignore[assignment]

    def meet(*arguments: Any, **options: Any) -> Any:
        together.wait(120)
        return work(*arguments, **options)

    setattr(owner, name, meet)
    try:
        init(place, encoder, database={"url": "environment"})
    except BaseException as error:
        answers.put((place.name, f"{type(error).__name__}: {error}"))
    else:
        answers.put((place.name, "made"))


@pytest.mark.postgres
@pytest.mark.parametrize("meeting", ["lock", "tables", "row"])
def test_of_two_inits_at_the_same_time_on_one_postgres_one_is_made_and_the_other_says_so(
    tmp_path: Path,
    tiny_encoder: Path,
    new_postgres_database: Callable[[], URL],
    monkeypatch: pytest.MonkeyPatch,
    meeting: str,
) -> None:
    monkeypatch.setenv(DATABASE_VARIABLE, new_postgres_database().render_as_string(hide_password=False))
    (tmp_path / "in").mkdir()
    demo_files(tmp_path / "files", pool=5, test=1)
    together, answers = forked.Barrier(2), forked.Queue()
    processes = [
        forked.Process(
            target=init_at_the_same_time,
            args=(tmp_path / "in" / name, tiny_encoder, dict(os.environ), meeting, together, answers),
        )
        for name in ("one", "two")
    ]
    for process in processes:
        process.start()
    said = dict(answers.get(timeout=120) for _ in processes)
    for process in processes:
        process.join()
    (made,) = [name for name, text in said.items() if text == "made"]
    (refused,) = [text for text in said.values() if text != "made"]
    assert re.fullmatch(
        r"(LockedError: another init is making a project in|ProjectError: another init has made a project in|"
        r"ProjectError: the database \S+ holds the project 'trial' already;).*give each project its own database",
        refused,
    ), refused
    assert everything_in(tmp_path / "in") == {made, *(f"{made}/{name}" for name in MADE - {"biorat.sqlite3"})}
    with Project.open(tmp_path / "in" / made) as project:
        assert project.status(ask_desk=False).documents == {"pool": 5, "test": 1}
