"""Every node is looked at before any work begins: a cluster of two real nodes, and nodes that lack something."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.commands import Outcome
from tests.support.encoders import make_tiny_encoder
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
            found = PathFinder.find_spec(name, [open({file!r}).read()])
            if found is None:
                raise ModuleNotFoundError(name)
            return found

sys.meta_path.insert(0, Shadow())
"""
"""Lets the processes of a node find the program in the folder that a file names, or not at all."""


def check(cluster: TwoNodes, encoder: Path, wanted: str = "{}") -> Outcome:
    return cluster.run_script(CHECK, cluster.address, encoder, wanted)


def sentence(outcome: Outcome) -> str:
    assert outcome.code == 1, outcome
    (line,) = outcome.out.splitlines()
    assert "Traceback" not in outcome.out + outcome.err
    return line


@pytest.mark.slow(20)
def test_every_node_that_can_run_tasks_is_found(two_nodes: TwoNodes, tiny_encoder: Path) -> None:
    outcome = check(two_nodes, tiny_encoder)
    assert outcome.code == 0, outcome
    assert sorted(outcome.out.splitlines()) == [f"fits: {HEAD} 1", f"fits: {SECOND} 1"]


@pytest.mark.slow(60)
def test_a_node_that_lacks_something_is_named_before_any_work(
    two_nodes: TwoNodes, tiny_encoder: Path, tmp_path: Path
) -> None:
    site, file, package = tmp_path / "site", tmp_path / "place", tmp_path / "package" / "biorat_al"
    site.mkdir()
    (site / "sitecustomize.py").write_text(SHADOW.format(file=str(file)), encoding="utf-8")
    shutil.copytree(ROOT / "biorat_al", package, ignore=shutil.ignore_patterns("__pycache__"))
    absent, other = tmp_path / "absent", tmp_path / "other"
    for folder in (absent, other):
        shutil.copytree(tiny_encoder, folder)
    narrow = make_tiny_encoder(tmp_path / "narrow", hidden=16)
    # other mounts than the rest of the machine: one encoder is not there, and one is another
    mounts = f'mount -t tmpfs none {absent} && mount --bind {narrow} {other} && exec "$@"'
    # a little more than a third of what a task asks for if nothing is set
    little = '{"memory": 0.5}'
    two_nodes.kill_node(SECOND)
    two_nodes.start_node(
        SECOND,
        f"--memory={6 * 10**8}",
        before=["unshare", "--mount", "sh", "-c", mounts, "sh"],
        PYTHONPATH=f"{site}:{ROOT}",
    )
    try:
        file.write_text(str(tmp_path / "nowhere"), encoding="utf-8")
        too_small, fits = check(two_nodes, tiny_encoder).out.splitlines()
        assert too_small.startswith(
            f"The node {SECOND} gets no tasks: it has 0.6 GB of memory for tasks, and a task asks "
        )
        assert fits == f"fits: {HEAD} 1"
        line = sentence(check(two_nodes, tiny_encoder, little))
        assert line.startswith(f"the node {SECOND} does not have biorat-al: install version ")

        file.write_text(str(package.parent), encoding="utf-8")
        version = package / "version.py"
        version.write_text('__version__ = "0.0.9"\n', encoding="utf-8")
        line = sentence(check(two_nodes, tiny_encoder, little))
        assert line.startswith(f"the node {SECOND} has biorat-al 0.0.9, and this machine ")
        version.write_text((ROOT / "biorat_al" / "version.py").read_text("utf-8") + "\n", encoding="utf-8")
        line = sentence(check(two_nodes, tiny_encoder, little))
        assert line.startswith(f"the node {SECOND} has other files of biorat-al ")

        file.write_text(str(ROOT), encoding="utf-8")
        line = sentence(check(two_nodes, absent, little))
        assert line.startswith(f"the node {SECOND} does not have the encoder {absent}: ")
        line = sentence(check(two_nodes, other, little))
        assert line.startswith(f"the encoder {other} of the node {SECOND} is not the one of this machine")
    finally:
        two_nodes.kill_node(SECOND)
        two_nodes.start_node(SECOND)
