"""Helpers that call the command line and look at what it leaves behind."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

import pytest

from biorat_al.cli import main

VARIABLES = ("LABEL_STUDIO_URL", "LABEL_STUDIO_API_KEY", "BIORAT_DATABASE_URL")

PUBTATOR = """\
1|t|Asthma is common.
1|a|Naloxone helps.
1\t0\t6\tAsthma\tDisease\tMESH:D001249
1\t18\t26\tNaloxone\tChemical\tMESH:D009270

2|t|Migraine is common.
2|a|Aspirin helps.
2\t0\t8\tMigraine\tDisease\tMESH:D008881

"""
"""Two documents with two diseases and a chemical."""


class Outcome(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


def call(*words: str | Path) -> Outcome:
    """Run a command in this process."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as leaving:
        main([str(word) for word in words])
    code = leaving.value.code
    assert isinstance(code, int)
    return Outcome(code, out.getvalue(), err.getvalue())


def call_process(*words: str | Path, cwd: Path | None = None, **environment: str) -> Outcome:
    """Run a command in a separate process whose output is not a terminal."""
    done = subprocess.run(
        [sys.executable, "-m", "biorat_al", *map(str, words)],
        capture_output=True,
        encoding="utf-8",
        cwd=cwd,
        env={**os.environ, **environment},
        timeout=300,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def one_sentence(outcome: Outcome, code: int = 1, *, after: str = "") -> str:
    """Check that a command failed with `code` and one line on standard error, and return that line.

    :param after: name of the last step of a round that was done before, and is on standard output; empty if none was.
    """
    assert outcome.code == code
    if after:
        done = [line.split()[0] for line in outcome.out.splitlines() if re.match(r"  \w", line)]
        assert done[-1:] == [after], outcome.out
    else:
        assert outcome.out == ""
    line = outcome.err
    assert line.count("\n") == 1, line
    assert "Traceback" not in line
    assert code == 3 or line.startswith("Error: ")
    return line.strip()


def everything_in(folder: Path) -> set[str]:
    """Return all paths in a folder, including hidden ones."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def be_quick(project: Path) -> None:
    """Shorten a project's training as a user would, by editing its settings."""
    file = project / "biorat.toml"
    text = file.read_text(encoding="utf-8")
    for before, after in (
        ("epochs = 3", "epochs = 1"),
        ("# min_steps = 450", "min_steps = 3"),
    ):
        assert before in text
        text = text.replace(before, after)
    file.write_text(text, encoding="utf-8")


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Provide an environment without server or database, and a working directory outside any project."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("BIORAT_HOME", str(tmp_path / "home"))
    place = tmp_path / "here"
    place.mkdir()
    monkeypatch.chdir(place)
    return place
