"""What can be wrong with a cluster's address is said in a sentence, and soon."""

from __future__ import annotations

import ast
import os
import socket
from dataclasses import replace
from importlib.util import find_spec
from types import SimpleNamespace
from typing import Any

import pytest

from biorat_al.cluster import connection
from biorat_al.cluster.connection import connected
from biorat_al.errors import ClusterError
from tests.support.ray_cluster import TwoNodes, private_network

CONNECT = """
import socket, sys
from biorat_al.cluster.connection import connected
from biorat_al.errors import ClusterError
exec(sys.argv[2])
try:
    with connected(sys.argv[1] or None, 1) as connection:
        print(eval(sys.argv[3]))
except ClusterError as error:
    print("refused:", error)
"""

LISTENERS = """
{
    row.split()[1].partition(":")[0]
    for name in ("tcp", "tcp6")
    for row in open("/proc/net/" + name).read().splitlines()[1:]
    if row.split()[3] == "0A"
}
"""
"""The addresses at which something listens, as Linux writes them in hexadecimal digits."""

LOOPBACK = {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}


def refused(address: str) -> str:
    with pytest.raises(ClusterError) as caught, connected(address, 1):
        pass
    return str(caught.value)


@pytest.mark.parametrize(
    "address", ["somewhere", "ray://10.0.0.1:10001", "10.0.0.1:", ":6379", "10.0.0.1:0", "h:99999"]
)
def test_what_is_no_address_is_refused_without_a_try(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "find_spec", lambda name: name)
    assert refused(address).startswith(
        f"{address} is not the address of a Ray cluster: give HOST:PORT of its head node"
    )


def test_an_address_where_nobody_answers_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "find_spec", lambda name: name)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert refused(f"127.0.0.1:{port}").startswith(
        f"no Ray cluster answers at 127.0.0.1:{port} (Connection refused): see whether the head node runs"
    )


def test_without_the_extra_the_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "find_spec", lambda name: None if name == "ray" else find_spec(name))
    assert refused("10.0.0.1:6379") == "Ray is not installed on this machine: pip install 'biorat-al[cluster]'"


def test_ray_that_does_not_start_here_is_not_taken_for_something_at_an_address() -> None:
    error = RuntimeError("Failed to connect to GCS. Please check the log.")
    assert connection._reason(error, None) == "Ray on this machine cannot be used: Failed to connect to GCS"
    assert connection._reason(error, "h:1").startswith("what answers at h:1 is not a Ray cluster")


@pytest.mark.slow(30)
def test_another_version_of_ray_is_refused(two_nodes: TwoNodes) -> None:
    outcome = two_nodes.run_script(CONNECT, two_nodes.address, "import ray; ray.__version__ = '2.9.1'", "''")
    (line,) = outcome.out.splitlines()
    assert line.startswith(
        f"refused: the Ray cluster at {two_nodes.address} has another version of Ray or Python: Ray "
    )
    assert ", Ray 2.9.1 with Python 3" in line
    assert line.endswith("here; install the same versions on all machines")


@pytest.mark.slow(40)
def test_a_machine_that_is_no_node_is_told_to_join(two_nodes: TwoNodes) -> None:
    # Ray looks for the node among the processes of the machine, and here it sees none of them
    elsewhere = replace(
        two_nodes, inside=[*two_nodes.inside, "unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
    )
    outcome = elsewhere.run_script(CONNECT, two_nodes.address, "''", "''")
    assert outcome.out.startswith(
        f"refused: this machine is no node of the Ray cluster at {two_nodes.address}: call the command on one that is"
    ), outcome


@pytest.mark.slow(30)
def test_something_else_that_listens_there_is_no_cluster(two_nodes: TwoNodes) -> None:
    serve = "server = socket.create_server(('127.0.0.1', 7777))"
    outcome = two_nodes.run_script(CONNECT, "127.0.0.1:7777", serve, "''")
    assert outcome.out.startswith("refused: what answers at 127.0.0.1:7777 is not a Ray cluster"), outcome


@pytest.mark.slow(30)
def test_a_wrong_token_is_refused(two_nodes: TwoNodes) -> None:
    change = "import os; os.environ.pop('RAY_AUTH_TOKEN_PATH'); os.environ['RAY_AUTH_TOKEN'] = '1' * 64"
    outcome = two_nodes.run_script(CONNECT, two_nodes.address, change, "''")
    assert outcome.out.startswith(
        f"refused: the Ray cluster at {two_nodes.address} refused this machine's token: copy the file"
    ), outcome


@pytest.mark.slow(30)
def test_ray_on_this_machine_listens_on_the_loopback_only() -> None:
    with private_network() as network:
        outcome = network.run_script(CONNECT, "", "''", LISTENERS.strip())
    listeners = ast.literal_eval(outcome.out)
    assert len(listeners & LOOPBACK) >= 1
    assert listeners - LOOPBACK == set(), outcome


def test_nothing_is_reported_to_rays_makers_while_the_connection_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "1")
    seen: list[str | None] = []

    def noted(*_: object) -> Any:
        seen.append(os.environ.get("RAY_USAGE_STATS_ENABLED"))
        return SimpleNamespace(shutdown=noted)

    monkeypatch.setattr(connection, "_initialised", noted)
    with connected(None, 1):
        noted()
    assert seen == ["0", "0", "0"]
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "1"
