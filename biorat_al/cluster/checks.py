"""Whether every node of a cluster has what a task needs, before any work begins."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from biorat_al.cluster.connection import Connected
from biorat_al.cluster.needs import TaskNeeds
from biorat_al.errors import BioratError, ClusterError
from biorat_al.progress import Progress
from biorat_al.settings.learning import EncoderSettings

_TIMEOUT = 300.0
"""Seconds in which every node has to start a worker and to load the encoders."""

_Facts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ClusterNode:
    """A node that can run tasks.

    :param id: Ray's id of it.
    :param name: its address, for messages.
    :param places: number of tasks that fit on it at once.
    """

    id: str
    name: str
    places: int


def check_nodes(
    connection: Connected, needs: TaskNeeds, encoders: Sequence[EncoderSettings], progress: Progress
) -> list[ClusterNode]:
    """Return the nodes that can run tasks, after a look at each from inside.

    A node must have this program and PyTorch in the same versions as this machine, and the same encoders: otherwise it
    would make other models. A node with too few cores, GPUs or bytes for a task gets none, and is named.

    :param encoders: the encoders that tasks load.
    :raises ClusterError: a node lacks something, or no node is large enough.
    :raises EncoderNotFoundError: this machine does not have an encoder itself.
    """
    nodes = _large_enough(connection, needs, progress)
    wanted = [(one.name, one.max_length) for one in encoders]
    look = _make_look()
    with progress.bar(f"Checking {connection.place}"):
        here = look(wanted, None)
        there = _ask(connection, nodes, look, wanted, here)
    for node in nodes:
        _compare(node.name, there[node.id], here, [name for name, _ in wanted])
    return nodes


def _large_enough(connection: Connected, needs: TaskNeeds, progress: Progress) -> list[ClusterNode]:
    """Return the nodes on which a task fits.

    :raises ClusterError: it fits on none.
    """
    fitting, lacking = [], []
    for node in connection.ray.nodes():
        if not node["Alive"]:
            continue
        name, resources = str(node["NodeManagerAddress"]), node["Resources"]
        reason = needs.lacking(resources)
        if reason is None:
            fitting.append(ClusterNode(node["NodeID"], name, needs.places(resources)))
        else:
            lacking.append((name, reason, resources))
    if not fitting:
        reasons = "; ".join(f"{name}: {reason}" for name, reason, _ in lacking)
        raise ClusterError(
            f"no node of {connection.place} is large enough ({reasons}): ask for less under [cluster] in the "
            "settings, or add a larger node"
        )
    for name, reason, resources in lacking:
        # a head node often has no cores for tasks, so that it has time for the others
        if resources.get("CPU"):
            progress.say(f"The node {name} gets no tasks: {reason}")
    return fitting


def _make_look() -> Callable[[list[tuple[str, int | None]], Mapping[str, Any] | None], _Facts]:
    """Return a function that looks at the machine on which it is called.

    It is sent to the nodes as it is, since a node may not have this module. So it imports what it needs by itself.
    """

    def look(encoders: list[tuple[str, int | None]], expected: Mapping[str, Any] | None) -> dict[str, Any]:
        import hashlib
        from pathlib import Path

        try:
            from biorat_al import version as program
            from biorat_al.errors import BioratError
        except ImportError:
            return {}
        facts: dict[str, Any] = {"version": program.__version__}
        folder = Path(program.__file__).parent
        digest = hashlib.sha256()
        for path in sorted(folder.rglob("*.py")):
            digest.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
        facts["files"] = digest.hexdigest()
        if expected is not None and (facts["version"], facts["files"]) != (expected["version"], expected["files"]):
            return facts
        from importlib.metadata import version

        from biorat_al.learner.encoder.encoder import resolve_encoder

        # the build for another device has the same version
        facts["torch"] = version("torch").partition("+")[0]
        facts["fingerprints"], facts["reasons"] = {}, {}
        for name, max_length in encoders:
            try:
                facts["fingerprints"][name] = resolve_encoder(name, max_length).fingerprint
            except BioratError as error:
                if expected is None:
                    raise
                facts["reasons"][name] = str(error)
        return facts

    return look


def _ask(
    connection: Connected,
    nodes: Sequence[ClusterNode],
    look: Callable[..., _Facts],
    encoders: list[tuple[str, int | None]],
    here: _Facts,
) -> dict[str, _Facts]:
    """Return what each node says of itself, by its id.

    :raises ClusterError: a node does not answer.
    """
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    ray = connection.ray
    remote = ray.remote(look)
    asked = {
        remote.options(
            num_cpus=0, max_retries=1, scheduling_strategy=NodeAffinitySchedulingStrategy(node.id, soft=False)
        ).remote(encoders, here): node
        for node in nodes
    }
    answered, silent = ray.wait(list(asked), num_returns=len(asked), timeout=_TIMEOUT)
    if silent:
        raise ClusterError(
            f"the node {asked[silent[0]].name} has not started a worker in {_TIMEOUT:.0f} seconds: see its log, in the "
            "folder of Ray's session there (/tmp/ray/session_latest/logs), or leave it out"
        )
    facts = {}
    for reference in answered:
        node = asked[reference]
        try:
            facts[node.id] = ray.get(reference)
        except BioratError:
            raise
        except Exception as error:  # whatever the node's libraries raise
            words = " ".join(str(error).split())[-300:]
            raise ClusterError(f"the node {node.name} cannot run a task: {words}") from error
    return facts


def _compare(name: str, there: _Facts, here: _Facts, encoders: Sequence[str]) -> None:
    """Check what a node says of itself.

    :raises ClusterError: it lacks something, or has it in another version.
    """
    if not there:
        raise ClusterError(
            f"the node {name} does not have biorat-al: install version {here['version']} there, in the environment "
            "from which Ray is started"
        )
    if there["version"] != here["version"]:
        raise ClusterError(
            f"the node {name} has biorat-al {there['version']}, and this machine {here['version']}: install the same "
            "version on both"
        )
    if there["files"] != here["files"]:
        raise ClusterError(
            f"the node {name} has other files of biorat-al {here['version']} than this machine: install the same state "
            "on both"
        )
    if there["torch"] != here["torch"]:
        raise ClusterError(
            f"the node {name} has PyTorch {there['torch']}, and this machine {here['torch']}: install the same version "
            "on both, since models would differ"
        )
    for encoder in encoders:
        if encoder in there["reasons"]:
            raise ClusterError(
                f"the node {name} does not have the encoder {encoder}: put it there under the same name. The reason "
                f"given: {there['reasons'][encoder]}"
            )
        if there["fingerprints"][encoder] != here["fingerprints"][encoder]:
            raise ClusterError(
                f"the encoder {encoder} of the node {name} is not the one of this machine: put the same files on both"
            )
