"""A disk without room, in each command that writes: which place it was, what to do, and that doing so helps."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from biorat_al import disk
from biorat_al.corpus.formats.registry import FORMATS
from tests.support.commands import call, everything_in, nowhere
from tests.support.rounds import demo_files
from tests.support.trials import old

resource = pytest.importorskip("resource", reason="this system has no limit on the size of files")

__all__ = ["nowhere", "old"]

WRITABLE = sorted(known.name for known in FORMATS if known.can_write)


@pytest.fixture(autouse=True)
def _outside(nowhere: Path) -> None:
    """No test of this file may find a server, a database or a project by itself."""


@pytest.fixture
def project(old: Path, tmp_path: Path) -> Path:
    """Return a project with two rounds, which may be changed."""
    return Path(shutil.copytree(old, tmp_path / "project"))


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return files with the documents of a pool and of a test set."""
    return demo_files(tmp_path_factory.mktemp("documents"), pool=12, test=3)


@contextmanager
def no_file_above(size: int) -> Iterator[None]:
    """Limit the size of every file that this process and its children write, as a full disk would."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def command(name: str, place: Path, project: Path, documents: tuple[Path, Path], encoder: Path) -> list[str | Path]:
    """Return the words of a command that writes to `place`, or into the project."""
    pool, test = documents
    labels = ["--entity", "Disease", "--entity", "Chemical"]
    if name.startswith("convert "):
        return ["convert", pool, place, "--to", name.removeprefix("convert ")]
    return {
        "init": [
            "init", place, "--documents", pool, "--test-documents", test, "--gold", "--desk", "oracle", *labels,
            "--encoder", encoder,
        ],
        "round": ["round", "--project", project],
        "export": ["export", place, "--project", project],
        "export jsonl": ["export", place, "--format", "jsonl", "--project", project],
        "report": ["report", "--project", project, "--output", place],
        "predict": ["predict", pool, "--output", place, "--project", project],
        "simulate": [
            "simulate", "--documents", pool, "--test-documents", test, *labels, "--encoder", encoder, "--output", place,
            "--rounds", "1", "--seeds", "1", "--arm", "none", "--strategy", "random", "--workers", "1",
            "--set", "training.epochs=1", "--set", "training.min_steps=3",
        ],
    }[name]  # fmt: skip


COMMANDS = ["init", "round", "export", "export jsonl", "report", "predict", *(f"convert {name}" for name in WRITABLE)]


@pytest.mark.parametrize("size", [0, 20_000, 300_000])
@pytest.mark.slow
@pytest.mark.parametrize("name", [*COMMANDS, "simulate"])
def test_what_could_not_be_written_is_named_and_the_same_command_helps(
    name: str, size: int, project: Path, documents: tuple[Path, Path], tiny_encoder: Path, tmp_path: Path
) -> None:
    place = tmp_path / "new"
    words = command(name, place, project, documents, tiny_encoder)
    with no_file_above(size):
        outcome = call(*words)
    if outcome.code == 0:
        assert size > 0
        return
    assert outcome.code == 1
    told = outcome.err.strip().splitlines()[-1]
    assert told.startswith("Error: ")
    assert str(project if name == "round" else place.parent) in told
    assert "ulimit -f" in told
    assert " are free" in told
    # a simulation goes on where it stopped
    assert name == "simulate" or not {path for path in everything_in(tmp_path) if path.startswith(("new", ".new"))}
    assert call(*words).code == 0


@pytest.mark.slow
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in ("init", "round")])
def test_a_disk_that_fills_up_in_the_last_instant_is_named(
    name: str,
    number: int,
    project: Path,
    documents: tuple[Path, Path],
    tiny_encoder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place = tmp_path / "new"
    words = command(name, place, project, documents, tiny_encoder)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(number, os.strerror(number))))
        outcome = call(*words)
    assert outcome.code == 1
    expected = {errno.ENOSPC: "the disk is full: ", errno.EDQUOT: "your quota on the disk at /", errno.EROFS: "only be"}
    assert f"{place}" in outcome.err
    assert expected[number] in outcome.err
    assert not {path for path in everything_in(tmp_path) if path.startswith(("new", ".new"))}


def test_an_error_without_a_name_is_not_blamed_on_a_disk_that_has_room(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def full(*arguments: object, **options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("biorat_al.project.Project.open", full)
    told = call("status", "--project", tmp_path).err
    assert "a disk is full, and not one that this program knows of" in told
    monkeypatch.setattr(disk, "ROOM", 10**18)
    assert "something could not be written: the disk is full: " in call("status", "--project", tmp_path).err


def test_a_disk_without_inodes_is_told_apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    about = os.statvfs(tmp_path)

    class Full:
        f_files, f_favail = about.f_files or 1, 0

    monkeypatch.setattr(os, "statvfs", lambda path: Full)
    assert "takes no further files (its inodes are used up)" in disk.no_room(tmp_path / "not" / "there")
