"""A Ray cluster of two nodes on this machine, in a network of its own in which only the loopback exists."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import psutil
import pytest

from tests.support.commands import Outcome

ROOT = Path(__file__).parent.parent.parent
HEAD, SECOND = "127.0.0.2", "127.0.0.3"
ADDRESS = f"{HEAD}:6379"

LIGHT = {
    # a process that Ray starts ahead lacks the environment variables of our workers, so that no task can use it
    "RAY_prestart_worker_first_driver": "0",
    "RAY_enable_worker_prestart": "0",
    "RAY_enable_metrics_collection": "0",
}
"""With this, Ray starts and does nothing that the tests do not need."""

MEGABYTE = 1_000_000
_SECONDS = 90


@dataclass
class Network:
    """A network in which nothing but the loopback exists.

    :param room: folder for logs, and for Ray's own files.
    :param inside: words before a command that let it run in the network.
    :param environment: of every process.
    """

    room: Path
    inside: Sequence[str]
    environment: dict[str, str]

    def start(self, *words: str | Path, **environment: str) -> subprocess.Popen[str]:
        """Start a command of the program on the head node, in a process of its own."""
        return subprocess.Popen(
            [*self.inside, sys.executable, "-m", "biorat_al", *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            env=self.environment | environment,
        )

    def run(self, *words: str | Path, **environment: str) -> Outcome:
        """Run a command of the program on the head node."""
        return ended(self.start(*words, **environment))

    def run_script(self, script: str, *words: str | Path, seconds: float = _SECONDS * 2) -> Outcome:
        """Run a script in Python on the head node, for at most this many seconds."""
        done = subprocess.run(
            [*self.inside, sys.executable, "-c", script, *map(str, words)],
            capture_output=True,
            encoding="utf-8",
            env=self.environment,
            timeout=seconds,
            check=False,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)


@dataclass
class TwoNodes(Network):
    """A cluster of a head node and, unless it was killed, a second node, each with one core for tasks.

    :param nodes: the process that has started each node, by its address.
    """

    nodes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """The head node's address."""
        return ADDRESS

    def start_node(self, host: str, *options: str, before: Sequence[str] = (), **environment: str) -> None:
        """Start a node, and wait until it has joined the cluster.

        :param options: of ``ray start``.
        :param before: words before the command, such as those of another command that calls it.
        :param environment: further environment variables of the node and its workers.
        """
        words = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--disable-usage-stats"]
        words += [f"--node-ip-address={host}", "--num-cpus=1", f"--object-store-memory={100 * MEGABYTE}"]
        words += ["--include-log-monitor=false"]
        if host == HEAD:
            words += ["--head", "--port=6379", "--include-dashboard=false", "--no-monitor", f"--temp-dir={self.room}"]
        else:
            words += [f"--address={ADDRESS}"]
        log = self.room / f"{host}-{len(list(self.room.glob('*.log')))}.log"
        with log.open("wb") as output:
            self.nodes[host] = subprocess.Popen(
                [*self.inside, *before, *words, *options],
                stdout=output,
                stderr=output,
                cwd=self.room,
                env=self.environment | environment,
            )
        until = time.monotonic() + _SECONDS
        while b"Ray runtime started" not in log.read_bytes():
            assert self.nodes[host].poll() is None, log.read_text("utf-8")
            assert time.monotonic() < until, log.read_text("utf-8")
            time.sleep(0.1)

    def kill_node(self, host: str) -> None:
        """Kill all processes of a node at once, as when the machine loses power."""
        kill_all(self.nodes.pop(host))

    def workers(self, host: str, name: str = "") -> list[psutil.Process]:
        """Return the processes of a node that run a task at the moment.

        :param name: only those of tasks with this in their names, which are the processes' titles.
        """
        found = []
        for process in psutil.Process(self.nodes[host].pid).children(recursive=True):
            try:
                title = " ".join(process.cmdline())
            except psutil.Error:
                continue
            if title.startswith("ray::") and name in title and not any(idle in title for idle in ("IDLE", "Agent")):
                found.append(process)
        return found


