"""One process at a time writes to a name, and nothing that has appeared there meanwhile is replaced."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from biorat_al import files
from biorat_al.claims import claimed, temporary_name, uninterrupted
from biorat_al.errors import CorpusError, LockedError
from biorat_al.files import replacing, replacing_folder
from tests.support.processes import forked


def hidden(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name.startswith("."))


def dies_while_claiming(path: Path, force: bool, written: bool) -> None:
    with claimed(path, force=force):
        if written:
            with replacing(path) as temporary:
                temporary.write_text("whole")
        else:
            with replacing(path) as temporary:
                temporary.write_text("ha")
                os.kill(os.getpid(), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)


def dies_between_two_renames(folder: Path, last: str) -> None:
    files.swapped = lambda one, other: False
    rename = os.replace

    def deadly(one: Any, other: Any) -> None:
        rename(one, other)
        if Path(one).name == last or Path(other).name == last:
            os.kill(os.getpid(), signal.SIGKILL)

    os.replace = deadly
    with replacing_folder(folder) as new:
        (new / "file").write_text("new")


def waits_in_a_claim(path: Path, entered: Any) -> None:
    with claimed(path, force=True):
        entered.set()
        time.sleep(60)


def killed(target: Callable[..., None], *arguments: Any) -> None:
    process = forked.Process(target=target, args=arguments)
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL


@pytest.mark.parametrize("force", [False, True])
def test_a_second_process_is_kept_out_of_a_name_before_it_works(tmp_path: Path, force: bool) -> None:
    entered = forked.Event()
    process = forked.Process(target=waits_in_a_claim, args=(tmp_path / "out", entered))
    process.start()
    try:
        assert entered.wait(60)
        with (
            pytest.raises(LockedError, match=r"another process is writing .*out; wait for it to end"),
            claimed(tmp_path / "out", force=force),
        ):
            pass
        with claimed(tmp_path / "other", force=force):
            pass
    finally:
        process.kill()
        process.join()
    with claimed(tmp_path / "out", force=force):
        pass
    assert hidden(tmp_path) == []


@pytest.mark.parametrize("at_once", [True, False])
def test_a_file_that_appears_meanwhile_is_not_overwritten_without_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: bool
) -> None:
    if not at_once:
        monkeypatch.setattr(files, "moved", lambda one, other: False)
    target = tmp_path / "out.txt"
    with (  # noqa: PT012
        pytest.raises(CorpusError, match=r"has appeared under this name meanwhile.*--force"),
        claimed(target, force=False),
        replacing(target) as temporary,
    ):
        temporary.write_text("mine")
        target.write_text("theirs")
    assert target.read_text() == "theirs"
    with claimed(target, force=True), replacing(target) as temporary:
        temporary.write_text("mine")
    assert target.read_text() == "mine"
    target.unlink()
    with claimed(target, force=False), replacing(target) as temporary:
        temporary.write_text("new")
    assert target.read_text() == "new"
    assert hidden(tmp_path) == []


def test_a_file_gets_its_name_where_a_second_one_cannot_be_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*ignored: Any) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(files, "moved", lambda one, other: False)
    monkeypatch.setattr(os, "link", no_links)
    target = tmp_path / "out.txt"
    with claimed(target, force=False), replacing(target) as temporary:
        temporary.write_text("new")
    assert target.read_text() == "new"
    with pytest.raises(CorpusError, match="meanwhile"), claimed(target, force=False), replacing(target) as temporary:
        temporary.write_text("newer")
    assert target.read_text() == "new"


def test_a_folder_that_appears_meanwhile_is_not_overwritten_without_force(tmp_path: Path) -> None:
    target = tmp_path / "out"
    with pytest.raises(CorpusError, match="meanwhile"), claimed(target, force=False), replacing_folder(target) as new:  # noqa: PT012
        (new / "file").write_text("mine")
        target.mkdir()
        (target / "theirs").touch()
    assert [path.name for path in target.iterdir()] == ["theirs"]
    shutil.rmtree(target)
    target.mkdir()
    with claimed(target, force=False), replacing_folder(target) as new:
        (new / "file").write_text("mine")
    assert [path.name for path in target.iterdir()] == ["file"]
    assert hidden(tmp_path) == []


def test_what_killed_processes_leave_is_removed_by_the_next_command(tmp_path: Path) -> None:
    killed(dies_while_claiming, tmp_path / "out", False, False)
    assert len(hidden(tmp_path)) == 2
    with claimed(tmp_path / "out", force=False) as claim, replacing(tmp_path / "out") as temporary:
        assert claim.cut_off
        assert not (tmp_path / "out").exists()
        temporary.write_text("whole")
    assert hidden(tmp_path) == []


def test_what_living_processes_are_at_work_on_is_left_alone(tmp_path: Path) -> None:
    mine = temporary_name(tmp_path / "out")
    theirs = tmp_path / mine.name.replace(f"-{os.getpid()}-", f"-{os.getppid()}-")
    elsewhere = tmp_path / ".out.00000000-999999-0123abcd.partial"
    for path in (theirs, elsewhere):
        path.touch()
    with replacing(tmp_path / "out") as temporary, replacing(tmp_path / "out") as second:
        for path in (temporary, second):
            path.touch()
    assert hidden(tmp_path) == sorted([theirs.name, elsewhere.name])


def test_a_command_that_was_killed_after_it_had_written_is_told_apart(tmp_path: Path) -> None:
    killed(dies_while_claiming, tmp_path / "out", False, True)
    with claimed(tmp_path / "out", force=False) as claim:
        assert claim.cut_off
    with claimed(tmp_path / "out", force=False) as claim:
        assert not claim.cut_off, "it has been told once"
    killed(dies_while_claiming, tmp_path / "out", True, False)
    with claimed(tmp_path / "out", force=False) as claim:
        assert not claim.cut_off, "what is there is older"
    assert (tmp_path / "out").read_text() == "whole"


@pytest.mark.parametrize("last", ["old", "new"])
def test_a_kill_between_two_renames_leaves_a_whole_folder_for_the_next_command(tmp_path: Path, last: str) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "file").write_text("old")
    killed(dies_between_two_renames, folder, last)
    assert folder.exists() == (last == "new")
    with claimed(folder, force=False):
        assert (folder / "file").read_text() == "new"
    assert hidden(tmp_path) == []


def test_a_claim_makes_the_folders_above_and_removes_those_that_stay_empty(tmp_path: Path) -> None:
    with pytest.raises(KeyError), claimed(tmp_path / "a" / "b" / "out", force=False, parents=True):
        raise KeyError
    assert list(tmp_path.iterdir()) == []
    with claimed(tmp_path / "a" / "b" / "out", force=False, parents=True):
        (tmp_path / "a" / "b" / "out").touch()
    assert (tmp_path / "a" / "b" / "out").exists()


def test_a_process_that_is_cut_off_while_it_claims_leaves_what_the_one_before_had_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "out"
    lock = tmp_path / ".out.claim"
    lock.write_text("new")
    target.write_text("complete")
    seen = []
    monkeypatch.setattr(os, "ftruncate", lambda *_: seen.append(lock.read_text()))
    with claimed(target, force=False) as claim:
        seen.append(lock.read_text().strip())
        assert claim.cut_off
    assert seen == ["new"]


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
def test_an_interruption_while_a_claim_is_given_up_leaves_no_claim(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlink = os.unlink

    def interrupted(path: str, **options: object) -> None:
        monkeypatch.undo()
        os.kill(os.getpid(), signal.SIGINT)
        unlink(path, **options)

    with pytest.raises(KeyboardInterrupt), claimed(tmp_path / "out", force=False):
        monkeypatch.setattr(os, "unlink", interrupted)
    assert list(tmp_path.iterdir()) == []


def test_a_signal_that_another_thread_takes_waits_for_the_end_of_the_clean_up() -> None:
    stop, cleaned = threading.Event(), []
    other = threading.Thread(target=stop.wait)
    other.start()

    def clean_up() -> None:
        with uninterrupted():
            assert other.ident is not None
            signal.pthread_kill(other.ident, signal.SIGINT)
            for _ in range(20):
                time.sleep(0.01)
            cleaned.append(True)

    try:
        with pytest.raises(KeyboardInterrupt):
            clean_up()
    finally:
        stop.set()
        other.join()
    assert cleaned == [True]
