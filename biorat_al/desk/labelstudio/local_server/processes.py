"""Processes that outlive the program: whether they still run, and how to end them.

A process id alone is not enough, because the system reuses it for another program later. Together with the time at
which the process began it is unique, so this program never ends a process that it did not start.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

_PROC = Path("/proc")


def begun(pid: int) -> str | None:
    """Return when the process `pid` began, as the system writes it, or None if no such process runs.

    The text can only be compared with another from the same machine since its last start.
    """
    _reap(pid)
    stat = _PROC / str(pid) / "stat"
    if (_PROC / "self" / "stat").exists():
        try:
            # the program's name, in brackets, may itself contain blanks and brackets
            fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            # the first thread may have ended while others still hold the port
            ended = fields[0] in "ZX" and len(list((_PROC / str(pid) / "task").iterdir())) <= 1
        except OSError:
            return None
        return None if ended else fields[19]
    answer = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.split(maxsplit=1)
    return None if len(answer) < 2 or answer[0].startswith("Z") else answer[1].strip()


def is_running(pid: int, since: str) -> bool:
    """Return whether the process `pid` that began at `since` still runs."""
    return begun(pid) == since


def end(pid: int, since: str, patience: float = 10.0) -> None:
    """End the process `pid` that began at `since`: with SIGTERM, and after `patience` seconds with SIGKILL."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if not is_running(pid, since):
            return
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + patience
        while is_running(pid, since) and time.monotonic() < deadline:
            time.sleep(0.05)


def free_port(wanted: int | None = None) -> int | None:
    """Return the loopback port `wanted`, or None if it is taken; without `wanted`, return any free port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # the server binds in the same way: a port whose last connections have only just closed counts as free
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted or 0))
        except OSError:
            return None
        return int(probe.getsockname()[1])


def _reap(pid: int) -> None:
    """Collect the process if it is an ended child of ours; until then the system keeps its id in use."""
    with contextlib.suppress(OSError):
        os.waitpid(pid, os.WNOHANG)
