"""Every node is looked at before any work begins: a cluster of two real nodes, and nodes that lack something."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.support.encoders import make_tiny_encoder
from tests.support.ray_cluster import HEAD, ROOT, SECOND, TwoNodes

CHECKS = """
import json, sys
from pathlib import Path
from biorat_al.cluster.checks import check_nodes
from biorat_al.cluster.connection import connected
from biorat_al.cluster.needs import task_needs
from biorat_al.errors import ClusterError
from biorat_al.progress import SilentProgress
from biorat_al.settings import make_settings

class Said(SilentProgress):
    def __init__(self, lines):
        self.lines = lines

    def say(self, text):
        self.lines.append(text)

address, place, connections = sys.argv[1], Path(sys.argv[2]), json.loads(sys.argv[3])
entities = [{"name": "Disease"}]
found = []
for folder, questions in connections:
    place.write_text(folder)
    with connected(address, 1) as connection:
        for encoder, cluster in questions:
            values = {"name": "trial", "entities": entities, "encoder": {"name": encoder}, "cluster": cluster}
            settings, lines = make_settings(values), []
            try:
                needs = task_needs(connection, settings, 1)
                for node in check_nodes(connection, needs, [settings.encoder], Said(lines)):
                    lines.append(f"fits: {node.name} {node.places}")
            except ClusterError as error:
                lines.append(f"error: {error}")
            found.append(lines)
print(json.dumps(found))
"""
"""Checks the nodes once for each question. Each connection has new workers, which look for the program again."""

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


@pytest.mark.slow(25)
def test_every_node_is_found_and_one_that_lacks_something_is_named_before_any_work(
    two_nodes: TwoNodes, tiny_encoder: Path, tmp_path: Path
) -> None:
    site, place = tmp_path / "site", tmp_path / "place"
    site.mkdir()
    (site / "sitecustomize.py").write_text(SHADOW.format(file=str(place)), encoding="utf-8")
    earlier, changed = tmp_path / "earlier", tmp_path / "changed"
    for folder in (earlier, changed):
        shutil.copytree(ROOT / "biorat_al", folder / "biorat_al", ignore=shutil.ignore_patterns("__pycache__"))
    (earlier / "biorat_al" / "version.py").write_text('__version__ = "0.0.9"\n', encoding="utf-8")
    with (changed / "biorat_al" / "version.py").open("a", encoding="utf-8") as file:
        file.write("\n")
    absent, other = tmp_path / "absent", tmp_path / "other"
    for folder in (absent, other):
        shutil.copytree(tiny_encoder, folder)
    narrow = make_tiny_encoder(tmp_path / "narrow", hidden=16)
    # other mounts than the rest of the machine: one encoder is not there, and one is another
    mounts = f'mount -t tmpfs none {absent} && mount --bind {narrow} {other} && exec "$@"'
    # a little more than a third of what a task asks for if nothing is set
    little = {"memory": 0.5}
    # so that the head node is not asked
    two_cores = little | {"cpus": 2}
    tiny = str(tiny_encoder)
    two_nodes.kill_node(SECOND)
    two_nodes.start_node(
        SECOND,
        f"--memory={6 * 10**8}",
        "--num-cpus=2",
        before=["unshare", "--mount", "sh", "-c", mounts, "sh"],
        PYTHONPATH=f"{site}:{ROOT}",
    )
    connections: list[tuple[str, list[tuple[str, dict[str, object]]]]] = [
        (str(ROOT), [(tiny, {}), (tiny, little), (str(absent), little), (str(other), little)]),
        (str(tmp_path / "nowhere"), [(tiny, two_cores)]),
        (str(earlier), [(tiny, two_cores)]),
        (str(changed), [(tiny, two_cores)]),
    ]
    try:
        outcome = two_nodes.run_script(CHECKS, two_nodes.address, place, json.dumps(connections), seconds=500)
    finally:
        two_nodes.kill_node(SECOND)
        two_nodes.start_node(SECOND)
    assert outcome.code == 0, outcome
    assert "Traceback" not in outcome.err
    (too_small, fits), all_fit, *lacking = json.loads(outcome.out)
    assert too_small.startswith(f"The node {SECOND} gets no tasks: it has 0.6 GB of memory for tasks, and a task asks ")
    assert fits == f"fits: {HEAD} 1"
    assert sorted(all_fit) == [f"fits: {HEAD} 1", f"fits: {SECOND} 1"]
    one_core = f"The node {HEAD} gets no tasks: it has 1 cores for tasks, and a task asks for 2"
    beginnings = [
        [f"error: the node {SECOND} does not have the encoder {absent}: "],
        [f"error: the encoder {other} of the node {SECOND} is not the one of this machine"],
        [one_core, f"error: the node {SECOND} does not have biorat-al: install version "],
        [one_core, f"error: the node {SECOND} has biorat-al 0.0.9, and this machine "],
        [one_core, f"error: the node {SECOND} has other files of biorat-al "],
    ]
    for said, expected in zip(lacking, beginnings, strict=True):
        assert [line[: len(start)] for line, start in zip(said, expected, strict=True)] == expected