def ended(process: subprocess.Popen[str]) -> Outcome:
    """Wait for a command, and return how it ended."""
    try:
        out, err = process.communicate(timeout=_SECONDS * 2)
    except subprocess.TimeoutExpired:
        kill_all(process)
        out, err = process.communicate()
        raise AssertionError(f"the command does not end: {out}\n{err}") from None
    return Outcome(process.returncode, out, err)


def kill_all(process: subprocess.Popen[bytes] | subprocess.Popen[str]) -> None:
    """Kill a process and all that it has started."""
    try:
        below = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        below = []
    for one in (process, *below):
        try:
            os.kill(one.pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    process.wait()


@contextmanager
def private_network() -> Iterator[Network]:
    """Make a network for Ray; skip the test if there is no Ray, or if no network can be made."""
    if find_spec("ray") is None:
        pytest.skip("Ray is missing: pip install -e '.[cluster]'")
    # the paths of Ray's sockets must be short
    room = Path(tempfile.mkdtemp(prefix="ray", dir="/tmp"))
    token = room / "token"
    token.write_text("0" * 64, encoding="utf-8")
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(ROOT), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]).rstrip(":"),
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(token),
        # a lost node is noticed sooner
        "RAY_health_check_initial_delay_ms": "1000",
        "RAY_health_check_period_ms": "500",
        "RAY_health_check_timeout_ms": "2000",
        "RAY_health_check_failure_threshold": "4",
        # Ray's workers step back behind all other processes, and here there may be many
        "RAY_worker_niceness": "0",
        # all nodes are this machine: none is too full for a task
        "RAY_memory_monitor_refresh_ms": "0",
        "RAY_TMPDIR": str(room),
        "TMPDIR": str(room),
        **LIGHT,
    }
    holder, inside = _hold_network()
    try:
        yield Network(room, inside, environment)
    finally:
        kill_all(holder)
        shutil.rmtree(room, ignore_errors=True)


@contextmanager
def ray_settings() -> Iterator[None]:
    """Set the environment variables with which the program starts Ray on this machine in a test."""
    with pytest.MonkeyPatch.context() as patch:
        # otherwise Ray writes one to the user's home
        patch.setenv("RAY_AUTH_TOKEN", "0" * 64)
        for name, value in LIGHT.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="session")
def two_nodes() -> Iterator[TwoNodes]:
    """Return a running cluster; a test that kills its second node starts it again."""
    with private_network() as network:
        cluster = TwoNodes(network.room, network.inside, network.environment)
        try:
            cluster.start_node(HEAD)
            cluster.start_node(SECOND)
            yield cluster
        finally:
            for host in list(cluster.nodes):
                cluster.kill_node(host)


_HOLDER = """
import fcntl, os, socket, struct, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
    # SIOCGIFFLAGS and SIOCSIFFLAGS: bring the loopback up
    request = struct.pack("16sh14x", b"lo", 0)
    flags = struct.unpack("16sh14x", fcntl.ioctl(control, 0x8913, request))[1]
    fcntl.ioctl(control, 0x8914, struct.pack("16sh14x", b"lo", flags | 1))
print("up", flush=True)
sys.stdin.read()
"""
"""A process that keeps a network with a loopback alive until its input ends."""


def _hold_network() -> tuple[subprocess.Popen[bytes], list[str]]:
    """Make a network in which nothing but the loopback exists; return the process that keeps it, and how to enter it.

    Somebody who is not root gets it together with a user namespace.
    """
    as_user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    holder = subprocess.Popen(
        ["unshare", "--net", *as_user, sys.executable, "-c", _HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    if holder.stdout.readline() != b"up\n":
        kill_all(holder)
        pytest.skip("no network namespace can be made here (unshare --net)")
    user = [] if os.geteuid() == 0 else ["--user", "--preserve-credentials"]
    return holder, ["nsenter", f"--target={holder.pid}", "--net", *user, "--"]
