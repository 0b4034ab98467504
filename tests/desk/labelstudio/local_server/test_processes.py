"""Processes are told from others by when they began, and only ours are ended."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from biorat_al.desk.labelstudio.local_server import processes


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", "import time; print(flush=True); time.sleep(60)"], stdout=-1)
    assert process.stdout is not None
    process.stdout.readline()
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_process_is_known_by_when_it_began(sleeper: subprocess.Popen[bytes]) -> None:
    since = processes.begun(sleeper.pid)
    assert since is not None
    assert processes.begun(sleeper.pid) == since
    assert processes.is_running(sleeper.pid, since)
    assert processes.begun(os.getpid()) not in (None, since)


def test_a_process_that_began_at_another_time_is_another_and_left_alone(sleeper: subprocess.Popen[bytes]) -> None:
    assert not processes.is_running(sleeper.pid, "0")
    processes.end(sleeper.pid, "0")
    assert sleeper.poll() is None


def test_ended_means_ended_although_nobody_has_collected_it(sleeper: subprocess.Popen[bytes]) -> None:
    since = processes.begun(sleeper.pid)
    assert since is not None
    processes.end(sleeper.pid, since)
    assert processes.begun(sleeper.pid) is None
    processes.end(sleeper.pid, since)


def test_one_that_does_not_listen_is_ended_for_certain() -> None:
    program = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        since = processes.begun(process.pid)
        assert since is not None
        begin = time.monotonic()
        processes.end(process.pid, since, patience=0.3)
        assert time.monotonic() - begin < 30
        assert processes.begun(process.pid) is None


def test_no_such_process() -> None:
    assert processes.begun(2**22 + 1) is None


def test_a_port_is_free_or_it_is_not() -> None:
    port = processes.free_port()
    assert port is not None
    assert processes.free_port(port) == port
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        assert processes.free_port(port) is None
