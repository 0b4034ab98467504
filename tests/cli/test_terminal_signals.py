"""Whoever asks a command to end gets what Ctrl-C gives: soon, in a sentence, and nothing is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.commands import call

WRITES = """
import sys, time
from pathlib import Path
from biorat_al.cli import main
from biorat_al.corpus import convert as module
from biorat_al.claims import claimed
from biorat_al.files import replacing, replacing_folder

def convert(paths, out, **options):
    with claimed(out, force=False), replacing_folder(out) as folder, replacing(out.parent / "file") as file:
        (folder / "half").touch()
        file.touch()
        print("begun", flush=True)
        time.sleep(60)

module.convert_corpus = convert
main(["convert", sys.argv[1], sys.argv[2], "--to", "brat"])
"""


def ended_by(number: int, folder: Path, *, ignored: bool = False) -> subprocess.CompletedProcess[str]:
    """Send a signal to a command that is writing."""
    (folder / "in.txt").write_text("Gout.", encoding="utf-8")
    script = f"import signal; signal.signal({number}, signal.SIG_IGN)\n{WRITES}" if ignored else WRITES
    command = [sys.executable, "-c", script, str(folder / "in.txt"), str(folder / "out")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    began = time.monotonic()
    process.send_signal(number)
    if ignored:
        time.sleep(0.5)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert time.monotonic() - began < 5
    return subprocess.CompletedProcess(command, process.returncode, out, err)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_ends_a_command_and_leaves_nothing(tmp_path: Path, name: str) -> None:
    number = getattr(signal, name)
    done = ended_by(number, tmp_path)
    assert done.returncode == 128 + number
    assert done.stderr.strip().startswith("Interrupted.")
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["in.txt"]


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
def test_a_command_that_is_to_outlive_its_terminal_does(tmp_path: Path) -> None:
    assert ended_by(signal.SIGHUP, tmp_path, ignored=True).returncode == 128 + signal.SIGINT


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["round"], "What is finished is kept: run the same command again to go on."),
        (["export", "out", "--project", "round"], "Nothing is left half done: run the same command again, it starts"),
        (["demo"], "If the demo's project is already made, go on in its folder with: biorat-al round."),
    ],
)
def test_what_to_do_after_an_interruption_is_true_of_the_command(
    words: list[str], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("biorat_al.project.Project.open", interrupted)
    monkeypatch.setattr("biorat_al.demo.run.run_demo", interrupted)
    outcome = call(*words)
    assert outcome.code == 130
    assert f"Interrupted. {told}" in outcome.err


ENDS_LATE = """
import os, sys
from pathlib import Path
from biorat_al.cli import main
from biorat_al import files

place = files._place

def and_interrupted(temporary, path):
    place(temporary, path)
    os.kill(os.getpid(), int(sys.argv[3]))

files._place = and_interrupted
main(["convert", sys.argv[1], sys.argv[2], "--to", "jsonl"])
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_an_interruption_after_the_file_was_written_does_not_ask_to_write_it_again(tmp_path: Path, name: str) -> None:
    (tmp_path / "in.txt").write_text("Gout.", encoding="utf-8")
    out = tmp_path / "out.jsonl"
    words = [sys.executable, "-c", ENDS_LATE, tmp_path / "in.txt", out, str(int(getattr(signal, name)))]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 128 + getattr(signal, name)
    assert done.stderr.strip() == f"Interrupted. {out} is complete all the same."
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.txt", "out.jsonl"]
