"""An `init` that a signal interrupts leaves nothing or a complete project, and says which."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine.default import DefaultDialect

from biorat_al.errors import StoreError
from biorat_al.project import Project
from biorat_al.project.new_folder import INTENT, NewFolder
from tests.support.commands import call, everything_in
from tests.support.rounds import demo_files

MADE = {"biorat.toml", "biorat.sqlite3", "models", ".gitignore"}


def signalled_at(number: int, border: int, patches: pytest.MonkeyPatch) -> list[str]:
    """Send this process a signal at a border; return the list that fills with the borders that were passed."""
    passed: list[str] = []

    def passing(name: str) -> None:
        passed.append(name)
        if len(passed) == border + 1:
            os.kill(os.getpid(), number)

    def watch(place: Any, name: str) -> None:
        work = getattr(place, name)

        def watched(*arguments: Any, **options: Any) -> Any:
            passing(f"before {name}")
            result = work(*arguments, **options)
            passing(f"after {name}")
            return result

        patches.setattr(place, name, watched)

    for name in ("replace", "rename", "unlink", "rmdir", "mkdir"):
        watch(os, name)
    watch(DefaultDialect, "do_commit")
    return passed


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
@pytest.mark.parametrize(("there", "name"), [(False, "SIGHUP"), (True, "SIGINT")])
def test_a_signal_in_the_last_moments_of_init_does_not_leave_its_notes_in_the_project(
    tmp_path: Path, tiny_encoder: Path, there: bool, name: str
) -> None:
    number = int(getattr(signal, name))
    pool, test = demo_files(tmp_path / "files", pool=5, test=1)
    words = ["--documents", pool, "--test-documents", test, "--gold", "--desk", "oracle", "--encoder", tiny_encoder]
    labels = ["--entity", "Disease", "--entity", "Chemical"]
    outcomes = set()
    # every border, and one further, which is never reached
    for border in range(100):
        place = tmp_path / f"in-{border}" / "trial"
        place.parent.mkdir()
        if there:
            place.mkdir()
        before = everything_in(place.parent)
        with pytest.MonkeyPatch.context() as patches:
            passed = signalled_at(number, border, patches)
            outcome = call("init", place, *words, *labels)
        complete = {"trial", *(f"trial/{name}" for name in MADE)} == everything_in(place.parent)
        if outcome.code == 0:
            assert len(passed) <= border, "the signal was lost"
            assert complete
            break
        at = f"{border} of init, {passed[border]}: {outcome.err}"
        assert outcome.code == 128 + number, at
        outcomes.add(complete)
        if complete:
            assert outcome.err.strip() == (
                f"Interrupted. {place} is a complete project; go on there with: biorat-al round"
            ), at
            with Project.open(place) as project:
                assert project.status(ask_desk=False).documents == {"pool": 5, "test": 1}
        else:
            assert everything_in(place.parent) == before, at
            assert "Nothing is left half done: run the same command again" in outcome.err, at
    else:
        raise AssertionError("init has no end")
    assert outcomes == {False, True}


@pytest.mark.parametrize(
    ("committed", "left"),
    [
        (True, {"trial", "trial/biorat.toml"}),
        (False, set()),
        (None, {"trial", "trial/biorat.toml", f"trial/{INTENT}"}),
    ],
)
def test_a_connection_that_is_cut_at_the_commit_of_init_does_not_remove_a_project_that_the_server_has(
    tmp_path: Path, committed: bool | None, left: set[str]
) -> None:
    asked: list[str] = []

    def is_complete(place: Path, uid: str) -> bool:
        asked.append(uid)
        if committed is None:
            raise StoreError("the server does not answer")
        return committed

    def cut_off() -> None:
        with NewFolder(place, is_complete) as new:
            (new.staging / "biorat.toml").write_text("")
            new.publish("0123")
            raise StoreError("the connection was cut")

    place = tmp_path / "in" / "trial"
    place.parent.mkdir()
    with pytest.raises(StoreError, match="was cut"):
        cut_off()
    assert asked == ["0123"]
    assert everything_in(place.parent) == left
