"""Processes that compute beside this one."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from biorat_al.processes import computing_processes

_told = ""


def _set_up(first: str, second: str) -> None:
    global _told
    _told = first + second


def _state() -> tuple[str, int, str | None]:
    # the way in which Ctrl-C reaches all processes of a command
    os.kill(os.getpid(), signal.SIGINT)
    return _told, torch.get_num_threads(), os.environ.get("OMP_NUM_THREADS")


@pytest.mark.slow(10)
def test_a_process_is_set_up_leaves_ctrl_c_to_this_one_and_ends_in_the_middle_of_its_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    with computing_processes(1, 2, _set_up, "a", "b") as pool:
        assert pool.submit(_state).result() == ("ab", 2, "2")
        (process,) = multiprocessing.active_children()
        pool.submit(time.sleep, 3600)
    assert not process.is_alive()
    assert os.environ["OMP_NUM_THREADS"] == "7"


@pytest.mark.slow(10)
def test_a_script_that_starts_them_at_its_top_level_is_not_run_again(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import os\n"
        "from biorat_al.processes import computing_processes\n"
        "print('begun')\n"
        "with computing_processes(2, 1, len, ()) as pool:\n"
        "    assert os.getpid() not in pool.map(eval, ['__import__(\"os\").getpid()'] * 2)\n"
        "assert __file__ and 'script' in __file__\n",
        encoding="utf-8",
    )
    outcome = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert (outcome.returncode, outcome.stdout) == (0, "begun\n"), outcome.stderr
