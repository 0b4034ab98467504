"""Every node is looked at before any work begins: a cluster of two real nodes, and nodes that lack something."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.commands import Outcome
from tests.support.ray_cluster import HEAD, ROOT, SECOND, TwoNodes

CHECK = """
import sys
from biorat_al.cluster.checks import check_nodes
from biorat_al.cluster.connection import connected
from biorat_al.cluster.needs import task_needs
from biorat_al.errors import ClusterError
from biorat_al.progress import SilentProgress
from biorat_al.settings import make_settings

class Said(SilentProgress):
    def say(self, text):
        print(text)

address, encoder, cluster = sys.argv[1], sys.argv[2], eval(sys.argv[3])
entities = [{"name": "Disease"}]
settings = make_settings({"name": "trial", "entities": entities, "encoder": {"name": encoder}, "cluster": cluster})
try:
    with connected(address or None, 1) as connection:
        needs = task_needs(connection, settings, 1)
        for node in check_nodes(connection, needs, [settings.encoder], Said()):
            print("fits:", node.name, node.places)
except ClusterError as error:
    print(error)
    sys.exit(1)
"""

SHADOW = """
import sys
from importlib.machinery import PathFinder

class Shadow:
    def find_spec(self, name, path=None, target=None):
        if name == "biorat_al":
            found = PathFinder.find_spec(name, [{place!r}])
            if found is None:
                raise ModuleNotFoundError(name)
            return found

sys.meta_path.insert(0, Shadow())
"""
"""Lets the processes of a node find the program in another folder than all others, or not at all."""


def check(cluster: TwoNodes, encoder: Path, wanted: str = "{}", address: str | None = None) -> Outcome:
    return cluster.run_script(CHECK, cluster.address if address is None else address, encoder, wanted)


def sentence(outcome: Outcome) -> str:
    assert outcome.code == 1, outcome
    *_, line = outcome.out.splitlines()
    assert "Traceback" not in outcome.out + outcome.err
    return line


@pytest.mark.slow(60)
def test_a_node_that_can_run_tasks_is_found_and_one_that_is_too_small_gets_none(
    two_nodes: TwoNodes, tiny_encoder: Path
) -> None:
    outcome = check(two_nodes, tiny_encoder)
    assert outcome.code == 0, outcome
    assert sorted(outcome.out.splitlines()) == [f"fits: {HEAD} 1", f"fits: {SECOND} 1"]
    line = sentence(check(two_nodes, tiny_encoder, '{"memory": 90000}'))
    assert line.startswith(f"no node of the Ray cluster at {two_nodes.address} is large enough (")
    assert f"{HEAD}: it has " in line
    assert line.count("GB of memory for tasks, and a task asks for 90000.0") == 2
    line = sentence(check(two_nodes, tiny_encoder, '{"gpus": 1}'))
    assert f"{SECOND}: it has 0 GPUs, and a task asks for 1" in line


@pytest.mark.slow(60)
def test_a_node_without_what_a_task_needs_is_named_before_any_work(
    two_nodes: TwoNodes, tiny_encoder: Path, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    site.mkdir()
    package = tmp_path / "package" / "biorat_al"
    environment = {"PYTHONPATH": f"{site}:{ROOT}"}

    def as_seen_from_a_node(place: Path, *options: str) -> Outcome:
        two_nodes.kill_node(SECOND)
        (site / "sitecustomize.py").write_text(SHADOW.format(place=str(place)), encoding="utf-8")
        two_nodes.start_node(SECOND, *options, **environment)
        return check(two_nodes, tiny_encoder)

    try:
        line = sentence(as_seen_from_a_node(tmp_path / "nowhere"))
        assert line.startswith(f"the node {SECOND} does not have biorat-al: install version ")
        shutil.copytree(ROOT / "biorat_al", package, ignore=shutil.ignore_patterns("__pycache__"))
        version = package / "version.py"
        version.write_text('__version__ = "0.0.9"\n', encoding="utf-8")
        assert f"the node {SECOND} has biorat-al 0.0.9, and this machine " in sentence(
            as_seen_from_a_node(package.parent)
        )
        shutil.copyfile(ROOT / "biorat_al" / "version.py", version)
        (package / "wording.py").write_text((package / "wording.py").read_text("utf-8") + "\n", encoding="utf-8")
        outcome = as_seen_from_a_node(package.parent, f"--memory={10**9}")
        # a node that is too small is not looked at
        assert outcome.out.splitlines()[1:] == [f"fits: {HEAD} 1"]
        assert outcome.out.startswith(
            f"The node {SECOND} gets no tasks: it has 1.0 GB of memory for tasks, and a task asks for 1.7"
        )
        assert sentence(as_seen_from_a_node(package.parent)).startswith(
            f"the node {SECOND} has other files of biorat-al "
        )
    finally:
        two_nodes.kill_node(SECOND)
        two_nodes.start_node(SECOND)
