"""Connect to a Ray cluster, or start Ray on this machine for the time of a command."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from biorat_al.errors import ClusterError

AUTO = "auto"
"""The address that stands for the cluster of which this machine is a node."""

_TIMEOUT = 5.0
"""Seconds in which the head node has to accept a connection."""

_QUIET = {"RAY_USAGE_STATS_ENABLED": "0"}
"""With this, Ray reports nothing to its makers."""

_ALONE = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_worker_niceness": "0"}
"""With this, Ray's processes listen on the loopback only (Ray does so by itself on the two systems in the first name),
and its workers do not step back behind all other processes of the machine."""

_SOON = {
    "RAY_gcs_server_port_wait_time_s": "1",
    "RAY_py_gcs_connect_timeout_s": "10",
}
"""One try of some 10 seconds to speak with the head node, which has accepted a connection before."""


@dataclass(frozen=True, slots=True)
class Connected:
    """A Ray cluster that this process is connected to.

    :param ray: the module `ray`.
    :param address: the address for messages; None: Ray was started for this process.
    """

    ray: Any
    address: str | None

    @property
    def place(self) -> str:
        """Where the cluster is, for messages."""
        return "Ray on this machine" if self.address is None else f"the Ray cluster at {self.address}"


@contextmanager
def connected(address: str | None, threads: int) -> Iterator[Connected]:
    """Connect to the cluster at `address`; the workers of this process end with the connection.

    :param address: ``HOST:PORT`` of the head node, or ``auto``; None starts Ray on this machine.
    :param threads: number of threads of each task. Libraries read it when a worker starts.
    :raises ClusterError: Ray is not installed, does not answer, or has another version.
    """
    if find_spec("ray") is None:
        raise ClusterError("Ray is not installed on this machine: pip install 'biorat-al[cluster]'")
    if address is not None:
        _check_address(address)
    # Ray Data asks at each dataset whether it may report
    with _environment(_QUIET):
        ray = _initialised(address, threads)
        try:
            yield Connected(ray, address)
        finally:
            ray.shutdown()


def _initialised(address: str | None, threads: int) -> Any:
    """Connect, or start Ray; return the module.

    :raises ClusterError: Ray does not answer, or has another version.
    """
    with _environment(_ALONE if address is None else _SOON | _authentication()), _silent():
        import ray

        options: dict[str, Any] = {"address": address}
        if address is None:
            options = {"address": "local", "include_dashboard": False, "_node_ip_address": "127.0.0.1"}
        try:
            ray.init(
                **options,
                log_to_driver=False,
                logging_level=logging.CRITICAL,
                runtime_env={"env_vars": _workers_environment(threads)},
            )
        except Exception as error:  # Ray raises whatever its parts raise
            raise ClusterError(_reason(error, address)) from error
        return ray


def _workers_environment(threads: int) -> dict[str, str]:
    """Return environment variables of all workers: threads, and whether an encoder may be downloaded."""
    passed = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
    values = {name: os.environ[name] for name in passed if name in os.environ}
    return {"OMP_NUM_THREADS": str(threads), **values}


def _authentication() -> dict[str, str]:
    """Return what makes Ray use the user's token, if there is one: with an explicit address, it would not look for it.

    A cluster that asks for no token takes one all the same.
    """
    if "RAY_AUTH_MODE" in os.environ:
        return {}
    places = (os.environ.get("RAY_AUTH_TOKEN_PATH"), Path.home() / ".ray" / "auth_token")
    has_token = "RAY_AUTH_TOKEN" in os.environ or any(place and Path(place).is_file() for place in places)
    return {"RAY_AUTH_MODE": "token"} if has_token else {}


def _check_address(address: str) -> None:
    """Check that an address can be one, and that something accepts connections there.

    :raises ClusterError: it cannot, or nothing does.
    """
    if address == AUTO:
        return
    host, colon, port = address.rpartition(":")
    if not colon or not host or "/" in address or not (port.isdecimal() and 0 < int(port) < 65536):
        raise ClusterError(
            f"{address} is not the address of a Ray cluster: give HOST:PORT of its head node, such as 10.0.0.1:6379, "
            "or auto, on a machine that is a node of the cluster"
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_TIMEOUT).close()
    except OSError as error:
        reason = error.strerror or str(error)
        raise ClusterError(
            f"no Ray cluster answers at {address} ({reason}): see whether the head node runs (ray status), and whether "
            "this is its address"
        ) from error


def _reason(error: Exception, address: str | None) -> str:
    """Return why Ray could not be reached or started, in a sentence."""
    text = " ".join(f"{error} {error.__cause__ or ''}".split())
    place = "Ray on this machine" if address is None else f"the Ray cluster at {address}"
    if "Version mismatch" in text:
        there, here = text.partition("This process on")[::2]
        return (
            f"{place} has another version of Ray or Python: {_versions(there)} there, {_versions(here)} here; install "
            "the same versions on all machines"
        )
    if "AuthToken" in text or type(error).__name__ == "AuthenticationError":
        return (
            f"{place} refused this machine's token: copy the file ~/.ray/auth_token of the head node to the same place "
            "here, or set RAY_AUTH_TOKEN"
        )
    if address == AUTO and isinstance(error, ConnectionError):
        return "this machine is no node of a running Ray cluster: start one with ray start, or give its address"
    if "No node info found" in text:
        return (
            f"this machine is no node of the Ray cluster at {address}: call the command on one that is, or let this "
            f"machine join first (ray start --address={address})"
        )
    if "GCS" in text and address is not None:
        return (
            f"what answers at {address} is not a Ray cluster, or not one of this version of Ray: give the address of "
            "its head node, HOST:PORT as ray start prints it"
        )
    return f"{place} cannot be used: {(text.partition('. ')[0] or type(error).__name__)[:300]}"


def _versions(text: str) -> str:
    """Return the versions in Ray's message on them: ``Ray 2.60.0 with Python 3.11.7``."""
    words = text.split()
    found = [words[words.index(name) + 1] for name in ("Ray:", "Python:") if name in words[:-1]]
    return " with ".join(f"{name} {version}" for name, version in zip(("Ray", "Python"), found, strict=False))


@contextmanager
def _silent() -> Iterator[None]:
    """Drop what libraries write to standard error: Ray logs each try to connect, and the reason is in our sentence."""
    kept = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Set environment variables for a while."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
